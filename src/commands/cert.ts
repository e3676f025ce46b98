/** `cert list | renew | new | issuer | revoke`: which branches are believed, until when, by whom, and ending that. */
import { isoTime, type Millis } from '../base/units.ts'
import { isRevocationReason, REASONS } from '../certificates/revocation.ts'
import { UsageError } from '../config.ts'
import type { IssuingBranch } from '../relay/issuers.ts'
import type { RenewalOutcome } from '../relay/renewals.ts'
import type { Revoked } from '../relay/revocations.ts'
import type { Call } from './commands.ts'
import { withControl } from './with-branch.ts'

type Certificates = {
  branches: {
    name: string
    isSelf: boolean
    up: boolean
    notAfter?: Millis
    signedBy?: string
    issuesUntil?: Millis
  }[]
  revoked: Revoked[]
}

/** The command `cert`. */
export async function cert(call: Call): Promise<number> {
  const [verb] = call.words
  if (verb === 'list') return list(call)
  if (verb === 'renew' || verb === 'new') return renew(call, { newKey: verb === 'new' })
  if (verb === 'issuer') return issuer(call)
  if (verb === 'revoke') return revoke(call)
  throw new UsageError(
    'Say what to do: cert list, cert renew, cert new, cert issuer --branch NAME, ' +
      'cert revoke --branch NAME --reason REASON',
  )
}

async function list(call: Call): Promise<number> {
  const { branches, revoked } = await withControl(call.config, call.err, (control) =>
    control<Certificates>('GET', '/certificates'),
  )
  for (const { name, isSelf, up, notAfter, signedBy, issuesUntil } of branches) {
    const where = isSelf ? 'this branch' : up ? 'linked' : 'not linked'
    const until = notAfter === undefined ? '' : `, certificate until ${isoTime(notAfter)}`
    const by = signedBy === undefined ? '' : ` signed by ${signedBy}`
    const issues = issuesUntil === undefined ? '' : `, may issue until ${isoTime(issuesUntil)}`
    call.out(`${name.padEnd(20)} ${where}${until}${by}${issues}\n`)
  }
  for (const each of revoked) call.out(`${each.name.padEnd(20)} ${wordsOf(each)}\n`)
  return 0
}

async function renew(call: Call, how: { newKey: boolean }): Promise<number> {
  const outcome = await withControl(call.config, call.err, (control) =>
    control<RenewalOutcome>('POST', '/certificates/renew', how),
  )
  if (outcome.kind === 'renewed') {
    const key = how.newKey ? ', for a new key; the key before is forgotten here' : ''
    call.out(`Certificate until ${isoTime(outcome.notAfter)}, signed by ${outcome.by}${key}\n`)
    return 0
  }
  call.err(`Not renewed: ${whyNot(outcome)}\n`)
  return 1
}

function whyNot(outcome: Exclude<RenewalOutcome, { kind: 'renewed' }>): string {
  if (outcome.kind === 'refused')
    return `${outcome.by} answered, and it is of no use: ${outcome.reason}`
  if (outcome.kind === 'no-answer') return `${outcome.by} did not answer in time; try again`
  return 'no branch that may issue certificates is linked; "peers" says why'
}

function wordsOf({ reason, note, revokedAt }: Revoked): string {
  return `revoked ${isoTime(revokedAt)}, ${reason}${note === '' ? '' : `: ${note}`}`
}

async function issuer(call: Call): Promise<number> {
  const { branch } = call.flags
  if (typeof branch !== 'string') throw new UsageError('cert issuer needs --branch NAME')
  const named = await withControl(call.config, call.err, (control) =>
    control<IssuingBranch>('POST', '/issuers', { name: branch }),
  )
  call.out(`${named.name} may issue certificates until ${isoTime(named.notAfter)}\n`)
  call.out('It can invite and revoke branches and renew certificates as soon as it hears of it.\n')
  return 0
}

async function revoke(call: Call): Promise<number> {
  const { branch, reason, note } = call.flags
  if (typeof branch !== 'string') throw new UsageError('cert revoke needs --branch NAME')
  if (typeof reason !== 'string' || !isRevocationReason(reason)) {
    throw new UsageError(`cert revoke needs --reason, one of ${REASONS.join(', ')}`)
  }
  const wish = { name: branch, reason, note: note === undefined ? '' : String(note) }
  const revoked = await withControl(call.config, call.err, (control) =>
    control<Revoked>('POST', '/revocations', wish),
  )
  call.out(`${revoked.name} is ${wordsOf(revoked)}\n`)
  call.out('It gets no link any more. The other branches hear of it as soon as they are linked.\n')
  return 0
}
