/** Whatever a person types is text: every view with markup and quotes in every prop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html, raw } from 'hono/html'
import { NOW, samples } from './samples.ts'

const EVIL = `x<script>"'&y`
const SAFE = 'x&lt;script&gt;&quot;&#39;&amp;y'
// A `<` between quotes would be harmless to a parser, but none of ours has a reason to be there.
const LEAKS = [/<script>/, /x<(?!\/)/, /"'&/, /'&y/]

function leaksOf(markup: string): string[] {
  return LEAKS.filter((leak) => leak.test(markup)).map(String)
}

for (const photo of [null, EVIL]) {
  for (const [name, view] of samples(EVIL, photo)) {
    test(`${name}${photo ? ' with photos' : ''} escapes every prop`, async () => {
      const markup = String(await view)
      assert.ok(markup.includes(SAFE), 'the sample reaches the markup')
      assert.deepEqual(leaksOf(markup), [])
    })
  }
}

test('the check finds what is not escaped', async () => {
  const markup = String(await html`<p title="${raw(EVIL)}">x</p>`)
  assert.ok(leaksOf(markup).length > 0)
})

test('no view has inline styles, handlers or scripts, which the content policy would refuse', async () => {
  for (const [name, view] of samples('Olena', null)) {
    const markup = String(await view)
    assert.doesNotMatch(markup, /\sstyle=|<style|\son[a-z]+=|hx-on|javascript:/i, name)
    assert.doesNotMatch(markup, /<script(?! src="[^"]+" defer><\/script>)/, name)
  }
})

test('every form that changes something carries the form token', async () => {
  for (const [name, view] of samples('Olena', null)) {
    const forms = String(await view).match(/<form[^>]*method="post"[\s\S]*?<\/form>/g) ?? []
    for (const form of forms) assert.match(form, /name="formToken" value="Olena"/, name)
  }
})

test('ids are used once in a page, and labels and descriptions name ids that exist', async () => {
  for (const [name, view] of samples('Olena', null)) {
    const markup = String(await view)
    const ids = [...markup.matchAll(/\sid="([^"]+)"/g)].map((found) => found[1] ?? '')
    assert.deepEqual(ids.length, new Set(ids).size, `${name}: ${ids.join(' ')}`)
    for (const [, list] of markup.matchAll(
      /\s(?:for|aria-describedby|aria-labelledby)="([^"]+)"/g,
    )) {
      for (const id of (list ?? '').split(' ')) assert.ok(ids.includes(id), `${name}: ${id}`)
    }
  }
})

test('times are machine readable', async () => {
  const [found] = samples('Olena', null).filter(([name]) => name === 'line')
  assert.match(String(await found?.[1]), new RegExp(`datetime="${new Date(NOW).toISOString()}"`))
})
