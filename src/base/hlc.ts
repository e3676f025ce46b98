/**
 * Hybrid logical clock: 48 bits of Unix milliseconds and 16 bits of counter, as 16 hexadecimal characters, so that
 * text order is time order in code and in SQL. On the wire it is the same 8 bytes. It orders timelines only.
 * Source: Kulkarni et al., "Logical Physical Clocks" (2014); the limit of its drift: docs/protocol.md, section 8.
 */
import type { Millis } from './units.ts'
import { MINUTE } from './units.ts'

declare const brand: unique symbol
export type Hlc = string & { readonly [brand]: 'Hlc' }

/** A clock elsewhere may pull ours at most this far ahead: a wrong clock there must not become everybody's. */
export const DRIFT_MS_MAX = MINUTE

export const HLC_ZERO = '0000000000000000' as Hlc

const HLC = /^[0-9a-f]{16}$/
const COUNTER_MAX = 0xffff

/** Whether a text has the form of a clock value. */
export function isHlc(text: string): text is Hlc {
  return HLC.test(text)
}

/** The milliseconds of a clock value. */
export function millisOf(hlc: Hlc): Millis {
  return Number.parseInt(hlc.slice(0, 12), 16)
}

/** A clock value of its two parts. */
export function hlcOf(ms: Millis, counter: number): Hlc {
  return (ms.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0')) as Hlc
}

/** The next value for an event written now: strictly above `last`. */
export function tick(last: Hlc, now: Millis): Hlc {
  const lastMs = millisOf(last)
  if (now > lastMs) return hlcOf(now, 0)
  const counter = Number.parseInt(last.slice(12), 16) + 1
  return counter > COUNTER_MAX ? hlcOf(lastMs + 1, 0) : hlcOf(lastMs, counter)
}

/** A value for what is decided now about something that stands: above `known`, also where a clock ahead wrote that. */
export function above(known: Hlc | undefined, now: Hlc): Hlc {
  if (known === undefined || now > known) return now
  const next = tick(known, 0)
  return isHlc(next) ? next : known // there is none above the last one
}

/** Our clock after seeing `seen`: never behind it, and never more than DRIFT_MS_MAX past the wall clock. */
export function observe(last: Hlc, seen: Hlc, now: Millis): Hlc {
  const limit = hlcOf(now + DRIFT_MS_MAX, 0)
  const bounded = seen < limit ? seen : limit
  return bounded > last ? bounded : last
}
