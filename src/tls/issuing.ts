/**
 * The work of an issuing branch that holds the key of the organisation's X.509 root: makes the root when the
 * organisation is founded, and answers requests of branches, with as much of their names as they may have.
 */
import type { BranchId } from '../base/ids.ts'
import type { Db, Store } from '../db/open.ts'
import type { Append, LoggedEvent } from '../eventlog/events.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import {
  findTlsRoot,
  issuedCertificates,
  keepTlsRoot,
  openRequests,
  type TlsKinds,
  type TlsRequest,
} from './events.ts'
import type { Signer } from './making.ts'
import { OWN_NAMES, refusalOfName } from './names.ts'

type RootKeys = {
  findTlsRootKey(): Uint8Array | undefined
  saveTlsRootKey(key: Uint8Array): void
}

type IssuingParts = {
  self: BranchId
  store: Pick<Store, 'read' | 'writer'>
  append: Append
  onCommitted(fn: (events: readonly LoggedEvent[]) => void): () => void
  kinds: TlsKinds
  keys: RootKeys
  clock: Clock
  random: Random
  log: Log
  isIssuer(db: Db, branch: BranchId): Promise<boolean>
  organisation(): string
  branchName(db: Db, branch: BranchId): Promise<string>
  /** Domains under which branches may have names, besides private ones. */
  domains: readonly string[]
}

/** Answers what is open now and whatever is asked for later; the result stops it. */
export async function startIssuing(parts: IssuingParts): Promise<() => void> {
  const { self, store, log } = parts
  if (!(await parts.isIssuer(store.read, self))) return () => {}
  await ensureRoot(parts)
  await answerRequests(parts)
  let work = Promise.resolve()
  return parts.onCommitted((events) => {
    if (!events.some(({ kind }) => kind === parts.kinds.request.name)) return
    work = work
      .then(() => answerRequests(parts))
      .catch((error: unknown) => log.error('tls.issuing-failed', { error }))
  })
}

/** The key first: without its certificate it is made use of at the next start, the other way round it would be lost. */
async function ensureRoot(parts: IssuingParts): Promise<void> {
  const { store, keys, clock, random, log } = parts
  if ((await findTlsRoot(store.read)) !== undefined) return
  const { makeRoot, newTlsKey } = await import('./making.ts')
  const key = keys.findTlsRootKey() ?? newTlsKey(random.bytes)
  keys.saveTlsRootKey(key)
  const subject = { organisation: parts.organisation(), name: 'Branchline root' }
  const root = makeRoot(key, subject, { now: clock.now(), randomBytes: random.bytes })
  await store.writer.write((tx) => keepTlsRoot(tx, root))
  log.info('tls.root-made', {})
}

async function answerRequests(parts: IssuingParts): Promise<void> {
  const { store, keys, log } = parts
  const open = await openRequests(store.read)
  if (open.length === 0) return
  const key = keys.findTlsRootKey()
  const certificate = await findTlsRoot(store.read)
  if (!key || !certificate) {
    log.warn('tls.root-key-absent', { branches: open.map(({ branch }) => branch) })
    return
  }
  for (const request of open) await answer(parts, request, { certificate, key })
}

async function answer(parts: IssuingParts, request: TlsRequest, root: Signer): Promise<void> {
  const { store, append, kinds, clock, random, log } = parts
  const { branch, hlc, publicPoint } = request
  const { names, refused } = await namesFor(parts, request)
  const name = `Branchline ${await parts.branchName(store.read, branch)}`
  const subject = { organisation: parts.organisation(), name }
  const made = { now: clock.now(), randomBytes: random.bytes }
  const { makeIntermediate } = await import('./making.ts')
  const intermediate = makeIntermediate(root, { point: publicPoint, names, subject }, made)
  const body = {
    ...{ branch, answers: hlc, names },
    intermediate: intermediate.toBase64(),
    root: root.certificate.toBase64(),
  }
  await store.writer.write((tx) => append(tx, { kind: kinds.issued, to: 'all', body }))
  log.info('tls.issued', { branch, names })
  if (refused.length > 0) log.warn('tls.names-refused', { branch, refused })
}

async function namesFor(
  { self, store, domains }: IssuingParts,
  { branch, names }: TlsRequest,
): Promise<{ names: string[]; refused: { name: string; reason: string }[] }> {
  const others = (await issuedCertificates(store.read)).filter((one) => one.branch !== branch)
  const taken = others.flatMap((one) => one.names)
  const judged = names.map((name) => ({ name, reason: refusalOfName(name, { domains, taken }) }))
  const isGood = ({ reason }: { reason: string | undefined }) =>
    // Who holds the root's key need not ask anybody: what its operator wrote is the permission.
    reason === undefined || (branch === self && reason === 'public')
  return {
    names: [...new Set([...OWN_NAMES, ...judged.filter(isGood).map(({ name }) => name)])],
    refused: judged
      .filter((one) => !isGood(one))
      .map(({ name, reason }) => ({ name, reason: reason ?? '' })),
  }
}
