/** Presence is only the word of a branch: it counts for people who are there, and for nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BranchId, UserId } from '../../src/base/ids.ts'
import {
  encodePresence,
  encodeRoll,
  PRESENCE_SIGNAL,
  ROLL_SIGNAL,
  type Seen,
} from '../../src/presence/signals.ts'
import { createPresenceHeard } from '../../src/push/presence-heard.ts'
import { temporaryStore } from '../db/store.ts'

const [SOUTH, NORTH] = ['0a'.repeat(16) as BranchId, '0b'.repeat(16) as BranchId]
const [SOFIA, NORA] = ['1a'.repeat(16) as UserId, '1b'.repeat(16) as UserId]

async function listener(t: Parameters<typeof temporaryStore>[0]) {
  const store = await temporaryStore(t)
  const received: [BranchId, UserId][] = []
  const heard = createPresenceHeard({
    read: store.read,
    clock: { now: () => 1000 },
    homes: { homeOf: (user) => (user === SOFIA ? SOUTH : user === NORA ? NORTH : undefined) },
    presence: {
      received: (branch, people) =>
        void received.push(...people.map(({ user }) => [branch, user] as [BranchId, UserId])),
      doubted: () => {},
      rolled: () => {},
      compared: () => {},
      asked: () => {},
    },
  })
  const says = (branch: BranchId, ...users: UserId[]) =>
    heard.heard(branch, {
      kind: PRESENCE_SIGNAL,
      body: encodePresence(users.map((user): Seen => ({ user, isOnline: true, lastSeenAt: 900 }))),
    })
  const names = (branch: BranchId, ...users: UserId[]) => {
    const roll = { after: '00'.repeat(16) as UserId, last: 'ff'.repeat(16) as UserId, users }
    return heard.heard(branch, { kind: ROLL_SIGNAL, body: encodeRoll(roll) })
  }
  const stay = (userId: UserId, branchId: BranchId, until: number) =>
    store.writer.write(async (tx) => {
      const row = { userId, branchId, epoch: 1, until, hlc: '0'.repeat(16) as never }
      await tx.insertInto('location').values(row).execute()
    })
  return { says, names, stay, heard, received }
}

test('a branch speaks for the people at home there and for nobody of others', async (t) => {
  const { says, received } = await listener(t)
  await says(SOUTH, SOFIA, NORA, 'ff'.repeat(16) as UserId)
  assert.deepEqual(received, [[SOUTH, SOFIA]])
})

test('nor does it by naming all who are there', async (t) => {
  const { names, received } = await listener(t)
  await names(SOUTH, SOFIA, NORA)
  assert.deepEqual(received, [[SOUTH, SOFIA]])
})

test('a guest is seen where a stay was signed, also if the word comes first, and not after it', async (t) => {
  const { says, stay, heard, received } = await listener(t)
  await says(SOUTH, NORA)
  heard.stayed(SOUTH, SOFIA)
  assert.deepEqual(received, [])
  await stay(NORA, SOUTH, 2000)
  heard.stayed(SOUTH, NORA)
  await says(SOUTH, NORA)
  assert.deepEqual(received, [
    [SOUTH, NORA],
    [SOUTH, NORA],
  ])
  await stay(SOFIA, NORTH, 999)
  await says(NORTH, SOFIA)
  assert.equal(received.length, 2, 'a stay that has ended')
})
