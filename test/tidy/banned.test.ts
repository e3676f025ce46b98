/** What the code must not say, each with the reason and with the few places that may. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Identifier, type Node, SyntaxKind } from 'typescript/unstable/ast'
import {
  isAwaitExpression,
  isCallExpression,
  isClassDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isInterfaceDeclaration,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isPropertyAccessExpression,
  isTemplateHead,
  isTemplateMiddleOrTemplateTail,
  isTypeAliasDeclaration,
  isVariableDeclaration,
  isVariableStatement,
} from 'typescript/unstable/ast/is'
import {
  type Fault,
  faultAt,
  importsOf,
  lineAt,
  parse,
  projectFiles,
  type Source,
  sample,
  told,
  walk,
} from './source.ts'

/** Places that may, with the reason; a path that ends in a slash is a folder. */
type Exceptions = Readonly<Record<string, string>>

const DOORS: Exceptions = { 'src/world/': 'the doors are where the world comes in' }
const WORKER =
  'a thread of its own with nothing but a password in it: the simulator replaces it whole'
const TERMINAL = 'commands speak to a terminal and to processes, not for a branch'

type Ban = {
  /** `a.b` forbids that access; a bare name forbids the identifier wherever it is used. */
  names: readonly string[]
  reason: string
  except: Exceptions
}

const BANS: readonly Ban[] = [
  {
    names: ['Date.now', 'performance.now', 'process.hrtime', 'process.uptime', 'Temporal'],
    reason: 'use clock.now(): the simulator owns time',
    except: {
      ...DOORS,
      'src/commands/': TERMINAL,
      'src/config-values.ts': 'asks whether a time zone is known, not for the time',
    },
  },
  {
    names: ['Math.random', 'randomUUID', 'randomBytes', 'randomInt', 'getRandomValues'],
    reason: 'use the random door: a failing seed must replay',
    except: { ...DOORS, 'src/commands/': TERMINAL },
  },
  {
    names: ['setTimeout', 'setInterval', 'setImmediate', 'process.nextTick', 'AbortSignal.timeout'],
    reason: 'use clock.after, clock.soon or sleep: the simulator owns time',
    except: { ...DOORS, 'src/commands/': TERMINAL },
  },
  {
    names: ['crypto.subtle', 'webcrypto'],
    reason: 'use node:crypto: WebCrypto leaves the microtask queue, and runs no longer repeat',
    except: {},
  },
  {
    names: ['process.env', 'process.argv'],
    reason: 'use a setting (src/config.ts): main.ts alone knows the environment',
    except: { 'src/main.ts': 'hands the environment on', 'src/commands/': TERMINAL },
  },
  {
    names: ['process.exit', 'process.exitCode'],
    reason: 'throw: only main.ts and commands end the process',
    except: { 'src/main.ts': 'the exit status is its work', 'src/commands/': TERMINAL },
  },
  {
    names: ['process.stdout', 'process.stderr', 'process.stdin'],
    reason: 'use the log, or the `out` a command was given',
    except: { 'src/main.ts': 'hands them on', 'src/commands/': TERMINAL },
  },
  {
    names: ['console'],
    reason:
      'use the log door: names and fields, secrets redacted; people read pages, not the console',
    except: {},
  },
  {
    names: ['fetch'],
    reason: 'no program of ours calls out over HTTP: branches speak through the relay',
    except: { 'src/commands/': 'scripts and checks that speak to a server on this machine' },
  },
]

const BANNED_MODULES: readonly { modules: RegExp; reason: string; except: Exceptions }[] = [
  {
    modules: /^node:fs/,
    reason: 'use the disk door: the simulator tears and fails writes',
    except: {
      ...DOORS,
      'src/main.ts': 'reads the files of secrets before there is a world',
      'src/db/lock.ts': 'a lock that two processes see is one between processes, not in a world',
      'src/db/open.ts': 'SQLite opens its file by itself; its folder and rights are set beside it',
      'src/web/static.ts': 'reads public/ once, before the first request',
      'src/commands/': TERMINAL,
    },
  },
  {
    modules: /^node:(net|dgram|tls|dns|http|https|http2)$/,
    reason: 'use the network door: the simulator cuts and delays',
    except: {
      ...DOORS,
      'src/web/': 'types of the HTTP server that hono stands on',
      'src/branch.ts': 'the HTTP server of the branch',
      'src/commands/': TERMINAL,
    },
  },
  {
    modules: /^node:(child_process|cluster|vm|repl|inspector|timers)/,
    reason: 'a branch is one process, and timers are the clock door',
    except: {
      'src/world/young-buffers.ts':
        'only a new context of node:vm shows V8 a collection that was asked for late',
      'src/world/process.ts': 'starts programs of ours that may hang or crash',
      'src/world/local-services.ts': 'starts what the operator named to look at files',
      'src/commands/': TERMINAL,
    },
  },
  {
    modules: /^node:worker_threads$/,
    reason: 'threads are for hashing only: everything else must replay in one thread',
    except: { 'src/accounts/hash-worker.ts': WORKER },
  },
]

const isExcepted = (path: string, except: Exceptions) =>
  Object.keys(except).some((place) =>
    place.endsWith('/') ? path.startsWith(place) : path === place,
  )

/** `Date.now` of an access, `setTimeout` of an identifier that is used (not a property or a key of ours). */
function nameUsed(node: Node): string | undefined {
  if (isPropertyAccessExpression(node)) {
    const object = node.expression
    if (isIdentifier(object)) {
      return object.text === 'globalThis' ? node.name.text : `${object.text}.${node.name.text}`
    }
  }
  if (!isIdentifier(node)) return undefined
  const { parent } = node
  if (isPropertyAccessExpression(parent) && parent.name === node) {
    const isCrypto = /crypto/i.test(parent.expression.getText())
    return isCrypto && OF_CRYPTO.has(node.text) ? node.text : undefined
  }
  const isDeclared = 'name' in parent && parent.name === node
  if (isDeclared && !IMPORTS.has(parent.kind)) return undefined
  return isParameter(node) ? undefined : node.text
}

/** Whether an enclosing function was given the name: `randomBytes` as an argument is a door. */
function isParameter(name: Identifier): boolean {
  for (let node: Node | undefined = name.parent; node; node = node.parent) {
    if (!isFunctionLikeDeclaration(node)) continue
    for (const parameter of node.parameters) {
      const names = parameter.name.getText().match(/[\w$]+/g)
      if (names?.includes(name.text)) return true
    }
  }
  return false
}

/** `crypto.randomUUID()` is as random as `randomUUID()`; a door that was handed in may be called so. */
const OF_CRYPTO = new Set(['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues'])
const IMPORTS = new Set([SyntaxKind.ImportSpecifier, SyntaxKind.ShorthandPropertyAssignment])

function nameFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  walk(source.tree, (node) => {
    const name = nameUsed(node)
    if (name === undefined) return
    for (const ban of BANS) {
      if (!ban.names.includes(name) || isExcepted(source.path, ban.except)) continue
      faults.push(faultAt(source, node, `${name}: ${ban.reason}`))
    }
  })
  return faults
}

function moduleFaults(source: Source): Fault[] {
  return importsOf(source).flatMap(({ target, node }) =>
    BANNED_MODULES.filter(
      (ban) => ban.modules.test(target) && !isExcepted(source.path, ban.except),
    ).map((ban) => faultAt(source, node, `${target}: ${ban.reason}`)),
  )
}

/** `new Date()` and `Date()` tell the time; `new Date(ms)` does not. */
function dateFaults(source: Source): Fault[] {
  if (isExcepted(source.path, { ...DOORS, 'src/commands/': TERMINAL })) return []
  const faults: Fault[] = []
  walk(source.tree, (node) => {
    const isDate =
      (isNewExpression(node) || isCallExpression(node)) &&
      isIdentifier(node.expression) &&
      node.expression.text === 'Date'
    if (!isDate) return
    const tellsTime = isCallExpression(node) || (node.arguments?.length ?? 0) === 0
    if (!tellsTime) return
    faults.push(faultAt(source, node, 'Date(): use clock.now(): the simulator owns time'))
  })
  return faults
}

/** What lives at the top of a module is the process's, and several branches live in one process. */
function moduleStateFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  for (const statement of source.tree.statements) {
    if (!isVariableStatement(statement)) continue
    const text = statement.getText(source.tree)
    if (/^(export\s+)?(let|var)\b/.test(text)) {
      const reason =
        "module-level let: build it in branch.ts and hand it on; nothing is the process's"
      faults.push(faultAt(source, statement, reason))
    }
    for (const declaration of statement.declarationList.declarations) {
      if (!isVariableDeclaration(declaration) || !makesState(declaration.initializer)) continue
      if (/^Readonly(Map|Set)\b/.test(declaration.type?.getText(source.tree) ?? '')) continue
      const reason =
        'module-level Map or Set: say ReadonlyMap or ReadonlySet, or build it in branch.ts'
      faults.push(faultAt(source, declaration, reason))
    }
  }
  return faults
}

const STATE = /^(Map|Set|WeakMap|WeakSet)$/

function makesState(node: Node | undefined): boolean {
  return (
    node !== undefined &&
    isNewExpression(node) &&
    isIdentifier(node.expression) &&
    STATE.test(node.expression.text)
  )
}

function topLevelAwaitFaults(source: Source): Fault[] {
  if (source.path === 'src/main.ts') return [] // the one module that runs rather than declares
  const faults: Fault[] = []
  const visit = (node: Node): undefined => {
    if (isFunctionLikeDeclaration(node)) return
    if (isAwaitExpression(node)) {
      faults.push(faultAt(source, node, 'top-level await: nothing happens at import time'))
    }
    node.forEachChild(visit)
  }
  visit(source.tree)
  return faults
}

const VAGUE = /(Manager|Service|Helper|Helpers|Utils|Data|Info)$/

function typeFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  walk(source.tree, (node) => {
    if (node.kind === SyntaxKind.AnyKeyword) {
      faults.push(
        faultAt(source, node, 'any: use unknown and a parser; any switches the compiler off'),
      )
    }
    const isNamed =
      isTypeAliasDeclaration(node) || isInterfaceDeclaration(node) || isClassDeclaration(node)
    if (isNamed && node.name && VAGUE.test(node.name.text)) {
      faults.push(faultAt(source, node, `${node.name.text}: say what it is (docs/glossary.md)`))
    }
  })
  return faults
}

const COMMENT_BANS: readonly [RegExp, string][] = [
  [/\bFIXME\b/, 'FIXME: mend it, or open an issue and write TODO(#12)'],
  [/\bTODO\b(?!\(#\d+\))/, 'TODO without an issue: write TODO(#12)'],
  [/@ts-(ignore|nocheck|expect-error)/, 'a compiler error is answered, not silenced'],
]

const SQL_BANS: readonly [RegExp, string][] = [
  [/\brandom(blob)?\s*\(/i, 'random() in SQL: draw it by the random door and pass it'],
  [
    /'now'|\bcurrent_(timestamp|time|date)\b|\bunixepoch\s*\(\s*\)/i,
    'the time in SQL: pass clock.now()',
  ],
]

const isTemplateText = (node: Node) =>
  isNoSubstitutionTemplateLiteral(node) ||
  isTemplateHead(node) ||
  isTemplateMiddleOrTemplateTail(node)

/** Rules on text: comments, and SQL in templates. */
function textFaults(source: Source): Fault[] {
  const faults = COMMENT_BANS.flatMap(([pattern, reason]) => matchFaults(source, pattern, reason))
  walk(source.tree, (node) => {
    if (!isTemplateText(node) || source.path.startsWith('views/')) return
    for (const [pattern, reason] of SQL_BANS) {
      if (pattern.test(node.text)) faults.push(faultAt(source, node, reason))
    }
  })
  return faults
}

function matchFaults(source: Source, pattern: RegExp, reason: string): Fault[] {
  const all = new RegExp(pattern.source, `g${pattern.flags.replace('g', '')}`)
  return [...source.text.matchAll(all)].map((match) => ({
    path: source.path,
    line: lineAt(source.text, match.index),
    reason,
  }))
}

const VIEW_BANS: readonly [RegExp, string][] = [
  [/\sstyle\s*=/i, 'inline style: the content policy refuses it; add a class to public/app.css'],
  [
    /\shx-on\b|\son[a-z]+\s*=\s*["'$]/i,
    'inline handler: the content policy refuses it; use a data- attribute',
  ],
  [/<style\b/i, 'a style element: the content policy refuses it; write to public/app.css'],
  [
    /<script\b(?![^>]*\ssrc=)/i,
    'an inline script: the content policy refuses it; write to public/',
  ],
  [/javascript:/i, 'javascript: addresses run code; use a form or a link'],
]

/** Rules on HTML, which the content policy of web/guard.ts enforces in the browser, silently. */
function viewFaults(source: Source): Fault[] {
  const faults: Fault[] = []
  walk(source.tree, (node) => {
    if (isCallExpression(node) && isIdentifier(node.expression) && node.expression.text === 'raw') {
      if (source.path === 'views/parts.ts') return
      faults.push(
        faultAt(source, node, 'raw(): html escapes what people wrote; only views/parts.ts may'),
      )
    }
    if (!isTemplateText(node)) return
    for (const [pattern, reason] of VIEW_BANS) {
      if (pattern.test(node.text)) faults.push(faultAt(source, node, reason))
    }
  })
  return faults
}

const CHECKS = [
  nameFaults,
  moduleFaults,
  dateFaults,
  moduleStateFaults,
  topLevelAwaitFaults,
  typeFaults,
  textFaults,
  viewFaults,
]

const faultsOf = (sources: readonly Source[]) =>
  sources.flatMap((source) => CHECKS.flatMap((check) => check(source)))

test('nothing banned is said in src and views', () => {
  assert.deepEqual(told(faultsOf(parse(projectFiles(['src', 'views'])))), [])
})

const refused: [path: string, text: string, reason: RegExp][] = [
  ['src/chat/a.ts', 'export const f = () => Date.now()', /clock\.now\(\)/],
  ['src/chat/a.ts', 'export const f = () => new Date()', /clock\.now\(\)/],
  ['views/a.ts', 'export const f = () => Date()', /clock\.now\(\)/],
  ['src/chat/a.ts', 'export const f = () => performance.now()', /clock\.now\(\)/],
  ['src/chat/a.ts', 'export const f = () => globalThis.setTimeout(f, 1)', /clock\.after/],
  ['src/chat/a.ts', 'export const f = () => setInterval(f, 1)', /clock\.after/],
  ['src/chat/a.ts', 'export const f = () => AbortSignal.timeout(5)', /clock\.after/],
  ['src/chat/a.ts', 'export const f = () => Math.random()', /random door/],
  ['src/chat/a.ts', 'export const f = () => crypto.randomUUID()', /random door/],
  ['src/chat/a.ts', "import { randomBytes } from 'node:crypto'", /random door/],
  ['src/chat/a.ts', 'export const f = () => crypto.subtle', /node:crypto/],
  ['src/chat/a.ts', 'export const f = () => process.env.HOME', /setting/],
  ['src/chat/a.ts', 'export const f = () => console.log(1)', /log door/],
  ['src/chat/a.ts', 'export const f = () => process.exit(1)', /throw/],
  ['src/chat/a.ts', "export const f = () => fetch('http://x')", /calls out/],
  ['src/chat/a.ts', "import { readFileSync } from 'node:fs'", /disk door/],
  ['src/chat/a.ts', "import { readFile } from 'node:fs/promises'", /disk door/],
  ['src/relay/a.ts', "import { connect } from 'node:net'", /network door/],
  ['src/chat/a.ts', "import { spawn } from 'node:child_process'", /one process/],
  ['src/chat/a.ts', 'let n = 0; export const f = () => n++', /module-level let/],
  ['src/chat/a.ts', 'const known = new Map<string, string>(); export { known }', /ReadonlyMap/],
  ['src/chat/a.ts', 'export const x = await f()', /import time/],
  ['src/chat/a.ts', 'export const f = (x: any) => x', /unknown/],
  ['src/chat/a.ts', 'export type ChatManager = { n: number }', /say what it is/],
  ['src/chat/a.ts', '// FIXME later', /FIXME/],
  ['src/chat/a.ts', '// TODO later', /TODO/],
  ['src/chat/a.ts', '// @ts-ignore', /silenced/],
  ['src/db/a.ts', 'export const q = sql`select random()`', /random door/],
  ['src/db/a.ts', "export const q = sql`select strftime('%s', 'now')`", /time in SQL/],
  ['views/chat/a.ts', 'export const x = raw(body)', /escapes/],
  ['src/chat/a.ts', 'export const x = raw(body)', /escapes/],
  ['views/a.ts', 'export const x = html`<p style="color:red">`', /app\.css/],
  ['views/a.ts', 'export const x = html`<p onclick="go()">`', /data- attribute/],
  ['views/a.ts', 'export const x = html`<p onclick="$' + '{go}">`', /data- attribute/],
  ['views/a.ts', 'export const x = html`<script>go()</script>`', /public\//],
  ['views/a.ts', 'export const x = html`<a href="javascript:go()">`', /run code/],
]

test('each bad line is refused for its own reason, and for no other', () => {
  const files = refused.map(([path, text], n) => ({ path: path.replace('a.ts', `a${n}.ts`), text }))
  for (const [n, source] of parse(files).entries()) {
    const [, text, reason] = refused[n] ?? ['', '', /^$/]
    const faults = faultsOf([source])
    assert.equal(faults.length, 1, `${text}: ${told(faults)}`)
    assert.match(faults[0]?.reason ?? '', reason, text)
  }
})

test('lines that only look alike are let through', () => {
  const text = `/** Speaks of setTimeout and Date.now, and console. */
const KINDS: ReadonlySet<string> = new Set(['fetch', 'console'])
export const at = (ms: number) => new Date(ms).toISOString()
export const f = (stub: { fetch(): void }) => stub.fetch()
export const g = async () => await f({ fetch() {} })
export const words = { random: KINDS, on: 'Date.now()' }`
  assert.deepEqual(told(faultsOf(sample('src/chat/a.ts', text))), [])
})

test('an exception is used: one that nobody needs any more is taken out', () => {
  const paths = projectFiles(['src', 'views']).map((file) => file.path)
  for (const ban of [...BANS, ...BANNED_MODULES]) {
    for (const place of Object.keys(ban.except)) {
      assert.ok(
        paths.some((path) => isExcepted(path, { [place]: '' })),
        `${place} is excepted from "${ban.reason}" and does not exist`,
      )
    }
  }
})
