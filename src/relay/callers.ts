/**
 * Those who call: under the limits for strangers, through the handshake, and to what they came for: a link, joining
 * with an invitation, or renewing a certificate that ran out. Whoever fails hears nothing.
 */
import type { Store } from '../db/open.ts'
import type { Append } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Transport } from '../world/network.ts'
import type { Random } from '../world/random.ts'
import { type CredentialStore, findIssuer, type RelayKeys } from './credentials.ts'
import type { RelayKinds } from './events.ts'
import { endExchange, JOINING, RENEWING, received, sendWhole } from './exchange.ts'
import { FRAME } from './frames.ts'
import { answerHandshake, type Established, Refused } from './handshake.ts'
import { findJoinPsk, redeem, signedRequest } from './join.ts'
import type { LinkKeys } from './link-keys.ts'
import type { PeerSuites } from './peer-suites.ts'
import type { Renewals } from './renewals.ts'
import { Doorkeeper, type Limits, Replays } from './strangers.ts'

const SERIAL_BYTES = 16

type CallerParts = {
  store: Pick<Store, 'read' | 'writer'>
  append: Append
  kinds: RelayKinds
  keys: RelayKeys
  credentials: CredentialStore
  renewals: Renewals
  linkKeys: LinkKeys
  suites: PeerSuites
  clock: Clock
  random: Random
  log: Log
  limits?: Limits | undefined
  onLink(established: Established): void
  /** A caller was turned away with a reason. */
  onRefused(refused: Refused): void
}

export class Callers {
  readonly #parts: CallerParts
  readonly #doorkeeper: Doorkeeper
  readonly #replays = new Replays()
  /** Transports that are not links yet or never will be. */
  readonly #open = new Set<Transport>()

  constructor(parts: CallerParts) {
    this.#parts = parts
    this.#doorkeeper = new Doorkeeper(parts.log, parts.limits)
  }

  get halfOpen(): number {
    return this.#doorkeeper.halfOpen
  }

  /** Takes one transport from the listener. Never rejects. */
  async take(transport: Transport): Promise<void> {
    const { clock, log } = this.#parts
    const { remote } = transport
    if (!this.#doorkeeper.admit(remote, clock.now())) {
      transport.close(true)
      this.#doorkeeper.turnedAway('too-many', clock.now())
      return
    }
    this.#open.add(transport)
    const established = await this.#handshake(transport)
    this.#doorkeeper.done(remote)
    try {
      if (established) await this.#serve(established)
    } catch (error) {
      transport.close(true)
      log.warn('relay.exchange.failed', { kind: established?.kind, cause: error })
    } finally {
      this.#open.delete(transport)
    }
  }

  /** Drops everybody who is not a link yet. */
  dropAll(): void {
    for (const transport of this.#open) transport.close(true)
  }

  async #handshake(transport: Transport): Promise<Established | undefined> {
    const { clock, random, store, credentials, suites, log } = this.#parts
    try {
      const answering = {
        maySpeak: suites.maySpeak,
        kem: suites.kem,
        credentials: () => credentials.current(),
        joinPsk: (id: string) => findJoinPsk(store.read, id, this.#parts.keys),
        isReplay: (message1: Uint8Array) => this.#replays.isReplay(message1),
      }
      return await answerHandshake(transport, answering, { clock, random })
    } catch (error) {
      const reason = error instanceof Refused ? error.reason : 'handshake-failed'
      this.#doorkeeper.turnedAway(reason, clock.now())
      // A member, so it calls at its own pace, and an operator may have to say a word.
      if (reason === 'suite-refused' && error instanceof Refused && error.peer) {
        log.warn('relay.suite.refused', { peer: error.peer })
      }
      if (error instanceof Refused) this.#parts.onRefused(error)
      return undefined
    }
  }

  async #serve(established: Established): Promise<void> {
    if (established.kind === 'link') this.#parts.onLink(established)
    else if (established.kind === 'join') await this.#join(established)
    else await this.#renew(established)
  }

  async #join(established: Established): Promise<void> {
    const { store, append, kinds, keys, credentials, clock, random, log } = this.#parts
    const { joinId, transport } = established
    const request = signedRequest(await received(established, JOINING, clock), established)
    if (!request || joinId === undefined) return transport.close(true)
    const { chain: inviter, linkKeys } = credentials.current()
    const issuer = await findIssuer(store.read, {
      ...{ self: inviter.identity.branch, keys },
      now: clock.now(),
    })
    const [linkKey] = linkKeys
    if (!linkKey) throw new Error('Cannot let a branch in: there is no link key')
    const serial = random.bytes(SERIAL_BYTES)
    const now = clock.now()
    const answer = await store.writer.write((tx) =>
      redeem(tx, {
        ...{ joinId, request, issuer, inviter, linkKey, now, serial, append, kinds },
        isRevoked: credentials.current().trust.isRevoked,
      }),
    )
    log.info('relay.join.answered', { branch: request.branch })
    sendWhole(established, JOINING.answer, answer)
    endExchange(established, clock)
  }

  async #renew(established: Established): Promise<void> {
    const { renewals, linkKeys, clock } = this.#parts
    const { peer, handshakeHash, transport } = established
    if (!peer) return transport.close(true)
    const payload = await received(established, RENEWING, clock)
    const asking = { peer: peer.link.branch, handshakeHash }
    const linkKey = await linkKeys.toldTo(asking.peer)
    if (linkKey) sendWhole(established, FRAME.LINK_KEY, linkKey)
    sendWhole(established, RENEWING.answer, await renewals.answer(asking, payload))
    endExchange(established, clock)
  }
}
