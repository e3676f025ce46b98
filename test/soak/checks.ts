/**
 * What must hold when everything has healed: nothing lost, nothing doubled, one order at all branches, streams without
 * gaps, counts that reach zero, databases that are whole, logs without an error.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { spread, until } from '../bench/wait.ts'
import type { Message } from '../scenarios/servers.ts'
import type { Branch } from './branch.ts'
import type { Chat, Ledger, Person } from './ledger.ts'
import type { Follower } from './streams.ts'

/** Of each kind of problem so many are told; the rest is counted. */
const TOLD_MAX = 5
/** Marks are written a moment later. */
const SETTLED = { everyMs: 200, withinMs: 20_000 }
/** Requests at a time while histories are read. */
const WIDTH = 4

export type History = { chat: Chat; reader: Person; messages: Message[] }

/** Collects problems by kind, and tells the first of each. */
export class Problems {
  readonly #kinds = new Map<string, string[]>()

  add(kind: string, example: string): void {
    const known = this.#kinds.get(kind) ?? []
    known.push(example)
    this.#kinds.set(kind, known)
  }

  get told(): string[] {
    return [...this.#kinds].map(([kind, examples]) => {
      const more = examples.length > TOLD_MAX ? ` and ${examples.length - TOLD_MAX} more` : ''
      return `${kind}: ${examples.slice(0, TOLD_MAX).join('; ')}${more}`
    })
  }
}

/** Every chat as both ends of a direct chat, or one member of a group at each branch, reads it. */
export async function histories(ledger: Ledger): Promise<History[]> {
  const wanted = [...ledger.chats.values()].flatMap((chat) => {
    const branches = [...new Set(chat.members.map(({ branch }) => branch))]
    const one = (at: string) => chat.members.filter(({ branch }) => branch === at).slice(0, 1)
    const readers = chat.members.length === 2 ? chat.members : branches.flatMap(one)
    return readers.map((reader) => ({ chat, reader }))
  })
  const read: History[] = []
  await spread(wanted.length, WIDTH, async (i) => {
    const one = wanted[i]
    if (one === undefined) return
    read.push({ ...one, messages: await one.reader.client.messages(one.chat.id) })
  })
  return read
}

/** Lost, doubled, strange, out of order. */
export function checkHistories(problems: Problems, ledger: Ledger, read: readonly History[]): void {
  const writtenIn = new Map<string, string[]>()
  for (const [body, { chat, isAcknowledged }] of ledger.messages) {
    if (isAcknowledged) writtenIn.set(chat, [...(writtenIn.get(chat) ?? []), body])
  }
  const firstOf = new Map<string, History>()
  for (const history of read) {
    const { chat, reader, messages } = history
    const where = `${reader.branch}, chat ${chat.id}`
    const bodies = messages.map(({ body }) => body)
    const there = new Set(bodies)
    for (const body of writtenIn.get(chat.id) ?? []) {
      if (!there.has(body)) problems.add('lost', `"${body}" at ${where}`)
    }
    if (there.size < bodies.length) {
      const twice = bodies.find((body, i) => bodies.indexOf(body) < i)
      problems.add('doubled', `"${twice}" at ${where}`)
    }
    for (const body of there) {
      if (ledger.messages.get(body)?.chat !== chat.id)
        problems.add('strange', `"${body}" at ${where}`)
    }
    checkAuthors(problems, where, bodies)
    const first = firstOf.get(chat.id)
    if (first === undefined) firstOf.set(chat.id, history)
    else if (idsOf(first) !== idsOf(history)) {
      problems.add('order differs', `${first.reader.branch} and ${where}`)
    }
  }
}

const idsOf = ({ messages }: History) => messages.map(({ id }) => id).join()

/** Everybody wrote one after the other: that is how it must stand. */
function checkAuthors(problems: Problems, where: string, bodies: readonly string[]): void {
  const last = new Map<string, number>()
  for (const body of bodies) {
    const [author = '', number] = body.split(/[ :]/)
    const n = Number(number)
    if (n <= (last.get(author) ?? -1)) problems.add('author out of order', `"${body}" at ${where}`)
    last.set(author, n)
  }
}

/** A stream that was never told to begin anew has told everything its person may see, once. */
export function checkStreams(
  problems: Problems,
  followers: readonly Follower[],
  read: readonly History[],
): void {
  for (const { person, told, resyncs } of followers) {
    const own = read.filter(
      ({ chat, reader }) => chat.members.includes(person) && reader.branch === person.branch,
    )
    const bodies = new Set(own.flatMap(({ messages }) => messages.map(({ body }) => body)))
    for (const body of bodies) {
      const times = told.get(body) ?? 0
      const where = `"${body}" to ${person.login}`
      if (times === 0 && resyncs === 0) problems.add('a stream left out', where)
      if (times > 1) problems.add('a stream told twice', where)
    }
  }
}

type Row = { id: string; unread: number; lastMessage?: { id: string } }

/** Whoever reads everything has nothing unread; one new message is one for everybody else in the group. */
export async function checkUnread(
  problems: Problems,
  people: readonly Person[],
  group: Chat,
): Promise<void> {
  const rowsOf = async ({ client }: Person) =>
    (await client.call<{ items: Row[] }>('GET', '/conversations')).items
  for (const person of people) {
    for (const { id, unread } of await rowsOf(person)) if (unread > 0) await readAll(person, id)
    const left = async () => (await rowsOf(person)).filter(({ unread }) => unread > 0)
    await until('nothing is unread', async () => (await left()).length === 0, SETTLED).catch(
      async () => {
        for (const { id, unread } of await left()) {
          problems.add('unread after reading', `${unread} in ${id}, ${person.login}`)
        }
      },
    )
  }
  const [author] = group.members
  if (author === undefined) return
  const { id } = await author.client.post(group.id, 'Is everybody here?')
  for (const person of group.members) {
    const wanted = person === author ? 0 : 1
    let found: number | undefined
    const hasCome = async () => {
      const row = (await rowsOf(person)).find((one) => one.id === group.id)
      found = row?.lastMessage?.id === id ? row.unread : undefined
      return found === wanted
    }
    await until('the unread count is right', hasCome, SETTLED).catch(() =>
      problems.add('unread is wrong', `${found} for ${person.login}`),
    )
  }
}

/**
 * Marks the last message, and by name those that came after it and belong before it: a mark says nothing of what was
 * not there yet.
 */
async function readAll({ client }: Person, chat: string): Promise<void> {
  const path = `/conversations/${chat}`
  const { items } = await client.call<{ items: Message[] }>('GET', `${path}/messages?limit=200`)
  const last = items.at(-1)
  if (last === undefined) return
  const late = items.filter(({ position }) => position > last.position)
  for (const { id } of [last, ...late]) await client.call('POST', `${path}/read`, { upTo: id })
}

/** `PRAGMA integrity_check` and foreign keys of a stopped branch. */
export function checkDatabase(problems: Problems, { name, site }: Branch): void {
  const database = new Database(join(site.data, 'branchline.db'), { readonly: true })
  try {
    const found = database.pragma('integrity_check', { simple: true })
    if (found !== 'ok') problems.add('database', `${name}: ${String(found)}`)
    const broken = database.pragma('foreign_key_check') as unknown[]
    if (broken.length > 0) problems.add('database', `${name}: ${broken.length} broken references`)
  } finally {
    database.close()
  }
}

/** Names of lines by level; an `error`, and what is no line of the log, is a problem. */
export function checkLog(problems: Problems, { name, site }: Branch): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of readFileSync(`${site.data}.log`, 'utf8').split('\n')) {
    if (text === '' || isBanner(text)) continue
    const line = lineOf(text)
    if (line === undefined) {
      problems.add('no line of the log', `${name}: ${text.slice(0, 200)}`)
      continue
    }
    if (line.level === 'error') problems.add('error in the log', `${name}: ${text.slice(0, 600)}`)
    if (line.level === 'info' && line.name === 'http.request') continue
    const key = `${line.level} ${line.name}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/** What the start says to whoever sits at the terminal. */
const isBanner = (text: string) => text.startsWith('Branchline ')

/** A line that kill -9 cut in two is none, and no fault: it is the last of a process. */
function lineOf(text: string): { level: string; name: string } | undefined {
  const start = text.lastIndexOf('{"at":')
  try {
    return JSON.parse(start > 0 ? text.slice(start) : text) as { level: string; name: string }
  } catch {
    return undefined
  }
}
