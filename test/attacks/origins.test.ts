/**
 * Who may originate what, row by row: every kind of event there is, signed by the issuing branch, by the home branch of
 * whom it is about, and by a branch that has nothing to do with it. A new kind without a row fails.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { locationBytes, newSalt, signerOf } from '../../src/accounts/credentials.ts'
import { userKinds, userPut } from '../../src/accounts/events.ts'
import { userLeft } from '../../src/accounts/leaving.ts'
import { userWish } from '../../src/accounts/wishes.ts'
import { createAuditHeads } from '../../src/audit/heads.ts'
import { hex } from '../../src/base/bytes.ts'
import { millisOf } from '../../src/base/hlc.ts'
import type { BranchId, UserId } from '../../src/base/ids.ts'
import { issueIssuerCertificate } from '../../src/certificates/certificate.ts'
import { admit, foundOrganisation, keysShown } from '../../src/certificates/founding.ts'
import { type BranchKeys, generateBranchKeys, signKeyPair } from '../../src/certificates/keys.ts'
import { issueLinkKey } from '../../src/certificates/link-key.ts'
import { issueRevocation } from '../../src/certificates/revocation.ts'
import { draftPut } from '../../src/chat/drafts.ts'
import { chatKinds } from '../../src/chat/events.ts'
import { fileRemovalKinds } from '../../src/chat/file-removals.ts'
import { historyKinds } from '../../src/chat/history.ts'
import { directIdOf, groupIdOf } from '../../src/chat/ids.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { demandIssuer } from '../../src/eventlog/issuers.ts'
import { REFUSED_CODE } from '../../src/eventlog/refused.ts'
import { fileIdOf } from '../../src/files/file-ids.ts'
import { limitsKind, rulesKind } from '../../src/files/rules.ts'
import { organisationKind } from '../../src/organisation/events.ts'
import { userStatus } from '../../src/presence/status-events.ts'
import { identityEventBody, issuerEventBody, relayKinds } from '../../src/relay/events.ts'
import { tlsKinds } from '../../src/tls/events.ts'
import { makeIntermediate, makeRoot, newTlsKey } from '../../src/tls/making.ts'
import { publicPoint } from '../../src/tls/x509.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder } from '../db/store.ts'
import { exchange, handClock, startBranch, type TestBranch } from '../eventlog/fixture.ts'

const random = realRandom()
const ORIGINS = ['issuer', 'home', 'other'] as const
type Origin = (typeof ORIGINS)[number]
/** `applied`, or the reason why not: refused for good, or waiting for what would allow it. */
type Verdicts = readonly [issuer: string, home: string, other: string]

type Row = {
  kind: number
  what: string
  body(at: World, origin: Origin): unknown
  verdicts: Verdicts
}

const seed = new Uint8Array(32).fill(7)
const signer = signerOf(seed)
const salt = newSalt(random)

const record = ({ lida, home }: World, more: object = {}) => ({
  ...{ user: lida, home: home.id, rev: 2, login: 'lida', firstName: 'Lida', lastName: 'Forged' },
  ...{ photo: null, post: '', department: '', phone: '', room: '', language: null },
  ...{ theme: 'auto', createdAt: 0, ...more },
})
const credential = (at: World, more: object = {}) => ({
  ...{ user: at.lida, epoch: 2, rev: 0, salt, publicKey: 'ab'.repeat(32), mustChange: false },
  ...more,
})
const stay = (at: World, branch: BranchId, more: { until?: number; epoch?: number } = {}) => {
  const body = { user: at.lida, branch, epoch: 1, rev: 0, until: at.now() + 1000, ...more }
  return { ...body, signature: hex(signer.sign(locationBytes(body))) }
}
const group = ({ lida, home, ruth }: World, more: object = {}) => ({
  ...{ id: groupIdOf(home.id, random.id()), kind: 'group', title: 'Forged', createdAt: 0 },
  ...{ term: 0, rev: 1, members: [lida, ruth].map((user) => ({ user, role: 'owner', ...JOINED })) },
  ...more,
})
const SEED = 'ab'.repeat(16)
const fileSent = (owner: UserId) => ({
  ...{ id: fileIdOf(owner, SEED), seed: SEED, blob: SEED, key: 'cd'.repeat(32), size: 1 },
  ...{ sha256: 'ef'.repeat(32), name: 'plan', type: 'text/plain' },
})
const removalOf = (owner: UserId) => ({
  ...{ file: fileIdOf(owner, SEED), seed: SEED, message: random.id() },
})
const JOINED = { joinedAt: '0000000000000000' }

const tlsKey = () => newTlsKey((length) => random.bytes(length))
const madeBy = ({ now }: Pick<World, 'now'>) => ({
  ...{ now: now(), randomBytes: (length: number) => random.bytes(length) },
})
const madeRoot = (at: Pick<World, 'now'>) => {
  const key = tlsKey()
  return { key, der: makeRoot(key, { organisation: 'Forged', name: 'Root' }, madeBy(at)) }
}
const certificate = (at: World, { key, der }: ReturnType<typeof madeRoot>) => {
  const names = ['chat.kyiv.lan']
  const subject = { organisation: 'Forged', name: 'Intermediate' }
  const wish = { point: publicPoint(tlsKey()), names, subject }
  const intermediate = makeIntermediate({ certificate: der, key }, wish, madeBy(at))
  return {
    ...{ branch: at.issuer.id, answers: '0'.repeat(16), names, root: der.toBase64() },
    intermediate: intermediate.toBase64(),
  }
}

const TABLE: readonly Row[] = [
  {
    ...{ kind: 0x0201, what: 'a branch that the issuer has signed' },
    body: ({ newcomer }) => newcomer(),
    verdicts: ['applied', 'not-an-issuing-branch', 'not-an-issuing-branch'],
  },
  {
    ...{ kind: 0x0202, what: 'an address, which can only be its own' },
    body: () => ({ addresses: ['10.1.2.3:7900'] }),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0203, what: 'the end of a branch, as the issuer has signed it' },
    body: ({ dismissal }) => dismissal(),
    verdicts: ['applied', 'not-an-issuing-branch', 'not-an-issuing-branch'],
  },
  {
    ...{ kind: 0x0203, what: 'the end of the issuing branch itself' },
    body: ({ dismissal, issuer }) => dismissal(issuer.id),
    verdicts: ['own-branch', 'not-an-issuing-branch', 'not-an-issuing-branch'],
  },
  {
    ...{ kind: 0x0205, what: 'the name of the organisation' },
    body: (_at, origin) => ({ name: `Forged by ${origin}`, rev: 7 }),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0206, what: 'the names it would like to have' },
    body: () => ({ key: publicPoint(tlsKey()).toBase64(), names: ['bank.example'] }),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0207, what: 'a certificate for a name of others' },
    body: (at) => certificate(at, madeRoot(at)),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0207, what: 'a certificate that the root did not sign' },
    body: (at) => ({ ...certificate(at, madeRoot(at)), root: madeRoot(at).der.toBase64() }),
    verdicts: ['not-signed', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0208, what: 'a link key, as the issuer has signed it' },
    body: ({ linkKey }) => linkKey(),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0208, what: 'a link key that nobody signed' },
    body: ({ linkKey }) => linkKey({ isForged: true }),
    verdicts: ['link-key-not-signed', 'link-key-not-signed', 'link-key-not-signed'],
  },
  {
    ...{ kind: 0x0208, what: 'a link key for all but a branch that is none here yet' },
    body: ({ linkKey }) => linkKey({ revoked: [random.id() as BranchId] }),
    verdicts: ['waits-for-revocation', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0209, what: 'an issuing branch, as the root has signed it' },
    body: ({ named }) => named(),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0209, what: 'an issuing branch that an issuing branch would like to have' },
    body: ({ named }) => named({ isForged: true }),
    verdicts: ['other-organisation', 'other-organisation', 'other-organisation'],
  },
  {
    ...{ kind: 0x020a, what: 'a wish for a certificate, which can only be its own' },
    body: () => ({ noiseKey: random.bytes(32).toBase64() }),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x020b, what: 'a certificate, which the asker looks at' },
    body: ({ certified }) => certified(),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0301, what: 'the record of somebody' },
    body: (at) => record(at),
    verdicts: ['not-home', 'applied', 'not-home'],
  },
  {
    ...{ kind: 0x0301, what: 'somebody brought home' },
    body: (at, origin) => record(at, { home: at[origin].id }),
    verdicts: ['not-home', 'applied', 'not-home'],
  },
  {
    ...{ kind: 0x0302, what: 'a new password' },
    body: (at) => credential(at),
    verdicts: ['not-home', 'applied', 'not-home'],
  },
  {
    ...{ kind: 0x0302, what: 'a new password signed by anybody' },
    body: (at) => credential(at, { epoch: 1, rev: 1, signature: '00'.repeat(64) }),
    verdicts: ['signature-wrong', 'applied', 'signature-wrong'],
  },
  {
    ...{ kind: 0x0303, what: 'a block' },
    body: ({ lida: user }) => ({ user, generation: 1, blocked: true }),
    verdicts: ['applied', 'applied', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0304, what: 'a stay that the person has signed for the other branch' },
    body: (at) => stay(at, at.other.id),
    verdicts: ['not-its-branch', 'not-its-branch', 'applied'],
  },
  {
    ...{ kind: 0x0304, what: 'a stay that nobody has signed' },
    body: (at, origin) => ({ ...stay(at, at[origin].id), signature: '00'.repeat(64) }),
    verdicts: ['signature-wrong', 'signature-wrong', 'signature-wrong'],
  },
  {
    ...{ kind: 0x0304, what: 'a stay without an end' },
    body: (at, origin) => stay(at, at[origin].id, { until: 8.64e15 }),
    verdicts: ['until-too-far', 'until-too-far', 'until-too-far'],
  },
  {
    ...{ kind: 0x0305, what: 'a branch admin' },
    body: ({ lida: user }) => ({ user, role: 'branch-admin', rev: 1 }),
    verdicts: ['applied', 'applied', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0305, what: 'an organisation admin' },
    body: ({ lida: user }) => ({ user, role: 'organisation-admin', rev: 1 }),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0305, what: 'a role by a number above all others' },
    body: ({ lida: user }) => ({ user, role: 'employee', rev: 2 ** 31 - 1 }),
    verdicts: ['waits-for-earlier', 'waits-for-earlier', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0305, what: 'an auditor' },
    body: ({ lida: user }) => ({ user, role: 'auditor', rev: 1 }),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    // Of its own log and of what it holds: whoever lies accuses himself.
    ...{ kind: 0x0306, what: 'how far an audit log is' },
    body: ({ home }) => ({
      ...{ number: 3, hash: 'ab'.repeat(32) },
      others: [{ branch: home.id, number: 9, hash: 'cd'.repeat(32), at: 0 }],
    }),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0307, what: 'a second factor switched off that nobody has signed' },
    body: (at) => {
      const { user, epoch, rev } = stay(at, at.other.id)
      return { user, epoch, rev, n: 1, sealed: null, used: 0, signature: '00'.repeat(64) }
    },
    verdicts: ['signature-wrong', 'signature-wrong', 'signature-wrong'],
  },
  {
    ...{ kind: 0x0308, what: 'the end of sign-ins' },
    body: ({ lida: user }) => ({ user }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0309, what: 'rules of the organisation' },
    body: () => ({ rev: 1, secondFactorFor: [] }),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    // Of its own disk: whoever lies gets no files.
    ...{ kind: 0x0501, what: 'the largest file it takes' },
    body: () => ({ sizeMax: 1 }),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0502, what: 'a file taken away in the name of its author' },
    body: ({ lida }) => ({ ...removalOf(lida), by: lida }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0502, what: 'a file taken away by somebody without the right' },
    body: ({ lida }) => ({ file: random.id(), message: random.id(), by: lida }),
    verdicts: ['waits-for-person', 'waits-for-admin', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0502, what: 'a file of one person taken away by another' },
    body: ({ lida, ruth }) => ({ ...removalOf(ruth), by: lida }),
    verdicts: ['waits-for-person', 'not-author', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0503, what: 'the end of a file that nobody took away' },
    body: () => ({ file: random.id() }),
    verdicts: ['waits-for-removal', 'waits-for-removal', 'waits-for-removal'],
  },
  {
    ...{ kind: 0x0504, what: 'rules about files' },
    body: () => ({ rev: 1, refused: ['exe'], days: 1 }),
    verdicts: ['applied', 'waits-for-issuer', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x0401, what: 'a group whose id names the home' },
    body: (at) => group(at),
    verdicts: ['not-its-home', 'applied', 'not-its-home'],
  },
  {
    ...{ kind: 0x0401, what: 'a group with the id of a direct chat' },
    body: (at) => group(at, { id: at.direct, rev: 9 }),
    verdicts: ['wrong-conversation', 'wrong-conversation', 'wrong-conversation'],
  },
  {
    ...{ kind: 0x0401, what: 'the next term of a group that nobody knows' },
    body: (at) => group(at, { term: 1 }),
    verdicts: ['waits-for-conversation', 'waits-for-conversation', 'waits-for-conversation'],
  },
  {
    ...{ kind: 0x0402, what: 'a message of somebody' },
    body: ({ lida, ruth, direct }) => ({
      ...{ conversation: direct, author: lida, body: 'Pay them', direct: [lida, ruth].sort() },
    }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0402, what: 'a message of an own person into a chat of two others' },
    body: ({ lida, ruth, direct, spies }, origin) => ({
      ...{
        conversation: direct,
        author: spies[origin],
        body: 'Hello',
        direct: [lida, ruth].sort(),
      },
    }),
    verdicts: ['not-a-member', 'not-a-member', 'not-a-member'],
  },
  {
    ...{ kind: 0x0402, what: 'the same without saying whose chat it is' },
    body: ({ direct, spies }, origin) => ({
      ...{ conversation: direct, author: spies[origin], body: 'Hello' },
    }),
    verdicts: ['waits-for-conversation', 'waits-for-conversation', 'waits-for-conversation'],
  },
  {
    ...{ kind: 0x0402, what: 'a message of two people under the id of another chat' },
    body: ({ lida, ruth }) => ({
      ...{ conversation: 'cd'.repeat(16), author: lida, body: 'x', direct: [lida, ruth].sort() },
    }),
    verdicts: ['waits-for-person', 'wrong-conversation', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0402, what: 'a message of an own person with a file of another under its own id' },
    body: ({ lida, ruth, direct }) => ({
      ...{ conversation: direct, author: lida, body: 'x', direct: [lida, ruth].sort() },
      files: [fileSent(ruth)],
    }),
    verdicts: ['waits-for-person', 'wrong-file', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0402, what: 'a message of somebody with a file of his' },
    body: ({ lida, ruth, direct }) => ({
      ...{ conversation: direct, author: lida, body: 'x', direct: [lida, ruth].sort() },
      files: [fileSent(lida)],
    }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0403, what: 'that somebody has read' },
    body: ({ lida, direct, receiver }) => ({
      ...{ conversation: direct, user: lida, mark: 'read', lastMessage: 'ab'.repeat(16) },
      marks: [{ origin: receiver.keys.id, hlc: 'ffffffffffffffff' }],
    }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0403, what: 'that an own person has read a chat of two others' },
    body: ({ direct, receiver, spies }, origin) => ({
      ...{ conversation: direct, user: spies[origin], mark: 'read', lastMessage: 'ab'.repeat(16) },
      marks: [{ origin: receiver.keys.id, hlc: 'ffffffffffffffff' }],
    }),
    verdicts: ['waits-for-conversation', 'waits-for-conversation', 'waits-for-conversation'],
  },
  {
    ...{ kind: 0x0404, what: 'a contact of somebody' },
    body: ({ lida: owner, ruth: contact }) => ({ owner, contact, removed: true }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0410, what: "the past of somebody's chats" },
    body: ({ lida: user }) => ({ user, stay: '0'.repeat(16), again: false }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0411, what: 'from when on its part of a chat is whole' },
    body: ({ lida: user, direct: conversation }) => ({
      ...{ user, stay: '0'.repeat(16), chats: [{ conversation, from: '0'.repeat(16) }] },
    }),
    verdicts: ['applied', 'applied', 'applied'],
  },
  {
    ...{ kind: 0x0412, what: 'a draft of somebody' },
    body: ({ lida: user, direct: conversation }) => ({
      ...{ user, conversation, body: 'Pay', at: '0'.repeat(16) },
    }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0405, what: 'that somebody takes no messages from another' },
    body: ({ lida: owner, ruth: blocked }) => ({ owner, blocked, on: true, at: '0'.repeat(16) }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0406, what: 'that somebody hides a history' },
    body: ({ lida: owner, direct: conversation, home }) => ({
      ...{ owner, conversation, upTo: [{ origin: home.id, hlc: 'f'.repeat(16) }] },
    }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x030b, what: 'that somebody has left the home branch' },
    body: ({ lida: user, home }) => ({ user, branch: home.id }),
    verdicts: ['not-its-branch', 'at-home', 'not-its-branch'],
  },
  {
    ...{ kind: 0x030a, what: 'what a guest wants changed, where he is not at home' },
    body: ({ lida: user }) => ({ user, firstName: 'Forged' }),
    verdicts: ['not-home', 'not-home', 'not-home'],
  },
  {
    ...{ kind: 0x030c, what: 'what somebody says of himself' },
    body: ({ lida: user }) => ({ user, text: 'Gone', doNotDisturb: true }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x030d, what: 'that somebody is deleted' },
    body: ({ lida: user, home }) => ({
      ...{ user, home: home.id, login: 'lida', createdAt: 0, messages: 'erase' },
    }),
    verdicts: ['applied', 'applied', 'waits-for-issuer'],
  },
  {
    ...{ kind: 0x030e, what: 'that somebody who is not deleted is erased' },
    body: ({ lida: user }) => ({ user }),
    verdicts: ['waits-for-erasure', 'waits-for-erasure', 'waits-for-erasure'],
  },
  {
    ...{ kind: 0x0407, what: 'a report of somebody' },
    body: ({ lida: reporter, direct: conversation }) => ({
      ...{ id: random.id(), reporter, conversation, title: 'Ruth', note: 'Forged', count: 1 },
    }),
    verdicts: ['waits-for-person', 'applied', 'waits-for-person'],
  },
  {
    ...{ kind: 0x0408, what: 'a message of a report that nobody made' },
    body: ({ lida: id, home }) => ({
      ...{ report: 'ab'.repeat(16), n: 0 },
      evidence: {
        ...{ origin: home.id, author: { id, name: '', login: '', branch: '' } },
        proof: { batch: '', hashes: '', index: 0, header: '', body: '', signature: '' },
      },
    }),
    verdicts: ['waits-for-report', 'waits-for-report', 'waits-for-report'],
  },
  {
    ...{ kind: 0x0409, what: 'what an auditor decided' },
    body: ({ lida: by }) => ({ report: 'ab'.repeat(16), by, closed: true, note: '' }),
    verdicts: ['waits-for-person', 'waits-for-report', 'waits-for-person'],
  },
  {
    ...{ kind: REFUSED_CODE, what: 'a refusal of an event of a third branch' },
    body: ({ home }) => ({ event: 'ab'.repeat(16), origin: home.id, reason: 'forged' }),
    verdicts: ['not-ours', 'not-ours', 'not-ours'],
  },
  {
    // Whoever gives a body: it is believed only if it fits a header that its origin signed.
    ...{ kind: 0x040a, what: 'a body of a record that was never asked for' },
    body: ({ home }) => ({ origin: home.id, gives: [{ event: 'ab'.repeat(16), body: 'AAAA' }] }),
    verdicts: ['applied', 'applied', 'applied'],
  },
]

test('every kind of event has its row', () => {
  const root = join(import.meta.dirname, '../../src')
  const codes = globSync('**/*.ts', { cwd: root }).flatMap((name) => {
    const text = readFileSync(join(root, name), 'utf8')
    return [...text.matchAll(/(?:\bcode: |_CODE = )0x([0-9a-f]{4})\b/g)].map((m) => m[1])
  })
  const rows = new Set(TABLE.map(({ kind }) => kind.toString(16).padStart(4, '0')))
  assert.deepEqual([...new Set(codes)].sort(), [...rows].sort())
})

for (const { kind, what, body, verdicts } of TABLE) {
  test(`0x0${kind.toString(16)}: ${what}`, async (t) => {
    const found: Record<string, string> = {}
    const at = await world(t)
    // The strangest first: what is refused leaves nothing behind for the next.
    for (const origin of ORIGINS.toReversed()) {
      found[origin] = await at.verdictOn(origin, kind, body(at, origin))
    }
    assert.deepEqual(found, Object.fromEntries(ORIGINS.map((origin, i) => [origin, verdicts[i]])))
  })
}

test('the root that people trust is never replaced, not even by an issuing branch', async (t) => {
  const at = await world(t)
  const root = madeRoot(at)
  assert.equal(await at.verdictOn('issuer', 0x0207, certificate(at, root)), 'applied')
  assert.equal(await at.verdictOn('issuer', 0x0207, certificate(at, madeRoot(at))), 'other-root')
  assert.equal(await at.verdictOn('issuer', 0x0207, certificate(at, root)), 'applied')
})

test('only a branch that was sent an event can refuse it', async (t) => {
  const at = await world(t)
  const { receiver, home } = at
  const rita = random.id() as UserId
  const append = (kind: EventKind<unknown>, body: unknown, to: 'all' | BranchId[]) =>
    receiver.store.writer.write((tx) => receiver.log.append(tx, { kind, body, to }))
  const self = receiver.keys.id
  await append(userPut as EventKind<unknown>, record(at, { user: rita, home: self }), 'all')
  const { contactPut } = chatKinds({ self })
  const wish = { owner: rita, contact: at.lida, removed: false }
  const { id } = await append(contactPut as EventKind<unknown>, wish, [home.id])
  const refusals = () => receiver.store.read.selectFrom('refusal').select('branchId').execute()
  const refusal = { event: id, origin: self, reason: 'forged' }
  assert.equal(await at.verdictOn('other', REFUSED_CODE, refusal), 'applied')
  assert.deepEqual(await refusals(), [])
  assert.equal(await at.verdictOn('home', REFUSED_CODE, refusal), 'applied')
  assert.deepEqual(await refusals(), [{ branchId: home.id }])
})

test('numbers as large as they go move neither our clock nor our order', async (t) => {
  const at = await world(t)
  const { lida, ruth, direct, receiver } = at
  const pair = [lida, ruth].sort()
  const post = { conversation: direct, author: lida, body: 'From the future', direct: pair }
  at.setClockOf('home', 2 ** 48 - 70_000)
  assert.equal(await at.verdictOn('home', 0x0402, post), 'applied')
  const drift = millisOf(receiver.log.now()) - at.now()
  assert.ok(drift <= 60_000, `our clock was pulled ${drift} ms ahead`)
  const [message] = await receiver.store.read.selectFrom('message').select('sentAt').execute()
  assert.ok((message?.sentAt ?? 0) <= at.now() + 60_000)
  for (const [kind, body] of [
    [0x0301, record(at, { rev: 2 ** 31 })],
    [0x0301, record(at, { rev: 1e308 })],
    [0x0301, record(at, { createdAt: Number.MAX_SAFE_INTEGER })],
    [0x0302, credential(at, { epoch: 2 ** 53 })],
    [0x0305, { user: lida, role: 'employee', rev: 2 ** 32 }],
    [0x0401, group(at, { rev: 1.5 })],
    [0x0401, group(at, { createdAt: 8.65e15 })],
    [0x0205, { name: 'Dovira', rev: 2 ** 53 }],
  ] as const) {
    assert.equal(await at.verdictOn('home', kind, body), 'malformed', JSON.stringify(body))
  }
})

test('a body of any form breaks nothing', async (t) => {
  const at = await world(t)
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const bodies = [null, 7, 'text', [], {}, { __proto__: null }, { user: { id: 1 } }, deep]
  for (const kind of new Set(TABLE.map((row) => row.kind))) {
    for (const body of bodies) assert.equal(await at.verdictOn('home', kind, body), 'malformed')
  }
})

const never = () => assert.fail('there is no past here')

type World = Awaited<ReturnType<typeof world>>

/** A receiving branch that knows all, and three that write whatever they like. */
async function world(t: { after(fn: () => void | Promise<void>): void }) {
  const time = handClock()
  const now = time.clock.now
  const bytes = (length: number) => random.bytes(length)
  const all = Array.from({ length: 4 }, () => generateBranchKeys(bytes))
  const [issuerKeys, homeKeys, otherKeys, ownKeys] = all as [BranchKeys, ...BranchKeys[]]
  const founding = foundOrganisation(issuerKeys, { name: 'Kyiv', now: now() }, bytes)
  const named = (keys: BranchKeys | undefined, name: string) => {
    if (keys === undefined) throw new Error('No keys')
    const { branch: id, sign, box } = keys
    return {
      ...{ id, name, signKey: sign.secretKey, signPublicKey: sign.publicKey },
      ...{ boxKey: box.secretKey, boxPublicKey: box.publicKey },
    }
  }
  const issuer = named(issuerKeys, 'Kyiv')
  const home = named(homeKeys, 'Lviv')
  const other = named(otherKeys, 'Evil')
  const own = named(ownKeys, 'Odesa')
  const knows = [issuer, home, other, own]
  const organisation = founding.chain.identity.organisation
  const rules: EventKind<unknown>[] = [
    ...userKinds,
    ...Object.values(chatKinds({ self: own.id })),
    ...[userLeft, draftPut, userStatus],
    userWish({ self: own.id, clock: time.clock, append: never }),
    ...historyKinds({
      chats: chatKinds({ self: own.id }),
      self: own.id,
      append: never,
      forward: never,
    }),
    ...Object.values(relayKinds({ organisation, now, isRevoked: () => false })),
    organisationKind(demandIssuer),
    ...Object.values(tlsKinds(demandIssuer)),
    createAuditHeads({ self: own.id, clock: time.clock }).kind,
    ...[limitsKind, rulesKind, ...fileRemovalKinds],
  ] as EventKind<unknown>[]
  const loose = rules.map((kind) => looseKind(kind.code, kind.scope))
  const refusing = looseKind(REFUSED_CODE + 1, 'to')
  const asking = looseKind(REFUSED_CODE + 2, 'to')
  const clocks: Record<Origin, number | undefined> = {
    ...{ issuer: undefined, home: undefined, other: undefined },
  }
  const start = (keys: typeof own, kinds: EventKind<unknown>[], name?: Origin) => {
    const clock = { ...time.clock, now: () => (name && clocks[name]) ?? now() }
    return startBranch({ keys, knows, folder: temporaryFolder(t), clock, kinds })
  }
  const receiver = await start(own, rules)
  const writers: Record<Origin, TestBranch> = {
    issuer: await start(issuer, [...loose, refusing, asking], 'issuer'),
    home: await start(home, [...loose, refusing, asking], 'home'),
    other: await start(other, [...loose, refusing, asking], 'other'),
  }
  t.after(async () => {
    for (const branch of [receiver, ...Object.values(writers)]) await branch.store.close()
  })
  await receiver.store.writer.write(async (tx) => {
    const { serial, branch: branchId, bytes: certificate } = founding.issuer.certificate
    await tx.insertInto('issuer').values({ serial, branchId, certificate }).execute()
  })
  const [lida, ruth] = [random.id() as UserId, random.id() as UserId]
  const direct = directIdOf(lida, ruth)
  const places = { issuer, home, other }
  const spies = { issuer: random.id(), home: random.id(), other: random.id() }
  const given = { lida, ruth, direct, receiver, now, spies, ...places }

  const write = async (origin: Origin, code: number, body: unknown) => {
    const from = writers[origin]
    // The log's own kinds have rules of their own here too: other codes of the same length stand in for them.
    const ownKinds = new Map([
      [REFUSED_CODE, refusing],
      [0x040a, asking],
    ])
    const kind = ownKinds.get(code) ?? loose.find((each) => each.code === code)
    if (kind === undefined) throw new Error(`No kind ${code}`)
    kind.code = code
    const to = kind.scope === 'all' ? ('all' as const) : [own.id]
    const event = await from.store.writer.write((tx) => from.log.append(tx, { kind, body, to }))
    await exchange(from, receiver)
    return event
  }
  const at = {
    ...given,
    newcomer() {
      const keys = generateBranchKeys(bytes)
      const wish = { name: 'New', now: now(), serial: bytes(16) }
      return identityEventBody(admit(founding.issuer, keysShown(keys), wish))
    },
    dismissal(branch = random.id() as BranchId) {
      const why = { reason: 'keyCompromise', note: '', cuts: [], now: now() } as const
      const { bytes: statement } = issueRevocation(founding.issuer, { branch, ...why })
      const issuer = founding.issuer.certificate.bytes.toBase64()
      return { revocation: statement.toBase64(), issuer }
    },
    linkKey({ isForged = false, revoked = [] as BranchId[] } = {}) {
      const how = { epoch: 65_536, key: bytes(32), isForRevocation: false, revoked, now: now() }
      const { certificate } = founding.issuer
      const signer = isForged ? { certificate, secretKey: bytes(32) } : founding.issuer
      const statement = issueLinkKey(signer, how).bytes.toBase64()
      return { statement, issuer: certificate.bytes.toBase64(), boxes: [] }
    },
    certified() {
      const { issuer, link } = founding.chain
      return { issuer: issuer.bytes.toBase64(), link: link.bytes.toBase64() }
    },
    named({ isForged = false } = {}) {
      const keys = generateBranchKeys(bytes)
      const wish = { name: 'New', now: now(), serial: bytes(16) }
      const { identity, issuer } = admit(founding.issuer, keysShown(keys), wish)
      const root = isForged ? signKeyPair(bytes(32)) : founding.root
      const subject = { branch: keys.branch, issuerPublicKey: keys.sign.publicKey }
      const certificate = issueIssuerCertificate(root, {
        ...{ ...subject, serial: bytes(16), now: now() },
      })
      return issuerEventBody({ issuer: certificate, identity, identityIssuer: issuer })
    },
    setClockOf(origin: Origin, to: number) {
      clocks[origin] = to
    },
    async verdictOn(origin: Origin, code: number, body: unknown): Promise<string> {
      const { id } = await write(origin, code, body)
      const row = await receiver.store.read
        .selectFrom('event')
        .where('id', '=', Buffer.from(id, 'hex'))
        .select(['state', 'reason'])
        .executeTakeFirstOrThrow()
      return row.state === 'applied' ? 'applied' : (row.reason ?? row.state)
    },
  }
  const base = { ...record(given as never), rev: 1, lastName: '' }
  await write('home', 0x0301, base)
  const first = { epoch: 1, publicKey: hex(signer.publicKey) }
  await write('home', 0x0302, credential(given as never, first))
  await write('issuer', 0x0301, { ...base, user: ruth, home: issuer.id, login: 'ruth' })
  for (const origin of ORIGINS) {
    const spy = { user: spies[origin], home: places[origin].id, login: 'spy' }
    await write(origin, 0x0301, { ...base, ...spy })
  }
  await write('home', 0x0404, { owner: lida, contact: ruth, removed: false })
  return at
}

/** Writes anything: what a branch does that an attacker has taken. */
function looseKind(code: number, scope: 'all' | 'to'): EventKind<unknown> & { code: number } {
  return {
    ...{ code, name: `loose.${code}`, scope },
    parse: (body) => body,
    refusal: async () => undefined,
    apply: async () => {},
  }
}
