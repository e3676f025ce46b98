/** A thread of `npm run sim`: runs the seeds it is given, one after the other. */
import { parentPort } from 'node:worker_threads'
import './native.ts'
import type { RunOptions } from './run.ts'

const { run } = await import('./run.ts')

parentPort?.on('message', async (options: Omit<RunOptions, 'bug'>) => {
  const outcome = await run(options)
  const lines = outcome.faults.length > 0 ? outcome.lines : []
  parentPort?.postMessage({ ...outcome, lines })
})
