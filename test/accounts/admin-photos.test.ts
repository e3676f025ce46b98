/** Photos and drawn passwords on the admin's pages: what is kept, what is refused, what is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { UPLOAD_BYTES_MAX } from '../../src/accounts/photos.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { type Office, twoOffices } from './office.ts'

const DRAWN = /<code>([a-z2-9]{4}(?:-[a-z2-9]{4}){4})<\/code>/

async function cast(t: Parameters<typeof twoOffices>[0]) {
  const two = await twoOffices(t)
  const { north, south, meet } = two
  const ada = await north.people.found('ada', 'organisation-admin')
  const ned = await north.people.add(ada, { login: 'ned', role: 'branch-admin' })
  const bob = await north.people.add(ada, { login: 'bob' })
  const sam = await south.people.found('sam', 'branch-admin')
  await meet()
  return { ...two, ada, ned, bob, sam, token: (await north.enter('ned')).token }
}

const RECORD = { firstName: 'Дана', lastName: 'Лис', department: '', post: '', phone: '', room: '' }

/** A form with a file, as a browser sends it. */
async function sends(
  office: Office,
  path: string,
  of: { token: string; fields: Record<string, string>; file?: Uint8Array | undefined },
) {
  const form = new FormData()
  for (const [name, value] of Object.entries(of.fields)) form.set(name, value)
  form.set('photo', new Blob([new Uint8Array(of.file ?? [])]), of.file ? 'me.jpg' : '')
  const cookie = `${cookieName(office.keys.id)}=${of.token}`
  const headers = { 'sec-fetch-site': 'same-origin', cookie }
  // As bytes: the stream that Node makes of a form cannot be left half read, which a refusal does.
  const packed = new Response(form)
  const type = packed.headers.get('content-type') ?? ''
  const body = await packed.arrayBuffer()
  const answer = await office.app.request(path, {
    ...{ method: 'POST', body },
    headers: { ...headers, 'content-type': type },
  })
  return { status: answer.status, text: await answer.text() }
}

const picture = (background: string) =>
  sharp({ create: { width: 300, height: 400, channels: 3, background } })
    .jpeg()
    .toBuffer()

const photosOf = (office: Office) => office.store.read.selectFrom('photo').select('hash').execute()

test('a person is made with a photo, and an empty password is drawn and shown once', async (t) => {
  const { north, token } = await cast(t)
  const fields = { ...RECORD, login: 'dana', password: '' }
  const made = await sends(north, '/admin/users', { token, fields, file: await picture('teal') })
  assert.equal(made.status, 200)
  const password = DRAWN.exec(made.text)?.[1] ?? ''
  const photo = /href="\/photos\/([0-9a-f]{64})"/.exec(made.text)?.[1]
  assert.deepEqual(await photosOf(north), [{ hash: photo }])
  const dana = await north.enter('dana', password)
  assert.equal(dana.answer.headers.get('location'), '/password')
  assert.equal(
    (await north.get(`/photos/${photo}`, token)).headers.get('content-type'),
    'image/webp',
  )
})

test('a text browser that sends no files makes a person all the same', async (t) => {
  const { north, token } = await cast(t)
  const made = await north.post('/admin/users', { ...RECORD, login: 'dana' }, token)
  assert.equal(made.status, 200)
  assert.match(await made.text(), DRAWN)
})

test('a wrong or too large picture is told at the field, what was typed stays, nobody is made', async (t) => {
  const { north, token } = await cast(t)
  const fields = { ...RECORD, login: 'dana', password: 'quiet harbour 29' }
  const wrong = [
    [new Uint8Array(Buffer.from('<svg/>')), /id="photo-error">This is not a picture/],
    [new Uint8Array(UPLOAD_BYTES_MAX + 1), /id="photo-error">The picture is too large/],
  ] as const
  for (const [file, sentence] of wrong) {
    const { status, text } = await sends(north, '/admin/users', { token, fields, file })
    assert.equal(status, 422)
    assert.match(text, sentence)
    assert.ok(text.includes('value="dana"') && text.includes('value="Лис"'))
    assert.ok(!text.includes('quiet harbour'), 'a password does not come back')
  }
  const file = await picture('teal')
  const other = { ...fields, login: 'x' }
  const { text } = await sends(north, '/admin/users', { token, fields: other, file })
  assert.match(text, /id="login-error"/)
  assert.match(text, /id="photo-error">Please choose the picture again/)
  const danas = north.store.read.selectFrom('user').where('firstName', '=', 'Дана').select('id')
  assert.deepEqual([await danas.execute(), await photosOf(north)], [[], []])
})

test('an admin changes a photo and takes it away; the old one is forgotten', async (t) => {
  const { north, token, bob } = await cast(t)
  const path = `/admin/users/${bob.id}`
  const change = async (more: Record<string, string>, file?: Uint8Array) => {
    const { status } = await sends(north, path, { token, fields: { ...RECORD, ...more }, file })
    assert.equal(status, 303)
    return (await north.people.get(bob.id)).photo
  }
  const first = await change({}, await picture('teal'))
  assert.equal(await change({}), first, 'without a file it stays')
  const second = await change({ removePhoto: 'yes' }, await picture('red'))
  assert.notEqual(second, first)
  assert.deepEqual(await photosOf(north), [{ hash: second }])
  assert.equal(await change({ removePhoto: 'yes' }), undefined)
  assert.deepEqual(await photosOf(north), [])
})

test('nobody gives a photo to people of other branches, nor to who has more rights', async (t) => {
  const { north, token, ada, sam } = await cast(t)
  const file = await picture('teal')
  for (const whom of [ada, sam]) {
    const fields = { ...RECORD, firstName: whom.firstName, lastName: whom.lastName }
    const { status } = await sends(north, `/admin/users/${whom.id}`, { token, fields, file })
    assert.equal(status, 403)
  }
  const adas = (await north.enter('ada')).token
  const fields = { ...RECORD, firstName: sam.firstName, lastName: sam.lastName }
  const far = await sends(north, `/admin/users/${sam.id}`, { token: adas, fields, file })
  assert.equal(far.status, 403)
  assert.deepEqual(await photosOf(north), [])
})

test('a password that is reset without one typed is drawn, and ends every sign-in', async (t) => {
  const { north, token, bob } = await cast(t)
  const bobs = (await north.enter('bob')).token
  const reset = await north.post(`/admin/users/${bob.id}/password`, { password: '' }, token)
  const password = DRAWN.exec(await reset.text())?.[1] ?? ''
  assert.equal((await north.get('/chats', bobs)).headers.get('location'), '/sign-in')
  assert.equal((await north.enter('bob', password)).answer.headers.get('location'), '/password')
  assert.equal((await north.enter('bob')).answer.status, 422)
})
