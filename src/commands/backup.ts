/**
 * `backup FILE`: a copy of the database while the server runs, with the keys inside when a passphrase is given. The
 * server notes first what the copy will hold, so that other branches keep the rest for as long as it may be put back.
 */
import { existsSync, linkSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DAY, isoTime, type Millis } from '../base/units.ts'
import { keyFiles } from '../certificates/keys.ts'
import { UsageError } from '../config.ts'
import { COPY_KEYS, COPY_MADE_AT, copyDatabase } from '../db/copy.ts'
import { DATABASE_FILE } from '../db/open.ts'
import { BACKUP_KEPT_MS, BACKUP_KEPT_MS_MAX, type BackupMark } from '../eventlog/backup-marks.ts'
import { realDisk, syncFolder } from '../world/disk.ts'
import { sealedKeys, withoutRoot } from './branch-keys.ts'
import type { Call } from './commands.ts'
import type { Control } from './control-client.ts'
import { durationOf } from './duration.ts'
import { passphraseOf } from './passphrase.ts'
import { withControl } from './with-branch.ts'

/** The command `backup`. */
export async function backup(call: Call): Promise<number> {
  const [file, ...more] = call.words
  if (file === undefined || more.length > 0) {
    throw new UsageError('Say where: backup FILE, a file that is not there yet')
  }
  const folder = dirname(resolve(file))
  if (!existsSync(folder)) throw new UsageError(`There is no folder ${folder}`)
  for (const path of [file, `${file}.part`]) {
    if (existsSync(path)) throw new UsageError(`${path} is there already`)
  }
  const { keep } = call.flags
  const keptMs =
    keep === undefined
      ? BACKUP_KEPT_MS
      : durationOf(String(keep), { flag: 'keep', most: BACKUP_KEPT_MS_MAX })
  const sealed = await keysOf(call)
  const mark = await withControl(call.config, call.err, (control) =>
    copied(control, { call, file, keptMs, sealed }),
  )
  const mib = (statSync(file).size / 2 ** 20).toFixed(1)
  call.out(`${file}: ${mib} MiB, the branch as of ${isoTime(mark.madeAt)}\n`)
  call.out(
    sealed === undefined
      ? 'Keys are not in it: keep the folder keys/ or a `key export --branch FILE` as well.\n'
      : `Keys are in it, closed by the passphrase.\n${withoutRoot(keyFiles(realDisk(call.config.data)))}`,
  )
  const days = Math.round(keptMs / DAY)
  call.out(
    `Other branches keep what it lacks until ${isoTime(mark.expiresAt)} (${days} days): delete it by then.\n`,
  )
  return 0
}

async function copied(control: Control, { call, file, keptMs, sealed }: Task): Promise<BackupMark> {
  const mark = await control<BackupMark>('POST', '/backups', { keptMs })
  const part = `${file}.part`
  try {
    copyDatabase(join(call.config.data, DATABASE_FILE), part, {
      [COPY_MADE_AT]: String(mark.madeAt),
      ...(sealed === undefined ? {} : { [COPY_KEYS]: sealed }),
    })
    // A link, not a rename: that would go over a file that appeared meanwhile.
    linkSync(part, file)
    rmSync(part)
    syncFolder(dirname(resolve(file)))
    return mark
  } catch (error) {
    rmSync(part, { force: true })
    await control('POST', '/backups/remove', { id: mark.id })
    throw error
  }
}

type Task = { call: Call; file: string; keptMs: Millis; sealed: string | undefined }

/** The key files as one text; undefined without a passphrase. */
async function keysOf(call: Call): Promise<string | undefined> {
  if (call.flags['passphrase-file'] === undefined) return undefined
  const passphrase = await passphraseOf(call, { isNew: true })
  // Where no server runs this opens the folder, which brings the card beside the keys up to date.
  await withControl(call.config, call.err, (control) => control('GET', '/status'))
  return sealedKeys(keyFiles(realDisk(call.config.data)), passphrase)
}
