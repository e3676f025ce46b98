/** Waiting between tries: doubling with jitter, bounded. Pure: chance comes as an argument. */
import type { Millis } from './units.ts'
import { MINUTE, SECOND } from './units.ts'

const RETRY_MS_MIN: Millis = SECOND
/** Never longer: hours of back-off left healthy servers unreachable elsewhere (docs/protocol.md, section 2). */
const RETRY_MS_MAX: Millis = MINUTE

/** Delay before try number `failures` + 1; `chance` is in [0, 1) and moves it by up to a fifth each way. */
export function retryDelay(failures: number, chance: number): Millis {
  const doubled = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.max(0, failures - 1))
  return Math.min(RETRY_MS_MAX, Math.round(doubled * (0.8 + 0.4 * chance)))
}
