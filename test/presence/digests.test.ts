/** Who is here, told to other branches: what is lost heals, and no line carries more than its share. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UserId } from '../../src/base/ids.ts'
import { MINUTE, SECOND } from '../../src/base/units.ts'
import { Rolls } from '../../src/presence/rolls.ts'
import { DIGEST_SIGNAL, PRESENCE_SIGNAL } from '../../src/presence/signals.ts'
import { temporaryStore } from '../db/store.ts'
import { branchId, kbitPerSecond, personId, twoOffices } from './offices.ts'

/** What one line may cost, both ways together (docs/benchmarks.md). */
const KBIT_MAX = 20
/** One interval of digests, the sweeps before and after it, and the answer. */
const HEALED_SECONDS = 20

const offices = (t: TestContext, people: number, older = false) =>
  twoOffices({ people, older, storeOf: () => temporaryStore(t) })

test('who comes and goes is seen at the other branch within two sweeps', async (t) => {
  const { here, there, link, pass, online } = await offices(t, 40)
  await link()
  const close = here.people.map((user) => here.presence.streamOpened(user))
  await pass(3)
  assert.equal(online(there, here.people).length, 40)
  for (const one of close) one()
  await pass(16)
  assert.equal(online(there, here.people).length, 0)
})

test('somebody who comes while nothing else happens is seen at once, and a crowd in few signals', async (t) => {
  const { here, there, link, pass, online, wire, settle } = await offices(t, 60)
  await link()
  await pass(10)
  wire.signals.length = 0
  const [first, ...others] = here.people as [UserId, ...UserId[]]
  here.presence.streamOpened(first)
  await settle()
  assert.deepEqual(online(there, here.people), [first])
  for (const user of others) {
    here.presence.streamOpened(user)
    await settle()
  }
  await pass(3)
  assert.equal(online(there, here.people).length, 60)
  assert.equal(wire.signals.filter((kind) => kind === PRESENCE_SIGNAL).length, 4)
})

test('a change that was lost heals within one interval, with the time of the last sight', async (t) => {
  const { here, there, link, pass, online, wire } = await offices(t, 200)
  const close = here.people.map((user) => here.presence.streamOpened(user))
  await link()
  await pass(40)
  assert.equal(online(there, here.people).length, 200)
  wire.loses = ({ kind }) => kind === PRESENCE_SIGNAL
  const [left, came] = [here.people.slice(0, 3), there.people.slice(0, 2)]
  for (const one of close.slice(0, 3)) one()
  for (const user of came) there.presence.streamOpened(user)
  await pass(12)
  wire.loses = () => false
  await pass(HEALED_SECONDS)
  assert.deepEqual(online(there, left), [])
  assert.deepEqual(online(here, there.people), came)
  const [first] = left as [UserId]
  assert.deepEqual(there.presence.stateOf(first), here.presence.stateOf(first))
})

test('what a line loses whole, digests and answers too, is told again', async (t) => {
  const { here, there, link, pass, online, wire } = await offices(t, 100)
  for (const user of here.people) here.presence.streamOpened(user)
  await pass(3)
  wire.loses = () => true
  await link()
  await pass(30)
  assert.equal(online(there, here.people).length, 0)
  wire.loses = () => false
  await pass(HEALED_SECONDS + 15)
  assert.equal(online(there, here.people).length, 100)
})

test('a line that comes back costs a digest when nothing has changed, and shows all at once', async (t) => {
  const { here, there, link, cut, pass, online, wire } = await offices(t, 500)
  for (const office of [here, there]) {
    for (const user of office.people) office.presence.streamOpened(user)
  }
  await link()
  await pass(60)
  await cut()
  assert.deepEqual(online(there, here.people), [])
  assert.equal(there.presence.stateOf(here.people[0] as UserId).asOf, 1)
  await pass(10)
  wire.bytes = 0
  await link()
  assert.equal(online(there, here.people).length, 500)
  assert.ok(wire.bytes < 200, `${wire.bytes} bytes`)
})

test('who left while the line was down is not shown as here when it is back', async (t) => {
  const { here, there, link, cut, pass, online } = await offices(t, 100)
  const close = here.people.map((user) => here.presence.streamOpened(user))
  await link()
  await pass(40)
  await cut()
  for (const one of close.slice(0, 50)) one()
  await pass(30)
  await link()
  await pass(4)
  assert.deepEqual(online(there, here.people), here.people.slice(50))
})

test('after a start of one side nobody is stuck online, and all are found again', async (t) => {
  const { here, there, link, cut, pass, online, restart } = await offices(t, 100)
  for (const user of here.people) here.presence.streamOpened(user)
  await link()
  await pass(40)
  await cut()
  const again = await restart(0)
  again.presence.touched(personId(0))
  await link()
  await pass(4)
  assert.deepEqual(online(there, again.people), [personId(0)])
  await cut()
  const other = await restart(1)
  await link()
  await pass(4)
  assert.deepEqual(online(other, again.people), [personId(0)])
})

test('a line of large branches that flaps every 30 s stays within its share', async (t) => {
  const { here, there, link, cut, pass, wire } = await offices(t, 2000)
  for (const office of [here, there]) {
    for (const user of office.people) office.presence.streamOpened(user)
  }
  for (let n = 0; n < 6; n++) {
    const before = wire.bytes
    for (const half of [0, 1]) {
      await link()
      await pass(20)
      await cut()
      await pass(half + 9)
    }
    const kbit = kbitPerSecond(wire.bytes - before, MINUTE)
    assert.ok(kbit < KBIT_MAX, `${kbit} kbit/s in minute ${n}`)
    if (n > 2) assert.ok(kbit < 1, `${kbit} kbit/s although all is known by minute ${n}`)
  }
})

test('when 2,000 people come and go all at once, again and again, a line stays within its share', async (t) => {
  const { here, there, link, pass, online, wire } = await offices(t, 2000)
  await link()
  await pass(60)
  wire.bytes = 0
  for (let n = 0; n < 3; n++) {
    const close = here.people.map((user) => here.presence.streamOpened(user))
    await pass(20)
    for (const one of close) one()
    await pass(20)
  }
  for (const user of here.people) here.presence.streamOpened(user)
  const kbit = kbitPerSecond(wire.bytes, 2 * MINUTE)
  assert.ok(kbit < KBIT_MAX / 2, `${kbit} kbit/s one way`)
  await pass(180)
  assert.equal(online(there, here.people).length, 2000)
})

test('a branch of an older release hears and is heard, without digests', async (t) => {
  const { here, there, link, cut, pass, online } = await offices(t, 100, true)
  for (const user of here.people) here.presence.streamOpened(user)
  await link()
  await pass(16)
  assert.equal(online(there, here.people).length, 100)
  there.presence.touched(there.people[0] as UserId)
  await pass(4)
  assert.deepEqual(online(here, there.people), there.people.slice(0, 1))
  await cut()
  assert.deepEqual(online(here, there.people), [])
})

test('a branch that names people without end fills no memory', () => {
  const rolls = new Rolls()
  const branch = branchId(1)
  for (let n = 0; n < 5000; n++) {
    rolls.put(branch, { user: personId(n), isOnline: true, isBelieved: false })
  }
  const everybody = { after: '0'.repeat(32) as UserId, last: 'f'.repeat(32) as UserId, users: [] }
  const kept = rolls.missingFrom(branch, everybody)
  assert.equal(kept.length, 1000)
  for (const user of kept) rolls.put(branch, { user, isOnline: false, isBelieved: false })
  rolls.put(branch, { user: personId(6000), isOnline: true, isBelieved: false })
  assert.deepEqual(rolls.missingFrom(branch, everybody), [personId(6000)])
  assert.deepEqual(rolls.believed(branch), [])
})

test('people a branch may not speak of are counted, so that it is not asked for ever, and not shown', async (t) => {
  const { here, there, link, pass, online, wire } = await offices(t, 10)
  const guest = there.people[0] as UserId
  const stranger = personId(999)
  for (const user of [...here.people, guest, stranger]) here.presence.streamOpened(user)
  await link()
  await pass(40)
  assert.deepEqual(online(there, [...here.people, guest, stranger]), here.people)
  wire.signals.length = 0
  await pass(60)
  assert.deepEqual(new Set(wire.signals), new Set([DIGEST_SIGNAL]))
  assert.ok(wire.signals.length <= 2 * Math.ceil((60 * SECOND) / (15 * SECOND)))
})
