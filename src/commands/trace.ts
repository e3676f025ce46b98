/** `trace MESSAGE`: where a message, or any event, is. */
import type { NamedTrace } from '../admin/trace.ts'
import { isoTime } from '../base/units.ts'
import { waitingWords } from '../base/waiting-words.ts'
import { UsageError } from '../config.ts'
import type { Call } from './commands.ts'
import { withControl } from './with-branch.ts'

/** The command `trace`. */
export async function trace(call: Call): Promise<number> {
  const [id, ...more] = call.words
  if (id === undefined || more.length > 0) {
    throw new UsageError('Say which: trace MESSAGE, the id or address of one message')
  }
  const found = await withControl(call.config, call.err, (control) =>
    control<NamedTrace>('GET', `/trace?id=${encodeURIComponent(id)}`),
  )
  const { event, kind, origin, writtenAt, arrivedAt, isOwn, broughtBy, state, reason } = found
  call.out(`${event} ${kind}\n`)
  call.out(`  written in ${origin} ${isoTime(writtenAt)}\n`)
  if (!isOwn) {
    call.out(`  came here ${isoTime(arrivedAt)}${broughtBy ? `, carried by ${broughtBy}` : ''}\n`)
  }
  if (state !== 'applied') call.out(`  ${state} here${reason ? `: ${reason}` : ''}\n`)
  for (const way of found.ways) call.out(`  ${wordsOf(way)}\n`)
  if (!isOwn) call.out(`  what became of it elsewhere only ${origin} knows\n`)
  return 0
}

function wordsOf(way: NamedTrace['ways'][number]): string {
  if (way.state === 'stored') {
    return `stored in ${way.to} ${isoTime(way.at)}${way.via ? `, carried by ${way.via}` : ''}`
  }
  if (way.state === 'refused') return `refused in ${way.to} ${isoTime(way.at)}: ${way.reason}`
  return `waiting for ${way.to}: ${waitingWords(way)}`
}
