/**
 * A copy of a database as it is at one moment, made while a server writes to it: the copier reads one snapshot, and the
 * result is compact and whole (https://sqlite.org/lang_vacuum.html#vacuuminto). Runs in the process of a command: it
 * takes as long as the disk needs.
 */
import Sqlite from 'better-sqlite3'
import { AppError } from '../base/errors.ts'
import type { Millis } from '../base/units.ts'

/** Rows of table `meta` that a copy alone has: when it was made (ms); the keys, closed by a passphrase. */
export const COPY_MADE_AT = 'copyMadeAt'
export const COPY_KEYS = 'copyKeys'

/** The server checkpoints now and then. */
const BUSY_MS_MAX: Millis = 10_000

/** Copies the database at `from` into the new file `to`, with these rows in table `meta` (at least one). */
export function copyDatabase(from: string, to: string, meta: Record<string, string>): void {
  const source = new Sqlite(from, { readonly: true, timeout: BUSY_MS_MAX })
  try {
    source.prepare('vacuum into ?').run(to)
  } finally {
    source.close()
  }
  const copy = new Sqlite(to)
  try {
    // What VACUUM wrote lies on the disk for certain when a commit of the same file does.
    const put = copy.prepare('insert or replace into meta (name, value) values (?, ?)')
    for (const [name, value] of Object.entries(meta)) put.run(name, value)
    demandWhole(copy, to)
  } finally {
    copy.close()
  }
}

/** The rows of table `meta` of a copy; throws when the file is damaged or none. */
export function readCopy(path: string): Record<string, string> {
  const copy = openedCopy(path)
  try {
    demandWhole(copy, path)
    const rows = copy.prepare('select name, value from meta').all() as {
      name: string
      value: string
    }[]
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  } catch (error) {
    if (error instanceof AppError) throw error
    throw damaged(path, error)
  } finally {
    copy.close()
  }
}

function openedCopy(path: string): Sqlite.Database {
  try {
    return new Sqlite(path, { readonly: true, fileMustExist: true })
  } catch (cause) {
    throw new AppError('not-found', `Cannot read ${path}`, { cause })
  }
}

function demandWhole(copy: Sqlite.Database, path: string): void {
  const answer = copy.pragma('quick_check', { simple: true })
  if (answer !== 'ok') throw damaged(path, answer)
}

function damaged(path: string, cause: unknown): AppError {
  return new AppError('conflict', `${path} is damaged, or no copy of a database`, { cause })
}
