/** `cert list | revoke`: which branches are believed, until when, and taking that from one. */
import { isoTime, type Millis } from '../base/units.ts'
import { isRevocationReason, REASONS } from '../certificates/revocation.ts'
import { UsageError } from '../config.ts'
import type { Revoked } from '../relay/revocations.ts'
import type { Call } from './commands.ts'
import { withControl } from './with-branch.ts'

type Certificates = {
  branches: { name: string; isSelf: boolean; up: boolean; notAfter?: Millis }[]
  revoked: Revoked[]
}

/** The command `cert`. */
export async function cert(call: Call): Promise<number> {
  const [verb] = call.words
  if (verb === 'list') return list(call)
  if (verb === 'revoke') return revoke(call)
  throw new UsageError('Say what to do: cert list, cert revoke --branch NAME --reason REASON')
}

async function list(call: Call): Promise<number> {
  const { branches, revoked } = await withControl(call.config, call.err, (control) =>
    control<Certificates>('GET', '/certificates'),
  )
  for (const { name, isSelf, up, notAfter } of branches) {
    const where = isSelf ? 'this branch' : up ? 'linked' : 'not linked'
    const until = notAfter === undefined ? '' : `, certificate until ${isoTime(notAfter)}`
    call.out(`${name.padEnd(20)} ${where}${until}\n`)
  }
  for (const each of revoked) call.out(`${each.name.padEnd(20)} ${wordsOf(each)}\n`)
  return 0
}

function wordsOf({ reason, note, revokedAt }: Revoked): string {
  return `revoked ${isoTime(revokedAt)}, ${reason}${note === '' ? '' : `: ${note}`}`
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
