/**
 * What a running branch does about trust: certificates that are renewed, link keys that change, links that may not go
 * on. The one place that knows when each is looked at; how it is done is in issuers.ts, renewals.ts and link-keys.ts.
 */
import type { Doer } from '../audit/entries.ts'
import type { BranchId } from '../base/ids.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import type { Log } from '../world/log.ts'
import type { Chores } from './chores.ts'
import type { CredentialStore } from './credentials.ts'
import { isIdentityEvent } from './events.ts'
import type { Issuers, IssuingBranch } from './issuers.ts'
import type { Link } from './link.ts'
import { isLinkKeyEvent } from './link-key-records.ts'
import type { LinkKeyState, LinkKeys } from './link-keys.ts'
import { dueFor, type Links } from './links.ts'
import { isRenewalEvent, type MailedRenewals } from './mailed-renewals.ts'
import type { RenewalOutcome, Renewals } from './renewals.ts'
import { isRevocationEvent } from './revocations.ts'

type AuthorityParts = {
  credentials: CredentialStore
  renewals: Renewals
  linkKeys: LinkKeys
  issuers: Issuers
  mailed: MailedRenewals
  links: Links
  chores: Chores
  log: Log
  isRevoked(branch: BranchId): boolean
  /** Opens a link anew beside the one there is. */
  replace(link: Link): void
}

export class Authority {
  readonly #parts: AuthorityParts
  /** One after the other: two at once would renew or introduce twice. */
  #caring: Promise<unknown> = Promise.resolve()

  constructor(parts: AuthorityParts) {
    this.#parts = parts
  }

  /** At the start and once a minute. What fails keeps nothing else from its turn. */
  async care(): Promise<void> {
    const { renewals, linkKeys, links, mailed, log } = this.#parts
    const turns = [
      () => this.#careForIssuers(),
      () => renewals.renew(links.live()),
      () => mailed.ask(links.live().map(({ peer }) => peer)),
      () => linkKeys.look(),
    ]
    for (const turn of turns) {
      try {
        await turn()
      } catch (error) {
        log.error('relay.care-failed', { cause: error })
      }
    }
    this.#lookAfterLinks()
  }

  /** Events were applied. */
  committed(events: readonly LoggedEvent[]): void {
    const { linkKeys, chores, mailed } = this.#parts
    if (events.some(isRenewalEvent)) chores.run(() => mailed.committed(events))
    const isRevocation = events.some(isRevocationEvent)
    if (isRevocation) this.#dropRevoked()
    if (events.some(isIdentityEvent)) chores.run(() => this.#careForIssuers())
    if (isRevocation || events.some(isLinkKeyEvent) || events.some(isIdentityEvent)) {
      chores.run(() => linkKeys.look())
    }
  }

  /** Asks for a new certificate now; with `newKey` all links open anew. */
  async renewCertificate(how: { newKey: boolean }): Promise<RenewalOutcome> {
    const { renewals, links } = this.#parts
    await this.#careForIssuers()
    const outcome = await renewals.renewNow(links.live(), how)
    if (outcome.kind !== 'renewed') return outcome
    this.#lookAfterLinks()
    // Whoever called replaces a link; the others call again after a goodbye.
    const accepted = how.newKey ? links.live().filter((link) => !link.isInitiator) : []
    for (const link of accepted) link.close('bye')
    return outcome
  }

  get linkKey(): LinkKeyState | undefined {
    return this.#parts.linkKeys.state
  }

  rotateLinkKey(by?: Doer): Promise<LinkKeyState> {
    return this.#parts.linkKeys.rotate(by)
  }

  /** Whether no issuing branch has answered for five days. */
  get isRenewalLate(): boolean {
    return this.#parts.renewals.isLate
  }

  /** Whether the root key is on this server now. */
  get hasRoot(): boolean {
    return this.#parts.issuers.hasRoot
  }

  /** Lets another branch issue; see Issuers. */
  nameIssuer(name: string, by?: Doer): Promise<IssuingBranch> {
    return this.#parts.issuers.name(name, by)
  }

  #careForIssuers(): Promise<void> {
    const done = this.#caring.then(() => this.#parts.issuers.care())
    this.#caring = done.catch(() => {})
    return done
  }

  /** At once, not when somebody looks after links the next time. */
  #dropRevoked(): void {
    const { links, isRevoked } = this.#parts
    for (const link of links.all()) {
      if (isRevoked(link.peer)) link.close('certificate-revoked')
    }
  }

  #lookAfterLinks(): void {
    const { credentials, links, replace } = this.#parts
    const { trust, chain } = credentials.current()
    for (const link of links.all()) {
      const due = dueFor(link, { trust, ownSerial: chain.link.serial })
      if (due === 'replace') replace(link)
      else if (due !== undefined) link.close(due)
    }
  }
}
