/**
 * 0401 conv.put, the record of a group: its form, who may write it, what it changes. One writer counts `rev`, and the
 * highest holds. Source: docs/protocol.md, section 8.
 */
import type { Selectable } from 'kysely'
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'
import type { ConversationId, UserId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import { TIME_MS_MAX } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { listed } from '../db/prepared.ts'
import type { ConversationTable } from '../db/schema.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { Parked } from '../eventlog/events.ts'
import { count, hlc, id } from './fields.ts'
import { mayHaveFounded } from './ids.ts'
import { moveToJoined } from './posts.ts'
import { conversationRow, newMember, putMember } from './standing.ts'

/** Fits one line of the list on a wide screen. */
export const TITLE_CHARS_MAX = 100
/** The whole membership travels in one event of at most 64 KiB; more people belong into a channel. */
export const MEMBERS_MAX = 500

const memberSchema = v.object({
  user: id<UserId>(),
  role: v.picklist(['owner', 'member']),
  joinedAt: hlc,
  /** Present for those who have left: the record is whole, so that any order of arrival ends the same. */
  leftAt: v.optional(hlc),
})
const convSchema = v.object({
  id: id<ConversationId>(),
  kind: v.literal('group'),
  title: v.pipe(v.string(), v.transform(tidied), v.minLength(1), v.maxLength(TITLE_CHARS_MAX)),
  members: v.pipe(v.array(memberSchema), v.maxLength(2 * MEMBERS_MAX)),
  createdAt: v.pipe(count, v.maxValue(TIME_MS_MAX)),
  term: count,
  rev: v.pipe(count, v.minValue(1)),
})

export type ConvBody = v.InferOutput<typeof convSchema>
export type Member = v.InferOutput<typeof memberSchema>

/** The kind. */
export const convPut: EventKind<ConvBody> = {
  code: 0x0401,
  name: 'conv.put',
  scope: 'to',
  parse: (body) => v.parse(convSchema, body),
  refusal: convRefusal,
  apply: applyConv,
  conversationOf: (body) => body.id,
}

async function convRefusal(tx: Db, event: LoggedEvent<ConvBody>): Promise<string | undefined> {
  const { body, origin } = event
  const known = await conversationRow(tx, body.id)
  if (known === undefined) {
    // A later term comes only after the earlier ones, which name the home it was taken from.
    if (body.term > 0) throw new Parked('waits-for-conversation')
    return mayHaveFounded(origin, body.id) ? undefined : 'not-its-home'
  }
  if (known.kind !== 'group') return 'wrong-conversation'
  if (known.term !== body.term) return 'wrong-term'
  return known.home === origin ? undefined : 'not-its-home'
}

async function applyConv(tx: Db, event: LoggedEvent<ConvBody>): Promise<void> {
  const { body, origin, hlc: at } = event
  const known = await conversationRow(tx, body.id)
  // One writer counts `rev`, but its feeds (one per start) may arrive in any order: the highest wins.
  if (known !== undefined && known.rev > body.rev) return await keepForgotten(tx, body)
  if (known?.rev === body.rev && !(await replaces(tx, event, known))) {
    return await keepForgotten(tx, body)
  }
  const { id: conversation, kind, title, term, rev, createdAt } = body
  await tx
    .insertInto('conversation')
    .values({
      ...{ id: conversation, kind, title, home: origin, term, rev, hlc: at, createdAt },
      lastPosition: null,
      lastTimeKey: null,
    })
    .onConflict((on) => on.column('id').doUpdateSet({ title, rev, hlc: at }))
    .execute()
  const joinings = await joiningsOf(tx, conversation)
  for (const member of body.members) await putMember(tx, conversation, member)
  await endForgotten(tx, body)
  const news = new Set(body.members.map(({ joinedAt }) => joinedAt)).difference(joinings)
  for (const joinedAt of [...news].sort()) await moveToJoined(tx, { conversation, joinedAt })
}

/**
 * A branch that was put back has forgotten whom it let in: its later records do not name him. He was a member all the
 * same, for no time, so that what he wrote before he heard of it is taken everywhere.
 */
async function keepForgotten(tx: Db, { id, members }: ConvBody): Promise<void> {
  for (const member of members) {
    await tx
      .insertInto('membership')
      .values(newMember(id, { ...member, leftAt: member.leftAt ?? member.joinedAt }))
      .onConflict((on) => on.doNothing())
      .execute()
  }
}

/** The same of who stands here and not in the record that counts. */
async function endForgotten(tx: Db, { id, members }: ConvBody): Promise<void> {
  const users = JSON.stringify(members.map(({ user }) => user))
  await tx
    .updateTable('membership')
    .set((eb) => ({ leftAt: eb.ref('joinedAt') }))
    .where('conversationId', '=', id)
    .where('leftAt', 'is', null)
    .where('userId', 'not in', listed<UserId>(users))
    .execute()
}

async function joiningsOf(tx: Db, conversation: ConversationId): Promise<Set<Hlc>> {
  const members = tx.selectFrom('membership').where('conversationId', '=', conversation)
  const rows = await members.select('joinedAt').distinct().execute()
  return new Set(rows.map(({ joinedAt }) => joinedAt))
}

/**
 * Of two records with one `rev` the later one counts: a branch that was put back from an old copy counted again. The
 * same record sent again, to a guest's branch, is no other one: its first time stands.
 */
async function replaces(
  tx: Db,
  { body, hlc: at }: LoggedEvent<ConvBody>,
  known: Selectable<ConversationTable>,
): Promise<boolean> {
  const conversation = tx.updateTable('conversation').where('id', '=', body.id)
  if (known.title === body.title && (await isSameMembers(tx, body))) {
    if (at < known.hlc) await conversation.set({ hlc: at }).execute()
    return false
  }
  return at >= known.hlc
}

async function isSameMembers(tx: Db, { id, members }: ConvBody): Promise<boolean> {
  const rows = await tx
    .selectFrom('membership')
    .where('conversationId', '=', id)
    .select(['userId', 'role', 'joinedAt', 'leftAt'])
    .execute()
  const textOf = (user: UserId, role: string, joinedAt: Hlc, leftAt: Hlc | null | undefined) =>
    [user, role, joinedAt, leftAt ?? ''].join(' ')
  const named = new Set(members.map(({ user }) => user))
  const isForgotten = (m: (typeof rows)[number]) => m.leftAt === m.joinedAt && !named.has(m.userId)
  const rowsNamed = rows.filter((m) => !isForgotten(m))
  const here = new Set(rowsNamed.map((m) => textOf(m.userId, m.role, m.joinedAt, m.leftAt)))
  const said = members.map((m) => textOf(m.user, m.role, m.joinedAt, m.leftAt))
  return said.length === here.size && said.every((text) => here.has(text))
}
