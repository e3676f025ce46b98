/**
 * Checking a file of evidence by itself: each message was signed by a branch, whose identity was signed by an issuer,
 * whose certificate was signed by the root key. Whether that root is the organisation's says its id, which a person
 * compares. Nothing here asks a database or a clock. Source: docs/evidence.md.
 */
import * as v from 'valibot'
import type { BranchId } from '../base/ids.ts'
import {
  type OrganisationId,
  organisationIdOf,
  parseBranchIdentity,
  parseIssuerCertificate,
} from '../certificates/certificate.ts'
import { refusalOfIdentity } from '../certificates/chain.ts'
import { verifyBytes } from '../certificates/signing.ts'
import { provedBy } from '../eventlog/proof.ts'

const text = v.string()
const schema = v.object({
  format: v.literal('branchline-evidence/1'),
  branches: v.array(v.object({ id: text, name: text, identity: text })),
  issuers: v.array(text),
  messages: v.array(
    v.object({
      origin: text,
      author: v.object({ id: text, name: text, login: text, branch: text }),
      proof: v.object({
        ...{ batch: text, hashes: text, index: v.number(), header: text, body: text },
        signature: text,
      }),
    }),
  ),
})
const posted = v.object({ author: text, body: text, conversation: text })

type Verified = {
  /** SHA-256 of the root key: to be compared with the organisation's own. */
  organisation: OrganisationId
  messages: {
    /** What was signed; undefined: nothing is proved. */
    signed: { author: string; body: string; conversation: string; at: number } | undefined
    /** As the file names them. */
    by: string
    branch: string
  }[]
}

/** What a file proves; throws TypeError for what is no such file. */
export function verifiedEvidence(file: unknown): Verified {
  const read = v.safeParse(schema, file)
  if (!read.success) throw new TypeError('This is no file of evidence')
  const { branches, issuers: texts, messages } = read.output
  const issuers = texts.map((each) => parseIssuerCertificate(bytesOf(each)))
  const [first] = issuers
  if (first === undefined) throw new TypeError('The file holds no certificate of an issuer')
  const trust = {
    organisation: organisationIdOf(first.rootPublicKey),
    now: 0,
    isRevoked: () => false,
  }
  const keys = new Map<string, { key: Uint8Array; name: string }>()
  for (const { identity: encoded } of branches) {
    const identity = parseBranchIdentity(bytesOf(encoded))
    if (identity === undefined) continue
    const isGood = issuers.some((by) => by && !refusalOfIdentity(identity, by, trust))
    if (isGood) keys.set(identity.branch, { key: identity.signPublicKey, name: identity.name })
  }
  return {
    organisation: trust.organisation,
    messages: messages.map(({ origin, author, proof }) => {
      const branch = keys.get(origin)
      const by = author.name
      if (branch === undefined) return { by, branch: '', signed: undefined }
      const proved = provedBy(proof, origin as BranchId, (domain, bytes, signature) =>
        verifyBytes(branch.key, domain, bytes, signature),
      )
      const body = v.safeParse(posted, proved?.body)
      // The name in the file stands for an id; another id than the signed one is another person's.
      const isWhole = proved !== undefined && body.success && body.output.author === author.id
      const at = proved === undefined ? 0 : Number.parseInt(proved.hlc.slice(0, 12), 16)
      return { by, branch: branch.name, signed: isWhole ? { ...body.output, at } : undefined }
    }),
  }
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64)
  } catch {
    return new Uint8Array(0)
  }
}
