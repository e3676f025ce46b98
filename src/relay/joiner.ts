/**
 * The new branch's side of joining: it dials the addresses of its invitation with the psk of that invitation, asks, and
 * gets everything it needs to be a branch. Its keys are stored before the first dial: whatever breaks, asking again
 * with the same keys gets the same answer.
 */
import { AppError } from '../base/errors.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Chain } from '../certificates/chain.ts'
import {
  decodeInvitation,
  type Invitation,
  type InvitationRefusal,
  joinId,
  joinPsk,
} from '../certificates/invitation.ts'
import {
  type Joined,
  type JoinRefusal,
  joinRequest,
  parseJoinResponse,
  refusalOfJoined,
} from '../certificates/joining.ts'
import { type BranchKeys, generateBranchKeys, type KeyFiles } from '../certificates/keys.ts'
import type { Db } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Network } from '../world/network.ts'
import type { Random } from '../world/random.ts'
import { parseAddress } from './addresses.ts'
import { saveChain } from './credentials.ts'
import { admitBranch } from './events.ts'
import { asked, JOINING } from './exchange.ts'
import { dialHandshake, type Established } from './handshake.ts'
import { firstAnswered, type SpokenSuites, suitesOf } from './peer-suites.ts'
import { noteAddress } from './peers.ts'
import { joinIdText } from './preface.ts'
import type { Suite } from './suites.ts'

const DIAL_MS_MAX: Millis = 10 * SECOND

type JoinParts = {
  clock: Clock
  random: Random
  network: Network
  log: Log
  keys: Pick<KeyFiles, 'findBranchKeys' | 'saveBranchKeys'>
  suites: SpokenSuites
}

/** What a branch has after it was let in: `acceptJoin` writes the tables, the link key goes to the key files. */
type Admission = { joined: Joined; invitation: Invitation; keys: BranchKeys }

/**
 * Joins with the line as pasted; `addresses` are where this branch's relay will listen. Throws AppError whose `detail`
 * is a sentence of the language files.
 */
export async function joinOrganisation(
  parts: JoinParts,
  { line, addresses }: { line: string; addresses: readonly string[] },
): Promise<Admission> {
  const decoded = decodeInvitation(line, parts.clock.now())
  if (!decoded.ok) throw unusable(decoded.reason)
  const { invitation } = decoded
  const keys = storedKeys(parts)
  let last: unknown
  for (const address of invitation.addresses) {
    try {
      const payload = await ask(address, { invitation, keys, addresses }, parts)
      return { joined: judged(payload, { invitation, keys }, parts), invitation, keys }
    } catch (error) {
      if (error instanceof AppError) throw error
      parts.log.warn('relay.join.failed', { address, cause: error })
      last = error
    }
  }
  throw new AppError('unavailable', 'Cannot join: the inviting branch does not answer', {
    detail: 'invitation-unreachable',
    field: 'invitation',
    cause: last,
  })
}

/** Stored before dialling: an answer that is lost can be asked for again only with the same keys. */
function storedKeys({ keys, random }: JoinParts): BranchKeys {
  const known = keys.findBranchKeys()
  if (known) return known
  const drawn = generateBranchKeys((length) => random.bytes(length))
  keys.saveBranchKeys(drawn)
  return drawn
}

async function ask(
  address: string,
  {
    invitation,
    keys,
    addresses,
  }: { invitation: Invitation; keys: BranchKeys; addresses: readonly string[] },
  parts: JoinParts,
): Promise<Uint8Array> {
  const about = { invitation, keys }
  const established = await firstAnswered(suitesOf(parts.suites), (suite) =>
    dialled({ address, suite }, about, parts),
  )
  const payload = joinRequest(keys, established.handshakeHash, { addresses })
  return await asked(established, { ...JOINING, payload }, parts.clock)
}

async function dialled(
  { address, suite }: { address: string; suite: Suite },
  { invitation, keys }: { invitation: Invitation; keys: BranchKeys },
  { clock, random, network, suites }: JoinParts,
): Promise<Established> {
  const { organisation, secret } = invitation
  const transport = await network.dial(parseAddress(address), DIAL_MS_MAX)
  return await dialHandshake(
    {
      transport,
      preface: { suite, kind: 'join', joinId: joinIdText(joinId(secret)) },
      psk: joinPsk(secret),
      organisation,
      noise: keys.noise,
      hello: undefined,
      own: keys.branch,
      dialled: invitation.inviter,
      trust: { organisation, now: clock.now(), isRevoked: () => false },
      maySpeak: (each) => suitesOf(suites).includes(each),
    },
    { clock, random },
  )
}

function judged(
  payload: Uint8Array,
  about: { invitation: Invitation; keys: BranchKeys },
  { clock, log }: JoinParts,
): Joined {
  const response = parseJoinResponse(payload)
  if (response && !response.ok) throw refusedJoin(response.reason)
  const wrong = response
    ? refusalOfJoined(response, about, { now: clock.now(), isRevoked: () => false })
    : 'malformed'
  if (!response || wrong) {
    log.error('relay.join.wrong-answer', { reason: wrong })
    throw new AppError('unavailable', `Cannot join: the answer is wrong (${wrong})`, {
      field: 'invitation',
    })
  }
  return response
}

/** Writes what joining gave: both branches, the issuer, the chain, and where the inviter listens. */
export async function acceptJoin(tx: Db, { joined, invitation }: Admission): Promise<void> {
  const { issuer, identity, inviter } = joined
  await admitBranch(tx, { identity: inviter, issuer })
  await admitBranch(tx, { identity, issuer })
  await saveChain(tx, chainOf(joined))
  for (const address of invitation.addresses) {
    await noteAddress(tx, { address, branch: invitation.inviter })
  }
}

function chainOf({ issuer, identity, link }: Joined): Chain {
  return { issuer, identity, link }
}

function unusable(reason: InvitationRefusal): AppError {
  const detail = reason === 'expired' ? 'invitation-expired' : 'invitation-unusable'
  return new AppError('invalid-input', `Cannot join: the invitation is ${reason}`, {
    field: 'invitation',
    detail,
  })
}

const DETAILS: Partial<Record<JoinRefusal, string>> = {
  used: 'invitation-used',
  expired: 'invitation-expired',
}

function refusedJoin(reason: JoinRefusal): AppError {
  const detail = DETAILS[reason] ?? 'invitation-unusable'
  return new AppError('conflict', `Cannot join: the inviter says "${reason}"`, {
    field: 'invitation',
    detail,
  })
}
