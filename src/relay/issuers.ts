/**
 * The branches that may issue: the root key names them for a year, and renews that where it lies or while it was
 * brought back. Each issuing branch introduces the others in its own feed, because whoever joins through it hears that
 * feed first, and the others' word only when it knows who they are. Owns the value `issuersIntroduced` of table `meta`.
 * docs/protocol.md, section 6; docs/decisions/029-root-key-off-line.md.
 */
import { addAudit, type Doer } from '../audit/entries.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, isoTime, type Millis } from '../base/units.ts'
import {
  BACKDATE_MS,
  type IssuerCertificate,
  isDueForRenewal,
  issueIssuerCertificate,
  organisationIdOf,
  parseBranchIdentity,
  parseIssuerCertificate,
} from '../certificates/certificate.ts'
import type { KeyPair } from '../certificates/keys.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db, Store } from '../db/open.ts'
import type { Append } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import {
  betterIssuer,
  type CredentialStore,
  findIssuer,
  type RelayKeys,
  saveIssuer,
} from './credentials.ts'
import { issuerEventBody, type RelayKinds } from './events.ts'
import { findNamed } from './peers.ts'

const SERIAL_BYTES = 16
/** An organisation that can renew nothing any more stands still within ten days: it is said daily, months ahead. */
const WARNED_MS: Millis = DAY
/** The root key may lie at another branch, which renews the right of this one as soon as they are linked. */
const PATIENCE_MS: Millis = 14 * DAY
const INTRODUCED = 'issuersIntroduced'

type IssuerParts = {
  self: BranchId
  store: Pick<Store, 'read' | 'writer'>
  append: Append
  kinds: Pick<RelayKinds, 'branchIssuer'>
  keys: RelayKeys
  credentials: CredentialStore
  clock: Pick<Clock, 'now'>
  random: Pick<Random, 'bytes'>
  log: Log
}

/** A branch that may issue, and until when. */
export type IssuingBranch = { branch: BranchId; name: string; notAfter: Millis }

export class Issuers {
  readonly #parts: IssuerParts
  #warnedAt: Millis = Number.NEGATIVE_INFINITY

  constructor(parts: IssuerParts) {
    this.#parts = parts
  }

  /** At the start and every minute: renews what is due where the root key is, introduces other issuing branches. */
  async care(): Promise<void> {
    const { store, self, keys, clock } = this.#parts
    const now = clock.now()
    const loan = this.#rootLoan(now)
    const root = this.#findRoot()
    const own = await findIssuer(store.read, { self, keys, now })
    // A key that was brought back is used at once, so that it must come back only in a year.
    const isDue = (certificate: IssuerCertificate) =>
      (loan !== undefined && certificate.notBefore + BACKDATE_MS < loan.from) ||
      isDueForRenewal(certificate, now)
    if (own && isDue(own.certificate)) await this.#renewOwn(own.certificate, root)
    if (root) {
      for (const certificate of await this.#others()) {
        if (isDue(certificate)) await this.#sign(root, certificate)
      }
    }
    if (own) await this.#introduce()
  }

  /** Whether the root key is on this server now. */
  get hasRoot(): boolean {
    this.#rootLoan(this.#parts.clock.now())
    return this.#findRoot() !== undefined
  }

  /**
   * Lets another branch issue, or this one, for a year. Throws forbidden where the root key is not, invalid-input
   * (`branch-unknown`, `branch-issues`).
   */
  async name(text: string, by?: Doer): Promise<IssuingBranch> {
    const { store, self, keys, credentials, clock } = this.#parts
    this.#rootLoan(clock.now())
    const root = this.#findRoot()
    if (!root) {
      throw new AppError(
        'forbidden',
        'Cannot let a branch issue here: the root key is not on this server',
      )
    }
    const { id: branch, name, signPublicKey } = await findNamed(store.read, text)
    if (credentials.current().trust.isRevoked(branch)) {
      throw invalidInput('branch', `${name} is revoked`, 'branch-revoked')
    }
    const now = clock.now()
    const known = (await issuingBranches(store.read)).find((each) => each.branch === branch)
    if (known && known.notAfter > now)
      throw invalidInput('branch', `${name} may issue already`, 'branch-issues')
    const ownKey = branch === self ? keys.findIssuerKey()?.publicKey : undefined
    // The signing key of a branch is known everywhere and lies where an issuer key would: it needs no other one.
    const issuerPublicKey = ownKey ?? signPublicKey
    const { notAfter } = await this.#sign(root, { branch, issuerPublicKey }, async (tx, issuer) => {
      const subject = { kind: 'branch' as const, id: branch, name }
      const after = { until: isoTime(issuer.notAfter) }
      await addAudit({ clock }, tx, { action: 'issuer.named', by, subject, after })
    })
    return { branch, name, notAfter }
  }

  async #renewOwn({ branch, ...own }: IssuerCertificate, root: KeyPair | undefined): Promise<void> {
    const { store, clock, random, log } = this.#parts
    const now = clock.now()
    if (!root) {
      const isOverdue = now > (own.notBefore + own.notAfter) / 2 + PATIENCE_MS
      if (!isOverdue || now - this.#warnedAt < WARNED_MS) return
      this.#warnedAt = now
      log.error('relay.issuer.ends', { notAfter: own.notAfter })
      return
    }
    const { issuerPublicKey } = own
    const serial = random.bytes(SERIAL_BYTES)
    const renewed = issueIssuerCertificate(root, { branch, issuerPublicKey, serial, now })
    await store.writer.write((tx: Db) => saveIssuer(tx, renewed))
    log.info('relay.issuer.renewed', { notAfter: renewed.notAfter })
  }

  /** Signs for a branch, its key as before or its first one, and tells all. */
  async #sign(
    root: KeyPair,
    { branch, issuerPublicKey }: Pick<IssuerCertificate, 'branch' | 'issuerPublicKey'>,
    more?: (tx: Db, issuer: IssuerCertificate) => Promise<void>,
  ): Promise<IssuerCertificate> {
    const { store, clock, random, log } = this.#parts
    const serial = random.bytes(SERIAL_BYTES)
    const subject = { branch, issuerPublicKey, serial, now: clock.now() }
    const issuer = issueIssuerCertificate(root, subject)
    await store.writer.write(async (tx) => {
      await this.#tell(tx, issuer)
      await more?.(tx, issuer)
    })
    log.info('relay.issuer.named', { branch, notAfter: issuer.notAfter })
    return issuer
  }

  async #tell(tx: Db, issuer: IssuerCertificate): Promise<void> {
    const { append, kinds } = this.#parts
    const row = await tx
      .selectFrom('branch')
      .select('identity')
      .where('id', '=', issuer.branch)
      .executeTakeFirst()
    const identity = row && parseBranchIdentity(row.identity)
    const identityIssuer = identity && (await findCertificate(tx, identity.issuerSerial))
    if (!identity || !identityIssuer) return // its own word, which brings both, is still on its way
    const body = issuerEventBody({ issuer, identity, identityIssuer })
    await append(tx, { kind: kinds.branchIssuer, body, to: 'all' })
    const introduced = new Set([...(await introducedBy(tx)), issuer.branch])
    await putMeta(tx, { [INTRODUCED]: JSON.stringify([...introduced]) })
  }

  /** Once for each other issuing branch. */
  async #introduce(): Promise<void> {
    const { store } = this.#parts
    const introduced = await introducedBy(store.read)
    const strange = (await this.#others()).filter(({ branch }) => !introduced.includes(branch))
    if (strange.length === 0) return
    await store.writer.write(async (tx) => {
      for (const issuer of strange) await this.#tell(tx, issuer)
    })
  }

  /** The newest certificates of the other branches that may issue. */
  async #others(): Promise<IssuerCertificate[]> {
    const { store, self, clock } = this.#parts
    const certificates = await newestCertificates(store.read, clock.now())
    return certificates.filter(({ branch }) => branch !== self)
  }

  #findRoot(): KeyPair | undefined {
    const { keys, credentials } = this.#parts
    const root = keys.findRootKey()
    const { organisation } = credentials.current().trust
    return root && organisationIdOf(root.publicKey) === organisation ? root : undefined
  }

  /** The loan of the root key, ended when its time is over or the clock was set back before it. */
  #rootLoan(now: Millis): { from: Millis } | undefined {
    const { keys, log } = this.#parts
    const loan = keys.findRootLoan()
    if (!loan || (now >= loan.from && now < loan.until)) return loan
    keys.removeRootKey()
    log.info('relay.root-key.removed', {})
    return undefined
  }
}

/** The branches that may issue and were not revoked, by name; a right that has run out is shown as it is. */
export async function issuingBranches(db: Db): Promise<IssuingBranch[]> {
  const rows = await db.selectFrom('branch').select(['id', 'name']).execute()
  const names = new Map(rows.map(({ id, name }) => [id, name]))
  const certificates = await newestCertificates(db, Number.MAX_SAFE_INTEGER)
  return certificates
    .map(({ branch, notAfter }) => ({ branch, name: names.get(branch) ?? branch, notAfter }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function newestCertificates(db: Db, now: Millis): Promise<IssuerCertificate[]> {
  const rows = await db
    .selectFrom('issuer')
    .leftJoin('revocation', 'revocation.branchId', 'issuer.branchId')
    .where('revokedAt', 'is', null)
    .orderBy('serial')
    .select('certificate')
    .execute()
  const newest = new Map<BranchId, IssuerCertificate>()
  for (const { certificate: bytes } of rows) {
    const certificate = parseIssuerCertificate(bytes)
    const before = certificate && newest.get(certificate.branch)
    if (certificate && (!before || betterIssuer(certificate, before, now))) {
      newest.set(certificate.branch, certificate)
    }
  }
  return [...newest.values()]
}

async function findCertificate(db: Db, serial: string): Promise<IssuerCertificate | undefined> {
  const row = await db
    .selectFrom('issuer')
    .select('certificate')
    .where('serial', '=', serial)
    .executeTakeFirst()
  return row && parseIssuerCertificate(row.certificate)
}

async function introducedBy(db: Db): Promise<string[]> {
  const text = await metaOf(db, INTRODUCED)
  return text === undefined ? [] : (JSON.parse(text) as string[])
}
