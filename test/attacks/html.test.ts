/**
 * Every page and part of a page, as the server wrote it, is valid HTML: of every route, with much in it and with
 * nothing, with errors, in three languages, for browsers with and without scripts, and what streams bring.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sender } from '../files/sending.ts'
import { htmlFaults } from '../support/html.ts'
import {
  type Browser,
  type Castle,
  castle,
  PASSWORD,
  ruin,
  SETUP_CODE,
  stopTime,
  streamAt,
  until,
} from './castle.ts'

const LANGUAGES = ['en', 'uk', 'pt'] as const
const SCRIPT = { 'hx-request': 'true' }
const TEXT_BROWSER = { 'user-agent': 'w3m/0.5.3' }
const ID = 'ab'.repeat(16)
/** What people may be called and may write. */
const NAME = `O'Neil & "Sons" <b>`
const BODY = `a & b < c > d "e" 'f' </p>\n\nhttps://example.org/?a=1&b=2 &amp; \u0000\u001b`

/** A GIF of one pixel. */
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

const MESSAGES_PER_PAGE = 50

/** Answers of GET that are no HTML. */
const NO_PAGES = [
  ...['/healthz', '/readyz', '/static/:file', '/photos/:hash', '/trust/root.crt'],
  ...['/admin/audit/export.csv', '/admin/audit/export.jsonl'],
  ...['/uploads/:id', '/files/:id', '/files/:id/thumb', '/files/:id/inline'],
  ...['/chats/:id/export', '/chats/:id/limits', '/admin/reports/:id/export'],
  ...['/files/:id', '/files/:id/inline', '/files/:id/thumb'],
  ...['/trust/root.pem', '/events/page', '/', '/admin', '/admin/users/export.csv'],
]

/** Collects what is wrong with answers, each fault once with the first place it was seen at. */
function inspector() {
  const known = new Set<string>()
  const faults = new Map<string, string>()
  return {
    faults: () => [...faults].map(([fault, where]) => `${where}: ${fault}`),
    async look(where: string, answer: Response): Promise<void> {
      const markup = await answer.text()
      const isHtml = /^text\/html/.test(answer.headers.get('content-type') ?? '')
      if (!isHtml) faults.set('no HTML', `${where}: ${answer.status}`)
      // What is drawn anew for each page makes no other page.
      const same = markup.replace(/value="[0-9a-f]{32}"/g, '')
      if (!isHtml || known.has(same)) return
      known.add(same)
      for (const fault of htmlFaults(markup)) {
        if (!faults.has(fault)) faults.set(fault, where)
      }
    },
  }
}

type World = {
  at: Castle
  ada: Browser
  chat: string
  group: string
  /** Longer than a page. */
  long: string
  message: string
  emil: string
  /** A picture, a text, and what browsers do not show. */
  files: string[]
}

async function peopled(t: Parameters<typeof castle>[0]): Promise<World> {
  const at = await castle(t)
  const emil = await at.add('emil')
  await at.add('nina')
  const [ada, script] = [await at.browser('ada'), await at.script('ada')]
  const names = { firstName: NAME, lastName: NAME, department: NAME, post: NAME }
  await script.json('PATCH', `/admin/users/${emil.id}`, { ...names, phone: '1', room: '2' })
  const found = async (wish: object) =>
    (await script.json<{ id: string }>('POST', '/conversations', wish)).id
  const post = async (chat: string, body: string) =>
    (await script.json<{ id: string }>('POST', `/conversations/${chat}/messages`, { body })).id
  const chat = await found({ kind: 'direct', with: 'emil' })
  const long = await found({ kind: 'direct', with: 'nina' })
  const group = await found({ kind: 'group', title: NAME, members: ['emil', 'nina'] })
  const message = await post(chat, BODY)
  await post(group, BODY)
  const sending = await sender(at, 'ada')
  const files: string[] = []
  for (const bytes of [PICTURE, Buffer.from(BODY), new Uint8Array([0, 1, 2])]) {
    files.push((await sending.upload(NAME, new Uint8Array(bytes))).id)
  }
  await sending.send(chat, files, BODY)
  for (let i = 0; i < MESSAGES_PER_PAGE + 2; i++) await post(long, `${i} ${BODY}`)
  return { at, ada, chat, group, long, message, emil: emil.id, files }
}

/** Every GET that shows something, by the route it belongs to. */
function addresses({ chat, group, message, emil, files }: World): [route: string, path: string][] {
  return [
    ['/sign-in', '/sign-in'],
    ['/chats', '/chats'],
    ['/chats', '/chats?find=emil'],
    ['/chats', '/chats?find=nobody'],
    ['/chats/:id', `/chats/${chat}`],
    ['/chats/:id', `/chats/${group}`],
    ['/chats/:id', `/chats/${chat}?find=nobody`],
    ['/chats/:id/attach', `/chats/${chat}/attach`],
    ['/chats/:id/details', `/chats/${chat}/details`],
    ['/chats/:id/details', `/chats/${group}/details`],
    ['/chats/:id/attach', `/chats/${chat}/attach`],
    ...[chat, group].flatMap((id) =>
      ['media', 'files', 'links'].map((kind): [string, string] => [
        '/chats/:id/media',
        `/chats/${id}/media?kind=${kind}`,
      ]),
    ),
    ...files.map((id): [string, string] => ['/files/:id/view', `/files/${id}/view`]),
    ...['remove', 'card', 'now'].map((part): [string, string] => [
      `/files/:id/${part}`,
      `/files/${files[2]}/${part}`,
    ]),
    ['/messages/:id/delivery', `/messages/${message}/delivery`],
    ['/people/add', '/people/add'],
    ['/people/add', '/people/add?q=nina'],
    ['/people/add', '/people/add?q=nobody'],
    ['/chats/new-group', '/chats/new-group'],
    ['/profile', '/profile'],
    ['/profile', '/profile?saved=1'],
    ['/profile/status', '/profile/status'],
    ['/second-factor', '/second-factor'],
    ...['clear', 'delete', 'block', 'report'].map((act): [string, string] => [
      `/chats/:id/${act}`,
      `/chats/${chat}/${act}`,
    ]),
    ['/admin/rules', '/admin/rules'],
    ['/admin/files', '/admin/files'],
    ['/admin/reports', '/admin/reports'],
    ['/profile/status', '/profile/status?saved=1'],
    ['/people', '/people'],
    ['/people', '/people?q=nobody'],
    ['/people/:id', `/people/${emil}`],
    ['/admin/leavers', '/admin/leavers'],
    ['/admin/users', '/admin/users'],
    ['/admin/users', '/admin/users?q=nobody&state=disabled'],
    ['/admin/users/new', '/admin/users/new'],
    ['/admin/users/:id', `/admin/users/${emil}`],
    ['/admin/users/:id', `/admin/users/${emil}?saved=1`],
    ['/admin/users/import', '/admin/users/import'],
    ['/admin/branches', '/admin/branches'],
    ['/admin/trace', '/admin/trace'],
    ['/admin/audit', '/admin/audit?person=ada&failed=yes'],
    ['/admin/audit', '/admin/audit?check=yes'],
    ['/admin/trace', `/admin/trace?id=${message}`],
  ]
}

const ELSEWHERE = { 'sec-fetch-site': 'cross-site' }
/** Looked at elsewhere: test/views/validity.test.ts has /trust, which wants TLS; a long poll answers with a redirect. */
const OTHER_TESTS = [
  // Redirects without a code, a lock or a shared terminal; test/views has their pages, and that of a report.
  ...['/sign-in/code', '/lock', '/terminal/pin', '/admin/reports/:id'],
  ...['/chats/:id/older', '/password', '/trust', '/chats/:id/wait'],
  // In their own test below: an import is there for half an hour.
  ...['/admin/users/import/:id', '/admin/users/import/:id/progress'],
]
const isApi = (path: string) => path.startsWith('/api/') || path.includes('*')

describe('what a branch answers', () => {
  const ending: (() => void | Promise<void>)[] = []
  let world: World

  before(async () => {
    world = await peopled({ after: (fn) => void ending.push(fn) })
    stopTime(world.at)
  })
  after(async () => {
    for (const fn of ending.toReversed()) await fn()
  })

  test('every page of every route is valid, whole and in parts, in three languages', async () => {
    const { at, ada, long } = world
    const seen = inspector()
    const first = await (await ada.get(`/chats/${long}`)).text()
    const older = /\/chats\/[0-9a-f]{32}\/older\?before=[^"&]+/.exec(first)?.[0] ?? ''
    const paths: [string, string][] = [
      ...addresses(world),
      ['/chats/:id', older.replace('/older', '')],
    ]
    for (const language of LANGUAGES) {
      const accept = { 'accept-language': language }
      for (const [route, path] of paths) {
        for (const form of [{}, SCRIPT, TEXT_BROWSER]) {
          const headers = { ...accept, ...form }
          const isOut = route === '/sign-in'
          const answer = await (isOut ? at.ask(path, { headers }) : ada.get(path, headers))
          await seen.look(`${language} ${path} ${JSON.stringify(form)}`, answer)
        }
      }
      await seen.look(`${language} ${older}`, await ada.get(older, { ...accept, ...SCRIPT }))
      await seen.look(`${language} 404`, await ada.get('/nothing/here', accept))
      await seen.look(
        `${language} 404 part`,
        await ada.get(`/chats/${ID}`, { ...accept, ...SCRIPT }),
      )
      await seen.look(
        `${language} 403`,
        await ada.post('/profile', {}, { ...accept, ...ELSEWHERE }),
      )
    }
    assert.deepEqual(seen.faults(), [])
    const shown = new Set([...paths.map(([route]) => route), ...NO_PAGES, ...OTHER_TESTS])
    const routes = at.app().routes.filter(({ method, path }) => method === 'GET' && !isApi(path))
    const unseen = routes.map(({ path }) => path).filter((path) => !shown.has(path))
    assert.deepEqual(unseen, [], 'a route that no test looks at')
  })

  test('the pages of an import are valid from the dry run to the slips', async () => {
    const { at, ada } = world
    const seen = inspector()
    for (const language of LANGUAGES) {
      const accept = { 'accept-language': language }
      const form = new FormData()
      const csv = `login,firstName,room,language\nimported.${language},"${NAME.replaceAll('"', '""')}",,uk\nemil,,,\nemil,,,\nnina,,"${NAME.replaceAll('"', '""')}",\n`
      form.set('file', new File([csv], NAME))
      const headers = { cookie: ada.cookie, 'sec-fetch-site': 'same-origin', ...accept }
      const chosen = await at.ask('/admin/users/import', { method: 'POST', body: form, headers })
      const path = chosen.headers.get('location') ?? ''
      const look = async (end: string) =>
        seen.look(`${language} ${end}`, await ada.get(path + end, accept))
      for (const show of ['', '?show=refused', '?show=create', '?show=change']) await look(show)
      await ada.post(`${path}/run`, {}, accept)
      await look('') // as it is being done
      await until('the import is done', async () => {
        return (await ada.get(`${path}/progress`, SCRIPT)).headers.has('hx-redirect')
      })
      await look('')
      await seen.look(`${language} slips`, await ada.post(`${path}/slips`, {}, accept))
      await seen.look(`${language} no slips`, await ada.post(`${path}/slips`, {}, accept))
      const empty = await at.ask('/admin/users/import', {
        method: 'POST',
        body: new FormData(),
        headers,
      })
      await seen.look(`${language} no file`, empty)
    }
    assert.deepEqual(seen.faults(), [])
  })

  test('forms that come back with errors are valid', async () => {
    const { ada, chat, emil } = world
    const seen = inspector()
    const record = { firstName: '', lastName: NAME, role: 'emperor', phone: 'x'.repeat(500) }
    for (const language of LANGUAGES) {
      const posts: [path: string, fields: Record<string, string>][] = [
        ['/sign-in', { login: NAME, password: NAME, next: '/profile' }],
        ['/profile', { firstName: '', lastName: '', language: 'xx', theme: 'x' }],
        ['/profile/status', { text: 'x'.repeat(81) }],
        ['/profile/password', { current: 'wrong', password: 'short', repeat: 'other' }],
        ['/chats/new-group', { title: '' }],
        ['/chats/new-group', { title: NAME, members: ID }],
        ['/people/add', { user: ID }],
        [`/chats/${chat}/messages`, { body: '' }],
        [`/chats/${chat}/messages`, { body: 'x'.repeat(70_000) }],
        ['/admin/users', { ...record, login: NAME, password: 'short' }],
        [`/admin/users/${emil}`, record],
        [`/admin/users/${emil}/password`, { password: 'short' }],
        [`/admin/users/${emil}/disable`, { confirm: NAME }],
        ['/admin/invitations', { branch: '' }],
        ['/admin/revocations', { revokedBranch: NAME, reason: 'superseded', note: NAME }],
        ['/admin/revocations', { revokedBranch: NAME, reason: 'none' }],
        ['/admin/issuers', { issuer: NAME }],
        ['/admin/link-key', { confirm: NAME }],
      ]
      for (const [path, fields] of posts) {
        for (const form of [{}, SCRIPT, TEXT_BROWSER]) {
          const answer = await ada.post(path, fields, { 'accept-language': language, ...form })
          const what = `${language} ${path} ${JSON.stringify(form)}`
          assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status}`)
          await seen.look(what, answer)
        }
      }
    }
    assert.deepEqual(seen.faults(), [])
  })

  test('a temporary password, a new account and who has nothing yet: valid', async () => {
    const { at, ada } = world
    const seen = inspector()
    for (const language of LANGUAGES) {
      const accept = { 'accept-language': language }
      const login = `new.${language}`
      const record = { firstName: NAME, lastName: NAME, role: 'employee', department: '', post: '' }
      const wish = { ...record, phone: '', room: '', login, password: 'temporary lantern 9' }
      await seen.look('a new account', await ada.post('/admin/users', wish, accept))
      const newcomer = await at.browser(login, 'temporary lantern 9')
      await seen.look('/password', await newcomer.get('/password', accept))
      const wrong = await newcomer.post('/password', { password: 'a', repeat: 'b' }, accept)
      assert.equal(wrong.status, 422)
      await seen.look('/password again', wrong)
      const fresh = { password: PASSWORD, repeat: PASSWORD }
      const inside = await newcomer.post('/password', fresh, accept)
      assert.equal(inside.status, 303)
      const cookie = inside.headers.getSetCookie()[0]?.split(';')[0] ?? ''
      for (const path of ['/chats', '/people/add', '/chats/new-group']) {
        await seen.look(path, await at.ask(path, { headers: { cookie, ...accept } }))
      }
    }
    assert.deepEqual(seen.faults(), [])
  })

  test('what a stream brings is valid', async () => {
    const { at, ada, chat, group } = world
    const served = await at.serve()
    const emil = await at.browser('emil')
    const script = await at.script('emil')
    const streams = await Promise.all(
      LANGUAGES.map((language) =>
        streamAt(served, `/events/page?chat=${chat}`, {
          ...{ cookie: ada.cookie, 'accept-language': language },
        }),
      ),
    )
    const typing = await emil.post(`/chats/${chat}/typing`, {})
    assert.equal(typing.status, 204)
    const told = `/conversations/${chat}/messages`
    const { id } = await script.json<{ id: string }>('POST', told, { body: BODY })
    await script.json('POST', `/conversations/${group}/messages`, { body: BODY })
    await ada.post(`/chats/${chat}/seen`, { upTo: id, mark: 'read' })
    const mine = await ada.post(`/chats/${chat}/messages`, { body: BODY }, SCRIPT)
    assert.deepEqual(htmlFaults(await mine.text()), [], 'the answer to the composer')
    await emil.post(`/chats/${chat}/messages`, { body: 'The last one' })
    for (const stream of streams) {
      await until('the last one is here', () => stream.text().includes('The last one'))
      const blocks = stream
        .text()
        .split('\n\n')
        .map(dataOf)
        .filter((text) => text.startsWith('<'))
      assert.ok(blocks.length >= 4, `${blocks.length} pushes`)
      for (const block of blocks) assert.deepEqual(htmlFaults(block), [])
      stream.close()
    }
  })
})

test('setting up is valid', async (t) => {
  const at = await ruin(t)
  stopTime(at)
  const seen = inspector()
  for (const language of LANGUAGES) {
    const headers = { 'accept-language': language, 'sec-fetch-site': 'same-origin' }
    for (const path of ['/setup', '/setup?choice=join']) {
      await seen.look(path, await at.ask(path, { headers }))
    }
    for (const choice of ['create', 'join']) {
      for (const code of [SETUP_CODE, 'wrong']) {
        const fields = { choice, code, organisation: NAME, branch: NAME, invitation: NAME }
        const admin = { login: NAME, firstName: NAME, lastName: NAME, password: NAME }
        const body = new URLSearchParams({ ...fields, ...admin })
        await seen.look(choice, await at.ask('/setup', { method: 'POST', body, headers }))
      }
    }
  }
  assert.deepEqual(seen.faults(), [])
})

/** The data of a block of a stream (WHATWG HTML, 9.2.6). */
function dataOf(block: string): string {
  const lines = block.split('\n').filter((line) => line.startsWith('data:'))
  return lines.map((line) => line.replace(/^data: ?/, '')).join('\n')
}

test('the check finds what is wrong', async () => {
  const page = (body: string) =>
    `<!doctype html><html lang="en"><head><title>x</title></head><body>${body}</body></html>`
  assert.deepEqual(htmlFaults(page('<p>x</p>')), [])
  for (const wrong of [
    '<p><div>x</div></p>',
    '<i id="a"></i><i id="a"></i>',
    '<label for="nothing">x</label>',
    '<a href="/"><button>x</button></a>',
    '<ul><div>x</div></ul>',
    '<p>a < b</p>',
    '<button type="go">x</button>',
    '<b title="x" title="y">x</b>',
  ]) {
    assert.ok(htmlFaults(page(wrong)).length > 0, wrong)
  }
})
