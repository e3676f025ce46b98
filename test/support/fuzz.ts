/** Hostile bytes, texts and values from a seed: what is valid, changed a little or a lot; the same in every run. */
import { prng } from './prng.ts'

export type Fuzz = {
  /** A sample mutated, two of them joined, or bytes of pure chance. */
  bytes(samples: readonly Uint8Array[]): Uint8Array
  text(samples: readonly string[]): string
  /** A JSON value with some parts replaced, left out, doubled or nested. */
  value(sample: unknown): unknown
  pick<T>(list: readonly [T, ...T[]]): T
}

/** Characters that mean something to somebody: line ends, quotes, halves of pairs, letters that turn the line. */
const SPECIAL = [
  '',
  ' ',
  '\0',
  '\r\n',
  '"',
  "'",
  '<',
  '&',
  '%',
  '%00',
  '%E0%A4',
  '..',
  '/',
  '\\',
  ';',
  ',',
  '=',
  '-1',
]
const UNICODE = [
  '\ud800',
  '\udfff',
  '\u202e',
  '\u200b',
  '\u2028',
  '\ufeff',
  'İ',
  'ß',
  '🧨',
  'e\u0301'.repeat(50),
]
const WORDS = [
  'null',
  '__proto__',
  'constructor',
  'NaN',
  '1e309',
  '9007199254740993',
  '0x10',
  'ffffffffffffffff',
]
const NUMBERS = [0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, Number.MIN_VALUE]
const LONG = 3000
const ALL_WORDS = ['x'.repeat(LONG), ...SPECIAL, ...UNICODE, ...WORDS] as const

/** Everything that follows from `seed`. */
export function fuzz(seed: number): Fuzz {
  const chance = prng(seed)
  const below = (n: number) => Math.floor(chance() * n)
  const pick = <T>(list: readonly [T, ...T[]]): T => list[below(list.length)] ?? list[0]
  const word = () => pick(ALL_WORDS)
  const random = (length: number) => Uint8Array.from({ length }, () => below(256))

  const bytes = (samples: readonly Uint8Array[]): Uint8Array => {
    const sample = samples[below(samples.length)] ?? random(64)
    const at = below(sample.length + 1)
    const kind = below(10)
    if (kind === 0) return random(below(400))
    if (kind === 1) return sample.slice(0, at)
    if (kind === 2) return Buffer.concat([sample, random(below(40))])
    if (kind === 3) {
      const other = samples[below(samples.length)] ?? sample
      return Buffer.concat([sample.subarray(0, at), other.subarray(below(other.length))])
    }
    const changed = sample.slice()
    for (let n = 0; n <= below(4); n++) {
      const start = below(changed.length)
      // Lengths and counts at their ends break more than chance does.
      const value = pick([0, 1, 0x7f, 0x80, 0xff, below(256), below(256)])
      changed.fill(value, start, start + pick([1, 1, 1, 2, 4, 8]))
    }
    return changed
  }
  const text = (samples: readonly string[]): string => {
    let made = samples[below(samples.length)] ?? ''
    for (let n = 0; n <= below(3); n++) {
      const at = below(made.length + 1)
      const until = pick([at, at, at + 1, made.length])
      made = made.slice(0, at) + word() + made.slice(until)
    }
    return made
  }
  const leaf = (): unknown =>
    pick<unknown>([
      null,
      true,
      word(),
      pick(NUMBERS as [number]),
      [],
      {},
      [word()],
      { [word()]: 1 },
    ])
  const value = (sample: unknown): unknown => {
    if (below(6) === 0) return leaf()
    if (typeof sample === 'string') return below(2) === 0 ? text([sample]) : sample
    if (Array.isArray(sample)) {
      const changed = sample.map(value)
      return below(5) === 0 ? Array.from({ length: 60 }, () => changed[0]) : changed
    }
    if (typeof sample !== 'object' || sample === null) return sample
    const entries = Object.entries(sample).flatMap(([key, part]): [string, unknown][] => {
      const fate = below(12)
      if (fate === 0) return []
      if (fate === 1)
        return [
          [key, part],
          [word(), leaf()],
        ]
      return [[key, fate < 6 ? value(part) : part]]
    })
    return Object.fromEntries(entries)
  }
  return { bytes, text, value, pick }
}
