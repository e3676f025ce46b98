/** `invite` and `peers`: taking a branch in, what this one is linked with, and forgetting what one has shown. */
import { type ClockProblem, clockProblemText } from '../../views/language/clocks.ts'
import { en } from '../../views/language/en.ts'
import { isoTime, type Millis } from '../base/units.ts'
import { INVITATION_LIFE_MS_MAX } from '../certificates/invitation.ts'
import { UsageError } from '../config.ts'
import type { Call } from './commands.ts'
import { durationOf } from './duration.ts'
import { withControl } from './with-branch.ts'

/** The command `invite`. */
export async function invite(call: Call): Promise<number> {
  const branch = call.flags.branch
  if (typeof branch !== 'string')
    throw new UsageError('invite needs --branch NAME of the new branch')
  const { valid } = call.flags
  const validMs =
    valid === undefined
      ? undefined
      : durationOf(String(valid), { flag: 'valid', most: INVITATION_LIFE_MS_MAX })
  const { invitation } = await withControl(call.config, call.err, (control) =>
    control<{ invitation: string }>('POST', '/invitations', {
      branch,
      ...(validMs === undefined ? {} : { validMs }),
      ...(call.flags.address === undefined ? {} : { address: String(call.flags.address) }),
    }),
  )
  call.out(`${invitation}\n`)
  return 0
}

type Peer = {
  name: string
  up: boolean
  suite?: 1 | 2
  since: Millis
  outbox: number
  address?: string
  lastError?: string
  clockProblem?: ClockProblem
  announced?: { address: string; at: Millis }
}

/** The command `peers`. */
export async function peers(call: Call): Promise<number> {
  const name = call.flags['forget-suite']
  if (typeof name === 'string') {
    await withControl(call.config, call.err, (control) =>
      control('POST', '/peers/forget-suite', { name }),
    )
    call.out(`${name} may be linked without post-quantum protection again, until it shows it\n`)
    return 0
  }
  const list = await withControl(call.config, call.err, (control) =>
    control<Peer[]>('GET', '/peers'),
  )
  if (list.length === 0) call.out('No other branches yet: make an invitation with "invite"\n')
  for (const peer of list) {
    const { name, up, suite, since, outbox, address, announced } = peer
    const state = up ? 'linked' : 'not linked'
    const protection = suite === 2 ? ', post-quantum' : ''
    const at = since > 0 ? ` since ${isoTime(since)}` : ''
    const waiting = outbox === 0 ? '' : `, ${outbox} waiting`
    const why = up ? '' : whyOf(peer)
    const where = address ? ` (${address})` : ''
    const heard = up || !announced ? '' : `, announced itself at ${announced.address}`
    call.out(`${name.padEnd(20)} ${state}${at}${where}${waiting}${protection}${why}${heard}\n`)
  }
  return 0
}

function whyOf({ lastError, clockProblem }: Peer): string {
  if (clockProblem) return `. ${clockProblemText(en.clocks, clockProblem)}`
  return lastError === undefined ? '' : `, last error: ${lastError}`
}
