/** What the rest of the program sees of links: one state per known branch, linked or not. */
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { ClockProblem } from '../certificates/dates.ts'
import type { Heard } from './announcements.ts'
import type { Link } from './link.ts'
import type { Peer } from './peers.ts'
import type { Suite } from './suites.ts'
import { type Trouble, WRONG_CHUNK } from './troubles.ts'

export type LinkState = {
  branch: BranchId
  name: string
  up: boolean
  /** When the link was opened, or lost; 0: there never was one. */
  since: Millis
  address?: string
  /** Whether we called. */
  initiator?: boolean
  suite?: Suite
  bytesIn: number
  bytesOut: number
  roundTripMs?: Millis
  clockOffsetMs?: Millis
  certificateNotAfter?: Millis
  /** The branch that issued it. */
  certificateIssuer?: BranchId
  lastError?: string
  /** A certificate was refused for its dates, with or by that branch. */
  clockProblem?: ClockProblem
  /** Who carries mail to it while it has no link, or a silent one: branches that see it. */
  over: BranchId[]
  /** Its last announcement, if that is fresh. */
  announced?: Heard
}

/** The state of one branch; `link` is its live one. */
export function linkState(
  peer: Peer,
  link: Link | undefined,
  more: { trouble: Trouble | undefined; over: BranchId[]; announced: Heard | undefined },
): LinkState {
  const { trouble, over, announced } = more
  const known = { branch: peer.branch, name: peer.name, over, ...optional({ announced }) }
  if (!link) {
    return {
      ...known,
      up: false,
      since: peer.lostAt ?? peer.heardAt ?? 0,
      bytesIn: 0,
      bytesOut: 0,
      ...optional({ address: peer.addresses[0], ...trouble }),
    }
  }
  const { address, roundTripMs, clockOffsetMs, bytesIn, bytesOut } = link
  return {
    ...known,
    up: true,
    since: link.openedAt,
    initiator: link.isInitiator,
    suite: link.suite,
    bytesIn,
    bytesOut,
    certificateNotAfter: link.certificate.notAfter,
    ...optional({ address, roundTripMs, clockOffsetMs, certificateIssuer: link.issuer }),
    ...(trouble?.lastError === WRONG_CHUNK ? { lastError: WRONG_CHUNK } : {}),
  }
}

/** Only what is there: absent and undefined are two things in this code. */
function optional<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** One word for the page of branches: a system's code, or why the handshake ended. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'reason' in error) return String(error.reason)
  if (error instanceof Error && 'code' in error) return String(error.code)
  return error instanceof Error ? error.message : String(error)
}
