/** What is written into the audit log: by every route of admins, by signing in and out, and never a secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BlobId, ConversationId, FileId, MessageId, UserId } from '../../src/base/ids.ts'
import { MINUTE } from '../../src/base/units.ts'
import { type Castle, PASSWORD, stopTime } from '../attacks/castle.ts'
import { added, branchOnPaper, entriesOf, networkedCastle } from './support.ts'

type Wish = { action: string; path?: string; body: Record<string, unknown> }

const record = {
  ...{ firstName: 'New', lastName: 'Name', department: '', post: '', phone: '', room: '7' },
  role: 'employee',
}

/** Every route of the admin area that changes something: what is asked, and what stands in the log then. */
const CHANGES: Record<string, Wish> = {
  'POST /admin/users': { action: 'account.created', body: { ...record, login: 'new.one' } },
  'POST /admin/users/:id': { action: 'account.edited', body: record },
  'POST /admin/users/:id/disable': { action: 'account.disabled', body: { confirm: 'vic' } },
  'POST /admin/users/:id/enable': { action: 'account.enabled', body: {} },
  'POST /admin/users/:id/password': { action: 'account.password', body: {} },
  'POST /admin/users/:id/second-factor/remove': { action: 'account.factor-removed', body: {} },
  'POST /admin/users/:id/erase': {
    action: 'account.erased',
    body: { erase: 'gone.page', messages: 'keep' },
  },
  'POST /admin/rules': { action: 'policy.changed', body: {} },
  'POST /admin/files/rules': { action: 'policy.changed', body: { refused: 'exe', days: '9' } },
  'POST /admin/files/:id/scan': { action: 'file.scanned-again', body: {} },
  'POST /admin/files/:id/remove': { action: 'file.removed', body: {} },
  'POST /admin/invitations': { action: 'invitation.made', body: { branch: 'Rivne' } },
  'POST /admin/revocations': {
    action: 'branch.revoked',
    body: { revokedBranch: 'Lviv', reason: 'keyCompromise', note: 'stolen' },
  },
  'POST /admin/reports/:id/close': { action: 'report.closed', body: { note: 'Seen' } },
  'POST /admin/reports/:id/open': { action: 'report.opened', body: {} },
  'POST /admin/recovery/read': { action: 'recovery.read', body: {} },
  'POST /admin/certificates/renew': { action: 'certificate.renewed', body: {} },
  'POST /admin/issuers': { action: 'issuer.named', body: { issuer: 'Odesa' } },
  'POST /admin/link-key': { action: 'link-key.changed', body: { confirm: 'Kyiv' } },
  'POST /api/v1/admin/users': {
    action: 'account.created',
    body: { login: 'by.script', name: 'New Name' },
  },
  'POST /api/v1/admin/users/:id/erase': {
    action: 'account.erased',
    body: { login: 'gone.script', messages: 'erase' },
  },
  'PATCH /api/v1/admin/users/:id': { action: 'account.edited', body: { room: '8' } },
  'POST /api/v1/admin/users/:id/disable': { action: 'account.disabled', body: {} },
  'POST /api/v1/admin/users/:id/enable': { action: 'account.enabled', body: {} },
  'POST /api/v1/admin/users/:id/password': { action: 'account.password', body: {} },
  'DELETE /api/v1/admin/users/:id/second-factor': { action: 'account.factor-removed', body: {} },
  'PUT /api/v1/admin/rules': { action: 'policy.changed', body: { secondFactorFor: ['auditor'] } },
  'PUT /api/v1/admin/files/rules': { action: 'policy.changed', body: { refused: [], days: 0 } },
  'POST /api/v1/admin/files/:id/scan': { action: 'file.scanned-again', body: {} },
  'POST /api/v1/admin/invitations': { action: 'invitation.made', body: { branch: 'Sumy' } },
  'POST /api/v1/admin/revocations': {
    action: 'branch.revoked',
    body: { branch: 'Poltava', reason: 'superseded' },
  },
  'POST /api/v1/admin/reports/:id/close': { action: 'report.closed', body: { note: 'Seen' } },
  'POST /api/v1/admin/reports/:id/open': { action: 'report.opened', body: {} },
  'POST /api/v1/admin/certificates/renew': { action: 'certificate.renewed', body: {} },
  'POST /api/v1/admin/issuers': { action: 'issuer.named', body: { branch: 'Dnipro' } },
  'POST /api/v1/admin/link-key': { action: 'link-key.changed', body: {} },
}

/** A dry run changes nothing, and what an import does are the same actions, person by person. */
const OF_IMPORTS = [
  ...['', '/:id/encoding', '/:id/run', '/:id/slips'].map((end) => `POST /admin/users/import${end}`),
  'POST /api/v1/admin/users/import',
]

const isOfAdmins = (path: string) => path.startsWith('/admin') || path.startsWith('/api/v1/admin')

test('every admin route that changes something leaves an entry of who, what and whom', async (t) => {
  const at = await networkedCastle(t)
  const routes = at
    .app()
    .routes.filter(({ method, path }) => !['ALL', 'GET'].includes(method) && isOfAdmins(path))
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !OF_IMPORTS.includes(route))
  assert.deepEqual(Object.keys(CHANGES).sort(), [...new Set(routes)].sort())
  for (const name of ['Lviv', 'Odesa', 'Poltava', 'Dnipro']) await branchOnPaper(at, name)
  const { id: victim } = await at.add('vic')
  const [browser, script] = [await at.browser('ada'), await at.script('ada')]
  const ada = (await at.core.signIns.signInOf(script.token))?.user.id
  for (const [route, { action, body }] of Object.entries(CHANGES)) {
    const [method = '', pattern = ''] = route.split(' ')
    const login = String(body.erase ?? body.login ?? '')
    const target = pattern.endsWith('/erase') ? (await at.add(login)).id : victim
    const path = pattern.replace(':id', target)
    if (pattern.includes('second-factor')) await giveFactor(at, victim)
    if (pattern.includes('/reports/')) await giveReport(at, victim)
    if (pattern.includes('/files/')) await giveFile(at, victim)
    const entries = await added(at, async () => {
      const answer = path.startsWith('/api/v1')
        ? await script.call(method, path.slice('/api/v1'.length), body)
        : await browser.post(path, body as Record<string, string>)
      assert.ok(answer.status < 400, `${route}: ${answer.status} ${await answer.text()}`)
    })
    const [entry] = entries.filter((each) => each.action === action)
    assert.ok(entry, `${route}: ${entries.map((each) => each.action)}`)
    assert.equal(entry.userId, ada, route)
    // A report and a person may have the same id: here one stands for both.
    if (pattern.includes(':id')) assert.equal(entry.subjectId, target, route)
  }
})

/** As if the person had set one up: what is sealed in it nobody reads here. */
async function giveFactor(at: Castle, user: string) {
  await at.core.store.writer.write((tx) =>
    tx
      .updateTable('credential')
      .set({ factor: new Uint8Array(228) })
      .where('userId', '=', user as never)
      .execute(),
  )
}

/** A file that the scanner did not like, and its bytes, under the id of a person: in a message to him. */
async function giveFile(at: Castle, id: string) {
  const ada = await at.script('ada')
  const wish = { kind: 'direct', with: 'vic' }
  const chat = await ada.json<{ id: string }>('POST', '/conversations', wish)
  const sent = await ada.json<{ id: string }>('POST', `/conversations/${chat.id}/messages`, {
    body: 'tool.exe',
  })
  const blob = { size: 1, manifest: null, have: null, state: 'here' as const, sha256: null }
  const verdict = { verdict: 'infected' as const, threat: 'Eicar' }
  const message = { messageId: sent.id as MessageId, conversationId: chat.id as ConversationId }
  const picture = { width: null, height: null, thumbId: null, thumbKey: null }
  await at.core.store.writer.write(async (tx) => {
    await tx
      .insertInto('blob')
      .values({ ...blob, ...verdict, id: id as BlobId, key: null, addedAt: 0, openedAt: 0 })
      .onConflict((on) => on.column('id').doUpdateSet(verdict))
      .execute()
    // Of another author: this id does not follow from him, and an admin takes it away by his right.
    await tx
      .updateTable('message')
      .set({ authorId: id as UserId })
      .where('id', '=', message.messageId)
      .execute()
    await tx
      .insertInto('attachment')
      .values({
        ...{ ...message, ...picture, id: id as FileId, n: 0, blobId: id as BlobId, key: null },
        ...{ sha256: 'ab'.repeat(32), size: 1, name: 'tool.exe', type: 'text/plain' },
        ...{ timeKey: HLC_ZERO, removedAt: null },
      })
      .onConflict((on) => on.doNothing())
      .execute()
  })
}

/** A report of nothing, under the id of a person. */
async function giveReport(at: Castle, id: string) {
  const [reporterId, origin] = [id as UserId, at.core.membership.self]
  const about = { conversationId: 'ab'.repeat(16) as ConversationId, title: 'Vic', note: '' }
  await at.core.store.writer.write((tx) =>
    tx
      .insertInto('report')
      .values({ id, reporterId, origin, ...about, at: HLC_ZERO, count: 0 })
      .onConflict((on) => on.doNothing())
      .execute(),
  )
}

async function lastOf(at: Castle) {
  const last = (await entriesOf(at)).at(-1)
  assert.ok(last)
  const told = (json: string | null) => (json === null ? undefined : JSON.parse(json))
  return { ...last, before: told(last.before), after: told(last.after) }
}

test('an edit holds what changed, before and after, and nothing else', async (t) => {
  const at = await networkedCastle(t)
  const { id } = await at.add('vic')
  const ada = await at.script('ada')
  await ada.json('PATCH', `/admin/users/${id}`, { room: '12', post: 'Clerk' })
  const edited = await lastOf(at)
  const beside = await at.core.store.read
    .selectFrom('audit_told')
    .selectAll()
    .orderBy('n')
    .execute()
  const told = beside.at(-1)
  assert.deepEqual([told?.n, told?.userId], [edited.n, id])
  assert.deepEqual(JSON.parse(told?.text ?? ''), {
    before: { post: '', room: '' },
    after: { post: 'Clerk', room: '12' },
  })
  assert.deepEqual(Object.keys(edited.after), ['told'], 'the chain holds a hash of it')
  assert.equal(edited.subjectName, 'vic')
  assert.deepEqual(
    await added(at, () => ada.json('PATCH', `/admin/users/${id}`, { room: '12' })),
    [],
    'nothing changed',
  )
  await ada.json('PATCH', `/admin/users/${id}`, { role: 'branch-admin' })
  const given = await lastOf(at)
  assert.deepEqual([given.before, given.after], [{ role: 'employee' }, { role: 'branch-admin' }])
})

test('no password, token or key stands in the log', async (t) => {
  const at = await networkedCastle(t)
  const { id } = await at.add('vic')
  const ada = await at.script('ada')
  const chosen = 'river lantern 42'
  const drawn = await ada.json<{ password: string }>('POST', `/admin/users/${id}/password`, {})
  await ada.json('POST', `/admin/users/${id}/password`, { password: chosen, temporary: false })
  const vic = await at.script('vic', chosen)
  const invited = await ada.json<{ invitation: string }>('POST', '/admin/invitations', {
    branch: 'Lviv',
  })
  await at.ask('/api/v1/sign-in', {
    method: 'POST',
    body: JSON.stringify({ login: 'My Secret Phrase!', password: 'another secret 7' }),
    headers: { 'content-type': 'application/json' },
  })
  const text = JSON.stringify(await entriesOf(at))
  const secrets = [PASSWORD, chosen, drawn.password, ada.token, vic.token, invited.invitation]
  for (const secret of [...secrets, 'another secret', 'My Secret']) {
    assert.ok(!text.includes(secret), secret)
  }
})

test('signing in and out is written down, with the device', async (t) => {
  const at = await networkedCastle(t)
  await at.add('vic')
  const entries = await added(at, async () => {
    const vic = await at.script('vic')
    await vic.call('POST', '/sign-out')
  })
  assert.deepEqual(
    entries.map(({ action }) => action),
    ['sign-in', 'sign-out'],
  )
  assert.ok(entries.every(({ userId, subjectId }) => userId !== null && userId === subjectId))
})

async function fail(at: Castle, login: string): Promise<number> {
  const answer = await at.ask('/api/v1/sign-in', {
    method: 'POST',
    body: JSON.stringify({ login, password: 'wrong lantern 1' }),
    headers: { 'content-type': 'application/json' },
  })
  return answer.status
}

test('failed sign-ins are told once, then counted: guessing does not fill the log', async (t) => {
  const at = await networkedCastle(t)
  stopTime(at)
  const { id } = await at.add('vic')
  const entries = await added(at, async () => {
    for (let i = 0; i < 30; i++) assert.ok((await fail(at, 'vic')) >= 400)
  })
  assert.equal(entries.length, 1)
  assert.deepEqual(
    entries.map(({ action, userId, login, subjectId }) => [action, userId, login, subjectId]),
    [['sign-in.failed', null, 'vic', id]],
  )
  const later = at.world.clock.now() + 10 * MINUTE
  at.world.clock.now = () => later
  const counted = await added(at, () => at.core.signIns.flushFailures())
  assert.deepEqual(
    counted.map(({ after }) => JSON.parse(after ?? '').times),
    [29],
  )
})

test('many logins from many machines are one entry beyond the fiftieth', async (t) => {
  const at = await networkedCastle(t)
  stopTime(at)
  const entries = await added(at, async () => {
    for (let i = 0; i < 70; i++) await fail(at, `guess.${i}`)
    await at.core.signIns.flushFailures({ isLast: true })
  })
  const actions = entries.map(({ action }) => action)
  assert.equal(actions.filter((action) => action === 'sign-in.failed').length, 50)
  assert.equal(actions.at(-1), 'sign-in.failed-many')
  assert.equal(JSON.parse(entries.at(-1)?.after ?? '').times, 20)
  assert.equal(entries.length, 51)
})

test('SQLite refuses to change an entry, to take one out, and a gap', async (t) => {
  const at = await networkedCastle(t)
  const { writer } = at.core.store
  const isRefused = (run: () => Promise<unknown>) => assert.rejects(run(), /audit log/)
  await isRefused(() =>
    writer.write((tx) => tx.updateTable('audit').set({ address: 'x' }).execute()),
  )
  await isRefused(() => writer.write((tx) => tx.deleteFrom('audit').execute()))
  const [first] = await entriesOf(at)
  assert.ok(first)
  await isRefused(() =>
    writer.write((tx) =>
      tx
        .insertInto('audit')
        .values({ ...first, n: 1000 })
        .execute(),
    ),
  )
})

test('what is undone leaves no entry', async (t) => {
  const at = await networkedCastle(t)
  const { id } = await at.add('vic')
  const ada = await at.script('ada')
  const entries = await added(at, async () => {
    const own = (await at.core.signIns.signInOf(ada.token))?.user.id
    assert.equal((await ada.call('POST', `/admin/users/${own}/disable`)).status, 403)
    const wish = { room: '5', role: 'no-role' }
    assert.equal((await ada.call('PATCH', `/admin/users/${id}`, wish)).status, 422)
  })
  assert.deepEqual(entries, [])
})

test('what another branch does to our people is written down here too', async (t) => {
  const { twoOffices } = await import('../accounts/office.ts')
  const { disableUser, editUser } = await import('../../src/accounts/actions.ts')
  const { north, south, meet } = await twoOffices(t)
  const ada = await north.people.found('ada', 'organisation-admin')
  await south.people.found('lev', 'branch-admin')
  const sam = await south.people.add(undefined, { login: 'sam' })
  await meet()
  await editUser(north.deps, ada, { id: sam.id, changes: { role: 'auditor' } })
  await disableUser(north.deps, ada, sam.id)
  await meet()
  const rows = (office: typeof north) =>
    office.store.read
      .selectFrom('audit')
      .selectAll()
      .where('subjectId', '=', sam.id)
      .where('action', '!=', 'account.created')
      .orderBy('n')
      .execute()
  const [here, there] = [await rows(south), await rows(north)]
  assert.deepEqual(
    here.map(({ action, branch, userId }) => [action, branch, userId]),
    [
      ['account.role', north.keys.id, ada.id],
      ['account.disabled', north.keys.id, ada.id],
    ],
  )
  assert.deepEqual(JSON.parse(here[1]?.before ?? ''), { disabled: false })
  assert.deepEqual(
    there.map(({ action, branch }) => [action, branch]),
    [
      ['account.role', null],
      ['account.disabled', null],
    ],
  )
})

test('what an operator does by commands is an entry of the operator', async (t) => {
  const at = await networkedCastle(t)
  await branchOnPaper(at, 'Lviv')
  const { operations } = at.branch
  assert.ok(operations)
  const entries = await added(at, async () => {
    await operations.addUser({ login: 'by.hand', firstName: 'By', lastName: 'Hand' })
    await operations.disable('by.hand')
    await operations.invite({ branch: 'Sumy', validMs: MINUTE })
    await operations.rotateLinkKey()
    const { id } = await operations.markBackup(MINUTE)
    await operations.removeBackupMark(id)
    await operations.noteKey('key.exported', { key: 'root', file: '/root/key' })
    await operations.renewCertificate({ newKey: false })
    await operations.nameIssuer('Lviv')
    await operations.revokeBranch({ name: 'Lviv', reason: 'superseded', note: '' })
  })
  const own = entries.filter(
    ({ action, after }) => action !== 'link-key.changed' || !after?.includes('true'),
  )
  assert.deepEqual(
    own.map(({ action }) => action),
    [
      ...['account.created', 'account.disabled', 'invitation.made', 'link-key.changed'],
      ...['backup.made', 'backup.dropped', 'key.exported', 'certificate.renewed'],
      ...['issuer.named', 'branch.revoked'],
    ],
  )
  assert.ok(own.every(({ userId, address }) => userId === null && address === ''))
})
