/** Whoever opens a file that is at another branch has it fetched, whichever way; once is enough. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { castle } from '../attacks/castle.ts'
import { sender } from './sending.ts'

test('a file that is elsewhere is wanted from its first opening on: page, download and API', async (t) => {
  const at = await castle(t)
  await at.add('bob')
  await at.add('cy')
  const [ada, bob, cy] = [
    await sender(at, 'ada'),
    await sender(at, 'bob'),
    await at.browser('cy', 'corvid lantern 7'),
  ]
  const chat = await ada.chatWith('bob')
  const { store } = at.core
  const ids: string[] = []
  for (const n of [1, 2, 3]) {
    const { id } = await ada.upload(`${n}.bin`, new Uint8Array(500_000).fill(n))
    await ada.send(chat, [id])
    ids.push(id)
  }
  await store.writer.write((tx) => tx.updateTable('blob').set({ state: 'elsewhere' }).execute())
  const wanted = async () => {
    const rows = await store.read
      .selectFrom('blob')
      .innerJoin('attachment', 'attachment.blobId', 'blob.id')
      .where('wantedAt', 'is not', null)
      .select('attachment.id')
      .execute()
    return rows.map(({ id }) => id as string).sort()
  }
  const [first = '', second = '', third = ''] = ids
  assert.equal((await cy.get(`/files/${first}`)).status, 404)
  assert.deepEqual(await wanted(), [], 'who may not open it cannot have it fetched')
  const page = await at.browser('bob')
  assert.equal((await bob.open(first)).status, 409)
  assert.equal((await page.get(`/files/${second}`)).status, 409)
  assert.equal((await page.get(`/files/${third}/view`)).status, 200)
  assert.deepEqual(await wanted(), [...ids].sort())
})
