/** Shared terminals: what locks when, what opens it again, several people in one browser, what is kept nowhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSignIns } from '../../src/accounts/sign-ins.ts'
import { PEOPLE_PER_TERMINAL_MAX } from '../../src/accounts/terminals.ts'
import { MINUTE, SECOND } from '../../src/base/units.ts'
import { addressRanges } from '../../src/world/network.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

const PIN = '4071'

/** A browser that several people use: it keeps cookies, and forgets those without an age when it is closed. */
function terminal(office: Office) {
  const cookies = new Map<string, { value: string; lasts: boolean }>()
  const ask = async (path: string, fields?: Record<string, string>) => {
    const cookie = [...cookies].map(([name, { value }]) => `${name}=${value}`).join('; ')
    const answer = await office.app.request(path, {
      ...(fields === undefined ? {} : { method: 'POST', body: new URLSearchParams(fields) }),
      headers: { 'sec-fetch-site': 'same-origin', cookie },
    })
    for (const line of answer.headers.getSetCookie()) {
      const [pair = '', ...more] = line.split('; ')
      const [name = '', value = ''] = pair.split('=')
      const lasts = more.some((part) => /^Max-Age=[1-9]/.test(part))
      if (value === '') cookies.delete(name)
      else cookies.set(name, { value, lasts })
    }
    return { status: answer.status, to: answer.headers.get('location'), answer }
  }
  return {
    ask,
    enter: (login: string, password = PASSWORD) =>
      ask('/sign-in', { login, password, shared: 'yes' }),
    async pin(pin = PIN) {
      return await ask('/terminal/pin', { pin })
    },
    text: async (path: string) => await (await ask(path)).answer.text(),
    /** Names on the page of locked people, with the ids that choose them. */
    async people() {
      const page = await (await ask('/lock')).answer.text()
      const found = page.matchAll(/who=([0-9a-f]{32})"[\s\S]*?class="name">([^<]+)</g)
      return new Map([...found].map(([, who = '', name = '']) => [name.split(' ')[0], who]))
    },
    async open(login: string, secret = PIN) {
      const who = (await this.people()).get(login) ?? ''
      return await ask('/lock/open', { who, secret })
    },
    lasting: () => [...cookies.values()].some(({ lasts }) => lasts),
  }
}

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const ada = await two.north.people.found('ada', 'organisation-admin')
  for (const login of ['bob', 'eve']) await two.north.people.add(ada, { login })
  return { ...two, ada, desk: terminal(two.north) }
}

test('at a shared terminal the cookie goes with the browser, and a PIN is offered first', async (t) => {
  const { desk } = await cast(t)
  assert.equal((await desk.enter('bob')).to, '/terminal/pin')
  assert.equal(desk.lasting(), false)
  assert.equal((await desk.pin()).to, '/chats')
  assert.equal(await desk.text('/chats'), 'Chats of bob')
})

test('five minutes without an act lock it; what a page asks by itself is none', async (t) => {
  const { desk, advance } = await cast(t)
  await desk.enter('bob')
  await desk.pin()
  advance(4 * MINUTE)
  assert.equal((await desk.ask('/chats')).status, 200)
  advance(4 * MINUTE)
  assert.equal((await desk.ask('/chats')).status, 200, 'every act begins the five minutes anew')
  const byItself = [
    '/events/page',
    `/files/${'ab'.repeat(16)}/now`,
    `/files/${'ab'.repeat(16)}/thumb`,
    `/photos/${'ab'.repeat(32)}`,
    '/chats/x/wait',
    '/lock',
  ]
  // An import's page shows its progress, and loads itself anew where no script runs.
  for (const path of [...byItself, '/admin/users/import/x/progress', '/chats?itself']) {
    advance(MINUTE)
    await desk.ask(path)
  }
  assert.equal((await desk.ask('/chats')).to, '/sign-in')
  assert.match((await desk.ask('/sign-in')).to ?? '', /^\/lock/)
  for (const path of ['/profile', '/second-factor', '/terminal/pin', '/admin/users']) {
    assert.match((await desk.ask(path)).to ?? '', /^\/sign-in/, path)
  }
})

test('looking at who is locked, and what pages ask by themselves, makes no sign-in last longer', async (t) => {
  const { north, desk, advance } = await cast(t)
  await desk.enter('bob')
  await desk.pin()
  const row = () =>
    north.store.read.selectFrom('sign_in').select(['usedAt', 'expiresAt']).executeTakeFirstOrThrow()
  const wrote = () => north.store.writer.write(async () => {})
  const before = await row()
  for (const path of ['/chats?itself', '/lock', '/chats', '/events/page', '/sign-in', '/lock']) {
    advance(4 * MINUTE)
    if (path === '/lock') await desk.ask('/lock', {})
    await desk.ask(path)
    await wrote()
    if (path !== '/chats') assert.deepEqual(await row(), before, path)
  }
  await desk.open('bob')
  advance(2 * MINUTE)
  await desk.ask('/chats')
  await wrote()
  assert.ok((await row()).expiresAt > before.expiresAt, 'an act does')
})

test('PIN or password open it again, and lead back; another PIN does not', async (t) => {
  const { desk, advance } = await cast(t)
  await desk.enter('bob')
  await desk.pin()
  for (const [secret, status] of [
    [PIN, 303],
    ['9999', 422],
    [PASSWORD, 303],
    ['another password', 422],
    ['', 422],
  ] as const) {
    advance(5 * MINUTE)
    const { status: answered } = await desk.open('bob', secret)
    assert.equal(answered, status, secret)
    assert.equal((await desk.ask('/chats')).status === 200, status === 303)
    if (status === 422) await desk.open('bob')
  }
})

test('five wrong tries end the sign-in, also when they come at once', async (t) => {
  const { north, desk, advance } = await cast(t)
  await desk.enter('bob')
  await desk.pin()
  advance(5 * MINUTE)
  const who = (await desk.people()).get('bob') ?? ''
  const tries = ['0001', '0002', '0003', '0004', '0005', '0006', '0007', PIN]
  await Promise.all(tries.map((secret) => desk.ask('/lock/open', { who, secret })))
  assert.equal((await desk.ask('/lock')).to, '/sign-in')
  const left = await north.store.read.selectFrom('sign_in').select('id').execute()
  assert.deepEqual(left, [])
})

test('a PIN is four to eight digits and no row; the database has a hash of it', async (t) => {
  const { north, desk } = await cast(t)
  await desk.enter('bob')
  for (const bad of ['123', '123456789', 'abcd', '1111', '1234', '8765', '', '12 34']) {
    assert.equal((await desk.pin(bad)).status, 422, bad)
  }
  assert.equal((await desk.pin('40718256')).status, 303)
  const [row] = await north.store.read.selectFrom('sign_in').select('pin').execute()
  assert.match(row?.pin ?? '', /^\$2b\$10\$.{22}[0-9a-f]{64}$/)
})

test('several people take turns, each behind the own PIN', async (t) => {
  const { desk } = await cast(t)
  await desk.enter('bob')
  await desk.pin('4071')
  await desk.ask('/lock', {})
  assert.equal((await desk.ask('/sign-in?other=yes')).status, 200)
  await desk.enter('eve')
  await desk.pin('5802')
  assert.equal(await desk.text('/chats'), 'Chats of eve')
  await desk.ask('/lock', {})
  assert.deepEqual([...(await desk.people()).keys()].toSorted(), ['bob', 'eve'])
  assert.equal((await desk.open('bob', '5802')).status, 422)
  assert.equal((await desk.open('bob', '4071')).status, 303)
  assert.equal(await desk.text('/chats'), 'Chats of bob')
  await desk.ask('/lock', {})
  await desk.open('eve', '5802')
  assert.equal(await desk.text('/chats'), 'Chats of eve')
})

test('who signs in while somebody is still in locks that person out of sight', async (t) => {
  const { north, desk } = await cast(t)
  await desk.enter('bob')
  await desk.pin()
  const cookieBefore = (await north.store.read.selectFrom('sign_in').select('id').execute()).length
  await desk.enter('eve')
  assert.equal(cookieBefore, 1)
  assert.equal(await desk.text('/chats'), 'Chats of eve')
  await desk.ask('/lock', {})
  assert.equal((await desk.open('bob')).status, 303)
})

test('at most eight people wait on one terminal: the longest gone is signed out', async (t) => {
  const { north, ada, desk } = await cast(t)
  for (let i = 0; i <= PEOPLE_PER_TERMINAL_MAX; i++) {
    await north.people.add(ada, { login: `p${i}` })
    await desk.enter(`p${i}`)
    await desk.ask('/lock', {})
  }
  const names = [...(await desk.people()).keys()]
  assert.equal(names.length, PEOPLE_PER_TERMINAL_MAX)
  assert.ok(!names.includes('p0'))
  const rows = await north.store.read.selectFrom('sign_in').select('id').execute()
  assert.equal(rows.length, PEOPLE_PER_TERMINAL_MAX)
})

test('signing somebody out on the page of locked people leaves the others', async (t) => {
  const { desk } = await cast(t)
  await desk.enter('bob')
  await desk.enter('eve')
  await desk.ask('/lock', {})
  const who = (await desk.people()).get('eve') ?? ''
  await desk.ask('/lock/leave', { who })
  assert.deepEqual([...(await desk.people()).keys()], ['bob'])
})

test('nobody opens a sign-in whose token the browser does not have', async (t) => {
  const { north, desk } = await cast(t)
  await desk.enter('bob')
  await desk.pin()
  await desk.ask('/lock', {})
  const who = (await desk.people()).get('bob') ?? ''
  const stranger = terminal(north)
  assert.equal((await stranger.ask('/lock/open', { who, secret: PIN })).to, '/lock')
  assert.equal((await stranger.ask('/chats')).to, '/sign-in')
})

test('a server that starts anew finds the terminal locked', async (t) => {
  const { north, desk } = await cast(t)
  await desk.enter('bob')
  const token = (await north.enter('bob')).token
  const again = createSignIns(north.deps)
  const rows = await north.store.read.selectFrom('sign_in').select('shared').execute()
  assert.deepEqual(rows.map(({ shared }) => shared).toSorted(), [0, 1])
  assert.ok(await again.signInOf(token), 'an own computer stays signed in')
  assert.equal((await desk.ask('/chats')).status, 200)
  const known = (
    await north.store.read.selectFrom('sign_in').where('shared', '=', 1).selectAll().execute()
  )[0]
  assert.ok(known)
  assert.equal(again.terminals.isOpen(known.id, true), false)
})

test('locking tells whose streams have to end, also when nobody asks for anything', async (t) => {
  const { north, desk, advance } = await cast(t)
  const locked: string[] = []
  north.signIns.terminals.onLocked(({ signIn }) => void locked.push(signIn))
  await desk.enter('bob')
  advance(5 * MINUTE - SECOND)
  north.signIns.terminals.lockIdle()
  assert.equal(locked.length, 0)
  advance(SECOND)
  north.signIns.terminals.lockIdle()
  assert.equal(locked.length, 1)
})

test('a page of a shared terminal leads to the lock by itself, without a script', async (t) => {
  const { north, desk } = await cast(t)
  await desk.enter('bob')
  assert.match(await desk.text('/profile'), /http-equiv="refresh" content="301;url=\/lock"/)
  const { token } = await north.enter('eve')
  assert.doesNotMatch(await (await north.get('/profile', token)).text(), /http-equiv="refresh"/)
})

test('ranges of addresses are read strictly, and IPv4 callers are known at IPv6 sockets', () => {
  const isShared = addressRanges('10.1.7.0/24, 10.1.8.15,fd00::/64')
  assert.ok(isShared)
  const asked = ['10.1.7.200', '::ffff:10.1.7.9', '10.1.8.15', 'fd00::5']
  for (const address of asked) assert.equal(isShared(address), true, address)
  for (const address of ['10.1.8.16', '10.2.7.1', '::1', '', 'x']) {
    assert.equal(isShared(address), false, address)
  }
  for (const bad of ['', '10.1.7', '10.1.7.0/33', '10.1.7.0/', 'a/8', '10.0.0.0/8/8', '::/129']) {
    assert.equal(addressRanges(bad), undefined, bad)
  }
})
