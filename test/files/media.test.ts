/** What a chat shares: lists of its files and links, and one file seen large. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { addressesIn } from '../../src/chat/media.ts'
import { castle } from '../attacks/castle.ts'
import { watch } from '../support/plans.ts'
import { sender } from './sending.ts'

const picture = async (background: string, width = 800, height = 400) => {
  const create = { width, height, channels: 3, background } as const
  return new Uint8Array(await sharp({ create }).png().toBuffer())
}
const words = (text: string) => new Uint8Array(Buffer.from(text))

async function scene(t: TestContext) {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  await kyiv.add('mallory')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const reader = async (login: string) => {
    const { get } = await kyiv.browser(login)
    return async (path: string, headers?: Record<string, string>) => {
      const answer = await get(path, headers)
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    }
  }
  return { kyiv, ada, chat, reader }
}

/** The files of a page, in its order. */
const filesIn = (text: string) =>
  [...text.matchAll(/id="(?:file|tile)-([0-9a-f]{32})"/g)].map(([, id]) => id)

test('a picture stands in the chat at its proportions, with a small copy and a large one', async (t) => {
  const { ada, chat, reader } = await scene(t)
  const { id, type } = await ada.upload('схема.html', await picture('red'))
  assert.equal(type, 'image/png')
  await ada.send(chat, [id])
  const ihor = await reader('ihor')
  const { text } = await ihor(`/chats/${chat}`)
  assert.match(text, new RegExp(`<img src="/files/${id}/thumb" width="320" height="160"`))
  const thumb = await ihor(`/files/${id}/thumb`)
  assert.deepEqual([thumb.status, thumb.headers.get('content-type')], [200, 'image/webp'])
  const large = await ihor(`/files/${id}/inline`)
  assert.equal(large.headers.get('content-type'), 'image/png')
  assert.match(large.headers.get('content-disposition') ?? '', /^inline/)
  const saved = await ihor(`/files/${id}`)
  assert.match(saved.headers.get('content-disposition') ?? '', /^attachment/)
})

test('the pictures of a chat follow each other, and other files stand alone', async (t) => {
  const { ada, chat, reader } = await scene(t)
  const ids: string[] = []
  for (const colour of ['red', 'green', 'blue']) {
    ids.push((await ada.upload(`${colour}.png`, await picture(colour, 40, 40))).id)
  }
  const [red = '', green = '', blue = ''] = ids
  const note = (await ada.upload('note.txt', words('between'))).id
  await ada.send(chat, [red, green])
  await ada.send(chat, [note])
  await ada.send(chat, [blue])
  const ihor = await reader('ihor')
  const around = async (id: string) => {
    const { text } = await ihor(`/files/${id}/view`)
    return ['prev', 'next'].map(
      (rel) => new RegExp(`rel="${rel}" href="/files/(\\w+)/`).exec(text)?.[1],
    )
  }
  assert.deepEqual(await around(red), [undefined, green])
  assert.deepEqual(await around(green), [red, blue])
  assert.deepEqual(await around(blue), [green, undefined])
  assert.deepEqual(await around(note), [undefined, undefined])
  const overlay = await ihor(`/files/${green}/view`, { 'hx-request': 'true' })
  assert.match(overlay.text, /^<dialog[^>]* data-dialog[\s\S]*hx-get="\/files\/\w+\/view"/)
})

test('where nothing was shared yet, the page says what will stand there and leads to the chat', async (t) => {
  const { chat, reader } = await scene(t)
  const ihor = await reader('ihor')
  for (const [kind, title, text] of [
    ['media', 'No media yet', 'Pictures, sound and video'],
    ['files', 'No files yet', 'Documents and other files'],
    ['links', 'No links yet', 'Addresses of web pages'],
  ] as const) {
    const page = await ihor(`/chats/${chat}/media?kind=${kind}`)
    const expected = `<h2>${title}</h2><p>${text}[\\s\\S]*<a class="button" href="/chats/${chat}">Go to the chat`
    assert.match(page.text, new RegExp(expected))
  }
})

test('a text is shown as text from its beginning, whatever it is called', async (t) => {
  const { ada, chat, reader } = await scene(t)
  const script = (await ada.upload('a.html', words('<script>alert(1)</script>'))).id
  const long = (await ada.upload('long.log', words('ї'.repeat(70_000)))).id
  await ada.send(chat, [script, long])
  const ihor = await reader('ihor')
  assert.match(
    (await ihor(`/files/${script}/view`)).text,
    /&lt;script&gt;alert\(1\)&lt;\/script&gt;/,
  )
  const { text } = await ihor(`/files/${long}/view`)
  assert.equal([...(/<pre[^>]*>([^<]*)/.exec(text)?.[1] ?? '')].length, 32 * 1024)
  assert.match(text, /Only the first 64 kB/)
  const inline = await ihor(`/files/${script}/inline`)
  assert.match(inline.headers.get('content-disposition') ?? '', /^attachment/)
  assert.equal(inline.headers.get('content-type'), 'text/plain')
})

test('media, files and links of a chat have a page each, and only who is in the chat has it', async (t) => {
  const { ada, chat, reader } = await scene(t)
  const red = (await ada.upload('red.png', await picture('red', 40, 40))).id
  const note = (await ada.upload('note.txt', words('words'))).id
  await ada.send(chat, [red, note], 'See https://intranet.lan/a?b=1, and (http://x.lan).')
  const ihor = await reader('ihor')
  const lists = async (kind: string) => (await ihor(`/chats/${chat}/media?kind=${kind}`)).text
  assert.deepEqual(filesIn(await lists('media')), [red])
  assert.deepEqual(filesIn(await lists('files')), [note])
  const links = await lists('links')
  assert.deepEqual(filesIn(links), [])
  assert.match(links, /href="https:\/\/intranet\.lan\/a\?b=1" rel="noreferrer"/)
  assert.match(links, /href="http:\/\/x\.lan\/"/)
  const details = await ihor(`/chats/${chat}/details`)
  assert.deepEqual(filesIn(details.text), [red])
  const mallory = await reader('mallory')
  for (const path of [
    `/chats/${chat}/media`,
    `/chats/${chat}/media?kind=links`,
    `/files/${red}/view`,
  ]) {
    assert.equal((await ihor(path)).status, 200, path)
    assert.equal((await mallory(path)).status, 404, path)
  }
  for (const part of ['', '/inline', '/thumb']) {
    assert.equal((await mallory(`/files/${red}${part}`)).status, 404, part)
  }
  assert.equal((await ihor(`/chats/${chat}/media?before=x`)).status, 422)
})

test('the page of a file that is at another branch says where, and asks for it', async (t) => {
  const { kyiv, ada, chat, reader } = await scene(t)
  const { id } = await ada.upload('film.mp4', words('\0\0\0 ftypisom'))
  await ada.send(chat, [id])
  const { store } = kyiv.core
  await store.writer.write(async (tx) => {
    await tx.updateTable('blob').set({ state: 'elsewhere', manifest: null }).execute()
  })
  const ihor = await reader('ihor')
  const { text } = await ihor(`/chats/${chat}`)
  assert.match(text, new RegExp(`id="file-${id}"[^>]* href="/files/${id}/view"`))
  const wanted = () => store.read.selectFrom('blob').select('wantedAt').execute()
  assert.deepEqual(await wanted(), [{ wantedAt: null }])
  const page = await ihor(`/files/${id}/view`)
  assert.equal(page.status, 200)
  assert.match(page.text, /in Kyiv/)
  assert.doesNotMatch(page.text, /<video/)
  assert.notDeepEqual(await wanted(), [{ wantedAt: null }])
  assert.equal((await ihor(`/files/${id}/inline`)).status, 409)
})

test('what somebody cleared from a chat is not in its lists either', async (t) => {
  const { kyiv, ada, chat, reader } = await scene(t)
  const red = (await ada.upload('red.png', await picture('red', 40, 40))).id
  await ada.send(chat, [red], 'https://intranet.lan/')
  const { post } = await kyiv.browser('ihor')
  assert.equal((await post(`/chats/${chat}/clear`, {})).status, 303)
  const [ihor, ofAda] = [await reader('ihor'), await reader('ada')]
  assert.deepEqual(filesIn((await ihor(`/chats/${chat}/media`)).text), [])
  assert.equal((await ihor(`/files/${red}/view`)).status, 404)
  assert.doesNotMatch((await ihor(`/chats/${chat}/media?kind=links`)).text, /intranet/)
  assert.deepEqual(filesIn((await ofAda(`/chats/${chat}/media`)).text), [red])
  assert.match((await ofAda(`/chats/${chat}/media?kind=links`)).text, /intranet/)
})

test('long lists have pages, and each file and link is on one of them', async (t) => {
  const { kyiv, ada, chat, reader } = await scene(t)
  const wanted: string[] = []
  for (let n = 0; n < 7; n++) {
    const ids: string[] = []
    for (let i = 0; i < 10; i++)
      ids.push((await ada.upload(`${n}-${i}.txt`, words(`${n} ${i}`))).id)
    await ada.send(chat, ids, `https://x.lan/${n}`)
    wanted.push(...ids)
  }
  const plans = watch(kyiv.core.store.read)
  const ihor = await reader('ihor')
  const first = (await ihor(`/chats/${chat}/media?kind=files`)).text
  const older = /kind=files&amp;before=([0-9a-f-]+)"/.exec(first)?.[1]
  const second = (await ihor(`/chats/${chat}/media?kind=files&before=${older}`)).text
  assert.deepEqual([filesIn(first).length, filesIn(second).length], [60, 10])
  assert.deepEqual([...filesIn(first), ...filesIn(second)].reverse(), wanted)
  assert.doesNotMatch(second, /before=/)
  await ihor(`/chats/${chat}/media?kind=links`)
  const steps = plans.flat().map(({ detail }) => detail)
  assert.ok(
    steps.some((detail) => detail.includes('attachment_in_order')),
    'files by their index',
  )
  assert.ok(
    steps.some((detail) => detail.includes('message_with_link')),
    'links by theirs',
  )
  assert.deepEqual(
    steps.filter((detail) => /SCAN (a|m)\b/.test(detail)),
    [],
  )
})

test('addresses are what a browser would call, each once, without the signs around them', () => {
  const hrefs = (text: string) => addressesIn(text).map(({ href }) => href)
  assert.deepEqual(hrefs('Див. https://портал.укр/звіт. І http://a.lan/x(1)!'), [
    'https://xn--80awhdgm.xn--j1amh/%D0%B7%D0%B2%D1%96%D1%82',
    'http://a.lan/x(1)',
  ])
  assert.deepEqual(hrefs('HTTPS://A.lan https://a.lan/ "http://b.lan/c"'), [
    'https://a.lan/',
    'http://b.lan/c',
  ])
  for (const none of [
    ...['javascript://x%0aalert(1)', 'ftp://a.lan/', 'https://', 'http://bank.lan@evil.lan/'],
    ...['data:text/html,http:', `https://a.lan/${'x'.repeat(3000)}`, ''],
  ]) {
    assert.deepEqual(hrefs(none), [], none)
  }
  const many = Array.from({ length: 50 }, (_, n) => `http://a.lan/${n}`).join(' ')
  assert.equal(hrefs(many).length, 20)
})
