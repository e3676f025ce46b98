/**
 * Reads of people in chats: who is a member, and who stands in somebody's list. Whoever asks for himself is checked in
 * the SQL; what takes no viewer serves pushes and audiences, whose callers have checked.
 */

import { fullName } from '../accounts/queries.ts'
import { ERASED_NAME } from '../base/erased.ts'
import { notFound } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, PhotoHash, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import type { Viewer } from './queries.ts'

/** Somebody as chats show people. */
export type ChatPerson = {
  id: UserId
  login: string
  name: string
  /** The home branch. */
  branch: { id: BranchId; name: string }
  photo: PhotoHash | undefined
}

/** A member of a group as the details show him. */
export type GroupMember = ChatPerson & { isOwner: boolean }

/** Of `user as u`, its branch as `place` and its photo. */
const PERSON = [
  ...(['u.id', 'u.login', 'u.firstName', 'u.lastName', 'u.home'] as const),
  ...(['photo.hash as photo', 'place.name as branch'] as const),
] as const

type PersonRow = {
  id: UserId
  login: string
  firstName: string
  lastName: string
  home: BranchId
  photo: PhotoHash | null
  branch: string | null
}

function personOf({ id, login, firstName, lastName, home, photo, branch }: PersonRow): ChatPerson {
  return {
    ...{ id, login: firstName === ERASED_NAME ? '' : login, name: fullName(firstName, lastName) },
    branch: { id: home, name: branch ?? '' },
    photo: photo ?? undefined,
  }
}

/** Present members by name; throws not-found for outsiders. */
export async function membersOf(
  db: Db,
  viewer: Viewer,
  conversation: ConversationId,
): Promise<GroupMember[]> {
  const rows = await db
    .selectFrom('membership as mine')
    .innerJoin('membership as mb', 'mb.conversationId', 'mine.conversationId')
    .innerJoin('user as u', 'u.id', 'mb.userId')
    .leftJoin('branch as place', 'place.id', 'u.home')
    .leftJoin('photo', 'photo.hash', 'u.photo')
    .where('mine.userId', '=', viewer.id)
    .where('mine.leftAt', 'is', null)
    .where('mine.conversationId', '=', conversation)
    .where('mb.leftAt', 'is', null)
    .select([...PERSON, 'mb.role'])
    .orderBy('u.searchName')
    .orderBy('u.id')
    .execute()
  if (rows.length === 0) throw notFound('chat')
  return rows.map((row) => ({ ...personOf(row), isOwner: row.role === 'owner' }))
}

/** Ids of present members, for those who may not be asked: pushes and audiences. */
export async function memberIdsOf(db: Db, conversation: ConversationId): Promise<UserId[]> {
  return [...(await membersSince(db, conversation)).keys()]
}

/** Present members with the clock value of their joining: what is older they do not see. */
export async function membersSince(
  db: Db,
  conversation: ConversationId,
): Promise<Map<UserId, Hlc>> {
  const rows = await presentMembers(db, { conversation })
  return new Map(rows.map((row) => [row.userId, row.joinedAt]))
}

const presentMembers = prepared((db, value: Holes<{ conversation: ConversationId }>) =>
  db
    .selectFrom('membership')
    .where('conversationId', '=', value('conversation'))
    .where('leftAt', 'is', null)
    .select(['userId', 'joinedAt'])
    .orderBy('userId'),
)

/** People in the viewer's list, by name: whom a new group may hold. */
export async function contactsOf(db: Db, viewer: Viewer): Promise<ChatPerson[]> {
  const rows = await db
    .selectFrom('contact as k')
    .innerJoin('user as u', 'u.id', 'k.contactId')
    .leftJoin('branch as place', 'place.id', 'u.home')
    .leftJoin('photo', 'photo.hash', 'u.photo')
    .where('k.ownerId', '=', viewer.id)
    .where('k.removed', '=', 0)
    .where('u.disabled', '=', 0)
    .select(PERSON)
    .orderBy('u.searchName')
    .orderBy('u.id')
    .execute()
  return rows.map(personOf)
}

/** The home branches of a chat's present members. */
export async function branchesIn(
  db: Db,
  viewer: Viewer,
  conversation: ConversationId,
): Promise<{ id: BranchId; name: string }[]> {
  return await homesIn(db, { viewer: viewer.id, conversation })
}

const homesIn = prepared((db, value: Holes<{ viewer: UserId; conversation: ConversationId }>) =>
  db
    .selectFrom('membership as mine')
    .innerJoin('membership as mb', 'mb.conversationId', 'mine.conversationId')
    .innerJoin('user as u', 'u.id', 'mb.userId')
    .innerJoin('branch as place', 'place.id', 'u.home')
    .where('mine.userId', '=', value('viewer'))
    .where('mine.leftAt', 'is', null)
    .where('mine.conversationId', '=', value('conversation'))
    .where('mb.leftAt', 'is', null)
    .select(['place.id', 'place.name'])
    .distinct()
    .orderBy('place.name'),
)

/** First names by id, for "is typing". */
export async function firstNames(db: Db, ids: readonly UserId[]): Promise<Map<UserId, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('user')
    .where('id', 'in', [...ids])
    .where('erasedAt', 'is', null)
    .select(['id', 'firstName'])
    .execute()
  return new Map(rows.map((row) => [row.id, row.firstName]))
}

/** Present members of several chats of the viewer, by chat. */
export async function peopleOf(
  db: Db,
  viewer: Viewer,
  conversations: readonly ConversationId[],
): Promise<Map<ConversationId, Omit<ChatPerson, 'photo'>[]>> {
  const people = new Map<ConversationId, Omit<ChatPerson, 'photo'>[]>()
  if (conversations.length === 0) return people
  const rows = await db
    .selectFrom('membership as mine')
    .innerJoin('membership as mb', 'mb.conversationId', 'mine.conversationId')
    .innerJoin('user as u', 'u.id', 'mb.userId')
    .leftJoin('branch as place', 'place.id', 'u.home')
    .where('mine.userId', '=', viewer.id)
    .where('mine.leftAt', 'is', null)
    .where('mine.conversationId', 'in', [...conversations])
    .where('mb.leftAt', 'is', null)
    .select(['mine.conversationId as conversation', 'u.id', 'u.login', 'u.home'])
    .select(['u.firstName', 'u.lastName', 'place.name as branch'])
    .orderBy('u.searchName')
    .orderBy('u.id')
    .execute()
  for (const { conversation, id, login, home, branch, ...names } of rows) {
    const name = fullName(names.firstName, names.lastName)
    const isErased = name === ERASED_NAME
    const person = {
      id,
      login: isErased ? '' : login,
      name,
      branch: { id: home, name: branch ?? '' },
    }
    people.set(conversation, [...(people.get(conversation) ?? []), person])
  }
  return people
}

/** Whether somebody stands in the owner's list. */
export async function isContact(db: Db, owner: UserId, contact: UserId): Promise<boolean> {
  const row = await db
    .selectFrom('contact')
    .select('removed')
    .where('ownerId', '=', owner)
    .where('contactId', '=', contact)
    .executeTakeFirst()
  return row?.removed === 0
}
