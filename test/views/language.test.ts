/** The catalogues: the same keys and shapes everywhere, right plural forms, and the choice of a language. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  calendarDay,
  clockTime,
  longDate,
  shortTime,
  startOfDay,
} from '../../views/language/times.ts'
import { LANGUAGES, languageFrom, problemText, wordsOf } from '../../views/language/words.ts'

/** `common.save: string`, `presence.minutes: function` ... */
function shapeOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`]
  return Object.entries(value).flatMap(([key, part]) => shapeOf(part, `${path}.${key}`))
}

function sentencesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'function') return [String(value(3, 5, 'Europe/Kyiv'))]
  return Object.values(value as object).flatMap(sentencesOf)
}

test('every language has the keys and shapes of English', () => {
  const english = shapeOf(wordsOf('en')).sort()
  assert.ok(english.length > 250)
  for (const { language } of LANGUAGES) {
    assert.deepEqual(shapeOf(wordsOf(language)).sort(), english, language)
  }
})

test('no sentence is empty, undefined or cut', () => {
  for (const { language } of LANGUAGES) {
    for (const sentence of sentencesOf(wordsOf(language))) {
      assert.ok(sentence.trim() !== '', language)
      assert.doesNotMatch(sentence, /undefined|NaN|\[object/, language)
    }
  }
})

test('hardly anything is left in English', () => {
  const english = new Set(sentencesOf(wordsOf('en')).filter((s) => /[a-z]{4}/i.test(s)))
  for (const language of ['uk', 'pt'] as const) {
    const same = sentencesOf(wordsOf(language)).filter((s) => english.has(s))
    // "Branchline", "online", "Auditor" and the like are the same word.
    assert.ok(same.length <= 8, `${language}: ${same.join(' | ')}`)
  }
})

test('Ukrainian counts in its three forms', () => {
  const { minutes, days, hours } = wordsOf('uk').presence
  const forms = [1, 2, 4, 5, 11, 12, 21, 22, 25, 101, 111].map((n) => minutes(n).split(' ')[3])
  assert.deepEqual(forms, [
    'хвилину',
    'хвилини',
    'хвилини',
    'хвилин',
    'хвилин',
    'хвилин',
    'хвилину',
    'хвилини',
    'хвилин',
    'хвилину',
    'хвилин',
  ])
  const { showAll } = wordsOf('uk').list
  assert.deepEqual([51, 62, 214].map(showAll), [
    'Показати всі 51 чат',
    'Показати всі 62 чати',
    'Показати всі 214 чатів',
  ])
  assert.equal(days(3), '3 дні тому')
  assert.equal(days(14), '14 днів тому')
  assert.equal(hours(21), 'у мережі 21 годину тому')
})

test('English and Portuguese count in two forms', () => {
  assert.equal(wordsOf('en').presence.days(1), '1 day ago')
  assert.equal(wordsOf('en').common.members(12), '12 members')
  assert.equal(wordsOf('pt').presence.hours(1), 'online há 1 hora')
  assert.equal(wordsOf('pt').presence.hours(2), 'online há 2 horas')
})

test('the browser chooses the language by weight, English if it asks for none of ours', () => {
  assert.equal(languageFrom('uk-UA,uk;q=0.9,en;q=0.8'), 'uk')
  assert.equal(languageFrom('de, en;q=0.2, pt-BR;q=0.7'), 'pt')
  assert.equal(languageFrom('pt;q=0, uk;q=0.1'), 'uk')
  assert.equal(languageFrom('de-DE,fr'), 'en')
  assert.equal(languageFrom(''), 'en')
  assert.equal(languageFrom(undefined), 'en')
  assert.equal(languageFrom(';;q=x,,constructor,__proto__;q=1'), 'en')
})

test('a problem is said by its detail, else by its code', () => {
  const t = wordsOf('en')
  const mismatch = {
    code: 'invalid-input',
    detail: 'confirm-mismatch',
    values: { expected: 'olena' },
  }
  assert.equal(problemText(t, mismatch), 'To confirm, type olena exactly.')
  assert.equal(problemText(t, { code: 'conflict', detail: 'toString' }), t.errors.conflict.text)
  assert.equal(problemText(t, { code: 'nonsense' }), t.errors.bug.text)
})

test('times are of the time zone and the language', () => {
  const ms = Date.parse('2026-11-21T12:02:00Z')
  const now = Date.parse('2026-11-25T12:00:00Z')
  assert.equal(clockTime(ms, 'Europe/Kyiv'), '14:02')
  assert.equal(clockTime(Date.parse('2026-11-20T22:00:00Z'), 'Europe/Kyiv'), '00:00')
  assert.equal(shortTime(ms, now, 'Europe/Kyiv', 'en'), 'Sat')
  assert.equal(shortTime(ms - 30 * 86_400_000, now, 'Europe/Kyiv', 'en'), '22 Oct')
  assert.equal(shortTime(ms - 400 * 86_400_000, now, 'Europe/Kyiv', 'en'), '2025-10-17')
  assert.equal(longDate(ms, now, 'Europe/Kyiv', 'uk'), 'субота, 21 листопада')
  assert.equal(startOfDay(ms, 'Europe/Kyiv'), Date.parse('2026-11-20T22:00:00Z'))
})

test('clocks are those of the zone, also on the days that change them', () => {
  const hour = 3_600_000
  for (const timeZone of [
    'Europe/Kyiv',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Pacific/Apia',
  ]) {
    const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
    const known = new Intl.DateTimeFormat('en-GB', { ...clock, timeZone })
    const day = new Intl.DateTimeFormat('en-CA', { timeZone })
    for (let ms = Date.parse('2011-01-01T00:30Z'); ms < Date.parse('2012-01-01Z'); ms += hour) {
      assert.equal(clockTime(ms, timeZone), known.format(ms))
      assert.equal(calendarDay(ms, timeZone), day.format(ms))
    }
  }
})

test('every sentence that the code asks for by name is there', () => {
  const problems = wordsOf('en').problems as Record<string, unknown>
  const asked = new Set<string>()
  for (const file of globSync('src/**/*.ts')) {
    const code = readFileSync(file, 'utf8').replace(/^ \*.*$/gm, '') // without comments
    for (const [, detail] of code.matchAll(/\bdetail: '([a-z-]+)'/g)) asked.add(detail ?? '')
    for (const [, detail] of code.matchAll(
      /\b(?:minLength|maxLength|picklist)\([^()]*, '([a-z-]+)'\)/g,
    )) {
      asked.add(detail ?? '')
    }
    for (const [, detail] of code.matchAll(
      /invalidInput\(\s*[^,]+,\s*(?:'[^']*'|`[^`]*`),\s*'([a-z-]+)'/g,
    )) {
      asked.add(detail ?? '')
    }
  }
  assert.ok(asked.size > 20)
  assert.deepEqual([...asked].filter((detail) => !Object.hasOwn(problems, detail)).sort(), [])
})
