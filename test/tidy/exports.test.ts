/** What a file exports, another file needs: code that nobody calls is deleted, what only its file uses stays there. */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { type Node, type Statement, SyntaxKind } from 'typescript/unstable/ast'
import {
  isBindingElement,
  isExportSpecifier,
  isIdentifier,
  isImportSpecifier,
  isNamespaceImport,
  isVariableStatement,
} from 'typescript/unstable/ast/is'
import {
  type Fault,
  faultAt,
  importsOf,
  parse,
  projectFiles,
  type Source,
  told,
  walk,
} from './source.ts'

/** `path name`, with the reason: who needs it does not import it. */
const NEEDED: Readonly<Record<string, string>> = {
  'src/accounts/hash-worker.ts seed': 'the pool of threads calls it by its name',
}

/** Who needs a name: code, or tests alone. Keys are `path name`, or `path *` for the whole module. */
type Needs = { code: Set<string>; tests: Set<string> }

function needsOf(sources: readonly Source[]): Needs {
  const needs: Needs = { code: new Set(), tests: new Set() }
  for (const source of sources) {
    const into = source.path.startsWith('test/') ? needs.tests : needs.code
    for (const { target, node } of importsOf(source)) {
      if (!target.startsWith('.')) continue
      const path = posix.join(posix.dirname(source.path), target)
      for (const name of namesIn(node)) into.add(`${path} ${name}`)
    }
  }
  return needs
}

/** The names an import takes: `{ a, b as c }`, `* as x`, `const { a } = await import(...)`, `import(...).A`. */
function namesIn(node: Node): string[] {
  const names: string[] = []
  const isDynamic = node.kind === SyntaxKind.CallExpression
  walk(isDynamic ? (node.parent?.parent ?? node) : node, (inner) => {
    if (isNamespaceImport(inner)) names.push('*')
    if (isImportSpecifier(inner) || isExportSpecifier(inner) || isBindingElement(inner)) {
      names.push((inner.propertyName ?? inner.name)?.getText() ?? '')
    }
    if (node.kind === SyntaxKind.ImportType && isIdentifier(inner)) names.push(inner.text)
  })
  return names
}

/** The declarations a file exports, by name. */
function exportsOf(source: Source): { name: string; node: Node }[] {
  return source.tree.statements.flatMap((statement: Statement) => {
    if (!/^export (?!\{|type \{|\*)/.test(statement.getText(source.tree))) return []
    const declared = isVariableStatement(statement)
      ? [...statement.declarationList.declarations]
      : [statement]
    return declared.map((each) => {
      const name = 'name' in each && each.name ? (each.name as Node).getText() : 'default'
      return { name, node: each }
    })
  })
}

function timesNamed(source: Source, name: string): number {
  let times = 0
  walk(source.tree, (node) => {
    if (isIdentifier(node) && node.text === name) times += 1
  })
  return times
}

function exportFaults(sources: readonly Source[]): Fault[] {
  const { code, tests } = needsOf(sources)
  const ours = sources.filter((source) => !source.path.startsWith('test/'))
  return ours.flatMap((source) =>
    exportsOf(source).flatMap(({ name, node }) => {
      const key = `${source.path} ${name}`
      if (code.has(key) || code.has(`${source.path} *`) || NEEDED[key] !== undefined) return []
      const isUsedHere = timesNamed(source, name) > 1
      if (tests.has(key) && isUsedHere) return []
      if (tests.has(key)) return [faultAt(source, node, `only tests use ${name}: delete it`)]
      const remedy = isUsedHere ? 'do not export it' : 'delete it'
      return [faultAt(source, node, `nobody imports ${name}: ${remedy}`)]
    }),
  )
}

test('every export is imported', () => {
  assert.deepEqual(told(exportFaults(parse(projectFiles(['src', 'views', 'test'])))), [])
})

test('the names needed without an import exist', () => {
  const exported = parse(projectFiles(['src'])).flatMap((source) =>
    exportsOf(source).map(({ name }) => `${source.path} ${name}`),
  )
  for (const key of Object.keys(NEEDED)) assert.ok(exported.includes(key), `${key} is gone`)
})

const tree = (files: Record<string, string>) =>
  parse(Object.entries(files).map(([path, text]) => ({ path, text })))

const refused: [what: string, files: Record<string, string>, reason: RegExp][] = [
  ['a function nobody calls', { 'src/a.ts': 'export function f() {}' }, /imports f: delete it/],
  ['a constant of one file', { 'src/a.ts': 'export const A = 1\nf(A)' }, /do not export it/],
  ['a type of one file', { 'src/a.ts': 'export type A = 1\nlet a: A' }, /do not export it/],
  [
    'what only tests call',
    { 'src/a.ts': 'export const f = 1', 'test/a.ts': "import { f } from '../src/a.ts'" },
    /only tests use f/,
  ],
  [
    'a namesake elsewhere',
    { 'src/a.ts': 'export const f = 1', 'src/b.ts': "import { f } from './c.ts'" },
    /imports f/,
  ],
]

for (const [what, files, reason] of refused) {
  test(`the export check refuses ${what}`, () => {
    const faults = exportFaults(tree(files))
    assert.equal(faults.length, 1, told(faults).join('\n'))
    assert.match(faults[0]?.reason ?? '', reason)
  })
}

test('the export check lets every kind of import pass', () => {
  const text = `export const a = 1
export function b() {}
export type C = 1
export class D {}
export const e = 1
export { f } from './c.ts'`
  const imports = `import { a, b as bee } from './a.ts'
let c: import('./a.ts').C
const { e } = await import('./a.ts')
import type { D } from './a.ts'`
  assert.deepEqual(told(exportFaults(tree({ 'src/a.ts': text, 'src/b.ts': imports }))), [])
  const whole = { 'src/a.ts': text, 'src/b.ts': "import * as all from './a.ts'" }
  assert.deepEqual(told(exportFaults(tree(whole))), [])
})
