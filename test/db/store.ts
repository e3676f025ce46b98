/** A store in a temporary folder, for tests of the storage. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'branchline-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Time stands still: a commit closes after some milliseconds, which a busy machine needs for a single action. */
const standingClock = { ...realClock, now: () => 0 }

/** An empty store that is closed when the test ends. */
export async function temporaryStore(t: TestContext): Promise<Store & { path: string }> {
  const path = join(temporaryFolder(t), 'branchline.db')
  const store = await openStore({ path, clock: standingClock, log: silentLog })
  t.after(() => store.close())
  return { ...store, path }
}
