/**
 * Groups: who founds them, who may bring in and take out. The branch where a group was founded keeps its membership,
 * so that there is one order of changes; writing goes on everywhere while that branch cannot be reached.
 */
import { branchesOf } from '../accounts/queries.ts'
import { AppError, invalidInput, notFound } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, UserId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import type { Db } from '../db/open.ts'
import { type ChatParts, demandActive } from './actions.ts'
import { MEMBERS_MAX, type Member, TITLE_CHARS_MAX } from './group-records.ts'
import { groupIdOf } from './ids.ts'

type NewGroup = { title: string; members: readonly UserId[] }

/** Founds a group here: this branch keeps its membership. The founder owns it. */
export async function createGroup(
  parts: ChatParts,
  viewer: UserId,
  { title, members }: NewGroup,
): Promise<ConversationId> {
  const conversation = groupIdOf(parts.self, parts.random.id())
  const others = [...new Set(members)].filter((user) => user !== viewer)
  if (others.length === 0) throw invalidInput('members', 'A group needs members', 'members-none')
  demandRoom(others.length + 1)
  const name = usableTitle(title)
  await parts.store.writer.write(async (tx) => {
    await demandActive(tx, [viewer, ...others])
    const joinedAt = parts.now()
    await putGroup(parts, tx, {
      ...{ id: conversation, title: name, createdAt: parts.clock.now(), term: 0, rev: 1 },
      members: [
        { user: viewer, role: 'owner', joinedAt },
        ...others.map((user) => ({ user, role: 'member' as const, joinedAt })),
      ],
    })
  })
  return conversation
}

function usableTitle(title: string): string {
  const name = tidied(title)
  if (name === '') throw invalidInput('title', 'A group needs a name', 'required')
  if (name.length > TITLE_CHARS_MAX) {
    throw invalidInput('title', 'The name is too long', 'too-long', { max: TITLE_CHARS_MAX })
  }
  return name
}

function demandRoom(members: number): void {
  if (members <= MEMBERS_MAX) return
  throw invalidInput('members', `The limit is ${MEMBERS_MAX} members`, 'members-many', {
    max: MEMBERS_MAX,
  })
}

type Group = {
  id: ConversationId
  title: string
  createdAt: number
  term: number
  rev: number
  members: Member[]
}

/** Sends the whole record to the branches of all members, also of those who just left. */
async function putGroup(
  { append, kinds, clock }: ChatParts,
  tx: Db,
  { members, ...group }: Group,
): Promise<void> {
  const to = await branchesOf(
    tx,
    members.map((member) => member.user),
    clock.now(),
  )
  await append(tx, { kind: kinds.convPut, body: { kind: 'group', ...group, members }, to })
}

type Change = (members: Member[], now: Hlc) => Member[]

/** Reads the group, changes its members, writes the next record: only at the branch that keeps it. */
async function changeMembers(
  parts: ChatParts,
  conversation: ConversationId,
  { may, change }: { may(members: Member[]): void; change: Change },
): Promise<void> {
  await parts.store.writer.write(async (tx) => {
    const group = await tx
      .selectFrom('conversation')
      .where('id', '=', conversation)
      .where('kind', '=', 'group')
      .selectAll()
      .executeTakeFirst()
    if (group === undefined) throw notFound('chat')
    const members = await recordedMembers(tx, conversation)
    may(members)
    // While the line to its home is down, joining waits and writing goes on (docs/decisions/020-groups-at-home.md).
    if (group.home !== parts.self) throw keptElsewhere(await branchName(tx, group.home))
    const changed = change(members, parts.now())
    if (changed === members) return
    demandRoom(changed.filter((member) => member.leftAt === undefined).length)
    const { id, title, createdAt, term, rev } = group
    await putGroup(parts, tx, { id, title, createdAt, term, rev: rev + 1, members: changed })
  })
}

/** Everybody a group's record names, those who have left too. */
export async function recordedMembers(tx: Db, conversation: ConversationId): Promise<Member[]> {
  const rows = await tx
    .selectFrom('membership')
    .where('conversationId', '=', conversation)
    .select(['userId', 'role', 'joinedAt', 'leftAt'])
    .orderBy('joinedAt')
    .orderBy('userId')
    .execute()
  return rows.map(({ userId, role, joinedAt, leftAt }) => ({
    ...{ user: userId, role, joinedAt },
    ...(leftAt === null ? {} : { leftAt }),
  }))
}

async function branchName(tx: Db, branch: BranchId | null): Promise<string> {
  const row = await tx
    .selectFrom('branch')
    .where('id', '=', branch ?? ('' as BranchId))
    .select('name')
    .executeTakeFirst()
  return row?.name ?? ''
}

function keptElsewhere(branch: string): AppError {
  return new AppError('unavailable', `Members are kept by ${branch}: change them there`, {
    detail: 'kept-elsewhere',
    values: { branch },
  })
}

function isPresent(members: readonly Member[], user: UserId, role?: 'owner'): boolean {
  return members.some(
    (m) => m.user === user && m.leftAt === undefined && (role === undefined || m.role === role),
  )
}

function demandOwner(viewer: UserId): (members: Member[]) => void {
  return (members) => {
    if (!isPresent(members, viewer)) throw notFound('chat')
    if (!isPresent(members, viewer, 'owner')) {
      throw new AppError('forbidden', 'Only owners change who is in a group', {
        detail: 'owners-only',
      })
    }
  }
}

/** An owner brings somebody in; who is in already stays as he is. */
export async function addMember(
  parts: ChatParts,
  viewer: UserId,
  { conversation, user }: { conversation: ConversationId; user: UserId },
): Promise<void> {
  await parts.store.writer.write((tx) => demandActive(tx, [user]))
  await changeMembers(parts, conversation, {
    may: demandOwner(viewer),
    change: (members, now) =>
      isPresent(members, user)
        ? members
        : [
            ...members.filter((member) => member.user !== user),
            { user, role: 'member', joinedAt: now },
          ],
  })
}

/** An owner takes somebody out. */
export async function removeMember(
  parts: ChatParts,
  viewer: UserId,
  { conversation, user }: { conversation: ConversationId; user: UserId },
): Promise<void> {
  await changeMembers(parts, conversation, {
    may(members) {
      demandOwner(viewer)(members)
      if (!isPresent(members, user)) throw notFound('member')
    },
    change: (members, now) => withoutMember(members, user, now),
  })
}

/** The viewer leaves a group; when no owner is left, who has been in it longest becomes one. */
export async function leaveGroup(
  parts: ChatParts,
  viewer: UserId,
  conversation: ConversationId,
): Promise<void> {
  await changeMembers(parts, conversation, {
    may(members) {
      if (!isPresent(members, viewer)) throw notFound('chat')
    },
    change: (members, now) => withoutMember(members, viewer, now),
  })
}

function withoutMember(members: Member[], user: UserId, now: Hlc): Member[] {
  const left = members.map((m) => (m.user === user ? { ...m, leftAt: now } : m))
  const present = left.filter((m) => m.leftAt === undefined)
  if (present.some((m) => m.role === 'owner')) return left
  const [heir] = present.sort((a, b) => (a.joinedAt < b.joinedAt ? -1 : 1))
  return left.map((m) => (m === heir ? { ...m, role: 'owner' as const } : m))
}
