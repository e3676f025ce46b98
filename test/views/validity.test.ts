/** Every view with every optional part is valid HTML, in every language: also parts that no single page ever shows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LANGUAGES } from '../../views/language/words.ts'
import { htmlFaults } from '../support/html.ts'
import { samples } from './samples.ts'

const PHOTO = 'ab'.repeat(32)

for (const { language } of LANGUAGES) {
  test(`views in ${language} are valid HTML, with photos and with a hostile text in every prop`, async () => {
    const faults: string[] = []
    for (const [text, photo] of [
      ['Olena', PHOTO],
      [`<b>"'&amp;</p>`, null],
    ] as const) {
      for (const [name, view] of samples(text, photo, language)) {
        const found = htmlFaults(String(await view))
        faults.push(...found.map((fault) => `${name}: ${fault}`))
      }
    }
    assert.deepEqual(faults, [])
  })
}
