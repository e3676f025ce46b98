/**
 * The organisation's link keys at this branch: a new one by command, and by itself when this branch revoked another;
 * the ones of other issuing branches from their events into the key file; and the newest one for whoever calls to renew
 * with an older. Which epochs open what is in src/certificates/link-key.ts. docs/decisions/031-link-key.md.
 */
import { addAudit, type Doer } from '../audit/entries.ts'
import { AppError } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Issuer } from '../certificates/certificate.ts'
import type { LinkKey, StoredLinkKey } from '../certificates/keys.ts'
import {
  byRank,
  isKeyOf,
  issueLinkKey,
  keptKeys,
  LINK_KEY_BYTES,
  linkKeyNumber,
  nextEpoch,
  rankedBelow,
  refusalOfLinkKey,
} from '../certificates/link-key.ts'
import { openBox, sealBox } from '../certificates/sealed-box.ts'
import { X25519_KEY_BYTES } from '../certificates/x25519.ts'
import type { Db, Store } from '../db/open.ts'
import type { Append } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import { type CredentialStore, findIssuer, type RelayKeys } from './credentials.ts'
import type { RelayKinds } from './events.ts'
import { decodeLinkKey, encodeLinkKey } from './link-key-frame.ts'
import {
  BOXES_MAX,
  keepRecord,
  type LinkKeyRecord,
  lastRevoked,
  linkKeyRecords,
} from './link-key-records.ts'

const CHANCE_LIMIT = 2 ** 16

type LinkKeyParts = {
  self: BranchId
  store: Pick<Store, 'read' | 'writer'>
  append: Append
  kinds: Pick<RelayKinds, 'linkKey'>
  keys: RelayKeys
  credentials: CredentialStore
  clock: Pick<Clock, 'now'>
  random: Random
  log: Log
}

/** The link key in use. `since`: when this branch learned it. */
export type LinkKeyState = { number: number; since: Millis }

export class LinkKeys {
  readonly #parts: LinkKeyParts
  /** One look after the other: two at once would draw two keys for one revocation. */
  #looking: Promise<unknown> = Promise.resolve()

  constructor(parts: LinkKeyParts) {
    this.#parts = parts
  }

  /** The newest one; undefined where the key file was lost. */
  get state(): LinkKeyState | undefined {
    const [newest] = this.#parts.keys.linkKeys()
    return newest && { number: linkKeyNumber(newest.epoch), since: newest.since }
  }

  /**
   * Takes what came by events into the key file; where this branch may issue, draws a new key after a revocation of its
   * own, and seals the newest to branches that have no box of it. At the start, after such events, and every minute.
   */
  look(): Promise<void> {
    return this.#alone(async () => {
      await this.#settle()
      const issuer = await this.#findIssuer()
      if (!issuer) return
      if (await this.#isRevokedSince()) await this.#rotate(issuer, { isForRevocation: true })
      else await this.#sealToOthers()
    })
  }

  /** Draws a new link key and sends it to all branches. Throws forbidden where this branch may not issue. */
  rotate(by?: Doer): Promise<LinkKeyState> {
    return this.#alone(async () => {
      const issuer = await this.#findIssuer()
      if (!issuer) {
        throw new AppError('forbidden', 'Cannot change the link key: only an issuing branch can')
      }
      await this.#settle()
      return await this.#rotate(issuer, { isForRevocation: false }, by)
    })
  }

  /** What a caller that renews is told beside its answer: the newest link key, unless it must not have it. */
  async toldTo(peer: BranchId): Promise<Uint8Array | undefined> {
    const { store, keys, credentials } = this.#parts
    const [newest] = keys.linkKeys()
    const record = (await linkKeyRecords(store.read)).find(
      ({ statement }) => statement.epoch === newest?.epoch,
    )
    if (!newest || !record || !isKeyOf(record.statement, newest.key)) return undefined
    const { isRevoked } = credentials.current().trust
    if (isRevoked(peer) || record.statement.revoked.includes(peer)) return undefined
    return encodeLinkKey({ ...record, key: newest.key })
  }

  /** Takes what a branch told that we called to renew. */
  async told(payload: Uint8Array): Promise<void> {
    const { store, credentials, log } = this.#parts
    const { statement, issuer, key } = decodeLinkKey(payload)
    const { trust } = credentials.current()
    const reason = trust.isRevoked(issuer.branch)
      ? 'issuer-revoked'
      : refusalOfLinkKey(statement, issuer, trust)
    if (reason || !isKeyOf(statement, key)) {
      log.warn('relay.link-key.wrong', { reason: reason ?? 'other-key' })
      return
    }
    const texts = { statement: statement.bytes.toBase64(), issuer: issuer.bytes.toBase64() }
    await store.writer.write((tx) => keepRecord(tx, { ...texts, boxes: [] }))
    this.#keep({ statement, issuer, key }, await linkKeyRecords(store.read))
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#looking.then(work)
    this.#looking = done.catch(() => {})
    return done
  }

  #findIssuer(): Promise<Issuer | undefined> {
    const { store, self, keys, clock } = this.#parts
    return findIssuer(store.read, { self, keys, now: clock.now() })
  }

  /** From the database into the key file, which a crash may have kept apart. */
  async #settle(): Promise<void> {
    const { store, self, keys, log } = this.#parts
    const records = await linkKeyRecords(store.read)
    const box = keys.findBranchKeys()?.box
    // The oldest first: when one was learned decides how long the ones before it serve.
    for (const { statement, issuer, boxes } of records.toReversed()) {
      const sealed = boxes.get(self)
      if (!sealed || this.#has(statement)) continue
      const key = box && openBox(box, Uint8Array.fromBase64(sealed))
      if (key && isKeyOf(statement, key)) this.#keep({ statement, issuer, key }, records)
      else log.warn('relay.link-key.wrong', { reason: 'box' })
    }
  }

  #has(statement: LinkKeyRecord['statement']): boolean {
    const known = this.#parts.keys.linkKeys().find(({ epoch }) => epoch === statement.epoch)
    return known !== undefined && isKeyOf(statement, known.key)
  }

  #keep(
    { statement, issuer, key }: Pick<LinkKeyRecord, 'statement' | 'issuer'> & { key: Uint8Array },
    records: readonly LinkKeyRecord[],
  ): void {
    const { keys, clock, log } = this.#parts
    if (this.#has(statement)) return
    const { epoch, isForRevocation } = statement
    const now = clock.now()
    const added = { epoch, key, since: now, issuer: issuer.branch }
    const statements = records.map((record) => record.statement)
    keys.saveLinkKey({ ...added, ...(isForRevocation && { isForRevocation }) }, (all) =>
      keptKeys(ranked(all, statements), now),
    )
    log.info('relay.link-key.taken', { number: linkKeyNumber(epoch), isForRevocation })
  }

  /** Whether this branch revoked one that the newest link key may have been told to. */
  async #isRevokedSince(): Promise<boolean> {
    const { store, self, keys } = this.#parts
    const [newest] = keys.linkKeys()
    const records = await linkKeyRecords(store.read)
    const named = records.find(({ statement }) => statement.epoch === newest?.epoch)?.statement
    const last = await lastRevoked(store.read)
    const rows = await store.read
      .selectFrom('revocation')
      .innerJoin('issuer', 'issuer.serial', 'revocation.issuerSerial')
      .where('issuer.branchId', '=', self)
      .select('revocation.branchId')
      .execute()
    return rows.some(
      ({ branchId }) => last.includes(branchId) && !named?.revoked.includes(branchId),
    )
  }

  async #rotate(
    issuer: Issuer,
    how: { isForRevocation: boolean },
    by?: Doer,
  ): Promise<LinkKeyState> {
    const { store, clock, random, log } = this.#parts
    const key = random.bytes(LINK_KEY_BYTES)
    const number = await store.writer.write(async (tx) => {
      const revoked = await lastRevoked(tx)
      const epoch = await this.#freeEpoch(tx, revoked)
      const now = clock.now()
      const statement = issueLinkKey(issuer, { ...how, epoch, key, revoked, now })
      const record = { statement, issuer: issuer.certificate }
      await this.#tell(tx, { ...record, key, to: await activeBranches(tx) })
      const after = { number: linkKeyNumber(epoch), ...how }
      await addAudit({ clock }, tx, { action: 'link-key.changed', by, after })
      return linkKeyNumber(epoch)
    })
    // The word to the others lies in the log by now; a crash here is made good at the next start.
    await this.#settle()
    log.info('relay.link-key.changed', { number, ...how })
    return { number, since: clock.now() }
  }

  /** Above all others but for those a revoked branch drew: it cannot use up the numbers. */
  async #freeEpoch(tx: Db, revoked: readonly BranchId[]): Promise<number> {
    const { keys, random } = this.#parts
    const records = await linkKeyRecords(tx)
    const known = [
      ...keys.linkKeys().map(({ epoch, issuer }) => ({ epoch, issuer })),
      ...records.map(({ statement, issuer }) => ({
        epoch: statement.epoch,
        issuer: issuer.branch,
      })),
    ]
    const counted = known.filter(({ issuer }) => issuer === undefined || !revoked.includes(issuer))
    const newest = Math.max(0, ...counted.map(({ epoch }) => epoch))
    const taken = new Set(known.map(({ epoch }) => epoch))
    let epoch = nextEpoch(newest, random.below(CHANCE_LIMIT))
    while (taken.has(epoch)) epoch += 1
    return epoch
  }

  /** Branches that joined elsewhere meanwhile, or that their inviter told an older one. */
  async #sealToOthers(): Promise<void> {
    const { store, keys } = this.#parts
    const [newest] = keys.linkKeys()
    const [record] = await linkKeyRecords(store.read)
    if (!newest || !record || !this.#has(record.statement)) return
    if (record.statement.epoch !== newest.epoch) return
    // An issuing branch that was away may not have heard yet that one of its branches is none any more.
    const { isRevoked } = this.#parts.credentials.current().trust
    if (!record.statement.revoked.every(isRevoked)) return
    const { key } = newest
    await store.writer.write(async (tx) => {
      const to = (await activeBranches(tx)).filter(({ id }) => !record.boxes.has(id))
      await this.#tell(tx, { ...record, key, to })
    })
  }

  async #tell(tx: Db, told: Telling): Promise<void> {
    const { append, kinds, random } = this.#parts
    const { statement, issuer, key, to } = told
    const texts = { statement: statement.bytes.toBase64(), issuer: issuer.bytes.toBase64() }
    const boxes = to.map(({ id: branch, boxPublicKey }) => {
      const sealed = sealBox(boxPublicKey, key, random.bytes(X25519_KEY_BYTES))
      return { branch, box: sealed.toBase64() }
    })
    for (let at = 0; at < boxes.length; at += BOXES_MAX) {
      const body = { ...texts, boxes: boxes.slice(at, at + BOXES_MAX) }
      await append(tx, { kind: kinds.linkKey, body, to: 'all' })
    }
  }
}

/** Stored keys by what the statements say of their issuers, the newest first. */
function ranked(
  all: readonly StoredLinkKey[],
  statements: readonly LinkKeyRecord['statement'][],
): StoredLinkKey[] {
  const rows = all.map((row) => {
    const below = rankedBelow(row.issuer, statements) ?? row.below
    return below === undefined ? row : { ...row, below }
  })
  return rows.sort(byRank)
}

type Telling = Pick<LinkKeyRecord, 'statement' | 'issuer'> &
  Pick<LinkKey, 'key'> & { to: readonly { id: BranchId; boxPublicKey: Uint8Array }[] }

/** All branches that are none of the revoked ones, this one too. */
async function activeBranches(db: Db) {
  return await db
    .selectFrom('branch')
    .leftJoin('revocation', 'revocation.branchId', 'branch.id')
    .where('status', '=', 'active')
    .where('revokedAt', 'is', null)
    .select(['id', 'boxPublicKey'])
    .execute()
}
