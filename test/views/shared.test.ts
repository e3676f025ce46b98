/** What text browsers make of what a chat shares: there only white space keeps words apart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { samples } from './samples.ts'

test('the kinds of files, and what stands at each, are apart without a style sheet', async () => {
  const media = samples('Olena', null).find(([name]) => name === 'media')
  assert.ok(media)
  const html = String(await media[1])
  const words = html.replace(/<[^>]*>/g, '')
  assert.match(words, /Media\s+Files\s+Links/)
  assert.match(words, /4 MB\s+Olena\s·/)
})
