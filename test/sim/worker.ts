/** A thread that runs the seeds it is given, one after the other: of `npm run sim`, and of tests. */
import { parentPort } from 'node:worker_threads'
import '../support/compiled.mjs'
import './native.ts'
import type { Order } from './aside.ts'
import type { Bug } from './office.ts'

const { run } = await import('./run.ts')

async function bugCalled(wanted: string): Promise<Bug> {
  const { BUGS } = await import('./bugs.ts')
  const found = BUGS.find(({ name }) => name === wanted)
  if (!found) throw new Error(`No mistake is called "${wanted}"`)
  return found.plant()
}

parentPort?.on('message', async ({ planted, ...options }: Order) => {
  const bug = planted === undefined ? {} : { bug: await bugCalled(planted) }
  const outcome = await run({ ...options, ...bug })
  const lines = outcome.faults.length > 0 ? outcome.lines : []
  parentPort?.postMessage({ ...outcome, lines })
})
