/** What the papers say is true: settings, commands, links, the form of decisions. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { environmentName, SETTINGS, type Setting } from '../../src/config.ts'
import { type Fault, lineAt, projectFiles, ROOT, told } from './source.ts'

const PAPERS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'docs']

/** The row of docs/operating.md for a setting. */
function rowOf(setting: Setting): string {
  const file = setting.kind === 'secret' ? ' (or `_FILE`)' : ''
  const names = `\`--${setting.flag}\`<br>\`${environmentName(setting.flag)}\`${file}`
  const value = setting.default === undefined ? '-' : `\`${setting.default}\``
  return `| ${names} | ${value} | ${setting.help.replaceAll('|', '\\|')} |`
}

test('the settings of docs/operating.md are those of src/config.ts', () => {
  const text = readFileSync(join(ROOT, 'docs/operating.md'), 'utf8')
  const rows = text.split('\n').filter((line) => line.startsWith('| `--'))
  assert.deepEqual(rows, SETTINGS.map(rowOf))
})

/** Codes and names of kinds of events as the code declares them, `0301 user.put`. */
function declaredKinds(sources: readonly { path: string; text: string }[]): string[] {
  return sources.flatMap(({ text }) =>
    [...text.matchAll(/\bcode: (\w+),\s+name: '([\w.-]+)'/g)].map(([, code = '', name]) => {
      const named = new RegExp(`const ${code} = (0x\\w+)`).exec(text)?.[1]
      return `${(named ?? code).replace('0x', '')} ${name}`
    }),
  )
}

test('the kinds of events of docs/protocol.md are those of the code, and no code has two', () => {
  const declared = declaredKinds(projectFiles(['src'])).sort()
  const paper = readFileSync(join(ROOT, 'docs/protocol.md'), 'utf8')
  const told = [...paper.matchAll(/^\| ([0-9a-f]{4}) \| ([\w.-]+) \| (?:all|to) \|/gm)]
  assert.deepEqual(
    told.map(([, code, name]) => `${code} ${name}`),
    declared,
  )
  assert.equal(new Set(declared.map((kind) => kind.slice(0, 4))).size, declared.length)
  assert.ok(declared.length >= 15, 'the declarations are found')
})

const LINK = /\]\(([^)\s]+)\)/g

/** Links to files that do not exist. */
function linkFaults(papers: readonly { path: string; text: string }[]): Fault[] {
  return papers.flatMap(({ path, text }) =>
    [...withoutComments(text).matchAll(LINK)].flatMap((match) => {
      const target = (match[1] ?? '').replace(/#.*$/, '')
      if (target === '' || /^[a-z]+:/.test(target)) return []
      if (existsSync(join(ROOT, dirname(path), target))) return []
      return [{ path, line: lineAt(text, match.index), reason: `${target} does not exist` }]
    }),
  )
}

/** The text without HTML comments, every line in its place. */
const withoutComments = (text: string) =>
  text.replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' '))

/** Paths in code quotes that look like files of ours and are none. */
function pathFaults(papers: readonly { path: string; text: string }[]): Fault[] {
  return papers.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:src|views|test|public|docs)\/[\w./-]+)`/g)].flatMap((match) => {
      const target = match[1] ?? ''
      if (target.includes('NNN') || existsSync(join(ROOT, target))) return []
      return [{ path, line: lineAt(text, match.index), reason: `${target} does not exist` }]
    }),
  )
}

test('links and paths of the papers lead to files that exist', () => {
  const papers = projectFiles(PAPERS, ['.md'])
  assert.deepEqual(told([...linkFaults(papers), ...pathFaults(papers)]), [])
})

/** `decision 010` has its paper in docs/decisions; other numbers mean papers a reader does not have. */
const ELSEWHERE = /\b(?:decisions? \d{1,2}(?!\d)|product [A-Z]\d)/gi

/** Papers that comments name: a reader without them would be sent nowhere. */
function mentionFaults(sources: readonly { path: string; text: string }[]): Fault[] {
  const numbers = sources.flatMap(({ path, text }) =>
    [...text.matchAll(ELSEWHERE)].map((match) => ({
      path,
      line: lineAt(text, match.index),
      reason: `"${match[0]}" is no paper of this project: say docs/decisions/NNN, or say it here`,
    })),
  )
  const names = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<![\w./-])[\w./-]+\.md\b/g)].flatMap((match) => {
      if (existsSync(join(ROOT, match[0]))) return []
      const reason = `${match[0]} is no paper of this project: name one in docs/, or say it here`
      return [{ path, line: lineAt(text, match.index), reason }]
    }),
  )
  return [...numbers, ...names]
}

test('papers that comments name exist', () => {
  const code = projectFiles(['src', 'views', 'public', 'test'], ['.ts', '.js', '.css'])
  const others = code.filter((file) => !file.path.startsWith('test/tidy/'))
  assert.deepEqual(told(mentionFaults(others)), [])
})

const PARTS = ['## Context', '## Decision', '## Consequences', '## When to revisit']

/** What is missing in a decision, by the form all of them have. */
function decisionFaults(name: string, text: string): string[] {
  const faults: string[] = []
  if (!/^\d{3}-[a-z0-9-]+\.md$/.test(name)) faults.push(`${name}: call it NNN-slug.md`)
  if (!text.startsWith(`# ${name.slice(0, 3)}. `)) faults.push(`${name}: begin with its number`)
  if (!/^Date: \d{4}-\d{2}-\d{2}$/m.test(text)) faults.push(`${name}: say Date: YYYY-MM-DD`)
  if (!/^Status: (accepted|proposed|superseded by \d{3})$/m.test(text)) {
    faults.push(`${name}: say Status: accepted, proposed or superseded by NNN`)
  }
  const parts = text.split('\n').filter((line) => line.startsWith('## '))
  if (parts.join() !== PARTS.join()) faults.push(`${name}: its parts are ${PARTS.join(', ')}`)
  return faults
}

test('every decision has its form, and numbers follow each other', () => {
  const names = readdirSync(join(ROOT, 'docs/decisions')).sort()
  const faults = names.flatMap((name) =>
    decisionFaults(name, readFileSync(join(ROOT, 'docs/decisions', name), 'utf8')),
  )
  assert.deepEqual(faults, [])
  const numbers = names.map((name) => Number(name.slice(0, 3)))
  assert.deepEqual(
    numbers,
    numbers.map((_, n) => n + 1),
  )
})

test('the picture of the README is shown as soon as it exists', () => {
  const readme = withoutComments(readFileSync(join(ROOT, 'README.md'), 'utf8'))
  const isShown = readme.includes('(docs/picture.png)')
  assert.equal(isShown, existsSync(join(ROOT, 'docs/picture.png')))
})

test('the paper checks refuse dead links, dead paths and decisions without form', () => {
  const paper = { path: 'docs/a.md', text: '[x](../nowhere.md) `src/nowhere.ts` [y](https://a.b)' }
  assert.equal(linkFaults([paper]).length, 1)
  assert.equal(pathFaults([paper]).length, 1)
  const code = { path: 'src/a.ts', text: '/** As nowhere.md says, decision 7; see README.md. */' }
  assert.equal(mentionFaults([code]).length, 2)
  assert.equal(decisionFaults('7-x.md', 'words').length, 5)
})
