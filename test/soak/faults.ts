/**
 * What goes wrong, one trouble a minute, drawn from the seed: a server dies or is ended, the line breaks or goes silent,
 * or both at once. In the first half only Lviv's process is touched and in the second only Kyiv's, so that each lives
 * half the time undisturbed and its memory can be judged.
 */
import { pause } from '../bench/wait.ts'
import type { Chance } from '../sim/chance.ts'
import type { Branch } from './branch.ts'
import type { Cut, Line } from './line.ts'

const TROUBLES = [
  'kill',
  'kill',
  'refused',
  'silent',
  'kill+refused',
  'kill+silent',
  'term',
] as const
type TroubleKind = (typeof TROUBLES)[number]

export type Trouble = {
  kind: TroubleKind
  /** Seconds without the server, and without the line. */
  downSeconds: number
  cutSeconds: number
}

/** The next trouble; `every` is the time until the one after it. */
export function drawTrouble(chance: Chance, everySeconds: number): Trouble {
  const kind = chance.pick(TROUBLES)
  const longest = (seconds: number) => Math.min(seconds, everySeconds / 2)
  const between = (least: number, most: number) => {
    const top = longest(most)
    return Math.round(10 * (least + chance.chance() * Math.max(0, top - least))) / 10
  }
  return { kind, downSeconds: between(1, 10), cutSeconds: between(2, 40) }
}

export type Scene = { victim: Branch; lines: readonly Line[] }

/** Lets a trouble happen, from its beginning to the end of both its parts. */
export async function happen(trouble: Trouble, { victim, lines }: Scene): Promise<void> {
  const { kind, downSeconds, cutSeconds } = trouble
  const parts: Promise<void>[] = []
  if (kind === 'term') parts.push(restart(victim, () => victim.end(), downSeconds))
  if (kind.startsWith('kill')) parts.push(restart(victim, () => victim.kill(), downSeconds))
  if (kind.endsWith('refused')) parts.push(cut(lines, 'refused', cutSeconds))
  if (kind.endsWith('silent')) parts.push(cut(lines, 'silent', cutSeconds))
  await Promise.all(parts)
}

async function restart(branch: Branch, end: () => Promise<void>, seconds: number): Promise<void> {
  await end()
  await pause(seconds * 1000)
  await branch.start()
}

async function cut(lines: readonly Line[], how: Cut, seconds: number): Promise<void> {
  for (const line of lines) line.cut(how)
  await pause(seconds * 1000)
  for (const line of lines) await line.heal()
}
