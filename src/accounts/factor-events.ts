/**
 * Kinds of events about second factors and about ending sign-ins elsewhere. A factor belongs to the credential whose
 * key signed it: so no branch switches somebody's factor off, and of two passwords the one that holds brings its own.
 * docs/protocol.md, section 8; docs/decisions/035-second-factor.md.
 */
import * as v from 'valibot'
import { equal, fromHex } from '../base/bytes.ts'
import { type Hlc, millisOf } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { factorBytes, isSignedBy } from './credentials.ts'
import { isAfter, type Key, keysAt, knownPerson } from './event-parts.ts'
import { factorIdOf } from './factor-box.ts'
import { mayWriteFor } from './queries.ts'
import { type UserFactor, type UserOut, userFactorBody, userOutBody } from './records.ts'

/** 0307: the second factor that goes with a credential, or that there is none any more. */
export const userFactor: EventKind<UserFactor> = {
  code: 0x0307,
  name: 'user.factor',
  scope: 'all',
  isPersonal: true,
  parse: (body) => v.parse(userFactorBody, body),
  isUrgent: () => true,
  async refusal(tx, event) {
    // The home branch too: who types the password at a branch, and nobody else, can sign this.
    return (await signerOf(tx, event)) === undefined ? 'signature-wrong' : undefined
  },
  async apply(tx, event) {
    const signer = await signerOf(tx, event)
    const { user, epoch, rev, sealed, n } = event.body
    const row = await tx
      .selectFrom('credential')
      .where('userId', '=', user)
      .where('epoch', '=', epoch)
      .where('rev', '=', rev)
      .selectAll()
      .executeTakeFirst()
    // Of a credential that was replaced nothing counts any more, and it never comes back.
    if (signer === undefined || row === undefined || !equal(row.publicKey, signer.publicKey)) return
    const box = sealed === null ? null : fromHex(sealed)
    const isSame = isSameFactor(row.factor, box)
    // A recovery code is used for good: two branches that each took one have used both.
    const used = isSame ? event.body.used | row.factorUsed : event.body.used
    if (isSame) await setFactor(tx, event, { factorUsed: used })
    const known = [row.factorN, row.factorHlc, row.factorBranch]
    if (!isAfter([n, event.hlc, event.origin], known)) return
    const order = { factorN: n, factorHlc: event.hlc, factorBranch: event.origin }
    await setFactor(tx, event, { factor: box, factorUsed: used, ...order })
  },
}

/** Which of the keys at (epoch, rev) signed it; waits for the credential. */
async function signerOf(tx: Db, event: LoggedEvent<UserFactor>): Promise<Key | undefined> {
  const { body, origin } = event
  const keys = await keysAt(tx, body)
  const signed = factorBytes({ ...body, branch: origin })
  const signature = fromHex(body.signature)
  return keys.find((key) => isSignedBy(key.publicKey, signed, signature))
}

function isSameFactor(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one !== null && other !== null && equal(factorIdOf(one), factorIdOf(other))
}

type FactorColumns = {
  factor?: Uint8Array | null
  factorUsed: number
  factorN?: number
  factorHlc?: Hlc
  factorBranch?: string
}

async function setFactor(tx: Db, { body }: LoggedEvent<UserFactor>, columns: FactorColumns) {
  await tx.updateTable('credential').set(columns).where('userId', '=', body.user).execute()
}

/** Stands for every branch in the table of ended sign-ins. */
export const EVERYWHERE = '' as BranchId

/** 0308: sign-ins end elsewhere too. The home branch says it, or a branch where the person is. */
export const userOut: EventKind<UserOut> = {
  code: 0x0308,
  name: 'user.out',
  scope: 'all',
  parse: (body) => v.parse(userOutBody, body),
  isUrgent: () => true,
  async refusal(tx, { body, origin, hlc }) {
    await knownPerson(tx, body.user)
    const at = millisOf(hlc)
    // The stay that proves it comes in the same feed, before it; its credential perhaps in another, later.
    if (!(await mayWriteFor(tx, { user: body.user, branch: origin, at }))) {
      throw new Parked('waits-for-person')
    }
    return undefined
  },
  async apply(tx, { body, hlc }) {
    const branchId = body.branch ?? EVERYWHERE
    await tx
      .insertInto('sign_ins_ended')
      .values({ userId: body.user, branchId, hlc })
      .onConflict((conflict) =>
        conflict
          .columns(['userId', 'branchId'])
          .doUpdateSet({ hlc })
          .where('sign_ins_ended.hlc', '<', hlc),
      )
      .execute()
    if (body.branch !== undefined && !(await isSelf(tx, body.branch))) return
    // What a line that was cut brings late ends nothing that began after it.
    await tx
      .deleteFrom('sign_in')
      .where('userId', '=', body.user)
      .where('createdAt', '<=', millisOf(hlc))
      .execute()
  },
}

async function isSelf(tx: Db, branch: BranchId): Promise<boolean> {
  const row = await tx
    .selectFrom('meta')
    .where('name', '=', 'selfBranchId')
    .where('value', '=', branch)
    .select('name')
    .executeTakeFirst()
  return row !== undefined
}
