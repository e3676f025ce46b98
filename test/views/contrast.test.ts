/**
 * The colours of the style sheet, each on everything it may stand on, in both themes: WCAG 2.2, 1.4.3 for text and 1.4.11
 * for what tells something without words. Pages are measured by axe-core too (test/browser/pages.test.ts), as far as
 * the tests open them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const TEXT_MIN = 4.5
const SIGN_MIN = 3

const TEXTS = ['ink', 'soft', 'brand', 'brand-hover', 'ok', 'warn', 'danger']
/** Edges of controls, dots of presence and of branches. */
const SIGNS = ['edge', 'dot', 'off', 'brand', 'danger', 'warn']
const PAPERS = ['paper', 'side', 'mine', 'theirs', 'chosen', 'hover', 'warn-paper', 'danger-paper']
/** Words on buttons and badges. */
const ON = [
  ['on-brand', 'brand'],
  ['on-brand', 'brand-hover'],
  ['on-danger', 'danger'],
] as const

const css = readFileSync('public/app.css', 'utf8')

function tokensOf(selector: string): Record<string, string> {
  const start = css.indexOf(`${selector} {`)
  assert.ok(start >= 0, selector)
  const block = css.slice(start, css.indexOf('}', start))
  const found = [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)]
  return Object.fromEntries(found.map(([, name = '', colour = '']) => [name, colour]))
}

const LIGHT = tokensOf(':root')
const DARK = tokensOf(':root[data-theme="dark"]')

/** WCAG 2.2, relative luminance of an sRGB colour. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

function faults(
  tokens: Record<string, string>,
  pairs: readonly (readonly [string, string])[],
  min: number,
): string[] {
  return pairs.flatMap(([above, below]) => {
    const [front, back] = [tokens[above], tokens[below]]
    assert.ok(front && back, `${above} on ${below}`)
    const measured = contrast(front, back)
    return measured < min ? [`${above} on ${below}: ${measured.toFixed(2)}`] : []
  })
}

const each = (fronts: readonly string[]) =>
  fronts.flatMap((front) => PAPERS.map((paper) => [front, paper] as const))

test('the measure is that of the paper', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21)
  assert.equal(contrast('#777777', '#ffffff').toFixed(2), '4.48')
  assert.deepEqual(faults({ a: '#777777', b: '#ffffff' }, [['a', 'b']], TEXT_MIN), ['a on b: 4.48'])
})

for (const [theme, tokens] of Object.entries({ light: LIGHT, dark: DARK })) {
  test(`${theme}: words can be read on every ground, buttons and badges too`, () => {
    assert.deepEqual(faults(tokens, [...each(TEXTS), ...ON], TEXT_MIN), [])
  })

  test(`${theme}: edges and dots are seen on every ground`, () => {
    assert.deepEqual(faults(tokens, each(SIGNS), SIGN_MIN), [])
  })
}

test('white initials can be read on every hue of a face', () => {
  const rules = [...css.matchAll(/\.(?:hue-\d|avatar) \{[^}]*?background: (#[0-9a-f]{6});/g)]
  const hues = rules.map(([, colour = '']) => colour)
  assert.ok(hues.length >= 8)
  const unreadable = hues.filter((hue) => contrast('#ffffff', hue) < TEXT_MIN)
  assert.deepEqual(unreadable, [])
})

test('the theme of the system is the dark one, colour by colour, and no colour is forgotten', () => {
  assert.deepEqual(tokensOf(':root[data-theme="auto"]'), DARK)
  assert.deepEqual(Object.keys(DARK), Object.keys(LIGHT))
})
