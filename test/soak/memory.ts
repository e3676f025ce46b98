/**
 * Is memory flat? Judged in the longest life of each branch, when it is long enough: the median of its last quarter
 * against that of its second. The first quarter is the warm-up (caches fill, code is compiled) and is shown only.
 */
import { median, rounded } from '../bench/figures.ts'
import type { Branch, Life, Sample } from './branch.ts'

/** Below this a quarter is too short to tell growth from the collector's breathing. */
const JUDGED_MINUTES_MIN = 10
/** A leak of a megabyte a minute crosses this within a quarter of an hour. */
const GROWTH_SHARE_MAX = 0.15
const DESCRIPTORS_MORE_MAX = 20

type Quarter = { min: number; median: number; max: number }
export type MemoryFigures = {
  branch: string
  minutes: number
  samples: number
  /** Resident memory in MiB. */
  quarters: Quarter[]
  /** Of the last three quarters, in MiB per hour (least squares). */
  slopeMibPerHour: number
  descriptors: Quarter[]
  verdict: 'flat' | 'grows' | 'too short to judge'
}

/** The figures of a branch's longest life. */
export function memoryOf({ name, lives }: Branch): MemoryFigures {
  const { samples } = longest(lives)
  const quarters = quartersOf(samples, ({ rssMib }) => rssMib)
  const descriptors = quartersOf(samples, (sample) => sample.descriptors)
  const minutes = minutesOf(samples)
  const after = samples.slice(Math.ceil(samples.length / 4))
  return {
    ...{ branch: name, minutes: rounded(minutes), samples: samples.length, quarters, descriptors },
    slopeMibPerHour: rounded(slopeOf(after)),
    verdict: minutes < JUDGED_MINUTES_MIN ? 'too short to judge' : verdictOf(quarters, descriptors),
  }
}

function longest(lives: readonly Life[]): Life {
  const [first] = lives.toSorted((a, b) => minutesOf(b.samples) - minutesOf(a.samples))
  return first ?? { pid: 0, samples: [], processorSeconds: 0 }
}

function minutesOf(samples: readonly Sample[]): number {
  return (samples.at(-1)?.minute ?? 0) - (samples[0]?.minute ?? 0)
}

function quartersOf(samples: readonly Sample[], value: (sample: Sample) => number): Quarter[] {
  return [0, 1, 2, 3].map((n) => {
    const from = Math.floor((samples.length * n) / 4)
    const to = Math.floor((samples.length * (n + 1)) / 4)
    const values = samples.slice(from, to).map(value)
    return {
      min: rounded(Math.min(...values)),
      median: rounded(median(values)),
      max: rounded(Math.max(...values)),
    }
  })
}

function verdictOf(memory: readonly Quarter[], descriptors: readonly Quarter[]): 'flat' | 'grows' {
  const [, before, , last] = memory
  const [, open, , openLast] = descriptors
  if (!before || !last || !open || !openLast) return 'grows'
  const isMore = last.median > before.median * (1 + GROWTH_SHARE_MAX)
  return isMore || openLast.median > open.median + DESCRIPTORS_MORE_MAX ? 'grows' : 'flat'
}

function slopeOf(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const minutes = mean(samples.map(({ minute }) => minute))
  const memory = mean(samples.map(({ rssMib }) => rssMib))
  const top = samples.map((s) => (s.minute - minutes) * (s.rssMib - memory))
  const bottom = samples.map((s) => (s.minute - minutes) ** 2)
  return (60 * mean(top)) / mean(bottom)
}
