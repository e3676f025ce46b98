/**
 * 0601 evt.refused: a branch tells the origin of an event that it stored it and will not apply it, and why. It ends
 * up in table `refusal` and shows in the delivery story, so that nothing fails in silence.
 */
import { fromHex } from '../base/bytes.ts'
import { millisOf } from '../base/hlc.ts'
import type { BranchId, EventId } from '../base/ids.ts'
import { isId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { EventKind, LoggedEvent } from './events.ts'

export const REFUSED_CODE = 0x0601

export type Refused = { event: EventId; origin: BranchId; reason: string }

const REASON = /^[A-Za-z0-9-]{1,64}$/

/** A reason in the form that travels. */
export function reasonCode(reason: string): string {
  return reason.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 64) || 'unknown'
}

/** The kind, as this branch applies it. */
export function refusedKind(self: BranchId): EventKind<Refused> {
  return {
    code: REFUSED_CODE,
    name: 'evt.refused',
    scope: 'to',
    parse: parseRefused,
    // The refusing branch writes it, only the origin of what was refused may be told.
    refusal: async (_tx, { body, origin }) =>
      body.origin === self || origin === self ? undefined : 'not-ours',
    apply: (tx, event) => (event.origin === self ? Promise.resolve() : keepRefusal(tx, event)),
  }
}

function parseRefused(value: unknown): Refused {
  const { event, origin, reason } = value as Record<keyof Refused, unknown>
  const isWhole =
    typeof event === 'string' && isId(event) && typeof origin === 'string' && isId(origin)
  if (!isWhole || typeof reason !== 'string' || !REASON.test(reason)) {
    throw new TypeError('Not a refusal')
  }
  return { event: event as EventId, origin: origin as BranchId, reason }
}

async function keepRefusal(tx: Db, { body, origin, hlc }: LoggedEvent<Refused>): Promise<void> {
  const refused = await tx
    .selectFrom('event')
    .innerJoin('branch', 'branch.n', 'event.originN')
    .innerJoin('feed_entry', 'feed_entry.position', 'event.position')
    .innerJoin('feed', 'feed.n', 'feed_entry.feedN')
    .select('event.position')
    .where('event.id', '=', fromHex(body.event))
    .where('branch.id', '=', body.origin)
    // Only who was sent it can have refused it.
    .where((eb) => eb.or([eb('feed.scope', '=', 'all'), eb('feed.destination', '=', origin)]))
    .executeTakeFirst()
  // Lost with an older database of ours: then nobody can look at its story either.
  if (refused === undefined) return
  await tx
    .insertInto('refusal')
    .values({
      position: refused.position,
      branchId: origin,
      reason: body.reason,
      at: millisOf(hlc),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
