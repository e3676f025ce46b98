/** What a run that failed says of itself. */
import { execFileSync } from 'node:child_process'
import type { Outcome, RunOptions } from './run.ts'

const FAULTS_TOLD_MAX = 12
const LINES_TOLD = 50

/** What a failing run prints: what did not hold, how to see it again, and the end of what happened. */
export function report({ seed, faults, lines }: Outcome, options: Omit<RunOptions, 'bug'>): string {
  const { minutes, branches } = options
  const flags = [
    `--seed ${seed}`,
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
    ...(branches === undefined ? [] : [`--branches ${branches}`]),
  ]
  return [
    `Seed ${seed} at ${commit()} fails:`,
    ...faults.slice(0, FAULTS_TOLD_MAX).map((fault) => `  ${fault}`),
    ...(faults.length > FAULTS_TOLD_MAX ? [`  and ${faults.length - FAULTS_TOLD_MAX} more`] : []),
    `Again: npm run sim -- ${flags.join(' ')}`,
    'The end of it:',
    ...lines.slice(-LINES_TOLD),
    '',
  ].join('\n')
}

/** The commit this runs at, as far as git knows. */
export function commit(): string {
  try {
    const args = ['rev-parse', '--short', 'HEAD']
    return execFileSync('git', args, { cwd: import.meta.dirname, stdio: 'pipe' })
      .toString()
      .trim()
  } catch {
    return 'unknown'
  }
}
