/**
 * What people may know of a file's bytes, as SQL: lines, lists and pages ask in the same words, so that none of them
 * opens what another one keeps closed. docs/decisions/046-file-policies.md.
 */
import { type RawBuilder, sql } from 'kysely'
import type { BlobState } from '../db/schema.ts'
import { SCANNING } from '../files/scanning.ts'

/** `checking`: the scanner has not called it clean yet; `unchecked`: it could not say, and the file stays closed. */
export type FileState = BlobState | 'removed' | 'checking' | 'unchecked' | 'infected'

/** Whether files wait here until the scanner has looked at them. */
const isScanning = sql`coalesce((select value from meta where name = ${SCANNING}), '') = 'yes'`

/** The state of the attachment `a` with its blob `b`. */
export const FILE_STATE: RawBuilder<FileState> = sql<FileState>`case
  when a.removedAt is not null then 'removed'
  when b.verdict = 'infected' then 'infected'
  when b.verdict <> 'clean' and b.state = 'here' and ${isScanning}
    then iif(b.verdict = 'failed', 'unchecked', 'checking')
  else coalesce(b.state, 'elsewhere') end`

/** Whether its small copy, the blob `small`, may be shown: never of a file that is closed itself. */
export const HAS_THUMB: RawBuilder<0 | 1> = sql<0 | 1>`iif(small.state = 'here'
  and small.verdict <> 'infected' and (small.verdict = 'clean' or not ${isScanning})
  and ${FILE_STATE} in ('here', 'partial', 'elsewhere'), 1, 0)`
