/** Texts that are shown in lines of ours, such as names: what they may hold, wherever they come from. */

/** Control and direction characters (Unicode Cc, Cf): they can make one name look like another. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A short text as a person would read it: one form of each letter, no hidden characters, single spaces. */
export function tidied(text: string): string {
  return text.normalize('NFC').replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
}
