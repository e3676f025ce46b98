/** LDAP: sign-in and the nightly import, against a directory in memory behind the door to it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterValue } from '../../src/accounts/ldap-check.ts'
import { configOf } from '../../src/config.ts'
import { type Castle, PASSWORD } from '../attacks/castle.ts'
import { enter, firm } from './firm.ts'

const isDisabled = async (at: Castle, login: string) =>
  (
    await at.core.store.read
      .selectFrom('user')
      .where('login', '=', login)
      .select('disabled')
      .executeTakeFirstOrThrow()
  ).disabled === 1

test('people are created and follow the directory; a dry run changes nothing', async (t) => {
  const { at, run, put } = await firm(t)
  const all = ['ann create', 'ben create', 'cid create']
  assert.deepEqual((await run({ isDry: true })).lines, all)
  assert.deepEqual((await run()).lines, all)
  put({ login: 'ann', first: 'Anna', password: 'x', room: '12' })
  assert.deepEqual((await run()).lines, ['ann change', 'ben same', 'cid same'])
  const ada = await at.browser('ada')
  assert.match(await (await ada.get('/admin/users/import')).text(), /<h2>LDAP<\/h2>/)
})

test('the password of the directory signs in, and serves here while the directory is silent', async (t) => {
  const { at, run, state, put } = await firm(t)
  await run()
  assert.equal(await enter(at, 'ann', 'wrong of the firm'), 422)
  assert.equal(await enter(at, 'ann', ''), 422)
  state.isSilent = true
  assert.equal(await enter(at, 'ann', 'ann of the firm'), 422, 'never signed in before')
  state.isSilent = false
  assert.equal(await enter(at, 'ann', 'ann of the firm'), '/chats')
  state.isSilent = true
  assert.equal(await enter(at, 'ann', 'ann of the firm'), '/chats')
  state.isSilent = false
  // Changed there: the new one serves at once, the old one nowhere any more.
  put({ login: 'ann', first: 'ann', password: 'another of the firm' })
  assert.equal(await enter(at, 'ann', 'ann of the firm'), 422)
  state.isSilent = true
  assert.equal(await enter(at, 'ann', 'ann of the firm'), 422, 'outlived: not even in silence')
  state.isSilent = false
  assert.equal(await enter(at, 'ann', 'another of the firm'), '/chats')
  assert.equal(await enter(at, 'ada', PASSWORD), '/chats', 'people of ours are not asked about')
})

test('passwords of the directory are not changed here', async (t) => {
  const { at, run } = await firm(t)
  await run()
  const ann = await at.browser('ann', 'ann of the firm')
  const next = {
    current: 'ann of the firm',
    password: 'quiet harbour 29',
    repeat: 'quiet harbour 29',
  }
  const answer = await ann.post('/profile/password', next)
  assert.equal(answer.status, 422)
  assert.match(await answer.text(), /your computer at work/)
  const script = await at.script('ada')
  const { id } = await script.json<{ id: string }>('GET', '/people/ann')
  assert.equal((await script.call('POST', `/admin/users/${id}/password`, {})).status, 422)
})

test('who is disabled or gone there is disabled here, and comes back; a block made by hand stays', async (t) => {
  const { at, run, put, entries } = await firm(t)
  await run()
  put({ login: 'ann', first: 'ann', password: 'x', control: 514 })
  entries.delete('Ben')
  assert.deepEqual((await run()).disabled, ['ann', 'ben'])
  assert.deepEqual([await isDisabled(at, 'ann'), await isDisabled(at, 'ben')], [true, true])
  // An admin opens ann and closes her again: from now on it is his block. He closes cid too.
  const script = await at.script('ada')
  const idOf = async (login: string) =>
    (
      await at.core.store.read
        .selectFrom('user')
        .where('login', '=', login)
        .select('id')
        .executeTakeFirstOrThrow()
    ).id
  await script.json('POST', `/admin/users/${await idOf('ann')}/enable`)
  await script.json('POST', `/admin/users/${await idOf('ann')}/disable`)
  await script.json('POST', `/admin/users/${await idOf('cid')}/disable`)
  for (const login of ['ann', 'Ben']) put({ login, first: login, password: 'x' })
  const back = await run()
  assert.deepEqual(back.enabled, ['ben'])
  assert.deepEqual([await isDisabled(at, 'ann'), await isDisabled(at, 'cid')], [true, true])
  assert.deepEqual([await isDisabled(at, 'ben'), back.lines], [false, ['ben same']])
})

test('when too many are missing nobody is disabled, unless the operator insists', async (t) => {
  const { run, put, entries } = await firm(t)
  for (let n = 10; n < 20; n++) put({ login: `user${n}`, first: 'User', password: 'x' })
  await run()
  for (let n = 10; n < 16; n++) entries.delete(`user${n}`)
  const stopped = await run()
  assert.deepEqual([stopped.state, stopped.disabled.length], ['stopped', 6])
  assert.equal((await run({ isDry: true })).disabled.length, 6, 'they are still there')
  assert.equal((await run({ isForced: true })).state, 'done')
  assert.deepEqual((await run()).disabled, [])
  entries.clear()
  await assert.rejects(run(), /Nobody was found/)
})

test('an entry that is called like an admin of ours does not become that admin', async (t) => {
  const { at, run, put } = await firm(t)
  put({ login: 'ada', first: 'Eve', password: 'eve of the firm' })
  assert.deepEqual((await run()).lines, ['ann create', 'ben create', 'cid create'])
  assert.equal(await enter(at, 'ada', 'eve of the firm'), 422)
  assert.equal(await enter(at, 'ada', PASSWORD), '/chats')
})

test('nothing a person types can widen the filter', () => {
  assert.equal(filterValue('a*)(uid=*'), 'a\\2a\\29\\28uid\\3d\\2a')
  assert.equal(filterValue('\\ж\0'), '\\5c\\d0\\b6\\00')
})

test('a password of the directory crosses no network in the clear', () => {
  const of = (url: string) =>
    configOf({
      flags: {
        ...{ 'ldap-url': url, 'ldap-base': 'dc=firm', 'ldap-bind-dn': 'cn=reader' },
        'ldap-bind-password': 'secret',
      },
      environment: {},
      readFile: () => '',
    }).ldap?.isStartTls
  assert.equal(of('ldap://dc1.firm.lan'), true)
  assert.equal(of('ldaps://dc1.firm.lan'), false)
  assert.equal(of('ldap://127.0.0.1:3389'), false)
  assert.throws(() => of('http://dc1.firm.lan'), /--ldap-url is/)
})
