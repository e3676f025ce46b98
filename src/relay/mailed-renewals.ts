/**
 * Renewing by mail: a branch that sees no issuing branch, and sees others that do, asks by an event (cert.renew.req)
 * and is answered by one (cert.renew.ok). Mail goes by way of others like any other; both are sealed, and signed by
 * whoever wrote them. Owns the value `renewalAsked` of table `meta`. docs/protocol.md, section 6.
 */
import * as v from 'valibot'
import { hex } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, HOUR, MINUTE, type Millis } from '../base/units.ts'
import { parseIssuerCertificate, parseLinkCertificate } from '../certificates/certificate.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Store } from '../db/open.ts'
import type { Append, EventKind, LoggedEvent } from '../eventlog/events.ts'
import { isIssuer } from '../eventlog/issuers.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { issuingBranches } from './issuers.ts'
import type { Renewals } from './renewals.ts'
import { besideIssuer, statement } from './statements.ts'

/** A line that comes back within minutes renews at once; mail lies in logs. */
const PATIENCE_MS: Millis = 10 * MINUTE
/** An answer was lost with a database, or no way led there: asked again. */
const AGAIN_MS: Millis = DAY
/** One branch is answered no more often: its questions must not fill our log. */
const ANSWERED_MS_MIN: Millis = HOUR
const X25519_CHARS = 44

const requestBody = v.object({
  /** The new Noise key in base64. */
  noiseKey: v.pipe(v.string(), v.base64(), v.length(X25519_CHARS)),
})
const answerBody = v.object({
  ...besideIssuer,
  /** LinkCertificate as signed. */
  link: statement(),
})

type RequestBody = v.InferOutput<typeof requestBody>
type AnswerBody = v.InferOutput<typeof answerBody>

export type RenewalKinds = {
  renewalRequest: EventKind<RequestBody>
  renewalAnswer: EventKind<AnswerBody>
}

/** Whether an event asks for a certificate or brings one. */
export function isRenewalEvent(event: { kind: string }): boolean {
  return event.kind === 'cert.renew.req' || event.kind === 'cert.renew.ok'
}

/** The kinds `cert.renew.req` and `cert.renew.ok`; what they bring about comes after the commit. */
export function renewalKinds(): RenewalKinds {
  return {
    renewalRequest: {
      code: 0x020a,
      name: 'cert.renew.req',
      scope: 'to',
      parse: (body) => v.parse(requestBody, body),
      refusal: async () => undefined, // a branch asks for itself
      apply: async () => {},
    },
    renewalAnswer: {
      code: 0x020b,
      name: 'cert.renew.ok',
      scope: 'to',
      parse: (body) => v.parse(answerBody, body),
      // What it holds proves itself; for which branch and key it is, the asker looks.
      refusal: async (_tx, { body }) => (grantedIn(body) ? undefined : 'malformed'),
      apply: async () => {},
    },
  }
}

function grantedIn({ issuer: certificate, link: text }: AnswerBody) {
  const issuer = parseIssuerCertificate(Uint8Array.fromBase64(certificate))
  const link = parseLinkCertificate(Uint8Array.fromBase64(text))
  return issuer && link && { issuer, link }
}

const ASKED = 'renewalAsked'

type MailedParts = {
  self: BranchId
  store: Pick<Store, 'read' | 'writer'>
  append: Append
  kinds: RenewalKinds
  renewals: Renewals
  isRevoked(branch: BranchId): boolean
  clock: Pick<Clock, 'now'>
  log: Log
}

export class MailedRenewals {
  readonly #parts: MailedParts
  readonly #answeredAt = new Map<BranchId, Millis>()

  constructor(parts: MailedParts) {
    this.#parts = parts
  }

  /** Asks all issuing branches, when it is time and none of these linked ones is. Every minute. */
  async ask(linked: readonly BranchId[]): Promise<void> {
    const { self, store, append, kinds, renewals, clock, log } = this.#parts
    if (renewals.overdueMs < PATIENCE_MS || (await renewals.isOwnIssuer())) return
    for (const branch of linked) if (await isIssuer(store.read, branch)) return
    const to = (await issuingBranches(store.read)).map(({ branch }) => branch)
    const others = to.filter((branch) => branch !== self)
    const key = renewals.keyToAskFor()
    const now = clock.now()
    const [before, at] = ((await metaOf(store.read, ASKED)) ?? '').split(' ')
    const isRecent = before === hex(key) && Math.abs(now - Number(at)) < AGAIN_MS
    if (others.length === 0 || isRecent) return
    await store.writer.write(async (tx) => {
      const body = { noiseKey: key.toBase64() }
      await append(tx, { kind: kinds.renewalRequest, body, to: others })
      await putMeta(tx, { [ASKED]: `${hex(key)} ${now}` })
    })
    log.info('relay.renewal.mailed', { to: others })
  }

  /** Events were applied: questions are answered where this branch may issue, answers are taken. */
  async committed(events: readonly LoggedEvent[]): Promise<void> {
    const { self, kinds } = this.#parts
    for (const event of events) {
      if (event.origin === self) continue
      if (event.kind === kinds.renewalRequest.name) await this.#answer(event)
      if (event.kind === kinds.renewalAnswer.name) await this.#take(event)
    }
  }

  async #answer({ origin, body }: LoggedEvent): Promise<void> {
    const { store, append, kinds, renewals, isRevoked, clock } = this.#parts
    const now = clock.now()
    const answeredAt = this.#answeredAt.get(origin) ?? Number.NEGATIVE_INFINITY
    if (isRevoked(origin) || Math.abs(now - answeredAt) < ANSWERED_MS_MIN) return
    const noiseKey = Uint8Array.fromBase64((body as RequestBody).noiseKey)
    const granted = await renewals.grant(origin, noiseKey)
    if (!granted) return
    this.#answeredAt.set(origin, now)
    const { issuer, link } = granted
    const texts = { issuer: issuer.bytes.toBase64(), link: link.bytes.toBase64() }
    await store.writer.write((tx) =>
      append(tx, { kind: kinds.renewalAnswer, body: texts, to: [origin] }),
    )
  }

  async #take({ body }: LoggedEvent): Promise<void> {
    const granted = grantedIn(body as AnswerBody)
    if (granted) await this.#parts.renewals.take(granted)
  }
}
