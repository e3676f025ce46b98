/**
 * Carrying a stored event into the tables. A bad event never blocks its feed: what this program does not know, or
 * cannot apply yet, is parked and tried again; what its origin may not write, or nobody can read, is refused for
 * good, and its origin is told. Only a failing storage stops the whole batch.
 */
import { fromUtf8 } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { isOutOfService } from '../db/writer.ts'
import type { Log } from '../world/log.ts'
import type { Changes } from './changes.ts'
import type { EventState } from './entries.ts'
import type { EventKind, LoggedEvent } from './events.ts'
import { Parked } from './events.ts'
import type { EventHeader } from './format.ts'
import { SALT_BYTES } from './format.ts'
import type { Scope } from './opening.ts'
import { inSavepoint } from './savepoint.ts'

export type Outcome = { state: EventState; reason: string | null }

export const APPLIED: Outcome = { state: 'applied', reason: null }
/** Parked because this program does not know the kind: an upgrade replays it. */
export const UNKNOWN_KIND = 'unknown-kind'
/** Parked because applying it threw what nobody foresaw: a bug, replayed after the upgrade that mends it. */
export const FAILED = 'failed'

/** An event as it lies in its feed. */
type Arrived = {
  header: EventHeader
  origin: BranchId
  scope: Scope
  destination: BranchId | null
  arrivedAt: Millis
  /** salt16 + JSON; undefined when erased. */
  plain: Uint8Array | undefined
}

/** What can be said of an event before it is stored. */
type Understood =
  | { outcome: Outcome; kind?: never; event?: never }
  | { outcome?: never; kind: EventKind<unknown>; event: Omit<LoggedEvent, 'position'> }

export type Kinds = ReadonlyMap<number, EventKind<unknown>>

/** Reads an event: its kind, whether it may come in this feed, its body. */
export function understand(kinds: Kinds, arrived: Arrived): Understood {
  const { header, origin, arrivedAt, plain } = arrived
  if (plain === undefined) return { outcome: { state: 'erased', reason: null } }
  const kind = kinds.get(header.kind)
  if (kind === undefined) return { outcome: { state: 'parked', reason: UNKNOWN_KIND } }
  const problem = audienceProblem(arrived, kind)
  if (problem !== undefined) return { outcome: { state: 'refused', reason: problem } }
  try {
    const body = kind.parse(JSON.parse(fromUtf8(plain.subarray(SALT_BYTES))))
    const conversationId = kind.conversationOf?.(body)
    const { id, hlc, to } = header
    const event = { id, origin, kind: kind.name, body, hlc, arrivedAt, to, conversationId }
    return { kind, event }
  } catch {
    return { outcome: { state: 'refused', reason: 'malformed' } }
  }
}

function audienceProblem(arrived: Arrived, kind: EventKind<unknown>): string | undefined {
  const { scope, header } = arrived
  if ((scope === 'all') !== (kind.scope === 'all')) return 'wrong-scope'
  // Mail may come to branches that it did not name when it was written: its origin may `forward` it.
  return scope === 'all' && header.to.length > 0 ? 'wrong-audience' : undefined
}

type Parts = { changes: Changes; log: Log }

/** Checks who may write it and applies it, in a savepoint of its own; says what became of it. */
export async function applyEvent(
  { changes, log }: Parts,
  tx: Db,
  { kind, event }: { kind: EventKind<unknown>; event: LoggedEvent },
): Promise<Outcome> {
  let reason: string | undefined
  try {
    await inSavepoint(tx, changes, async () => {
      reason = await kind.refusal(tx, event)
      if (reason !== undefined) return
      await kind.apply(tx, event)
      changes.applied(event)
    })
  } catch (error) {
    return outcomeOf(error, event, log)
  }
  return reason === undefined ? APPLIED : { state: 'refused', reason }
}

function outcomeOf(error: unknown, event: LoggedEvent, log: Log): Outcome {
  if (isOutOfService(error)) throw error
  if (error instanceof Parked) return { state: 'parked', reason: error.reason }
  // A rule of the feature said no: foreseen, and the same for ever.
  if (error instanceof AppError && error.code !== 'unavailable') {
    return { state: 'refused', reason: error.detail ?? error.code }
  }
  log.error('eventlog.apply-failed', {
    event: event.id,
    origin: event.origin,
    kind: event.kind,
    cause: error,
  })
  return { state: 'parked', reason: FAILED }
}
