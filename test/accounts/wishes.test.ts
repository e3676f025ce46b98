/** A guest changes his own record away from home: asked of the home branch, shown as asked, in force when it answers. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { editProfile } from '../../src/accounts/own.ts'
import { createPhotoMaker } from '../../src/accounts/photos.ts'
import { userWish } from '../../src/accounts/wishes.ts'
import { HOUR, MINUTE } from '../../src/base/units.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { type Office, PASSWORD, twoOffices } from './office.ts'

async function cast(t: TestContext) {
  const two = await twoOffices(t)
  const { north, south, meet, advance } = two
  await north.people.found('ada', 'organisation-admin')
  const eva = await north.people.add(undefined, { login: 'eva', firstName: 'Eva', lastName: 'May' })
  await meet()
  const { token } = await south.enter('eva')
  await meet()
  advance(MINUTE)
  const saves = (fields: Record<string, string>) =>
    south.post(
      '/profile',
      { firstName: 'Eva', lastName: 'May', language: 'en', theme: 'auto', ...fields },
      token,
    )
  const page = async () => (await south.get('/profile', token)).text()
  const rev = async (at: Office) => {
    const rows = at.store.read.selectFrom('user').where('id', '=', eva.id).select('rev')
    return (await rows.executeTakeFirstOrThrow()).rev
  }
  return { ...two, eva, token, saves, page, rev }
}

const mail = (office: Office) =>
  office.store.read.selectFrom('event').where('kind', '=', 0x030a).select(['state', 'reason'])

test('what a guest asks for is shown as asked at once, and is in force when home answers', async (t) => {
  const { north, south, eva, meet, saves, page, rev } = await cast(t)
  const answer = await saves({ lastName: 'June', theme: 'dark', language: 'uk' })
  assert.equal(answer.headers.get('location'), '/profile?saved=wish')
  const before = await page()
  assert.match(before, /<html lang="uk" data-theme="dark">/, 'his own pages do not wait')
  assert.match(before, /id="wish"[\s\S]*North[\s\S]*June/)
  assert.match(before, /name="lastName"[^>]*value="June"/)
  assert.equal((await south.people.get(eva.id)).lastName, 'May', 'in force is what home wrote')
  await meet()
  for (const office of [north, south]) {
    const { lastName, theme, language } = await office.people.get(eva.id)
    assert.deepEqual([lastName, theme, language], ['June', 'dark', 'uk'])
  }
  assert.doesNotMatch(await page(), /id="wish"/)
  assert.equal(await rev(north), await rev(south))
})

test('a photo goes along, and is at the guest branch before home answers', async (t) => {
  const { north, south, eva, meet } = await cast(t)
  const background = { r: 9, g: 120, b: 120 }
  const drawn = sharp({ create: { width: 300, height: 300, channels: 3, background } }).png()
  const photo = await createPhotoMaker()(new Uint8Array(await drawn.toBuffer()))
  await editProfile(south.deps, await south.people.get(eva.id), { photo })
  await meet()
  assert.equal((await north.people.get(eva.id)).photo, photo.hash)
  assert.equal((await south.people.get(eva.id)).photo, photo.hash, 'its bytes are here already')
  await editProfile(south.deps, await south.people.get(eva.id), { photo: 'none' })
  await meet()
  assert.equal((await north.people.get(eva.id)).photo, undefined)
})

test('the same again asks nothing', async (t) => {
  const { south, meet, saves } = await cast(t)
  for (let n = 0; n < 3; n++) await saves({ lastName: 'June' })
  assert.equal((await mail(south).execute()).length, 1)
  await meet()
  await saves({ lastName: 'June' })
  assert.equal((await mail(south).execute()).length, 1)
})

test('of a change at home and a wish the later word holds, whichever comes first', async (t) => {
  const { north, south, eva, meet, advance, saves, page } = await cast(t)
  await saves({ firstName: 'Early', theme: 'dark' })
  advance(HOUR)
  await editProfile(north.deps, await north.people.get(eva.id), { firstName: 'Later' })
  await meet()
  const known = await south.people.get(eva.id)
  assert.deepEqual([known.firstName, known.theme], ['Later', 'dark'])
  assert.doesNotMatch(await page(), /id="wish"/, 'what was overtaken waits no more')
  advance(HOUR)
  await saves({ firstName: 'Latest', theme: 'dark' })
  await meet()
  assert.equal((await north.people.get(eva.id)).firstName, 'Latest')
})

test('a wish that comes a second time, after a loss, does not undo what was said later', async (t) => {
  const { north, south, eva, meet, advance, saves, rev } = await cast(t)
  await saves({ firstName: 'First' })
  await meet()
  advance(HOUR)
  await saves({ firstName: 'Second' })
  await meet()
  const before = await rev(north)
  const { hlc } = await south.store.read
    .selectFrom('event')
    .where('kind', '=', 0x030a)
    .orderBy('position')
    .select('hlc')
    .executeTakeFirstOrThrow()
  const kind = userWish({ ...north.deps, self: north.keys.id })
  const event = { body: { user: eva.id, firstName: 'First' }, origin: south.keys.id, hlc }
  await north.store.writer.write((tx) => kind.apply(tx, event as never))
  assert.equal((await north.people.get(eva.id)).firstName, 'Second')
  assert.equal(await rev(north), before)
})

test('a branch where the person never was asks in vain, and nobody asks for others', async (t) => {
  const { north, south, meet } = await cast(t)
  const bob = await north.people.add(undefined, { login: 'bob' })
  await meet()
  const kind = loose(south)
  const to = [north.keys.id]
  await south.store.writer.write((tx) =>
    south.deps.append(tx, { kind, to, body: { user: bob.id, firstName: 'Evil' } }),
  )
  await meet()
  assert.equal((await north.people.get(bob.id)).firstName, 'bob')
  const [row] = await mail(north).execute()
  assert.deepEqual(row, { state: 'parked', reason: 'waits-for-person' })
})

test('bad input is refused by the page and by the home branch, and the guest is told', async (t) => {
  const { north, south, eva, meet, saves, page } = await cast(t)
  assert.equal((await saves({ firstName: 'x'.repeat(61) })).status, 422)
  assert.equal((await saves({ theme: 'pink' })).status, 422)
  const kind = loose(south)
  const send = (body: object) =>
    south.store.writer.write((tx) =>
      south.deps.append(tx, { kind, to: [north.keys.id], body: { user: eva.id, ...body } }),
    )
  await send({ theme: 'pink' })
  await send({ firstName: '' })
  await send({ photo: Buffer.from('not a picture').toString('base64') })
  await meet()
  const rows = await mail(north).execute()
  assert.deepEqual(
    rows.map(({ state, reason }) => `${state} ${reason}`),
    ['refused malformed', 'refused malformed', 'refused no-photo'],
  )
  await saves({ lastName: 'June' })
  const { position } = await south.store.read
    .selectFrom('wish')
    .select('position')
    .executeTakeFirstOrThrow()
  const refusal = { position, branchId: north.keys.id, reason: 'wrong-time', at: 0 }
  await south.store.writer.write((tx) => tx.insertInto('refusal').values(refusal).execute())
  assert.match(await page(), /North did not accept this \(wrong-time\)/)
})

test('a wish from the future would stand above all later words: it is refused', async (t) => {
  const { north, south, eva, meet } = await cast(t)
  const kind = userWish({ ...north.deps, self: north.keys.id })
  const event = { origin: south.keys.id, arrivedAt: 0, hlc: 'f'.repeat(16) }
  const body = { user: eva.id, firstName: 'Tomorrow' }
  const reason = await north.store.writer.write((tx) =>
    kind.refusal(tx, { ...event, body } as never),
  )
  assert.equal(reason, 'wrong-time')
  await meet()
})

test('a script is told what is asked and not yet in force', async (t) => {
  const { south, meet } = await cast(t)
  const body = { login: 'eva', password: PASSWORD, device: 'test' }
  const signedIn = await south.api('POST', '/sign-in', { body })
  const { token } = (await signedIn.json()) as { token: string }
  const answer = await south.api('PATCH', '/me', { token, body: { name: 'Eva June' } })
  const said = (await answer.json()) as { name: string; asked?: { fields: string[] } }
  assert.deepEqual([said.name, said.asked?.fields], ['Eva May', ['lastName']])
  await meet()
  const answered = await south.api('GET', '/me', { token })
  const later = (await answered.json()) as typeof said
  assert.deepEqual([later.name, later.asked], ['Eva June', undefined])
})

test('the logs of both branches tell who asked, and what was changed', async (t) => {
  const { north, south, meet, saves } = await cast(t)
  await saves({ lastName: 'June' })
  await meet()
  const actions = async (office: Office) => {
    const rows = await office.store.read.selectFrom('audit').select(['action', 'after']).execute()
    return rows.filter(({ action }) => action === 'own.wish' || action === 'own.profile')
  }
  assert.match((await actions(south))[0]?.after ?? '', /June/)
  assert.match((await actions(north))[0]?.after ?? '', /June/)
})

/** The kind as a dishonest branch writes it: whatever it likes. */
function loose(office: Office): EventKind<object> {
  const kind = userWish({ ...office.deps, self: office.keys.id })
  return {
    ...kind,
    parse: (body) => body as object,
    refusal: async () => undefined,
    apply: async () => {},
  }
}
