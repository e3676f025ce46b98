/**
 * What honest branches must agree on when one is revoked: all but what that one wrote, or what follows from it. Whoever
 * took something of it before he heard keeps it (docs/protocol.md, section 6), so its people, its groups and the
 * passwords that were changed there may differ.
 */
import type { BranchId, UserId } from '../../src/base/ids.ts'
import { directIdOf } from '../../src/chat/ids.ts'
import type { Snapshot } from './snapshot.ts'

/** User.cred, user.block, role.grant: what a branch may say of people of others. */
const OF_PEOPLE: ReadonlySet<number> = new Set([0x0302, 0x0303, 0x0305])

/** Snapshots of the branches that stand, without what hangs on the revoked one. */
export function believed(
  snapshots: readonly Snapshot[],
  revoked: BranchId | undefined,
): readonly Snapshot[] {
  if (revoked === undefined) return snapshots
  const isTouched = touchedBy(snapshots, revoked)
  const decided = decidedAt(snapshots, revoked)
  return snapshots
    .filter(({ self }) => self !== revoked)
    .map((at) => ({
      ...at,
      carried: at.carried.filter(
        ({ origin, destination }) => origin !== revoked && destination !== revoked,
      ),
      events: at.events.filter(
        ({ origin, body }) => origin !== revoked && !isTouched(JSON.stringify(body)),
      ),
      refusals: at.refusals.filter(({ position, branchId }) => {
        const event = at.events.find((each) => each.position === position)
        return branchId !== revoked && !isTouched(JSON.stringify(event?.body ?? {}))
      }),
      messages: at.messages.filter(
        ({ origin, conversation }) => origin !== revoked && !isTouched(conversation),
      ),
      conversations: at.conversations.filter(({ id }) => !isTouched(id)),
      own: {
        ...at.own,
        contacts: at.own.contacts.filter((row) => !decided.has(`${row.ownerId} ${row.contactId}`)),
        blocks: at.own.blocks.filter((row) => !decided.has(`${row.ownerId} ${row.blockedId}`)),
        cleared: at.own.cleared.filter(
          (row) => !decided.has(`${row.ownerId} ${row.conversationId}`),
        ),
        messages: at.own.messages.filter((row) => !decided.has(row.conversationId)),
      },
      directory: Object.fromEntries(
        Object.entries(at.directory).map(([table, rows]) => [
          table,
          rows
            .split('\n')
            .filter((row) => !isTouched(row))
            .join('\n'),
        ]),
      ),
    }))
}

/**
 * What the revoked branch wrote for guests, by contact.put, contact.block and history.clear: it counts where it came
 * before the cut. Of whom and about what, and the chats in which it says what is shown.
 */
function decidedAt(snapshots: readonly Snapshot[], revoked: BranchId): ReadonlySet<string> {
  const found = new Set<string>()
  const theirs = snapshots.flatMap(({ events }) => events.filter((each) => each.origin === revoked))
  for (const { kind, body } of theirs) {
    const owner = body.owner as UserId
    if (kind === 0x0404) found.add(`${owner} ${body.contact}`)
    if (kind === 0x0405) found.add(`${owner} ${body.blocked}`)
    if (kind === 0x0405) found.add(directIdOf(owner, body.blocked as UserId))
    if (kind === 0x0406) found.add(`${owner} ${body.conversation}`)
    if (kind === 0x0406) found.add(`${body.conversation}`)
  }
  return found
}

/** Whether a text names the revoked branch, its people, its groups, or what it wrote of others. */
export function touchedBy(
  snapshots: readonly Snapshot[],
  revoked: BranchId,
): (text: string) => boolean {
  const ids = new Set<string>([revoked])
  for (const { users, conversations, events } of snapshots) {
    for (const { id, home } of users) if (home === revoked) ids.add(id)
    for (const { id, home } of conversations) if (home === revoked) ids.add(id)
    for (const { kind, origin, body } of events.filter((each) => each.origin === revoked)) {
      if (OF_PEOPLE.has(kind)) ids.add(String(body.user))
      // A group is as its home says; a direct chat is as its first message says.
      if (kind === 0x0401 && origin === revoked) ids.add(String(body.id))
      if (kind === 0x0402 && body.direct) ids.add(String(body.conversation))
    }
  }
  const all = [...ids]
  return (text) => all.some((id) => text.includes(id))
}
