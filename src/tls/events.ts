/**
 * The event kinds of certificates for browsers (docs/protocol.md, 0206 and 0207): a branch asks for an intermediate for
 * its names, an issuing branch that holds the X.509 root's key gives it. Both are public: everybody can see who got
 * which names.
 */
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'
import { type BranchId, isId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { EventKind, LoggedEvent } from '../eventlog/events.ts'
import { NAMES_MAX, OWN_NAMES, serverName } from './names.ts'
import { type Der, isIssuedBy, isPublicPoint } from './x509.ts'

/** Longer than an intermediate for 19 names of full length. */
const CERTIFICATE_CHARS_MAX = 12_000
const HLC = /^[0-9a-f]{16}$/
const ROOT = 'tlsRoot'

const name = v.pipe(
  v.string(),
  v.check((text) => serverName(text) === text),
)
const certificate = v.pipe(v.string(), v.base64(), v.maxLength(CERTIFICATE_CHARS_MAX))

const requestBody = v.object({
  /** Public key of the intermediate asked for: a point of P-256, uncompressed, base64. */
  key: v.pipe(
    v.string(),
    v.base64(),
    v.maxLength(100),
    v.check((text) => isPublicPoint(Uint8Array.fromBase64(text))),
  ),
  names: v.pipe(v.array(name), v.maxLength(NAMES_MAX)),
})

const issuedBody = v.object({
  branch: v.pipe(v.string(), v.check(isId)),
  /** Clock value of the request. */
  answers: v.pipe(v.string(), v.regex(HLC)),
  /** DER, base64. */
  intermediate: certificate,
  root: certificate,
  /** The names of its constraints. */
  names: v.pipe(v.array(name), v.maxLength(NAMES_MAX + OWN_NAMES.length)),
})

type RequestBody = v.InferOutput<typeof requestBody>
type IssuedBody = v.InferOutput<typeof issuedBody>
export type TlsKinds = { request: EventKind<RequestBody>; issued: EventKind<IssuedBody> }

/** The kinds; `demandIssuer` throws when a branch may not sign for the organisation, as far as is known here. */
export function tlsKinds(
  demandIssuer: (tx: Db, event: { origin: BranchId }) => Promise<void>,
): TlsKinds {
  return {
    request: {
      code: 0x0206,
      name: 'tls.request',
      scope: 'all',
      parse: (body) => v.parse(requestBody, body),
      refusal: async () => undefined, // a branch may ask for whatever it likes; the issuer judges
      apply: applyRequest,
    },
    issued: {
      code: 0x0207,
      name: 'tls.issued',
      scope: 'all',
      parse: (body) => v.parse(issuedBody, body),
      refusal: async (tx, event) => {
        await demandIssuer(tx, event)
        return await refusalOfIssued(tx, event)
      },
      apply: applyIssued,
    },
  }
}

async function applyRequest(tx: Db, { origin, hlc, body }: LoggedEvent<RequestBody>) {
  const row = {
    publicPoint: Uint8Array.fromBase64(body.key),
    names: JSON.stringify(body.names),
    hlc,
  }
  // Feeds of two boots may arrive in any order: the newer word wins.
  await tx
    .insertInto('tls_request')
    .values({ branchId: origin, ...row })
    .onConflict((on) => on.column('branchId').doUpdateSet(row).where('tls_request.hlc', '<', hlc))
    .execute()
}

/** DANGER: people trust the root by hand, once. Another one must never take its place without a word. */
async function refusalOfIssued(
  tx: Db,
  { body }: LoggedEvent<IssuedBody>,
): Promise<string | undefined> {
  const known = await findTlsRoot(tx)
  if (known && known.toBase64() !== body.root) return 'other-root'
  const [intermediate, root] = [body.intermediate, body.root].map((text) =>
    Uint8Array.fromBase64(text),
  )
  if (!intermediate || !root) return 'malformed'
  // Whose key it is matters to the branch that asked alone, and it looks (asking.ts).
  return isIssuedBy(intermediate, root) ? undefined : 'not-signed'
}

async function applyIssued(tx: Db, { hlc, body }: LoggedEvent<IssuedBody>): Promise<void> {
  const row = {
    intermediate: Uint8Array.fromBase64(body.intermediate),
    names: JSON.stringify(body.names),
    answers: body.answers as Hlc,
    hlc,
  }
  await tx
    .insertInto('tls_certificate')
    .values({ branchId: body.branch as BranchId, ...row })
    .onConflict((on) =>
      on.column('branchId').doUpdateSet(row).where('tls_certificate.hlc', '<', hlc),
    )
    .execute()
  if ((await findTlsRoot(tx)) === undefined) {
    await keepTlsRoot(tx, Uint8Array.fromBase64(body.root))
  }
}

/** The organisation's X.509 root as this branch first saw it. */
export async function findTlsRoot(db: Db): Promise<Der | undefined> {
  const row = await db
    .selectFrom('meta')
    .select('value')
    .where('name', '=', ROOT)
    .executeTakeFirst()
  return row && Uint8Array.fromBase64(row.value)
}

/** Writes the root; it is never replaced. */
export async function keepTlsRoot(tx: Db, root: Der): Promise<void> {
  await tx.insertInto('meta').values({ name: ROOT, value: root.toBase64() }).execute()
}

export type TlsRequest = { branch: BranchId; publicPoint: Uint8Array; names: string[]; hlc: Hlc }
export type TlsIssued = { branch: BranchId; intermediate: Der; names: string[]; answers: Hlc }

/** The newest request of a branch. */
export async function findRequest(db: Db, branch: BranchId): Promise<TlsRequest | undefined> {
  const row = await db
    .selectFrom('tls_request')
    .selectAll()
    .where('branchId', '=', branch)
    .executeTakeFirst()
  return row && requestOf(row)
}

/** What every branch has, as it was issued. */
export async function issuedCertificates(db: Db): Promise<TlsIssued[]> {
  const rows = await db.selectFrom('tls_certificate').selectAll().execute()
  return rows.map((row) => ({
    branch: row.branchId,
    intermediate: row.intermediate,
    names: JSON.parse(row.names) as string[],
    answers: row.answers,
  }))
}

/** Requests of active branches that no certificate answers yet. */
export async function openRequests(db: Db): Promise<TlsRequest[]> {
  const rows = await db
    .selectFrom('tls_request as r')
    .innerJoin('branch as b', 'b.id', 'r.branchId')
    .leftJoin('tls_certificate as c', 'c.branchId', 'r.branchId')
    .selectAll('r')
    .where('b.status', '=', 'active')
    .where((eb) => eb.or([eb('c.answers', 'is', null), eb('c.answers', '<', eb.ref('r.hlc'))]))
    .orderBy('r.hlc')
    .execute()
  return rows.map(requestOf)
}

function requestOf(row: {
  branchId: BranchId
  publicPoint: Uint8Array
  names: string
  hlc: Hlc
}): TlsRequest {
  const { branchId, publicPoint, hlc } = row
  return { branch: branchId, publicPoint, names: JSON.parse(row.names) as string[], hlc }
}
