/**
 * What people do in chats: write, keep contacts, open direct chats (groups are in groups.ts). Each is one transaction:
 * check, then append the event, whose `apply` changes the tables. Permission is checked here for every action.
 */
import { branchesOf } from '../accounts/queries.ts'
import { AppError, invalidInput, notFound } from '../base/errors.ts'
import { above, type Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, EventId, FileId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { type Holes, listed, prepared } from '../db/prepared.ts'
import type { Append } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import type { Random } from '../world/random.ts'
import { filesToSend, hasFiles, namesAsText } from './attachments.ts'
import { contactRow, decisionAhead, demandOpen } from './contacts.ts'
import { DRAFT_CHARS_MAX, draftOf, draftPut, keepDraft, lastWord } from './drafts.ts'
import type { ChatKinds } from './events.ts'
import { directIdOf, sortedPair } from './ids.ts'
import { BODY_CHARS_MAX, CLIENT_ID_CHARS_MAX, messageOfClient } from './posts.ts'
import { decidedAfter, ensureDirect, isDatedAhead } from './standing.ts'

export type ChatParts = {
  store: Store
  append: Append
  kinds: ChatKinds
  self: BranchId
  clock: Clock
  random: Random
  /** The next clock value of the event log. */
  now(): Hlc
}

/** Puts somebody into the viewer's list and opens the chat with him. */
export async function addContact(
  { store, append, kinds, clock, now }: ChatParts,
  viewer: UserId,
  contact: UserId,
): Promise<ConversationId> {
  if (viewer === contact) throw invalidInput('user', 'Cannot add oneself', 'person-unknown')
  await store.writer.write(async (tx) => {
    await demandActive(tx, [contact])
    const known = await contactRow(tx, viewer, contact)
    if (known?.removed === 0) return
    const to = await branchesOf(tx, [viewer], clock.now())
    const decided = await decidedAfter(
      tx,
      { known: known?.hlc, now: now() },
      { conversation: directIdOf(viewer, contact), authors: [viewer, contact], isContact: true },
    )
    const body = { owner: viewer, contact, removed: false, ...decided }
    await append(tx, { kind: kinds.contactPut, body, to })
  })
  return directIdOf(viewer, contact)
}

/** The direct chat with somebody, created when it is missing; it appears in lists with its first message. */
export async function openDirect(
  { store }: ChatParts,
  viewer: UserId,
  other: UserId,
): Promise<{ conversation: ConversationId; isNew: boolean }> {
  if (viewer === other) throw invalidInput('with', 'Cannot open a chat with oneself')
  const isNew = await store.writer.write(async (tx) => {
    await demandActive(tx, [other])
    return await ensureDirect(tx, sortedPair(viewer, other))
  })
  return { conversation: directIdOf(viewer, other), isNew }
}

type NewMessage = {
  conversation: ConversationId
  body: string
  /** The sender's own number: the same twice is one message. */
  clientId?: string | undefined
  /** What the writer uploaded before, in order. */
  files?: readonly FileId[] | undefined
  /** Given when somebody must know it before it is written; else drawn. */
  id?: MessageId | undefined
}

/** Writes a message; `isNew` is false when this clientId had been written before. */
export async function postMessage(
  parts: ChatParts,
  viewer: UserId,
  draft: NewMessage,
): Promise<{ message: MessageId; position: number; isNew: boolean }> {
  const clientId = usableClientId(draft.clientId)
  const fileIds = draft.files ?? []
  const text = fileIds.length > 0 ? undefined : usableBody(draft.body)
  return await parts.store.writer.write(async (tx) => {
    const { conversation } = draft
    const members = await membersToReach(tx, { conversation, now: parts.clock.now() })
    const mine = members.find(({ user }) => user === viewer)
    if (mine === undefined) throw notFound('chat')
    const known = clientId === undefined ? undefined : await messageOfClient(tx, viewer, clientId)
    if (known !== undefined && fileIds.length > 0)
      return await againWithFiles(tx, known, { conversation, fileIds })
    if (known !== undefined) return again(known, { conversation, body: text ?? '' })
    const files = await filesToSend(tx, viewer, fileIds)
    const body = text ?? textBeside(files, draft.body)
    const isDirect = mine.kind === 'direct'
    // Of a group anybody may have gone; a direct chat with somebody who is disabled reaches nobody.
    for (const { disabled } of isDirect ? members : [mine]) checkActive(disabled)
    const other = isDirect ? members.find(({ user }) => user !== viewer) : undefined
    if (other) await demandOpen(tx, { viewer, other: other.user })
    const now = parts.now()
    const decided = other && (await decisionAhead(tx, { viewer, other: other.user, now }))
    const event = await parts.append(tx, {
      kind: parts.kinds.msgPost,
      body: {
        ...{ conversation, author: viewer, body },
        ...(clientId === undefined ? {} : { clientId }),
        ...(isDirect ? { direct: pairOf(members) } : {}),
        ...(decided === undefined ? {} : { decided }),
        ...(files.length > 0 ? { files } : {}),
      },
      to: members.flatMap(({ home, stay }) => [home, stay].filter((branch) => branch !== null)),
      ...(draft.id === undefined ? {} : { id: draft.id as string as EventId }),
    })
    // A clock that is ahead wrote the draft: the message, whose clock is behind that, did not end it.
    const mineHere = { user: viewer, conversation }
    if ((await draftOf(tx, mineHere)) !== '') await putDraft(parts, tx, { ...mineHere, body: '' })
    const message = event.id as string as MessageId
    return { message, position: event.position, isNew: true }
  })
}

function usableBody(text: string): string {
  const body = text.replaceAll('\r\n', '\n').toWellFormed()
  if (body.trim() === '') throw invalidInput('body', 'The message is empty', 'message-empty')
  if (body.length <= BODY_CHARS_MAX) return body
  const message = `Cannot post a message: the body has ${body.length} characters, the limit is ${BODY_CHARS_MAX}`
  throw invalidInput('body', message, 'message-long', {
    max: BODY_CHARS_MAX,
    length: body.length,
  })
}

function usableClientId(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  if (text.length <= CLIENT_ID_CHARS_MAX) return text
  throw invalidInput('clientId', 'The clientId is too long', 'too-long', {
    max: CLIENT_ID_CHARS_MAX,
  })
}

function pairOf(members: readonly { user: UserId }[]): [UserId, UserId] {
  const [a, b] = new Set(members.map(({ user }) => user))
  if (a === undefined || b === undefined) throw notFound('chat')
  return sortedPair(a, b)
}

/** The viewer's place in a conversation and its kind; undefined for outsiders. */
export async function membership(tx: Db, viewer: UserId, conversation: ConversationId) {
  const [row] = await membershipRow(tx, { viewer, conversation })
  return row
}

const membershipRow = prepared(
  (db, value: Holes<{ viewer: UserId; conversation: ConversationId }>) =>
    db
      .selectFrom('membership as mine')
      .innerJoin('conversation as c', 'c.id', 'mine.conversationId')
      .where('mine.userId', '=', value('viewer'))
      .where('mine.conversationId', '=', value('conversation'))
      .where('mine.leftAt', 'is', null)
      .select(['c.kind', 'mine.role', 'mine.readPosition', 'mine.shownPosition', 'mine.joinedAt']),
)

/** All that a post must know of those it goes to: present members, each with home, and once per stay elsewhere. */
const membersToReach = prepared((db, value: Holes<{ conversation: ConversationId; now: Millis }>) =>
  db
    .selectFrom('membership as mb')
    .innerJoin('conversation as c', 'c.id', 'mb.conversationId')
    .leftJoin('user as u', 'u.id', 'mb.userId')
    .leftJoin('location as l', (on) =>
      on.onRef('l.userId', '=', 'mb.userId').on('l.until', '>', value('now')),
    )
    // A stay counts while the password that proved it does, as for `branchesOf`.
    .leftJoin('credential as k', (on) =>
      on.onRef('k.userId', '=', 'l.userId').onRef('k.epoch', '=', 'l.epoch'),
    )
    .where('mb.conversationId', '=', value('conversation'))
    .where('mb.leftAt', 'is', null)
    .select(['c.kind', 'mb.userId as user', 'u.disabled', 'u.home'])
    .select((eb) =>
      eb.case().when('k.userId', 'is not', null).then(eb.ref('l.branchId')).end().as('stay'),
    ),
)

function again(
  known: { id: MessageId; position: number; conversationId: ConversationId; body: string },
  { conversation, body }: { conversation: ConversationId; body: string },
): { message: MessageId; position: number; isNew: boolean } {
  if (known.conversationId !== conversation || known.body !== body) {
    throw new AppError('conflict', 'This clientId was used for another message', {
      field: 'clientId',
    })
  }
  return { message: known.id, position: known.position, isNew: false }
}

async function againWithFiles(
  tx: Db,
  known: Parameters<typeof again>[0],
  { conversation, fileIds }: { conversation: ConversationId; fileIds: readonly FileId[] },
): Promise<ReturnType<typeof again>> {
  const isSame = await hasFiles(tx, known.id, fileIds)
  return again(known, { conversation, body: isSame ? known.body : '' })
}

function textBeside(files: readonly { name: string }[], text: string): string {
  return text.trim() === '' ? namesAsText(files) : usableBody(text)
}

/** Everybody of these must be known and not disabled. */
export async function demandActive(tx: Db, users: readonly UserId[]): Promise<void> {
  const rows = await disabledOf(tx, { users: JSON.stringify(users) })
  for (const user of new Set(users)) checkActive(rows.find(({ id }) => id === user)?.disabled)
}

/** Takes the column of a person's row, nothing where there is no row. */
function checkActive(disabled: 0 | 1 | null | undefined): void {
  if (disabled === 1) {
    throw new AppError('forbidden', 'An account is disabled', { detail: 'person-disabled' })
  }
  if (disabled !== 0) throw invalidInput('user', 'Somebody is not known here', 'person-unknown')
}

const disabledOf = prepared((db, value: Holes<{ users: string }>) =>
  db
    .selectFrom('user')
    .where('id', 'in', listed<UserId>(value('users')))
    .select(['id', 'disabled']),
)

/** Keeps what was typed; what is not the person's chat is not found. */
export async function saveDraft(
  parts: ChatParts,
  of: { user: UserId; conversation: ConversationId; body: string },
): Promise<void> {
  const body = of.body.slice(0, DRAFT_CHARS_MAX).toWellFormed()
  if ((await draftOf(parts.store.read, of)) === body) return
  await parts.store.writer.write(async (tx) => {
    if ((await membership(tx, of.user, of.conversation)) === undefined) throw notFound('chat')
    await putDraft(parts, tx, { ...of, body: body.trim() === '' ? '' : body })
  })
}

async function putDraft(
  { append, clock, self, now }: ChatParts,
  tx: Db,
  of: { user: UserId; conversation: ConversationId; body: string },
): Promise<void> {
  const begun = now()
  const draft = { ...of, at: above(await lastWord(tx, { ...of, at: begun }), begun) }
  await keepDraft(tx, draft, self)
  // By a clock that was weeks ahead: others would refuse it. It stays where it was written.
  const own = { origin: self, hlc: begun }
  if (await isDatedAhead(tx, own, { user: of.user, at: draft.at })) return
  const to = (await branchesOf(tx, [of.user], clock.now())).filter((branch) => branch !== self)
  if (to.length > 0) await append(tx, { kind: draftPut, body: draft, to })
}
