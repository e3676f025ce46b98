/**
 * Both sides of opening a link: preface, three Noise messages, and the check of who is there. Nothing is ever sent to
 * somebody who has not shown the organisation's link key, and no reason to somebody who has not shown a certificate:
 * whatever is wrong, the transport is closed without a word. docs/protocol.md, section 2.
 */
import type { BranchId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import {
  type Chain,
  type ChainRefusal,
  decodeHello,
  encodeHello,
  HELLO_BYTES_MAX,
  type Trust,
  verifyHello,
} from '../certificates/chain.ts'
import { isByDates } from '../certificates/dates.ts'
import type { KeyPair, StoredLinkKey } from '../certificates/keys.ts'
import { servedKeys } from '../certificates/link-key.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Transport } from '../world/network.ts'
import type { Random } from '../world/random.ts'
import type { ReceivingCipher, SendingCipher } from './cipher.ts'
import { Messages } from './messages.ts'
import { KEM_SEED_BYTES } from './ml-kem.ts'
import type { Handshake, Kem } from './noise.ts'
import { decodePreface, encodePreface, PREFACE_BYTES, type Preface, prologue } from './preface.ts'
import { initiator, message1Bytes, message2BytesMax, responder, type Suite } from './suites.ts'

/** A stranger holds a half-open transport no longer than this. */
const MESSAGE_1_MS_MAX: Millis = 3 * SECOND
const HANDSHAKE_MS_MAX: Millis = 10 * SECOND
const NO_BYTES = new Uint8Array(0)

/** What this branch shows, and what it goes by, at this moment. */
export type Credentials = {
  branch: BranchId
  chain: Chain
  noise: KeyPair
  /** Newest epoch first. */
  linkKeys: readonly StoredLinkKey[]
  trust: Trust
}

/** Why a peer was turned away: for our log and the page of branches, never for the peer. */
type Refusal =
  | ChainRefusal
  | 'no-preface'
  | 'suite-refused'
  | 'no-link-key'
  | 'replayed'
  | 'invitation-unknown'

export class Refused extends Error {
  override name = 'Refused'
  readonly reason: Refusal
  /** Who it was, where a certificate has proved it. */
  readonly peer: BranchId | undefined
  /** What it showed, where everything but the dates is proved. */
  readonly outOfDate: Chain | undefined

  constructor(reason: Refusal, who: { peer?: BranchId; outOfDate?: Chain | undefined } = {}) {
    super(`The peer was turned away: ${reason}`)
    this.reason = reason
    this.peer = who.peer
    this.outOfDate = who.outOfDate
  }
}

/**
 * The line was made and not a byte came back: so does a branch that does not speak the suite of the
 * call, and so does whoever swallows what we send.
 */
export class Unanswered extends Error {
  override name = 'Unanswered'
  readonly reason: string

  constructor(suite: Suite, cause: unknown) {
    super('The call was met with silence', { cause })
    this.reason = suite === 1 ? 'no-answer' : 'no-answer-to-suite-2'
  }
}

/** A transport after its handshake. */
export type Established = {
  kind: Preface['kind']
  suite: Suite
  isInitiator: boolean
  messages: Messages
  transport: Transport
  send: SendingCipher
  receive: ReceivingCipher
  handshakeHash: Uint8Array
  remoteStatic: Uint8Array
  /** Who is there; undefined for a branch that joins and has no certificate yet. */
  peer: Chain | undefined
  joinId: string | undefined
}

type Doors = { clock: Clock; random: Random }

type Dialling = {
  transport: Transport
  preface: Preface
  psk: Uint8Array
  organisation: string
  noise: KeyPair
  /** Shown in message 3; a joining branch has none. */
  hello: Chain | undefined
  own: BranchId
  /** The branch that must answer; undefined at an address met for the first time. */
  dialled: BranchId | undefined
  trust: Trust
  maySpeak: MaySpeak
}

/** Whether a suite will do for links with a branch; undefined: with one that is not proved yet. */
type MaySpeak = (suite: Suite, branch: BranchId | undefined) => boolean

/**
 * The dialling side. Rejects with Refused, HandshakeFailed, Unanswered or TransportClosed; the transport is closed
 * then.
 */
export function dialHandshake(dialling: Dialling, { clock, random }: Doors): Promise<Established> {
  const { transport } = dialling
  return guarded(transport, clock, async () => {
    const messages = new Messages(transport)
    const { kind, suite } = dialling.preface
    const preface = encodePreface(dialling.preface)
    const noise = initiator(suite, {
      prologue: prologue(preface, dialling.organisation),
      psk: dialling.psk,
      staticKey: dialling.noise.secretKey,
      ephemeralKey: random.bytes(32),
      ...(suite === 2 ? { kemSeed: random.bytes(KEM_SEED_BYTES) } : {}),
    })
    messages.sendRaw(preface)
    messages.send(noise.writeMessage(NO_BYTES)) // -> psk, e (, e1)
    const message2 = await answer(messages, suite)
    const payload = noise.readMessage(message2) // <- e, ee (, ekem1), s, es
    const peer = judged(payload, noise, dialling)
    messages.send(noise.writeMessage(dialling.hello ? encodeHello(dialling.hello) : NO_BYTES)) // -> s, se
    return established(noise, {
      ...{ kind, suite },
      isInitiator: true,
      messages,
      transport,
      peer,
      joinId: undefined,
    })
  })
}

async function answer(messages: Messages, suite: Suite): Promise<Uint8Array> {
  try {
    return await messages.next(message2BytesMax(suite, HELLO_BYTES_MAX))
  } catch (error) {
    throw messages.received === 0 ? new Unanswered(suite, error) : error
  }
}

type Answering = {
  maySpeak: MaySpeak
  kem?: Kem | undefined
  credentials(): Credentials
  /** The psk of an invitation made here; undefined: there is none, and the caller hears nothing. */
  joinPsk(joinId: string): Promise<Uint8Array | undefined>
  /** Whether this message 1 was seen before; remembers it. */
  isReplay(message1: Uint8Array): boolean
}

/** The answering side: silent until message 1 has proved the link key. */
export function answerHandshake(
  transport: Transport,
  answering: Answering,
  { clock, random }: Doors,
): Promise<Established> {
  return guarded(transport, clock, async (limit) => {
    const messages = new Messages(transport)
    const cancel = limit(MESSAGE_1_MS_MAX)
    const prefaceBytes = (await messages.bytes(PREFACE_BYTES)).slice()
    const preface = decodePreface(prefaceBytes)
    if (!preface) throw new Refused('no-preface')
    const { kind, suite } = preface
    if (!answering.maySpeak(suite, undefined)) throw new Refused('suite-refused')
    const message1 = await messages.next(message1Bytes(suite))
    cancel()
    const credentials = answering.credentials()
    const noise = responder(suite, {
      prologue: prologue(prefaceBytes, credentials.trust.organisation),
      psk: await pskFor(preface, credentials, answering),
      staticKey: credentials.noise.secretKey,
      ephemeralKey: random.bytes(32),
      kem: answering.kem,
    })
    noise.readMessage(message1) // -> psk, e (, e1): a stranger fails here, before any work with keys
    // It passed the psk, so it was made by a member; but anybody who saw it can send it again.
    if (answering.isReplay(message1)) throw new Refused('replayed')
    messages.send(noise.writeMessage(encodeHello(credentials.chain))) // <- e, ee (, ekem1), s, es
    const message3 = await messages.next(message2BytesMax(suite, HELLO_BYTES_MAX))
    const payload = noise.readMessage(message3) // -> s, se
    const peer = kind === 'join' ? undefined : callerOf(payload, preface, noise, credentials)
    if (kind === 'join' && payload.length > 0) throw new Refused('malformed')
    refuseWeaker(suite, peer, answering)
    return established(noise, {
      ...{ kind, suite },
      isInitiator: false,
      messages,
      transport,
      peer,
      joinId: preface.kind === 'join' ? preface.joinId : undefined,
    })
  })
}

/** Who it is, is proved: a branch that has shown a stronger suite has no reason to use a weaker one. */
function refuseWeaker(
  suite: Suite,
  peer: Chain | undefined,
  { maySpeak }: { maySpeak: MaySpeak },
): void {
  const branch = peer?.link.branch
  if (!maySpeak(suite, branch)) {
    throw new Refused('suite-refused', branch === undefined ? {} : { peer: branch })
  }
}

async function pskFor(
  preface: Preface,
  { linkKeys, trust }: Credentials,
  answering: Answering,
): Promise<Uint8Array> {
  if (preface.kind === 'join') {
    const psk = await answering.joinPsk(preface.joinId)
    if (!psk) throw new Refused('invitation-unknown')
    return psk
  }
  // Older epochs only let a branch renew, and so learn the new one.
  const served = servedKeys(linkKeys, preface.kind, trust.now)
  const found = served.find(({ epoch }) => epoch === preface.epoch)
  if (!found) throw new Refused('no-link-key')
  return found.key
}

function callerOf(
  payload: Uint8Array,
  preface: Preface,
  noise: Handshake,
  { branch, trust }: Credentials,
): Chain {
  const remoteStatic = remoteStaticOf(noise)
  const verdict = verifyHello(payload, { remoteStatic, ownBranch: branch }, trust)
  if (verdict.ok) return verdict
  // Only its time ran out: it may ask for a renewal, and for nothing else.
  const chain = isByDates(verdict.reason) ? decodeHello(payload) : undefined
  if (chain && preface.kind === 'renew' && verdict.mayRenew) return chain
  throw new Refused(verdict.reason, { outOfDate: chain })
}

function judged(payload: Uint8Array, noise: Handshake, dialling: Dialling): Chain {
  const { own: ownBranch, dialled, trust } = dialling
  const remoteStatic = remoteStaticOf(noise)
  const verdict = verifyHello(payload, { remoteStatic, ownBranch, dialled }, trust)
  if (!verdict.ok) {
    const outOfDate = isByDates(verdict.reason) ? decodeHello(payload) : undefined
    throw new Refused(verdict.reason, { outOfDate })
  }
  refuseWeaker(dialling.preface.suite, verdict, dialling)
  return verdict
}

function remoteStaticOf(noise: Handshake): Uint8Array {
  if (!noise.remoteStatic) throw new TypeError('The static key comes before it is asked for')
  return noise.remoteStatic
}

function established(
  noise: Handshake,
  parts: Omit<Established, 'send' | 'receive' | 'handshakeHash' | 'remoteStatic'>,
): Established {
  const remoteStatic = remoteStaticOf(noise)
  return { ...parts, ...noise.split(), remoteStatic }
}

/** Runs a handshake under its time limits; whatever goes wrong closes the transport at once, without a word. */
async function guarded<T>(
  transport: Transport,
  clock: Clock,
  run: (limit: (ms: Millis) => Cancel) => Promise<T>,
): Promise<T> {
  const limit = (ms: Millis) => clock.after(ms, () => transport.close(true))
  const cancel = limit(HANDSHAKE_MS_MAX)
  try {
    return await run(limit)
  } catch (error) {
    transport.close(true)
    throw error
  } finally {
    cancel()
  }
}
