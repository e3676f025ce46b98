/** A rule about types of files (src/files/rules.ts) as people read it. */

type Kind = 'image' | 'audio' | 'video' | 'pdf' | 'text'

const KIND = 'kind:'

/** `.exe` for an ending, the word of the catalogue for `kind:video`; the rule itself if a later release knows more. */
export function refusedType(
  rule: string | number | undefined,
  kinds: Readonly<Record<Kind, string>>,
): string {
  const text = String(rule ?? '')
  if (!text.startsWith(KIND)) return text === '' ? '' : `.${text}`
  const words: Record<string, string> = kinds
  const kind = text.slice(KIND.length)
  return Object.hasOwn(words, kind) ? (words[kind] ?? kind) : kind
}
