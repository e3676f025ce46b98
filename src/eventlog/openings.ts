/** Taking in a feed's opening: whose it is, whether it is for us or to be carried, and its key, if we may read it. */
import { millisOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Branches } from './branches.ts'
import { isCarried, mayCarry } from './carrying.ts'
import type { Feeds } from './feeds.ts'
import type { OpeningResult } from './log.ts'
import type { Opening } from './opening.ts'
import { decodeOpening, feedIdOf, OPENING_DOMAIN } from './opening.ts'
import type { LogParts } from './parts.ts'
import { ProtocolError } from './protocol-error.ts'

type Parts = Pick<LogParts, 'self' | 'openKey' | 'rolledBack' | 'log' | 'carryBytesMax'> & {
  branches: Branches
  feeds: Feeds
}

/** Verifies an opening and stores the feed, unless its origin's identity has not arrived yet. */
export async function receiveOpening(
  parts: Parts,
  tx: Db,
  { peer, bytes }: { peer: BranchId; bytes: Uint8Array },
): Promise<OpeningResult> {
  const { opening, signedPart, signature } = decodeOpening(bytes)
  const id = feedIdOf(bytes)
  if (await parts.feeds.find(tx, id)) return 'known'
  if (opening.scope === 'self') throw new ProtocolError('A feed that is for nobody else')
  const origin = await parts.branches.find(tx, opening.origin)
  if (origin === undefined) return 'unknown-origin'
  if (!origin.verify(OPENING_DOMAIN, signedPart, signature)) {
    throw new ProtocolError('The signature of the feed opening is wrong')
  }
  if (await hasTwin(tx, opening)) {
    if (peer === opening.origin) throw new ProtocolError('A second feed of one boot and scope')
    // Whoever passes it on may hold the other one for the only one there is: it is left out, and the link goes on.
    parts.log.error('eventlog.fork', { origin: opening.origin, feed: id, peer })
    return 'not-taken'
  }
  if (isCarried(opening, parts.self)) {
    if (!(await mayCarry(parts, tx, opening))) return 'not-taken'
    await parts.feeds.insert(tx, { opening, bytes, key: null })
    return 'stored'
  }
  const key = keyOf(parts, opening)
  if (key === undefined) {
    if (peer === opening.origin)
      throw new ProtocolError('The feed key is not sealed to this branch')
    // Whoever carries it cannot see that.
    const { log } = parts
    log.error('eventlog.hidden-fault', { origin: opening.origin, feed: id, peer, rule: 'feed key' })
    return 'not-taken'
  }
  if (opening.origin === parts.self) await parts.rolledBack(tx, millisOf(opening.openedAt))
  await parts.feeds.insert(tx, { opening, bytes, key })
  return 'stored'
}

/** Null: it is not sealed; undefined: not to us. */
function keyOf({ self, openKey }: Parts, { sealed, destination }: Opening) {
  if (sealed === undefined) return null
  return openKey(destination === self ? sealed.destination : sealed.origin)
}

/** One boot writes one feed per scope and destination: a member must not fill our table with empty ones. */
async function hasTwin(tx: Db, opening: Opening): Promise<boolean> {
  const row = await tx
    .selectFrom('feed')
    .select('n')
    .where('origin', '=', opening.origin)
    .where('scope', '=', opening.scope)
    .where('incarnation', '=', opening.incarnation)
    .where('destination', 'is', opening.destination ?? null)
    .executeTakeFirst()
  return row !== undefined
}
