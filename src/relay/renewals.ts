/**
 * Certificates of links live ten days and are renewed at half of it, over any live link whose peer may issue, or by
 * ourselves when we may. Each renewal has a new Noise key, stored before it is asked for; the links of the old one live
 * on until they are replaced. docs/protocol.md, section 6.
 */
import { equal } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, HOUR, type Millis, SECOND } from '../base/units.ts'
import { type Issuer, isDueForRenewal, issueLinkCertificate } from '../certificates/certificate.ts'
import { type Chain, verifyChain } from '../certificates/chain.ts'
import { type KeyPair, x25519KeyPair } from '../certificates/keys.ts'
import {
  isRenewalSigned,
  parseRenewalRequest,
  parseRenewalResponse,
  type RenewalResponse,
  renewalRequest,
  renewalResponse,
  renewedChain,
} from '../certificates/renewal.ts'
import type { Db, Store } from '../db/open.ts'
import { isIssuer } from '../eventlog/issuers.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import { keepCard } from './card.ts'
import { type CredentialStore, findIssuer, type RelayKeys, saveChain } from './credentials.ts'
import { FRAME, type Frame, frame } from './frames.ts'
import { findSignKey } from './peers.ts'

const SERIAL_BYTES = 16
const KEY_BYTES = 32

/** An issuer that is linked answers at once; one whose disk is slow still does. */
const ANSWER_MS_MAX: Millis = 20 * SECOND

/** It is due after five days and asked for every minute: after that much more, nobody who may issue has answered. */
const LATE_MS: Millis = HOUR
const LATE_TOLD_MS: Millis = DAY

/** What came of asking for a certificate now; `by`: the branch that was asked. */
export type RenewalOutcome =
  | { kind: 'renewed'; notAfter: Millis; by: BranchId }
  | { kind: 'refused'; reason: string; by: BranchId }
  | { kind: 'no-answer'; by: BranchId }
  /** No branch that may issue is linked, and this one may not. */
  | { kind: 'nobody' }

/** What a renewal needs of a link. */
type RenewalLink = { peer: BranchId; handshakeHash: Uint8Array; send(frame: Frame): void }

type RenewalParts = {
  self: BranchId
  store: Pick<Store, 'read' | 'writer'>
  keys: RelayKeys
  credentials: CredentialStore
  clock: Clock
  random: Random
  log: Log
}

export class Renewals {
  readonly #parts: RenewalParts
  #earlyAt: Millis = Number.NEGATIVE_INFINITY
  #lateToldAt: Millis = Number.NEGATIVE_INFINITY
  /** When each issuing branch was asked last. */
  readonly #askedAt = new Map<BranchId, Millis>()
  /** Who waits for an answer that was asked for by hand. */
  readonly #waiting = new Set<(answer: { by: BranchId; reason: string | undefined }) => void>()

  constructor(parts: RenewalParts) {
    this.#parts = parts
  }

  /** Whether half of our certificate's life is over. */
  get isDue(): boolean {
    const { credentials, clock } = this.#parts
    return isDueForRenewal(credentials.current().chain.link, clock.now())
  }

  /** Whether it should have been renewed by now: no issuing branch has answered for five days. */
  get isLate(): boolean {
    return this.overdueMs > LATE_MS
  }

  /** For how long half of our certificate's life is over; below 0: it is not. */
  get overdueMs(): Millis {
    const { credentials, clock } = this.#parts
    const { notBefore, notAfter } = credentials.current().chain.link
    return clock.now() - (notBefore + (notAfter - notBefore) / 2)
  }

  /** Whether we sign for ourselves. */
  async isOwnIssuer(): Promise<boolean> {
    return (await this.#findIssuer()) !== undefined
  }

  /** The public key that a certificate is asked for, stored already. */
  keyToAskFor(): Uint8Array {
    return this.#newKey().publicKey
  }

  /** A certificate for another branch; undefined where we may not issue. */
  async grant(
    branch: BranchId,
    noisePublicKey: Uint8Array,
  ): Promise<Pick<Chain, 'issuer' | 'link'> | undefined> {
    const issuer = await this.#findIssuer()
    if (!issuer) return undefined
    const granted = this.#issue(issuer, branch, noisePublicKey)
    const { notAfter } = granted.link
    this.#parts.log.info('relay.renewal.granted', { peer: branch, notAfter })
    return granted
  }

  /** Takes what an issuer granted; what comes back is why not. */
  take(granted: Pick<Chain, 'issuer' | 'link'>): Promise<string | undefined> {
    return this.#take(granted)
  }

  /** Whether our certificate opens no ordinary link any more. */
  get isExpired(): boolean {
    const { credentials, clock } = this.#parts
    return clock.now() > credentials.current().chain.link.notAfter
  }

  /** Renews by ourselves, or asks the first of these links whose peer may issue. */
  async renew(links: readonly RenewalLink[]): Promise<void> {
    if (!this.isDue) return
    const { self } = this.#parts
    const issuer = await this.#findIssuer()
    if (issuer) {
      await this.#take(this.#issue(issuer, self, this.#newKey().publicKey))
      return
    }
    this.#tellLate()
    if (links.length === 0 || this.#isTooOften()) return
    const [link] = await this.#issuing(links)
    if (link) this.#ask(link)
  }

  /** Links to branches that may issue, first who was asked longest ago: one may be unable to, and say so. */
  async #issuing(links: readonly RenewalLink[]): Promise<RenewalLink[]> {
    const issuing: RenewalLink[] = []
    for (const link of links) {
      if (await isIssuer(this.#parts.store.read, link.peer)) issuing.push(link)
    }
    const askedAt = ({ peer }: RenewalLink) => this.#askedAt.get(peer) ?? 0
    return issuing.sort((a, b) => askedAt(a) - askedAt(b))
  }

  #ask(link: RenewalLink): void {
    this.#askedAt.set(link.peer, this.#parts.clock.now())
    link.send(frame(FRAME.RENEW_REQ, this.request(link.handshakeHash)))
  }

  #tellLate(): void {
    const { credentials, clock, log } = this.#parts
    const now = clock.now()
    if (!this.isLate || Math.abs(now - this.#lateToldAt) < LATE_TOLD_MS) return
    this.#lateToldAt = now
    log.error('relay.renewal.late', { notAfter: credentials.current().chain.link.notAfter })
  }

  /**
   * Renews now, whether it is due or not. With `newKey` by a Noise key that was never on the disk before, and the keys
   * before it are forgotten.
   */
  async renewNow(
    links: readonly RenewalLink[],
    { newKey }: { newKey: boolean },
  ): Promise<RenewalOutcome> {
    if (newKey) this.#drawKey()
    const outcome = await this.#asked(await this.#findIssuer(), links)
    if (newKey && outcome.kind === 'renewed') this.#forgetKeys()
    return outcome
  }

  async #asked(issuer: Issuer | undefined, links: readonly RenewalLink[]): Promise<RenewalOutcome> {
    const { self } = this.#parts
    if (issuer) {
      return this.#outcome(
        self,
        await this.#take(this.#issue(issuer, self, this.#newKey().publicKey)),
      )
    }
    let outcome: RenewalOutcome = { kind: 'nobody' }
    for (const link of await this.#issuing(links)) {
      outcome = await this.#askedOver(link)
      if (outcome.kind === 'renewed') break
    }
    return outcome
  }

  async #askedOver(link: RenewalLink): Promise<RenewalOutcome> {
    const { promise, resolve } = Promise.withResolvers<RenewalOutcome>()
    const by = link.peer
    const answered = (answer: { by: BranchId; reason: string | undefined }) => {
      if (answer.by === by) resolve(this.#outcome(by, answer.reason))
    }
    this.#waiting.add(answered)
    const cancel = this.#parts.clock.after(ANSWER_MS_MAX, () => resolve({ kind: 'no-answer', by }))
    this.#ask(link)
    try {
      return await promise
    } finally {
      cancel()
      this.#waiting.delete(answered)
    }
  }

  #outcome(by: BranchId, reason: string | undefined): RenewalOutcome {
    if (reason !== undefined) return { kind: 'refused', reason, by }
    const { notAfter } = this.#parts.credentials.current().chain.link
    return { kind: 'renewed', notAfter, by }
  }

  #findIssuer(): Promise<Issuer | undefined> {
    const { store, self, keys, clock } = this.#parts
    return findIssuer(store.read, { self, keys, now: clock.now() })
  }

  /** Before our certificate began a clock is wrong. If it is ours, no answer is of use: it is asked once an hour. */
  #isTooOften(): boolean {
    const { credentials, clock } = this.#parts
    const now = clock.now()
    if (now >= credentials.current().chain.link.notBefore) return false
    if (Math.abs(now - this.#earlyAt) < HOUR) return true
    this.#earlyAt = now
    return false
  }

  /** The bytes that ask over one link. */
  request(handshakeHash: Uint8Array): Uint8Array {
    const { self, keys } = this.#parts
    const own = keys.findBranchKeys()
    if (!own) throw new Error('Cannot renew: the keys of this branch are missing')
    return renewalRequest({
      branch: self,
      noisePublicKey: this.#newKey().publicKey,
      signSecretKey: own.sign.secretKey,
      handshakeHash,
    })
  }

  /** RENEW_REQ or RENEW_RES of a link. */
  async received(link: RenewalLink, { type, payload }: Frame): Promise<void> {
    if (type === FRAME.RENEW_RES) {
      const reason = await this.accept(payload)
      for (const fn of [...this.#waiting]) fn({ by: link.peer, reason })
      return
    }
    link.send(frame(FRAME.RENEW_RES, await this.answer(link, payload)))
  }

  /** The bytes of our answer to a peer's request. */
  async answer(
    { peer, handshakeHash }: Pick<RenewalLink, 'peer' | 'handshakeHash'>,
    payload: Uint8Array,
  ): Promise<Uint8Array> {
    const { store, credentials } = this.#parts
    const request = parseRenewalRequest(payload)
    const signPublicKey = await findSignKey(store.read, peer)
    const { isRevoked } = credentials.current().trust
    const refuse = (reason: Extract<RenewalResponse, { ok: false }>['reason']) =>
      renewalResponse({ ok: false, reason })
    if (!signPublicKey) return refuse('unknown-branch')
    const isSigned = request && isRenewalSigned(request, { signPublicKey, handshakeHash })
    if (!isSigned || request.branch !== peer) return refuse('not-signed')
    if (isRevoked(peer)) return refuse('revoked')
    const granted = await this.grant(peer, request.noisePublicKey)
    return granted ? renewalResponse({ ok: true, ...granted }) : refuse('not-an-issuer')
  }

  /** Takes an issuer's answer; what comes back is why it was not taken. */
  async accept(payload: Uint8Array): Promise<string | undefined> {
    const { credentials, log } = this.#parts
    const response = parseRenewalResponse(payload)
    if (!response?.ok) {
      const reason = response?.reason ?? 'malformed'
      log.warn('relay.renewal.refused', { reason })
      return reason
    }
    return await this.#take(response, credentials.current().chain)
  }

  async #take(
    granted: Pick<Chain, 'issuer' | 'link'>,
    before: Chain = this.#parts.credentials.current().chain,
  ): Promise<string | undefined> {
    const { credentials, keys, log, store } = this.#parts
    const chain = renewedChain(before, granted)
    const verdict = verifyChain(chain, credentials.current().trust)
    const isForMe = chain.link.branch === before.link.branch
    if (!verdict.ok || !isForMe || !keys.findNoiseKey(chain.link.noisePublicKey)) {
      const reason = verdict.ok ? 'other-keys' : verdict.reason
      log.error('relay.renewal.wrong', { reason })
      return reason
    }
    // A late answer to an earlier question is for a key that is in use already, or was once. Dates would not tell: the
    // certificate in use may be of a clock that was ahead, and none outlives its issuer's.
    const newest = keys.findBranchKeys()?.noise.publicKey ?? new Uint8Array(0)
    if (!equal(chain.link.noisePublicKey, newest)) return 'late-answer'
    if (equal(before.link.noisePublicKey, newest)) return undefined
    await store.writer.write((tx: Db) => saveChain(tx, chain))
    credentials.replace(chain)
    await keepCard(store.read, { self: chain.link.branch, keys })
    log.info('relay.renewal.done', { notAfter: chain.link.notAfter })
    return undefined
  }

  #issue(issuer: Issuer, branch: BranchId, noisePublicKey: Uint8Array) {
    const { random, clock } = this.#parts
    const now: Millis = clock.now()
    const serial = random.bytes(SERIAL_BYTES)
    const link = issueLinkCertificate(issuer, { branch, noisePublicKey, serial, now })
    return { issuer: issuer.certificate, link }
  }

  /** The key to ask for: the one that was stored for an unanswered question before, or a new one. */
  #newKey(): KeyPair {
    const { keys, credentials, random } = this.#parts
    const used = credentials.current().chain.link.noisePublicKey
    const newest = keys.findBranchKeys()?.noise
    if (newest && !equal(newest.publicKey, used)) return newest
    const secretKey = random.bytes(KEY_BYTES)
    keys.addNoiseKey(secretKey)
    return x25519KeyPair(secretKey)
  }

  /** A key that nobody can have seen, whatever was asked for before; the one in use stays until it is certified. */
  #drawKey(): void {
    const { keys, credentials, random } = this.#parts
    keys.setNoiseKeys([random.bytes(KEY_BYTES), credentials.current().noise.secretKey])
  }

  #forgetKeys(): void {
    const { keys, credentials } = this.#parts
    keys.setNoiseKeys([credentials.current().noise.secretKey])
  }
}
