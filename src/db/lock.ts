/**
 * One server per data folder. The lock is SQLite's own exclusive lock on a small file: the system drops it when the
 * process dies, however it dies, so nothing stale is ever left behind. Who holds it stands beside, for people.
 */
import Sqlite from 'better-sqlite3'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import type { Disk } from '../world/disk.ts'

const LOCK_FILE = 'lock'
const HOLDER_FILE = 'lock.holder'

/** Takes the data folder for this process until the result is called; `holder` says who we are (`pid 4711`). */
export function takeLock(disk: Disk, holder: string): () => void {
  // Writing it first makes the folder, where there is none yet: then nobody can hold it either.
  if (!disk.exists(HOLDER_FILE)) disk.write(HOLDER_FILE, utf8(holder))
  const sqlite = new Sqlite(disk.path(LOCK_FILE), { timeout: 0 })
  try {
    // Not WAL: there, readers would be let in beside the lock.
    sqlite.pragma('locking_mode = exclusive')
    sqlite.exec('begin exclusive')
  } catch (error) {
    sqlite.close()
    throw refusal(disk, error)
  }
  disk.write(HOLDER_FILE, utf8(holder))
  return () => sqlite.close()
}

function refusal(disk: Disk, cause: unknown): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (!code.startsWith('SQLITE_BUSY')) {
    return new AppError('unavailable', `Cannot lock the data folder ${disk.root}`, { cause })
  }
  const bytes = disk.read(HOLDER_FILE)
  const holder = bytes === undefined ? 'another process' : fromUtf8(bytes)
  return new AppError(
    'conflict',
    `The data folder ${disk.root} is in use by another server (${holder}). ` +
      'Stop that one first, or start this one with another data folder.',
    { cause },
  )
}
