/**
 * A working day, compressed: people of both branches write to each other and in groups, read, mark as read, look at
 * pages, change photos, sign in and out. Whoever gets no answer asks again with the same number until there is one.
 */
import sharp from 'sharp'
import { pause } from '../bench/wait.ts'
import { Client, PASSWORD } from '../scenarios/servers.ts'
import type { Chance } from '../sim/chance.ts'
import type { Branch } from './branch.ts'
import { insist, type Ledger, type Person, type Written } from './ledger.ts'

/** Between tries that failed: about what a script would wait. */
const AGAIN_MS = 300
const READ_EVERY_MS = 5000
const PAGE_EVERY_MS = 3000
const PHOTO_EVERY_MS = 45_000
const SIGN_IN_EVERY_MS = 15_000
/** How many of all messages go to a group, and of the others to somebody of the same branch. */
const GROUP_SHARE = 0.4
const NEAR_SHARE = 0.4
const TYPING_SHARE = 0.1
const PHOTO_PIXELS = 320

export type Stage = {
  branches: readonly Branch[]
  people: readonly Person[]
  groups: readonly string[]
  ledger: Ledger
  chance: Chance
  /** Messages a second, of all together. */
  rate: number
  /** Nobody begins anything new. */
  isOver(): boolean
  /** Nobody waits for an answer any more. */
  isLate(): boolean
}

/** Everybody at work; resolves when all have what they asked for, after the end. */
export async function work(stage: Stage): Promise<void> {
  const { people, branches } = stage
  await Promise.all([
    ...people.map((person) => write(stage, person)),
    ...people.map((person) => read(stage, person)),
    ...branches.flatMap((branch) => [comeAndGo(stage, branch), lookAtPages(stage, branch)]),
  ])
}

const persist = ({ isLate, chance, ledger }: Stage, work: () => Promise<unknown>) =>
  insist(ledger, work, {
    mayGoOn: () => !isLate(),
    wait: () => pause(AGAIN_MS * (0.5 + chance.chance())),
  })

async function write(stage: Stage, person: Person): Promise<void> {
  const { ledger, chance } = stage
  const gapMs = (stage.people.length * 1000) / stage.rate
  await pause(gapMs * chance.chance())
  for (let n = 0; !stage.isOver(); n++) {
    const began = performance.now()
    const chat = await someChat(stage, person)
    if (chat !== undefined) {
      if (chance.isLucky(TYPING_SHARE)) {
        await once(stage, 'typing', () =>
          person.client.call('POST', `/conversations/${chat}/typing`),
        )
      }
      const body = `${person.login} ${n}: the papers are on the second shelf`
      const written: Written = { chat, author: person.login, isAcknowledged: false, tries: 0 }
      ledger.messages.set(body, written)
      await persist(stage, async () => {
        written.tries++
        await person.client.post(chat, body)
        written.isAcknowledged = true
        written.at = performance.now()
      })
    }
    const dueMs = gapMs * (0.5 + chance.chance())
    await pause(Math.max(0, dueMs - (performance.now() - began)))
  }
}

/** A group, or the direct chat with anybody, opened when it is not there. */
async function someChat(stage: Stage, person: Person): Promise<string | undefined> {
  const { chance, people, groups, ledger } = stage
  if (chance.isLucky(GROUP_SHARE)) {
    const own = groups.filter((id) => ledger.chats.get(id)?.members.includes(person))
    return chance.pick(own)
  }
  const isNear = chance.isLucky(NEAR_SHARE)
  const others = people.filter(
    (other) => other !== person && (other.branch === person.branch) === isNear,
  )
  const other = chance.pick(others)
  const known = ledger.directOf([person, other])
  // Opened at the own branch even when only the other one has it so far: that is the race worth having.
  if (known !== undefined && ledger.isAt(person.branch, known)) return known
  const id = await persist(stage, () => person.client.directWith(other.login))
  if (typeof id !== 'string') return undefined
  ledger.know({ id, members: [person, other] }, person.branch)
  return id
}

/** Something nobody would try again; its failure counts only when it is no trouble of the moment. */
async function once(
  { ledger }: Stage,
  what: string,
  work: () => Promise<unknown>,
): Promise<unknown> {
  ledger.count(what)
  return await insist(ledger, work, { mayGoOn: () => false, wait: async () => {} })
}

/** Reads the end of a chat and marks it as read. */
async function read(stage: Stage, { client }: Person): Promise<void> {
  await pause(READ_EVERY_MS * stage.chance.chance())
  while (!stage.isOver()) {
    await once(stage, 'reads', async () => {
      const { items } = await client.call<{ items: { id: string; unread: number }[] }>(
        'GET',
        '/conversations',
      )
      const unread = items.filter((item) => item.unread > 0)
      if (unread.length === 0) return
      const { id } = stage.chance.pick(unread)
      const path = `/conversations/${id}`
      const lines = await client.call<{ items: { id: string }[] }>(
        'GET',
        `${path}/messages?limit=30`,
      )
      const upTo = lines.items.at(-1)?.id
      if (upTo !== undefined) await client.call('POST', `${path}/read`, { upTo })
    })
    await pause(READ_EVERY_MS * (0.5 + stage.chance.chance()))
  }
}

/** Signs in and out again; the server keeps nothing of it. */
async function comeAndGo(stage: Stage, branch: Branch): Promise<void> {
  const { chance, people } = stage
  while (!stage.isOver()) {
    const person = chance.pick(people.filter((one) => one.branch === branch.name))
    await once(stage, 'sign-ins', async () => {
      const client = await Client.signIn(branch, person.login)
      await client.call('GET', '/me')
      await client.call('POST', '/sign-out')
    })
    await pause(SIGN_IN_EVERY_MS * (0.5 + chance.chance()))
  }
}

/** A browser: the list, a chat, now and then another photo. Its sign-in must outlive every trouble. */
async function lookAtPages(stage: Stage, branch: Branch): Promise<void> {
  const { chance, ledger } = stage
  const person = stage.people.find((one) => one.branch === branch.name)
  const cookie = person && (await persist(stage, () => browserSignIn(branch, person.login)))
  if (typeof cookie !== 'string' || person === undefined) return
  let photoDue = performance.now()
  while (!stage.isOver()) {
    const own = [...ledger.chats.values()].filter(
      ({ id, members }) => members.includes(person) && ledger.isAt(branch.name, id),
    )
    const chat = own.length > 0 ? `/chats/${chance.pick(own).id}` : '/chats'
    for (const path of ['/chats', chat]) {
      await once(stage, 'pages', () => page(branch, path, { headers: { cookie } }))
    }
    if (performance.now() > photoDue) {
      photoDue = performance.now() + PHOTO_EVERY_MS
      const body = await profileForm(person.login, chance)
      await once(stage, 'photos', () =>
        page(branch, '/profile', { method: 'POST', body, headers: { cookie } }),
      )
    }
    await pause(PAGE_EVERY_MS * (0.5 + chance.chance()))
  }
}

/** A page as a browser asks for it; throws what is neither it nor its redirect. */
async function page({ origin }: Branch, path: string, init: RequestInit): Promise<Response> {
  const headers = { ...init.headers, origin }
  const response = await fetch(origin + path, { ...init, headers, redirect: 'manual' })
  await response.arrayBuffer()
  const { status } = response
  const wanted = init.method === 'POST' ? 303 : 200
  if (status === wanted) return response
  throw Object.assign(new Error(`${init.method ?? 'GET'} ${path}: ${status}`), { status })
}

async function browserSignIn(branch: Branch, login: string): Promise<string> {
  const body = new URLSearchParams({ login, password: PASSWORD })
  const response = await page(branch, '/sign-in', { method: 'POST', body })
  return response.headers.getSetCookie().map((one) => one.split(';')[0])[0] ?? ''
}

async function profileForm(login: string, chance: Chance): Promise<FormData> {
  const colour = () => chance.between(0, 255)
  const background = { r: colour(), g: colour(), b: colour() }
  const picture = sharp({
    create: { width: PHOTO_PIXELS, height: PHOTO_PIXELS, channels: 3, background },
  })
  const form = new FormData()
  const fields = { firstName: 'Person', lastName: login, language: 'en', theme: 'auto' }
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  const bytes = new Uint8Array(await picture.png().toBuffer())
  form.set('photo', new Blob([bytes], { type: 'image/png' }), 'photo.png')
  return form
}
