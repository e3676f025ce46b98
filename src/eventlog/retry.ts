/** When parked events are tried again: all at start, the waiting ones shortly after other events were applied. */
import type { Millis } from '../base/units.ts'
import { MS } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Core } from './core.ts'
import type { Which } from './parked.ts'
import { replayParked } from './parked.ts'

/** Soon enough for a person, seldom enough when thousands of events pass in a second. */
const RETRY_MS: Millis = 50 * MS

type Parts = { store: Store; clock: Clock; log: Log }

/** The two occasions for another try. */
export function createRetry({ store, clock, log }: Parts, core: Core) {
  let isDue = false

  const replay = async (which: Which) => {
    core.waiting.is = false // set again by each event that goes on waiting
    let after: number | undefined = 0
    while (after !== undefined) {
      const from: number = after
      after = await store.writer.write((tx) => replayParked(core, tx, { which, after: from }))
    }
  }
  return {
    all: () => replay('all'),
    afterEvents() {
      if (!core.waiting.is || isDue) return
      isDue = true
      clock.after(RETRY_MS, () => {
        isDue = false
        replay('waiting').catch((error: unknown) => {
          core.waiting.is = true
          log.warn('eventlog.retry-failed', { cause: error })
        })
      })
    },
  }
}
