/** A branch that was revoked: no link to it lives or opens, nothing it writes is taken, and everybody learns of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import { SECOND } from '../../src/base/units.ts'
import { issueRevocation, parseRevocation } from '../../src/certificates/revocation.ts'
import { Parked } from '../../src/eventlog/events.ts'
import { identityEventBody } from '../../src/relay/events.ts'
import { revokedBranches } from '../../src/relay/revocations.ts'
import { temporaryFolder } from '../db/store.ts'
import { isLinked, type Office, openOffice, organisation, PORT, threeOffices } from './company.ts'

const namesAt = async (office: Office) =>
  (await revokedBranches(office.store.read)).map(({ name }) => name)

const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('a revoked branch loses every link within two seconds, and gets none again', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf } = await threeOffices(t)
  const began = org.clock.now()
  const revoked = await kyiv.revoke('odesa')
  assert.equal(revoked.name, 'Odesa')
  await org.until(() => !isLinked(kyiv, odesa) && !isLinked(lviv, odesa), 'its links are gone')
  assert.ok(org.clock.now() - began < 2 * SECOND, `${org.clock.now() - began} ms`)
  for (const office of [kyiv, lviv]) {
    assert.deepEqual(await namesAt(office), ['Odesa'])
    assert.deepEqual(
      office.relay.links().map(({ name }) => name),
      [office === kyiv ? 'Lviv' : 'Kyiv'],
    )
  }
  org.advance(120 * SECOND)
  await turns()
  assert.equal(odesa.relay.links().filter(({ up }) => up).length, 0, 'it is not let in again')
  await lviv.stop()
  const again = await openOffice({ ...optionsOf.lviv, files: lviv.files })
  await again.relay.start()
  await org.until(() => isLinked(again, kyiv), 'Lviv is back')
  assert.deepEqual(await namesAt(again), ['Odesa'], 'it is known after a restart')
  for (const office of [kyiv, again, odesa]) await office.stop()
})

test('what it wrote before stays; what it writes after is taken from nobody', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  const [mail, before] = ['mail before', 'record before']
  await odesa.post(mail, lviv)
  await odesa.publish(before)
  const seen = (office: Office) => office.record.seen.map(({ body }) => body.text)
  await org.until(() => seen(kyiv).includes(before) && seen(lviv).includes(before), 'all have it')
  // Lviv talks to Odesa and not to Kyiv when Kyiv revokes: it hears of it later, and takes something until then.
  org.network.onWay = (bytes, { hosts }) => (hosts.includes('10.0.0.3') ? bytes : undefined)
  await org.until(() => !isLinked(kyiv, lviv) && isLinked(lviv, odesa), 'Lviv is apart', 500)
  await kyiv.revoke('Odesa')
  await odesa.publish('record after')
  await org.until(() => seen(lviv).includes('record after'), 'Lviv took it')
  org.network.onWay = (bytes) => bytes
  await org.until(async () => (await namesAt(lviv)).length === 1, 'Lviv heard', 100)
  await org.until(() => !isLinked(lviv, odesa), 'and dropped Odesa')
  await odesa.publish('much later')
  org.advance(30 * SECOND)
  await turns()
  assert.deepEqual(seen(kyiv), [before], 'Kyiv does not take from Lviv what lies above the cut')
  assert.ok(!seen(lviv).includes('much later'))
  assert.ok(lviv.texts().includes(mail))
  assert.ok(isLinked(kyiv, lviv), 'nobody is blamed for offering it')
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('a branch that joins later learns of it, and believes what was written before', async (t) => {
  const { org, kyiv, lviv, odesa, odesaChain } = await threeOffices(t)
  await odesa.publish('record before')
  await org.until(() => kyiv.record.seen.length === 1, 'it arrived')
  await kyiv.revoke('Odesa')
  const member = org.admitted('Dnipro')
  // The end of Odesa comes before its beginning, as when they stand in feeds of two boots.
  for (const chain of [odesaChain, member.chain]) {
    const body = identityEventBody(chain)
    await kyiv.store.writer.write((tx) =>
      kyiv.eventLog.append(tx, { kind: kyiv.kinds.branchIdentity, body, to: 'all' }),
    )
  }
  const dnipro = await openOffice({
    ...{ org, folder: temporaryFolder(t), host: '10.0.0.4', member },
    ...{ knows: [org.founder.chain], peers: [`10.0.0.1:${PORT}`] },
  })
  await dnipro.relay.start()
  await org.until(async () => (await namesAt(dnipro)).length === 1, 'Dnipro heard', 100)
  await org.until(() => dnipro.record.seen.length === 1, 'the record came by Kyiv', 100)
  for (const office of [kyiv, lviv, odesa, dnipro]) await office.stop()
})

test('who may not, or names nobody, gets a sentence', async (t) => {
  const { kyiv, lviv, odesa } = await threeOffices(t)
  const detail = (expected: string) => (error: unknown) =>
    error instanceof AppError && (error.detail ?? error.code) === expected
  await assert.rejects(lviv.revoke('Odesa'), detail('forbidden'))
  await assert.rejects(kyiv.revoke('Kyiv'), detail('branch-own'))
  await assert.rejects(kyiv.revoke('Rivne'), detail('branch-unknown'))
  await kyiv.revoke('Odesa')
  await assert.rejects(kyiv.revoke('Odesa'), detail('branch-revoked'))
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('a revocation that was altered, or comes from another, is refused', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  await kyiv.revoke('Odesa')
  const row = await kyiv.store.read.selectFrom('revocation').selectAll().executeTakeFirstOrThrow()
  assert.equal(parseRevocation(row.statement)?.branch, odesa.keys.branch)
  const issuer = org.issuer.certificate.bytes.toBase64()
  const kind = lviv.kinds.branchRevoke
  const say = (office: Office, statement: Uint8Array) =>
    office.store.writer.write((tx) =>
      office.eventLog.append(tx, {
        kind,
        body: { revocation: statement.toBase64(), issuer },
        to: 'all',
      }),
    )
  await assert.rejects(say(lviv, row.statement), /not-an-issuing-branch/)
  const altered = row.statement.slice()
  altered[49] = (altered[49] ?? 0) ^ 1 // the branch it names
  await assert.rejects(say(kyiv, altered), /revocation-not-signed/)
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('of two names that differ in capitals only the very one is revoked', async (t) => {
  const org = organisation()
  const folder = temporaryFolder(t)
  const knows = ['Lviv', 'lviv', 'Odesa'].map((name) => org.admitted(name).chain)
  const member = { member: org.founder, issuer: org.issuer }
  const kyiv = await openOffice({ org, folder, host: '10.0.0.1', ...member, knows })
  await kyiv.relay.start()
  await assert.rejects(kyiv.revoke('LVIV'), /There is no branch/)
  assert.equal((await kyiv.revoke('lviv')).name, 'lviv')
  assert.equal((await kyiv.revoke('Lviv')).name, 'Lviv')
  assert.equal((await kyiv.revoke('ODESA')).name, 'Odesa')
  await kyiv.stop()
})

test('what waited for others when its branch was revoked is not applied any more', async (t) => {
  const { org, kyiv, lviv, odesa } = await threeOffices(t)
  let isAllowed = false
  kyiv.record.refusal = async (_tx, { origin }) => {
    if (origin === odesa.keys.branch && !isAllowed) throw new Parked('waits-for-earlier')
    return undefined
  }
  const stateOf = async () =>
    (await kyiv.store.read.selectFrom('event').where('kind', '=', 0x0301).select('state').execute())
      .map(({ state }) => state)
      .join()
  await odesa.publish('from the thief')
  await org.until(async () => (await stateOf()) === 'parked', 'it waits')
  const cuts = [] as const
  const why = { reason: 'keyCompromise', note: '', cuts, now: org.clock.now() } as const
  const { bytes } = issueRevocation(org.issuer, { branch: odesa.keys.branch, ...why })
  const issuer = org.issuer.certificate.bytes.toBase64()
  const body = { revocation: bytes.toBase64(), issuer }
  const kind = kyiv.kinds.branchRevoke
  await kyiv.store.writer.write((tx) => kyiv.eventLog.append(tx, { kind, body, to: 'all' }))
  assert.equal(await stateOf(), 'refused')
  isAllowed = true
  await lviv.publish('anything')
  await org.until(() => kyiv.record.seen.length === 1, 'the next one came')
  org.advance(SECOND)
  await turns()
  assert.equal(await stateOf(), 'refused,applied')
  for (const office of [kyiv, lviv, odesa]) await office.stop()
})

test('a statement with no time or a note of two lines is none', () => {
  const org = organisation()
  const branch = org.founder.keys.branch
  const say = (note: string, now: number) =>
    issueRevocation(org.issuer, { branch, reason: 'superseded', note, cuts: [], now })
  assert.equal(say('gone', 1).note, 'gone')
  for (const note of ['a\nb', '\u001b[2J', 'x\u202ey', ' x']) assert.throws(() => say(note, 1))
  assert.throws(() => say('gone', 9e15))
})

test('two histories of one feed do not part the branches that each hold one', async (t) => {
  const { org, kyiv, lviv, odesa, optionsOf } = await threeOffices(t)
  await odesa.publish('to both')
  await org.until(() => kyiv.record.seen.length + lviv.record.seen.length === 2, 'both have it')
  await kyiv.relay.stop()
  await odesa.publish('to Lviv alone')
  await org.until(() => lviv.record.seen.length === 2, 'Lviv has it')
  // Kyiv believes another history: what Odesa's key signs there begins with another chain.
  await kyiv.store.writer.write((tx) =>
    tx
      .updateTable('feed')
      .set({ chain: new Uint8Array(32) })
      .where('origin', '=', odesa.keys.branch)
      .where('scope', '=', 'all')
      .execute(),
  )
  await odesa.stop()
  await kyiv.store.close()
  const again = await openOffice({ ...optionsOf.kyiv, files: kyiv.files })
  await again.relay.start()
  await org.until(() => isLinked(again, lviv), 'they are linked')
  await lviv.publish('anything')
  await org.until(() => again.record.seen.length === 1, 'the others go on')
  org.advance(5 * SECOND)
  await turns()
  assert.ok(isLinked(again, lviv), 'nobody is blamed')
  assert.ok(
    again.lines.some(({ name }) => name === 'eventlog.fork'),
    'it is said',
  )
  for (const office of [again, lviv]) await office.stop()
})
