/** A thread of `npm run fuzz`: tries the decoders it is told, and says now and then that it lives. */
import { parentPort } from 'node:worker_threads'
import { fuzz } from '../support/fuzz.ts'
import { DECODERS } from './decoders.ts'
import { watchBuffers } from './trying.ts'

export type Order = { index: number; inputs: number; seed: number; msMax: number }

export type Found = {
  name: string
  inputs: number
  answered: number
  refused: number
  slowestMs: number
  /** The beginning of the slowest input. */
  slowest: string
  /** The largest buffer of all, and beside it the length of its input. */
  buffer: number
  bufferOf: number
  ms: number
  fault: string | undefined
}

/** A busy machine takes long for a thousand handshakes; silence is what would be wrong. */
const SAY_MS = 5000
/** Compilers and collectors wake up in the first ones. */
const WARM = 2000
const TRIES = 3

watchBuffers()
parentPort?.on('message', (order: Order) => parentPort?.postMessage(tried(order)))

/** Of several tries: a busy machine makes any of them slow. */
function quickest(again: () => unknown): number {
  const times = Array.from({ length: TRIES }, () => {
    const from = performance.now()
    try {
      again()
    } catch {
      // It refuses, as it did before.
    }
    return performance.now() - from
  })
  return Math.min(...times)
}

function tried({ index, inputs, seed, msMax }: Order): Found {
  const decoder = DECODERS[index]
  if (!decoder) throw new RangeError(`No decoder ${index}`)
  const found: Found = {
    ...{ name: decoder.name, inputs: 0, answered: 0, refused: 0, slowestMs: 0, slowest: '' },
    ...{ buffer: 0, bufferOf: 0, ms: 0, fault: undefined },
  }
  const chance = fuzz(seed + index)
  const began = performance.now()
  let said = Number.NEGATIVE_INFINITY
  decoder.begin()
  for (let n = 0; n < inputs && performance.now() - began < msMax; n++) {
    const from = performance.now()
    if (from > said + SAY_MS) {
      said = from
      parentPort?.postMessage({ n })
    }
    try {
      const { isAnswer, inputBytes, allocated, shown, again } = decoder.once(chance)
      const once = performance.now() - from
      const ms = once > found.slowestMs ? Math.min(once, quickest(again)) : once
      found.inputs += 1
      found[isAnswer ? 'answered' : 'refused'] += 1
      if (n > WARM && ms > found.slowestMs) {
        Object.assign(found, { slowestMs: ms, slowest: shown().slice(0, 200) })
      }
      if (allocated > found.buffer)
        Object.assign(found, { buffer: allocated, bufferOf: inputBytes })
    } catch (error) {
      found.fault = `input ${n} of seed ${seed}: ${error instanceof Error ? error.message : error}`
      break
    }
  }
  found.ms = performance.now() - began
  return found
}
