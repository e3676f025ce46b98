/**
 * Stores in temporary folders. A new one begins as a copy of one that was migrated: the migrations take twenty times as
 * long as opening a file. test/db/open.test.ts tries the migrations themselves.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GIB } from '../../src/base/units.ts'
import type { Store } from '../../src/db/open.ts'
import { openStore } from '../../src/db/open.ts'
import { realClock } from '../../src/world/clock.ts'
import type { Log } from '../../src/world/log.ts'

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
}

type TestContext = { after(fn: () => void | Promise<void>): void }

/** Files in memory where there are such: nobody waits there until a commit has reached a disk. */
const MEMORY = '/dev/shm'
/** Of a container it is 64 MiB, and two test files at once need more. */
const MEMORY_BYTES_MIN = GIB

function place(): string {
  if (!existsSync(MEMORY)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize < MEMORY_BYTES_MIN ? tmpdir() : MEMORY
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(place(), 'branchline-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Time stands still: a commit closes after some milliseconds, which a busy machine needs for a single action. */
const standingClock = { ...realClock, now: () => 0 }

/** Migrated once in each process. */
let empty: Promise<Buffer> | undefined

/** Puts an empty database where `openStore` will look for one, unless there is a file already. */
export async function putEmptyDatabase(path: string): Promise<void> {
  if (existsSync(path)) return
  empty ??= emptyDatabase()
  writeFileSync(path, await empty)
}

async function emptyDatabase(): Promise<Buffer> {
  const folder = mkdtempSync(join(place(), 'branchline-empty-'))
  try {
    const path = join(folder, 'empty.db')
    const store = await openStore({ path, clock: standingClock, log: silentLog })
    await store.close()
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** An empty store that is closed when the test ends. */
export async function temporaryStore(t: TestContext): Promise<Store & { path: string }> {
  const path = join(temporaryFolder(t), 'branchline.db')
  await putEmptyDatabase(path)
  const store = await openStore({ path, clock: standingClock, log: silentLog })
  t.after(() => store.close())
  return { ...store, path }
}
