/** What people say of themselves: at every branch, after a restart, until its time is up, and in nobody else's name. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UserId } from '../../src/base/ids.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/base/units.ts'
import { type UserStatus, userStatus } from '../../src/presence/status-events.ts'
import { createStatuses, type Status } from '../../src/presence/statuses.ts'
import { type Office, PASSWORD, twoOffices } from '../accounts/office.ts'
import { castle } from '../attacks/castle.ts'
import { handClock, keptLog } from '../web/support.ts'

const MEETING: Status = { text: 'In a meeting', doNotDisturb: true, until: undefined }

async function statusesOf(office: Office, clock = handClock(office.deps.clock.now())) {
  const { store, branch } = office
  const statuses = createStatuses({ store, append: branch.log.append, clock, log: keptLog([]) })
  branch.log.onCommitted(statuses.committed)
  const told: UserId[][] = []
  statuses.onChanged((users) => void told.push(users))
  await statuses.start()
  return { statuses, clock, told }
}

async function cast(t: TestContext) {
  const two = await twoOffices(t)
  const ada = await two.north.people.found('ada', 'organisation-admin')
  const names = { firstName: 'Bob', lastName: 'Koval' }
  const bob = await two.north.people.add(ada, { login: 'bob', ...names })
  await two.meet()
  const [here, there] = [await statusesOf(two.north), await statusesOf(two.south)]
  return { ...two, bob, here, there }
}

/** What a branch with another program would write. */
const forges = (office: Office, body: UserStatus) =>
  office.store.writer.write((tx) =>
    office.branch.log.append(tx, {
      kind: { ...userStatus, refusal: async () => undefined, apply: async () => {} },
      ...{ body, to: 'all' },
    }),
  )

test('a status is known at every branch and after a start', async (t) => {
  const { north, south, meet, bob, here, there } = await cast(t)
  await here.statuses.set(bob.id, MEETING)
  assert.deepEqual(here.statuses.of(bob.id), MEETING)
  await meet()
  assert.deepEqual(there.statuses.of(bob.id), MEETING)
  assert.deepEqual(there.told, [[bob.id]])
  for (const office of [north, south]) {
    assert.deepEqual((await statusesOf(office)).statuses.of(bob.id), MEETING)
  }
  await here.statuses.set(bob.id, { text: '', doNotDisturb: false })
  await meet()
  assert.equal(there.statuses.of(bob.id), undefined)
})

test('it goes by itself when its time is up, and pages that stand open hear of it', async (t) => {
  const { bob, here } = await cast(t)
  const until = here.clock.now() + HOUR
  await here.statuses.set(bob.id, { ...MEETING, until })
  here.told.length = 0
  here.clock.pass(HOUR - SECOND)
  assert.deepEqual(here.statuses.of(bob.id), { ...MEETING, until })
  here.clock.pass(SECOND)
  assert.equal(here.statuses.of(bob.id), undefined)
  for (let n = 0; n < 3; n++) {
    here.clock.pass(10 * SECOND)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(here.told, [[bob.id]])
})

test('a guest sets it where he is, and the later one holds at all branches', async (t) => {
  const { south, meet, bob, here, there, advance } = await cast(t)
  await here.statuses.set(bob.id, MEETING)
  await meet()
  assert.equal((await south.enter('bob@north')).answer.status, 303)
  advance(MINUTE)
  await there.statuses.set(bob.id, { text: 'In the South', doNotDisturb: false })
  await meet()
  assert.equal(here.statuses.of(bob.id)?.text, 'In the South')
  assert.equal(there.statuses.of(bob.id)?.text, 'In the South')
})

test('a branch says nothing in the name of people who are not there', async (t) => {
  const { north, south, meet, bob, here } = await cast(t)
  await forges(south, { user: bob.id, text: 'I resign', doNotDisturb: false })
  await meet()
  assert.equal(here.statuses.of(bob.id), undefined)
  const parked = await north.store.read
    .selectFrom('event')
    .where('state', '=', 'parked')
    .select('reason')
    .execute()
  assert.deepEqual(parked, [{ reason: 'waits-for-person' }])
})

test('what another program lets through is read as one tidy line, or refused', () => {
  const user = '1a'.repeat(16)
  const parse = (more: object) => userStatus.parse({ user, text: '', doNotDisturb: false, ...more })
  assert.equal(parse({ text: ' a\u202e\u0007b\n c ' }).text, 'a b c')
  assert.throws(() => parse({ text: 'x'.repeat(81) }))
  assert.throws(() => parse({ until: -1 }))
  assert.throws(() => parse({ until: 2 ** 60 }))
})

test('a script that runs wild fills no log, and setting what is set is no event', async (t) => {
  const { north, bob, here } = await cast(t)
  const events = async () => {
    const rows = await north.store.read
      .selectFrom('event')
      .where('kind', '=', userStatus.code)
      .select('position')
      .execute()
    return rows.length
  }
  let refused = 0
  for (let n = 0; n < 100; n++) {
    const status = { text: `Status ${n}`, doNotDisturb: false }
    await here.statuses.set(bob.id, status).catch(() => refused++)
    here.clock.pass(SECOND / 10)
  }
  assert.equal(await events(), 6)
  assert.equal(refused, 94)
  here.clock.pass(DAY)
  await here.statuses.set(bob.id, { text: 'Status 5', doNotDisturb: false })
  assert.equal(await events(), 6)
})

test('a status is set by a form without a script, and read beside the name', async (t) => {
  const at = await castle(t)
  await at.add('bob')
  const [ada, bob] = [await at.browser('ada'), await at.browser('bob', PASSWORD)]
  const script = await at.script('ada')
  const { id } = await script.json<{ id: string }>('POST', '/conversations', {
    ...{ kind: 'direct', with: 'bob' },
  })
  await script.json('POST', `/conversations/${id}/messages`, { body: 'Hello' })
  const status = { text: '<b>Lunch</b>', doNotDisturb: 'yes', end: '60' }
  const answer = await bob.post('/profile/status', status)
  assert.equal(answer.headers.get('location'), '/profile/status?saved=1')
  for (const path of ['/profile', '/profile/status?saved=1', '/chats']) {
    const page = await (await bob.get(path)).text()
    assert.match(
      page,
      /do not disturb until <time [^>]*>[^<]+<\/time> · <\/span><bdi>&lt;b&gt;Lunch/,
      path,
    )
  }
  for (const path of ['/chats', `/chats/${id}`, `/chats/${id}/details`, '/people/add?q=bob']) {
    const page = await (await ada.get(path)).text()
    assert.match(
      page,
      /do not disturb until <time [^>]*>[^<]+<\/time> · <\/span><bdi>&lt;b&gt;Lunch/,
      path,
    )
  }
  const person = await script.json<{ presence: { status: object } }>('GET', '/people/bob')
  const { until, ...rest } = person.presence.status as { until: string }
  assert.deepEqual(rest, { text: '<b>Lunch</b>', doNotDisturb: true })
  assert.ok(Date.parse(until) > at.world.clock.now())
  assert.equal(
    (await bob.post('/profile/status', { text: 'Still there', end: 'keep' })).status,
    303,
  )
  const kept = await script.json<{ presence: { status: object } }>('GET', '/people/bob')
  assert.deepEqual(kept.presence.status, { text: 'Still there', doNotDisturb: false, until })
  assert.equal((await bob.post('/profile/status/clear', {})).status, 303)
  assert.doesNotMatch(await (await ada.get(`/chats/${id}`)).text(), /class="status"/)
})

test('what cannot be a status is told at the form and to programs', async (t) => {
  const at = await castle(t)
  const [ada, script] = [await at.browser('ada'), await at.script('ada')]
  const long = await ada.post('/profile/status', { text: 'x'.repeat(81) })
  assert.equal(long.status, 422)
  assert.match(await long.text(), /At most 80 characters/)
  assert.equal((await ada.post('/profile/status', { end: '31' })).status, 422)
  const asked = async (status: object) => (await script.call('PUT', '/me/status', status)).status
  const now = at.world.clock.now()
  const iso = (ms: number) => new Date(ms).toISOString()
  assert.equal(await asked({ text: 'x', until: iso(now - SECOND) }), 422)
  assert.equal(await asked({ text: 'x', until: iso(now + 400 * DAY) }), 422)
  assert.equal(await asked({ text: 'x', until: 'soon' }), 422)
  assert.equal(await asked({ text: 'x', until: iso(now + DAY) }), 200)
  assert.deepEqual(await script.json('GET', '/me/status'), {
    status: { text: 'x', doNotDisturb: false, until: iso(now + DAY) },
  })
})
