/** A number with the right form of its noun, by the rules of the language (CLDR, through Intl.PluralRules). */
import type { Language } from './times.ts'

type Forms = { one: string; few?: string; many?: string; other: string }

/** `n` and its noun: `count(3, { one: 'line', other: 'lines' })` is `3 lines`. */
export function counting(language: Language): (n: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language)
  return (n, forms) => `${n} ${form(forms, rules.select(n))}`
}

function form(forms: Forms, category: Intl.LDMLPluralRule): string {
  if (category === 'one') return forms.one
  if (category === 'few') return forms.few ?? forms.other
  if (category === 'many') return forms.many ?? forms.other
  return forms.other
}
