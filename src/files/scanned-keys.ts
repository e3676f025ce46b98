/**
 * Keys that messages and uploads name for a blob. Anybody who knows a blob's id can name one, so a wrong one must
 * neither stand in the way of the right one nor get what it opens by a verdict about something else.
 * docs/decisions/046-file-policies.md.
 */
import { hash } from 'node:crypto'
import { sql } from 'kysely'
import { concat, utf8 } from '../base/bytes.ts'
import type { BlobId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'

/** Why nothing can be said of a blob that no key opens; the next key that is named has it looked at again. */
export const NO_KEY = 'no key that was named opens it'
/** Read at a time: keys of one blob are as many as there are messages that name it. */
const KEYS_PER_PAGE = 500

const DOMAIN = utf8('scanned/1')

/** What stands beside a verdict for the key it was reached with: keys stand with attachments, and go with them. */
export function keyMark(key: Uint8Array): Uint8Array {
  return hash('sha256', concat(DOMAIN, key), 'buffer')
}

/** Every key that is named for a blob, once: first those of this branch itself. */
export async function* keysOf(db: Db, id: BlobId): AsyncGenerator<Uint8Array> {
  const own = sql<{ key: Uint8Array }>`
    select key from blob where id = ${id} and key is not null
    union select key from file where blobId = ${id}
    union select thumbKey from file where thumbId = ${id} and thumbKey is not null
    limit ${KEYS_PER_PAGE}`
  for (const { key } of (await own.execute(db)).rows) yield key
  for (let after: Uint8Array = new Uint8Array(); ; ) {
    const page = await sql<{ key: Uint8Array }>`
      select key from (
        select key from attachment where blobId = ${id} and key > ${after}
        union select thumbKey from attachment where thumbId = ${id} and thumbKey > ${after}
      ) order by key limit ${KEYS_PER_PAGE}`.execute(db)
    for (const { key } of page.rows) {
      after = key
      yield key
    }
    if (page.rows.length < KEYS_PER_PAGE) return
  }
}
