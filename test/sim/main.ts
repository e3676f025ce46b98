/**
 * `npm run sim`: one seed again (`--seed`), so many (`--seeds N --from S`) in threads, with a table of what came of
 * them, or others until one fails or somebody stops it.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runMany, tableOf } from './many.ts'
import './native.ts'
import { report } from './report.ts'
import type { Outcome } from './run.ts'

const { BRANCHES_MAX } = await import('./company.ts')
const { run, STORM_MINUTES } = await import('./run.ts')

const HELP = `npm run sim [-- --seed N | --seeds N [--from S] [--threads N]] [--minutes N] [--branches N] [--trace]
  --seed      one run again; --trace shows all of it
  --seeds     so many, from --from on, with a table; without a number until one fails
  --minutes   of the storm (default ${STORM_MINUTES})
  --branches  else drawn by the seed, at most ${BRANCHES_MAX}
`
const SEED_MAX = 2 ** 31 - 1
const THREADS_MAX = 64

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    threads: { type: 'string' },
    minutes: { type: 'string' },
    branches: { type: 'string' },
    trace: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}
const number = (text: string | undefined, most: number) => {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0 && value <= most)) throw new RangeError(`Not a number up to ${most}: ${text}`)
  return value
}
const options = {
  minutes: number(values.minutes, 60 * 24),
  branches: number(values.branches, BRANCHES_MAX),
}
const seed = number(values.seed, SEED_MAX)
const seeds = number(values.seeds, SEED_MAX)
const from = number(values.from, SEED_MAX) ?? 1 + Math.floor(Math.random() * 2 ** 30)
const threads = number(values.threads, THREADS_MAX) ?? availableParallelism()

function tell(outcome: Outcome, ms?: number): void {
  const { events, messages, carried, hash, faults } = outcome
  if (faults.length > 0) {
    process.stdout.write(report(outcome, { ...options, seed: outcome.seed }))
    process.exitCode = 1
    return
  }
  const what = [
    `${events} events, ${messages} messages, ${carried} marks of carriers`,
    ...(ms === undefined ? [] : [`${Math.round(ms)} ms`]),
    hash.slice(0, 12),
  ]
  process.stdout.write(`seed ${outcome.seed}: all holds (${what.join(', ')})\n`)
}

if (seed !== undefined) {
  const started = performance.now()
  const outcome = await run({ ...options, seed })
  if (values.trace) process.stdout.write(`${outcome.lines.join('\n')}\n`)
  tell(outcome, performance.now() - started)
} else {
  const started = performance.now()
  const last = seeds === undefined ? SEED_MAX : from + seeds - 1
  let next = from
  let isOver = false
  const sum = await runMany(
    () => (isOver || next > last ? undefined : { ...options, seed: next++ }),
    {
      threads,
      onOutcome(outcome) {
        tell(outcome)
        // Without a number it is for finding one; with a number all are counted.
        if (seeds === undefined && outcome.faults.length > 0) isOver = true
      },
    },
  )
  process.stdout.write(tableOf(sum, (performance.now() - started) / 60_000))
}
