/** Bodies of every kind of event, as their origins write them, and as nobody should. */
import assert from 'node:assert/strict'
import { serialize } from 'node:v8'
import { newSalt } from '../../src/accounts/credentials.ts'
import { userKinds } from '../../src/accounts/events.ts'
import { userLeft } from '../../src/accounts/leaving.ts'
import { userWish } from '../../src/accounts/wishes.ts'
import { createAuditHeads } from '../../src/audit/heads.ts'
import { concat, utf8 } from '../../src/base/bytes.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BranchId, EventId } from '../../src/base/ids.ts'
import { draftPut } from '../../src/chat/drafts.ts'
import { chatKinds } from '../../src/chat/events.ts'
import { fileRemovalKinds } from '../../src/chat/file-removals.ts'
import { historyKinds } from '../../src/chat/history.ts'
import { understand } from '../../src/eventlog/apply.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { bodiesKind } from '../../src/eventlog/missing.ts'
import { refusedKind } from '../../src/eventlog/refused.ts'
import { limitsKind, rulesKind } from '../../src/files/rules.ts'
import { organisationKind } from '../../src/organisation/events.ts'
import { userStatus } from '../../src/presence/status-events.ts'
import { relayKinds } from '../../src/relay/events.ts'
import { tlsKinds } from '../../src/tls/events.ts'
import { realRandom } from '../../src/world/random.ts'
import { NOW, seeded } from '../certificates/cast.ts'
import {
  ID,
  intermediate,
  linkKeyWord,
  north,
  organisation,
  revocation,
  root,
  tlsPoint,
} from './samples.ts'
import { beginBuffers, checkBuffers, checkSize, Otherwise, type Tried, told } from './trying.ts'

const branch = ID as BranchId
const random = seeded('events')
const joined = { user: ID, role: 'owner', joinedAt: HLC_ZERO }
/** A body of every kind of event, as its origin would write it. */
const BODIES: Record<number, object> = {
  513: {
    identity: north.chain.identity.bytes.toBase64(),
    issuer: north.chain.issuer.bytes.toBase64(),
  },
  514: { addresses: ['10.1.2.3:7900'] },
  515: { revocation: revocation.bytes.toBase64(), issuer: north.chain.issuer.bytes.toBase64() },
  517: { name: 'Dovira', rev: 1 },
  518: { key: tlsPoint.toBase64(), names: ['chat.lviv.lan'] },
  519: {
    ...{ branch: ID, answers: HLC_ZERO, names: ['a.lan'] },
    ...{ intermediate: intermediate.toBase64(), root: root.toBase64() },
  },
  520: {
    ...{ statement: linkKeyWord.bytes.toBase64(), issuer: north.chain.issuer.bytes.toBase64() },
    boxes: [{ branch: ID, box: random(80).toBase64() }],
  },
  521: {
    ...{ identity: north.chain.identity.bytes.toBase64() },
    ...{ issuer: north.chain.issuer.bytes.toBase64() },
    identityIssuer: north.chain.issuer.bytes.toBase64(),
  },
  522: { noiseKey: random(32).toBase64() },
  523: {
    ...{ issuer: north.chain.issuer.bytes.toBase64() },
    link: north.chain.link.bytes.toBase64(),
  },
  781: { user: ID, home: ID, login: 'lida', createdAt: 0, messages: 'keep', by: ID },
  782: { user: ID },
  769: {
    ...{ user: ID, home: ID, rev: 1, login: 'lida', firstName: 'Lida', lastName: '', photo: null },
    ...{
      post: '',
      department: '',
      phone: '',
      room: '',
      language: null,
      theme: 'auto',
      createdAt: 0,
    },
  },
  770: {
    ...{
      user: ID,
      epoch: 1,
      rev: 0,
      salt: newSalt({ ...realRandom(), bytes: random }),
      publicKey: 'ab'.repeat(32),
    },
    mustChange: false,
    factor: { sealed: 'ab'.repeat(228), used: 0 },
  },
  771: { user: ID, generation: 1, blocked: true },
  772: { user: ID, branch: ID, epoch: 1, rev: 0, until: NOW, signature: '00'.repeat(64) },
  773: { user: ID, role: 'employee', rev: 5 },
  774: {
    ...{ number: 3, hash: 'ab'.repeat(32) },
    others: [{ branch: ID, number: 1, hash: 'cd'.repeat(32), at: 0 }],
  },
  775: {
    ...{ user: ID, epoch: 1, rev: 0, n: 1, sealed: 'ab'.repeat(228), used: 3 },
    signature: '00'.repeat(64),
  },
  776: { user: ID, branch: ID },
  777: { rev: 1, secondFactorFor: ['auditor'] },
  778: { user: ID, firstName: 'Lida', lastName: '', photo: null, language: 'uk', theme: 'dark' },
  780: { user: ID, text: 'In a meeting', until: NOW, doNotDisturb: true },
  1025: {
    ...{ id: ID, kind: 'group', title: 'Board', createdAt: 0, term: 0, rev: 1, members: [joined] },
  },
  1026: {
    ...{ conversation: ID, author: ID, body: 'Hello', direct: [ID, ID] },
    files: [
      {
        ...{ id: ID, seed: ID, blob: ID, key: 'ab'.repeat(32), sha256: 'cd'.repeat(32), size: 5 },
        ...{ name: 'plan.pdf', type: 'application/pdf', width: 30, height: 20 },
        thumb: { blob: ID, key: 'ef'.repeat(32), size: 900 },
      },
    ],
  },
  1027: {
    ...{ conversation: ID, user: ID, mark: 'read', lastMessage: ID },
    marks: [{ origin: ID, hlc: HLC_ZERO }],
  },
  1040: {
    user: ID,
    stay: HLC_ZERO,
    again: false,
    page: { conversation: ID, timeKey: HLC_ZERO, id: ID },
  },
  1041: { user: ID, stay: HLC_ZERO, chats: [{ conversation: ID, from: HLC_ZERO }] },
  1042: { user: ID, conversation: ID, body: 'Hel', at: HLC_ZERO },
  779: { user: ID, branch: ID },
  1028: { owner: ID, contact: ID, removed: false, at: HLC_ZERO },
  1029: { owner: ID, blocked: ID, on: true, at: HLC_ZERO },
  1030: { owner: ID, conversation: ID, upTo: [{ origin: ID, hlc: HLC_ZERO }] },
  1031: { id: ID, reporter: ID, conversation: ID, title: 'Olena', note: 'Look', count: 1 },
  1032: {
    ...{ report: ID, n: 0 },
    evidence: {
      ...{ origin: ID, author: { id: ID, name: 'Olena', login: 'olena', branch: 'Lviv' } },
      proof: {
        ...{ batch: random(88).toBase64(), hashes: random(64).toBase64(), index: 0 },
        ...{ header: random(68).toBase64(), body: random(80).toBase64() },
        signature: random(64).toBase64(),
      },
    },
  },
  1034: { origin: ID, wants: [ID], gives: [{ event: ID, body: random(80).toBase64() }] },
  1033: { report: ID, by: ID, closed: true, note: 'Done' },
  1281: { sizeMax: 2_147_483_648 },
  1282: { file: ID, message: ID, by: ID, seed: ID },
  1283: { file: ID },
  1284: { rev: 1, refused: ['exe', 'kind:video'], days: 30 },
  1537: { event: ID, origin: ID, reason: 'forged' },
}

const isIssuer = async () => {}
const never = () => assert.fail('nothing is applied here')
const kinds = [
  ...userKinds,
  userStatus,
  ...Object.values(chatKinds({ self: branch })),
  ...[draftPut, userLeft],
  userWish({ self: branch, clock: { now: () => NOW }, append: never }),
  ...historyKinds({
    chats: chatKinds({ self: branch }),
    self: branch,
    append: never,
    forward: never,
  }),
  ...Object.values(relayKinds({ organisation, now: () => NOW, isRevoked: () => false })),
  ...[organisationKind(isIssuer as never), ...Object.values(tlsKinds(isIssuer as never))],
  createAuditHeads({ self: branch, clock: { now: () => NOW } }).kind,
  ...[limitsKind, rulesKind, ...fileRemovalKinds],
  refusedKind(branch),
  bodiesKind({ self: branch, append: never, onWaiting: never }),
] as EventKind<unknown>[]

/** Each kind of event: bodies whose values were changed, and every fourth one its bytes. */
export const EVENTS: readonly Tried[] = kinds.map((kind) => {
  const sample = BODIES[kind.code]
  const table = new Map([[kind.code, kind]])
  const to = kind.scope === 'to' ? [branch] : []
  const header = {
    ...{ id: ID as EventId, kind: kind.code, to, hlc: HLC_ZERO },
    ...{ bodyBytes: 0, bodyHash: random(32) },
  }
  const about = { origin: branch, scope: kind.scope, destination: branch, arrivedAt: NOW }
  const read = (json: Uint8Array) =>
    understand(table, { header, ...about, plain: concat(new Uint8Array(16), json) })
  let count = 0
  return {
    ...{ name: `event ${kind.name}`, isSlow: false, mayRefuse: true },
    begin() {
      assert.ok(sample, `a body for 0x${kind.code.toString(16)}`)
      assert.equal(read(utf8(JSON.stringify(sample))).outcome, undefined)
    },
    once(chance) {
      const value = utf8(JSON.stringify(chance.value(sample)))
      const json = count++ % 4 === 0 ? chance.bytes([value]) : value
      const shown = () => Buffer.from(json).toString()
      const inputBytes = json.length
      beginBuffers()
      try {
        const { outcome, event } = read(json)
        if (outcome) assert.deepEqual(outcome, { state: 'refused', reason: 'malformed' })
        else checkSize(serialize(event.body).length, { inputBytes, shown })
        const allocated = checkBuffers(inputBytes, shown)
        return {
          isAnswer: outcome === undefined,
          inputBytes,
          allocated,
          shown,
          again: () => read(json),
        }
      } catch (error) {
        throw error instanceof Otherwise ? error : new Otherwise(told(error, shown))
      }
    },
  }
})
