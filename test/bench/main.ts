/**
 * `npm run bench [-- NAME...]`: every scenario of the budgets, one JSON line per figure, then a table. Real processes,
 * real disk, loopback; each figure beside a floor measured in the same run.
 */
import { rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type Company, foundCompany } from './company.ts'
import { type Figure, figureOf, rounded, tableOf } from './figures.ts'
import { machine } from './machine.ts'
import type { Bench, Scenario } from './scenario.ts'
import { coldStart, memory } from './scenarios/at-rest.ts'
import { bulkImport } from './scenarios/bulk-import.ts'
import { bytes } from './scenarios/bytes.ts'
import { directory } from './scenarios/directory.ts'
import { fanOut } from './scenarios/fan-out.ts'
import { files } from './scenarios/files.ts'
import { guesses } from './scenarios/guesses.ts'
import { loginStorm } from './scenarios/login-storm.ts'
import { growth, pages } from './scenarios/pages.ts'
import { presence } from './scenarios/presence.ts'
import { recovery } from './scenarios/recovery.ts'
import { relayLatency, relayThroughput } from './scenarios/relay.ts'
import { storage } from './scenarios/storage.ts'
import { benchFolder } from './servers.ts'

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'relay-latency': relayLatency,
  'relay-throughput': relayThroughput,
  'fan-out': fanOut,
  memory,
  'cold-start': coldStart,
  recovery,
  'login-storm': loginStorm,
  guesses,
  'bulk-import': bulkImport,
  storage,
  pages,
  growth,
  bytes,
  directory,
  presence,
  files,
}

const HELP = `npm run bench [-- NAME...] [--runs N] [--scale S] [--messages N] [--cpu-prof DIR]
  NAME         ${Object.keys(SCENARIOS).join(', ')}; all without one
  --runs       medians of so many runs (default 3)
  --scale      counts and seconds times this; below 1 only to try things (default 1)
  --messages   the larger history of pages and growth (default 1000000)
  --cpu-prof   profiles of the branches go there; figures are then slower
`

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      messages: { type: 'string', default: '1000000' },
      'cpu-prof': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter((name) => SCENARIOS[name] === undefined)
  if (unknown.length > 0) throw new Error(`No scenario ${unknown.join(', ')}\n${HELP}`)
  const names = positionals.length > 0 ? positionals : Object.keys(SCENARIOS)
  return { ...values, names }
}

async function main(): Promise<number> {
  const given = options()
  if (given.help) {
    process.stdout.write(HELP)
    return 0
  }
  const folder = benchFolder()
  process.env.TMPDIR = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  say(`${new Date().toISOString()}  ${machine()}`)
  let company: Promise<Company> | undefined
  const profile = given['cpu-prof']
  const bench: Bench = {
    ...{ folder, runs: Number(given.runs), scale: Number(given.scale) },
    messages: Number(given.messages),
    nodeFlags: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
    company: () => (company ??= foundCompany(folder)),
    say: (text) => say(`  ${text}`),
  }
  return await runAll(given.names, bench)
}

async function runAll(names: readonly string[], bench: Bench): Promise<number> {
  const figures: Figure[] = []
  let status = 0
  for (const name of names) {
    const began = performance.now()
    // Others' work on the machine: a figure beside a high load says little.
    const load = rounded(loadavg()[0] ?? Number.NaN)
    try {
      for (const measured of (await SCENARIOS[name]?.(bench)) ?? []) {
        const figure = { ...figureOf(name, measured), load }
        figures.push(figure)
        process.stdout.write(`${JSON.stringify(figure)}\n`)
      }
    } catch (error) {
      status = 1
      process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : error}\n`)
    }
    bench.say(`${name} took ${Math.round((performance.now() - began) / 1000)} s`)
  }
  process.stdout.write(`\n${machine()}\n\n${tableOf(figures)}\n`)
  return status
}

process.exit(await main())
