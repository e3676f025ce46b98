/** The languages there are and how one is chosen. Adding one is one catalogue beside this file and a line here. */
import { en, type Words } from './en.ts'
import { pt } from './pt.ts'
import type { Language } from './times.ts'
import { uk } from './uk.ts'

export type { Language, Words }

const CATALOGUES: Record<Language, Words> = { en, uk, pt }

/** Every language with its name in itself, in the order of the profile page. */
export const LANGUAGES: readonly { language: Language; name: string }[] = [
  { language: 'en', name: en.languageName },
  { language: 'uk', name: uk.languageName },
  { language: 'pt', name: pt.languageName },
]

/** Whether a text names a language there is a catalogue for. */
export function isLanguage(text: string): text is Language {
  return Object.hasOwn(CATALOGUES, text)
}

/** The catalogue of a language. */
export function wordsOf(language: Language): Words {
  return CATALOGUES[language]
}

/** The best language for a browser's Accept-Language header (RFC 9110, 12.5.4), English if none is ours. */
export function languageFrom(acceptLanguageHeader: string | undefined): Language {
  let best: Language = 'en'
  let bestQuality = 0
  for (const item of (acceptLanguageHeader ?? '').split(',')) {
    const [range = '', ...parameters] = item.trim().toLowerCase().split(';')
    const language = range.split('-')[0] ?? ''
    const quality = qualityOf(parameters)
    if (isLanguage(language) && quality > bestQuality) {
      best = language
      bestQuality = quality
    }
  }
  return best
}

function qualityOf(parameters: string[]): number {
  const q = parameters.map((p) => p.trim()).find((p) => p.startsWith('q='))
  if (q === undefined) return 1
  const quality = Number(q.slice(2))
  return Number.isFinite(quality) ? quality : 0
}

/** What went wrong as one sentence: the detail's own if the catalogue has it, else the code's. */
export function problemText(
  t: Words,
  problem: { code: string; detail?: string | undefined; values?: Record<string, string | number> },
): string {
  const problems: Record<string, (values: Record<string, string | number>) => string> = t.problems
  if (problem.detail !== undefined && Object.hasOwn(problems, problem.detail)) {
    const sentence = problems[problem.detail]
    if (sentence) return sentence(problem.values ?? {})
  }
  const errors: Record<string, { title: string; text: string; next: string }> = t.errors
  const own = Object.hasOwn(errors, problem.code) ? errors[problem.code] : undefined
  return (own ?? t.errors.bug).text
}
