/**
 * Everything a person is shown at a branch, by the routes and the functions that make the pages: as facts, each a name
 * and a text, so that two branches can be compared. Older pages are asked for as a reader asks for them.
 */

import { findPerson } from '../../src/accounts/queries.ts'
import { insertSignIn } from '../../src/accounts/sign-in-making.ts'
import { hashOf, tokenOf } from '../../src/accounts/tokens.ts'
import { AppError } from '../../src/base/errors.ts'
import type { ConversationId, SignInId, UserId } from '../../src/base/ids.ts'
import { draftOf } from '../../src/chat/drafts.ts'
import { membersOf } from '../../src/chat/members.ts'
import { chatProps, type Surroundings, wholeList } from '../../src/chat/pages.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { wordsOf } from '../../views/language/words.ts'
import type { Work } from './office.ts'

/** Names and texts of all that is shown. */
export type Facts = Map<string, string>

/** No chat of a run has as many pages. */
const PAGES_MAX = 20

type Looking = { work: Work; user: UserId; facts: Facts }

/** What somebody is shown; undefined where he may not sign in. */
export async function factsOf(
  work: Work,
  user: UserId,
  chats: readonly ConversationId[],
): Promise<Facts | undefined> {
  const token = await tokenFor(work, user, 'api')
  if (token === undefined) return undefined
  const looking = { work, user, facts: new Map<string, string>() }
  await lookAtPeople(looking, token)
  const shown = await lookAtList(looking)
  for (const id of chats) {
    const { facts } = looking
    facts.set(`draft ${id}`, await draftOf(work.store.read, { user, conversation: id }))
    await lookAtChat(looking, id, shown.has(id))
  }
  return looking.facts
}

/** Opens the directory as a browser does, which shows that he is there. */
export async function openPage(work: Work, user: UserId): Promise<void> {
  const token = await tokenFor(work, user, 'browser')
  const cookie = `${cookieName(work.core.membership.self)}=${token}`
  await work.running.app.request('/people', { headers: { cookie } })
}

/** A sign-in as every other one, by somebody whose password nobody has to know. */
async function tokenFor(
  { core, store, life }: Work,
  user: UserId,
  kind: 'api' | 'browser',
): Promise<string | undefined> {
  const person = await findPerson(store.read, user)
  if (!person) return undefined
  const { clock, random } = life.world
  const token = tokenOf({ random })
  const made = {
    ...{ id: random.id() as SignInId, tokenHash: hashOf(token), person, kind },
    ...{ device: 'an eye', address: '', isShared: false },
    isGuest: person.branch.id !== core.membership.self,
  }
  await store.writer.write((tx) => insertSignIn({ clock, random }, tx, made))
  return (await core.signIns.signInOf(token)) && token
}

type Presence = { status?: unknown; state: string; lastSeenAt?: string; asOf?: string }
type Colleague = { login: string; branch: string; presence: Presence }

/** Oneself, the own list, and everybody in the directory. */
async function lookAtPeople({ work, facts }: Looking, token: string): Promise<void> {
  const get = async (path: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await work.running.app.request(`/api/v1${path}`, { headers })
    if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`)
    return await answer.json()
  }
  for (const [field, value] of Object.entries((await get('/me')) as object)) {
    facts.set(`my ${field}`, typeof value === 'string' ? value : JSON.stringify(value))
  }
  facts.set('my status', JSON.stringify(await get('/me/status')))
  for (const list of ['contacts', 'blocks']) facts.set(list, JSON.stringify(await get(`/${list}`)))
  const { items } = (await get('/people?limit=100')) as { items: Colleague[] }
  for (const { presence, ...person } of items) {
    const name = `${person.login}@${person.branch}`
    facts.set(`person ${name}`, JSON.stringify(person))
    const { lastSeenAt = 'never', ...rest } = presence
    facts.set(`presence of ${name}`, JSON.stringify(rest))
    facts.set(`last seen ${name}`, lastSeenAt)
  }
}

/** What a page of chats needs besides the database; presence is compared by the directory. */
function around({ store, core, history }: Work): Surroundings {
  return {
    ...{ read: store.read, history, self: core.membership.self },
    presenceOf: () => ({ isOnline: false }),
    typistsIn: () => [],
    linkOf: () => undefined,
    moveOf: () => undefined,
    idOf: (position) => `${position}`,
  }
}

const t = wordsOf('en')

const viewerOf = ({ work, user }: Looking) => ({ id: user, at: work.core.membership.self })

/** The list at the left; answers which chats are in it. */
async function lookAtList(looking: Looking): Promise<ReadonlySet<string>> {
  const { work, facts } = looking
  const { rows } = await wholeList(around(work), { viewer: viewerOf(looking), t }, undefined)
  facts.set(
    'list',
    rows
      .map(({ id }) => id)
      .sort()
      .join(' '),
  )
  facts.set('order of the list', rows.map(({ id }) => id).join(' '))
  for (const { id, title, kind, tag, last, unread, person } of rows) {
    facts.set(`row ${id}`, JSON.stringify({ title, kind, tag, photo: person?.photo }))
    facts.set(`last ${id}`, JSON.stringify(last && { ...last, at: undefined }))
    facts.set(`unread ${id}`, `${unread}`)
  }
  return new Set(rows.map(({ id }) => id))
}

/** A chat's pages, from the newest to the first. */
async function lookAtChat(looking: Looking, id: ConversationId, isListed: boolean): Promise<void> {
  const { work, facts } = looking
  const viewer = viewerOf(looking)
  const asked = { viewer, conversation: id, find: undefined, all: false, t }
  const ids: string[] = []
  let before: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const found = await orNone(chatProps(around(work), { ...asked, before }))
    if (found === undefined) return
    const { conversation, older, isPartial, newFrom } = found.props
    if (page === 0 && (isListed || found.lines.length > 0)) {
      facts.set(`head ${id}`, JSON.stringify({ ...conversation, person: undefined }))
      facts.set(`new from ${id}`, newFrom ?? 'nothing new')
      facts.set(`members ${id}`, await membersIn(looking, id))
    }
    for (const line of found.props.lines) {
      ids.push(line.id)
      const { author, body, kind, isFolded } = line
      facts.set(`line ${line.id}`, JSON.stringify({ chat: id, author, body, kind, isFolded }))
      facts.set(`mark ${line.id}`, line.mark)
      facts.set(`sent ${line.id}`, `${line.sentAt}`)
      if (line.isLate) facts.set(`late ${id}`, 'something came late')
    }
    if (isPartial) facts.set(`partial ${id}`, 'what is before does not come')
    if (older === undefined) return
    before = older
  }
}

async function membersIn(looking: Looking, id: ConversationId): Promise<string> {
  const members = await membersOf(looking.work.store.read, viewerOf(looking), id)
  return JSON.stringify(members.map(({ id: user, name, isOwner }) => ({ user, name, isOwner })))
}

/** "Not there" and "not yours" are the same. */
async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return undefined
    throw error
  }
}
