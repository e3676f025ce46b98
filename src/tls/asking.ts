/**
 * A branch asks the organisation for an intermediate for its names, and hands what it got to its listener. It asks
 * again when its names change and when two thirds of the intermediate's life are over.
 */
import { equal } from '../base/bytes.ts'
import type { BranchId } from '../base/ids.ts'
import { HOUR, type Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { Append, LoggedEvent } from '../eventlog/events.ts'
import { type Clock, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import {
  findRequest,
  findTlsRoot,
  issuedCertificates,
  type TlsIssued,
  type TlsKinds,
} from './events.ts'
import { newTlsKey } from './making.ts'
import { NAMES_MAX, OWN_NAMES } from './names.ts'
import type { OwnTls } from './served.ts'
import { pointOf, publicPoint, type TlsKey, validityOf } from './x509.ts'

const CARE_MS: Millis = HOUR

type TlsKeys = { findTlsKey(): Uint8Array | undefined; saveTlsKey(key: Uint8Array): void }

type AskingParts = {
  self: BranchId
  store: Pick<Store, 'read' | 'writer'>
  append: Append
  onCommitted(fn: (events: readonly LoggedEvent[]) => void): () => void
  kinds: TlsKinds
  keys: TlsKeys
  clock: Clock
  random: Random
  log: Log
  organisation(): string
  /** Names and addresses people use for this server now. */
  names(): readonly string[]
  tls: OwnTls
}

/** Takes what is there, asks for what is missing; the result stops it. */
export async function startAsking(parts: AskingParts): Promise<() => void> {
  const { keys, random, clock, log, kinds, self } = parts
  const key = keys.findTlsKey() ?? newTlsKey(random.bytes)
  keys.saveTlsKey(key)
  let used: TlsIssued | undefined
  const take = async () => {
    const issued = (await issuedCertificates(parts.store.read)).find((one) => one.branch === self)
    if (!issued || !equal(pointOf(issued.intermediate), publicPoint(key))) return
    if (used && equal(used.intermediate, issued.intermediate)) return
    used = issued
    await hand(parts, issued, key)
  }
  const report = (error: unknown) => log.error('tls.care-failed', { error })
  const unsubscribe = parts.onCommitted((events) => {
    const isMine = ({ kind, body }: LoggedEvent) =>
      kind === kinds.issued.name && (body as { branch: string }).branch === self
    if (events.some(isMine)) take().catch(report)
  })
  await take()
  await ask(parts, key)
  const cancel = every(clock, CARE_MS, () => ask(parts, key), report)
  return () => {
    cancel()
    unsubscribe()
  }
}

async function hand(parts: AskingParts, issued: TlsIssued, key: TlsKey): Promise<void> {
  const { store, tls, log, clock } = parts
  const root = await findTlsRoot(store.read)
  const { intermediate: certificate, names } = issued
  if (!root || validityOf(certificate).notAfter <= clock.now()) return
  tls.grant({ intermediate: { certificate, key }, root, names, organisation: parts.organisation() })
  const lacking = wanted(parts).filter((name) => !names.includes(name))
  if (lacking.length > 0) log.warn('tls.names-lacking', { names: lacking })
}

async function ask(parts: AskingParts, key: TlsKey): Promise<void> {
  const { self, store, append, kinds, clock } = parts
  const point = publicPoint(key)
  const names = wanted(parts)
  const asked = await findRequest(store.read, self)
  const issued = (await issuedCertificates(store.read)).find((one) => one.branch === self)
  const isSame =
    asked !== undefined && equal(asked.publicPoint, point) && sameNames(asked.names, names)
  const isAnswered = asked !== undefined && issued !== undefined && issued.answers >= asked.hlc
  // What was asked and not answered yet needs no second question.
  if (isSame && !(isAnswered && isDue(issued, clock.now()))) return
  const body = { key: point.toBase64(), names }
  await store.writer.write((tx) => append(tx, { kind: kinds.request, to: 'all', body }))
}

function isDue({ intermediate }: TlsIssued, now: Millis): boolean {
  const { notBefore, notAfter } = validityOf(intermediate)
  return now >= notBefore + ((notAfter - notBefore) * 2) / 3
}

/** In one order: the addresses of a machine are listed as the system likes. */
function wanted({ names }: AskingParts): string[] {
  const own = new Set(names().filter((name) => !OWN_NAMES.includes(name)))
  return [...own].slice(0, NAMES_MAX).sort()
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i])
}
