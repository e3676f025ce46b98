/**
 * `npm run kill`: three real branches under load while their processes are killed at random moments and lines fail;
 * then every message must be everywhere it belongs, once, in one order. docs/soak.md says what and why.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { percentile, rounded } from '../bench/figures.ts'
import { machine } from '../bench/machine.ts'
import { benchFolder } from '../bench/servers.ts'
import { chanceOf } from '../sim/chance.ts'
import type { Branch } from '../soak/branch.ts'
import { openCompany } from './company.ts'
import { type Found, run, type Trial } from './trial.ts'
import type { Counts } from './troubles.ts'

const HELP = `npm run kill -- [--files] [--kills N] [--messages N] [--rate N] [--seed N] [--keep] [--out FILE]
  --files      people send files too, of 1 byte to 50 MB, and open them at other branches
  --sendings   messages with files (default 150, with --files)
  --kills      with SIGKILL, spread at random over the load (default 60)
  --messages   written at least; more while kills are left (default 6000)
  --rate       messages a second that people try to write, all together (default 40)
  --seed       of troubles and of what people do (default: of the time)
  --keep       leaves the folders of the branches, and says where
  --out        JSON of everything goes there
`
/** Whatever hangs, hangs no longer. */
const MINUTES_MAX = 60
/** kbit/s of files on a link: slow enough that deaths and cuts meet them on their way. */
const SETTINGS = ['--file-rate', '32000']
/** A process that was just killed may still close its files. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }

function given(): Trial & { keep: boolean; out: string | undefined } {
  const { values } = parseArgs({
    options: {
      files: { type: 'boolean', default: false },
      sendings: { type: 'string', default: '150' },
      kills: { type: 'string', default: '60' },
      messages: { type: 'string', default: '6000' },
      rate: { type: 'string', default: '40' },
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
  const [kills, messages] = [Number(values.kills), Number(values.messages)]
  const [rate, seed] = [Number(values.rate), Number(values.seed)]
  const sendings = values.files ? Number(values.sendings) : 0
  const counts = [kills, messages, seed, sendings]
  const isRight = counts.every(Number.isInteger) && rate > 0 && messages > 0 && sendings >= 0
  if (!isRight || kills < 0) {
    process.stderr.write(HELP)
    process.exit(2)
  }
  return { kills, messages, rate, seed, sendings, keep: values.keep, out: values.out }
}

const say = (text: string) => void process.stderr.write(`${new Date().toISOString()}  ${text}\n`)

const counted = (counts: Counts) =>
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')

/** A Markdown table. */
function tableOf(found: Found, branches: readonly Branch[], minutes: number): string {
  const inMs = (values: readonly number[]) =>
    [0.5, 0.99, 1].map((p) => Math.round(percentile(values, p))).join(' / ')
  const lives = branches.map(({ name, lives: all }) => `${name} ${all.length}`)
  const rows = [
    ['messages', `${found.acknowledged} acknowledged, ${found.askedAgain} asked more than once`],
    ['killed', `${found.kills} times: ${counted(found.deaths)}`],
    ['lines', counted(found.lineTroubles)],
    ['starts', lives.join(', ')],
    ['start until ready, p50 / p99 / longest', `${inMs(branches.flatMap((b) => b.startMs))} ms`],
    ['to another branch, p50 / p99 / longest', `${inMs(found.delaysMs)} ms`],
    ['until all had all, at the end', `${rounded(found.healSeconds)} s`],
    ...filesOf(found),
    ['duration', `${rounded(minutes)} minutes, seed ${found.seed}, ${machine()}`],
    ['problems', found.problems.length === 0 ? 'none' : String(found.problems.length)],
  ]
  return `| figure | value |\n|---|---|\n${rows.map((row) => `| ${row.join(' | ')} |\n`).join('')}`
}

function filesOf({ sendings, files: f }: Found): [string, string][] {
  if (sendings === 0) return []
  const { strays, collected } = f.leftovers
  return [
    [
      'files',
      `${f.count} in ${f.messages} messages, ${rounded(f.bytes / 1e6)} MB, ${f.same} of them bytes that were known`,
    ],
    [
      'uploads',
      `${f.uploads}, gone on with ${f.resumed} times where they had come to; ${f.left} more were left half`,
    ],
    ['opened at another branch in the storm', String(f.opened)],
    ['until every file opened everywhere', `${rounded(f.openSeconds)} s after that`],
    [
      'left by deaths',
      `${strays} files that no table knew; a day later the collector took those and what was left: ${collected}`,
    ],
  ]
}

async function main(): Promise<number> {
  const { keep, out, ...trial } = given()
  const folder = benchFolder('kill')
  if (!keep) process.once('exit', () => rmSync(folder, REMOVAL))
  say(`${machine()}; seed ${trial.seed}, pid ${process.pid}, ${folder}`)
  setTimeout(() => {
    say(`Not done within ${MINUTES_MAX} minutes`)
    process.exit(1)
  }, MINUTES_MAX * 60_000).unref()
  const company = await openCompany(
    folder,
    chanceOf(trial.seed, 'ground'),
    trial.sendings > 0 ? SETTINGS : [],
  )
  const found = await run(trial, company, say)
  await company.ground.close()
  process.stdout.write(tableOf(found, company.branches, process.uptime() / 60))
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(found, undefined, 2)}\n`)
  if (found.problems.length === 0) return 0
  const { kills, messages, rate, seed, sendings } = trial
  const files = sendings > 0 ? `--files --sendings ${sendings} ` : ''
  const again = `npm run kill -- ${files}--kills ${kills} --messages ${messages} --rate ${rate} --seed ${seed} --keep`
  process.stderr.write(`\n${found.problems.join('\n')}\n\nThe same troubles again: ${again}\n`)
  return 1
}

process.exit(await main())
