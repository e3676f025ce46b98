/**
 * Every decoder of what comes from outside, fed from a seed with valid samples that were changed: it answers a value or
 * refuses in its own way, never otherwise, and no answer is larger than what was sent allows.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serialize } from 'node:v8'
import { newSalt } from '../../src/accounts/credentials.ts'
import { deviceOf } from '../../src/accounts/device.ts'
import { userKinds } from '../../src/accounts/events.ts'
import { splitLogin } from '../../src/accounts/logins.ts'
import { concat, FormatError, utf8 } from '../../src/base/bytes.ts'
import { AppError } from '../../src/base/errors.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BranchId, ConversationId, EventId, FeedId, UserId } from '../../src/base/ids.ts'
import { decodeInvitation, encodeInvitation } from '../../src/certificates/invitation.ts'
import { issueLinkKey, parseLinkKeyStatement } from '../../src/certificates/link-key.ts'
import { issueRevocation, parseRevocation } from '../../src/certificates/revocation.ts'
import { openBox, sealBox } from '../../src/certificates/sealed-box.ts'
import { signerOf } from '../../src/certificates/signing.ts'
import { cursorOf, placeOf } from '../../src/chat/cursors.ts'
import { chatKinds } from '../../src/chat/events.ts'
import { understand } from '../../src/eventlog/apply.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import {
  decodeBatch,
  decodeEventHeader,
  encodeBatch,
  encodeBatchHeader,
  encodeEventHeader,
} from '../../src/eventlog/format.ts'
import { decodeOpening, encodeOpening, type Opening } from '../../src/eventlog/opening.ts'
import { ProtocolError } from '../../src/eventlog/protocol-error.ts'
import { refusedKind } from '../../src/eventlog/refused.ts'
import { decodeHead, decodeVector } from '../../src/eventlog/reports.ts'
import { organisationKind } from '../../src/organisation/events.ts'
import {
  decodePresence,
  decodeTyping,
  encodePresence,
  encodeTyping,
} from '../../src/presence/signals.ts'
import { parseAddress } from '../../src/relay/addresses.ts'
import { decodeAnnouncement, encodeAnnouncement } from '../../src/relay/announcement.ts'
import { relayKinds } from '../../src/relay/events.ts'
import {
  Assembly,
  decodeFrames,
  encodeFrames,
  FRAME,
  fragments,
  frame,
  ProtocolClose,
} from '../../src/relay/frames.ts'
import { decodeLinkKey, encodeLinkKey } from '../../src/relay/link-key-frame.ts'
import { type Handshake, HandshakeFailed } from '../../src/relay/noise.ts'
import * as payloads from '../../src/relay/payloads.ts'
import { decodePreface, encodePreface, PREFACE_BYTES } from '../../src/relay/preface.ts'
import { initiator, responder, type Suite } from '../../src/relay/suites.ts'
import { tlsKinds } from '../../src/tls/events.ts'
import { makeIntermediate, makeRoot, newTlsKey } from '../../src/tls/making.ts'
import { serverName } from '../../src/tls/names.ts'
import { isIssuedBy, publicPoint } from '../../src/tls/x509.ts'
import { nextPath } from '../../src/web/errors.ts'
import { fieldsOf } from '../../src/web/form.ts'
import { parseResume } from '../../src/web/sse.ts'
import { realRandom } from '../../src/world/random.ts'
import { languageFrom } from '../../views/language/words.ts'
import { company, NOW, seeded } from '../certificates/cast.ts'
import { fuzz } from '../support/fuzz.ts'
import { determinedKem } from '../support/kem.ts'

const CASES = 2000
/** Handshakes and certificates are counted in milliseconds. */
const SLOW_CASES = 300
/** A value may be this many times what was sent: ids of 16 bytes become 32 characters, with names beside them. */
const GROWTH_MAX = 12
const FIXED_BYTES = 2048

const ID = 'ab'.repeat(16)
const feed = ID as FeedId
const branch = ID as BranchId
const random = seeded('decoders')
const { organisation, north, south, founding } = company()

type Decoder<Sample> = {
  samples: readonly Sample[]
  decode(sample: Sample): unknown
  /** The errors it refuses with; none: it answers undefined. */
  refuses?: readonly (new (
    ...args: never[]
  ) => Error)[]
  cases?: number
}

function sampleBatch(): Uint8Array {
  const body = utf8('0123456789abcdef{"body":"x"}')
  const header = encodeEventHeader({
    ...{ id: ID as EventId, kind: 0x0402, to: [branch], hlc: HLC_ZERO },
    ...{ bodyBytes: body.length - 16, bodyHash: random(32) },
  })
  const events = [
    { header, body },
    { header, body: undefined },
  ]
  const head = { feed, isSealed: false, firstSeq: 1, count: 2, prevChain: random(32) }
  const rest = { lastHlc: HLC_ZERO, keyId: ID.slice(0, 16), headersBytes: 2 * header.length }
  return encodeBatch(encodeBatchHeader({ ...head, ...rest }), events, random(64))
}

function sampleOpening(scope: Opening['scope']): Uint8Array {
  const sealed = { destination: random(80), origin: random(80) }
  const opening = encodeOpening({
    ...{ origin: branch, incarnation: '0f'.repeat(8) as Opening['incarnation'], scope },
    ...{ openedAt: HLC_ZERO, destination: scope === 'to' ? branch : undefined },
    sealed: scope === 'to' ? sealed : undefined,
  })
  return concat(opening, random(64))
}

const settings = payloads.encodeSettings({
  ...{ protocolMin: 1, protocolMax: 1, release: '0.1.0', frameMax: 16_000, suite: 2 },
  ...{ windows: [0, 0, 262_144, 262_144], incarnation: '0f'.repeat(8) as never, hlc: HLC_ZERO },
})
/** Words of ACKVEC and HEAD: numbers beside ids; a u64 of chance would be too large to be one. */
const report = (ids: number, numbers: number) =>
  concat(random(ids * 16), new Uint8Array(numbers * 8), random(64))
const carry = { id: feed, head: 9, carry: { destination: branch, after: 3 } }
const have = { id: feed, floor: 1, head: 9, chain8: random(8) }
const ack = { id: feed, durable: 9, stable: 8, at: HLC_ZERO, via: branch }
const closes = [ProtocolClose]
const keys = {
  prologue: random(62),
  psk: random(32),
  staticKey: random(32),
  ephemeralKey: random(32),
  kemSeed: random(64),
}

const otherKey = random(32)
/** Who encapsulates must do so alike each time, or no message 3 would be right twice. */
const kem = determinedKem(() => otherKey)
const payload = random(100)

/** A side of a handshake that waits for this message, and the message. */
function handshake(suite: Suite, turn: 0 | 1 | 2): { reader: Handshake; message: Uint8Array } {
  const [dialling, answering] = [
    initiator(suite, keys),
    responder(suite, { ...keys, staticKey: otherKey, kem }),
  ]
  const first = dialling.writeMessage(new Uint8Array(0))
  if (turn === 0) return { reader: answering, message: first }
  answering.readMessage(first)
  const second = answering.writeMessage(payload)
  if (turn === 1) return { reader: dialling, message: second }
  dialling.readMessage(second)
  return { reader: answering, message: dialling.writeMessage(payload) }
}

const box = north.keys.box
const tlsKey = newTlsKey(random)
const made = { now: NOW, randomBytes: random }
const root = makeRoot(tlsKey, { organisation: 'Dovira', name: 'Root' }, made)
const wish = {
  point: publicPoint(tlsKey),
  names: ['a.lan'],
  subject: { organisation: 'D', name: 'I' },
}
const intermediate = makeIntermediate({ certificate: root, key: tlsKey }, wish, made)

const linkKey = issueLinkKey(founding.issuer, {
  ...{ epoch: 70_000, key: random(32), isForRevocation: true, revoked: [ID as BranchId], now: NOW },
})
const revocation = issueRevocation(founding.issuer, {
  ...{ branch: south.keys.branch, reason: 'keyCompromise', note: 'Вкрадено', now: NOW },
  cuts: [{ feed, upTo: 7 }],
})

const assembled = (message: Uint8Array) => {
  const assembly = new Assembly(64 * 1024)
  return decodeFrames(message).map((each) => assembly.add(each))
}

const OF_BYTES: Record<string, Decoder<Uint8Array>> = {
  'frames, put together again': {
    samples: [
      encodeFrames([frame(FRAME.PING, random(16)), ...fragments(FRAME.BATCH, random(40_000))]),
      encodeFrames([frame(FRAME.SETTINGS, settings), ...fragments(FRAME.JOIN_RES, random(300))]),
    ],
    decode: assembled,
    refuses: closes,
  },
  SETTINGS: { samples: [settings], decode: payloads.decodeSettings, refuses: closes },
  PING: { samples: [random(16)], decode: payloads.decodePing, refuses: closes },
  GOAWAY: {
    samples: [payloads.encodeGoaway({ code: 7, retryAfter: 5, text: 'Бувай\u202e' })],
    ...{ decode: payloads.decodeGoaway, refuses: closes },
  },
  CREDIT: {
    samples: [payloads.encodeCredit({ class: 2, bytes: 5 })],
    ...{ decode: payloads.decodeCredit, refuses: closes },
  },
  HAVE: {
    samples: [payloads.encodeHaves([have, have])],
    decode: payloads.decodeHaves,
    refuses: closes,
  },
  CARRY: {
    samples: [payloads.encodeCarries([carry, carry])],
    ...{ decode: payloads.decodeCarries, refuses: closes },
  },
  REACH: {
    samples: [payloads.encodeReach([{ branch, hops: 1 }])],
    ...{ decode: payloads.decodeReach, refuses: closes },
  },
  ACKVEC: {
    samples: [
      concat(report(2, 1).slice(0, 40), report(1, 3).slice(0, 40), random(80)),
      report(2, 1),
    ],
    ...{ decode: decodeVector, refuses: [ProtocolError] },
  },
  HEAD: { samples: [report(3, 2)], decode: decodeHead, refuses: [ProtocolError] },
  WANT: {
    samples: [payloads.encodeWant({ id: feed, after: 7, isLive: true, needsOpening: true })],
    ...{ decode: payloads.decodeWant, refuses: closes },
  },
  ACK: { samples: [payloads.encodeAcks([ack, ack])], decode: payloads.decodeAcks, refuses: closes },
  EPH: {
    samples: [payloads.encodeSignal({ kind: 1, key: ID, ttl: 9, body: random(100) })],
    ...{ decode: payloads.decodeSignal, refuses: closes },
  },
  CHUNK_WANT: {
    samples: [payloads.encodeChunkWant(ID)],
    ...{ decode: payloads.decodeChunkWant, refuses: closes },
  },
  CHUNK: {
    samples: [payloads.encodeChunk({ file: ID, offset: 0, data: random(300) })],
    ...{ decode: payloads.decodeChunk, refuses: closes },
  },
  'the preface': {
    samples: [
      encodePreface({ suite: 2, kind: 'link', epoch: 1 }),
      encodePreface({ suite: 2, kind: 'join', joinId: '0f'.repeat(8) }),
    ],
    // The listener reads exactly so many bytes first.
    decode: (bytes) =>
      decodePreface(concat(bytes, new Uint8Array(PREFACE_BYTES)).slice(0, PREFACE_BYTES)),
  },
  'an announcement': {
    samples: [
      encodeAnnouncement(
        { epoch: 1, branch, incarnation: '0f'.repeat(8) as never, port: 7900, at: NOW },
        { sign: signerOf(random(32)), key: random(32) },
      ),
    ],
    decode: decodeAnnouncement,
  },
  'a batch and its headers': {
    samples: [sampleBatch()],
    decode: (bytes) => decodeBatch(bytes).events.map(({ header }) => decodeEventHeader(header)),
    refuses: [ProtocolError],
  },
  'the opening of a feed': {
    samples: [sampleOpening('all'), sampleOpening('to')],
    ...{ decode: decodeOpening, refuses: [ProtocolError] },
  },
  presence: {
    samples: [encodePresence([{ user: ID as UserId, isOnline: true, lastSeenAt: NOW }])],
    ...{ decode: decodePresence, refuses: [FormatError] },
  },
  typing: {
    samples: [encodeTyping(ID as ConversationId, ID as UserId)],
    ...{ decode: decodeTyping, refuses: [FormatError] },
  },
  'a sealed key': {
    ...{ samples: [sealBox(box.publicKey, random(32), random(32))], cases: SLOW_CASES },
    decode: (bytes) => openBox(box, bytes),
  },
  'a revocation': { samples: [revocation.bytes], decode: parseRevocation },
  'the word of a link key': { samples: [linkKey.bytes], decode: parseLinkKeyStatement },
  LINK_KEY: {
    samples: [
      encodeLinkKey({ key: random(32), statement: linkKey, issuer: founding.issuer.certificate }),
    ],
    decode: decodeLinkKey,
    refuses: [ProtocolClose],
  },
  'certificates of HTTPS, the lower one': {
    ...{ samples: [intermediate, root], cases: SLOW_CASES },
    decode: (bytes) => isIssuedBy(bytes, root),
  },
  'certificates of HTTPS, the upper one': {
    ...{ samples: [intermediate, root], cases: SLOW_CASES },
    decode: (bytes) => isIssuedBy(intermediate, bytes),
  },
}

for (const suite of [1, 2] as const) {
  for (const turn of [0, 1, 2] as const) {
    OF_BYTES[`message ${turn + 1} of a handshake of suite ${suite}`] = {
      ...{ samples: [handshake(suite, turn).message], refuses: [HandshakeFailed] },
      ...{ cases: SLOW_CASES / 5, decode: (b) => handshake(suite, turn).reader.readMessage(b) },
    }
  }
}

const line = encodeInvitation({
  ...{ organisation, inviter: north.keys.branch, addresses: ['10.0.0.1:9945', '[fd00::1]:1'] },
  ...{ expiresAt: NOW, secret: random(32) },
})
const cursor = cursorOf({ timeKey: HLC_ZERO, id: ID as never })

const OF_TEXT: Record<string, Decoder<string>> = {
  'an invitation': { samples: [line, ` ${line}\n`], decode: (text) => decodeInvitation(text, NOW) },
  'a cursor': { samples: [cursor], decode: (text) => placeOf(text, 'before'), refuses: [AppError] },
  'a place in a stream': { samples: ['0f0f0f0f-123', '7'], decode: parseResume },
  'an address': {
    samples: ['10.0.0.1:7', '[fd00::1]:9', 'lviv:1'],
    decode: parseAddress,
    refuses: [TypeError],
  },
  'a name of a server': { samples: ['chat.lviv.lan', 'fd00::1', '10.0.0.1'], decode: serverName },
  'a login': { samples: ['olena', 'olena@Kyiv'], decode: splitLogin },
  'a path to go on to': { samples: ['/chats', '/chats?find=a#b'], decode: nextPath },
  'a browser’s languages': { samples: ['uk-UA,uk;q=0.9,en;q=0.8'], decode: languageFrom },
  'the name of a browser': {
    samples: ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36'],
    decode: deviceOf,
  },
  'a form': {
    samples: ['login=olena&password=x&next=%2Fchats&members=a&members=b'],
    decode: (text) => fieldsOf(new URLSearchParams(text)),
  },
}

/** How many were answered and how many refused, when nothing went otherwise. */
function tried<Sample extends Uint8Array | string>(
  name: string,
  { samples, decode, refuses = [], cases = CASES }: Decoder<Sample>,
  next: (samples: readonly Sample[]) => Sample,
): { answered: number; refused: number } {
  const counts = { answered: 0, refused: 0 }
  for (const sample of samples) decode(sample)
  for (let n = 0; n < cases; n++) {
    const sample = next(samples)
    const shown = typeof sample === 'string' ? JSON.stringify(sample) : sample.toHex()
    try {
      const value = decode(sample)
      const bytes = serialize(value ?? null).length
      assert.ok(
        bytes <= GROWTH_MAX * sample.length + FIXED_BYTES,
        `${name}: ${bytes} bytes of ${shown}`,
      )
      counts[value === undefined || value === false ? 'refused' : 'answered'] += 1
    } catch (error) {
      const isRefusal = refuses.some((kind) => error instanceof kind)
      assert.ok(isRefusal, `${name}: ${error} for ${shown.slice(0, 600)}`)
      counts.refused += 1
    }
  }
  return counts
}

for (const [index, [name, decoder]] of Object.entries(OF_BYTES).entries()) {
  test(`bytes: ${name}`, () => {
    const chance = fuzz(index + 1)
    const { answered, refused } = tried(name, decoder, (samples) => chance.bytes(samples))
    assert.ok(answered + refused > 0)
    assert.ok(refused > 0 || decoder.refuses === undefined, 'some are refused')
  })
}

for (const [index, [name, decoder]] of Object.entries(OF_TEXT).entries()) {
  test(`text: ${name}`, () => {
    const chance = fuzz(index + 100)
    tried(name, decoder, (samples) => chance.text(samples))
  })
}

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
  518: { key: publicPoint(tlsKey).toBase64(), names: ['chat.lviv.lan'] },
  519: {
    ...{ branch: ID, answers: HLC_ZERO, names: ['a.lan'] },
    ...{ intermediate: intermediate.toBase64(), root: root.toBase64() },
  },
  520: {
    ...{ statement: linkKey.bytes.toBase64(), issuer: north.chain.issuer.bytes.toBase64() },
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
  },
  771: { user: ID, generation: 1, blocked: true },
  772: { user: ID, branch: ID, epoch: 1, rev: 0, until: NOW, signature: '00'.repeat(64) },
  773: { user: ID, role: 'employee', rev: 5 },
  1025: {
    ...{ id: ID, kind: 'group', title: 'Board', createdAt: 0, term: 0, rev: 1, members: [joined] },
  },
  1026: { conversation: ID, author: ID, body: 'Hello', direct: [ID, ID] },
  1027: {
    ...{ conversation: ID, user: ID, mark: 'read', lastMessage: ID },
    marks: [{ origin: ID, hlc: HLC_ZERO }],
  },
  1028: { owner: ID, contact: ID, removed: false },
  1537: { event: ID, origin: ID, reason: 'forged' },
}

const isIssuer = async () => {}
const kinds = [
  ...userKinds,
  ...Object.values(chatKinds({ self: branch })),
  ...Object.values(relayKinds({ organisation, now: () => NOW, isRevoked: () => false })),
  ...[organisationKind(isIssuer as never), ...Object.values(tlsKinds(isIssuer as never))],
  refusedKind(branch),
] as EventKind<unknown>[]

for (const [index, kind] of kinds.entries()) {
  test(`events: ${kind.name}`, () => {
    const sample = BODIES[kind.code]
    assert.ok(sample, `a body for 0x${kind.code.toString(16)}`)
    const chance = fuzz(index + 200)
    const table = new Map([[kind.code, kind]])
    const to = kind.scope === 'to' ? [branch] : []
    const header = {
      id: ID as EventId,
      kind: kind.code,
      to,
      hlc: HLC_ZERO,
      bodyBytes: 0,
      bodyHash: random(32),
    }
    const about = { origin: branch, scope: kind.scope, destination: branch, arrivedAt: NOW }
    const read = (json: Uint8Array) =>
      understand(table, { header, ...about, plain: concat(new Uint8Array(16), json) })
    assert.equal(
      read(utf8(JSON.stringify(sample))).outcome,
      undefined,
      'what is right is understood',
    )
    const counts = { refused: 0, understood: 0 }
    for (let n = 0; n < CASES / 2; n++) {
      const json = utf8(JSON.stringify(chance.value(sample)))
      const { outcome, event } = read(n % 4 === 0 ? chance.bytes([json]) : json)
      if (outcome) assert.deepEqual(outcome, { state: 'refused', reason: 'malformed' })
      else assert.ok(serialize(event.body).length <= GROWTH_MAX * json.length + FIXED_BYTES)
      counts[outcome ? 'refused' : 'understood'] += 1
    }
    assert.ok(counts.refused > 100 && counts.understood > 20, JSON.stringify(counts))
  })
}
