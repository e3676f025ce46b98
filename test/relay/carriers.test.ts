/** Whom a branch asks to carry: two, and one more each half minute while mail waits and nothing arrives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BranchId, FeedId } from '../../src/base/ids.ts'
import { SECOND } from '../../src/base/units.ts'
import type { CarryOffer } from '../../src/eventlog/log.ts'
import { Carriers } from '../../src/relay/carriers.ts'
import { FRAME, frame } from '../../src/relay/frames.ts'
import { encodeReach } from '../../src/relay/payloads.ts'
import { handClock, keptLog } from '../eventlog/fixture.ts'

const branch = (n: number) => n.toString(16).padStart(32, '0') as BranchId
const away = branch(9)
const peers = [1, 2, 3, 4].map(branch)
const feed = {
  n: 1,
  id: branch(7) as string as FeedId,
  origin: branch(8),
  floor: 0,
  isMail: true,
  urgentTo: 0,
}

/** Four peers that all see a branch which we do not see, and mail of ours for it. */
function fourWays(mail: () => readonly CarryOffer[]) {
  const { clock, advance } = handClock()
  const carriers = new Carriers({
    clock,
    log: keptLog(),
    live: () =>
      peers.map((peer) => ({
        peer,
        roundTripMs: 1,
        silentMs: 0,
        send: () => {},
        routesChanged: () => {},
      })),
    branches: () => [...peers, away].map((each) => ({ branch: each, lostAt: undefined })),
    eventLog: { carryOffers: async () => [...mail()] },
    onRoutes: () => {},
    onRoute: () => {},
  })
  carriers.start()
  const reach = frame(FRAME.REACH, encodeReach([{ branch: away, hops: 1 }]))
  for (const peer of peers) carriers.heard(peer, reach)
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      advance(SECOND)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return carriers.carriersTo(away).length
  }
  return { pass }
}

test('while mail waits and nothing arrives one more is asked every half minute', async () => {
  const carry = { destination: away, after: 0 }
  const { pass } = fourWays(() => [{ ...feed, head: 3, chain: new Uint8Array(32), carry }])
  assert.equal(await pass(1), 2)
  assert.equal(await pass(60), 3)
  assert.equal(await pass(30), 4)
})

test('without mail two are enough, however many records are not acked', async () => {
  const { pass } = fourWays(() => [])
  assert.equal(await pass(300), 2)
})
