/** When files may go how fast, and when large ones come by themselves: hours of the settings, in the branch's time. */
import type { Millis } from '../base/units.ts'
import { MINUTE } from '../base/units.ts'

/** Minutes after midnight; `from` after `to` goes over midnight. */
type Hours = { from: number; to: number }

const BYTES_PER_MS_OF_KBIT = 1 / 8

/** Whether a minute of the day lies in these hours. */
export function isWithin({ from, to }: Hours, minute: number): boolean {
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}

/** Bytes in a millisecond that files may take, by the time; undefined: no ceiling. `minuteOf`: of the day. */
export function fileRateBy(
  { rate, hours }: { rate: number; hours: (Hours & { rate: number }) | undefined },
  minuteOf: (now: Millis) => number,
): (now: Millis) => number | undefined {
  let until = 0
  let known: number | undefined
  return (now) => {
    if (now >= until || now < until - MINUTE) {
      // Asked for every part of every file: once a minute is enough.
      until = now - (now % MINUTE) + MINUTE
      const kbit = hours && isWithin(hours, minuteOf(now)) ? hours.rate : rate
      known = kbit === 0 ? undefined : kbit * BYTES_PER_MS_OF_KBIT
    }
    return known
  }
}
