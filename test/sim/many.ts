/**
 * Seeds by the thousand: threads that each run one after the other, and what came of all of them in a table. A seed that
 * ends its thread or does not end failed like any other.
 */
import { Worker } from 'node:worker_threads'
import { MINUTE } from '../../src/base/units.ts'
import type { Outcome, RunOptions } from './run.ts'

type Options = Omit<RunOptions, 'bug'>

/** A usual one takes a second or two. */
const SEED_MS_MAX = 20 * MINUTE
const WORKER = new URL('./worker.ts', import.meta.url)

/** What came of many runs. */
export type Sum = {
  seeds: number
  events: number
  messages: number
  carried: number
  /** How often each kind of weather struck, and in how many runs. */
  weather: Map<string, { times: number; runs: number }>
  failed: Outcome[]
}

/** Runs `next()` until it has no more, in so many threads. */
export async function runMany(
  next: () => Options | undefined,
  { threads, onOutcome }: { threads: number; onOutcome(outcome: Outcome, options: Options): void },
): Promise<Sum> {
  const sum: Sum = {
    ...{ seeds: 0, events: 0, messages: 0, carried: 0 },
    ...{ weather: new Map(), failed: [] },
  }
  const take = async () => {
    let worker: Worker | undefined
    for (let options = next(); options; options = next()) {
      worker ??= new Worker(WORKER)
      const outcome = await outcomeOf(worker, options)
      if (outcome.hash === '') {
        await worker.terminate()
        worker = undefined
      }
      add(sum, outcome)
      onOutcome(outcome, options)
    }
    await worker?.terminate()
  }
  await Promise.all(Array.from({ length: threads }, take))
  return sum
}

/** Never rejects: a thread that ended, or does not answer, is a fault. */
function outcomeOf(worker: Worker, options: Options): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const told = (outcome: Outcome) => {
    clearTimeout(timer)
    worker.off('message', told)
    worker.off('error', ended)
    resolve(outcome)
  }
  const lost = (why: string) =>
    told({
      ...{ seed: options.seed, hash: '', events: 0, messages: 0, carried: 0, weather: [] },
      ...{ faults: [why], lines: [] },
    })
  const ended = (error: unknown) => lost(`its thread ended: ${error}`)
  const timer = setTimeout(() => lost('it does not end'), SEED_MS_MAX)
  worker.on('message', told)
  worker.on('error', ended)
  worker.postMessage(options)
  return promise
}

function add(sum: Sum, outcome: Outcome): void {
  sum.seeds += 1
  sum.events += outcome.events
  sum.messages += outcome.messages
  sum.carried += outcome.carried
  for (const [name, times] of outcome.weather) {
    const { times: before, runs } = sum.weather.get(name) ?? { times: 0, runs: 0 }
    sum.weather.set(name, { times: before + times, runs: runs + 1 })
  }
  if (outcome.faults.length > 0) sum.failed.push(outcome)
}

/** The table that `npm run sim -- --seeds N` prints. */
export function tableOf(sum: Sum, minutes: number): string {
  const weather = [...sum.weather].sort(([a], [b]) => a.localeCompare(b))
  const rows: [string, string | number][] = [
    ['seeds', sum.seeds],
    ['events', sum.events],
    ['messages', sum.messages],
    ['marks of carriers', sum.carried],
    ...weather.map(([name, { times, runs }]): [string, string] => [
      `  ${name}`,
      `${times} times in ${runs} runs`,
    ]),
    ['minutes', minutes.toFixed(1)],
    ['failed', sum.failed.length],
    ...sum.failed.map((each): [string, string] => [
      `  ${each.seed}`,
      (each.faults[0] ?? '').split('\n')[0]?.slice(0, 160) ?? '',
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return `${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')}\n`
}
