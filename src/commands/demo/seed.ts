/**
 * Makes the demo's company: two real branches in this process, founded, joined over the real relay and filled through
 * the same actions the pages call, with a clock that begins days ago, so that the chats have a past.
 */
import { editUser } from '../../accounts/actions.ts'
import { createUser } from '../../accounts/new-person.ts'
import { editProfile } from '../../accounts/own.ts'
import { createPhotoMaker } from '../../accounts/photos.ts'
import { getPerson } from '../../accounts/queries.ts'
import type { ConversationId, MessageId, UserId } from '../../base/ids.ts'
import type { Millis } from '../../base/units.ts'
import { HOUR, MINUTE } from '../../base/units.ts'
import { type Branch, createBranch } from '../../branch.ts'
import { addContact, openDirect, postMessage } from '../../chat/actions.ts'
import { createGroup } from '../../chat/groups.ts'
import { createReading } from '../../chat/reading.ts'
import type { Config } from '../../config.ts'
import type { Core } from '../../core.ts'
import type { Log } from '../../world/log.ts'
import { realWorld } from '../../world/world.ts'
import {
  DEMO_ORGANISATION,
  DEMO_PASSWORD,
  DEMO_PEOPLE,
  DEMO_TALKS,
  type DemoBranch,
  type DemoPerson,
  type DemoTalk,
} from './company.ts'
import { portrait } from './portraits.ts'
import type { DemoServer } from './servers.ts'

/** The first thing said lies this far back; the company was founded some hours before. */
const PAST_MS: Millis = Math.max(...DEMO_TALKS.map(({ lines }) => (lines[0]?.[0] ?? 0) * MINUTE))
const FOUNDED_BEFORE_MS: Millis = 8 * HOUR
const READ_AFTER_MINUTES = 4
const QUIET_MINUTES = 2 * 24 * 60
const SETTLE_MS_MAX = 60_000
const ASK_EVERY_MS = 20

type Company = {
  cores: Record<DemoBranch, Core>
  ids: Map<string, UserId>
  homes: Map<string, DemoBranch>
  log: Log
  /** Sets the clock of both branches to so many ms before now. */
  goTo(msAgo: Millis): void
}

/** Fills both data folders; `err` gets log lines of errors. */
export async function seedDemo(
  servers: Record<DemoBranch, DemoServer>,
  config: Config,
  err: (text: string) => void,
): Promise<void> {
  let msAgo = PAST_MS + FOUNDED_BEFORE_MS
  const start = (server: DemoServer, more: Partial<Config>) => {
    const world = realWorld(server.folder, err, 'error')
    const clock = { ...world.clock, now: () => Date.now() - msAgo }
    const relay = {
      kind: 'address',
      address: { host: '127.0.0.1', port: server.relayPort },
    } as const
    return createBranch({ ...world, clock }, { ...config, ...more, data: server.folder, relay })
  }
  const kyiv = await start(servers.Kyiv, {
    org: DEMO_ORGANISATION,
    branch: 'Kyiv',
    adminLogin: 'petro',
    adminPassword: DEMO_PASSWORD,
    adminName: 'Petro Melnyk',
  })
  let lviv: Branch | undefined
  try {
    const { invitation } = await operationsOf(kyiv).invite({ branch: 'Lviv', validMs: HOUR })
    lviv = await start(servers.Lviv, { join: invitation })
    const company: Company = {
      cores: { Kyiv: coreOf(kyiv), Lviv: coreOf(lviv) },
      ids: new Map(),
      log: realWorld(servers.Kyiv.folder, err, 'error').log,
      homes: new Map(DEMO_PEOPLE.map(({ login, branch }) => [login, branch])),
      goTo: (ms) => {
        msAgo = ms
      },
    }
    await hire(company)
    await talk(company)
    await leave(company)
    await settled(company)
  } finally {
    await lviv?.stop()
    await kyiv.stop()
  }
}

function operationsOf(branch: Branch) {
  if (!branch.operations) throw new Error('The demo branch was not set up')
  return branch.operations
}

function coreOf(branch: Branch): Core {
  if (!branch.core) throw new Error('The demo branch was not set up')
  return branch.core
}

async function hire(company: Company): Promise<void> {
  const makePhoto = createPhotoMaker()
  const { default: sharp } = await import('sharp') // the other commands need not load it
  await Promise.all(
    DEMO_PEOPLE.map(async (person) => {
      const { accounts } = company.cores[person.branch]
      const id = await accountOf(company, person)
      company.ids.set(person.login, id)
      // Uploads must be pictures of pixels, as for everybody.
      const picture = await sharp(Buffer.from(portrait(person.looks)))
        .png()
        .toBuffer()
      const photo = await makePhoto(picture)
      const { language } = person
      await editProfile(accounts, await getPerson(accounts.store.read, id), { photo, language })
    }),
  )
  // Everybody must be known everywhere before anybody is written to.
  await until(async () => {
    const counts = await Promise.all(
      Object.values(company.cores).map((core) => countOf(core, 'user')),
    )
    return counts.every((count) => count === DEMO_PEOPLE.length)
  })
}

async function accountOf(company: Company, person: DemoPerson): Promise<UserId> {
  const { accounts } = company.cores[person.branch]
  const { login, firstName, lastName, post, department, phone, room, language } = person
  const known = await accounts.store.read
    .selectFrom('user')
    .select('id')
    .where('login', '=', login)
    .executeTakeFirst()
  if (known) {
    // The first administrator is there since the founding.
    const changes = { post, department, phone, room }
    await editUser(accounts, undefined, { id: known.id, changes })
    return known.id
  }
  const record = { login, firstName, lastName, post, department, phone, room, language }
  const made = await createUser(accounts, undefined, {
    ...record,
    password: DEMO_PASSWORD,
    temporary: false,
  })
  return made.id
}

async function talk(company: Company): Promise<void> {
  const chats = new Map<DemoTalk, ConversationId>()
  for (const demoTalk of DEMO_TALKS) {
    company.goTo(PAST_MS + HOUR)
    chats.set(demoTalk, await chatOf(company, demoTalk))
  }
  await settled(company)
  const said = DEMO_TALKS.flatMap((demoTalk) =>
    demoTalk.lines.map(([minutesAgo, login, body]) => ({ demoTalk, minutesAgo, login, body })),
  ).sort((a, b) => b.minutesAgo - a.minutesAgo)
  const written = new Map<DemoTalk, MessageId[]>()
  for (const { demoTalk, minutesAgo, login, body } of said) {
    company.goTo(minutesAgo * MINUTE)
    const conversation = chats.get(demoTalk)
    if (!conversation) continue
    const { message } = await postMessage(coreFor(company, login).chat, idOf(company, login), {
      conversation,
      body,
    })
    await arrived(company, message, demoTalk)
    written.set(demoTalk, [...(written.get(demoTalk) ?? []), message])
  }
  for (const [demoTalk, lines] of written) {
    await read(company, { demoTalk, lines, conversation: chats.get(demoTalk) })
  }
}

/** Some minutes after the last line everybody has read everything, but for what waits for the newcomer. */
async function read(
  company: Company,
  said: { demoTalk: DemoTalk; lines: MessageId[]; conversation: ConversationId | undefined },
): Promise<void> {
  const { members, lines, unreadBy } = said.demoTalk
  if (!said.conversation) return
  const lastMinutesAgo = lines.at(-1)?.[0] ?? 0
  company.goTo((lastMinutesAgo - READ_AFTER_MINUTES) * MINUTE)
  for (const login of members) {
    const { chat } = coreFor(company, login)
    const { log } = company
    const isUnread = unreadBy?.login === login
    const seen = isUnread ? said.lines.slice(0, -unreadBy.lines) : said.lines
    const reading = createReading({ ...chat, log })
    const seeing = { conversation: said.conversation, mark: 'read', lines: seen } as const
    await reading.markSeen(idOf(company, login), seeing)
  }
}

async function chatOf(company: Company, { title, members }: DemoTalk): Promise<ConversationId> {
  const [first = '', second = ''] = members
  const { chat } = coreFor(company, first)
  const founder = idOf(company, first)
  if (title === undefined) {
    await addContact(chat, founder, idOf(company, second))
    await addContact(coreFor(company, second).chat, idOf(company, second), founder)
    return (await openDirect(chat, founder, idOf(company, second))).conversation
  }
  return createGroup(chat, founder, {
    title,
    members: members.map((login) => idOf(company, login)),
  })
}

/** Everybody was last seen when they last wrote, the quiet ones two days ago. */
async function leave(company: Company): Promise<void> {
  for (const { login, branch } of DEMO_PEOPLE) {
    const said = DEMO_TALKS.flatMap(({ lines }) => lines).filter(([, who]) => who === login)
    const minutesAgo = Math.min(QUIET_MINUTES, ...said.map(([ago]) => ago)) - READ_AFTER_MINUTES
    const { store, membership } = company.cores[branch]
    const lastSeenAt = Date.now() - minutesAgo * MINUTE
    const row = { userId: idOf(company, login), branchId: membership.self, lastSeenAt }
    await store.writer.write(async (tx) => {
      await tx.insertInto('presence').values(row).execute()
    })
  }
}

/** A message that was answered must have been there before the answer. */
async function arrived(company: Company, message: MessageId, { members }: DemoTalk): Promise<void> {
  const branches = new Set(members.map((login) => company.homes.get(login)))
  await until(async () => {
    const counts = await Promise.all(
      [...branches].map(async (branch) => {
        if (!branch) return 0
        const { read } = company.cores[branch].store
        const rows = await read
          .selectFrom('message')
          .select('id')
          .where('id', '=', message)
          .execute()
        return rows.length
      }),
    )
    return counts.every((count) => count === 1)
  })
}

/** Nothing waits for the other branch any more, either way. */
async function settled({ cores: { Kyiv, Lviv } }: Company): Promise<void> {
  await until(async () => {
    const [there, here] = await Promise.all([
      Kyiv.eventLog.outboxOf(Lviv.membership.self),
      Lviv.eventLog.outboxOf(Kyiv.membership.self),
    ])
    return there + here === 0
  })
}

async function countOf({ store }: Core, table: 'user'): Promise<number> {
  const row = await store.read
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return row.count
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SETTLE_MS_MAX
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error('The two demo branches did not come together')
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

function coreFor(company: Company, login: string): Core {
  return company.cores[company.homes.get(login) ?? 'Kyiv']
}

function idOf(company: Company, login: string): UserId {
  const id = company.ids.get(login)
  if (!id) throw new Error(`Nobody is called ${login} in the demo`)
  return id
}
