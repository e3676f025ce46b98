/**
 * `restore FILE` puts a copy into a folder without a database; `rebuild` begins an empty one from the keys alone. No
 * server runs meanwhile; the next `serve` fetches from the other branches what they hold.
 */
import { renameSync, rmSync } from 'node:fs'
import { AppError } from '../base/errors.ts'
import { isoTime, type Millis } from '../base/units.ts'
import { openKeys } from '../certificates/key-file.ts'
import { type KeyFiles, keyFiles } from '../certificates/keys.ts'
import { UsageError } from '../config.ts'
import { COPY_KEYS, COPY_MADE_AT, copyDatabase, readCopy } from '../db/copy.ts'
import { takeLock } from '../db/lock.ts'
import { DATABASE_FILE, openStore, type Store } from '../db/open.ts'
import { finishRestore, rebuild as rebuildIn } from '../setup/recover.ts'
import { type Disk, syncFolder } from '../world/disk.ts'
import { realWorld } from '../world/world.ts'
import { hasKeys } from './branch-keys.ts'
import type { Call } from './commands.ts'
import { passphraseOf } from './passphrase.ts'

const PART = `${DATABASE_FILE}.part`
/** A database, and what SQLite keeps beside it. */
const ENDINGS = ['', '-wal', '-shm', '-journal']

/** The command `restore`. */
export async function restore(call: Call): Promise<number> {
  const [file, ...more] = call.words
  if (file === undefined || more.length > 0) throw new UsageError('Say what: restore FILE')
  const copy = readCopy(file)
  const copyAt: Millis = Number(copy[COPY_MADE_AT])
  if (!(copyAt > 0)) {
    throw new AppError('conflict', `${file} was not made by the command backup`)
  }
  return await inEmptyFolder(call, async (world, files) => {
    const keysFrom = await bringKeys(call, files, copy[COPY_KEYS])
    const begin = (path: string) => copyDatabase(file, path, { [COPY_KEYS]: '' })
    await finished(world, begin, (store) => finishRestore({ world, store, files }, { copyAt }))
    call.out(`The branch is back as of ${isoTime(copyAt)}, with the keys ${keysFrom}\n`)
    call.out('Start it with `serve`: what it lost since comes back from the other branches, ')
    call.out(
      'and its page of branches says what has come and what cannot. Everybody signs in anew.\n',
    )
    return 0
  })
}

/** The command `rebuild`. */
export async function rebuild(call: Call): Promise<number> {
  if (call.words.length > 0) throw new UsageError('rebuild takes the keys of --data, and no file')
  return await inEmptyFolder(call, async (world, files) => {
    const { name } = await finished(
      world,
      () => {},
      (store) => rebuildIn({ world, store, files }),
    )
    call.out(`The branch ${name} has an empty database\n`)
    call.out(
      'Start it with `serve`: its people, records and mail come back from the other branches ',
    )
    call.out('as soon as one is reached. What its people wrote to each other was nowhere else.\n')
    return 0
  })
}

type Doing = (world: ReturnType<typeof realWorld>, files: KeyFiles) => Promise<number>

async function inEmptyFolder(call: Call, run: Doing): Promise<number> {
  const world = realWorld(call.config.data, call.err, 'error')
  const { disk } = world
  const free = takeLock(disk, `process ${process.pid}`)
  try {
    demandEmpty(disk)
    return await run(world, keyFiles(disk))
  } finally {
    free()
  }
}

/** A log of the database before would be played over the copy: it goes with it, or stays with it. */
function demandEmpty(disk: Disk): void {
  for (const ending of ENDINGS) {
    if (!disk.exists(DATABASE_FILE + ending)) continue
    throw new AppError(
      'conflict',
      `${disk.path(DATABASE_FILE + ending)} is there already: move all of ${DATABASE_FILE}* away first, ` +
        'nothing is written over it',
    )
  }
}

/** Works on the database beside its place and moves it there when it is whole. */
async function finished<T>(
  { disk, clock, log }: ReturnType<typeof realWorld>,
  begin: (path: string) => void,
  run: (store: Store) => Promise<T>,
): Promise<T> {
  const path = disk.path(PART)
  const clear = () => {
    for (const ending of ENDINGS) rmSync(path + ending, { force: true })
  }
  clear() // of one that was interrupted
  try {
    begin(path)
    const store = await openStore({ path, clock, log })
    const result = await run(store).finally(() => store.close())
    demandEmpty(disk)
    renameSync(path, disk.path(DATABASE_FILE))
    syncFolder(disk.root)
    return result
  } finally {
    clear()
  }
}

/** Keys that lie here are the newest; else those of the copy are written. */
async function bringKeys(call: Call, files: KeyFiles, sealed: string | undefined): Promise<string> {
  if (hasKeys(files)) return 'that were here'
  if (!sealed) {
    // Of a release that wrote no card: what the copy says of it serves as well.
    if (files.findBranchKeys()) return 'that were here'
    throw new AppError(
      'conflict',
      'The copy holds no keys: put the folder keys/ back first, or use `key import --branch FILE`',
    )
  }
  const opened = openKeys(sealed, await passphraseOf(call, { isNew: false }))
  if (!opened.ok)
    throw new AppError('conflict', 'The keys of the copy open with another passphrase')
  files.unbundle(opened.bundle)
  return 'of the copy'
}
