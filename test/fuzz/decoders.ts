/** Every decoder of what comes from outside, each by its number. */
import { OF_BYTES } from './bytes.ts'
import { EVENTS } from './events.ts'
import { OF_TEXT } from './texts.ts'
import { type Tried, trying } from './trying.ts'

export const DECODERS: readonly Tried[] = [
  ...Object.entries(OF_BYTES).map(([name, decoder]) =>
    trying(name, decoder, (chance, samples) => chance.bytes(samples)),
  ),
  ...Object.entries(OF_TEXT).map(([name, decoder]) =>
    trying(name, decoder, (chance, samples) => chance.text(samples)),
  ),
  ...EVENTS,
]
