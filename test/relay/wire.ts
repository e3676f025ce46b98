/**
 * One of everything that crosses a link, made from fixed keys and times: what it is, how it is written now, how it is
 * read. wire-1.json holds what release 0.1 wrote.
 */
import { concat, hex, utf8 } from '../../src/base/bytes.ts'
import { hlcOf } from '../../src/base/hlc.ts'
import type {
  BranchId,
  ConversationId,
  EventId,
  FeedId,
  Incarnation,
  UserId,
} from '../../src/base/ids.ts'
import {
  issueBranchIdentity,
  issueIssuerCertificate,
  issueLinkCertificate,
  parseBranchIdentity,
  parseIssuerCertificate,
  parseLinkCertificate,
} from '../../src/certificates/certificate.ts'
import { decodeHello, encodeHello } from '../../src/certificates/chain.ts'
import { decodeInvitation, encodeInvitation } from '../../src/certificates/invitation.ts'
import { x25519KeyPair } from '../../src/certificates/keys.ts'
import { issueLinkKey, parseLinkKeyStatement } from '../../src/certificates/link-key.ts'
import { issueRevocation, parseRevocation } from '../../src/certificates/revocation.ts'
import { openBox, sealBox } from '../../src/certificates/sealed-box.ts'
import { signerOf, signingPublicKeyOf } from '../../src/certificates/signing.ts'
import {
  BATCH_DOMAIN,
  decodeBatch,
  decodeEventHeader,
  encodeBatch,
  encodeBatchHeader,
  encodeEventHeader,
  keyIdOf,
  nextChain,
  plainBodyOf,
  sha256,
  signedPartOf,
} from '../../src/eventlog/format.ts'
import {
  decodeOpening,
  encodeOpening,
  feedIdOf,
  firstChainOf,
  OPENING_DOMAIN,
} from '../../src/eventlog/opening.ts'
import { openBody, sealBody } from '../../src/eventlog/sealing.ts'
import {
  decodePresence,
  decodeTyping,
  encodePresence,
  encodeTyping,
} from '../../src/presence/signals.ts'
import {
  announcementKey,
  decodeAnnouncement,
  encodeAnnouncement,
} from '../../src/relay/announcement.ts'
import {
  chunkFrame,
  decodeChunk,
  decodeChunkWant,
  encodeChunkWant,
} from '../../src/relay/chunks.ts'
import { decodeLinkKey, encodeLinkKey } from '../../src/relay/link-key-frame.ts'
import * as payloads from '../../src/relay/payloads.ts'
import { decodePreface, encodePreface } from '../../src/relay/preface.ts'
import { payloadOf } from '../support/frames.ts'

const NOW = 1_800_000_000_000
const key = (n: number) => new Uint8Array(32).fill(n)
const id = (n: number) => n.toString(16).padStart(2, '0').repeat(16)
const hlc = hlcOf(NOW, 7)

const root = { secretKey: key(1), publicKey: signingPublicKeyOf(key(1)) }
const signPublicKey = signingPublicKeyOf(key(3))
const box = x25519KeyPair(key(4))
const certificate = issueIssuerCertificate(root, {
  branch: id(9) as BranchId,
  issuerPublicKey: signingPublicKeyOf(key(2)),
  ...{ serial: key(5).slice(0, 16), now: NOW },
})
const issuer = { certificate, secretKey: key(2) }
const identity = issueBranchIdentity(issuer, {
  ...{ name: 'Київ', signPublicKey, boxPublicKey: box.publicKey, now: NOW },
})
const self = identity.branch
const link = issueLinkCertificate(issuer, {
  ...{ branch: self, noisePublicKey: x25519KeyPair(key(6)).publicKey, now: NOW },
  serial: key(7).slice(0, 16),
})
const revocation = issueRevocation(issuer, {
  ...{ branch: self, reason: 'keyCompromise', note: 'stolen', now: NOW },
  cuts: [{ feed: id(8) as FeedId, upTo: 12 }],
})
const linkKey = issueLinkKey(issuer, {
  ...{
    epoch: 65_543,
    key: key(16),
    isForRevocation: true,
    revoked: [id(17) as BranchId],
    now: NOW,
  },
})
const sign = signerOf(key(3))
const feedKey = key(10)
const sealed = {
  destination: sealBox(box.publicKey, feedKey, key(11)),
  origin: sealBox(box.publicKey, feedKey, key(12)),
}
const opening = {
  ...{ origin: self, incarnation: '0f'.repeat(8) as Incarnation, scope: 'to' as const },
  ...{ destination: id(13) as BranchId, openedAt: hlc, sealed },
}
const openingBytes = () => {
  const unsigned = encodeOpening(opening)
  return concat(unsigned, sign(OPENING_DOMAIN, unsigned))
}
const json = '{"conversation":"c","author":"a","body":"Добрий день"}'
const plain = plainBodyOf(key(14).slice(0, 16), json)
const event = {
  ...{ id: id(15) as EventId, kind: 0x0402, to: [id(13) as BranchId], hlc },
  ...{ bodyBytes: plain.length - 16, bodyHash: sha256(plain) },
}
/** A sealed batch of one message, as it lies at a carrier too. */
const batchBytes = () => {
  const header = encodeEventHeader(event)
  const feed = feedIdOf(openingBytes())
  const place = { feed: Uint8Array.fromHex(feed), seq: 1, eventHeader: header }
  const batch = encodeBatchHeader({
    ...{ feed, isSealed: true, firstSeq: 1, count: 1, prevChain: firstChainOf(openingBytes()) },
    ...{ lastHlc: hlc, keyId: keyIdOf(self), headersBytes: header.length },
  })
  const events = [{ header, body: sealBody({ ...place, key: feedKey }, plain) }]
  return encodeBatch(batch, events, sign(BATCH_DOMAIN, signedPartOf(batch, [header])))
}
/** What whoever may read it makes of a batch. */
const readBatch = (bytes: Uint8Array) => {
  const { feed, firstSeq, prevChain, events } = decodeBatch(bytes)
  const [one] = events
  if (!one?.body) throw new Error('The batch has one body')
  const place = { feed: Uint8Array.fromHex(feed), seq: firstSeq, eventHeader: one.header }
  const text = openBody({ ...place, key: feedKey }, one.body)
  return {
    ...{ firstSeq, header: decodeEventHeader(one.header), text: text && hex(text) },
    chain: hex(nextChain(prevChain, one.header)),
  }
}

type Wire = { write(): Uint8Array; read(bytes: Uint8Array): unknown; is?: unknown }

const have = { id: id(8) as FeedId, floor: 1, head: 9, chain8: key(2).slice(0, 8) }
const ack = { id: id(8) as FeedId, durable: 9, stable: 8, at: hlc, via: id(9) as BranchId }
const carry = { id: id(8) as FeedId, head: 9, carry: { destination: id(9) as BranchId, after: 3 } }
const settings: payloads.Settings = {
  ...{ protocolMin: 1, protocolMax: 1, release: '0.1.0', frameMax: 16_384 },
  ...{ windows: [0, 0, 1 << 20, 1 << 18], incarnation: '0f'.repeat(8) as Incarnation, hlc },
  ...{ suite: 2, hasFiles: false },
}
const signal = { kind: 1, key: id(1), ttl: 60, body: key(1) }
const chunk = { file: id(1), index: 0, offset: 5, data: key(3) }
const passedOn = { file: id(1), index: 7, pass: { holder: self, hops: 4 } }
const invitation = {
  ...{ organisation: certificate.organisation, inviter: self, secret: key(9) },
  ...{ addresses: ['10.1.2.3:7900'], expiresAt: NOW + 1000 },
}
const announcement = {
  ...{ epoch: 3, branch: self, incarnation: '0f'.repeat(8) as Incarnation, port: 7900, at: NOW },
}
const seen = [{ user: id(1) as UserId, isOnline: true, lastSeenAt: NOW }]
const typing = { conversation: id(2) as ConversationId, user: id(1) as UserId }

/** By name. `is`: what must be read from what was written, where that is not the bytes again. */
export const WIRE: Readonly<Record<string, Wire>> = {
  'preface, suite 1': {
    write: () => encodePreface({ suite: 1, kind: 'link', epoch: 3 }),
    ...{ read: decodePreface, is: { suite: 1, kind: 'link', epoch: 3 } },
  },
  'preface, suite 2, renew': {
    write: () => encodePreface({ suite: 2, kind: 'renew', epoch: 3 }),
    ...{ read: decodePreface, is: { suite: 2, kind: 'renew', epoch: 3 } },
  },
  'preface, join': {
    write: () => encodePreface({ suite: 1, kind: 'join', joinId: '0f'.repeat(8) }),
    ...{ read: decodePreface, is: { suite: 1, kind: 'join', joinId: '0f'.repeat(8) } },
  },
  HELLO: { write: () => encodeHello({ issuer: certificate, identity, link }), read: decodeHello },
  'issuer certificate': { write: () => certificate.bytes, read: parseIssuerCertificate },
  'branch identity': { write: () => identity.bytes, read: parseBranchIdentity },
  'link certificate': { write: () => link.bytes, read: parseLinkCertificate },
  revocation: { write: () => revocation.bytes, read: parseRevocation },
  'link key statement': { write: () => linkKey.bytes, read: parseLinkKeyStatement },
  LINK_KEY: {
    write: () => encodeLinkKey({ key: key(16), statement: linkKey, issuer: certificate }),
    read: decodeLinkKey,
  },
  invitation: {
    write: () => utf8(encodeInvitation(invitation)),
    read: (bytes) => decodeInvitation(new TextDecoder().decode(bytes), NOW),
  },
  SETTINGS: { write: () => payloads.encodeSettings(settings), read: payloads.decodeSettings },
  PING: {
    write: () => payloads.encodePing({ nonce: key(1).slice(0, 8), hlc }),
    read: payloads.decodePing,
  },
  GOAWAY: {
    write: () => payloads.encodeGoaway({ code: 1, retryAfter: 5, text: 'bye' }),
    ...{ read: payloads.decodeGoaway, is: { code: 1, retryAfter: 5, text: 'bye' } },
  },
  CREDIT: {
    write: () => payloads.encodeCredit({ class: 2, bytes: 70_000 }),
    ...{ read: payloads.decodeCredit, is: { class: 2, bytes: 70_000 } },
  },
  HAVE: { write: () => payloads.encodeHaves([have]), read: payloads.decodeHaves, is: [have] },
  WANT: {
    write: () => payloads.encodeWant({ id: have.id, after: 7, isLive: true, needsOpening: true }),
    read: payloads.decodeWant,
    is: { id: have.id, after: 7, isLive: true, needsOpening: true },
  },
  ACK: { write: () => payloads.encodeAcks([ack]), read: payloads.decodeAcks, is: [ack] },
  CARRY: {
    write: () => payloads.encodeCarries([carry]),
    read: payloads.decodeCarries,
    is: [carry],
  },
  REACH: {
    write: () => payloads.encodeReach([{ branch: self, hops: 2 }]),
    ...{ read: payloads.decodeReach, is: [{ branch: self, hops: 2 }] },
  },
  EPH: { write: () => payloads.encodeSignal(signal), read: payloads.decodeSignal, is: signal },
  CHUNK_WANT: {
    write: () => encodeChunkWant({ file: id(1), index: 0 }),
    ...{ read: decodeChunkWant, is: { file: id(1), index: 0 } },
  },
  'CHUNK_WANT of a chunk': {
    write: () => encodeChunkWant(passedOn),
    ...{ read: decodeChunkWant, is: passedOn },
  },
  'SETTINGS with files': {
    write: () => payloads.encodeSettings({ ...settings, hasFiles: true }),
    ...{ read: payloads.decodeSettings, is: { ...settings, hasFiles: true } },
  },
  CHUNK: { write: () => payloadOf(chunkFrame(chunk, false)), read: decodeChunk, is: chunk },
  FEED_OPEN: { write: openingBytes, read: decodeOpening },
  'sealed feed key': {
    write: () => sealed.destination,
    ...{ read: (bytes) => openBox(box, bytes), is: feedKey },
  },
  BATCH: { write: batchBytes, read: readBatch },
  announcement: {
    write: () => encodeAnnouncement(announcement, { sign, key: announcementKey(key(15)) }),
    ...{ read: decodeAnnouncement, is: announcement },
  },
  'presence signal': { write: () => encodePresence(seen), read: decodePresence, is: seen },
  'typing signal': {
    write: () => encodeTyping(typing.conversation, typing.user),
    ...{ read: decodeTyping, is: typing },
  },
}
