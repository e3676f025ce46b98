/**
 * bcrypt off the main thread: a pool of workers, one core left to everybody else, a bounded queue. The pool starts
 * with the first password, is loaded then, and must be closed at stop.
 */
import { availableParallelism } from 'node:os'
import type { Piscina } from 'piscina'
import { AppError } from '../base/errors.ts'
import { MINUTE, SECOND } from '../base/units.ts'
import { refuseTooMany } from '../web/rate.ts'
import type { SeedTask } from './hash-worker.ts'

/**
 * Who waits for a hash: somebody who was let in before from there, or is in; an address from which no wrong password
 * came lately; one from which one came.
 */
export type Caller = 'known' | 'fresh' | 'slipped'

/** The seed of a credential's key; what `hash-worker.ts` computes. Tests give a quick one. */
export type Hasher = {
  /** Throws too-many when too many wait already; `fresh` unless said. */
  seedOf(password: string, salt: string, caller?: Caller): Promise<Uint8Array>
  /** Whether that is so now. */
  isFullFor?(caller: Caller): boolean
  close(): Promise<void>
}

/**
 * How many of each kind wait before one is sent away, of 70 ms each; more would wait for seconds, and a queue is
 * memory a stranger fills. In this order they are served: a flood of guesses from many addresses is soon one of
 * addresses that slipped, and these wait for everybody else.
 */
const WAITING_MAX: Readonly<Record<Caller, number>> = { known: 48, fresh: 32, slipped: 32 }
/** Who waits while so many others are served on each thread, some ten seconds, is told to come again. */
const OVERTAKEN_MAX = 140
/** A thread without work ends; the first sign-in after a quiet hour waits 50 ms longer. */
const IDLE_MS_MAX = 10 * MINUTE
/** When there is room again: the queue of a minute ago is gone by then. */
export const HASH_RETRY_MS = 3 * SECOND
/** Sign-ins must not slow down the pages of those who are in: lower priority where the system lets us. */
const NICE = 5

type Waiting = {
  /** How many had been served when it came. */
  since: number
  /** False: it waited too long. */
  end(isNext: boolean): void
}

/** A hasher on worker threads. */
export function createHasher({
  threads = availableParallelism() - 1,
  overtakenMax = OVERTAKEN_MAX,
}: {
  threads?: number
  overtakenMax?: number
} = {}): Hasher {
  const width = Math.max(1, threads)
  const waiting: Record<Caller, Waiting[]> = { known: [], fresh: [], slipped: [] }
  let pool: Promise<Piscina<SeedTask, Uint8Array>> | undefined
  let closed = false
  /** Those that are served, and those that wait. */
  let inside = 0
  let served = 0
  const isFullFor = (caller: Caller) => waiting[caller].length >= WAITING_MAX[caller]
  const turn = (caller: Caller) => {
    if (inside++ < width) return Promise.resolve(true)
    return new Promise<boolean>((end) => void waiting[caller].push({ since: served, end }))
  }
  const done = () => {
    inside--
    served++
    for (const list of Object.values(waiting)) {
      while (list[0] && served - list[0].since > overtakenMax * width) {
        inside--
        list.shift()?.end(false)
      }
    }
    const next = waiting.known.shift() ?? waiting.fresh.shift() ?? waiting.slipped.shift()
    next?.end(true)
  }
  const demandOpen = () => {
    if (closed) throw new AppError('unavailable', 'Cannot check a password: stopping')
  }
  return {
    isFullFor,
    async seedOf(password, salt, caller = 'fresh') {
      demandOpen()
      pool ??= start(width)
      if (isFullFor(caller) || !(await turn(caller))) refuseTooMany(HASH_RETRY_MS / SECOND)
      try {
        demandOpen()
        // A structured clone of a Buffer arrives as Uint8Array; copied so that nobody shares the worker's memory.
        return new Uint8Array(await (await pool).run({ password, salt }))
      } finally {
        done()
      }
    },
    async close() {
      closed = true
      await (await pool)?.destroy()
    },
  }
}

async function start(threads: number): Promise<Piscina<SeedTask, Uint8Array>> {
  const { Piscina } = await import('piscina')
  return new Piscina<SeedTask, Uint8Array>({
    filename: new URL('./hash-worker.ts', import.meta.url).href,
    name: 'seed',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MS_MAX,
    niceIncrement: NICE,
    // The worker reads no environment and no flags of ours.
    env: {},
    execArgv: [],
  })
}
