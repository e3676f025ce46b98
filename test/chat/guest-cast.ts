/** Somebody who signs in at another office, for tests of what follows a guest. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { userAt } from '../../src/accounts/events.ts'
import type { UserAt } from '../../src/accounts/records.ts'
import { HLC_ZERO, hlcOf } from '../../src/base/hlc.ts'
import type { ConversationId } from '../../src/base/ids.ts'
import { DAY, SECOND } from '../../src/base/units.ts'
import { getChat } from '../../src/chat/chats.ts'
import { followedByRecords } from '../../src/chat/following.ts'
import { followedByChats } from '../../src/chat/guests.ts'
import { wantChats } from '../../src/chat/history.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import type { LoggedEvent } from '../../src/eventlog/events.ts'
import { type Company, companyOf, type Office, type Person } from './cast.ts'

/** Somebody signs in at another office, with all that follows from it there. */
export async function signsIn(company: Company, person: Person, at: Office) {
  const now = company.now()
  const where = { userId: person.id, branchId: at.keys.id }
  for (const { store } of company.offices) {
    await store.writer.write(async (tx) => {
      const proof = { epoch: 1, rev: 1, hlc: HLC_ZERO, salt: '', publicKey: new Uint8Array(32) }
      await tx
        .insertInto('credential')
        .values({ ...where, ...proof, mustChange: 0 })
        .onConflict((on) => on.doNothing())
        .execute()
      const stay = { ...where, epoch: 1, until: now + DAY, hlc: hlcOf(now, 0) }
      await tx
        .insertInto('location')
        .values(stay)
        .onConflict((on) => on.columns(['userId', 'branchId']).doUpdateSet(stay))
        .execute()
    })
  }
  // What a sign-in signs is left out; what follows from it is not.
  const userAtOf = (office: Office) =>
    followedByChats({ ...userAt, apply: async () => {} }, office.guests)
  for (const office of company.offices.filter((each) => each !== at)) {
    const body = { user: person.id, branch: at.keys.id }
    await office.store.writer.write((tx) =>
      userAtOf(office).apply(tx, { body, arrivedAt: now } as LoggedEvent<UserAt>),
    )
  }
  await at.store.writer.write((tx) =>
    wantChats(at.parts, tx, { user: person.id, stay: hlcOf(now, 0) }),
  )
}

/** The directory of an office says that somebody came to another, and the records follow. */
export async function hears(office: Office, company: Company, person: Person, at: Office) {
  const { append, self, kinds } = office.parts
  const kind = followedByRecords({ ...userAt, apply: async () => {} }, { append, kinds, self })
  await office.store.writer.write((tx) => {
    const body = { user: person.id, branch: at.keys.id }
    return kind.apply(tx, { body, arrivedAt: company.now() } as LoggedEvent<UserAt>)
  })
}

export const leaves = async (company: Company, person: Person) => {
  for (const { store } of company.offices) {
    await store.writer.write((tx) =>
      tx
        .updateTable('location')
        .set({ until: company.now() })
        .where('userId', '=', person.id)
        .execute(),
    )
  }
}

export async function three(t: TestContext) {
  const company = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = company.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  await company.settle()
  const sees = async (chat: ConversationId, at = odesa) => {
    const page = await linesBefore(at.store.read, bob.at(at), { conversation: chat, limit: 200 })
    return page.lines
  }
  const unread = async (chat: ConversationId, at = odesa) =>
    (await getChat(at.store.read, bob.at(at), chat)).unread
  return { company, kyiv, lviv, odesa, ada, bob, sees, unread }
}

export async function talk(
  company: Company,
  chat: ConversationId,
  people: readonly Person[],
  count: number,
) {
  for (let n = 0; n < count; n++) {
    company.advance(SECOND)
    await people[n % people.length]?.posts(chat, `line ${n}`)
    await company.settle()
  }
}

export const texts = (lines: readonly { body: string }[]) => lines.map(({ body }) => body)
