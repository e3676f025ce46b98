/**
 * What the running transaction changed in memory: how to take it back when an action is undone, and what to tell
 * listeners after the commit. Emptied by every commit; one transaction runs at a time.
 */
import type { LoggedEvent } from './events.ts'
import type { FeedN, StoredUpTo } from './log.ts'

/** A feed of records holds something urgent at `upTo`. */
export type Urgent = { feedN: FeedN; upTo: number }

export type Told = {
  events: LoggedEvent[]
  grown: FeedN[]
  urgent: Urgent[]
  stored: StoredUpTo[]
}

export type Changes = {
  /** `undo` runs, last first, if the action or the whole transaction is rolled back. */
  undoWith(undo: () => void): void
  /** A point to come back to. */
  mark(): number
  backTo(mark: number): void
  applied(event: LoggedEvent): void
  grew(feed: FeedN): void
  urgent(place: Urgent): void
  stored(mark: StoredUpTo): void
  /** Whether nothing is to be told. */
  isEmpty(): boolean
  /** All that happened since the last commit; the next transaction starts empty. */
  taken(): Told
}

/** Nothing changed yet. */
export function createChanges(): Changes {
  const undos: (() => void)[] = []
  let told: Told = { events: [], grown: [], urgent: [], stored: [] }
  const tell = <T>(list: T[], what: T) => {
    list.push(what)
    undos.push(() => void list.pop())
  }
  return {
    undoWith: (undo) => void undos.push(undo),
    mark: () => undos.length,
    backTo(mark) {
      while (undos.length > mark) undos.pop()?.()
    },
    applied: (event) => tell(told.events, event),
    grew: (feed) => tell(told.grown, feed),
    urgent: (place) => tell(told.urgent, place),
    stored: (mark) => tell(told.stored, mark),
    isEmpty: () => told.events.length + told.grown.length + told.stored.length === 0,
    taken() {
      const taken = told
      told = { events: [], grown: [], urgent: [], stored: [] }
      undos.length = 0
      taken.events.sort((a, b) => a.position - b.position) // replayed ones are older
      return { ...taken, grown: [...new Set(taken.grown)] }
    },
  }
}
