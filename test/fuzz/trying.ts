/**
 * A decoder of what comes from outside, and how it is tried: with samples that were changed, from a seed. It answers a
 * value or refuses in its own way, never otherwise; no answer, and no buffer that it makes on the way, is larger than
 * what was sent allows; and it is not slow.
 */
import { serialize } from 'node:v8'
import type { Fuzz } from '../support/fuzz.ts'

export type Decoder<Sample> = {
  samples: readonly Sample[]
  decode(sample: Sample): unknown
  /** The errors it refuses with; none: it answers undefined. */
  refuses?: readonly (new (
    ...args: never[]
  ) => Error)[]
  /** Handshakes and certificates are counted in milliseconds. */
  isSlow?: boolean
}

/** One decoder, whatever it reads. */
export type Tried = {
  name: string
  isSlow: boolean
  /** Whether chance refuses some: not where everything has a meaning. */
  mayRefuse: boolean
  /** Checks that what is right is read. */
  begin(): void
  /** One input; throws Otherwise when something else happens than it may. */
  once(chance: Fuzz): Try
}

export type Try = {
  isAnswer: boolean
  inputBytes: number
  allocated: number
  shown(): string
  again(): unknown
}

/** A value may be this many times what was sent: ids of 16 bytes become 32 characters, with names beside them. */
const GROWTH_MAX = 12
const FIXED_BYTES = 2048
/** Of one buffer: keys of handshakes and what is read at once are larger than a short input. */
const FIXED_BUFFER_BYTES = 16 * 1024

/** It did what no decoder may. */
export class Otherwise extends Error {
  override name = 'Otherwise'
}

export function trying<Sample extends Uint8Array | string>(
  name: string,
  decoder: Decoder<Sample>,
  next: (chance: Fuzz, samples: readonly Sample[]) => Sample,
): Tried {
  const { samples, decode, refuses = [], isSlow = false } = decoder
  return {
    ...{ name, isSlow, mayRefuse: decoder.refuses !== undefined },
    begin: () => {
      for (const sample of samples) decode(sample)
    },
    once(chance) {
      const sample = next(chance, samples)
      const shown = () => (typeof sample === 'string' ? JSON.stringify(sample) : sample.toHex())
      const inputBytes = sample.length
      beginBuffers()
      let isAnswer = false
      try {
        const value = decode(sample)
        checkSize(serialize(value ?? null).length, { inputBytes, shown })
        isAnswer = value !== undefined && value !== false
      } catch (error) {
        const isRefusal = refuses.some((kind) => error instanceof kind)
        if (!isRefusal) throw error instanceof Otherwise ? error : new Otherwise(told(error, shown))
      }
      const allocated = checkBuffers(inputBytes, shown)
      return { isAnswer, inputBytes, allocated, shown, again: () => decode(sample) }
    },
  }
}

/** An answer is not much larger than what it came from. */
export function checkSize(
  bytes: number,
  { inputBytes, shown }: { inputBytes: number; shown(): string },
): void {
  if (bytes <= GROWTH_MAX * inputBytes + FIXED_BYTES) return
  throw new Otherwise(`an answer of ${bytes} bytes to ${shown().slice(0, 600)}`)
}

/** The largest buffer since `beginBuffers`; throws when the input does not explain it. */
export function checkBuffers(inputBytes: number, shown: () => string): number {
  if (largest > GROWTH_MAX * inputBytes + FIXED_BUFFER_BYTES) {
    throw new Otherwise(`a buffer of ${largest} bytes for ${shown().slice(0, 600)}`)
  }
  return largest
}

export function told(error: unknown, shown: () => string): string {
  return `${error instanceof Error ? (error.stack ?? error.message) : error}\nfor ${shown().slice(0, 2000)}`
}

let largest = 0

/** Begins to watch what is allocated. */
export function beginBuffers(): void {
  largest = 0
}

const watched = (size: unknown) => {
  if (typeof size === 'number' && size > largest) largest = size
}

/** In this process `new Uint8Array(n)` and `Buffer.alloc(n)` are counted from now on. */
export function watchBuffers(): void {
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, given, newTarget) {
      watched(given[0])
      return Reflect.construct(target, given, newTarget)
    },
  })
  const { alloc, allocUnsafe } = Buffer
  Buffer.alloc = ((size: number, ...rest: []) => {
    watched(size)
    return alloc(size, ...rest)
  }) as typeof alloc
  Buffer.allocUnsafe = (size) => {
    watched(size)
    return allocUnsafe(size)
  }
}
