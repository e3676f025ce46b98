/** A person of Lviv goes to Odesa, while Lviv is killed and comes back, and home again: nothing is missing anywhere. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { arrives, bodiesOf, found, hire, joinBy, knows, stopAll } from './company.ts'
import { Client, kill, newServer, type Server, start, until, WAIT_MS_MAX } from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }

let kyiv: Server
let lviv: Server
let odesa: Server
let ada: Client
let olha: Client
let liza: Client
let chat: string
let group: string

type Chats = { items: { id: string; title: string; unread: number }[] }
type Messages = { items: { id: string; body: string }[]; next?: string; isPartial?: true }

const unreadOf = async (client: Client, id: string) =>
  (await client.call<Chats>('GET', '/conversations')).items.find((each) => each.id === id)?.unread
const stays = async (client: Client, id: string) =>
  (await bodiesOf(client, id)).map((body) => body).join()

before(async () => {
  kyiv = await newServer('Kyiv')
  lviv = await newServer('Lviv')
  odesa = await newServer('Odesa')
  await found(kyiv, 'ada')
  await joinBy(kyiv, lviv, 'lev')
  await joinBy(kyiv, odesa, 'olha')
  ada = await Client.signIn(kyiv, 'ada')
  olha = await Client.signIn(odesa, 'olha')
  const lev = await Client.signIn(lviv, 'lev')
  await hire(lev, 'liza', 'Liza')
  for (const client of [ada, olha]) await until('Liza is known', () => knows(client, 'liza'))
  liza = await Client.signIn(lviv, 'liza')
  chat = await ada.directWith('liza')
  for (let n = 0; n < 60; n++) await ada.post(chat, `before ${n}`)
  await arrives(liza, chat, 'before 59')
  await liza.post(chat, 'all read')
  const wish = { kind: 'group', title: 'Rehearsal', members: ['liza', 'lev'] }
  group = (await ada.call<{ id: string }>('POST', '/conversations', wish)).id
  await ada.post(group, 'at seven')
  await arrives(liza, group, 'at seven')
}, OPTIONS)

after(() => stopAll([kyiv, lviv, odesa]))

test(
  'at another branch the chats are there, with what is read, and older pages on demand',
  OPTIONS,
  async () => {
    const { items } = await liza.call<Messages>('GET', `/conversations/${chat}/messages`)
    const last = items.at(-1)?.id
    await liza.call('POST', `/conversations/${chat}/read`, { upTo: last })
    const away = await Client.signIn(odesa, 'liza')
    await until('the newest page has come', async () => (await bodiesOf(away, chat)).length >= 50)
    await arrives(away, group, 'at seven')
    await until('and what was read of it', async () => (await unreadOf(away, chat)) === 0)
    assert.equal(await unreadOf(away, group), 1)
    assert.equal(await stays(away, chat), (await bodiesOf(liza, chat)).join())
    const page = await away.call<Messages>('GET', `/conversations/${chat}/messages`)
    assert.ok(page.next)
    const older = await away.call<Messages>(
      'GET',
      `/conversations/${chat}/messages?before=${page.next}`,
    )
    assert.equal(older.items[0]?.body, 'before 0')
    assert.equal(older.next, undefined)
    assert.equal(await unreadOf(away, chat), 0)
  },
)

test('while the home branch is dead the others serve, and it misses nothing', OPTIONS, async () => {
  await kill(lviv)
  const away = await Client.signIn(odesa, 'liza')
  await away.post(chat, 'Lviv is silent')
  await arrives(ada, chat, 'Lviv is silent')
  await ada.post(chat, 'I hear you in Odesa')
  await arrives(away, chat, 'I hear you in Odesa')
  const direct = await olha.directWith('liza')
  await olha.post(direct, 'welcome')
  await arrives(away, direct, 'welcome')
  await start(lviv)
  for (const text of ['Lviv is silent', 'I hear you in Odesa']) await arrives(liza, chat, text)
  await arrives(liza, direct, 'welcome')
  const atHome = async () => (await bodiesOf(liza, chat)).join()
  await until('both show the same', async () => (await atHome()) === (await stays(away, chat)))
})

test(
  'who has signed out is sent nothing there any more, and who comes again has all',
  OPTIONS,
  async () => {
    const away = await Client.signIn(odesa, 'liza')
    await away.call('POST', '/sign-out')
    // Earlier sign-ins of this person at Odesa are programs of the tests before.
    const again = await Client.signIn(odesa, 'liza')
    const fresh = await Client.signIn(kyiv, 'liza')
    await fresh.post(chat, 'from Kyiv')
    for (const client of [ada, liza, again]) await arrives(client, chat, 'from Kyiv')
  },
)

test(
  'somebody hired a moment ago is let in at another branch at once, where nothing of it is known yet',
  OPTIONS,
  async () => {
    const lev = await Client.signIn(lviv, 'lev')
    for (let n = 0; n < 5; n++) {
      await hire(lev, `fresh${'abcde'[n]}`, 'Fresh')
      await Client.signIn(odesa, `fresh${'abcde'[n]}@lviv`)
    }
  },
)
