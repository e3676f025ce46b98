/** Decoders of bytes: all that comes from other branches, and certificates of HTTPS. */

import {
  decodeNews,
  decodeNewsWanted,
  encodeNews,
  encodeNewsWanted,
  NO_CREDENTIAL,
} from '../../src/accounts/home-signals.ts'
import { concat, FormatError, utf8 } from '../../src/base/bytes.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { BranchId, ConversationId, EventId, FeedId, UserId } from '../../src/base/ids.ts'
import {
  parseBranchIdentity,
  parseIssuerCertificate,
  parseLinkCertificate,
} from '../../src/certificates/certificate.ts'
import { decodeHello, encodeHello, verifyChain } from '../../src/certificates/chain.ts'
import {
  joinRequest,
  joinResponse,
  parseJoinRequest,
  parseJoinResponse,
} from '../../src/certificates/joining.ts'
import { parseLinkKeyStatement } from '../../src/certificates/link-key.ts'
import {
  parseRenewalRequest,
  parseRenewalResponse,
  renewalRequest,
  renewalResponse,
} from '../../src/certificates/renewal.ts'
import { parseRevocation } from '../../src/certificates/revocation.ts'
import { openBox, sealBox } from '../../src/certificates/sealed-box.ts'
import { signerOf } from '../../src/certificates/signing.ts'
import {
  decodeBatch,
  decodeEventHeader,
  encodeBatch,
  encodeBatchHeader,
  encodeEventHeader,
} from '../../src/eventlog/format.ts'
import { decodeOpening, encodeOpening, type Opening } from '../../src/eventlog/opening.ts'
import { ProtocolError } from '../../src/eventlog/protocol-error.ts'
import { decodeHead, decodeVector } from '../../src/eventlog/reports.ts'
import { openBody, sealBody } from '../../src/eventlog/sealing.ts'
import { BUCKETS } from '../../src/presence/digest.ts'
import {
  decodeDigest,
  decodePresence,
  decodeRoll,
  decodeTyping,
  decodeWanted,
  encodeDigest,
  encodePresence,
  encodeRoll,
  encodeTyping,
  encodeWanted,
} from '../../src/presence/signals.ts'
import { decodeAnnouncement, encodeAnnouncement } from '../../src/relay/announcement.ts'
import {
  chunkFrame,
  decodeChunk,
  decodeChunkWant,
  encodeChunkWant,
} from '../../src/relay/chunks.ts'
import { CipherFailed, ReceivingCipher, SendingCipher } from '../../src/relay/cipher.ts'
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
import { isIssuedBy } from '../../src/tls/x509.ts'
import { NOW, seeded } from '../certificates/cast.ts'
import { payloadOf } from '../support/frames.ts'
import { determinedKem } from '../support/kem.ts'
import {
  founding,
  ID,
  intermediate,
  linkKeyWord,
  north,
  organisation,
  revocation,
  root,
  south,
} from './samples.ts'
import type { Decoder } from './trying.ts'

const feed = ID as FeedId
const branch = ID as BranchId
const random = seeded('decoders')

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

const linkKey = random(32)
const place = { key: random(32), feed: random(16), seq: 7, eventHeader: random(84) }
const settings = payloads.encodeSettings({
  ...{ protocolMin: 1, protocolMax: 1, release: '0.1.0', frameMax: 16_000 },
  ...{ suite: 2, hasFiles: true },
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

const sides = (suite: Suite) =>
  [initiator(suite, keys), responder(suite, { ...keys, staticKey: otherKey, kem })] as const

/** The three messages of a handshake. With these keys they are the same each time. */
function handshake(suite: Suite): [Uint8Array, Uint8Array, Uint8Array] {
  const [dialling, answering] = sides(suite)
  const first = dialling.writeMessage(new Uint8Array(0))
  answering.readMessage(first)
  const second = answering.writeMessage(payload)
  dialling.readMessage(second)
  return [first, second, dialling.writeMessage(payload)]
}

/** The side that reads a message, right before it: what the other one does need not happen again. */
function reader(suite: Suite, turn: 0 | 1 | 2, first: Uint8Array): Handshake {
  const [dialling, answering] = sides(suite)
  if (turn === 1) dialling.writeMessage(new Uint8Array(0))
  if (turn !== 2) return turn === 1 ? dialling : answering
  answering.readMessage(first)
  answering.writeMessage(payload)
  return answering
}

const box = north.keys.box
const assembled = (message: Uint8Array) => {
  const assembly = new Assembly(64 * 1024)
  return decodeFrames(message).map((each) => assembly.add(each))
}

const NOBODY = '0'.repeat(32) as UserId

export const OF_BYTES: Record<string, Decoder<Uint8Array>> = {
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
    samples: [
      encodeChunkWant({ file: ID, index: 0 }),
      encodeChunkWant({ file: ID, index: 7, pass: { holder: branch, hops: 4 } }),
    ],
    ...{ decode: decodeChunkWant, refuses: closes },
  },
  CHUNK: {
    samples: [payloadOf(chunkFrame({ file: ID, index: 3, offset: 0, data: random(300) }, false))],
    ...{ decode: decodeChunk, refuses: closes },
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
  'a digest of presence': {
    samples: [encodeDigest({ at: NOW, digest: ID.slice(16) })],
    ...{ decode: decodeDigest, refuses: [FormatError] },
  },
  'a roll that is wanted': {
    samples: [encodeWanted({ since: NOW, buckets: Array(BUCKETS).fill(ID.slice(16)) })],
    ...{ decode: decodeWanted, refuses: [FormatError] },
  },
  'a roll of presence': {
    samples: [encodeRoll({ after: NOBODY, last: ID as UserId, users: [ID as UserId] })],
    ...{ decode: decodeRoll, refuses: [FormatError] },
  },
  'a question for news': {
    samples: [encodeNewsWanted({ question: ID, user: ID as UserId })],
    ...{ decode: decodeNewsWanted, refuses: [FormatError] },
  },
  'an answer with news': {
    samples: [encodeNews({ question: ID, feed: ID as FeedId, head: 7, credential: NO_CREDENTIAL })],
    ...{ decode: decodeNews, refuses: [FormatError] },
  },
  typing: {
    samples: [encodeTyping(ID as ConversationId, ID as UserId)],
    ...{ decode: decodeTyping, refuses: [FormatError] },
  },
  'a sealed key': {
    ...{ samples: [sealBox(box.publicKey, random(32), random(32))], isSlow: true },
    decode: (bytes) => openBox(box, bytes),
  },
  'a revocation': { samples: [revocation.bytes], decode: parseRevocation },
  'the word of a link key': { samples: [linkKeyWord.bytes], decode: parseLinkKeyStatement },
  LINK_KEY: {
    samples: [
      encodeLinkKey({
        key: random(32),
        statement: linkKeyWord,
        issuer: founding.issuer.certificate,
      }),
    ],
    decode: decodeLinkKey,
    refuses: [ProtocolClose],
  },
  'certificates and identities in a HELLO': {
    ...{ samples: [encodeHello(north.chain), encodeHello(south.chain)], decode: decodeHello },
  },
  'the certificate of an issuer': {
    ...{ samples: [north.chain.issuer.bytes], decode: parseIssuerCertificate },
  },
  'the identity of a branch': {
    ...{ samples: [north.chain.identity.bytes], decode: parseBranchIdentity },
  },
  'the certificate of a link': {
    ...{ samples: [north.chain.link.bytes], decode: parseLinkCertificate },
  },
  'who a HELLO proves': {
    ...{ samples: [encodeHello(north.chain)], isSlow: true },
    decode: (bytes) => {
      const chain = decodeHello(bytes)
      return chain && verifyChain(chain, { organisation, now: NOW, isRevoked: () => false }).ok
    },
  },
  RENEW_REQ: {
    samples: [
      renewalRequest({
        ...{ branch: south.keys.branch, noisePublicKey: random(32), handshakeHash: random(32) },
        signSecretKey: south.keys.sign.secretKey,
      }),
    ],
    decode: parseRenewalRequest,
  },
  RENEW_RES: {
    samples: [
      renewalResponse({ ok: true, issuer: south.chain.issuer, link: south.chain.link }),
      renewalResponse({ ok: false, reason: 'revoked' }),
    ],
    decode: parseRenewalResponse,
  },
  JOIN_REQ: {
    samples: [joinRequest(south.keys, random(32), { name: 'Львів', addresses: ['10.1.2.3:7900'] })],
    decode: parseJoinRequest,
  },
  JOIN_RES: {
    samples: [
      joinResponse({
        ...{ ok: true, issuer: south.chain.issuer, identity: south.chain.identity },
        ...{ link: south.chain.link, inviter: north.chain.identity },
        ...{ linkKey: { epoch: 1, key: random(32) }, crl: random(40) },
      }),
      joinResponse({ ok: false, reason: 'expired' }),
    ],
    decode: parseJoinResponse,
  },
  'a sealed body': {
    samples: [new Uint8Array(sealBody(place, random(300)))],
    decode: (bytes) => openBody(place, bytes),
  },
  'a message of a live link': {
    samples: [new SendingCipher(linkKey).seal(encodeFrames([frame(FRAME.PING, random(16))]))],
    decode: (bytes) => decodeFrames(new ReceivingCipher(linkKey).open(bytes)),
    refuses: [CipherFailed, ProtocolClose],
  },
  'certificates of HTTPS, the lower one': {
    ...{ samples: [intermediate, root], isSlow: true },
    decode: (bytes) => isIssuedBy(bytes, root),
  },
  'certificates of HTTPS, the upper one': {
    ...{ samples: [intermediate, root], isSlow: true },
    decode: (bytes) => isIssuedBy(intermediate, bytes),
  },
}

for (const suite of [1, 2] as const) {
  const messages = handshake(suite)
  for (const turn of [0, 1, 2] as const) {
    OF_BYTES[`message ${turn + 1} of a handshake of suite ${suite}`] = {
      ...{ samples: [messages[turn]], refuses: [HandshakeFailed] },
      ...{ isSlow: true, decode: (b) => reader(suite, turn, messages[0]).readMessage(b) },
    }
  }
}
