/** A password that was changed at home a moment ago: the home branch is asked once before a guest is turned away. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTemporaryPassword } from '../../src/accounts/actions.ts'
import { connectHomeAsking } from '../../src/accounts/home-asking.ts'
import { NEWS_SIGNAL, NEWS_WANTED_SIGNAL } from '../../src/accounts/home-signals.ts'
import type { BranchId } from '../../src/base/ids.ts'
import { SECOND } from '../../src/base/units.ts'
import { realRandom } from '../../src/world/random.ts'
import { exchange, handClock, keptLog, keysOf } from '../eventlog/fixture.ts'
import { type Office, office, PASSWORD } from './office.ts'

const NEW = 'marble kettle 42'

type Wired = { kind: number; body: Uint8Array; key: string; ttl: number }

/** Two offices with a line for signals; records go over when the test says so. */
async function offices(t: TestContext) {
  const [northKeys, southKeys] = [keysOf('North'), keysOf('South')]
  const time = handClock()
  const shared = { issuer: northKeys, time }
  const north = await office(t, { keys: northKeys, knows: [southKeys], ...shared })
  const south = await office(t, { keys: southKeys, knows: [northKeys], ...shared })
  const ears = new Map<BranchId, (branch: BranchId, signal: Wired) => void>()
  const line = { isUp: true, answers: true, sent: [] as { kind: number; body: Uint8Array }[] }
  const connect = (one: Office) => {
    const self = one.keys.id
    const send = (to: BranchId, signal: Wired) => {
      if (!line.isUp) return false
      line.sent.push({ kind: signal.kind, body: signal.body })
      if (line.answers || signal.kind !== NEWS_SIGNAL) ears.get(to)?.(self, signal)
      return true
    }
    const untie = connectHomeAsking({
      ...{ store: one.store, eventLog: one.branch.log, signIns: one.signIns, self },
      ...{ clock: time.clock, random: realRandom(), log: keptLog() },
      relay: {
        sendSignal: send,
        onSignal: (fn) => {
          ears.set(self, fn)
          return () => void ears.delete(self)
        },
      },
    })
    t.after(untie)
  }
  connect(north)
  connect(south)
  await north.people.found('ada', 'organisation-admin')
  const eva = await north.people.add(undefined, { login: 'eva' })
  const records = () => exchange(north.branch, south.branch)
  await records()
  const questions = () => line.sent.filter(({ kind }) => kind === NEWS_WANTED_SIGNAL).length
  return { north, south, eva, line, ears, records, questions, ...time }
}

/** Whether something has ended after the work at hand. */
async function hasEnded(work: Promise<unknown>): Promise<boolean> {
  let isOver = false
  void work.finally(() => {
    isOver = true
  })
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve))
  return isOver
}

test('a new password serves at a branch that had not heard of it when it was typed', async (t) => {
  const { north, south, eva, records, questions } = await offices(t)
  await setTemporaryPassword(north.deps, undefined, { id: eva.id, password: NEW, temporary: false })
  const entering = south.enter('eva', NEW)
  assert.equal(await hasEnded(entering), false, 'the answer waits for what home says it has')
  await records()
  const { answer } = await entering
  assert.equal(answer.status, 303)
  assert.equal(questions(), 1)
})

test('no password and nothing of one is in what is asked', async (t) => {
  const { south, line } = await offices(t)
  await south.enter('eva', 'wrong and long enough')
  const [first] = line.sent
  assert.equal(first?.body.length, 32, 'the number of the question and the person')
})

test('somebody hired a moment ago is let in by login@branch', async (t) => {
  const { north, south, records } = await offices(t)
  await north.people.add(undefined, { login: 'new' })
  const entering = south.enter('new@north')
  assert.equal(await hasEnded(entering), false)
  await records()
  assert.equal((await entering).answer.status, 303)
})

test('a password that is simply wrong is called wrong when home has nothing newer, hashed once', async (t) => {
  const { south, questions } = await offices(t)
  const before = south.hasher.calls.length
  const { answer } = await south.enter('eva', 'wrong and long enough')
  assert.equal(answer.status, 422)
  assert.equal(questions(), 1)
  assert.equal(south.hasher.calls.length, before + 1)
})

test('nobody waits for a branch that does not answer, or is not there', async (t) => {
  const { south, line, advance } = await offices(t)
  line.answers = false
  const entering = south.enter('eva', 'wrong and long enough')
  assert.equal(await hasEnded(entering), false)
  advance(3 * SECOND)
  assert.equal((await entering).answer.status, 422)
  advance(20 * SECOND)
  line.isUp = false
  assert.equal((await south.enter('eva', 'wrong and long enough')).answer.status, 422)
})

test('a right password asks nobody', async (t) => {
  const { south, questions } = await offices(t)
  assert.equal((await south.enter('eva', PASSWORD)).answer.status, 303)
  assert.equal(questions(), 0)
})

test('who exists does not show: each failed sign-in asks, waits and hashes alike', async (t) => {
  const { south, line, questions, advance } = await offices(t)
  await south.people.found('olha', 'branch-admin')
  line.answers = false
  for (const login of ['eva', 'olha', 'nobody', 'nobody@north', 'nobody@nowhere']) {
    const [asked, hashed] = [questions(), south.hasher.calls.length]
    const entering = south.enter(login, 'wrong and long enough')
    assert.equal(await hasEnded(entering), false, login)
    advance(3 * SECOND)
    assert.equal((await entering).answer.status, 422, login)
    assert.equal(questions() - asked, 1, login)
    assert.equal(south.hasher.calls.length - hashed, 1, login)
  }
})

/** Tries wrong passwords, each from an address of its own. */
const triesOf = (south: Office) => (login: string, n: number) =>
  south.signIns
    .signIn({ login, password: 'wrong', device: '', kind: 'api', address: `10.0.${n >> 8}.${n}` })
    .catch(() => {})

test('a thousand wrong passwords in a second are one question, and from many logins twenty', async (t) => {
  const { south, questions } = await offices(t)
  const from = triesOf(south)
  await Promise.all(Array.from({ length: 1000 }, (_, n) => from('eva', n)))
  assert.equal(questions(), 1)
  await Promise.all(Array.from({ length: 100 }, (_, n) => from(`login${n}`, 2000 + n)))
  assert.equal(questions(), 20, 'no more at once to one branch')
})

test('invented logins leave questions to who was there before, and to who comes from a new address', async (t) => {
  const { south, north, eva, records, questions, advance } = await offices(t)
  const from = triesOf(south)
  await south.enter('eva', PASSWORD)
  const flood = async (name: string) => {
    const before = questions()
    await Promise.all(Array.from({ length: 200 }, (_, n) => from(`${name}${n}`, n)))
    return questions() - before
  }
  assert.equal(await flood('nobody'), 20)
  advance(10 * SECOND)
  assert.equal(await flood('nobody-else'), 5, 'from addresses that slipped few are asked')
  await setTemporaryPassword(north.deps, undefined, { id: eva.id, password: NEW, temporary: false })
  const before = questions()
  const other = from('lev@north', 3000)
  assert.equal(await hasEnded(other), false)
  assert.equal(questions() - before, 1, 'a new address')
  const entering = south.enter('eva', NEW)
  assert.equal(await hasEnded(entering), false, 'the desk of before')
  await records()
  assert.equal((await entering).answer.status, 303)
  await other
})

test('an answer of a branch that was not asked counts for nothing', async (t) => {
  const { south, line, ears, north } = await offices(t)
  line.answers = false
  const entering = south.enter('eva', 'wrong and long enough')
  await hasEnded(entering)
  const question = line.sent[0]?.body.slice(0, 16) ?? new Uint8Array(16)
  const news = new Uint8Array([...question, ...new Uint8Array(40)])
  const heard = (branch: BranchId) =>
    ears.get(south.keys.id)?.(branch, { kind: NEWS_SIGNAL, body: news, key: '', ttl: 3 })
  heard(keysOf('West').id)
  assert.equal(await hasEnded(entering), false)
  heard(north.keys.id)
  assert.equal((await entering).answer.status, 422)
})
