/** Who hears what a commit brought. A listener that throws is logged: the facts are stored whatever it does. */
import type { Cancel } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Told } from './changes.ts'
import type { EventLog } from './log.ts'

type Listeners = Pick<EventLog, 'onCommitted' | 'onGrown' | 'onUrgent' | 'onStored'> & {
  tell(told: Told): void
}

/** No listener yet. */
export function createListeners(log: Log): Listeners {
  const committed = listenersOf<Told['events']>(log)
  const grown = listenersOf<Told['grown']>(log)
  const urgent = listenersOf<Told['urgent']>(log)
  const stored = listenersOf<Told['stored']>(log)
  return {
    onCommitted: committed.add,
    onGrown: grown.add,
    onUrgent: urgent.add,
    onStored: stored.add,
    tell(told) {
      // The relay first: what it sends travels while this branch draws its pages.
      urgent.tell(told.urgent)
      grown.tell(told.grown)
      committed.tell(told.events)
      stored.tell(told.stored)
    },
  }
}

function listenersOf<List extends unknown[]>(log: Log) {
  const listeners = new Set<(list: List) => void>()
  return {
    add(fn: (list: List) => void): Cancel {
      listeners.add(fn)
      return () => void listeners.delete(fn)
    },
    tell(list: List): void {
      if (list.length === 0) return
      for (const listener of listeners) {
        try {
          listener(list)
        } catch (error) {
          log.error('eventlog.listener-failed', { cause: error })
        }
      }
    },
  }
}
