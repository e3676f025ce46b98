/** Durations as operators write them: `30m`, `24h`, `7d`. */
import { DAY, HOUR, MINUTE, type Millis } from '../base/units.ts'
import { UsageError } from '../config.ts'

const UNITS: Record<string, Millis> = { m: MINUTE, h: HOUR, d: DAY }

/** The value of a flag; throws UsageError above `most`, which is whole days. */
export function durationOf(value: string, { flag, most }: { flag: string; most: Millis }): Millis {
  const match = /^(\d{1,4})([mhd])$/.exec(value)
  const unit = UNITS[match?.[2] ?? '']
  const ms = match && unit !== undefined ? Number(match[1]) * unit : 0
  if (ms > 0 && ms <= most) return ms
  throw new UsageError(
    `--${flag} is "${value}"; allowed: a number above 0 and m, h or d, as 24h, up to ${most / DAY}d`,
  )
}
