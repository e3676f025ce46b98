/** Presence as pushes: which of its dots a page shows, its browser knows; a dot that nobody shows costs nothing. */
import { presence as presenceView } from '../../views/presence/dot.ts'
import { presenceShape } from '../accounts/api-shapes.ts'
import type { UserId } from '../base/ids.ts'
import type { PresenceState } from '../presence/presence.ts'
import type { Push } from './viewers.ts'

/** Presence in the form of the views. */
export function presenceProps(state: PresenceState) {
  return {
    isOnline: state.state === 'online',
    lastSeenAt: state.lastSeenAt,
    asOf: state.asOf,
    status: state.status,
  }
}

/** The push of one person's presence to those who may know the person. */
export function presencePush(user: UserId, state: PresenceState, to: readonly UserId[]): Push {
  return {
    to,
    html: async (reader) => {
      const element = await presenceView(user, presenceProps(state), reader)
      return `<hx-partial hx-target=".presence-${user}" hx-swap="outerHTML">${element}</hx-partial>`
    },
    api: { event: 'presence', data: { user, ...presenceShape(state) } },
  }
}
