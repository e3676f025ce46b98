/** Why something waits, for programs and terminals: in English, with times as the API writes them. */
import { isoTime, type Millis } from './units.ts'

type Waiting = { downSince: Millis | undefined; ahead: number; carriers: readonly string[] }

/** `line down since TIME, handed to NAMES, N ahead` */
export function waitingWords({ downSince, ahead, carriers }: Waiting): string {
  const line = downSince === undefined ? 'line up' : `line down since ${isoTime(downSince)}`
  const held = carriers.length === 0 ? '' : `, handed to ${carriers.join(', ')}`
  return `${line}${held}, ${ahead} ahead`
}
