import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { AppError } from '../../src/base/errors.ts'
import { checked, fieldsOf, InvalidForm, list, readForm, readJson } from '../../src/web/form.ts'
import { FileTooLarge, formParts } from '../../src/web/multipart.ts'
import { smallApp } from './support.ts'

const OURS = { 'sec-fetch-site': 'same-origin' }
const PERSON = v.object({
  login: v.pipe(v.string('required'), v.minLength(2, 'login-form')),
  name: v.pipe(v.string('required'), v.trim(), v.maxLength(5, 'too-long')),
  password: v.string('required'),
})

function thrown(fn: () => unknown): InvalidForm {
  try {
    fn()
  } catch (error) {
    if (error instanceof InvalidForm) return error
    throw error
  }
  throw new Error('It was accepted')
}

test('a form that cannot be used comes back with what was typed and a problem per field', async () => {
  const { app } = smallApp({
    routes: (routes) => {
      routes.post('/people', async (c) => {
        try {
          return c.json(await readForm(c, PERSON))
        } catch (error) {
          if (!(error instanceof InvalidForm)) throw error
          return c.json({ typed: error.typed, problems: error.problems }, 422)
        }
      })
    },
  })
  const response = await app.request('/people', {
    method: 'POST',
    headers: { ...OURS, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'login=a&name=Katherine&password=secret+words',
  })
  assert.equal(response.status, 422)
  assert.deepEqual(await response.json(), {
    typed: { login: 'a', name: 'Katherine' },
    problems: [
      { field: 'login', detail: 'login-form', values: { max: 2, length: 1 } },
      { field: 'name', detail: 'too-long', values: { max: 5, length: 9 } },
    ],
  })
})

test('a missing field is a problem of that field', () => {
  const error = thrown(() => checked(PERSON, { login: 'ada', name: 'Ada' }))
  assert.equal(error.field, 'password')
  assert.equal(error.code, 'invalid-input')
  assert.equal(error.status, 422)
})

test('line ends count as one character, and half a surrogate pair never gets in', () => {
  const fields = fieldsOf([['body', 'one\r\ntwo\ud800']])
  assert.equal(fields.body, 'one\ntwo\ufffd')
})

test('a field that comes several times is a list, and one that comes once too where a list is wanted', () => {
  const schema = v.object({ members: list })
  assert.deepEqual(
    checked(
      schema,
      fieldsOf([
        ['members', 'a'],
        ['members', 'b'],
      ]),
    ),
    { members: ['a', 'b'] },
  )
  assert.deepEqual(checked(schema, fieldsOf([['members', 'a']])), { members: ['a'] })
  assert.deepEqual(checked(schema, {}), { members: [] })
})

test('a field called __proto__ changes nothing', () => {
  const fields = fieldsOf([['__proto__', 'x']])
  assert.equal(Object.getPrototypeOf(fields), Object.prototype)
  assert.equal(({} as Record<string, unknown>).x, undefined)
})

test('a flood of fields is refused', () => {
  const pairs = Array.from({ length: 1001 }, (_, i): [string, string] => [`f${i}`, ''])
  assert.throws(
    () => fieldsOf(pairs),
    (e) => e instanceof AppError && e.code === 'too-large',
  )
})

test('JSON that is none, or not what was asked for, is told with its field', async () => {
  const { app } = smallApp({
    routes: (routes) => {
      const schema = v.object({ login: v.string() })
      routes.post('/api/v1/people', async (c) => c.json(await readJson(c, schema)))
    },
  })
  const send = async (body: string) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    const response = await app.request('/api/v1/people', init)
    const answer = (await response.json()) as { error: { code: string; field?: string } }
    return [response.status, answer.error?.code, answer.error?.field]
  }
  assert.deepEqual(await send('{'), [422, 'invalid-input', undefined])
  assert.deepEqual(await send('{"login":5}'), [422, 'invalid-input', 'login'])
  assert.deepEqual(await send('{"login":"ada"}'), [200, undefined, undefined])
})

const part = (head: string, body: string) =>
  `--x\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
const file = (bytes: number) =>
  `--x\r\nContent-Disposition: form-data; name="photo"; filename="me.png"\r\nContent-Type: image/png\r\n\r\n${'p'.repeat(bytes)}\r\n`

async function upload(body: string, headers: Record<string, string> = {}) {
  const { app } = smallApp({
    routes: (routes) => {
      routes.post('/photo', async (c) => {
        const schema = v.object({ name: v.string() })
        const { fields, files } = await formParts(c, { fileBytesMax: 1000 })
        return c.json({
          values: checked(schema, fields),
          files: files.map((f) => [f.field, f.name, f.type, f.bytes.length]),
        })
      })
    },
  })
  const type = 'multipart/form-data; boundary=x'
  return app.request('/photo', {
    method: 'POST',
    headers: { ...OURS, 'content-type': type, ...headers },
    body,
  })
}

test('a multipart form gives its fields and its file', async () => {
  const response = await upload(`${part('name="name"', 'Zoë')}${file(1000)}--x--\r\n`)
  assert.deepEqual(await response.json(), {
    values: { name: 'Zoë' },
    files: [['photo', 'me.png', 'image/png', 1000]],
  })
})

test('a file one byte over the limit is refused, an empty file field is no file', async () => {
  assert.equal((await upload(`${part('name="name"', 'a')}${file(1001)}--x--\r\n`)).status, 413)
  const none = await upload(`${part('name="name"', 'a')}${file(0)}--x--\r\n`)
  assert.deepEqual(await none.json(), { values: { name: 'a' }, files: [] })
})

test('a file that is too large leaves the fields before it, also when the head tells its length', async () => {
  const body = `${part('name="name"', 'Zoë')}${file(400_000)}--x--\r\n`
  for (const headers of [{}, { 'content-length': String(Buffer.byteLength(body)) }]) {
    const { app } = smallApp({
      routes: (routes) => {
        routes.post('/photo', async (c) => {
          const error = await formParts(c, { fileBytesMax: 1000 }).catch(
            (thrown: unknown) => thrown,
          )
          return c.json(error instanceof FileTooLarge ? error.typed : 'kept')
        })
      },
    })
    const type = { 'content-type': 'multipart/form-data; boundary=x' }
    const init = { method: 'POST', headers: { ...OURS, ...type, ...headers }, body }
    assert.deepEqual(await (await app.request('/photo', init)).json(), { name: 'Zoë' })
  }
})

test('a second file, sixty parts, a broken end and a missing boundary are refused', async () => {
  const many = Array.from({ length: 60 }, (_, i) => part(`name="f${i}"`, '')).join('')
  assert.equal((await upload(`${file(1)}${file(1)}--x--\r\n`)).status, 413)
  assert.equal((await upload(`${many}--x--\r\n`)).status, 413)
  assert.equal((await upload(`${part('name="name"', 'a')}${file(9)}`)).status, 422)
  assert.equal((await upload('', { 'content-type': 'multipart/form-data' })).status, 422)
})
