/** What was found in a file, or was not looked for yet, is read on no page, by no route and in no small copy. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { putMeta } from '../../src/db/meta.ts'
import { keyMark } from '../../src/files/scanned-keys.ts'
import { SCANNING } from '../../src/files/scanning.ts'
import { castle } from '../attacks/castle.ts'
import { sender } from './sending.ts'

const create = { width: 90, height: 60, channels: 3, background: 'red' } as const
const WORDS = 'words that nobody may read'

async function scene(t: TestContext) {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const text = await ada.upload('plan.txt', new Uint8Array(Buffer.from(WORDS)))
  const picture = await ada.upload(
    'red.png',
    new Uint8Array(await sharp({ create }).png().toBuffer()),
  )
  await ada.send(chat, [text.id, picture.id])
  const { get } = await kyiv.browser('ihor')
  const { writer } = kyiv.core.store
  /** Small copies are called clean always: they are blobs of their own. */
  const judge = async (verdict: 'waiting' | 'clean' | 'infected', scanning: '' | 'yes') =>
    await writer.write(async (tx) => {
      await putMeta(tx, { [SCANNING]: scanning })
      const sent = tx.selectFrom('attachment').select(['blobId', 'key', 'thumbId', 'thumbKey'])
      const files = tx.selectFrom('attachment').select('blobId')
      for (const { blobId, key, thumbId, thumbKey } of await sent.execute()) {
        for (const [id, by] of [[blobId, key] as const, [thumbId, thumbKey] as const]) {
          const scanned = { verdict: 'clean' as const, scannedKey: by && keyMark(by) }
          await tx.updateTable('blob').set(scanned).where('id', '=', id).execute()
        }
      }
      await tx.updateTable('blob').set({ verdict }).where('id', 'in', files).execute()
    })
  const view = async () => (await (await get(`/files/${text.id}/view`)).text()).includes(WORDS)
  const thumb = async () => (await get(`/files/${picture.id}/thumb`)).status
  const states = async () => {
    const pages = [`/chats/${chat}/media?kind=files`, `/files/${text.id}/view`, `/chats/${chat}`]
    const texts = await Promise.all(pages.map(async (page) => (await get(page)).text()))
    return texts.map((page) =>
      new RegExp(`id="file-${text.id}"[^>]*data-state="(\\w+)"|data-state="(\\w+)"`)
        .exec(page)
        ?.slice(1)
        .find(Boolean),
    )
  }
  return { judge, view, thumb, states, get, picture, chat }
}

test('an infected text is not read on its page either, and every list calls it so', async (t) => {
  const { judge, view, states } = await scene(t)
  assert.equal(await view(), true)
  for (const scanning of ['yes', ''] as const) {
    await judge('infected', scanning)
    assert.equal(await view(), false, `scanning: ${scanning}`)
    for (const state of await states()) assert.notEqual(state, 'here')
  }
})

test('a text that was not looked at yet is not read on its page', async (t) => {
  const { judge, view, states } = await scene(t)
  await judge('waiting', 'yes')
  assert.equal(await view(), false)
  for (const state of await states()) assert.notEqual(state, 'here')
  await judge('waiting', '')
  assert.equal(await view(), true)
})

test('a picture that is closed has no small copy', async (t) => {
  const { judge, thumb, get, picture, chat } = await scene(t)
  assert.equal(await thumb(), 200)
  const isShown = async (page: string) =>
    (await (await get(page)).text()).includes(`/files/${picture.id}/thumb`)
  const pages = [`/chats/${chat}`, `/chats/${chat}/media`]
  for (const page of pages) assert.equal(await isShown(page), true, page)
  for (const [verdict, scanning] of [
    ['infected', 'yes'],
    ['infected', ''],
    ['waiting', 'yes'],
  ] as const) {
    await judge(verdict, scanning)
    assert.equal(await thumb(), 409, `${verdict} ${scanning}`)
    for (const page of pages) assert.equal(await isShown(page), false, `${page} ${verdict}`)
  }
})
