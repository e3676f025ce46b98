/**
 * Batches and event headers byte by byte. What is signed is kept and passed on as it came: nothing here is ever
 * written anew from its fields. All integers are big-endian. Source: docs/protocol.md, section 7.
 */
import { hash } from 'node:crypto'
import { concat, FormatError, Reader, utf8, Writer } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, EventId, FeedId } from '../base/ids.ts'
import { ID_BYTES } from '../base/ids.ts'
import { KIB } from '../base/units.ts'
import { ProtocolError } from './protocol-error.ts'

/** What the signature of a batch is for (one domain per signed object). */
export const BATCH_DOMAIN = 'batch/1'
export const BATCH_EVENTS_MAX = 64
/** A batch must fit a peer's window several times over. */
export const BATCH_BYTES_MAX = 160 * KIB
/** Larger things are files. JSON text of the body, without its salt. */
export const BODY_BYTES_MAX = 64 * KIB
export const SALT_BYTES = 16
export const TAG_BYTES = 16
export const SIGNATURE_BYTES = 64
const HASH_BYTES = 32
export const BATCH_HEADER_BYTES = 88

const MAGIC = 0x42524c42 // "BRLB"
const VERSION = 1
const ALGORITHM_ED25519 = 1
const FLAG_SEALED = 1
const EVENT_HEADER_BYTES = 68
const KEY_ID_BYTES = 8
/** Where n_to and n_deps stand in an EventHeader. */
const COUNTS_AT = 22
/** In place of a body's length: it was erased; its header stays, so that the chain still proves the rest. */
const ERASED = 0xffffffff

export type EventHeader = {
  id: EventId
  kind: number
  to: readonly BranchId[]
  hlc: Hlc
  /** Bytes of the JSON text, without salt. */
  bodyBytes: number
  /** SHA-256 of salt and body in plain, so that one header serves every feed and stands after erasure. */
  bodyHash: Uint8Array
}

/** EventHeader, 68 B + 16 per branch named:
 *  event_id id16 | kind u16 | schema u16 = 1 | flags u16 = 0 | n_to u8 | n_deps u8 = 0 | hlc u64 | body_len u32
 *  | body_hash 32 B | to[] id16 | deps[] id16 */
export function encodeEventHeader(header: EventHeader): Uint8Array {
  const writer = new Writer(EVENT_HEADER_BYTES + ID_BYTES * header.to.length)
    .hex(header.id)
    .u16(header.kind)
    .u16(1)
    .u16(0)
    .u8(header.to.length)
    .u8(0)
    .hex(header.hlc)
    .u32(header.bodyBytes)
    .bytes(header.bodyHash)
  for (const branch of header.to) writer.hex(branch)
  return writer.done()
}

/** Fields of one EventHeader; schema, flags and deps of later releases are carried along and not read. */
export function decodeEventHeader(bytes: Uint8Array): EventHeader {
  const reader = new Reader(bytes)
  const id = reader.hex(ID_BYTES) as EventId
  const kind = reader.u16()
  reader.u16()
  reader.u16()
  const toCount = reader.u8()
  const depsCount = reader.u8()
  const hlc = reader.hex(8) as Hlc
  const bodyBytes = reader.u32()
  const bodyHash = reader.bytes(HASH_BYTES)
  const to = Array.from({ length: toCount }, () => reader.hex(ID_BYTES) as BranchId)
  reader.bytes(ID_BYTES * depsCount)
  reader.end()
  return { id, kind, to, hlc, bodyBytes, bodyHash }
}

type BatchHeader = {
  feed: FeedId
  isSealed: boolean
  firstSeq: number
  count: number
  /** The feed's chain before the first event. */
  prevChain: Uint8Array
  lastHlc: Hlc
  /** First 8 bytes of SHA-256 of the origin's signing key: the first half of its branch id. */
  keyId: string
  headersBytes: number
}

/** BatchHeader, 88 B:
 *  magic u32 | ver u8 | alg u8 = 1 | flags u16 (bit0 sealed) | feed id16 | first_seq u64 | count u16 | rsv u16 = 0
 *  | prev_chain 32 B | last_hlc u64 | sign_key_id 8 B | headers_len u32 */
export function encodeBatchHeader(header: BatchHeader): Uint8Array {
  return new Writer(BATCH_HEADER_BYTES)
    .u32(MAGIC)
    .u8(VERSION)
    .u8(ALGORITHM_ED25519)
    .u16(header.isSealed ? FLAG_SEALED : 0)
    .hex(header.feed)
    .u64(header.firstSeq)
    .u16(header.count)
    .u16(0)
    .bytes(header.prevChain)
    .hex(header.lastHlc)
    .hex(header.keyId)
    .u32(header.headersBytes)
    .done()
}

/** Fields of a BatchHeader; throws FormatError for anything that is none. */
export function decodeBatchHeader(bytes: Uint8Array): BatchHeader {
  const reader = new Reader(bytes)
  const header = readBatchHeader(reader)
  reader.end()
  return header
}

function readBatchHeader(reader: Reader): BatchHeader {
  if (reader.u32() !== MAGIC || reader.u8() !== VERSION || reader.u8() !== ALGORITHM_ED25519) {
    throw new FormatError('Not a batch of this version')
  }
  const flags = reader.u16()
  const feed = reader.hex(ID_BYTES) as FeedId
  const firstSeq = reader.u64()
  const count = reader.u16()
  const reserved = reader.u16()
  if ((flags & ~FLAG_SEALED) !== 0 || reserved !== 0) throw new FormatError('Unknown flags')
  if (firstSeq < 1 || count < 1 || count > BATCH_EVENTS_MAX) throw new FormatError('Wrong count')
  const prevChain = reader.bytes(HASH_BYTES)
  const lastHlc = reader.hex(8) as Hlc
  const keyId = reader.hex(KEY_ID_BYTES)
  const isSealed = (flags & FLAG_SEALED) > 0
  return { feed, isSealed, firstSeq, count, prevChain, lastHlc, keyId, headersBytes: reader.u32() }
}

/** One event as it stands in a batch: its header as signed, and its body; undefined when erased. */
export type WireEvent = { header: Uint8Array; body: Uint8Array | undefined }

export type DecodedBatch = BatchHeader & {
  headerBytes: Uint8Array
  events: WireEvent[]
  signature: Uint8Array
}

/** The whole batch on the wire: BatchHeader | per event: EventHeader, u32 length of body (FFFFFFFF = erased), body
 *  | signature 64 B. Bodies are salt16 + JSON, in sealed feeds ciphertext of that with its tag. */
export function encodeBatch(
  header: Uint8Array,
  events: readonly WireEvent[],
  signature: Uint8Array,
): Uint8Array {
  const writer = new Writer(wireBytesOf(events))
  writer.bytes(header)
  for (const event of events) {
    writer.bytes(event.header).u32(event.body === undefined ? ERASED : event.body.length)
    if (event.body !== undefined) writer.bytes(event.body)
  }
  return writer.bytes(signature).done()
}

function wireBytesOf(events: readonly WireEvent[]): number {
  const bytes = (event: WireEvent) => event.header.length + 4 + (event.body?.length ?? 0)
  return events.reduce((sum, each) => sum + bytes(each), BATCH_HEADER_BYTES + SIGNATURE_BYTES)
}

/** The parts of a batch, as views of `bytes`; throws ProtocolError for anything that is none. */
export function decodeBatch(bytes: Uint8Array): DecodedBatch {
  try {
    if (bytes.length > BATCH_BYTES_MAX) throw new FormatError('The batch is too large')
    const reader = new Reader(bytes)
    const header = readBatchHeader(reader)
    const events: WireEvent[] = []
    let headersBytes = 0
    for (let count = 0; count < header.count; count++) {
      const event = readEvent(reader, bytes)
      headersBytes += event.header.length
      events.push(event)
    }
    if (headersBytes !== header.headersBytes) throw new FormatError('Wrong length of headers')
    const signature = reader.bytes(SIGNATURE_BYTES)
    reader.end()
    return { ...header, headerBytes: bytes.subarray(0, BATCH_HEADER_BYTES), events, signature }
  } catch (error) {
    if (error instanceof FormatError) throw new ProtocolError(`Batch: ${error.message}`)
    throw error
  }
}

function readEvent(reader: Reader, bytes: Uint8Array): WireEvent {
  const counts = reader.offset + COUNTS_AT
  const named = (bytes[counts] ?? 0) + (bytes[counts + 1] ?? 0)
  const header = reader.bytes(EVENT_HEADER_BYTES + ID_BYTES * named)
  const length = reader.u32()
  if (length === ERASED) return { header, body: undefined }
  return { header, body: reader.bytes(length) }
}

/** What is signed: the BatchHeader and SHA-256 of each EventHeader, so that a proof of one event reveals only hashes
 *  of its neighbours. */
export function signedPartOf(header: Uint8Array, eventHeaders: readonly Uint8Array[]): Uint8Array {
  return concat(header, ...eventHeaders.map(sha256))
}

/** chain_n = SHA-256(chain_{n-1} + EventHeader_n). */
export function nextChain(chain: Uint8Array, eventHeader: Uint8Array): Uint8Array {
  return sha256(concat(chain, eventHeader))
}

/** sign_key_id of a branch. */
export function keyIdOf(branch: BranchId): string {
  return branch.slice(0, 2 * KEY_ID_BYTES)
}

/** SHA-256 (FIPS 180-4), by node:crypto because it runs several times per event. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** salt16 + JSON text: the salt keeps the hash in the header from telling a body that can be guessed. */
export function plainBodyOf(salt: Uint8Array, json: string): Uint8Array {
  return concat(salt, utf8(json))
}
