/** How large things may grow before they fail; what is longer for a reason is listed with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Node, SyntaxKind } from 'typescript/unstable/ast'
import {
  isFunctionLikeDeclaration,
  isIdentifier,
  isNoSubstitutionTemplateLiteral,
  isParameterDeclaration,
  isPropertyAssignment,
  isRegularExpressionLiteral,
  isStringLiteral,
  isTemplateExpression,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is'
import {
  type Fault,
  lineAt,
  parse,
  projectFiles,
  type Source,
  sample,
  told,
  walk,
} from './source.ts'

/** The aim is 300: two screens with their head. */
const FILE_LINES_MAX = 450
/** The aim is 40. */
const FUNCTION_LINES_MAX = 70
const LINE_COLUMNS_MAX = 100
/** Prose reads well a little wider than code, and the formatter leaves it alone. */
const COMMENT_COLUMNS_MAX = 120
/** The aim is three, then one object. */
const PARAMETERS_MAX = 5
/** The aim is 150; each script must be understood by itself. */
const SCRIPT_LINES_MAX = 200
/** The aim is six: what is longer belongs into docs/. */
const HEAD_LINES_MAX = 10

const LONG_FILES: Readonly<Record<string, string>> = {
  'src/db/schema.ts': 'every table and column in one place: it is read as a list',
  'src/db/migrations/001-init.ts': 'one migration creates the whole first schema',
  'src/accounts/common-passwords.ts': 'a list of passwords, one after the other',
}

/** `path name`, with the reason: one linear story that would be harder to read in pieces. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  'src/db/migrations/001-init.ts up': 'the SQL of the first schema, read as a list',
  'src/running.ts startRunning': 'the table of contents of the server: its parts, in order',
}

const LONG_HEADS: Readonly<Record<string, string>> = {
  'src/relay/frames.ts': 'draws the wire format byte by byte',
  'src/certificates/certificate.ts': 'draws the wire format byte by byte',
  'src/certificates/joining.ts': 'draws the wire format byte by byte',
}

function fileFaults(source: Source): Fault[] {
  const lines = source.text.trimEnd().split('\n').length
  if (lines <= FILE_LINES_MAX || LONG_FILES[source.path] !== undefined) return []
  const reason = `the file has ${lines} lines, the limit is ${FILE_LINES_MAX}: give a part its own name`
  return [{ path: source.path, line: 1, reason }]
}

const nameOf = (node: Node): string => {
  const { parent } = node
  if ('name' in node && node.name) return (node.name as Node).getText()
  if (isVariableDeclaration(parent) || isPropertyAssignment(parent)) return parent.name.getText()
  return 'function'
}

/** Lines of a function that belong to no function inside it: each story counts by itself. */
function ownLines(source: Source, node: Node): number {
  let lines = lineAt(source.text, node.end) - lineAt(source.text, node.getStart(source.tree)) + 1
  const visit = (child: Node): undefined => {
    if (!isFunctionLikeDeclaration(child)) return void child.forEachChild(visit)
    const start = child.getStart(source.tree)
    lines -= lineAt(source.text, child.end) - lineAt(source.text, start)
  }
  node.forEachChild(visit)
  return lines
}

function functionFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  walk(source.tree, (node) => {
    if (!isFunctionLikeDeclaration(node)) return
    const name = nameOf(node)
    const line = lineAt(source.text, node.getStart(source.tree))
    const lines = ownLines(source, node)
    if (lines > FUNCTION_LINES_MAX && LONG_FUNCTIONS[`${source.path} ${name}`] === undefined) {
      const reason = `${name} has ${lines} lines, the limit is ${FUNCTION_LINES_MAX}: name its parts`
      faults.push({ path: source.path, line, reason })
    }
    const parameters = node.parameters.filter((one) => isParameterDeclaration(one) && !isThis(one))
    if (parameters.length > PARAMETERS_MAX) {
      const reason = `${name} takes ${parameters.length} parameters: three, then one object`
      faults.push({ path: source.path, line, reason })
    }
  })
  return faults
}

const isThis = (node: { name: Node }) => isIdentifier(node.name) && node.name.text === 'this'

/** Text that cannot be broken without changing what it says: its columns do not count. */
function unbreakable(source: Source): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = []
  walk(source.tree, (node) => {
    const isText =
      isStringLiteral(node) ||
      isNoSubstitutionTemplateLiteral(node) ||
      isTemplateExpression(node) ||
      isRegularExpressionLiteral(node)
    if (isText) ranges.push({ start: node.getStart(source.tree), end: node.end })
  })
  return ranges
}

/** A line of a comment, or one that ends in one. */
const COMMENT = /^\s*(\/\/|\/?\*)|\s\/\/ /

function lineFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  const ranges = unbreakable(source)
  let start = 0
  for (const [n, text] of source.text.split('\n').entries()) {
    const end = start + text.length
    const limit = COMMENT.test(text) ? COMMENT_COLUMNS_MAX : LINE_COLUMNS_MAX
    const holdsText = ranges.some((range) => range.start < end && range.end > start)
    if (text.length > limit && !holdsText) {
      const reason = `${text.length} columns, the limit is ${limit}: wrap it`
      faults.push({ path: source.path, line: n + 1, reason })
    }
    start = end + 1
  }
  return faults
}

/** The two ends of a format have their words at its type; a migration has them in its SQL. */
const SPEAKS_FOR_ITSELF = /^(encode|decode)[A-Z]|^up$/

/** Every module says first what it is for; every exported function has its sentence. */
function commentFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  const head = /^(?:#!.*\n)?\/\*\*[\s\S]*?\*\//.exec(source.text)?.[0]
  if (head === undefined) {
    const reason = 'begin with /** what the module is for, what it owns, its source */'
    faults.push({ path: source.path, line: 1, reason })
  } else if (head.split('\n').length > HEAD_LINES_MAX && LONG_HEADS[source.path] === undefined) {
    const reason = `the head is longer than ${HEAD_LINES_MAX} lines: the rest belongs into docs/`
    faults.push({ path: source.path, line: 1, reason })
  }
  for (const statement of source.tree.statements) {
    if (statement.kind !== SyntaxKind.FunctionDeclaration) continue
    const text = statement.getText(source.tree)
    const from = Math.max(statement.pos, head?.length ?? 0)
    const before = source.text.slice(from, statement.getStart(source.tree))
    if (!text.startsWith('export') || before.includes('/**')) continue
    if (SPEAKS_FOR_ITSELF.test(nameOf(statement))) continue
    const line = lineAt(source.text, statement.getStart(source.tree))
    const reason = `${nameOf(statement)} is exported: give it one sentence in /** */`
    faults.push({ path: source.path, line, reason })
  }
  return faults
}

const CHECKS = [fileFaults, functionFaults, lineFaults, commentFaults]

const faultsOf = (sources: readonly Source[]) =>
  sources.flatMap((source) => CHECKS.flatMap((check) => check(source)))

function scriptFaults(scripts: readonly { path: string; text: string }[]): Fault[] {
  return scripts.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split('\n').length
    if (lines <= SCRIPT_LINES_MAX) return []
    const reason = `the script has ${lines} lines, the limit is ${SCRIPT_LINES_MAX}`
    return [{ path, line: 1, reason }]
  })
}

test('nothing in src and views is larger than the limits', () => {
  assert.deepEqual(told(faultsOf(parse(projectFiles(['src', 'views'])))), [])
})

test('no script in public is larger than the limit', () => {
  assert.deepEqual(told(scriptFaults(projectFiles(['public'], ['.js']))), [])
})

const HEAD = '/** A sample. */\n'
const SENTENCE = '/** Does it. */\n'
const body = (lines: number) => Array.from({ length: lines }, (_, n) => `  f(${n})\n`).join('')

const refused: [what: string, text: string, reason: RegExp][] = [
  ['a long file', HEAD + '// x\n'.repeat(FILE_LINES_MAX), /451 lines/],
  ['a long function', `${HEAD}function g() {\n${body(69)}}\n`, /g has 71 lines/],
  ['a long arrow function', `${HEAD}const g = () => {\n${body(69)}}\n`, /g has 71 lines/],
  ['a long method', `${HEAD}class A {\n  m() {\n${body(69)}}\n}\n`, /m has 71 lines/],
  ['many parameters', `${HEAD}const g = (a, b, c, d, e, f) => a\n`, /6 parameters/],
  ['a long line', `${HEAD}const g = ${'1 + '.repeat(30)}1\n`, /columns/],
  ['a long comment', `${HEAD}// ${'x '.repeat(60)}\n`, /columns/],
  ['a module without a head', 'const a = 1\n', /begin with/],
  ['a head of a page', `/**\n${' * x\n'.repeat(10)} */\n`, /docs\//],
  ['a function without a sentence', `${HEAD}\nexport function g() {}\n`, /g is exported/],
]

for (const [what, text, reason] of refused) {
  test(`the size check refuses ${what}`, () => {
    const faults = faultsOf(sample('src/chat/a.ts', text))
    assert.equal(faults.length, 1, told(faults).join('\n'))
    assert.match(faults[0]?.reason ?? '', reason)
  })
}

test('the size check refuses a long script', () => {
  const long = { path: 'public/a.js', text: 'x\n'.repeat(SCRIPT_LINES_MAX + 1) }
  assert.equal(scriptFaults([long]).length, 1)
})

test('functions inside a function count by themselves, and long texts may stay whole', () => {
  const inner = `  const h = () => {\n${body(60)}  }\n`
  const text = `${HEAD}${SENTENCE}export function g() {\n${inner}${inner.replace('h', 'i')}}
const words = '${'word '.repeat(30)}'
const page = html\`<p class="a">${'word '.repeat(30)}</p>\`\n`
  assert.deepEqual(told(faultsOf(sample('src/chat/a.ts', text))), [])
})

test('the lists of exceptions name files that exist', () => {
  const files = projectFiles(['src', 'views'])
  const functions = Object.keys(LONG_FUNCTIONS).map((name) => name.split(' ')[0])
  for (const path of [...Object.keys(LONG_FILES), ...functions, ...Object.keys(LONG_HEADS)]) {
    assert.ok(
      files.some((file) => file.path === path),
      `${path} does not exist`,
    )
  }
})
