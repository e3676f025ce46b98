/**
 * What is looked at in the bytes themselves, when all is over: I7, whatever stands in a database was signed by whose it
 * is, by the keys of the machines and not by what the branch believes; I9, nothing of others' mail stands in its file.
 */
import { equal } from '../../src/base/bytes.ts'
import type { BranchId } from '../../src/base/ids.ts'
import { verifierOf } from '../../src/certificates/signing.ts'
import {
  BATCH_DOMAIN,
  decodeBatch,
  decodeEventHeader,
  sha256,
  signedPartOf,
} from '../../src/eventlog/format.ts'
import { decodeOpening, OPENING_DOMAIN } from '../../src/eventlog/opening.ts'
import type { Verify } from '../../src/eventlog/parts.ts'
import type { Company } from './company.ts'
import type { Office } from './office.ts'
import type { Snapshot } from './snapshot.ts'

type Keys = ReadonlyMap<BranchId, Verify>

/** I7: no event whose signature fails is applied, stored or passed on. */
export async function unsigned({ offices }: Company): Promise<string[]> {
  const keys: Keys = new Map(
    offices.map(({ at: { core } }) => [core.membership.self, verifierOf(core.keys.sign.publicKey)]),
  )
  const faults: string[] = []
  for (const office of offices) {
    const found = [
      ...(await openingsOf(office, keys)),
      ...(await batchesOf(office, keys)),
      ...(await carriedOf(office, keys)),
      ...(await bodiesOf(office)),
    ]
    faults.push(...found.map((fault) => `${office.name} has ${fault}`))
  }
  return faults
}

async function openingsOf({ at }: Office, keys: Keys): Promise<string[]> {
  const feeds = await at.store.read.selectFrom('feed').select(['id', 'origin', 'opening']).execute()
  return feeds.flatMap(({ id, origin, opening }) => {
    const { signedPart, signature } = decodeOpening(opening)
    const isRight = keys.get(origin)?.(OPENING_DOMAIN, signedPart, signature)
    return isRight ? [] : [`an opening of ${id} that ${origin} did not sign`]
  })
}

async function batchesOf({ at }: Office, keys: Keys): Promise<string[]> {
  const { read } = at.store
  const entries = await read
    .selectFrom('feed_entry as fe')
    .innerJoin('event as e', 'e.position', 'fe.position')
    .select(['fe.feedN', 'fe.seq', 'e.header'])
    .execute()
  const headers = new Map(entries.map(({ feedN, seq, header }) => [`${feedN} ${seq}`, header]))
  const batches = await read
    .selectFrom('batch as b')
    .innerJoin('feed as f', 'f.n', 'b.feedN')
    .select(['b.feedN', 'b.firstSeq', 'b.count', 'b.header', 'b.signature', 'f.id', 'f.origin'])
    .execute()
  return batches.flatMap(({ feedN, firstSeq, count, header, signature, id, origin }) => {
    const own = Array.from({ length: count }, (_, n) => headers.get(`${feedN} ${firstSeq + n}`))
    const signedPart = signedPartOf(
      header,
      own.filter((each) => each !== undefined),
    )
    const isRight = keys.get(origin)?.(BATCH_DOMAIN, signedPart, signature)
    return isRight ? [] : [`a batch of ${id} at ${firstSeq} that ${origin} did not sign`]
  })
}

async function carriedOf({ at }: Office, keys: Keys): Promise<string[]> {
  const rows = await at.store.read
    .selectFrom('carried_batch as c')
    .innerJoin('feed as f', 'f.n', 'c.feedN')
    .select(['c.bytes', 'f.id', 'f.origin'])
    .execute()
  return rows.flatMap(({ bytes, id, origin }) => {
    const { headerBytes, events, signature } = decodeBatch(bytes)
    const signedPart = signedPartOf(
      headerBytes,
      events.map(({ header }) => header),
    )
    const isRight = keys.get(origin)?.(BATCH_DOMAIN, signedPart, signature)
    return isRight ? [] : [`carried mail of ${id} that ${origin} did not sign`]
  })
}

async function bodiesOf({ at }: Office): Promise<string[]> {
  const events = await at.store.read.selectFrom('event').select(['header', 'body']).execute()
  return events.flatMap(({ header, body }) => {
    const { id, bodyHash } = decodeEventHeader(header)
    return body === null || equal(sha256(body), bodyHash) ? [] : [`another body of ${id}`]
  })
}

/** I9: a text stands in no file but those of branches that hold its event. */
export function readable(
  { offices }: Pick<Company, 'offices'>,
  snapshots: readonly Snapshot[],
  texts: readonly string[],
): string[] {
  return offices.flatMap((office) => {
    const events = snapshots.find(({ name }) => name === office.name)?.events ?? []
    const held = new Set(events.map(({ body }) => body.body))
    const files = office.bytes()
    return texts
      .filter((text) => !held.has(text) && files.some((file) => file.includes(text)))
      .map((text) => `the file of ${office.name} says "${text}", which is mail of others`)
  })
}
