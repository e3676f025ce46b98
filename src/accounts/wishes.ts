/**
 * A guest's wish about the own record: the home branch alone writes records, so the guest's branch asks it
 * (`user.wish`) and shows the guest what is not yet in force everywhere. Of two words about a field the later one
 * holds, wherever it was said; nothing is applied twice, also where an old database comes back.
 */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { type AuditParts, addAudit, changedOf } from '../audit/entries.ts'
import { DRIFT_MS_MAX, type Hlc, hlcOf, millisOf } from '../base/hlc.ts'
import { asPhotoHash, type BranchId } from '../base/ids.ts'
import { isoTime } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { type Append, type EventKind, type LoggedEvent, Parked } from '../eventlog/events.ts'
import { putRecord } from './actions.ts'
import { personSubject, toldOf } from './audited.ts'
import { knownPerson } from './event-parts.ts'
import { isPhoto } from './photo-form.ts'
import { keptPhoto } from './photo-rows.ts'
import { getPerson, mayWriteFor } from './queries.ts'
import {
  type AsOf,
  asOfIn,
  OWN_FIELDS,
  type OwnField,
  type UserWish,
  userWishBody,
} from './records.ts'
import { keepWish, type OwnRecord } from './wish-rows.ts'

type Parts = AuditParts & { self: BranchId; append: Append }

/** 030a: what a guest wants to have changed in the own record; from the guest's branch to the home branch. */
export function userWish(parts: Parts): EventKind<UserWish> {
  const { self } = parts
  return {
    code: 0x030a,
    name: 'user.wish',
    scope: 'to',
    isPersonal: true,
    parse: (body) => v.parse(userWishBody, body),
    async refusal(tx, { body, origin, hlc, arrivedAt }) {
      const person = await knownPerson(tx, body.user)
      if (person.home !== self && origin !== self) return 'not-home'
      if (person.home === origin) return 'at-home'
      if (typeof body.photo === 'string' && !isPhoto(bytesOf(body.photo))) return 'no-photo'
      // A word from the future would stand above every later one.
      if (origin !== self && hlc > hlcOf(arrivedAt + DRIFT_MS_MAX, 0)) return 'wrong-time'
      const writer = { user: body.user, branch: origin, at: millisOf(hlc) }
      // What proves it comes in another feed, maybe later.
      if (!(await mayWriteFor(tx, writer))) throw new Parked('waits-for-person')
      return undefined
    },
    async apply(tx, event) {
      if (event.origin !== self) return await grant(parts, tx, event)
      const { body, hlc, position } = event
      const { photo } = await storedPhoto(tx, body)
      // One that was lost here and comes back may have its answer already.
      const { asOf } = await knownPerson(tx, body.user)
      const fields = unanswered(ownFields({ ...body, photo }), asOfIn(asOf), hlc)
      await keepWish(tx, { user: body.user, fields, hlc, position })
    },
  }
}

/** At home: what no later word has overtaken becomes the record. */
async function grant(parts: Parts, tx: Db, event: LoggedEvent<UserWish>): Promise<void> {
  const { body, hlc, origin } = event
  const row = await knownPerson(tx, body.user)
  if (row.erasedAt !== null) return
  const before = asOfIn(row.asOf)
  const isNews = (field: OwnField) => body[field] !== undefined && hlc > (before[field] ?? '')
  const fields = OWN_FIELDS.filter(isNews)
  if (fields.length === 0) return
  const wished = fields.includes('photo') ? await storedPhoto(tx, body) : {}
  const all = { ...body, ...wished }
  const changes = Object.fromEntries(fields.map((field) => [field, all[field]]))
  const person = await getPerson(tx, body.user)
  const told = changedOf(toldOf(person), toldOf(changes))
  const asOf = Object.fromEntries(fields.map((field) => [field, hlc]))
  await putRecord(parts, tx, { id: person.id, changes, by: person, asOf })
  if (told === undefined) return
  const by = { id: person.id }
  const subject = personSubject(person)
  const after = { ...told.after, writtenAt: isoTime(millisOf(hlc)) }
  const entry = { action: 'own.profile' as const, branch: origin, by, subject }
  await addAudit(parts, tx, { ...entry, before: told.before, after })
}

/** Keeps the picture of a wish, and says what a record calls it. */
async function storedPhoto(tx: Db, { photo }: UserWish) {
  if (photo === undefined || photo === null) return { photo }
  const bytes = bytesOf(photo)
  const hash = asPhotoHash(createHash('sha256').update(bytes).digest('hex'))
  return await keptPhoto(tx, { hash, bytes })
}

const bytesOf = (base64: string) => Uint8Array.fromBase64(base64)

function unanswered(fields: OwnRecord, asOf: AsOf, hlc: Hlc): OwnRecord {
  return Object.fromEntries(
    OWN_FIELDS.flatMap((field) => (hlc > (asOf[field] ?? '') ? [[field, fields[field]]] : [])),
  )
}

function ownFields(of: OwnRecord): OwnRecord {
  return Object.fromEntries(
    OWN_FIELDS.flatMap((field) => (of[field] === undefined ? [] : [[field, of[field]]])),
  )
}
