/**
 * Large files that other branches take from here: which of them, and how far they are, as their questions for chunks
 * show. For whoever sent the file, and for as long as it moves; in memory, so after a restart it is told again with the
 * next chunk. That a branch has all of it is not said: its questions do not prove it.
 */
import type { BlobId, BranchId } from '../base/ids.ts'
import { MINUTE, type Millis, SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'

/** A chunk of 8 MiB takes 17 minutes over 64 kbit/s, but such files do not go over such lines. */
const QUIET_MS: Millis = 2 * MINUTE
/** Pages are told of one file so often at most. */
const TOLD_MS: Millis = SECOND
/** Files and branches together; of more, the oldest is forgotten. A hundred bytes each. */
const KNOWN_MAX = 1000

/** Files that leave, for their cards: to which branches, and how many percent they have asked for. */
export type Going = { state: 'going'; to: { branch: string; percent: number }[] }

export type Giving = {
  /** A branch asked for a chunk of so many, and was given it. */
  given(to: BranchId, chunk: { blob: BlobId; index: number; count: number }): void
  goingTo(blob: BlobId): Going | undefined
  /** A branch is further, or came to its end, or went silent; at most once a second for one file. */
  onProgress(fn: (blob: BlobId) => void): Cancel
  stop(): void
}

type Taking = { blob: BlobId; to: BranchId; percent: number; end: Cancel }

/** Builds it; `nameOf` is what people call a branch. */
export function createGiving(parts: { clock: Clock; nameOf(branch: BranchId): string }): Giving {
  const { clock, nameOf } = parts
  const taking = new Map<string, Taking>()
  const telling = new Map<BlobId, Cancel>()
  const listeners = new Set<(blob: BlobId) => void>()
  const tell = (blob: BlobId) => {
    if (telling.has(blob)) return
    const now = () => {
      telling.delete(blob)
      for (const fn of listeners) fn(blob)
    }
    telling.set(blob, clock.after(TOLD_MS, now))
  }
  const forget = (key: string) => {
    const known = taking.get(key)
    if (known === undefined) return
    known.end()
    taking.delete(key)
    tell(known.blob)
  }
  return {
    given(to, { blob, index, count }) {
      if (count < 2) return // it comes with its message
      const key = `${blob} ${to}`
      const before = taking.get(key)
      before?.end()
      const percent = Math.max(before?.percent ?? 0, Math.floor(((index + 1) * 100) / count))
      taking.delete(key) // to the end: the map is in order of last use
      const isLast = percent === 100
      const end = clock.after(isLast ? TOLD_MS : QUIET_MS, () => forget(key))
      taking.set(key, { blob, to, percent, end })
      const [oldest = ''] = taking.keys()
      if (taking.size > KNOWN_MAX) forget(oldest)
      if (percent !== before?.percent) tell(blob)
    },
    goingTo(blob) {
      const to = [...taking.values()]
        .filter((each) => each.blob === blob)
        .map((each) => ({ branch: nameOf(each.to), percent: each.percent }))
      return to.length > 0 ? { state: 'going', to } : undefined
    },
    onProgress(fn) {
      listeners.add(fn)
      return () => void listeners.delete(fn)
    },
    stop() {
      for (const { end } of taking.values()) end()
      for (const cancel of telling.values()) cancel()
      taking.clear()
      telling.clear()
    },
  }
}
