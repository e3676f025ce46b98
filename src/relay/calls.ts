/** Calling another branch: one transport, one handshake, and then a link, or a renewal when our certificate ran out. */
import type { BranchId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'
import type { Network } from '../world/network.ts'
import type { Random } from '../world/random.ts'
import { parseAddress } from './addresses.ts'
import type { CredentialStore } from './credentials.ts'
import { asked, RENEWING } from './exchange.ts'
import { FRAME } from './frames.ts'
import { dialHandshake, type Established, Refused, Unanswered } from './handshake.ts'
import type { LinkKeys } from './link-keys.ts'
import { firstAnswered, type PeerSuites } from './peer-suites.ts'
import type { Renewals } from './renewals.ts'
import type { Suite } from './suites.ts'

/** ZeroTier takes up to 6 s to find a path again after a long silence. */
const DIAL_MS_MAX: Millis = 10 * SECOND
/** Link keys tried, one each round, the newest first: the peer may not have heard of the last ones. */
const EPOCHS_TRIED = 4

type CallParts = {
  clock: Clock
  random: Random
  network: Network
  credentials: CredentialStore
  renewals: Renewals
  linkKeys: LinkKeys
  suites: PeerSuites
}

export type Call = { address: string; branch: BranchId | undefined; round: number }

/**
 * Opens a link; rejects with the reason. When our certificate ran out it is renewed first, over a call of its own; and
 * so it is when silence answers again and again: our link keys may be older than what opens links there.
 */
export async function called(call: Call, parts: CallParts): Promise<Established> {
  if (!parts.renewals.isExpired) {
    try {
      return await answered(call, 'link', parts)
    } catch (error) {
      if (!(error instanceof Unanswered) || call.round % 2 === 0) throw error
    }
  }
  await renew(call, parts)
  if (parts.renewals.isExpired) throw new Refused('link-expired')
  return await answered({ ...call, round: 0 }, 'link', parts)
}

async function renew(call: Call, parts: CallParts): Promise<void> {
  const { renewals, linkKeys, clock } = parts
  const established = await answered(call, 'renew', parts)
  const payload = renewals.request(established.handshakeHash)
  let told: Uint8Array | undefined
  const take = (linkKey: Uint8Array) => {
    told = linkKey
  }
  const beside = { type: FRAME.LINK_KEY, take }
  const answer = await asked(established, { ...RENEWING, payload, beside }, clock)
  if (told) await linkKeys.told(told)
  await renewals.accept(answer)
}

function answered(call: Call, kind: 'link' | 'renew', parts: CallParts): Promise<Established> {
  const suites = parts.suites.toCall(call.branch)
  return firstAnswered(suites, (suite) => handshake(call, { kind, suite }, parts))
}

async function handshake(
  { address, branch, round }: Call,
  how: { kind: 'link' | 'renew'; suite: Suite },
  { clock, random, network, credentials, suites }: CallParts,
): Promise<Established> {
  const transport = await network.dial(parseAddress(address), DIAL_MS_MAX)
  const { chain, noise, linkKeys, trust, branch: own } = credentials.current()
  const linkKey =
    how.kind === 'link'
      ? linkKeys[round % Math.min(EPOCHS_TRIED, linkKeys.length)]
      : linkKeys[Math.floor(round / 2) % linkKeys.length]
  if (!linkKey) throw new Refused('no-link-key')
  return await dialHandshake(
    {
      transport,
      preface: { ...how, epoch: linkKey.epoch },
      psk: linkKey.key,
      organisation: trust.organisation,
      noise,
      hello: chain,
      own,
      dialled: branch,
      trust,
      maySpeak: suites.maySpeak,
    },
    { clock, random },
  )
}
