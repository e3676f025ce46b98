/** Reports to the auditors: signed copies that nothing changes, where they go, and files that prove themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkedMessages, evidenceOfReport, getReport } from '../../src/admin/report-queries.ts'
import { AppError } from '../../src/base/errors.ts'
import type { MessageId, UserId } from '../../src/base/ids.ts'
import { verifierOf } from '../../src/certificates/signing.ts'
import { clearHistory, setBlock } from '../../src/chat/contacts.ts'
import { REPORTED_MAX } from '../../src/chat/report-records.ts'
import { decideReport, reportMessages } from '../../src/chat/reports.ts'
import { provedBy } from '../../src/eventlog/proof.ts'
import { companyOf, type Office, type Person } from './cast.ts'

const is = (code: string, detail?: string) => (error: unknown) =>
  error instanceof AppError && error.code === code && (!detail || error.detail === detail)

async function company(t: Parameters<typeof companyOf>[0]) {
  const all = await companyOf(t, 'Kyiv', 'Lviv', 'Odesa')
  const [kyiv, lviv, odesa] = all.offices
  assert(kyiv && lviv && odesa)
  const [ada, bob] = [await kyiv.hire('Ada'), await lviv.hire('Bob')]
  const olga = await odesa.hire('Olga')
  await all.settle()
  const chat = await ada.adds(bob)
  await bob.adds(ada)
  const said: MessageId[] = []
  for (const text of ['one', 'two', 'three']) {
    said.push(await bob.posts(chat, text))
    all.advance(10)
  }
  said.push(await ada.posts(chat, 'stop'))
  await all.settle()
  for (const office of all.offices) await makeAuditor(office, olga)
  return { all, kyiv, lviv, odesa, ada, bob, olga, chat, said }
}

/** The directory of an office says that somebody is an auditor. */
async function makeAuditor({ store }: Office, person: Person) {
  await store.writer.write(async (tx) => {
    await tx.updateTable('user').set({ role: 'auditor' }).where('id', '=', person.id).execute()
  })
}

const reported = async ({ store }: Office) => store.read.selectFrom('report').selectAll().execute()

test('a report reaches the auditor at the third branch with signatures of both others, and nowhere else', async (t) => {
  const { all, kyiv, lviv, odesa, ada, chat, said } = await company(t)
  const [one, , three, stop] = said as [MessageId, MessageId, MessageId, MessageId]
  const wish = { conversation: chat, messages: [one, three, stop], note: 'He threatens me' }
  const id = await reportMessages(kyiv.parts, ada.id, wish)
  await all.settle()
  assert.equal((await reported(lviv)).length, 0, 'the branch of the reported one is not told')
  const found = await getReport(odesa.store.read, id)
  assert.deepEqual(
    [found.by, found.branch, found.title, found.note, found.count, found.arrived, found.isClosed],
    ['Ada', 'Kyiv', 'Bob', 'He threatens me', 3, 3, false],
  )
  const messages = await checkedMessages(
    odesa.store.read,
    await evidenceOfReport(odesa.store.read, id),
    chat,
  )
  assert.deepEqual(
    messages.map(({ by, body, signature }) => [by, body, signature]),
    [
      ['Bob', 'one', { kind: 'verified', branch: 'Lviv' }],
      ['Bob', 'three', { kind: 'verified', branch: 'Lviv' }],
      ['Ada', 'stop', { kind: 'verified', branch: 'Kyiv' }],
    ],
  )
})

test('clearing, blocking and erasing change nothing in the copy; who changes the copy is found out', async (t) => {
  const { all, kyiv, lviv, odesa, ada, bob, chat, said } = await company(t)
  const wish = { conversation: chat, messages: said.slice(0, 1), note: 'Look' }
  const id = await reportMessages(kyiv.parts, ada.id, wish)
  await clearHistory(kyiv.parts, ada.id, chat)
  await setBlock(kyiv.parts, ada.id, { user: bob.id, on: true })
  await all.settle()
  for (const { store } of [kyiv, lviv, odesa]) {
    await store.writer.write(async (tx) => {
      await tx.updateTable('event').set({ body: null }).where('kind', '=', 0x0402).execute()
      await tx.updateTable('message').set({ body: 'something else' }).execute()
    })
  }
  const db = odesa.store.read
  const evidence = await evidenceOfReport(db, id)
  const [shown] = await checkedMessages(db, evidence, chat)
  assert.equal(shown?.body, 'one')
  assert.equal(shown?.signature.kind, 'verified')
  const [first] = evidence
  assert(first)
  const { proof } = first
  const flip = (text: string) => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`)
  for (const part of ['batch', 'hashes', 'header', 'body', 'signature'] as const) {
    const altered = { ...first, proof: { ...proof, [part]: flip(proof[part]) } }
    const [message] = await checkedMessages(db, [altered], chat)
    assert.equal(message?.signature.kind, 'altered', part)
    assert.equal(message?.body, '', 'what is not proved is not shown')
  }
  const other = { ...first, author: { ...first.author, id: ada.id } }
  assert.equal(
    (await checkedMessages(db, [other], chat))[0]?.signature.kind,
    'altered',
    'another author',
  )
  const moved = { ...first, origin: odesa.keys.id }
  assert.equal(
    (await checkedMessages(db, [moved], chat))[0]?.signature.kind,
    'altered',
    'another branch',
  )
  const [elsewhere] = await checkedMessages(db, [first], 'ab'.repeat(16))
  assert.equal(elsewhere?.signature.kind, 'altered', 'of another chat')
  const unknown = { ...first, origin: 'f'.repeat(32) as typeof first.origin }
  assert.equal((await checkedMessages(db, [unknown], chat))[0]?.signature.kind, 'unknown-branch')
})

test('a proof of one message shows nothing of its neighbours in the batch but hashes', async (t) => {
  const { kyiv, lviv, all, ada, bob, chat } = await company(t)
  // One commit, one batch.
  const [secret, shared] = await Promise.all([
    bob.posts(chat, 'a neighbour nobody reported'),
    bob.posts(chat, 'the reported one'),
  ])
  assert(secret)
  await all.settle()
  const wish = { conversation: chat, messages: [shared], note: 'This' }
  const id = await reportMessages(kyiv.parts, ada.id, wish)
  const [evidence] = await evidenceOfReport(kyiv.store.read, id)
  assert(evidence)
  const hashes = Uint8Array.fromBase64(evidence.proof.hashes)
  assert.ok(hashes.length >= 64, 'there is a neighbour')
  const whole = Object.values(evidence.proof)
    .map((part) => (typeof part === 'string' ? Buffer.from(part, 'base64').toString('latin1') : ''))
    .join()
  assert.ok(whole.includes('the reported one'))
  assert.ok(!whole.includes('neighbour'))
  const verify = verifierOf(lviv.keys.signPublicKey)
  assert.ok(provedBy(evidence.proof, lviv.keys.id, verify))
  for (const index of [-1, 1.5, 64, 1e9]) {
    assert.equal(provedBy({ ...evidence.proof, index }, lviv.keys.id, verify), undefined)
  }
})

test('nobody reports what he does not see, nothing, too much, or without a word; the same form twice is one report', async (t) => {
  const { kyiv, ada, bob, olga, chat, said } = await company(t)
  const carol = await kyiv.hire('Carol')
  const report = (who: UserId, messages: string[], note = 'x', id?: string) =>
    reportMessages(kyiv.parts, who, { conversation: chat, messages, note, id })
  await assert.rejects(report(carol.id, said), is('not-found'))
  await assert.rejects(report(olga.id, said), is('not-found'), 'an auditor neither')
  await assert.rejects(report(ada.id, []), is('invalid-input', 'report-empty'))
  const many = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(32, '0'))
  await assert.rejects(report(ada.id, many), is('invalid-input', 'report-many'))
  await assert.rejects(report(ada.id, many.slice(0, REPORTED_MAX)), is('not-found'))
  await assert.rejects(report(ada.id, said, ' \n'), is('invalid-input', 'required'))
  await assert.rejects(report(ada.id, said, 'x'.repeat(2001)), is('invalid-input', 'too-long'))
  await assert.rejects(report(ada.id, ['nonsense']), is('not-found'))
  const other = await ada.adds(carol)
  const elsewhere = await ada.posts(other, 'of another chat')
  await assert.rejects(report(ada.id, [elsewhere]), is('not-found'))
  assert.deepEqual(await reported(kyiv), [])
  const id = 'ab'.repeat(16)
  await Promise.all([report(ada.id, said, 'x', id), report(ada.id, said, 'x', id)])
  assert.equal((await reported(kyiv)).length, 1)
  const chatThere = { conversation: chat, messages: said, note: 'mine', id }
  await assert.rejects(reportMessages(kyiv.parts, bob.id, chatThere), is('not-found'))
})

test('a report of fifty messages of any length arrives whole', async (t) => {
  const { all, kyiv, odesa, ada, bob, chat } = await company(t)
  const texts = Array.from({ length: REPORTED_MAX }, (_, n) => `${n} ${'\u0001'.repeat(3900)}`)
  const messages: MessageId[] = []
  for (const text of texts) messages.push(await bob.posts(chat, text))
  await all.settle()
  const id = await reportMessages(kyiv.parts, ada.id, { conversation: chat, messages, note: 'All' })
  await all.settle()
  const db = odesa.store.read
  const shown = await checkedMessages(db, await evidenceOfReport(db, id), chat)
  assert.deepEqual(
    shown.map(({ body }) => body),
    texts,
  )
})

test('an auditor closes a report with a note and opens it again; all branches agree, nobody else decides', async (t) => {
  const { all, kyiv, odesa, ada, olga, chat, said } = await company(t)
  const id = await reportMessages(kyiv.parts, ada.id, {
    conversation: chat,
    messages: said,
    note: 'x',
  })
  await all.settle()
  await decideReport(odesa.parts, olga, { report: id, closed: true, note: 'Spoke with him' })
  assert.equal((await getReport(odesa.store.read, id)).isClosed, true)
  await decideReport(odesa.parts, olga, { report: id, closed: false, note: '' })
  assert.equal((await getReport(odesa.store.read, id)).isClosed, false)
  const wish = { report: id, closed: true, note: '' }
  await assert.rejects(decideReport(kyiv.parts, ada, wish), is('forbidden'))
  await assert.rejects(
    decideReport(odesa.parts, olga, { ...wish, report: 'f'.repeat(32) }),
    is('not-found'),
  )
})
