/**
 * A digest of who is here: the exclusive or of half of each person's id, in 32 buckets by how the id begins. It changes
 * with each coming and going in a step, whatever the order was, and ids are drawn by chance, so two different rolls
 * have one digest once in 2^64. A branch can only lie with it about people it speaks for anyway.
 */
import type { UserId } from '../base/ids.ts'

/** Few enough that all digests fit one signal, and so many that one lost change costs 60 of 2,000 people. */
export const BUCKETS = 32
/** Of one bucket's digest, and of the whole. */
export const DIGEST_BYTES = 8

const WORDS = 2 * BUCKETS
/** The five bits at the beginning of an id. */
const BUCKET_SHIFT = 3

export class Digest {
  readonly #words = new Uint32Array(WORDS)

  /** Somebody came or went. */
  turn(user: UserId): void {
    const at = 2 * bucketOf(user)
    this.#words[at] = word(this.#words[at]) ^ Number.parseInt(user.slice(16, 24), 16)
    this.#words[at + 1] = word(this.#words[at + 1]) ^ Number.parseInt(user.slice(24), 16)
  }

  clear(): void {
    this.#words.fill(0)
  }

  /** Of everybody, 16 hexadecimal characters. */
  get whole(): string {
    let [high, low] = [0, 0]
    for (let at = 0; at < WORDS; at += 2) {
      high ^= word(this.#words[at])
      low ^= word(this.#words[at + 1])
    }
    return inHex(high) + inHex(low)
  }

  /** Of each bucket, 16 hexadecimal characters. */
  get buckets(): string[] {
    return Array.from(
      { length: BUCKETS },
      (_, n) => inHex(word(this.#words[2 * n])) + inHex(word(this.#words[2 * n + 1])),
    )
  }
}

/** A stretch of ids: above `after`, up to `last`. */
export type Stretch = { after: UserId; last: UserId }

/** The ids of the buckets that differ from those of another digest; neighbours are one stretch. */
export function differing(one: readonly string[], other: readonly string[]): Stretch[] {
  const found: Stretch[] = []
  for (let n = 0; n < BUCKETS; n++) {
    if (one[n] === other[n]) continue
    const [after, last] = [endOf(n - 1), endOf(n)]
    const before = found.at(-1)
    if (before?.last === after) before.last = last
    else found.push({ after, last })
  }
  return found
}

/** The last id of a bucket; before the first one the id that nobody has. */
function endOf(bucket: number): UserId {
  if (bucket < 0) return '0'.repeat(32) as UserId
  const byte = ((bucket + 1) << BUCKET_SHIFT) - 1
  return (byte.toString(16).padStart(2, '0') + 'f'.repeat(30)) as UserId
}

function bucketOf(user: UserId): number {
  return Number.parseInt(user.slice(0, 2), 16) >> BUCKET_SHIFT
}

const word = (value: number | undefined): number => value ?? 0
const inHex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')
