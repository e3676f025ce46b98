/** What changes about a file while people look at its card: it comes, it goes, or the scanner has looked at it. */
import type { BlobId } from '../base/ids.ts'
import type { Cancel } from '../world/clock.ts'
import type { Fetching, FetchState } from './fetching.ts'
import type { Giving, Going } from './giving.ts'

/** What is under way of a blob now; undefined: nothing. */
export type MoveOf = (blob: BlobId) => FetchState | Going | undefined

export type FileMoves = {
  moveOf: MoveOf
  onMove(fn: (blob: BlobId) => void): Cancel
  /** The scanner said something of it. */
  told(blob: BlobId): void
}

/** Puts them together. */
export function fileMoves(fetching: Fetching, giving: Giving): FileMoves {
  const listeners = new Set<(blob: BlobId) => void>()
  return {
    moveOf: (blob) => fetching.stateOf(blob) ?? giving.goingTo(blob),
    onMove(fn) {
      listeners.add(fn)
      const ends = [fetching.onProgress(fn), giving.onProgress(fn), () => listeners.delete(fn)]
      return () => {
        for (const end of ends) end()
      }
    },
    told(blob) {
      for (const fn of listeners) fn(blob)
    },
  }
}
