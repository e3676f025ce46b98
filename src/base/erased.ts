/** How somebody who was deleted is called: not by words, which each reader has in his own language, but by a sign. */

/** In the place of the name; a control character, which no name that comes from anywhere may hold (text.ts). */
export const ERASED_NAME = '\u0001'

/** A number to tell deleted people apart, the same at every branch: of the first 20 bits of the id. */
export function erasedNumber(id: string): number {
  return Number.parseInt(id.slice(0, 5), 16) || 0
}
