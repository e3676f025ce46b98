/**
 * The proof of one event: the header of the batch it was signed in, the hashes of all event headers of that batch, its
 * own header and body, and the signature. Of its neighbours it shows nothing but hashes. Whoever has the public key of
 * the branch can check it, without this program's database. Source: docs/protocol.md, section 7.
 */
import { concat, equal, FormatError, fromUtf8 } from '../base/bytes.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, EventId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { type Holes, prepared } from '../db/prepared.ts'
import {
  BATCH_DOMAIN,
  BATCH_EVENTS_MAX,
  BATCH_HEADER_BYTES,
  decodeBatchHeader,
  decodeEventHeader,
  keyIdOf,
  SALT_BYTES,
  SIGNATURE_BYTES,
  sha256,
} from './format.ts'

const HASH_BYTES = 32

/** All of it in base64: it stands in JSON. */
type Proof = {
  /** BatchHeader. */
  batch: string
  /** SHA-256 of each EventHeader of the batch, one behind the other. */
  hashes: string
  /** Which of them is this event's. */
  index: number
  /** EventHeader. */
  header: string
  /** salt16 and JSON, as they were signed. */
  body: string
  signature: string
}

/** What a proof proves. */
export type Proved = { id: EventId; kind: number; hlc: Hlc; body: unknown }

type Place = {
  feedN: number
  seq: number
  firstSeq: number
  count: number
  batch: Uint8Array
  signature: Uint8Array
  header: Uint8Array
  body: Uint8Array | null
}

/** The proof of an event that is here; undefined when its body was erased. */
export async function proofOf(db: Db, position: number): Promise<Proof | undefined> {
  const [place] = await places(db, { position })
  if (place === undefined || place.body === null) return undefined
  const { feedN, seq, firstSeq, count, batch, signature, header, body } = place
  const headers = await headersOf(db, { feedN, from: firstSeq, upTo: firstSeq + count - 1 })
  return {
    batch: batch.toBase64(),
    hashes: concat(...headers.map((row) => sha256(row.header))).toBase64(),
    index: seq - firstSeq,
    header: header.toBase64(),
    body: body.toBase64(),
    signature: signature.toBase64(),
  }
}

const places = prepared<{ position: number }, Place>((db, value) =>
  db
    .selectFrom('feed_entry as fe')
    .innerJoin('event as e', 'e.position', 'fe.position')
    .innerJoin('batch as b', (on) =>
      on.onRef('b.feedN', '=', 'fe.feedN').onRef('b.firstSeq', '<=', 'fe.seq'),
    )
    .where('fe.position', '=', value('position'))
    .orderBy('fe.feedN')
    .orderBy('b.firstSeq', 'desc')
    .limit(1)
    .select(['fe.feedN', 'fe.seq', 'b.firstSeq', 'b.count', 'b.header as batch', 'b.signature'])
    .select(['e.header', 'e.body']),
)

const headersOf = prepared((db, value: Holes<{ feedN: number; from: number; upTo: number }>) =>
  db
    .selectFrom('feed_entry as fe')
    .innerJoin('event as e', 'e.position', 'fe.position')
    .where('fe.feedN', '=', value('feedN'))
    .where('fe.seq', '>=', value('from'))
    .where('fe.seq', '<=', value('upTo'))
    .orderBy('fe.seq')
    .select('e.header'),
)

type Verify = (domain: string, bytes: Uint8Array, signature: Uint8Array) => boolean

/** What a proof proves of the branch `origin`, whose key `verify` holds; undefined: nothing. Never throws. */
export function provedBy(proof: Proof, origin: BranchId, verify: Verify): Proved | undefined {
  try {
    return proved(proof, origin, verify)
  } catch (error) {
    if (error instanceof FormatError || error instanceof SyntaxError) return undefined
    if (error instanceof TypeError || error instanceof RangeError) return undefined
    throw error
  }
}

function proved(proof: Proof, origin: BranchId, verify: Verify): Proved | undefined {
  const batch = Uint8Array.fromBase64(proof.batch)
  const hashes = Uint8Array.fromBase64(proof.hashes)
  const header = Uint8Array.fromBase64(proof.header)
  const body = Uint8Array.fromBase64(proof.body)
  const signature = Uint8Array.fromBase64(proof.signature)
  if (batch.length !== BATCH_HEADER_BYTES || signature.length !== SIGNATURE_BYTES) return undefined
  const { keyId, count } = decodeBatchHeader(batch)
  if (keyId !== keyIdOf(origin) || hashes.length !== count * HASH_BYTES) return undefined
  const own = hashes.subarray(HASH_BYTES * proof.index, HASH_BYTES * (proof.index + 1))
  if (!equal(own, sha256(header))) return undefined
  const { id, kind, hlc, bodyHash, bodyBytes } = decodeEventHeader(header)
  if (body.length !== bodyBytes + SALT_BYTES || !equal(bodyHash, sha256(body))) return undefined
  // The same bytes as `signedPartOf`: the header of the batch, and the hashes.
  if (!verify(BATCH_DOMAIN, concat(batch, hashes), signature)) return undefined
  return { id, kind, hlc, body: JSON.parse(fromUtf8(body.subarray(SALT_BYTES))) }
}

/** Characters of base64 that the hashes of a whole batch take. */
export const HASHES_CHARS_MAX = 4 * Math.ceil((BATCH_EVENTS_MAX * HASH_BYTES) / 3)
