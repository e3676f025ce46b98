/**
 * What goes wrong: processes die at random moments of the load, now and then again before they are ready; meanwhile one
 * trouble of the lines after the other.
 */
import { pause } from '../bench/wait.ts'
import type { Chance } from '../sim/chance.ts'
import type { Branch } from '../soak/branch.ts'
import type { Company } from './company.ts'

/** Of the deaths, so many come so soon after the start before that the branch may not be ready. */
const EARLY_SHARE = 0.15
const EARLY_MS_MAX = 1500
const DOWN_MS_MAX = 3000
const ASK_EVERY_MS = 20
/** One line trouble lasts so long, and so long there is none. */
const TROUBLE_MS = [4000, 30_000] as const
const BETWEEN_MS = [1000, 8000] as const

const LINES = ['refused', 'silent', 'split', 'split', 'lossy', 'lossy'] as const

export type Counts = Record<string, number>

type Hunt = {
  company: Pick<Company, 'branches'>
  chance: Chance
  kills: number
  /** How much of the load is done, 0 to 1. */
  progress(): number
  wait?: (ms: number) => Promise<void>
}

/** Kills, spread at random over the load; resolves when all have happened and everybody runs. */
export async function kill({
  company,
  chance,
  kills,
  progress,
  wait = pause,
}: Hunt): Promise<Counts> {
  const due = Array.from({ length: kills }, () => chance.chance()).sort((a, b) => a - b)
  const counts: Counts = {}
  const down = new Map<Branch, Promise<void>>()
  let left = kills
  const die = async (branch: Branch) => {
    left--
    await branch.kill()
    counts[branch.name] = (counts[branch.name] ?? 0) + 1
    await wait(chance.between(0, DOWN_MS_MAX))
    if (left > 0 && chance.isLucky(EARLY_SHARE)) {
      await branch.launch()
      await wait(chance.between(0, EARLY_MS_MAX))
      counts['while starting'] = (counts['while starting'] ?? 0) + 1
      return die(branch)
    }
    await branch.start()
    down.delete(branch)
  }
  const mayDie = () => company.branches.filter((branch) => !down.has(branch))
  while (left > 0) {
    if (progress() < (due[kills - left] ?? 0) || mayDie().length === 0) {
      await wait(ASK_EVERY_MS)
      continue
    }
    const branch = chance.pick(mayDie())
    down.set(branch, die(branch))
  }
  await Promise.all(down.values())
  return counts
}

/** One trouble of the lines after the other until it is over; then all is whole. */
export async function trouble(
  { company, chance }: { company: Company; chance: Chance },
  isOver: () => boolean,
): Promise<Counts> {
  const { ground, branches } = company
  const counts: Counts = {}
  const wait = async ([least, most]: readonly [number, number]) => {
    const until = performance.now() + chance.between(least, most)
    while (!isOver() && performance.now() < until) await pause(100)
  }
  while (!isOver()) {
    await wait(BETWEEN_MS)
    if (isOver()) break
    const kind = chance.pick(LINES)
    counts[kind] = (counts[kind] ?? 0) + 1
    const one = chance.pick(branches).name
    const other = chance.pick(branches.filter(({ name }) => name !== one)).name
    if (kind === 'split') await ground.split(one, other)
    else if (kind === 'lossy') await ground.lose(true)
    else await ground.cutOff(one, kind)
    await wait(TROUBLE_MS)
    await ground.lose(false)
    await ground.heal()
  }
  return counts
}
