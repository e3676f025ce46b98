/** The data folder as `doctor` looks at it: its rights, free room, the database file, and whether the keys fit. */
import { existsSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MIB } from '../../base/units.ts'
import { KeyFileDamaged, type KeyFiles } from '../../certificates/keys.ts'
import { DATABASE_FILE } from '../../db/open.ts'
import { type LookedAt, SCHEMA } from '../../db/open-read.ts'
import type { Membership } from '../../organisation/membership.ts'
import { findChain } from '../../relay/credentials.ts'
import { bad, type Finding, ok, warn } from './finding.ts'

/** Group and others: the folder holds keys and messages. */
const OTHERS = 0o077
/** A day of files and photos; below, nothing can be stored soon. */
const FREE_BYTES_WARN = 1024 * MIB
const FREE_BYTES_BAD = 100 * MIB
/** A backup and the work of SQLite need as much again as the database. */
const FREE_FOR_COPY = 2

/** Whether only its owner can open it. */
export function folderFinding(data: string): Finding {
  const { mode } = statSync(data)
  const rights = (mode & 0o777).toString(8)
  if ((mode & OTHERS) === 0) return ok('folder', `${data}, for its owner alone`)
  return warn('folder', `${data} can be opened by other users (${rights})`, `chmod 700 ${data}`)
}

/** Whether there is room to go on. */
export function diskFinding(data: string): Finding {
  const { bavail, bsize } = statfsSync(data)
  const free = bavail * bsize
  const file = join(data, DATABASE_FILE)
  const size = existsSync(file) ? statSync(file).size : 0
  const says = `${mib(free)} free, the database has ${mib(size)}`
  const todo = 'make room: without it nothing can be stored, and people cannot write'
  if (free < FREE_BYTES_BAD) return bad('disk', says, todo)
  const isShort = free < Math.max(FREE_BYTES_WARN, FREE_FOR_COPY * size)
  return isShort ? warn('disk', says, todo) : ok('disk', says)
}

const mib = (bytes: number) => `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`

/** Whether the file is whole. */
export function databaseFinding(file: LookedAt): Finding {
  const damage = file.damage()
  if (damage === undefined) return ok('database', 'whole (quick_check)')
  const todo = 'stop the server, keep a copy of the folder, then `restore` the newest backup'
  return bad('database', `damaged: ${damage}`, todo)
}

/** Whether this program and the file are of one release. */
export function schemaFinding({ schema }: LookedAt): Finding {
  if (schema === SCHEMA) return ok('schema', `${schema}, that of this release`)
  return schema < SCHEMA
    ? warn('schema', `${schema}; the next start of this release brings it to ${SCHEMA}`)
    : bad('schema', `${schema}; this release knows ${SCHEMA}`, 'use the newer release')
}

/** Whether the key files are those of the database. */
export async function keysFinding(
  { db }: LookedAt,
  files: KeyFiles,
  { self }: Membership,
): Promise<Finding> {
  const todo = 'put the folder keys/ back from its copy, or use `key import --branch FILE`'
  try {
    const keys = files.findBranchKeys()
    if (!keys) return bad('keys', 'missing', todo)
    if (keys.branch !== self) return bad('keys', 'of another branch than the database', todo)
    const chain = await findChain(db)
    if (!chain) return bad('keys', 'there is no certificate in the database', 'join anew')
    if (!files.findNoiseKey(chain.link.noisePublicKey)) {
      return bad('keys', 'the key of the certificate in use is missing', todo)
    }
    if (files.linkKeys().length === 0) return bad('keys', 'the link key is missing', todo)
    return ok('keys', 'they fit the database')
  } catch (error) {
    if (!(error instanceof KeyFileDamaged)) throw error
    return bad('keys', error.message, todo)
  }
}
