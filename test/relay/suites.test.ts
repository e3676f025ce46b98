/**
 * Which suite a link gets: the stronger one where both have it, the first one with a release before, and never the
 * first one again with a branch that has shown the stronger, whatever somebody does on the way.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { HOUR, MINUTE } from '../../src/base/units.ts'
import { acceptJoin, joinOrganisation } from '../../src/relay/joiner.ts'
import type { SpokenSuites } from '../../src/relay/peer-suites.ts'
import { spokenSuites } from '../../src/relay/peer-suites.ts'
import type { LinkState } from '../../src/relay/states.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder } from '../db/store.ts'
import { keptLog } from '../eventlog/fixture.ts'
import type { OnWay, Wire } from '../support/transport.ts'
import {
  isLinked,
  memoryKeys,
  type Office,
  type OfficeOptions,
  openOffice,
  organisation,
  PORT,
  twoOffices,
} from './company.ts'

const BOTH: SpokenSuites = { least: 1, strongest: 2 }
/** The release before: it knows the first suite alone. */
const BEFORE: SpokenSuites = { least: 1, strongest: 1 }
const SECOND_ONLY: SpokenSuites = { least: 2, strongest: 2 }

const MAGIC = '42524c31'
/** The suite byte, where the bytes are a preface. */
const suiteIn = (bytes: Uint8Array) =>
  bytes.subarray(0, 4).toHex() === MAGIC ? bytes[5] : undefined

/** Kyiv, which answers, and Lviv, which calls; what each speaks, and somebody between them. */
async function company(t: TestContext, spoken: { kyiv?: SpokenSuites; lviv?: SpokenSuites } = {}) {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const calls: number[] = []
  const between: { onWay: OnWay } = { onWay: (bytes) => bytes }
  org.network.onWay = (bytes, wire) => {
    const suite = suiteIn(bytes)
    if (suite !== undefined) calls.push(suite)
    return between.onWay(bytes, wire)
  }
  const open = async (options: OfficeOptions) => {
    const office = await openOffice(options)
    t.after(() => office.stop())
    await office.relay.start()
    return office
  }
  const kyiv = await open({ ...kyivOptions, suites: spoken.kyiv ?? BOTH })
  const lviv = await open({ ...lvivOptions, suites: spoken.lviv ?? BOTH })
  /** The same branch after a restart with another release. */
  const again = async (office: Office, options: OfficeOptions, suites: SpokenSuites) => {
    await office.stop()
    return await open({ ...options, files: office.files, suites })
  }
  const pass = async (ms: number) => {
    const end = org.clock.now() + ms
    await org.until(() => org.clock.now() >= end, 'time passes', 500)
  }
  return { org, kyiv, lviv, kyivOptions, lvivOptions, calls, between, again, pass, open }
}

const linkOf = (at: Office, to: Office): LinkState | undefined =>
  at.relay.links().find(({ branch }) => branch === to.keys.branch)
const areLinked = (a: Office, b: Office) => () => isLinked(a, b) && isLinked(b, a)
const suitesOfLink = (a: Office, b: Office) => [linkOf(a, b)?.suite, linkOf(b, a)?.suite]
const remembered = async ({ store }: Office) =>
  (await store.read.selectFrom('peer_suite').select(['branchId', 'suite']).execute()).map(
    ({ branchId, suite }) => `${branchId} ${suite}`,
  )
const logged = ({ lines }: Office, name: string) => lines.filter((line) => line.name === name)

test('two branches that both have it open their first link with suite 2, and remember that', async (t) => {
  const { org, kyiv, lviv, calls } = await company(t)
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  assert.deepEqual(suitesOfLink(kyiv, lviv), [2, 2])
  assert.deepEqual(new Set(calls), new Set([2]))
  assert.equal(logged(lviv, 'relay.link.opened')[0]?.fields.suite, 2)
  await org.until(async () => (await remembered(lviv)).length === 1, 'Lviv wrote it down')
  assert.deepEqual(await remembered(lviv), [`${kyiv.keys.branch} 2`])
  assert.deepEqual(await remembered(kyiv), [`${lviv.keys.branch} 2`])
})

for (const [who, spoken] of [
  ['answers', { kyiv: BEFORE }],
  ['calls', { lviv: BEFORE }],
] as const) {
  test(`a branch of the release before that ${who} is linked with suite 1`, async (t) => {
    const { org, kyiv, lviv, calls } = await company(t, spoken)
    await org.until(areLinked(kyiv, lviv), 'they are linked')
    assert.deepEqual(suitesOfLink(kyiv, lviv), [1, 1])
    assert.equal(logged(kyiv, 'relay.link.closed').length, 0)
    // One call more, and no waiting: silence is answered by the weaker call at once.
    assert.deepEqual(calls, who === 'answers' ? [2, 1] : [1])
    await kyiv.post('good morning', lviv)
    await org.until(() => lviv.texts().length === 1, 'mail arrives')
    assert.deepEqual(await remembered(who === 'answers' ? lviv : kyiv), [])
  })
}

test('after the other branch was upgraded the next link has suite 2, and every later one', async (t) => {
  const { org, kyiv, lviv, kyivOptions, calls, again } = await company(t, { kyiv: BEFORE })
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  calls.length = 0
  const upgraded = await again(kyiv, kyivOptions, BOTH)
  await org.until(areLinked(upgraded, lviv), 'they are linked again')
  assert.deepEqual(suitesOfLink(upgraded, lviv), [2, 2])
  assert.deepEqual(new Set(calls), new Set([2]))
})

/** Cuts every line on which a call of suite 2 begins, as a door that does not know it does. */
const cutting = (): OnWay => (bytes) => (suiteIn(bytes) === 2 ? undefined : bytes)

/** Lets such lines stand and brings nothing through. */
function swallowing(): OnWay {
  const dead = new WeakSet<Wire>()
  return (bytes, wire) => {
    if (suiteIn(bytes) === 2) dead.add(wire)
    return dead.has(wire) ? new Uint8Array(0) : bytes
  }
}

for (const [how, attack] of [
  ['cuts', cutting],
  ['swallows', swallowing],
] as const) {
  test(`somebody ${how} calls of suite 2 at the first meeting: no mail crosses, no link lives`, async (t) => {
    const { org, kyiv, lviv, calls, between, pass } = await company(t)
    await kyiv.relay.stop()
    await lviv.relay.stop()
    calls.length = 0
    between.onWay = attack()
    await kyiv.post('for Lviv alone', lviv)
    await kyiv.relay.start()
    await lviv.relay.start()
    await org.until(async () => (await remembered(lviv)).length > 0, 'Lviv knows better', 200)
    // The first was silence, the second told the truth inside; from then on there is no other.
    assert.deepEqual(calls.slice(0, 2), [2, 1])
    assert.deepEqual(await remembered(kyiv), [`${lviv.keys.branch} 2`])
    assert.equal(logged(lviv, 'relay.link.opened').length, 0)
    calls.length = 0
    await pass(5 * MINUTE)
    assert.ok(calls.length > 3 && calls.every((suite) => suite === 2), calls.join())
    assert.deepEqual(lviv.texts(), [])
    assert.ok(!isLinked(kyiv, lviv) && !isLinked(lviv, kyiv))
    between.onWay = (bytes) => bytes
    await org.until(areLinked(kyiv, lviv), 'they are linked', 500)
    assert.deepEqual(suitesOfLink(kyiv, lviv), [2, 2])
    await org.until(() => lviv.texts().length === 1, 'mail arrives')
  })
}

test('at a new address of a branch that has shown suite 2 a call of suite 1 ends before we say who we are', async (t) => {
  const { org, kyiv, lviv, lvivOptions, calls, between, pass, open } = await company(t)
  await org.until(async () => (await remembered(lviv)).length === 1, 'Lviv knows')
  await lviv.stop()
  // Whoever stands there lets suite 1 through to Kyiv and swallows suite 2.
  between.onWay = (bytes) => (suiteIn(bytes) === 2 ? undefined : bytes)
  const door = org.network.door('10.0.0.2')
  const network = { ...door, dial: () => door.dial({ host: '10.0.0.1', port: PORT }, 0) }
  const { files } = lviv
  const moved = await open({ ...lvivOptions, files, network, peers: [`10.0.0.7:${PORT}`] })
  calls.length = 0
  await pass(3 * MINUTE)
  assert.ok(calls.includes(1) && calls.includes(2), calls.join())
  assert.ok(!isLinked(moved, kyiv))
  assert.equal(logged(moved, 'relay.link.closed').length, 0)
  assert.equal(logged(kyiv, 'relay.suite.refused').length, 0, 'no message 3 ever came')
})

test('a branch that has shown suite 2 is never called with suite 1 again, also after a restart', async (t) => {
  const { org, kyiv, lviv, lvivOptions, calls, between, again, pass } = await company(t)
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  await org.until(async () => (await remembered(lviv)).length === 1, 'Lviv wrote it down')
  const restarted = await again(lviv, lvivOptions, BOTH)
  between.onWay = (bytes) => (suiteIn(bytes) === 2 ? undefined : bytes)
  org.network.cutAll()
  calls.length = 0
  await pass(10 * MINUTE)
  assert.ok(calls.length > 8, `${calls.length} calls`)
  assert.deepEqual(new Set(calls), new Set([2]))
  assert.ok(!isLinked(restarted, kyiv))
})

test('a suite byte that is changed on the way makes silence, in both directions', async (t) => {
  const { org, kyiv, lviv, between, pass } = await company(t)
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  for (const to of [1, 3]) {
    between.onWay = (bytes) => (suiteIn(bytes) === 2 ? bytes.with(5, to) : bytes)
    org.network.cutAll()
    await org.until(() => !areLinked(kyiv, lviv)(), 'the old link is gone')
    await pass(3 * MINUTE)
    assert.ok(!isLinked(kyiv, lviv) && !isLinked(lviv, kyiv), `changed to ${to}`)
  }
  between.onWay = (bytes) => bytes
  await org.until(areLinked(kyiv, lviv), 'they are linked again', 500)
})

test('a suite byte raised from 1 to 2 makes silence too', async (t) => {
  const { org, kyiv, lviv, calls, between, pass } = await company(t, { lviv: BEFORE })
  between.onWay = (bytes) => (suiteIn(bytes) === 1 ? bytes.with(5, 2) : bytes)
  org.network.cutAll()
  await pass(3 * MINUTE)
  assert.ok(calls.includes(1) && !isLinked(kyiv, lviv))
})

test('a branch that went back to the release before is refused, until an operator says a word', async (t) => {
  const { org, kyiv, lviv, lvivOptions, again, pass } = await company(t)
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  const older = await again(lviv, lvivOptions, BEFORE)
  await older.store.writer.write((tx) => tx.deleteFrom('peer_suite').execute())
  await pass(3 * MINUTE)
  assert.ok(!isLinked(kyiv, older) && !isLinked(older, kyiv))
  const [refused] = logged(kyiv, 'relay.suite.refused')
  assert.equal(refused?.fields.peer, lviv.keys.branch)
  await kyiv.relay.forgetSuite(lviv.keys.branch)
  await org.until(areLinked(kyiv, older), 'they are linked', 500)
  assert.deepEqual(suitesOfLink(kyiv, older), [1, 1])
  assert.deepEqual(await remembered(kyiv), [])
})

test('with --min-suite 2 a branch neither calls with suite 1 nor answers it', async (t) => {
  const strictCaller = await company(t, { kyiv: BEFORE, lviv: SECOND_ONLY })
  await strictCaller.pass(3 * MINUTE)
  assert.ok(strictCaller.calls.length > 3)
  // Kyiv knows no address of Lviv before the first link, so all these calls are Lviv's.
  assert.deepEqual(new Set(strictCaller.calls), new Set([2]))
  assert.ok(!isLinked(strictCaller.lviv, strictCaller.kyiv))

  const strictAnswer = await company(t, { kyiv: SECOND_ONLY, lviv: BEFORE })
  await strictAnswer.pass(3 * MINUTE)
  assert.ok(strictAnswer.calls.includes(1))
  assert.ok(!isLinked(strictAnswer.lviv, strictAnswer.kyiv))
  const [strangers] = logged(strictAnswer.kyiv, 'relay.strangers')
  assert.deepEqual(strangers?.fields.count, { 'suite-refused': 1 })
  assert.equal(logged(strictAnswer.kyiv, 'relay.suite.refused').length, 0, 'at the preface')

  const both = await company(t, { kyiv: SECOND_ONLY })
  await both.org.until(areLinked(both.kyiv, both.lviv), 'who has it is linked')
})

test('a Node without ML-KEM speaks suite 1, and --min-suite 2 is refused there in words', () => {
  assert.deepEqual(spokenSuites(1, 1), BEFORE)
  assert.throws(() => spokenSuites(2, 1), /--min-suite 2 needs ML-KEM-768/)
  assert.deepEqual(spokenSuites(1), BOTH, 'this Node has it')
  assert.deepEqual(spokenSuites(2), SECOND_ONLY)
})

/** Joins Kyiv with one line, as a branch of this release or before. */
async function joining(t: TestContext, spoken: { kyiv: SpokenSuites; lviv: SpokenSuites }) {
  const org = organisation()
  const folder = temporaryFolder(t)
  const calls: number[] = []
  org.network.onWay = (bytes) => {
    const suite = suiteIn(bytes)
    if (suite !== undefined) calls.push(suite)
    return bytes
  }
  const kyiv = await openOffice({
    ...{ org, host: '10.0.0.1', folder, member: org.founder, knows: [] },
    ...{ issuer: org.issuer, suites: spoken.kyiv },
  })
  t.after(() => kyiv.stop())
  await kyiv.relay.start()
  const wish = { branchName: 'Lviv', createdBy: undefined, validMs: HOUR }
  const { line } = await kyiv.relay.createInvitation(wish)
  const files = memoryKeys()
  const doors = { clock: org.clock, random: realRandom(), log: keptLog() }
  const join = joinOrganisation(
    { ...doors, keys: files, network: org.network.door('10.0.0.2'), suites: spoken.lviv },
    { line, addresses: [`10.0.0.2:${PORT}`] },
  )
  const outcome = { isOver: false }
  const over = () => {
    outcome.isOver = true
  }
  join.then(over, over)
  await org.until(() => outcome.isOver, 'joining ends')
  return { org, folder, kyiv, join, files, calls }
}

test('joining takes suite 2 where both have it, and remembers nothing before the first link', async (t) => {
  const { org, folder, kyiv, join, files, calls } = await joining(t, { kyiv: BOTH, lviv: BOTH })
  const admission = await join
  assert.deepEqual(calls, [2])
  assert.deepEqual(await remembered(kyiv), [])
  const lviv = await openOffice({
    ...{ org, host: '10.0.0.2', folder, files, knows: [], linkKey: admission.joined.linkKey },
    member: { keys: admission.keys, chain: admission.joined },
  })
  t.after(() => lviv.stop())
  await lviv.store.writer.write((tx) => acceptJoin(tx, admission))
  await lviv.relay.start()
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  assert.deepEqual(suitesOfLink(kyiv, lviv), [2, 2])
})

test('joining through a branch of the release before takes suite 1, at once', async (t) => {
  const { join, calls } = await joining(t, { kyiv: BEFORE, lviv: BOTH })
  assert.equal((await join).joined.identity.name, 'Lviv')
  assert.deepEqual(calls, [2, 1])
})

test('a new branch of the release before joins a branch of this one', async (t) => {
  const { join, calls } = await joining(t, { kyiv: BOTH, lviv: BEFORE })
  assert.equal((await join).joined.identity.name, 'Lviv')
  assert.deepEqual(calls, [1])
})

for (const [who, spoken] of [
  ['invites', { kyiv: SECOND_ONLY, lviv: BEFORE }],
  ['joins', { kyiv: BEFORE, lviv: SECOND_ONLY }],
] as const) {
  test(`with --min-suite 2 at who ${who} a branch of the release before gets nowhere`, async (t) => {
    const { join, calls } = await joining(t, spoken)
    await assert.rejects(join, /does not answer/)
    assert.equal(calls.length, 1)
  })
}

test('a certificate that ran out is renewed through a branch of the release before', async (t) => {
  const { org, kyiv, lviv, calls } = await company(t, { kyiv: BEFORE })
  await org.until(areLinked(kyiv, lviv), 'they are linked')
  await lviv.relay.stop()
  for (let days = 0; days < 14; days++) {
    org.advance(24 * HOUR)
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  calls.length = 0
  await lviv.relay.start()
  await org.until(areLinked(kyiv, lviv), 'they are linked again', 200)
  assert.equal(logged(lviv, 'relay.renewal.done').length, 1)
  // RENEW and then the link, each tried with the stronger suite first.
  assert.deepEqual(calls.slice(0, 4), [2, 1, 2, 1])
})
