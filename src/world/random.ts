/** The door to chance. */
import { randomBytes, randomInt } from 'node:crypto'

export type Random = {
  bytes(length: number): Uint8Array
  /** An integer in [0, limit). */
  below(limit: number): number
  /** A number in [0, 1). */
  chance(): number
  /** 16 random bytes as hexadecimal text: the form of all ids. */
  id(): string
}

/** Ids are drawn from a pool: one system call serves many. */
const POOL_BYTES = 4096

/** Chance from the system. */
export function realRandom(): Random {
  let pool = randomBytes(POOL_BYTES)
  let used = 0
  return {
    bytes: (length) => new Uint8Array(randomBytes(length)),
    below: (limit) => randomInt(limit),
    chance: () => randomInt(2 ** 32) / 2 ** 32,
    id() {
      if (used + 16 > pool.length) {
        pool = randomBytes(POOL_BYTES)
        used = 0
      }
      used += 16
      return pool.toString('hex', used - 16, used)
    },
  }
}
