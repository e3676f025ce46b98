import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KIB } from '../../src/base/units.ts'
import { castle } from '../attacks/castle.ts'
import { prng } from '../support/prng.ts'
import { bytesIn, type Shape, sender, sha256 } from './sending.ts'

const CHUNK = 256 * KIB

function bytesOf(seed: number, length: number): Uint8Array {
  const chance = prng(seed)
  return Uint8Array.from({ length }, () => Math.floor(chance() * 256))
}

test('a file goes with a message, and who is in the chat opens it as it was', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  await kyiv.add('mallory')
  const ada = await sender(kyiv, 'ada')
  const ihor = await sender(kyiv, 'ihor')
  const mallory = await sender(kyiv, 'mallory')
  const plain = bytesOf(1, CHUNK + 12_345)
  const file = await ada.upload('звіт за рік.bin', plain)
  assert.equal(file.sha256, sha256(plain))
  assert.equal(file.name, 'звіт за рік.bin')
  assert.equal((await ihor.open(file.id)).status, 404, 'before it was sent it is hers alone')
  const chat = await ada.chatWith('ihor')
  const message = await ada.send(chat, [file.id], 'the drawing')
  assert.deepEqual(message.files, [
    {
      ...{ id: file.id, name: 'звіт за рік.bin', size: plain.length, type: file.type },
      ...{ sha256: sha256(plain), state: 'here' },
    },
  ])
  const got = await ihor.lastMessage(chat)
  assert.deepEqual(got?.files, message.files)
  const answer = await ihor.open(file.id)
  assert.equal(answer.status, 200)
  assert.equal(sha256(await bytesIn(answer)), sha256(plain))
  assert.match(answer.headers.get('content-disposition') ?? '', /%D0%B7%D0%B2%D1%96%D1%82/)
  assert.equal((await mallory.open(file.id)).status, 404)
})

test('a message of files alone has their names as its text', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const files = [
    await ada.upload('a.txt', bytesOf(1, 10)),
    await ada.upload('b.txt', bytesOf(2, 0)),
  ]
  const ids = files.map(({ id }) => id)
  const message = await ada.send(chat, ids)
  assert.equal(message.body, 'a.txt\nb.txt')
  assert.deepEqual(
    message.files.map(({ name, size }) => [name, size]),
    [
      ['a.txt', 10],
      ['b.txt', 0],
    ],
  )
  const browser = await kyiv.browser('ihor')
  const page = await (await browser.get(`/chats/${chat}`)).text()
  assert.equal(page.match(/a\.txt/g)?.length, 2, 'on the card, and in the list of chats')
})

test('the same clientId with the same files is one message, with others it is refused', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const [one, two] = [await ada.upload('1', bytesOf(1, 5)), await ada.upload('2', bytesOf(2, 5))]
  const post = (files: string[]) =>
    ada.call('POST', `/conversations/${chat}/messages`, { body: '', clientId: 'c1', files })
  assert.equal((await post([one.id])).status, 201)
  assert.equal((await post([one.id])).status, 200)
  assert.equal((await post([two.id])).status, 409)
  assert.equal((await post([one.id, two.id])).status, 409)
})

test('an upload is told first, sent in parts, asked for and given up', async (t) => {
  const kyiv = await castle(t)
  const ada = await sender(kyiv, 'ada')
  const plain = bytesOf(1, 2 * CHUNK + 100)
  const begun = await ada.begin('../../etc/passwd', plain.length)
  assert.equal(begun.name, 'passwd')
  const patch = (offset: number, part: Uint8Array) =>
    ada.raw('PATCH', `/uploads/${begun.id}`, part, { 'upload-offset': String(offset) })
  const first = await patch(0, plain.subarray(0, CHUNK + 50))
  assert.equal(first.status, 200)
  assert.equal(first.headers.get('upload-offset'), String(CHUNK), 'whole chunks count')
  const wrong = await patch(5, plain.subarray(5))
  assert.equal(wrong.status, 409)
  assert.equal(wrong.headers.get('upload-offset'), String(CHUNK))
  const head = await ada.raw('HEAD', `/uploads/${begun.id}`)
  assert.equal(head.headers.get('upload-offset'), String(CHUNK))
  const last = (await (await patch(CHUNK, plain.subarray(CHUNK))).json()) as Shape
  assert.equal(last.sha256, sha256(plain))
  assert.equal((await ada.raw('PATCH', `/uploads/${begun.id}`, plain)).status, 422, 'no offset')
  assert.equal((await ada.call('DELETE', `/uploads/${begun.id}`)).status, 204)
  assert.equal((await ada.open(begun.id)).status, 404)
})

test('an upload whose line broke goes on; nobody else sees or continues it', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('mallory')
  const ada = await sender(kyiv, 'ada')
  const mallory = await sender(kyiv, 'mallory')
  const plain = bytesOf(1, 3 * CHUNK)
  const { id } = await ada.begin('plan.dwg', plain.length)
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (controller.desiredSize === 0) return
      controller.enqueue(plain.slice(0, CHUNK + 9))
      controller.error(new Error('the line is gone'))
    },
  })
  await ada.raw('PATCH', `/uploads/${id}`, broken, { 'upload-offset': '0' }).catch(() => {})
  const { offset } = await ada.json<Shape>('GET', `/uploads/${id}`)
  assert.ok(offset <= CHUNK && offset % CHUNK === 0)
  const rest = { 'upload-offset': String(offset) }
  assert.equal((await mallory.raw('PATCH', `/uploads/${id}`, plain, rest)).status, 404)
  assert.equal((await mallory.call('GET', `/uploads/${id}`)).status, 404)
  assert.equal((await mallory.call('DELETE', `/uploads/${id}`)).status, 404)
  const done = await ada.raw('PATCH', `/uploads/${id}`, plain.subarray(offset), rest)
  assert.equal(((await done.json()) as Shape).sha256, sha256(plain))
})

test('more bytes than were told, and lengths that no file has, are refused', async (t) => {
  const kyiv = await castle(t)
  const ada = await sender(kyiv, 'ada')
  const { id } = await ada.begin('small', 10)
  const more = await ada.raw('PATCH', `/uploads/${id}`, bytesOf(1, 11), { 'upload-offset': '0' })
  assert.equal(more.status, 413)
  for (const size of [-1, 1.5, 2 ** 53, 17 * 2 ** 30, '10']) {
    assert.equal((await ada.call('POST', '/uploads', { name: 'x', size })).status, 422, `${size}`)
  }
})

test('files of somebody else, half ones and too many do not go with a message', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const ihor = await sender(kyiv, 'ihor')
  const chat = await ada.chatWith('ihor')
  const hers = await ada.upload('hers', bytesOf(1, 5))
  const half = await ada.begin('half', 5)
  const post = (who: typeof ada, files: unknown) =>
    who.call('POST', `/conversations/${chat}/messages`, { body: 'x', files })
  assert.equal((await post(ihor, [hers.id])).status, 422)
  assert.equal((await post(ada, [half.id])).status, 422)
  assert.equal((await post(ada, ['f'.repeat(32)])).status, 422)
  assert.equal((await post(ada, ['../x'])).status, 404)
  assert.equal((await post(ada, Array(21).fill(hers.id))).status, 422)
  assert.equal((await post(ada, [hers.id])).status, 201)
  assert.equal((await post(ada, [hers.id])).status, 422, 'a file is sent once')
})

test('a form without a script sends several files; its token is checked before a byte is kept', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const browser = await kyiv.browser('ada')
  const page = await (await browser.get(`/chats/${chat}/attach`)).text()
  assert.match(page, /enctype="multipart\/form-data"/)
  const formOf = (token: string) => {
    const form = new FormData()
    form.set('formToken', token)
    form.set('body', 'two files')
    form.append('file', new File(['one'], 'eins.txt'))
    form.append('file', new File([], ''))
    form.append('file', new File(['two'], 'zwei.txt'))
    return form
  }
  const post = async (form: FormData) => {
    const encoded = new Response(form)
    const type = encoded.headers.get('content-type') ?? ''
    const body = await encoded.arrayBuffer()
    const headers = { cookie: browser.cookie, 'content-type': type }
    return await kyiv.ask(`/chats/${chat}/attach`, { method: 'POST', body, headers })
  }
  const files = () => kyiv.core.store.read.selectFrom('blob').select('id').execute()
  assert.equal((await post(formOf('0'.repeat(32)))).status, 403)
  assert.equal((await files()).length, 0)
  const sent = await post(formOf(browser.formToken))
  assert.equal(sent.status, 303)
  const message = await ada.lastMessage(chat)
  assert.equal(message?.body, 'two files')
  assert.deepEqual(
    message?.files.map(({ name }) => name),
    ['eins.txt', 'zwei.txt'],
  )
  const [first] = message?.files ?? []
  assert.equal(await (await ada.open(first?.id ?? '')).text(), 'one')
})

test('a form that breaks off in the middle of a file leaves nothing, and the next one is taken', async (t) => {
  const kyiv = await castle(t)
  await kyiv.add('ihor')
  const ada = await sender(kyiv, 'ada')
  const chat = await ada.chatWith('ihor')
  const browser = await kyiv.browser('ada')
  const head = (name: string) =>
    `--xx\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\n\r\n`
  const token = `--xx\r\ncontent-disposition: form-data; name="formToken"\r\n\r\n${browser.formToken}\r\n`
  const post = (body: ReadableStream<Uint8Array> | string) =>
    kyiv.ask(`/chats/${chat}/attach`, {
      ...{ method: 'POST', body, duplex: 'half' },
      headers: { cookie: browser.cookie, 'content-type': 'multipart/form-data; boundary=xx' },
    } as RequestInit)
  let n = 0
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      n += 1
      if (n === 1) controller.enqueue(Buffer.from(token + head('a.bin')))
      else if (n < 12) controller.enqueue(bytesOf(n, 64 * KIB))
      else controller.error(new Error('the line is gone'))
    },
  })
  const answer = await post(broken)
  assert.ok(answer.status >= 400)
  const rows = await kyiv.core.store.read.selectFrom('file').select('id').execute()
  assert.deepEqual(rows, [])
  const whole = await post(`${token}${head('b.txt')}all of it\r\n--xx--\r\n`)
  assert.equal(whole.status, 303)
  assert.equal((await ada.lastMessage(chat))?.body, 'b.txt')
})
