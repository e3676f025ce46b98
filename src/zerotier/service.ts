/**
 * What the ZeroTier service of this machine says of itself: for the page of branches, only asked when somebody looks,
 * only read. It decides nothing: the service goes on saying "online" for minutes after the Internet is gone, so links
 * go by their own heartbeat. The token may do anything with that node; it goes into one header and nowhere else.
 */
import { fromUtf8 } from '../base/bytes.ts'
import { KIB, type Millis, SECOND } from '../base/units.ts'
import type { World } from '../world/world.ts'
import { parseAnswers, type ZeroTierNode } from './answers.ts'

export type ZeroTierState =
  | ({ kind: 'answers' } & ZeroTierNode)
  | { kind: 'away'; reason: 'not-running' | 'wrong-token' | 'silent' | 'other-answer' }

type AwayReason = Extract<ZeroTierState, { kind: 'away' }>['reason']

/** Where zerotier-one listens unless its local.conf says otherwise. */
const PORT = 9993
/** It answers from memory; somebody waits for a page. */
const ANSWER_MS_MAX: Millis = 2 * SECOND
/** A peer takes 1 KB: a network of a thousand members. */
const ANSWER_BYTES_MAX = 1024 * KIB
/** Whoever reloads the page again and again asks it this often. */
const KEPT_MS: Millis = 5 * SECOND

class Away extends Error {
  override name = 'Away'
  readonly reason: AwayReason

  constructor(reason: AwayReason) {
    super(`The ZeroTier service cannot be read: ${reason}`)
    this.reason = reason
  }
}

/** The state of the service, at most five seconds old. Never rejects. */
export function createZeroTier(
  { network, clock, log }: Pick<World, 'network' | 'clock' | 'log'>,
  token: string,
): () => Promise<ZeroTierState> {
  let kept: { at: Millis; state: Promise<ZeroTierState> } | undefined
  let told: AwayReason | undefined
  const ask = async (path: string): Promise<unknown> => {
    const { status, body } = await network.askLocal({
      ...{ port: PORT, path, headers: { 'x-zt1-auth': token } },
      ...{ timeoutMs: ANSWER_MS_MAX, bytesMax: ANSWER_BYTES_MAX },
    })
    if (status === 401 || status === 403) throw new Away('wrong-token')
    if (status !== 200) throw new Away('other-answer')
    return JSON.parse(fromUtf8(body))
  }
  const read = async (): Promise<ZeroTierState> => {
    try {
      const [status, networks, peers] = await Promise.all(['/status', '/network', '/peer'].map(ask))
      const node = parseAnswers({ status, networks, peers })
      told = undefined
      return { kind: 'answers', ...node }
    } catch (error) {
      const reason = awayReasonOf(error)
      if (told !== reason) log.warn('zerotier.unreadable', { reason })
      told = reason
      return { kind: 'away', reason }
    }
  }
  return () => {
    const now = clock.now()
    if (!kept || now - kept.at > KEPT_MS || now < kept.at) kept = { at: now, state: read() }
    return kept.state
  }
}

function awayReasonOf(error: unknown): AwayReason {
  if (error instanceof Away) return error.reason
  if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
    return 'not-running'
  if (error instanceof Error && error.message === 'ETIMEDOUT') return 'silent'
  return 'other-answer' // cut off, too long, no JSON, or of another shape
}
