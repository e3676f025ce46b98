/** `npm run sim`: seeds until told to stop, or one seed again. */
import { parseArgs } from 'node:util'
import { BRANCHES_MAX } from './company.ts'
import { report, run } from './run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    branches: { type: 'string' },
    trace: { type: 'boolean' },
  },
})
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
const seed = number(values.seed, 2 ** 31)
const first = seed ?? 1 + Math.floor(Math.random() * 2 ** 30)
const runs = number(values.runs, 1e9) ?? (seed === undefined ? Number.POSITIVE_INFINITY : 1)

for (let n = 0; n < runs; n++) {
  const each = { ...options, seed: first + n }
  const started = performance.now()
  const outcome = await run(each)
  if (values.trace) process.stdout.write(`${outcome.lines.join('\n')}\n`)
  const { events, messages, carried, hash, faults } = outcome
  const ms = Math.round(performance.now() - started)
  if (faults.length > 0) {
    process.stdout.write(report(outcome, each))
    process.exitCode = 1
    break
  }
  const what = `${events} events, ${messages} messages, ${carried} marks of carriers, ${ms} ms, ${hash.slice(0, 12)}`
  process.stdout.write(`seed ${each.seed}: all holds (${what})\n`)
}
