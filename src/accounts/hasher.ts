/**
 * bcrypt off the main thread: a pool of workers, one core left to everybody else, a bounded queue. The pool starts
 * with the first password, is loaded then, and must be closed at stop.
 */
import { availableParallelism } from 'node:os'
import type { Piscina } from 'piscina'
import { AppError } from '../base/errors.ts'
import { MINUTE, SECOND } from '../base/units.ts'
import type { SeedTask } from './hash-worker.ts'

/** The seed of a credential's key; what `hash-worker.ts` computes. Tests give a quick one. */
export type Hasher = {
  /** Throws too-many when too many wait already; for somebody who is known here some places are kept. */
  seedOf(password: string, salt: string, isKnown?: boolean): Promise<Uint8Array>
  close(): Promise<void>
}

/** About 70 ms each: more would wait for seconds, and a queue is memory a stranger fills. */
const HASHES_WAITING_MAX = 48
/**
 * A flood of guesses from everywhere fills no more than these: whoever was let in before from the same address still
 * gets in, after about three seconds on one thread.
 */
const STRANGERS_WAITING_MAX = 32
/** A thread without work ends; the first sign-in after a quiet hour waits 50 ms longer. */
const IDLE_MS_MAX = 10 * MINUTE
const RETRY_AFTER_MS = 3 * SECOND
/** Sign-ins must not slow down the pages of those who are in: lower priority where the system lets us. */
const NICE = 5

/** A hasher on worker threads. */
export function createHasher({
  threads = availableParallelism() - 1,
}: {
  threads?: number
} = {}): Hasher {
  let pool: Promise<Piscina<SeedTask, Uint8Array>> | undefined
  let closed = false
  const start = async () => {
    const { Piscina } = await import('piscina')
    return new Piscina<SeedTask, Uint8Array>({
      filename: new URL('./hash-worker.ts', import.meta.url).href,
      name: 'seed',
      minThreads: 0,
      maxThreads: Math.max(1, threads),
      idleTimeout: IDLE_MS_MAX,
      maxQueue: HASHES_WAITING_MAX,
      niceIncrement: NICE,
      // The worker reads no environment and no flags of ours.
      env: {},
      execArgv: [],
    })
  }
  return {
    async seedOf(password, salt, isKnown = false) {
      if (closed) throw new AppError('unavailable', 'Cannot check a password: stopping')
      pool ??= start()
      const running = await pool
      if (running.queueSize >= (isKnown ? HASHES_WAITING_MAX : STRANGERS_WAITING_MAX)) {
        const seconds = RETRY_AFTER_MS / SECOND
        throw new AppError('too-many', 'Cannot check a password: too many wait already', {
          detail: 'too-many-tries',
          values: { seconds },
          retryAfter: seconds,
        })
      }
      // A structured clone of a Buffer arrives as Uint8Array; copied so that nobody shares the worker's memory.
      return new Uint8Array(await running.run({ password, salt }))
    },
    async close() {
      closed = true
      await (await pool)?.destroy()
    },
  }
}
