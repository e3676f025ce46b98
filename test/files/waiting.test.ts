/** What people are told of files that are not here: on their cards and pages, before one is sent, and once it is gone. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fileNow } from '../../src/chat/file-now.ts'
import { fileOf } from '../../src/chat/media.ts'
import { putMeta } from '../../src/db/meta.ts'
import { SCANNING } from '../../src/files/scanning.ts'
import { viewerNow } from '../../views/chat/viewer.ts'
import { wordsOf } from '../../views/language/words.ts'
import { castle } from '../attacks/castle.ts'
import { sender } from './sending.ts'

const MIB = 1024 * 1024
const reader = { t: wordsOf('en'), timeZone: 'UTC', now: 0, icons: '', formToken: '' }

async function scene(t: TestContext, settings: Parameters<typeof castle>[1] = {}) {
  const kyiv = await castle(t, settings)
  const ihor = await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const { store } = kyiv.core
  const send = async (name: string, bytes: Uint8Array) => {
    const { id } = await ada.upload(name, bytes)
    await ada.send(chat, [id])
    return id
  }
  const set = (change: object) =>
    store.writer.write((tx) => tx.updateTable('blob').set(change).execute())
  const wanted = async () => {
    const rows = store.read.selectFrom('blob').where('wantedAt', 'is not', null).select('id')
    return (await rows.execute()).length
  }
  const browser = await kyiv.browser('ihor')
  const page = async (path: string) => {
    const answer = await browser.get(path)
    return { status: answer.status, text: await answer.text() }
  }
  return { kyiv, ada, ihor, chat, store, send, set, wanted, browser, page }
}

test('a click on a card fetches the file and answers the card; the page that looks again fetches nothing', async (t) => {
  const { chat, send, set, wanted, page } = await scene(t)
  const id = await send('plan.bin', new Uint8Array(1000))
  await set({ state: 'elsewhere' })
  const { text } = await page(`/chats/${chat}`)
  assert.match(text, new RegExp(`id="file-${id}"[^>]* hx-get="/files/${id}/card"`))
  assert.match((await page(`/files/${id}/now`)).text, /hx-get="\/files\/\w+\/now"[^>]*every 2s/)
  assert.equal(await wanted(), 0)
  const card = await page(`/files/${id}/card`)
  assert.match(card.text, new RegExp(`^<a id="file-${id}"[\\s\\S]*in Kyiv, comes by itself`))
  assert.equal(await wanted(), 1)
  await set({ state: 'here' })
  const now = (await page(`/files/${id}/now`)).text
  assert.doesNotMatch(now, /every 2s/)
  assert.match(now, new RegExp(`#viewer-facts[\\s\\S]*href="/files/${id}" download`))
  assert.doesNotMatch((await page(`/files/${id}/card`)).text, /hx-get/)
})

test('the page of a file says how much is here, and since when the line is down', async (t) => {
  const { ihor, store, send, set } = await scene(t)
  const id = await send('plan.bin', new Uint8Array(3 * MIB))
  await set({ state: 'partial', have: new Uint8Array([0b1000_0000]) })
  const opened = await fileOf(store.read, ihor.id, id as never)
  const told = async (link: { up: boolean; since: number; over: string[] }, sizeMax = 1e9) => {
    const parts = { read: store.read, linkOf: () => link, moveOf: () => undefined }
    const now = await fileNow({ ...parts, sizeMax: async () => sizeMax }, opened)
    return String(viewerNow({ ...now, chatId: 'c' }, reader))
  }
  const noon = 12 * 60 * 60 * 1000
  assert.match(
    await told({ up: false, since: noon, over: [] }),
    /It is in Kyiv\. The line to Kyiv is down since <time [^>]*>12:00<\/time>: it comes when the line returns\.[\s\S]*value="\d\d"/,
  )
  assert.match(await told({ up: false, since: noon, over: ['Odesa'] }), /it comes over Odesa\./)
  assert.match(
    await told({ up: true, since: noon, over: [] }),
    /It is in Kyiv\. It comes by itself\./,
  )
  assert.match(await told({ up: true, since: 0, over: [] }, 10), /larger than this branch takes/)
})

test('what is larger than this branch takes is not asked for', async (t) => {
  const { store, send, set, wanted, page } = await scene(t, { fileSize: 1 })
  const id = await send('plan.bin', new Uint8Array(1000))
  await set({ state: 'elsewhere' })
  await store.writer.write((tx) =>
    tx
      .updateTable('attachment')
      .set({ size: 2 * MIB })
      .execute(),
  )
  assert.match((await page(`/files/${id}/view`)).text, /larger than this branch takes/)
  assert.doesNotMatch((await page(`/files/${id}/card`)).text, /comes by itself/)
  assert.equal(await wanted(), 0)
})

test('a file that is infected or being checked opens nowhere, and is called so everywhere', async (t) => {
  const { chat, ada, send, set, page, store } = await scene(t)
  const id = await send('note.txt', new Uint8Array(Buffer.from('the words of a note')))
  await set({ verdict: 'infected' })
  const closed = async (words: RegExp) => {
    for (const path of [`/chats/${chat}`, `/chats/${chat}/media?kind=files`]) {
      const { text } = await page(path)
      assert.match(text, words, path)
      assert.doesNotMatch(text, new RegExp(`href="/files/${id}`), path)
    }
    const view = await page(`/files/${id}/view`)
    assert.match(view.text, /virus/)
    assert.doesNotMatch(view.text, /the words of a note|download/)
    for (const part of ['', '/inline']) {
      assert.equal((await page(`/files/${id}${part}`)).status, 409, part)
    }
    assert.equal((await ada.open(id)).status, 409)
  }
  await closed(/data-state="infected"/)
  await set({ verdict: 'waiting' })
  await store.writer.write((tx) => putMeta(tx, { [SCANNING]: 'yes' }))
  await closed(/data-state="checking"/)
})

test('authors and auditors take a file away, others are not asked, and its page has the receipts', async (t) => {
  const { kyiv, chat, browser, page, ada } = await scene(t)
  const ihor = await sender(kyiv, 'ihor')
  const ids: string[] = []
  for (const from of [ada, ihor]) {
    const { id } = await from.upload('plan.txt', new Uint8Array([65]))
    await from.send(chat, [id])
    ids.push(id)
  }
  const [ofAda = '', ofIhor = ''] = ids
  const remove = (id: string) => new RegExp(`href="/files/${id}/remove"`)
  assert.doesNotMatch((await page(`/files/${ofAda}/view`)).text, remove(ofAda))
  assert.equal((await page(`/files/${ofAda}/remove`)).status, 404)
  assert.equal((await browser.post(`/files/${ofAda}/remove`, {})).status, 404)
  assert.match((await page(`/files/${ofIhor}/view`)).text, remove(ofIhor))
  assert.equal((await page(`/files/${ofIhor}/remove`)).status, 200)
  const admin = await kyiv.browser('ada')
  assert.equal((await admin.post(`/files/${ofIhor}/remove`, {})).status, 303)
  const view = await page(`/files/${ofIhor}/view`)
  assert.equal(view.status, 200)
  assert.match(view.text, /taken out of its message[\s\S]*Branches that hold it no more[\s\S]*Kyiv/)
  assert.doesNotMatch(view.text, remove(ofIhor))
  assert.match((await page(`/chats/${chat}`)).text, new RegExp(`id="file-${ofIhor}"[^>]*"removed"`))
})

test('before a file is sent, its sender can know what is taken', async (t) => {
  const { chat, page, kyiv } = await scene(t, { fileSize: 3, fileQuota: 1 })
  const admin = await kyiv.script('ada')
  await admin.json('PUT', '/admin/files/rules', { refused: ['exe', 'kind:video'], days: 0 })
  const limits = JSON.parse((await page(`/chats/${chat}/limits`)).text)
  assert.equal(limits.sizeMax, 3 * MIB)
  assert.equal(limits.left, 1024 * MIB)
  assert.deepEqual(
    limits.refused.map(({ rule }: { rule: string }) => rule),
    ['exe', 'kind:video'],
  )
  assert.match(limits.tooLarge, /limit is 3 MB/)
  assert.match(limits.full, /1 GB/)
  assert.match(limits.fullTogether, /beside the others: 1 GB/)
  const { text } = await page(`/chats/${chat}/attach`)
  assert.match(text, /At most 3 MB[\s\S]*You have room for 1 GB[\s\S]*\.exe, video/)
})

test('a kind of files that is refused has its word in every language', async (t) => {
  const { chat, kyiv } = await scene(t)
  const refused = ['kind:image', 'kind:text', 'exe']
  await (await kyiv.script('ada')).json('PUT', '/admin/files/rules', { refused, days: 0 })
  const words = {
    en: 'pictures, plain text',
    uk: 'зображення, простий текст',
    pt: 'imagens, texto simples',
  }
  for (const [language, both] of Object.entries(words)) {
    const { get, post } = await kyiv.browser('ihor')
    const asked = { 'accept-language': language }
    const page = await (await get(`/chats/${chat}/attach`, asked)).text()
    assert.ok(page.includes(`: .exe, ${both}<`), language)
    const limits = JSON.parse(await (await get(`/chats/${chat}/limits`, asked)).text())
    const texts = limits.refused.map(({ text }: { text: string }) => text)
    const told = ['.exe', ...both.split(', ')].map((word) => new RegExp(`\\(${word}\\)`))
    for (const [n, word] of told.entries()) assert.match(texts[n], word, language)
    const begun = await post(
      '/uploads',
      { name: 'tool.exe', size: '5' },
      {
        ...{ accept: 'application/json', ...asked },
      },
    )
    const { error } = (await begun.json()) as { error: { message: string } }
    assert.match(error.message, /\(\.exe\)/, language)
  }
})
