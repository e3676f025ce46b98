/**
 * What the kinds of events about people share: the person or a wait for the record, the keys that signed, which of two
 * records comes after the other.
 */
import type { PhotoHash, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { Parked } from '../eventlog/events.ts'
import { deleteSignIns, userById } from './event-rows.ts'

/** The row of a person, if it is here. */
export async function personRow(tx: Db, userId: UserId) {
  const [row] = await userById(tx, { userId })
  return row
}

/** The person, or a wait for the record: feeds of different branches have no common order. */
export async function knownPerson(tx: Db, userId: UserId) {
  const person = await personRow(tx, userId)
  if (person === undefined) throw new Parked('waits-for-person')
  return person
}

/**
 * Who wrote a number had seen the one below it, which is on its way to us too. So nobody jumps to the last number there
 * is, above which nothing could be written any more; and whoever comes first, all branches apply the same ones.
 */
export function demandNext(given: number, known: number): void {
  if (given > known + 1) throw new Parked('waits-for-earlier')
}

export type Key = { publicKey: Uint8Array }

/** A place in the order of somebody's credentials. */
export type Step = { user: UserId; epoch: number; rev: number }

/** The keys that ever stood at (epoch, rev): usually one, two after changes made apart; else a wait for one. */
export async function keysAt(tx: Db, { user, epoch, rev }: Step): Promise<Key[]> {
  const now = await tx
    .selectFrom('credential')
    .where('userId', '=', user)
    .where('epoch', '=', epoch)
    .where('rev', '=', rev)
    .select('publicKey')
    .execute()
  const past = await tx
    .selectFrom('credential_past')
    .where('userId', '=', user)
    .where('epoch', '=', epoch)
    .where('rev', '=', rev)
    .select('publicKey')
    .execute()
  const keys = [...now, ...past]
  if (keys.length === 0) throw new Parked('waits-for-credential')
  return keys
}

/** Ends every sign-in of a person at this branch. */
export async function endSignIns(tx: Db, userId: UserId): Promise<void> {
  await deleteSignIns(tx, { userId })
}

/** Whether one order of replaceable records, such as (epoch, rev, hlc, branch), comes after another. */
export function isAfter(
  one: readonly (number | string)[],
  other: readonly (number | string)[],
): boolean {
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i] ?? 0, other[i] ?? 0]
    if (a !== b) return a > b
  }
  return false
}

/** Forgets a photo that no record names any more. */
export async function dropPhoto(tx: Db, hash: PhotoHash): Promise<void> {
  const inUse = await tx
    .selectFrom('user')
    .where('photo', '=', hash)
    .select('id')
    .executeTakeFirst()
  if (inUse === undefined) await tx.deleteFrom('photo').where('hash', '=', hash).execute()
}
