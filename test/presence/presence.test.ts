/** Leases: who has a page open is here, for as long as it is open; who has not is gone after a minute. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BranchId, UserId } from '../../src/base/ids.ts'
import { SECOND } from '../../src/base/units.ts'
import { createPresence } from '../../src/presence/presence.ts'
import { temporaryStore } from '../db/store.ts'
import { handClock, keptLog } from '../web/support.ts'

const [HERE, THERE] = ['0a'.repeat(16) as BranchId, '0b'.repeat(16) as BranchId]
const [SOFIA, NORA] = ['1a'.repeat(16) as UserId, '1b'.repeat(16) as UserId]

async function office(t: TestContext) {
  const clock = handClock()
  const presence = createPresence({
    ...{ store: await temporaryStore(t), self: HERE, clock, log: keptLog([]) },
    ...{
      lostSince: () => undefined,
      homeOf: () => HERE,
      peopleOf: () => [],
      statusOf: () => undefined,
    },
    send: () => {},
  })
  await presence.start()
  /** In steps, because leases are looked over again only when the look before has ended. */
  const pass = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      clock.pass(SECOND)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { presence, clock, pass, state: (user: UserId) => presence.stateOf(user).state }
}

test('an open page keeps its person here, and a loaded one for a minute', async (t) => {
  const { presence, pass, state } = await office(t)
  presence.streamOpened(SOFIA)
  presence.touched(NORA)
  await pass(50)
  assert.deepEqual([state(SOFIA), state(NORA)], ['online', 'online'])
  await pass(150)
  assert.deepEqual([state(SOFIA), state(NORA)], ['online', 'offline'])
})

test('a page that was open for long is followed by another without a blink, or its person goes', async (t) => {
  const { presence, pass, state } = await office(t)
  const close = presence.streamOpened(SOFIA)
  await pass(100)
  close()
  await pass(6)
  assert.equal(state(SOFIA), 'online')
  presence.streamOpened(SOFIA)()
  await pass(20)
  assert.equal(state(SOFIA), 'offline')
})

test('who was online at a branch was seen there until its line was lost', async (t) => {
  const { presence, clock, pass } = await office(t)
  presence.received(THERE, [{ user: NORA, isOnline: true, lastSeenAt: clock.now() }])
  await pass(100)
  presence.unlinked(THERE)
  assert.deepEqual(presence.stateOf(NORA), { state: 'offline', lastSeenAt: clock.now() })
})
