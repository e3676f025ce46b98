/**
 * `npm run fuzz`: a million changed inputs for every decoder of what comes from outside, in threads, from a seed. Prints
 * for each what it answered and refused, its slowest input, and the largest buffer it made; `--help` tells the rest.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { DECODERS } from './decoders.ts'
import type { Found, Order } from './worker.ts'

const HELP = `npm run fuzz [-- WORD...] [--inputs N] [--seconds N] [--seed N] [--threads N]
  WORD       only decoders with this word in their name
  --inputs   for each decoder (default 1000000)
  --seconds  at most, for each decoder (default 120): handshakes and certificates take milliseconds each
  --seed     the same again (default: another one each time)
`
/** No input of a few hundred bytes may take so long. */
const SILENT_MS_MAX = 60_000
const WORKER = new URL('./worker.ts', import.meta.url)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    threads: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean' },
  },
})

function number(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`Not a number: ${text}`)
  return value
}

/** A thread that is silent hangs: then nothing else would end it. */
function ask(worker: Worker, order: Order): Promise<Found> {
  const { promise, resolve } = Promise.withResolvers<Found>()
  let timer: NodeJS.Timeout | undefined
  let after = 0
  const done = (found: Found) => {
    clearTimeout(timer)
    worker.off('message', heard)
    worker.off('error', ended)
    resolve(found)
  }
  const failed = (fault: string) =>
    done({
      ...{ name: DECODERS[order.index]?.name ?? '', inputs: after, answered: 0, refused: 0 },
      ...{ slowestMs: 0, slowest: '', buffer: 0, bufferOf: 0, ms: 0, fault },
    })
  const ended = (error: unknown) => failed(`its thread ended after input ${after}: ${error}`)
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(() => failed(`it hangs after input ${after}`), SILENT_MS_MAX)
  }
  const heard = (word: Found | { n: number }) => {
    if (!('n' in word)) return done(word)
    after = word.n
    wait()
  }
  worker.on('message', heard)
  worker.on('error', ended)
  wait()
  worker.postMessage(order)
  return promise
}

const COLUMNS = [46, 9, 9, 9, 11, 16, 7] as const
const row = (cells: readonly (string | number)[]) =>
  `${cells.map((cell, n) => (n === 0 ? String(cell).padEnd(COLUMNS[0]) : String(cell).padStart(COLUMNS[n] ?? 0))).join('')}\n`

function tell(found: Found): void {
  const { name, inputs, answered, refused, slowestMs, buffer, bufferOf, ms, fault } = found
  const slowest = `${slowestMs.toFixed(2)} ms`
  const most = buffer === 0 ? '-' : `${buffer} of ${bufferOf}`
  const cells = [name, inputs, answered, refused, slowest, most, `${(ms / 1000).toFixed(0)} s`]
  process.stdout.write(row(cells))
  if (fault === undefined) return
  process.stdout.write(`  FAULT ${fault}\n`)
  process.exitCode = 1
}

if (values.help) process.stdout.write(HELP)
else {
  const [inputs, seed] = [number(values.inputs), number(values.seed)]
  const msMax = number(values.seconds) * 1000
  const orders = DECODERS.flatMap(({ name }, index) =>
    positionals.length === 0 || positionals.some((word) => name.includes(word))
      ? [{ index, inputs, seed, msMax }]
      : [],
  )
  process.stdout.write(`Seed ${seed}\n`)
  const head = ['decoder', 'inputs', 'answered', 'refused', 'slowest', 'largest buffer', 'took']
  process.stdout.write(row(head))
  const work = async () => {
    let worker = new Worker(WORKER)
    for (let order = orders.shift(); order; order = orders.shift()) {
      const found = await ask(worker, order)
      tell(found)
      if (found.fault === undefined) continue
      await worker.terminate()
      worker = new Worker(WORKER)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: number(values.threads) }, work))
}
