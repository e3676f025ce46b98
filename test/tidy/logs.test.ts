/** The log names of the code and the table of docs/operating.md are the same list. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Node, SyntaxKind } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isConditionalExpression,
  isElementAccessExpression,
  isIdentifier,
  isPropertyAccessExpression,
  isStringLiteral,
} from 'typescript/unstable/ast/is'
import {
  type Fault,
  faultAt,
  parse,
  projectFiles,
  ROOT,
  type Source,
  sample,
  told,
  walk,
} from './source.ts'

type Row = { level: string; name: string }

const LEVELS = new Set(['debug', 'info', 'warn', 'error'])
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/

/** What is logged, and calls whose name is not a plain dotted text. */
function logCalls(sources: readonly Source[]): { rows: Row[]; faults: Fault[] } {
  const rows: Row[] = []
  const faults: Fault[] = []
  for (const source of sources) {
    if (source.path.startsWith('src/world/')) continue // the door itself
    walk(source.tree, (node) => {
      const levels = levelsOf(node)
      if (levels.length === 0 || !isCallExpression(node)) return
      for (const name of namesOf(node.arguments[0])) {
        const isGood = name !== undefined && NAME.test(name)
        if (isGood) for (const level of levels) rows.push({ level, name })
        else
          faults.push(faultAt(source, node, 'a log name is a plain dotted text that never varies'))
      }
    })
  }
  return { rows, faults }
}

/** Of `log.info`, `deps.log.info`, `this.#log.info`, `log.with(...).info`, `log[bad ? 'warn' : 'info']`. */
function levelsOf(node: Node): string[] {
  if (!isCallExpression(node)) return []
  const called = node.expression
  if (isPropertyAccessExpression(called) && isLog(called.expression)) {
    return LEVELS.has(called.name.text) ? [called.name.text] : []
  }
  if (!isElementAccessExpression(called) || !isLog(called.expression)) return []
  return namesOf(called.argumentExpression).filter((level) => level !== undefined)
}

function isLog(node: Node): boolean {
  if (isIdentifier(node)) return /^log$|Log$/.test(node.text)
  if (isPropertyAccessExpression(node)) return /^#?log$|Log$/.test(node.name.text)
  return isCallExpression(node) && isPropertyAccessExpression(node.expression)
    ? node.expression.name.text === 'with' && isLog(node.expression.expression)
    : false
}

function namesOf(node: Node | undefined): (string | undefined)[] {
  if (node && isStringLiteral(node)) return [node.text]
  if (node && isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(namesOf)
  if (node?.kind === SyntaxKind.ParenthesizedExpression && 'expression' in node) {
    return namesOf(node.expression as Node)
  }
  return [undefined]
}

const key = ({ level, name }: Row) => `${name} (${level})`
const listOf = (rows: readonly Row[]) => [...new Set(rows.map(key))].sort()

/** Rows `| \`name\` | level | meaning |` of the part on log names. */
function documented(text: string): Row[] {
  const part = /^## Log names$([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(text)?.[1] ?? ''
  return [...part.matchAll(/^\| `([^`]+)` \| ([a-z, ]+) \| \S/gm)].flatMap(
    ([, name = '', levels]) =>
      (levels ?? '').split(',').map((level) => ({ name, level: level.trim() })),
  )
}

test('every log name of the code stands in docs/operating.md, and no other does', () => {
  const { rows, faults } = logCalls(parse(projectFiles(['src'])))
  assert.deepEqual(told(faults), [])
  const table = documented(readFileSync(join(ROOT, 'docs/operating.md'), 'utf8'))
  assert.deepEqual(listOf(table), listOf(rows), 'mend the table under "Log names"')
})

test('the log check finds every way of logging', () => {
  const text = `log.info('a.one', {})
deps.log.warn('a.two')
this.#log.error('a.three')
log.with({ peer }).debug('a.four')
relayLog.info(isUp ? 'a.five' : 'a.six')
log[bad ? 'warn' : 'info']('a.seven')
http.error('not.a-log')`
  const { rows, faults } = logCalls(sample('src/chat/a.ts', text))
  assert.deepEqual(faults, [])
  assert.deepEqual(listOf(rows), [
    'a.five (info)',
    'a.four (debug)',
    'a.one (info)',
    'a.seven (info)',
    'a.seven (warn)',
    'a.six (info)',
    'a.three (error)',
    'a.two (warn)',
  ])
})

test('the log check refuses names that vary or have no dots', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a bad file
  const text = "log.info(`peer.${id}`)\nlog.warn(name)\nlog.error('It broke')"
  assert.equal(logCalls(sample('src/chat/a.ts', text)).faults.length, 3)
})

test('the table is read row by row', () => {
  const text =
    '## Log names\n| `a.one` | info | x |\n| `a.two` | warn, error | y |\n## Else\n| `b` | info | z |'
  assert.deepEqual(listOf(documented(text)), ['a.one (info)', 'a.two (error)', 'a.two (warn)'])
})
