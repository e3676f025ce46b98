/** What a soak found: a table for people, and the same as JSON. */
import { percentile, rounded } from '../bench/figures.ts'
import type { Branch } from './branch.ts'
import type { Trouble } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { type MemoryFigures, memoryOf } from './memory.ts'
import type { Follower } from './streams.ts'

export type Options = { minutes: number; rate: number; seed: number; everySeconds: number }

export type Findings = {
  options: Options
  machine: string
  started: string
  branches: readonly Branch[]
  ledger: Ledger
  followers: readonly Follower[]
  troubles: readonly Trouble[]
  /** Of the line, both directions. */
  line: { calls: number; bytes: number }
  /** From the end of the load until both branches had all. */
  healSeconds: number
  /** Processor seconds of the load itself. */
  loadSeconds: number
  wallSeconds: number
  logs: Readonly<Record<string, Record<string, number>>>
  problems: readonly string[]
}

type Row = [what: string, ...values: string[]]

/** Everything as one object. */
export function jsonOf(findings: Findings): object {
  const { options, machine, started, branches, ledger, line, healSeconds, wallSeconds } = findings
  return {
    ...{ options, machine, started, line, healSeconds: rounded(healSeconds), wallSeconds },
    messages: ledger.messages.size,
    acknowledged: ledger.acknowledged,
    chats: ledger.chats.size,
    counts: ledger.counts,
    troubles: findings.troubles,
    streams: findings.followers.map(({ person, told, connections, resyncs }) => {
      return { login: person.login, told: told.size, connections, resyncs }
    }),
    branches: branches.map((branch) => ({
      ...{ name: branch.name, starts: branch.lives.length, ...branch.sizes() },
      ...{ startMs: branch.startMs.map(Math.round), stopMs: branch.stopMs.map(Math.round) },
      processorSeconds: rounded(processorSecondsOf(branch)),
      memory: memoryOf(branch),
      samples: branch.lives.flatMap(({ pid, samples }) => samples.map((s) => ({ pid, ...s }))),
      log: findings.logs[branch.name],
    })),
    ...{ problems: findings.problems, isGood: findings.problems.length === 0 },
  }
}

/** A Markdown table, which reads well in a terminal too. */
export function tableOf(findings: Findings): string {
  const rows = [...commonRows(findings), ...branchRows(findings.branches)]
  return [`| figure | value |`, '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
    '\n',
  )
}

function commonRows(findings: Findings): Row[] {
  const { options, ledger, troubles, line, followers, wallSeconds } = findings
  const kinds = Object.entries(Object.groupBy(troubles, ({ kind }) => kind))
  const retried = [...ledger.messages.values()].filter(({ tries }) => tries > 1).length
  const sum = (of: (follower: Follower) => number) => followers.reduce((n, f) => n + of(f), 0)
  const others = Object.entries(ledger.counts).map(([what, count]) => `${count} ${what}`)
  return [
    ['run', `${findings.started}, ${options.minutes} minutes, seed ${options.seed}`],
    ['machine', findings.machine],
    [
      'messages',
      `${ledger.messages.size} written, ${ledger.acknowledged} acknowledged, ${retried} of them asked more than once; ${ledger.chats.size} chats`,
    ],
    ['beside them', others.join(', ')],
    [
      'troubles',
      `${troubles.length}: ${kinds.map(([kind, list]) => `${list?.length} ${kind}`).join(', ')}`,
    ],
    ['line', `${line.calls} calls, ${rounded(line.bytes / 2 ** 20)} MiB`],
    [
      'event streams',
      `${followers.length}, opened ${sum((f) => f.connections)} times, ${sum((f) => f.told.size)} messages told, ${sum((f) => f.resyncs)} times told to begin anew`,
    ],
    ['until both had all', `${rounded(findings.healSeconds)} s after the load ended`],
    ['processor of the load', `${rounded(findings.loadSeconds / wallSeconds)} of a core`],
    ['problems', findings.problems.length === 0 ? 'none' : String(findings.problems.length)],
  ]
}

function branchRows(branches: readonly Branch[]): Row[] {
  return branches.flatMap((branch) => {
    const memory = memoryOf(branch)
    const { databaseMib } = branch.sizes()
    const wal = Math.max(...branch.lives.flatMap(({ samples }) => samples.map((s) => s.walMib)))
    const { startMs, stopMs, name } = branch
    const minutes = branch.lives.reduce((n, { samples }) => n + samples.length, 0)
    return [
      [
        `${name}: starts`,
        `${branch.lives.length}, ready after ${inMs(startMs)}; SIGTERM took ${inMs(stopMs)}`,
      ],
      [`${name}: memory`, memoryWords(memory)],
      [`${name}: descriptors`, memory.descriptors.map(quarterWords).join(', ')],
      [
        `${name}: disk`,
        `database ${rounded(databaseMib)} MiB, its log at most ${rounded(wal)} MiB`,
      ],
      [
        `${name}: processor`,
        `${rounded(processorSecondsOf(branch))} s in ${minutes} samples of its lives`,
      ],
    ] satisfies Row[]
  })
}

const inMs = (values: readonly number[]) =>
  values.length === 0
    ? '-'
    : `${rounded(percentile(values, 0.5))} ms (at most ${rounded(Math.max(...values))})`

const quarterWords = ({ min, median, max }: MemoryFigures['quarters'][number]) =>
  `${median} (${min}-${max})`

function memoryWords({ minutes, quarters, slopeMibPerHour, verdict }: MemoryFigures): string {
  const words = quarters.map(quarterWords).join(', ')
  return `MiB by quarters of ${minutes} minutes: ${words}; ${slopeMibPerHour} MiB/h after the first: ${verdict}`
}

/** Of all its lives, as last seen before each ended. */
function processorSecondsOf({ lives }: Branch): number {
  return lives.reduce((sum, life) => sum + life.processorSeconds, 0)
}
