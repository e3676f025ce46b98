/** The door to the log: a dotted name that never varies, and fields. JSON lines; secrets are redacted by field name. */
import { isoTime } from '../base/units.ts'
import type { Clock } from './clock.ts'

export type Fields = Record<string, unknown>
export type Level = 'debug' | 'info' | 'warn' | 'error'

export type Log = {
  debug(name: string, fields?: Fields): void
  info(name: string, fields?: Fields): void
  warn(name: string, fields?: Fields): void
  error(name: string, fields?: Fields): void
  /** A child that adds `fields` to every line. */
  with(fields: Fields): Log
}

const SECRET = /pass|secret|token|cookie|key|body|psk|code|authorization|credential/i
const ORDER: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** A log that writes one JSON line per call through `write`. */
export function jsonLog(
  clock: Clock,
  write: (line: string) => void,
  options: { least?: Level; fields?: Fields } = {},
): Log {
  const least = ORDER[options.least ?? 'info']
  const own = options.fields ?? {}
  const line =
    (level: Level) =>
    (name: string, fields: Fields = {}) => {
      if (ORDER[level] < least) return
      const at = isoTime(clock.now())
      write(`${JSON.stringify({ at, level, name, ...redacted({ ...own, ...fields }) })}\n`)
    }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (fields) => jsonLog(clock, write, { ...options, fields: { ...own, ...fields } }),
  }
}

function redacted(fields: Fields): Fields {
  const out: Fields = {}
  for (const [name, value] of Object.entries(fields)) {
    out[name] = SECRET.test(name) ? 'redacted' : value instanceof Error ? errorFields(value) : value
  }
  return out
}

function errorFields(error: Error): Fields {
  return { error: error.name, message: error.message, stack: error.stack }
}
