/** Mistakes that only people notice who sit at two branches: planted as those of bugs.ts, found by alike.ts. */
import type { Append } from '../../src/eventlog/events.ts'
import type { Bug } from './office.ts'

/** What was read at another branch is not read here. */
export function marksStay(): Bug {
  const bug: Bug = {
    isOn: false,
    needsGuests: true,
    core(core) {
      const { msgSeen } = core.chat.kinds
      const { apply } = msgSeen
      msgSeen.apply = async (tx, event) => {
        if (!bug.isOn || event.origin === core.membership.self) await apply(tx, event)
      }
      return core
    },
  }
  return bug
}

/** A draft is kept where it was typed. */
export function draftsStay(): Bug {
  const bug: Bug = {
    isOn: false,
    needsGuests: true,
    core(core) {
      const { append } = core.chat
      const kept: Append = (tx, draft) => {
        const isKept = bug.isOn && draft.kind.name === 'draft.put'
        return append(tx, isKept ? { ...draft, to: [] } : draft)
      }
      return { ...core, chat: { ...core.chat, append: kept } }
    },
  }
  return bug
}
