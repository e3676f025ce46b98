/**
 * Chance from one seed, forked by name: what one branch draws never moves what another draws, so that a change in one
 * place leaves the rest of a run as it was. The generator is sfc32, with 128 bits of state from SHA-256.
 */
import { createHash } from 'node:crypto'
import type { Random } from '../../src/world/random.ts'

export type Chance = Random & {
  /** An integer from `from` to `to`, both included. */
  between(from: number, to: number): number
  /** True with probability `p`. */
  isLucky(p: number): boolean
  pick<T>(from: readonly T[]): T
}

/** The generator of a seed and a name. */
export function chanceOf(seed: number, name: string): Chance {
  const next = sfc32(createHash('sha256').update(`${seed}/${name}`).digest())
  const chance = () => next() / 2 ** 32
  const bytes = (length: number) => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at++) out[at] = next() & 0xff
    return out
  }
  const below = (limit: number) => Math.floor(chance() * limit)
  return {
    bytes,
    below,
    chance,
    id: () => Buffer.from(bytes(16)).toString('hex'),
    between: (from, to) => from + below(to - from + 1),
    isLucky: (p) => chance() < p,
    pick<T>(from: readonly T[]): T {
      if (from.length === 0) throw new Error('Nothing to pick from')
      return from[below(from.length)] as T
    },
  }
}

/** Chris Doty-Humphrey's small fast counter: 32 bits a step, no short cycles. */
function sfc32(seed: Buffer): () => number {
  let a = seed.readUInt32LE(0)
  let b = seed.readUInt32LE(4)
  let c = seed.readUInt32LE(8)
  let counter = seed.readUInt32LE(12)
  return () => {
    const out = (a + b + counter) >>> 0
    counter = (counter + 1) >>> 0
    a = (b ^ (b >>> 9)) >>> 0
    b = (c + (c << 3)) >>> 0
    c = (((c << 21) | (c >>> 11)) + out) >>> 0
    return out
  }
}
