/**
 * Runs for tests, in a thread beside them: node:test follows each promise of its own thread, which would cost a quarter
 * of a run. What a run answers is the same.
 */
import { once } from 'node:events'
import { after } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { Outcome, RunOptions } from './run.ts'

/** A run as it can be told to a thread: of a planted mistake its name. */
export type Order = Omit<RunOptions, 'bug'> & { planted?: string }

/** Runs seeds one after the other, until the tests of the file are over. */
export function runsAside(): (order: Order) => Promise<Outcome> {
  let worker: Worker | undefined
  after(() => worker?.terminate())
  return async (order) => {
    worker ??= new Worker(new URL('./worker.ts', import.meta.url))
    worker.postMessage(order)
    // Rejects when the thread throws; a thread that ends or hangs is ended by the time limit of the file.
    const [outcome] = (await once(worker, 'message')) as [Outcome]
    return outcome
  }
}
