/** What open pages are told of a file that arrives: its card, to those who see its message, and to nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobId, ConversationId } from '../../src/base/ids.ts'
import { filePushes } from '../../src/push/file-pushes.ts'
import { wordsOf } from '../../views/language/words.ts'
import { castle } from '../attacks/castle.ts'
import { sender } from './sending.ts'

test('a card is pushed to members who have its chat open, with how much is here', async (t) => {
  const at = await castle(t)
  const bob = await at.add('bob')
  const cy = await at.add('cy')
  const [ada, forBob] = [await sender(at, 'ada'), await sender(at, 'bob')]
  const chat = (await ada.chatWith('bob')) as ConversationId
  const file = await ada.upload('plan.bin', new Uint8Array(1000).fill(7))
  await ada.send(chat, [file.id])
  assert.ok(await forBob.lastMessage(chat))
  const { store } = at.core
  const row = await store.read.selectFrom('attachment').select('blobId').executeTakeFirstOrThrow()
  await store.writer.write((tx) =>
    tx.updateTable('blob').set({ state: 'partial' }).where('id', '=', row.blobId).execute(),
  )
  const open = [bob, cy].map(({ id }) => ({ user: id, chat }))
  const parts = {
    read: store.read,
    viewers: { openChats: () => open },
    moveOf: () => ({
      ...{ state: 'arriving' as const, percent: 42, bytesPerSecond: 9, isDiskFull: false },
    }),
  }
  const [push, ...more] = await filePushes(parts, row.blobId)
  assert.deepEqual(more, [])
  assert.deepEqual(push?.to, [bob.id], 'cy is no member, whatever his page says')
  assert.equal(push?.chat, chat)
  const reader = { ...{ t: wordsOf('en'), timeZone: 'UTC', now: 0, icons: '', formToken: '' } }
  const html = (await push?.html?.(reader)) ?? ''
  assert.match(html, new RegExp(`hx-target="#file-${file.id}"`))
  assert.match(html, /data-state="arriving"/)

  await store.writer.write((tx) =>
    tx.updateTable('blob').set({ state: 'here' }).where('id', '=', row.blobId).execute(),
  )
  const to = [
    { branch: 'Lviv', percent: 43 },
    { branch: 'Odesa', percent: 7 },
  ]
  const going = { ...parts, moveOf: () => ({ state: 'going' as const, to }) }
  const [goes] = await filePushes(going, row.blobId)
  const sent = (await goes?.html?.(reader)) ?? ''
  assert.match(sent, /to Lviv: 43\u00a0%, to Odesa: 7\u00a0%/)
  assert.match(sent, /<progress max="100" value="7"/)

  assert.deepEqual(await filePushes(parts, '0'.repeat(32) as BlobId), [])
  parts.viewers.openChats = () => []
  assert.deepEqual(await filePushes(parts, row.blobId), [], 'nobody looks')
})
