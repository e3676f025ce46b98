/**
 * `npm run haul`: a large file between real branches where something is wrong: a thin line that fails, a full disk, a
 * branch that lies, one that is gone. docs/soak.md says what and why.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { rounded } from '../bench/figures.ts'
import { machine } from '../bench/machine.ts'
import { benchFolder } from '../bench/servers.ts'
import { fillDisk, waysToMount } from './full-disk.ts'
import { ownPlaces, placesOf } from './places.ts'
import { type Haul, type Hauled, haul } from './thin-line.ts'

const HELP = `npm run haul -- thin-line [--mib N] [--mbits N] [--rate N] [--alone SECONDS] [--places FILE]
  --mib      length of the file (default 500)
  --mbits    of the line, when it is ours (default 20)
  --rate     texts a second from each end (default 5)
  --alone    seconds of texts without a file before it (default 60)
  --places   JSON: where the branches run and how the line fails there (docs/soak.md)
npm run haul -- full-disk
  wants Linux, and root or a user who may have namespaces
for all: --seed N, --keep (leaves the folders), --out FILE (JSON)
`
/** A process that was just killed may still close its files. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }
const MIB = 2 ** 20
const HOURS_MAX = 3

const say = (text: string) => void process.stderr.write(`${new Date().toISOString()}  ${text}\n`)

function given() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mib: { type: 'string', default: '500' },
      mbits: { type: 'string', default: '20' },
      rate: { type: 'string', default: '5' },
      alone: { type: 'string', default: '60' },
      places: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      keep: { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  const { mib, mbits, rate, alone, seed, ...rest } = values
  const numbers = [mib, mbits, rate, alone, seed].map(Number)
  const [what = ''] = positionals
  if (numbers.some((n) => !(n >= 0)) || !['thin-line', 'full-disk'].includes(what)) {
    process.stderr.write(HELP)
    process.exit(2)
  }
  const thinLine: Haul = {
    ...{ bytes: Number(mib) * MIB, rate: Number(rate), aloneSeconds: Number(alone) },
    ...{ hoursMax: HOURS_MAX, seed: Number(seed) },
  }
  return { what, thinLine, mbits: Number(mbits), ...rest }
}

/** A Markdown table. */
function tableOf(hauled: Hauled): string {
  const { haul: of, texts, memory, bar, troubles } = hauled
  const ms = ({ p50, p99, longest }: (typeof texts)[number]) =>
    [p50, p99, longest].map((value) => Math.round(value)).join(' / ')
  const rows = [
    ['file', `${Math.round(of.bytes / MIB)} MiB, SHA-256 ${hauled.sha256.slice(0, 16)}...`],
    ['line', hauled.about],
    ['upload at its own branch', `${rounded(hauled.uploadSeconds)} s`],
    [
      'to the other branch, cuts among it',
      `${rounded(hauled.crossingSeconds)} s, ${rounded((of.bytes * 8) / hauled.crossingSeconds / 1e6)} Mbit/s`,
    ],
    ...troubles.map((one) => [
      `at ${one.percent} %: ${one.name}`,
      `${one.seconds} s, texts came again ${rounded(one.textsAgainSeconds)} s after it`,
    ]),
    ...texts.map((one) => [`${one.texts} texts ${one.what}, p50 / p99 / longest`, `${ms(one)} ms`]),
    ...memory.map(({ who, idleMib, mostMib }) => [
      `memory of ${who}`,
      `${Math.round(idleMib)} MiB before, at most ${Math.round(mostMib)}: ${Math.round(mostMib - idleMib)} more`,
    ]),
    [
      'the bar',
      `${bar.values} values, stood still ${rounded(bar.longestStillSeconds)} s at most outside cuts, went back ${bar.wentBack} times`,
    ],
    ['problems', hauled.problems.length === 0 ? 'none' : hauled.problems.join('; ')],
    ['duration', `${rounded(process.uptime() / 60)} minutes, seed ${of.seed}, ${machine()}`],
  ]
  return `| figure | value |\n|---|---|\n${rows.map((row) => `| ${row.join(' | ')} |\n`).join('')}`
}

async function fullDisk(folder: string, seed: number): Promise<number> {
  const way = waysToMount()
  if (way === undefined) {
    say('Skipped: this system lets us mount nothing (neither `unshare -m` nor `unshare -Urm`)')
    return 0
  }
  const { seconds, told, problems } = await fillDisk(folder, { seed, way }, say)
  const rows = [
    ...told.map((words) => ['told', words]),
    ...Object.entries(seconds).map(([what, n]) => [what, `${rounded(n)} s`]),
    ['problems', problems.length === 0 ? 'none' : problems.join('; ')],
  ]
  process.stdout.write(
    `| figure | value |\n|---|---|\n${rows.map((row) => `| ${row.join(' | ')} |\n`).join('')}`,
  )
  return problems.length === 0 ? 0 : 1
}

async function main(): Promise<number> {
  const { what, thinLine, mbits, places: file, keep, out } = given()
  const folder = benchFolder('haul')
  if (!keep) process.once('exit', () => rmSync(folder, REMOVAL))
  say(`${machine()}; seed ${thinLine.seed}, pid ${process.pid}, ${folder}`)
  if (what === 'full-disk') return await fullDisk(folder, thinLine.seed)
  const places = await (file === undefined ? ownPlaces(folder, mbits) : placesOf(file, folder))
  const hauled = await haul(thinLine, places, say)
  places.close()
  process.stdout.write(tableOf(hauled))
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(hauled, undefined, 2)}\n`)
  return hauled.problems.length === 0 ? 0 : 1
}

process.exit(await main())
