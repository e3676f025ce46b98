/** Files that an operator names: read whole, or written where nothing is. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { UsageError } from '../config.ts'

/** The text of a file. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`Cannot read ${file}`)
  }
}

/** Never over a file that is there: it may be the only copy. */
export function writeNew(file: string, text: string): void {
  let handle: number
  try {
    handle = openSync(file, 'wx', 0o600)
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw new UsageError(isThere ? `${file} is there already` : `Cannot write ${file}`)
  }
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
