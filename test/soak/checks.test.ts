/** The checks of the soak find what they look for: a soak that cannot fail proves nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, Message } from '../scenarios/servers.ts'
import { chanceOf } from '../sim/chance.ts'
import type { Branch } from './branch.ts'
import { checkHistories, checkStreams, type History, Problems } from './checks.ts'
import { drawTrouble } from './faults.ts'
import { type Chat, Ledger, type Person } from './ledger.ts'
import { memoryOf } from './memory.ts'
import { Follower } from './streams.ts'

const person = (login: string, branch: string): Person => ({
  ...{ login, branch },
  client: {} as Client,
})
const anton = person('anton', 'Kyiv')
const nadia = person('nadia', 'Lviv')
const chat: Chat = { id: 'c', members: [anton, nadia] }

const WRITTEN = ['anton 0: x', 'nadia 0: x', 'anton 1: x']

function ledgerOf(bodies: readonly string[]): Ledger {
  const ledger = new Ledger()
  ledger.know(chat, 'Kyiv')
  for (const body of bodies) {
    const author = body.split(' ')[0] ?? ''
    ledger.messages.set(body, { chat: 'c', author, isAcknowledged: true, tries: 1 })
  }
  return ledger
}

function historyOf(reader: Person, bodies: readonly string[]): History {
  const messages = bodies.map(
    (body, i): Message => ({ id: body, body, author: { login: '' }, position: i }),
  )
  return { chat, reader, messages }
}

function problemsOf(here: readonly string[], there: readonly string[]): string[] {
  const problems = new Problems()
  const read = [historyOf(anton, here), historyOf(nadia, there)]
  checkHistories(problems, ledgerOf(WRITTEN), read)
  return problems.told.map((text) => text.split(':')[0] ?? '')
}

test('two equal histories of all that was acknowledged have no problem', () => {
  assert.deepEqual(problemsOf(WRITTEN, WRITTEN), [])
})

const [first = '', second = '', third = ''] = WRITTEN
const wrong: [what: string, there: readonly string[], found: readonly string[]][] = [
  ['a lost message', [first, third], ['lost', 'order differs']],
  ['a doubled message', [first, second, second, third], ['doubled', 'author out of order']],
  ['another order', [second, first, third], ['order differs']],
  ['an author out of order', [third, second, first], ['author out of order']],
  ['a message nobody wrote', [...WRITTEN, 'anton 2: x'], ['strange']],
]

for (const [what, there, found] of wrong) {
  test(`the checks of a soak find ${what}`, () => {
    const kinds = problemsOf(WRITTEN, there)
    for (const kind of found) assert.ok(kinds.includes(kind), `${kind} is not in ${kinds}`)
  })
}

test('the checks of a soak find what a stream left out or told twice', () => {
  const follower = new Follower(anton, { site: { port: 0 } } as Branch)
  follower.told.set(first, 1).set(second, 2)
  const problems = new Problems()
  checkStreams(problems, [follower], [historyOf(anton, WRITTEN)])
  assert.deepEqual(problems.told, [
    `a stream told twice: "${second}" to anton`,
    `a stream left out: "${third}" to anton`,
  ])
})

/** An hour of a process whose memory grows by so much each minute. */
function lifeGrowing(mibPerMinute: number): Branch {
  const samples = Array.from({ length: 60 }, (_, minute) => ({
    ...{ minute, rssMib: 200 + mibPerMinute * minute + (minute % 3) },
    ...{ descriptors: 50, databaseMib: 1, walMib: 1 },
  }))
  return { name: 'Kyiv', lives: [{ pid: 1, samples, processorSeconds: 1 }] } as unknown as Branch
}

test('memory that stays is flat, and a leak of two megabytes a minute is none', () => {
  const flat = memoryOf(lifeGrowing(0))
  assert.equal(flat.verdict, 'flat')
  assert.ok(Math.abs(flat.slopeMibPerHour) < 5, String(flat.slopeMibPerHour))
  const growing = memoryOf(lifeGrowing(2))
  assert.equal(growing.verdict, 'grows')
  assert.ok(Math.abs(growing.slopeMibPerHour - 120) < 5, String(growing.slopeMibPerHour))
})

test('a seed gives the same troubles, each over before the next', () => {
  const troublesOf = (seed: number) => {
    const chance = chanceOf(seed, 'troubles')
    return Array.from({ length: 60 }, () => drawTrouble(chance, 20))
  }
  const troubles = troublesOf(5)
  assert.deepEqual(troublesOf(5), troubles)
  assert.notDeepEqual(troublesOf(6), troubles)
  for (const { downSeconds, cutSeconds } of troubles) {
    assert.ok(downSeconds <= 10 && cutSeconds <= 10, `${downSeconds} ${cutSeconds}`)
  }
})
