/**
 * The branch's hybrid logical clock: strictly increasing within this database, kept in `meta` with every commit that
 * wrote an event, so that a wall clock set back by an hour does not put new messages before old ones.
 */
import type { Hlc } from '../base/hlc.ts'
import { HLC_ZERO, isHlc, observe, tick } from '../base/hlc.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'

const NAME = 'hlc'

export type LogClock = {
  next(): Hlc
  observe(seen: Hlc): void
  /** Keeps the value, if it moved since it was last kept. */
  keep(tx: Db): Promise<void>
  load(db: Db): Promise<void>
}

/** Where the branch's clock stood at the last commit: never behind what it wrote, however its wall clock is set. */
async function keptHlc(db: Db): Promise<Hlc> {
  const found = await metaOf(db, NAME)
  return found !== undefined && isHlc(found) ? found : HLC_ZERO
}

/** A clock at zero: `load` brings it to where the database left it. */
export function createLogClock(clock: Clock): LogClock {
  let last = HLC_ZERO
  let kept = HLC_ZERO
  return {
    next() {
      last = tick(last, clock.now())
      return last
    },
    observe(seen) {
      last = observe(last, seen, clock.now())
    },
    async keep(tx) {
      if (last === kept) return
      await putMeta(tx, { [NAME]: last })
      kept = last // should the commit fail, the next one keeps a later value
    },
    async load(db) {
      const found = await keptHlc(db)
      if (found > last) last = found
    },
  }
}
