/**
 * Looks: who read what may be read by few. The same person who reads the same again within ten minutes is one entry, so
 * that paging, and a script that asks each minute, do not fill the log with themselves. A look that cannot be written
 * down does not happen.
 */
import type { UserId } from '../base/ids.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { AuditAction } from './actions.ts'
import { addAudit, type Doer, type NewEntry } from './entries.ts'

const LOOK_MS: Millis = 10 * MINUTE
/** About 300 bytes each; the oldest is forgotten, and is an entry again. */
const LOOKS_MAX = 1000

export type Look = Pick<NewEntry, 'subject' | 'after'> & {
  action: Extract<AuditAction, 'trace.read' | 'audit.read' | 'report.read' | 'report.exported'>
  by: Doer & { id: UserId }
}

/** Writes a look down, unless it is the same as a moment ago. */
export type NoteLook = (look: Look) => Promise<void>

/** Nobody has looked yet. */
export function createLooks(deps: {
  store: Pick<Store, 'writer'>
  clock: { now(): Millis }
}): NoteLook {
  const { store, clock } = deps
  const noted = new Map<string, Millis>()
  return async ({ by, ...look }) => {
    const { id, address } = by
    const key = JSON.stringify([id, address, look])
    const now = clock.now()
    const before = noted.get(key)
    if (before !== undefined && now >= before && now < before + LOOK_MS) return
    await store.writer.write((tx) => addAudit(deps, tx, { ...look, by: { id, address } }))
    noted.delete(key) // to the end: the map is in order of time
    noted.set(key, now)
    const [oldest] = noted.keys()
    if (noted.size > LOOKS_MAX && oldest !== undefined) noted.delete(oldest)
  }
}
