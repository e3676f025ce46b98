/** What a name of a file says of its type, as far as a rule may go by it: its ending, as systems read it. */

/** What the first bytes of a file can tell (kinds.ts). */
export const KINDS_REFUSABLE = ['image', 'audio', 'video', 'pdf', 'text'] as const

/** The ending without its dot, in small letters; empty when there is none. */
function endingOf(name: string): string {
  // Windows drops dots and spaces at the end: `a.exe. ` runs. Other forms of a letter (NFKC) are that letter to it.
  const bare = name
    .normalize('NFKC')
    .replace(/[\p{C}]/gu, '')
    .replace(/[.\s]+$/u, '')
  const dot = bare.lastIndexOf('.')
  return dot < 0
    ? ''
    : bare
        .slice(dot + 1)
        .trim()
        .toLowerCase()
}

/** Which of the rules refuses a file, as it stands there; undefined: none. */
export function refusedBy(
  refused: readonly string[],
  { name, type }: { name: string; type: string },
): string | undefined {
  const ending = endingOf(name)
  return refused.find((entry) => entry === ending || isOfKind(entry, type))
}

function isOfKind(entry: string, type: string): boolean {
  if (!entry.startsWith('kind:')) return false
  const kind = entry.slice('kind:'.length)
  return kind === 'pdf' ? type === 'application/pdf' : type.startsWith(`${kind}/`)
}
