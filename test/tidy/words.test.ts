/** What people read stands in views/language/, in every language, and nowhere else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from 'typescript/unstable/ast'
import {
  isIdentifier,
  isNoSubstitutionTemplateLiteral,
  isTaggedTemplateExpression,
  isTemplateExpression,
} from 'typescript/unstable/ast/is'
import {
  type Fault,
  faultAt,
  parse,
  projectFiles,
  type Source,
  sample,
  told,
  walk,
} from './source.ts'

/** Attributes that are read out or shown. */
const SPOKEN = /\s(?:title|alt|placeholder|aria-label|aria-description|label)="([^"]*)"/g
const TAG = /<!?\/?[a-z](?:[^<>"]|"[^"]*")*>/gi
/** A template that holds attributes only: ` aria-current="page"`. */
const ATTRIBUTES = /^(?:\s+[a-z][a-z-]*(?:="[^"]*")?)+\s*$/
const WORD = /\p{L}{2,}/u

/** Text and spoken attributes of an HTML template; holes are left out. */
function shownIn(html: string): string[] {
  if (ATTRIBUTES.test(html)) return []
  const attributes = [...html.matchAll(SPOKEN)].map((match) => match[1] ?? '')
  return [html.replace(TAG, ' ').replace(/&\w+;/g, ' '), ...attributes]
}

/** The template's own text, with a blank for every hole. */
function ownText(template: Node): string {
  if (isNoSubstitutionTemplateLiteral(template)) return template.text
  if (!isTemplateExpression(template)) return ''
  return [template.head, ...template.templateSpans.map((span) => span.literal)]
    .map((part) => part.text)
    .join(' ')
}

function wordFaults(sources: readonly Source[]): Fault[] {
  const faults: Fault[] = []
  for (const source of sources) {
    walk(source.tree, (node) => {
      if (!isTaggedTemplateExpression(node) || !isIdentifier(node.tag)) return
      if (node.tag.text !== 'html') return
      for (const text of shownIn(ownText(node.template))) {
        const word = WORD.exec(text)?.[0]
        if (word === undefined) continue
        const reason = `"${word}" is said in one language only: put it into views/language/`
        faults.push(faultAt(source, node, reason))
      }
    })
  }
  return faults
}

test('no view says a word of its own', () => {
  assert.deepEqual(told(wordFaults(parse(projectFiles(['views', 'src'])))), [])
})

const refused: [what: string, template: string][] = [
  ['a word in an element', 'html`<button class="send">Send</button>`'],
  ['a word beside a hole', 'html`<p>$' + '{n} messages</p>`'],
  ['a word that is read out', 'html`<a href="/chats" title="Back">$' + '{icon}</a>`'],
  ['a word of another alphabet', 'html`<p>Написати</p>`'],
]

for (const [what, template] of refused) {
  test(`the word check refuses ${what}`, () => {
    const faults = wordFaults(sample('views/a.ts', `const x = ${template}`))
    assert.equal(faults.length, 1, told(faults).join('\n'))
  })
}

test('the word check lets markup and words of the catalogue pass', () => {
  const text = `const x = html\`<!doctype html>
<p class="empty" title="\${t.back}">\${t.nothing} &middot; 1</p><a href="/chats?q=\${q}">\${t.all}</a>\``
  assert.deepEqual(told(wordFaults(sample('views/a.ts', text))), [])
})
