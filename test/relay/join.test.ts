/** Joining with an invitation: once, again with the same keys, and every way it is refused. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { AppError } from '../../src/base/errors.ts'
import { HOUR } from '../../src/base/units.ts'
import { decodeInvitation, joinPsk } from '../../src/certificates/invitation.ts'
import { acceptJoin, joinOrganisation } from '../../src/relay/joiner.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder } from '../db/store.ts'
import { keptLog } from '../eventlog/fixture.ts'
import { isLinked, memoryKeys, type Office, openOffice, organisation, PORT } from './company.ts'

async function kyivFor(t: TestContext, { mayIssue = true } = {}) {
  const org = organisation()
  const folder = temporaryFolder(t)
  const kyiv = await openOffice({
    org,
    host: '10.0.0.1',
    folder,
    member: org.founder,
    knows: [],
    ...(mayIssue ? { issuer: org.issuer } : {}),
  })
  t.after(() => kyiv.stop())
  await kyiv.relay.start()
  const invite = (branchName = 'Lviv') =>
    kyiv.relay.createInvitation({ branchName, createdBy: undefined, validMs: HOUR })
  const join = async (line: string, files = memoryKeys(), host = '10.0.0.2') => {
    const parts = { clock: org.clock, random: realRandom(), log: keptLog(), keys: files }
    const joining = joinOrganisation(
      { ...parts, network: org.network.door(host), suites: { least: 1, strongest: 2 } },
      { line, addresses: [`${host}:${PORT}`] },
    )
    const outcome: { done?: true } = {}
    joining.then(
      () => Object.assign(outcome, { done: true }),
      () => Object.assign(outcome, { done: true }),
    )
    await org.until(() => outcome.done === true, 'joining ends')
    return await joining
  }
  return { org, folder, kyiv, invite, join }
}

const fails = (detail: string | undefined, words: RegExp) => (error: AppError) => {
  assert.equal(error.detail, detail)
  assert.match(error.message, words)
  return true
}

test('a branch joins with one line, and both know and link with each other', async (t) => {
  const { org, folder, kyiv, invite, join } = await kyivFor(t)
  const { line } = await invite()
  const files = memoryKeys()
  const admission = await join(line, files)
  assert.equal(admission.joined.identity.name, 'Lviv')
  const { issuer, identity, link } = admission.joined
  const lviv: Office = await openOffice({
    org,
    host: '10.0.0.2',
    folder,
    member: { keys: admission.keys, chain: { issuer, identity, link } },
    knows: [],
    files,
    linkKey: admission.joined.linkKey,
  })
  t.after(() => lviv.stop())
  await lviv.store.writer.write((tx) => acceptJoin(tx, admission))
  await lviv.relay.start()
  await org.until(() => isLinked(lviv, kyiv) && isLinked(kyiv, lviv), 'they are linked')
  await kyiv.post('welcome', lviv)
  await lviv.post('thank you', kyiv)
  await org.until(() => lviv.texts().length > 0 && kyiv.texts().length > 0, 'mail arrives')
  assert.deepEqual(
    kyiv.relay.links().map(({ name }) => name),
    ['Lviv'],
  )
})

test('the same keys asking again get the same answer; other keys hear that it was used', async (t) => {
  const { invite, join } = await kyivFor(t)
  const { line } = await invite()
  const files = memoryKeys()
  const first = await join(line, files)
  const again = await join(line, files)
  assert.deepEqual(again.joined.link.bytes, first.joined.link.bytes)
  await assert.rejects(join(line, memoryKeys()), fails('invitation-used', /used/))
})

test('no secret of an invitation lies in the database: not the psk, not the link key', async (t) => {
  const { org, kyiv, invite, join } = await kyivFor(t)
  const { line } = await invite()
  const decoded = decodeInvitation(line, org.clock.now())
  assert.ok(decoded.ok)
  const { secret } = decoded.invitation
  const { joined } = await join(line)
  assert.deepEqual(joined.linkKey, org.linkKey)
  await kyiv.store.writer.write(async () => {})
  const row = await kyiv.store.read.selectFrom('invitation').selectAll().executeTakeFirstOrThrow()
  const held = [row.answer, row.sealedPsk].map((bytes) => Buffer.from(bytes ?? []))
  for (const secretBytes of [org.linkKey.key, joinPsk(secret), secret]) {
    for (const bytes of held) assert.equal(bytes.indexOf(Buffer.from(secretBytes)), -1)
  }
  assert.ok((row.answer?.length ?? 0) > 0)
})

test('an expired invitation is refused in words by the line itself', async (t) => {
  const { org, invite, join } = await kyivFor(t)
  const { line } = await invite()
  org.advance(2 * HOUR)
  await assert.rejects(join(line), fails('invitation-expired', /expired/))
})

test('an altered line is found before anything is dialled', async (t) => {
  const { invite, join } = await kyivFor(t)
  const { line } = await invite()
  const altered = `${line.slice(0, 60)}${line[60] === 'A' ? 'B' : 'A'}${line.slice(61)}`
  await assert.rejects(join(altered), fails('invitation-unusable', /altered/))
})

test('an invitation that the inviter does not know any more is met with silence', async (t) => {
  const { kyiv, invite, join } = await kyivFor(t)
  const { line } = await invite()
  await kyiv.store.writer.write((tx) => tx.deleteFrom('invitation').execute())
  await assert.rejects(join(line), fails('invitation-unreachable', /does not answer/))
})

test('a branch without the right to issue says so', async (t) => {
  const { invite, join } = await kyivFor(t, { mayIssue: false })
  const { line } = await invite()
  await assert.rejects(join(line), /not-an-issuer/)
})

test('a taken name is refused when the invitation is made', async (t) => {
  const { invite, join } = await kyivFor(t)
  const { line } = await invite()
  await join(line)
  await assert.rejects(invite('Lviv'), /taken/)
})

test('two branches with one invitation at the same time: one gets in', async (t) => {
  const { kyiv, invite, join } = await kyivFor(t)
  const { line } = await invite()
  const both = await Promise.allSettled([
    join(line, memoryKeys(), '10.0.0.2'),
    join(line, memoryKeys(), '10.0.0.3'),
  ])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const rows = await kyiv.store.read.selectFrom('branch').select('name').execute()
  assert.equal(rows.length, 2)
})
