/**
 * Who may ask what: every route the server has, asked by a stranger, an employee outside the chat, a member of it, a
 * branch admin, an organisation admin and an auditor. A new route without a line in the table fails.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Castle, castle } from './castle.ts'

const CALLERS = [
  ...(['stranger', 'outsider', 'member', 'branchAdmin'] as const),
  ...(['organisationAdmin', 'auditor'] as const),
]
type Caller = (typeof CALLERS)[number]
const LOGINS: Record<Exclude<Caller, 'stranger'>, string> = {
  outsider: 'olga',
  member: 'emil',
  branchAdmin: 'bea',
  organisationAdmin: 'ada',
  auditor: 'rita',
}

type Answers = readonly [string, string, string, string, string, string]
type Line = {
  answers: Answers
  /** What stands for the parameters; the chat and the message of the test when absent. */
  path?: (at: World, caller: Caller) => string
  fields?: (at: World, caller: Caller) => Record<string, string>
  multipart?: boolean
  json?: (at: World, caller: Caller) => unknown
  /** The caller has to sign in again afterwards. */
  endsSignIn?: boolean
}
type World = { chat: string; message: string; file: string; victim: string; other: string }

const DOOR = '303 /sign-in'
type Others = readonly [string, string, string, string, string]
const alike = (answer: string): Others => [answer, answer, answer, answer, answer]
const ofMembers = (answer: string): Others => ['404', answer, '404', '404', '404']
const ofAdmins = (answer: string): Others => ['403', '403', answer, answer, '403']
const ofOrganisationAdmins = (answer: string): Others => ['403', '403', '403', answer, '403']
const ofReaders = (answer: string): Others => ['403', '403', '403', answer, answer]
const everybody = (answer: string): Answers => [answer, ...alike(answer)]
/** Pages. */
const signedIn = (answer: string): Answers => [DOOR, ...alike(answer)]
const members = (answer: string): Answers => [DOOR, ...ofMembers(answer)]
const admins = (answer: string): Answers => [DOOR, ...ofAdmins(answer)]
const organisationAdmins = (answer: string): Answers => [DOOR, ...ofOrganisationAdmins(answer)]
const readers = (answer: string): Answers => [DOOR, ...ofReaders(answer)]
/** The API. */
const readersByToken = (answer: string): Answers => ['401', ...ofReaders(answer)]
const withToken = (answer: string): Answers => ['401', ...alike(answer)]
const membersByToken = (answer: string): Answers => ['401', ...ofMembers(answer)]
const adminsByToken = (answer: string): Answers => ['401', ...ofAdmins(answer)]
const organisationAdminsByToken = (answer: string): Answers => [
  '401',
  ...ofOrganisationAdmins(answer),
]

const message = { fields: () => ({ body: 'Hello' }) }
const record = {
  ...{ firstName: 'New', lastName: 'Name', department: '', post: '', phone: '', room: '' },
  role: 'employee',
}
const ofVictim = (end = '') => ({ path: ({ victim }: World) => `/admin/users/${victim}${end}` })
const ofVictimApi = (end = '') => ({
  path: ({ victim }: World) => `/api/v1/admin/users/${victim}${end}`,
})
const loginOf = (caller: Caller, kind: string) => `new.${kind}.${caller.toLowerCase()}`
const newPassword = { password: 'other lantern 9' }

const TABLE: Record<string, Line> = {
  'GET /healthz': { answers: everybody('200') },
  'GET /readyz': { answers: everybody('200') },
  'GET /static/:file': { answers: everybody('200'), path: () => '/static/app.js' },
  'GET /trust': { answers: everybody('404') }, // plain HTTP: test/tls has the page
  'GET /trust/root.crt': { answers: everybody('404') },
  'GET /trust/root.pem': { answers: everybody('404') },

  'GET /sign-in': { answers: ['200', ...alike('303 /chats')] },
  'POST /sign-in': { answers: everybody('422'), fields: () => ({ login: 'x', password: 'y' }) },
  'GET /sign-in/code': { answers: everybody(DOOR) },
  'POST /sign-in/code': { answers: everybody(DOOR), fields: () => ({ code: '123456' }) },
  'GET /second-factor': { answers: signedIn('200') },
  'POST /second-factor/begin': { answers: signedIn('422'), fields: () => ({ password: 'x' }) },
  'POST /second-factor/confirm': { answers: signedIn('422'), fields: () => ({ code: '1' }) },
  'POST /second-factor/change': {
    answers: signedIn('422'),
    fields: () => ({ password: 'x', code: '1', wish: 'off' }),
  },
  'GET /lock': { answers: [DOOR, ...signedIn('303 /chats').slice(1)] as unknown as Answers },
  'POST /lock': { answers: everybody('303 /lock'), fields: () => ({}) },
  'POST /lock/open': {
    answers: everybody('303 /lock'), // no sign-in of a shared terminal
    fields: ({ other: who }) => ({ who, secret: '4071' }),
  },
  'GET /terminal/pin': { answers: signedIn('303 /profile') },
  'POST /terminal/pin': { answers: signedIn('303 /profile'), fields: () => ({ pin: '4071' }) },
  'POST /sign-out': { answers: everybody(DOOR), fields: () => ({}), endsSignIn: true },
  'GET /password': { answers: signedIn('303 /profile') },
  'POST /password': { answers: signedIn('303 /profile'), fields: () => newPassword },
  'GET /people': { answers: signedIn('200') },
  'GET /people/:id': { answers: signedIn('200'), path: ({ victim }) => `/people/${victim}` },
  'POST /profile/deletion': {
    answers: signedIn('303 /profile'),
    fields: () => ({ wish: 'no' }),
  },
  'GET /profile': { answers: signedIn('200') },
  'POST /profile': {
    answers: signedIn('303 /profile'),
    fields: () => ({ firstName: 'A', lastName: 'B', language: 'en', theme: 'auto' }),
    multipart: true,
  },
  'GET /profile/status': { answers: signedIn('200') },
  'POST /profile/status': { answers: signedIn('303 /profile'), fields: () => ({ text: 'Out' }) },
  'POST /profile/status/clear': { answers: signedIn('303 /profile'), fields: () => ({}) },
  'POST /profile/password': { answers: signedIn('422'), fields: () => ({ current: 'x' }) },
  'POST /profile/sign-ins/:id/end': {
    answers: signedIn('303 /profile'),
    path: ({ other }) => `/profile/sign-ins/${other}/end`,
    fields: () => ({}),
  },
  'POST /profile/sign-ins/at/:branch/end': {
    answers: signedIn('303 /profile'),
    path: ({ other }) => `/profile/sign-ins/at/${other}/end`,
    fields: () => ({}),
  },
  'POST /profile/sign-ins/end-others': { answers: signedIn('303 /profile'), fields: () => ({}) },
  'POST /profile/sign-ins/end-all': {
    answers: everybody(DOOR),
    fields: () => ({}),
    endsSignIn: true,
  },
  'POST /lock/leave': {
    answers: everybody('303 /lock'),
    fields: ({ other: who }) => ({ who }),
    endsSignIn: true,
  },
  'GET /photos/:hash': { answers: signedIn('404'), path: () => `/photos/${'ab'.repeat(32)}` },

  'GET /': { answers: signedIn('303 /chats') },
  'GET /chats': { answers: signedIn('200') },
  'GET /chats/:id': { answers: members('200') },
  'GET /chats/:id/details': { answers: members('200') },
  'GET /chats/:id/older': {
    answers: members('200'),
    path: ({ chat }) => `/chats/${chat}/older?before=${'f'.repeat(32)}`,
  },
  'GET /chats/:id/wait': {
    answers: members('303 /chats'),
    path: ({ chat }) => `/chats/${chat}/wait?after=0`,
  },
  'POST /chats/:id/messages': { answers: members('303 /chats'), ...message },
  'POST /chats/:id/seen': {
    answers: members('204'),
    fields: ({ message }) => ({ upTo: message, mark: 'shown' }),
  },
  'POST /chats/:id/typing': { answers: members('204'), fields: () => ({}) },
  'POST /chats/:id/draft': { answers: members('204'), fields: () => ({ body: 'Hel' }) },
  'GET /chats/new-group': { answers: signedIn('200') },
  'POST /chats/new-group': {
    answers: signedIn('303 /chats'),
    fields: ({ victim }) => ({ title: 'Group', members: victim }),
  },
  'GET /chats/:id/report': { answers: members('200') },
  'POST /chats/:id/report': {
    answers: members('303 /chats'),
    fields: ({ message: messages }) => ({ messages, note: 'Look at this' }),
  },
  'GET /chats/:id/export': { answers: members('200') },
  'GET /chats/:id/clear': { answers: members('200') },
  // The chat of the table is a group: there nobody is blocked or deleted.
  'GET /chats/:id/delete': { answers: signedIn('404') },
  'POST /chats/:id/delete': { answers: signedIn('404'), fields: () => ({}) },
  'GET /chats/:id/block': { answers: signedIn('404') },
  'POST /chats/:id/block': { answers: signedIn('404'), fields: () => ({}) },
  'POST /chats/:id/unblock': { answers: signedIn('404'), fields: () => ({}) },
  'GET /messages/:id/delivery': { answers: members('200') },
  'GET /chats/:id/media': { answers: members('200') },
  'GET /files/:id/view': { answers: members('200') },
  'GET /files/:id/card': { answers: members('200') },
  'GET /files/:id/now': { answers: members('200') },
  'GET /chats/:id/limits': { answers: members('200') },
  'GET /people/add': { answers: signedIn('200') },
  'POST /people/add': { answers: signedIn('303 /chats'), fields: ({ victim: user }) => ({ user }) },
  // Without a sign-in a stream says `bye`; signed in it never tells whether a chat exists.
  'GET /events/page': {
    answers: everybody('200'),
    path: ({ chat }) => `/events/page?chat=${chat}`,
  },

  'GET /admin': { answers: admins('303 /admin') },
  'GET /admin/users': { answers: admins('200') },
  'POST /admin/users': {
    answers: admins('200'),
    fields: (_at, caller) => ({ ...record, ...newPassword, login: loginOf(caller, 'page') }),
  },
  'GET /admin/users/new': { answers: admins('200') },
  'GET /admin/users/export.csv': { answers: admins('200') },
  'GET /admin/users/import': { answers: admins('200') },
  // Without a file the form comes again; an import is only there for who made it.
  'POST /admin/users/import': { answers: admins('422'), fields: () => ({}) },
  'GET /admin/users/import/:id': { answers: admins('404') },
  'GET /admin/users/import/:id/progress': { answers: admins('404') },
  'POST /admin/users/import/:id/encoding': { answers: admins('404'), fields: () => ({}) },
  'POST /admin/users/import/:id/run': { answers: admins('404'), fields: () => ({}) },
  'POST /admin/users/import/:id/slips': { answers: admins('404'), fields: () => ({}) },
  'GET /admin/users/:id': { answers: admins('200'), ...ofVictim() },
  'POST /admin/users/:id': {
    answers: admins('303 /admin'),
    ...ofVictim(),
    fields: () => record,
  },
  'POST /admin/users/:id/disable': {
    answers: admins('303 /admin'),
    ...ofVictim('/disable'),
    fields: () => ({ confirm: 'vic' }),
  },
  'GET /admin/leavers': { answers: admins('200') },
  'POST /admin/users/:id/erase': {
    answers: admins('422'),
    ...ofVictim('/erase'),
    fields: () => ({ erase: 'another', messages: 'keep' }),
  },
  'POST /admin/users/:id/enable': {
    answers: admins('303 /admin'),
    ...ofVictim('/enable'),
    fields: () => ({}),
  },
  'POST /admin/users/:id/second-factor/remove': {
    answers: admins('404'), // there is none
    ...ofVictim('/second-factor/remove'),
    fields: () => ({}),
  },
  'GET /admin/files': { answers: admins('200') },
  'POST /admin/files/rules': {
    answers: organisationAdmins('303 /admin'),
    fields: () => ({ refused: 'exe', days: '0' }),
  },
  'POST /admin/files/:id/scan': { answers: admins('404') },
  'GET /admin/rules': { answers: admins('200') },
  'POST /admin/rules': { answers: organisationAdmins('303 /admin'), fields: () => ({}) },
  'POST /admin/users/:id/password': {
    answers: admins('200'),
    ...ofVictim('/password'),
    fields: () => newPassword,
  },
  'GET /admin/branches': { answers: admins('200') },
  'GET /admin/trace': { answers: admins('200') },
  'GET /admin/audit': { answers: readers('200') },
  'GET /admin/audit/export.csv': { answers: readers('200') },
  'GET /admin/audit/export.jsonl': { answers: readers('200') },
  // Only an organisation admin invites; here the relay is off, so that he is told that there is no address.
  'POST /admin/invitations': {
    answers: organisationAdmins('422'),
    fields: () => ({ branch: 'Lviv' }),
  },
  // Nor does anybody else revoke one; here there is no other.
  'POST /admin/revocations': {
    answers: organisationAdmins('422'),
    fields: () => ({ revokedBranch: 'Lviv', reason: 'keyCompromise', note: '' }),
  },
  'POST /admin/recovery/read': { answers: admins('303 /admin') },
  'POST /admin/certificates/renew': { answers: admins('303 /admin') },
  // Only an organisation admin, and here there is no other branch.
  'POST /admin/issuers': {
    answers: organisationAdmins('422'),
    fields: () => ({ issuer: 'Lviv' }),
  },
  'POST /admin/link-key': {
    answers: organisationAdmins('422'),
    fields: () => ({ confirm: 'another name' }),
  },

  'GET /admin/reports': { answers: readers('200') },
  'GET /admin/reports/:id': { answers: readers('404') },
  'GET /admin/reports/:id/export': { answers: readers('404') },
  'POST /admin/reports/:id/close': { answers: readers('404'), fields: () => ({ note: '' }) },
  'POST /admin/reports/:id/open': { answers: readers('404'), fields: () => ({ note: '' }) },

  'GET /api/v1/openapi.json': { answers: everybody('200') },
  'POST /api/v1/sign-in': {
    answers: everybody('401'),
    // Another one than on the page: so many tries at one login are too many.
    json: () => ({ login: 'z', password: 'y' }),
  },
  'POST /api/v1/sign-out': { answers: withToken('204'), endsSignIn: true },
  'GET /api/v1/me': { answers: withToken('200') },
  'PATCH /api/v1/me': { answers: withToken('200'), json: () => ({ lastName: 'Test' }) },
  'GET /api/v1/me/sign-ins': { answers: withToken('200') },
  'DELETE /api/v1/me/sign-ins/:id': {
    answers: withToken('204'),
    path: ({ other }) => `/api/v1/me/sign-ins/${other}`,
  },
  'DELETE /api/v1/me/sign-ins/at/:branch': {
    answers: withToken('404'),
    path: ({ other }) => `/api/v1/me/sign-ins/at/${other}`,
  },
  'DELETE /api/v1/me/sign-ins': { answers: withToken('204'), endsSignIn: true },
  'GET /api/v1/me/status': { answers: withToken('200') },
  'PUT /api/v1/me/status': { answers: withToken('200'), json: () => ({ text: 'Back' }) },
  'GET /api/v1/people': { answers: withToken('200') },
  'GET /api/v1/people/:login': { answers: withToken('200'), path: () => '/api/v1/people/vic' },
  'GET /api/v1/events': { answers: withToken('200') },
  'GET /api/v1/conversations': { answers: withToken('200') },
  'POST /api/v1/conversations': {
    answers: withToken('201'),
    json: () => ({ kind: 'group', title: 'Group', members: ['vic'] }),
  },
  'GET /api/v1/conversations/:id/messages': { answers: membersByToken('200') },
  'POST /api/v1/conversations/:id/messages': {
    answers: membersByToken('201'),
    json: () => ({ body: 'Hello' }),
  },
  'POST /api/v1/conversations/:id/read': {
    answers: membersByToken('204'),
    json: ({ message: upTo }) => ({ upTo }),
  },
  'POST /api/v1/conversations/:id/typing': { answers: membersByToken('204') },
  'PUT /api/v1/conversations/:id/members/:login': {
    answers: membersByToken('204'),
    path: ({ chat }) => `/api/v1/conversations/${chat}/members/vic`,
  },
  'DELETE /api/v1/conversations/:id/members/:login': {
    answers: membersByToken('204'),
    path: ({ chat }) => `/api/v1/conversations/${chat}/members/vic`,
  },
  'GET /api/v1/contacts': { answers: withToken('200') },
  'PUT /api/v1/contacts/:login': {
    answers: withToken('200'),
    path: () => '/api/v1/contacts/vic',
  },
  'DELETE /api/v1/contacts/:login': {
    answers: withToken('204'),
    path: () => '/api/v1/contacts/vic',
  },
  'GET /api/v1/blocks': { answers: withToken('200') },
  'PUT /api/v1/blocks/:login': { answers: withToken('204'), path: () => '/api/v1/blocks/vic' },
  'DELETE /api/v1/blocks/:login': { answers: withToken('204'), path: () => '/api/v1/blocks/vic' },
  'GET /api/v1/conversations/:id/export': { answers: membersByToken('200') },
  'POST /api/v1/reports': {
    answers: membersByToken('201'),
    json: ({ chat: conversation, message }) => ({ conversation, messages: [message], note: 'x' }),
  },
  'GET /api/v1/admin/reports': { answers: readersByToken('200') },
  'GET /api/v1/admin/reports/:id': { answers: readersByToken('404') },
  'GET /api/v1/admin/reports/:id/export': { answers: readersByToken('404') },
  'POST /api/v1/admin/reports/:id/close': {
    answers: readersByToken('404'),
    json: () => ({ note: '' }),
  },
  'POST /api/v1/admin/reports/:id/open': {
    answers: readersByToken('404'),
    json: () => ({ note: '' }),
  },
  'GET /api/v1/messages/:id/delivery': { answers: membersByToken('200') },
  'POST /api/v1/admin/users': {
    answers: adminsByToken('201'),
    json: (_at, caller) => ({ login: loginOf(caller, 'api'), name: 'New Name' }),
  },
  'GET /api/v1/admin/users.csv': { answers: adminsByToken('200') },
  'POST /api/v1/admin/users/import': { answers: adminsByToken('422'), json: () => ({}) },
  'PATCH /api/v1/admin/users/:id': {
    answers: adminsByToken('200'),
    ...ofVictimApi(),
    json: () => ({ room: '7' }),
  },
  'POST /api/v1/admin/users/:id/disable': {
    answers: adminsByToken('200'),
    ...ofVictimApi('/disable'),
  },
  'GET /api/v1/admin/users/:id/receipts': {
    answers: adminsByToken('200'),
    ...ofVictimApi('/receipts'),
  },
  'POST /api/v1/admin/users/:id/erase': {
    answers: adminsByToken('422'),
    ...ofVictimApi('/erase'),
    json: () => ({ login: 'another' }),
  },
  'POST /api/v1/admin/users/:id/enable': {
    answers: adminsByToken('200'),
    ...ofVictimApi('/enable'),
  },
  'POST /api/v1/admin/users/:id/password': {
    answers: adminsByToken('200'),
    ...ofVictimApi('/password'),
    json: () => ({}),
  },
  'DELETE /api/v1/admin/users/:id/second-factor': {
    answers: adminsByToken('404'),
    ...ofVictimApi('/second-factor'),
  },
  'GET /api/v1/admin/files': { answers: adminsByToken('200') },
  'PUT /api/v1/admin/files/rules': {
    answers: organisationAdminsByToken('200'),
    json: () => ({ refused: [], days: 0 }),
  },
  'POST /api/v1/admin/files/:id/scan': { answers: adminsByToken('404') },
  'GET /api/v1/admin/rules': { answers: adminsByToken('200') },
  'PUT /api/v1/admin/rules': {
    answers: ['401', ...ofOrganisationAdmins('200')],
    json: () => ({ secondFactorFor: [] }),
  },
  'GET /api/v1/admin/branches': { answers: adminsByToken('200') },
  'GET /api/v1/admin/audit': { answers: ['401', ...ofReaders('200')] },
  'GET /api/v1/admin/trace/:id': {
    answers: adminsByToken('404'),
    path: () => `/api/v1/admin/trace/${'ab'.repeat(16)}`,
  },
  'POST /api/v1/admin/invitations': {
    answers: organisationAdminsByToken('422'),
    json: () => ({ branch: 'Lviv' }),
  },
  'GET /api/v1/admin/keys': { answers: adminsByToken('200') },
  'POST /api/v1/admin/certificates/renew': { answers: adminsByToken('200'), json: () => ({}) },
  'POST /api/v1/admin/issuers': {
    answers: organisationAdminsByToken('422'),
    json: () => ({ branch: 'Lviv' }),
  },
  'POST /api/v1/admin/link-key': { answers: organisationAdminsByToken('201') },
  'POST /api/v1/admin/revocations': {
    answers: organisationAdminsByToken('422'),
    json: () => ({ branch: 'Lviv', reason: 'keyCompromise' }),
  },
  // A file that nobody of these is uploading.
  'POST /uploads': { answers: signedIn('201'), fields: () => ({ name: 'a.txt', size: '5' }) },
  'GET /uploads/:id': { answers: signedIn('404') },
  'PATCH /uploads/:id': { answers: signedIn('422') },
  'DELETE /uploads/:id': { answers: signedIn('404') },
  'POST /api/v1/uploads': { answers: withToken('201'), json: () => ({ name: 'a', size: 5 }) },
  'GET /api/v1/uploads/:id': { answers: withToken('404') },
  'PATCH /api/v1/uploads/:id': { answers: withToken('422') },
  'DELETE /api/v1/uploads/:id': { answers: withToken('404') },
  'POST /api/v1/files': { answers: withToken('201') },
  'GET /api/v1/files/:id': { answers: membersByToken('200') },
  'GET /files/:id': { answers: members('200') },
  'GET /files/:id/thumb': { answers: members('200') },
  'GET /files/:id/inline': { answers: members('200') },
  'GET /chats/:id/attach': { answers: members('200') },
  'POST /chats/:id/attach': {
    answers: members('303 /chats'),
    ...{ multipart: true, fields: () => ({ body: 'No files after all' }) },
  },
  // Behind what opens the file: its author takes it away, and who may read reports.
  'GET /files/:id/remove': { answers: members('200') },
  'POST /files/:id/remove': { answers: members('303 /chats') },
  'DELETE /api/v1/files/:id': { answers: ['401', '404', '204', '404', '204', '204'] },
  'POST /admin/files/:id/remove': {
    answers: [DOOR, '403', '403', '404', '303 /admin', '403'],
  },
  // Last: what is cleared cannot be looked at any more.
  'POST /chats/:id/clear': { answers: members('303 /chats'), fields: () => ({}) },
  'POST /api/v1/conversations/:id/clear': { answers: membersByToken('204') },
}

test('every route gives everybody the answer of the table, and no route is missing', async (t) => {
  const at = await castle(t)
  const routes = new Set(
    at
      .app()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  )
  assert.deepEqual(Object.keys(TABLE).sort(), [...routes].sort(), 'a route and a line for each')

  const world = await peopled(at)
  const served = await at.serve()
  const credentials = new Map<string, Record<string, string>>()
  const headersOf = async (caller: Caller, isApi: boolean): Promise<Record<string, string>> => {
    if (caller === 'stranger') return {}
    const key = `${caller} ${isApi}`
    const known = credentials.get(key)
    if (known) return known
    const login = LOGINS[caller]
    const fresh: Record<string, string> = isApi
      ? { authorization: `Bearer ${(await at.script(login)).token}` }
      : { cookie: (await at.browser(login)).cookie }
    credentials.set(key, fresh)
    return fresh
  }
  const wrong: string[] = []
  for (const [route, line] of Object.entries(TABLE)) {
    for (const [i, caller] of CALLERS.entries()) {
      const isApi = route.includes(' /api/')
      const headers = await headersOf(caller, isApi)
      const answer = await asked(served.url, { route, line, caller, world, headers })
      if (line.endsSignIn) for (const api of [true, false]) credentials.delete(`${caller} ${api}`)
      const expected = line.answers[i]
      if (answer !== expected) wrong.push(`${route} as ${caller}: ${answer}, expected ${expected}`)
    }
  }
  assert.deepEqual(wrong, [])
})

/** A GIF of one pixel. */
const PICTURE = new Uint8Array(
  Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
)

async function peopled(at: Castle): Promise<World> {
  for (const login of ['olga', 'emil', 'vic']) await at.add(login)
  await at.add('bea', 'branch-admin')
  await at.add('rita', 'auditor')
  const emil = await at.script('emil')
  const group = { kind: 'group', title: 'Secret', members: ['vic'] }
  const { id: chat } = await emil.json<{ id: string }>('POST', '/conversations', group)
  const said = { body: 'The vault is behind the clock' }
  const path = `/conversations/${chat}/messages`
  const upload = await at.ask('/api/v1/files', {
    ...{ method: 'POST', body: PICTURE },
    headers: { authorization: `Bearer ${emil.token}` },
  })
  const { id: file } = (await upload.json()) as { id: string }
  const { id: written } = await emil.json<{ id: string }>('POST', path, { ...said, files: [file] })
  const { id: victim } = await emil.json<{ id: string }>('GET', '/people/vic')
  return { chat, message: written, file, victim, other: 'ab'.repeat(16) }
}

async function asked(
  url: string,
  of: {
    route: string
    line: Line
    caller: Caller
    world: World
    headers: Record<string, string>
  },
): Promise<string> {
  const { route, line, caller, world } = of
  const [method = '', pattern = ''] = route.split(' ')
  const id = pattern.includes('/messages/:id')
    ? world.message
    : pattern.includes('/files/:id')
      ? world.file
      : world.chat
  const path = line.path?.(world, caller) ?? pattern.replace(':id', id)
  const headers = new Headers(of.headers)
  if (!pattern.startsWith('/api/')) headers.set('sec-fetch-site', 'same-origin')
  const aborter = new AbortController()
  const response = await fetch(url + path, {
    method,
    headers,
    redirect: 'manual',
    signal: aborter.signal,
    ...bodyOf(line, world, caller, headers),
  })
  const location = response.headers.get('location')
  aborter.abort() // streams would never end
  const place = location === null ? '' : ` /${location.split(/[/?#]/)[1]}`
  return `${response.status}${place}`
}

type Body = { body?: string | URLSearchParams | FormData }

function bodyOf(line: Line, world: World, caller: Caller, headers: Headers): Body {
  if (line.json) {
    headers.set('content-type', 'application/json')
    return { body: JSON.stringify(line.json(world, caller)) }
  }
  const fields = line.fields?.(world, caller)
  if (fields === undefined) return {}
  if (!line.multipart) return { body: new URLSearchParams(fields) }
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  return { body: form }
}
