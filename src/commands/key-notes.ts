/** Keys that a command takes out of the data folder or puts into it: the branch writes it down before it is done. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isoTime, type Millis } from '../base/units.ts'
import { DATABASE_FILE } from '../db/open.ts'
import type { Call } from './commands.ts'
import { withControl } from './with-branch.ts'

type KeyNote = {
  action: 'key.exported' | 'key.removed' | 'key.imported'
  key: 'root' | 'branch'
  file: string
  until?: Millis
}

/** Writes it into the audit log; a folder without a database has none. */
export async function noteKey(call: Call, { until, ...note }: KeyNote): Promise<void> {
  if (!existsSync(join(call.config.data, DATABASE_FILE))) return
  const body = { ...note, ...(until === undefined ? {} : { until: isoTime(until) }) }
  await withControl(call.config, call.err, (control) => control('POST', '/key-notes', body))
}
