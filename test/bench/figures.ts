/**
 * Figures: medians of runs with their spread, beside a floor measured in the same run. Printed as a JSON line when they
 * are known, and as one table at the end.
 */
import { BUDGETS } from './budgets.ts'

/** The values of the runs; a floor is the same work by bare Node. */
export type Measured = {
  figure: string
  unit: string
  values: readonly number[]
  floor?: readonly number[] | undefined
  /** What a reader must know to read it right. */
  note?: string | undefined
}

export type Verdict = 'aim' | 'budget' | 'SHORT' | '-'

export type Figure = {
  scenario: string
  figure: string
  unit: string
  value: number
  min: number
  max: number
  runs: number
  floor?: number
  /** Ours to the floor's. */
  ratio?: number
  budget?: number
  aim?: number
  verdict: Verdict
  note?: string
}

/** The middle of the values; of an even number the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  const [low, high] = [sorted[half - 1] ?? Number.NaN, sorted[half] ?? Number.NaN]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

/** The value that a share of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Three significant digits, and whole numbers whole. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
}

function verdictOf(key: string, value: number): Verdict {
  const promised = BUDGETS[key]
  if (promised === undefined) return '-'
  const { budget, aim, isMore } = promised
  const keeps = (limit: number) => (isMore ? value >= limit : value <= limit)
  if (keeps(aim)) return 'aim'
  return keeps(budget) ? 'budget' : 'SHORT'
}

/** One scenario's measured values as figures. */
export function figureOf(scenario: string, measured: Measured): Figure {
  const { figure, unit, values, floor, note } = measured
  const key = `${scenario}/${figure}`
  const value = median(values)
  const base = floor && median(floor)
  const promised = BUDGETS[key]
  return {
    ...{ scenario, figure, unit, value: rounded(value) },
    ...{ min: rounded(Math.min(...values)), max: rounded(Math.max(...values)) },
    runs: values.length,
    ...(base === undefined ? {} : { floor: rounded(base), ratio: rounded(value / base) }),
    ...(promised && { budget: promised.budget, aim: promised.aim }),
    verdict: verdictOf(key, value),
    ...(note === undefined ? {} : { note }),
  }
}

const HEAD = ['scenario', 'figure', 'unit', 'median', 'min', 'max', 'floor', 'ratio']
const TAIL = ['budget', 'aim', 'verdict']

/** The figures as a Markdown table, which reads well in a terminal too. */
export function tableOf(figures: readonly Figure[]): string {
  const cell = (value: number | string | undefined) => (value === undefined ? '-' : String(value))
  const rows = figures.map((f) => [
    ...[f.scenario, f.figure, f.unit, cell(f.value), cell(f.min), cell(f.max)],
    ...[cell(f.floor), cell(f.ratio), cell(f.budget), cell(f.aim), f.verdict],
  ])
  const all = [[...HEAD, ...TAIL], ...rows]
  const widths = [...HEAD, ...TAIL].map((_, i) =>
    Math.max(...all.map((row) => row[i]?.length ?? 0)),
  )
  const lineOf = (row: readonly string[]) =>
    `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const [head = [], ...body] = all
  return [lineOf(head), rule, ...body.map(lineOf)].join('\n')
}
