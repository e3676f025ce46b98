/** What a scenario gets and answers. */
import type { Company } from './company.ts'
import type { Measured } from './figures.ts'

export type Bench = {
  /** Of this run, on a real disk. */
  folder: string
  /** At least three for figures that count; one to try things. */
  runs: number
  /** 1 for figures that count; smaller to try things: counts and seconds are multiplied by it. */
  scale: number
  /** The largest database of `growth` and `pages`. */
  messages: number
  /** Node's flags for the branches, for profiles. */
  nodeFlags: readonly string[]
  company(): Promise<Company>
  /** A word about what is going on. */
  say(text: string): void
}

export type Scenario = (bench: Bench) => Promise<Measured[]>

/** A count of the scenario, smaller when things are only tried. */
export function scaled({ scale }: Bench, count: number, least = 1): number {
  return Math.max(least, Math.round(count * scale))
}

/** Runs after each other; ours and floor in turn, so that what disturbs the machine disturbs both. */
export async function inTurn<O, F>(
  { runs }: Bench,
  { ours, floor }: { ours(): Promise<O>; floor(): Promise<F> },
): Promise<{ ours: O[]; floor: F[] }> {
  const all: { ours: O[]; floor: F[] } = { ours: [], floor: [] }
  for (let run = 0; run < runs; run++) {
    all.floor.push(await floor())
    all.ours.push(await ours())
  }
  return all
}
