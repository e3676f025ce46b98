/** Certificates, clock, lines and copies, as `doctor` looks at them. */
import { isHlc, millisOf } from '../../base/hlc.ts'
import { DAY, HOUR, isoTime, MINUTE, type Millis } from '../../base/units.ts'
import type { Config } from '../../config.ts'
import { metaOf } from '../../db/meta.ts'
import type { Db } from '../../db/open.ts'
import { lastBackup } from '../../eventlog/backup-marks.ts'
import type { Membership } from '../../organisation/membership.ts'
import { findChain } from '../../relay/credentials.ts'
import { issuingBranches } from '../../relay/issuers.ts'
import type { Network } from '../../world/network.ts'
import { bad, type Finding, ok, warn } from './finding.ts'

/** Renewed at half of ten days and asked for every minute: an hour late is late. */
const LATE_MS: Millis = HOUR
/** The hlc runs at most one minute ahead of the wall clock (docs/protocol.md, section 8). */
const AHEAD_MS_MAX: Millis = 2 * MINUTE
/** Off by more, times on pages are wrong to the eye. */
const OFFSET_MS_MAX: Millis = MINUTE
/** Issuing rights are given for a year and renewed at half of it. */
const ISSUER_ENDS_MS: Millis = 60 * DAY
/** What a branch can lose of its own when the disk dies. */
const BACKUP_OLD_MS: Millis = 7 * DAY

/** How long the own certificate is good. */
export async function certificateFinding(db: Db, now: Millis): Promise<Finding> {
  const of = 'certificate'
  const link = (await findChain(db))?.link
  if (!link) return bad(of, 'there is none', 'join anew with an invitation')
  const until = isoTime(link.notAfter)
  const todo = 'see that an issuing branch is linked, and that the clocks are right; `cert renew`'
  if (now > link.notAfter) return bad(of, `ran out ${until}: no line opens`, todo)
  if (now < link.notBefore)
    return bad(of, `begins only ${isoTime(link.notBefore)}`, 'set the clock')
  const half = link.notBefore + (link.notAfter - link.notBefore) / 2
  if (now > half + LATE_MS) return warn(of, `good until ${until}, and should be renewed`, todo)
  return ok(of, `good until ${until}`)
}

/** Whether somebody can issue certificates when this server, or another one, is lost. */
export async function issuersFinding(db: Db, { self }: Membership, now: Millis): Promise<Finding> {
  const issuing = (await issuingBranches(db)).filter(({ notAfter }) => notAfter > now)
  const [only] = issuing
  if (!only) {
    const todo = 'where the root key is: `cert issuer --branch NAME`'
    return bad('issuers', 'no branch may issue certificates any more', todo)
  }
  const own = issuing.find(({ branch }) => branch === self)
  if (own && own.notAfter < now + ISSUER_ENDS_MS) {
    const says = `the right of this branch ends ${isoTime(own.notAfter)}`
    return warn(
      'issuers',
      says,
      'bring the root key back for an hour: `key import --authority FILE`',
    )
  }
  const names = issuing.map(({ name }) => name).join(', ')
  if (issuing.length > 1) return ok('issuers', names)
  const todo = '`cert issuer --branch NAME`, so that the organisation outlives one server'
  return warn('issuers', `only ${names}`, todo)
}

/** Whether the clock is behind what was written already. */
export async function clockFinding(db: Db, now: Millis): Promise<Finding> {
  const newest = await metaOf(db, 'hlc')
  const by = newest === undefined || !isHlc(newest) ? 0 : millisOf(newest) - now
  if (by <= AHEAD_MS_MAX) return ok('clock', isoTime(now))
  const says = `${isoTime(now)}, ${Math.round(by / MINUTE)} minutes before the newest event here`
  return bad('clock', says, 'set the clock, by NTP if there is one')
}

/** Whether the address that the relay shall listen on is this machine's. */
export function relayFinding(
  { relay }: Pick<Config, 'relay'>,
  network: Pick<Network, 'interfaces'>,
): Finding {
  if (relay.kind === 'off') return warn('relay', 'off: this branch is linked with no other')
  const list = network.interfaces()
  if (relay.kind === 'zt') {
    const found = list.find(({ name }) =>
      relay.interfaceName === undefined ? name.startsWith('zt') : name === relay.interfaceName,
    )
    if (found) return ok('relay', `at ${found.address} (${found.name})`)
    const todo = 'join this machine to the ZeroTier network, or name an address with --relay'
    return warn('relay', 'waits for the ZeroTier interface, which is not here', todo)
  }
  const { host, port } = relay.address
  const isAny = host === '0.0.0.0' || host === '::'
  if (isAny || list.some(({ address }) => address === host)) return ok('relay', `${host}:${port}`)
  const todo = 'correct --relay, or bring the interface with this address up'
  return bad('relay', `${host} is no address of this machine`, todo)
}

export type PeerSeen = {
  name: string
  up: boolean
  since: Millis
  clockOffsetMs?: number
  outbox: number
}

/** The lines, as the running server sees them. */
export function linkFindings(peers: readonly PeerSeen[]): Finding[] {
  return peers.map(({ name, up, since, outbox, clockOffsetMs = 0 }) => {
    const at = since > 0 ? ` since ${isoTime(since)}` : ''
    const waiting = outbox === 0 ? '' : `, ${outbox} waiting`
    if (!up) return warn('line', `${name}: not linked${at}${waiting}`, '`peers` says why')
    const says = `${name}: linked${at}${waiting}`
    if (Math.abs(clockOffsetMs) <= OFFSET_MS_MAX) return ok('line', says)
    const by = `clocks differ by ${Math.round(Math.abs(clockOffsetMs) / MINUTE)} minutes`
    return warn('line', `${says}, ${by}`, 'set the clock that is wrong')
  })
}

/** When the newest copy was made. */
export async function backupFinding(db: Db, now: Millis): Promise<Finding> {
  const madeAt = await lastBackup(db)
  const todo = '`backup FILE`, to another disk'
  if (madeAt === undefined) return warn('backup', 'none that may still be put back', todo)
  const says = `the newest was made ${isoTime(madeAt)}`
  return now - madeAt > BACKUP_OLD_MS ? warn('backup', says, todo) : ok('backup', says)
}
