/** Accounts in bulk, through the pages, the API and the first sign-in of somebody who was imported. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Browser, type Castle, castle, PASSWORD, until } from '../attacks/castle.ts'

type Line = {
  line: number
  login: string
  outcome: string
  reason?: string
  password?: string
  changes?: unknown[]
}
type Answer = { encoding: string; separator: string; counts: object; lines: Line[] }

async function importing(at: Castle, login = 'ada') {
  const { token } = await at.script(login)
  return async (csv: string | Uint8Array, query = ''): Promise<{ status: number } & Answer> => {
    const answer = await at.ask(`/api/v1/admin/users/import${query}`, {
      method: 'POST',
      body: csv as string,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    })
    return { status: answer.status, ...((await answer.json()) as Answer) }
  }
}

const reasons = ({ lines }: Answer) => lines.map(({ line, reason }) => [line, reason])
const events = async ({ core }: Castle) =>
  (await core.store.read.selectFrom('event').select('position').execute()).length

test('a dry run tells what would happen and changes nothing', async (t) => {
  const at = await castle(t)
  await at.add('bob')
  const before = await events(at)
  const send = await importing(at)
  const csv =
    'login,firstName,lastName,room\r\nbob,bob,Test,12\r\nnina,Nina,New,\r\nada,Ada,Admin,\r\n'
  const told = await send(csv, '?dryRun=1')
  assert.deepEqual(told.counts, { create: 1, change: 1, same: 1, refused: 0 })
  assert.deepEqual(told.lines[0]?.changes, [{ column: 'room', from: '', to: '12' }])
  assert.equal(told.lines[1]?.password, undefined)
  assert.equal(await events(at), before)
  const done = await send(csv)
  assert.deepEqual(done.counts, told.counts)
  assert.equal(await events(at), before + 3) // bob's record; nina's record and credential
})

test('every line that cannot be done says why', async (t) => {
  const at = await castle(t)
  await at.add('bob')
  const gone = await at.add('gone')
  await (await at.script('ada')).json('POST', `/admin/users/${gone.id}/disable`)
  await at.add('bea', 'branch-admin')
  const table = [
    'login;firstName;lastName;role;language;branch',
    'new.one;New;"One\nof two lines";employee;uk;Kyiv',
    'new.one;Again;;;;',
    'newone;Alike;;;;',
    'b0b;Alike;;;;',
    'gone;Gone;;;;',
    ';No;Login;;;',
    'Ünal;Bad;Login;;;',
    'no.name;;;;;',
    `long;${'x'.repeat(61)};;;;`,
    'king;King;;king;;',
    'lang;Lang;;;xx;',
    'far;Far;;;;Lviv',
    'far@lviv;Far;;;;',
    'many;Many;;;;;;x',
    'boss;Boss;;organisation-admin;;',
    'ada;Other;Name;;;',
  ]
  const told = await (await importing(at, 'bea'))(table.join('\n'), '?dryRun=1')
  assert.equal(told.separator, ';')
  assert.deepEqual(reasons(told), [
    [2, undefined],
    ...[
      [4, 'login-twice'],
      [5, 'login-alike-here'],
      [6, 'login-alike'],
      [7, 'person-disabled'],
    ],
    ...[
      [8, 'login-missing'],
      [9, 'login-form'],
      [10, 'required'],
      [11, 'too-long'],
    ],
    ...[
      [12, 'role-unknown'],
      [13, 'language-unknown'],
      [14, 'elsewhere'],
      [15, 'elsewhere'],
    ],
    ...[
      [16, 'cells'],
      [17, 'role-not-yours'],
      [18, 'not-yours'],
    ],
  ])
})

test('doing the same file again does the rest and nothing twice', async (t) => {
  const at = await castle(t)
  const send = await importing(at)
  const all = 'login,firstName\nann,Ann\nben,Ben\ncid,Cid\n'
  await send('login,firstName\nann,Ann\n') // what a crash may leave
  const before = await events(at)
  const rest = await send(all)
  assert.deepEqual(rest.counts, { create: 2, change: 0, same: 1, refused: 0 })
  assert.equal(await events(at), before + 4)
  // The passwords of before are lost with the memory they were in: those who have not signed in get others.
  const renewed = await send(all, '?renew=1')
  assert.equal(renewed.lines.filter(({ password }) => password !== undefined).length, 3)
  const { ann } = Object.fromEntries(renewed.lines.map(({ login, password }) => [login, password]))
  const browser = await at.browser('ann', ann)
  const own = { password: 'quiet harbour 29', repeat: 'quiet harbour 29' }
  assert.equal((await browser.post('/password', own)).headers.get('location'), '/chats')
  const later = await send(all, '?renew=1')
  assert.equal(later.lines[0]?.password, undefined)
  assert.equal(later.lines[1]?.password === undefined, false)
})

test('who was imported signs in with the temporary password, chooses an own one, and bcrypt keeps it', async (t) => {
  const at = await castle(t)
  const [line] = (await (await importing(at))('login,firstName,language\nann,Анна,uk\n')).lines
  const salt = async () =>
    (
      await at.core.store.read
        .selectFrom('credential')
        .innerJoin('user', 'user.id', 'credential.userId')
        .where('login', '=', 'ann')
        .select('salt')
        .executeTakeFirstOrThrow()
    ).salt
  assert.match(await salt(), /^\$sha384\$/)
  assert.match(line?.password ?? '', /^[a-z2-9]{4}(-[a-z2-9]{4}){4}$/)
  await assert.rejects(at.browser('ann', 'abcd-efgh-jkmn-pqrs-tvwx'))
  const ann = await at.browser('ann', line?.password)
  assert.equal((await ann.get('/chats')).headers.get('location'), '/password')
  const same = { password: line?.password ?? '', repeat: line?.password ?? '' }
  assert.equal((await ann.post('/password', same)).status, 422)
  const own = { password: 'quiet harbour 29', repeat: 'quiet harbour 29' }
  assert.equal((await ann.post('/password', own)).status, 303)
  assert.match(await salt(), /^\$2b\$/)
  assert.doesNotMatch(at.logged(), new RegExp(line?.password ?? 'x'))
})

const NAMES = 'login;firstName;lastName\nolena;Олена;Коваль\n'
const cyrillic = (text: string) =>
  Uint8Array.from(
    [...text].map((c) => {
      const code = c.codePointAt(0) ?? 0
      return code < 0x80 ? code : code - 0x350 // А to я in windows-1251 (RFC 1345)
    }),
  )
const utf16 = (text: string, isBig: boolean) => {
  const little = new Uint8Array(Buffer.from(`\ufeff${text}`, 'utf16le'))
  return isBig ? new Uint8Array(Buffer.from(little).swap16()) : little
}

test('spreadsheets are read in the letters they were written in', async (t) => {
  const at = await castle(t)
  const send = await importing(at)
  const files: [string, Uint8Array][] = [
    ['utf-8', new TextEncoder().encode(NAMES)],
    ['utf-8', new TextEncoder().encode(`\ufeff${NAMES}`)],
    ['utf-16le', utf16(NAMES, false)],
    ['utf-16be', utf16(NAMES, true)],
    ['windows-1251', cyrillic(NAMES)],
  ]
  for (const [encoding, bytes] of files) {
    const told = await send(bytes, '?dryRun=1')
    assert.deepEqual(
      [told.encoding, told.counts],
      [encoding, { create: 1, change: 0, same: 0, refused: 0 }],
    )
  }
  await send(cyrillic(NAMES))
  const { name } = await (await at.script('ada')).json<{ name: string }>('GET', '/people/olena')
  assert.equal(name, 'Олена Коваль')
  const latin = await send(
    Uint8Array.from(Buffer.from('login,firstName,lastName\njoao,João,Conceição\n', 'latin1')),
    '?dryRun=1',
  )
  assert.equal(latin.encoding, 'windows-1252')
})

test('a file that cannot be used says what is wrong with it', async (t) => {
  const at = await castle(t)
  const send = await importing(at)
  const detailOf = async (file: string | Uint8Array, query = '') => {
    const { status, ...answer } = await send(file, query)
    const { error } = answer as unknown as { error: { message: string } }
    return `${status} ${error.message}`
  }
  assert.match(await detailOf(''), /^422 .*empty/)
  assert.match(await detailOf('login\n'), /^422 .*file-empty/)
  assert.match(await detailOf(Uint8Array.from([0x50, 0x4b, 3, 4, 0])), /^422 .*workbook/)
  assert.match(await detailOf(cyrillic(NAMES), '?encoding=utf-8'), /^422 .*not utf-8/)
  assert.match(await detailOf('login,shoe size\nann,42\n'), /^422 .*column-unknown \(shoe size\)/)
  assert.match(await detailOf('login,login\nann,ann\n'), /^422 .*column-twice/)
  assert.match(await detailOf('firstName\nAnn\n'), /^422 .*column-login/)
  assert.match(await detailOf('login\n"ann\nben\n'), /^422 .*quote-open \(2\)/)
  assert.match(await detailOf(`login\n${'a'.repeat(3_000_000)}`), /^422 .*cell-long \(2\)/)
  assert.match(await detailOf('a'.repeat(10_000_000)), /^413 /)
})

test('what is exported is imported again as it was, and no cell of it is a formula', async (t) => {
  const at = await castle(t)
  const script = await at.script('ada')
  const { id } = await at.add('bob')
  const odd = { firstName: '=1+1', lastName: '"Quoted", Name', phone: '+380 44 1', post: "'=x" }
  await script.json('PATCH', `/admin/users/${id}`, odd)
  const answer = await script.call('GET', '/admin/users.csv?q=bob')
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const csv = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  assert.match(csv, /^\ufefflogin,branch,firstName,lastName/)
  assert.match(csv, /bob,Kyiv,'=1\+1,"""Quoted"", Name",,''=x,'\+380 44 1,,employee,\r\n$/)
  const told = await (await importing(at))(bytes, '?dryRun=1')
  assert.deepEqual(told.counts, { create: 0, change: 0, same: 1, refused: 0 })
})

async function choose(at: Castle, browser: Browser, csv: string): Promise<Response> {
  const form = new FormData()
  form.set('file', new File([csv], 'people.csv', { type: 'text/csv' }))
  const headers = { cookie: browser.cookie, 'sec-fetch-site': 'same-origin' }
  return at.ask('/admin/users/import', { method: 'POST', body: form, headers })
}

test('on the page nothing else is done than was shown, and passwords are shown once', async (t) => {
  const at = await castle(t)
  await at.add('bob')
  const bea = await at.add('bea', 'branch-admin')
  const [ada, other] = [await at.browser('ada'), await at.browser('bea')]
  const csv = 'login,firstName,lastName,room,language\nbob,bob,Test,12,\nann,Анна,Нова,,uk\n'
  const path = (await choose(at, ada, csv)).headers.get('location') ?? ''
  assert.match(await (await ada.get(path)).text(), /New <b>1<\/b>.*Changed <b>1<\/b>/s)
  // Whose it is not, does not find it.
  for (const end of ['', '/progress']) assert.equal((await other.get(path + end)).status, 404)
  for (const end of ['/run', '/slips']) assert.equal((await other.post(path + end, {})).status, 404)
  // Meanwhile bob moves to another room.
  const { id } = await (await at.script('ada')).json<{ id: string }>('GET', '/people/bob')
  await (await at.script('ada')).json('PATCH', `/admin/users/${id}`, { room: '7' })
  assert.equal((await ada.post(`${path}/run`, {})).status, 303)
  await until('the import is done', async () =>
    /The import is done/.test(await (await ada.get(path)).text()),
  )
  assert.match(
    await (await ada.get(`${path}?show=refused`)).text(),
    /bob.*Changed since it was shown/s,
  )
  const sheet = await (await ada.post(`${path}/slips`, {})).text()
  assert.match(sheet, /<section class="slip" lang="uk"><h2>Анна Нова<\/h2>.*Тимчасовий пароль/s)
  const password = /Тимчасовий пароль<\/dt><dd><code>([^<]+)/.exec(sheet)?.[1] ?? ''
  await at.browser('ann', password)
  assert.doesNotMatch(await (await ada.post(`${path}/slips`, {})).text(), new RegExp(password))
  assert.doesNotMatch(at.logged(), new RegExp(password))
  assert.equal(bea.login, 'bea')
})

test('an unknown login, a wrong password and one that was imported cost the same work', async (t) => {
  const at = await castle(t)
  await (await importing(at))('login,firstName\nann,Ann\n')
  await at.add('bob')
  const hashes: string[] = []
  const { hasher } = at.core.accounts
  const { seedOf } = hasher
  hasher.seedOf = (password, salt) => {
    hashes.push(salt.slice(0, 4))
    return seedOf(password, salt)
  }
  for (const login of ['nobody', 'bob', 'ann']) {
    hashes.length = 0
    await assert.rejects(at.browser(login, 'wrong lantern 7'))
    assert.deepEqual(hashes, ['$2b$'], login)
  }
  assert.notEqual(PASSWORD, 'wrong lantern 7')
})
