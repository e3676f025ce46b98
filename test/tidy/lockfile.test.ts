/** What `npm ci` brings: exact, without scripts, without a compiler, under licences we may pass on. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { importsOf, parse, projectFiles, ROOT } from './source.ts'

type Locked = {
  version?: string
  integrity?: string
  license?: string
  dev?: boolean
  gypfile?: boolean
  hasInstallScript?: boolean
  optionalDependencies?: Record<string, string>
}
type Lockfile = { packages: Record<string, Locked> }
type Manifest = {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  allowScripts?: Record<string, boolean>
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'))
const lockfile = read('package-lock.json') as Lockfile
const manifest = read('package.json') as Manifest

/** Licences a server under Apache-2.0 may be delivered with. */
const LICENCES: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  '0BSD',
  'BSD-0-Clause', // what htmx.org calls it
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
])

/** Under another licence, with the reason why that is well; `*` at the end for all that begin so. */
const LICENCE_EXCEPTIONS: readonly [name: string, licence: RegExp, reason: string][] = [
  ['@img/sharp-*', /LGPL-3\.0-or-later/, 'libvips: a shared library of its own, replaceable'],
]

/** Tools for systems the registry of the first lockfile did not offer; none of them is delivered. */
const NO_INTEGRITY = ['@biomejs/cli-*']

const mayLackIntegrity = (name: string) => NO_INTEGRITY.some((pattern) => fits(name, pattern))

const nameOf = (path: string) => path.replace(/^.*node_modules\//, '')

const fits = (name: string, pattern: string) =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern

/** Faults of a lockfile: the sentences a failing test prints. */
function lockfileFaults({ packages }: Lockfile): string[] {
  const faults: string[] = []
  for (const [path, one] of Object.entries(packages)) {
    if (path === '') continue
    const name = nameOf(path)
    if (name === 'better-sqlite3' && one.gypfile !== false) {
      faults.push(
        `${path}: write "gypfile": false, or npm starts node-gyp where there is no compiler`,
      )
    }
    if (one.hasInstallScript && name !== 'node') {
      faults.push(`${path}: runs a script when installed; only the package node may`)
    }
    if (one.integrity === undefined && !mayLackIntegrity(name)) {
      faults.push(`${path}: has no integrity: npm could not tell another package from it`)
    }
    for (const optional of Object.keys(one.optionalDependencies ?? {})) {
      if (packages[`node_modules/${optional}`] !== undefined) continue
      faults.push(
        `${path}: ${optional} is missing in the lockfile, and then npm ci refuses all of it`,
      )
    }
    if (one.dev !== true && !isLicenceGood(name, one.license)) {
      faults.push(
        `${path}: its licence is ${one.license}; we deliver it, so it must be on the list`,
      )
    }
  }
  return faults
}

function isLicenceGood(name: string, licence = ''): boolean {
  if (LICENCES.has(licence)) return true
  return LICENCE_EXCEPTIONS.some(([pattern, good]) => fits(name, pattern) && good.test(licence))
}

const EXACT = /^\d+\.\d+\.\d+$/

function manifestFaults({ dependencies = {}, devDependencies = {} }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `${name} is ${version}: write the exact version that was tested`)
}

test('the lockfile installs without scripts, without a compiler and under good licences', () => {
  assert.deepEqual(lockfileFaults(lockfile), [])
})

test('package.json names exact versions, and the lockfile holds the same', () => {
  assert.deepEqual(manifestFaults(manifest), [])
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies }
  for (const [name, version] of Object.entries(wanted)) {
    assert.equal(lockfile.packages[`node_modules/${name}`]?.version, version, name)
  }
})

test('npm may run the script of node and not that of better-sqlite3', () => {
  assert.deepEqual(manifest.allowScripts, { node: true, 'better-sqlite3': false })
})

test('every package the server needs stands in the decision on libraries, and no other does', () => {
  const text = readFileSync(join(ROOT, 'docs/decisions/011-libraries.md'), 'utf8')
  const listed = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1])
  const reason = 'a new dependency needs a row: size, keeper, licence, what we would write instead'
  assert.deepEqual(listed.sort(), Object.keys(manifest.dependencies ?? {}).sort(), reason)
})

/** The package of an import: `hono` of `hono/html`, `@noble/curves` of `@noble/curves/ed25519.js`. */
const packageOf = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')

test('what the server imports is there without the packages for development', () => {
  const imported = parse(projectFiles(['src', 'views'])).flatMap((source) =>
    importsOf(source).map(({ target }) => target),
  )
  const packages = new Set(imported.filter((target) => !/^(\.|node:)/.test(target)).map(packageOf))
  const delivered = new Set(Object.keys(manifest.dependencies ?? {}))
  assert.deepEqual(
    [...packages].filter((name) => !delivered.has(name)),
    [],
  )
  const readAsFiles = ['htmx.org'] // for browsers: src/web/static.ts
  for (const name of readAsFiles) packages.add(name)
  assert.deepEqual(
    [...delivered].filter((name) => !packages.has(name)),
    [],
    'nobody needs them',
  )
})

const GOOD: Locked = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' }
const refused: [what: string, name: string, locked: Locked, reason: RegExp][] = [
  ['better-sqlite3 without its mark', 'better-sqlite3', GOOD, /gypfile/],
  ['an install script', 'sharp', { ...GOOD, hasInstallScript: true }, /runs a script/],
  ['a licence unknown', 'thing', { ...GOOD, license: 'SSPL-1.0' }, /licence/],
  ['no licence', 'thing', { version: '1.0.0', integrity: 'sha512-x' }, /licence/],
  [
    'an optional package left out',
    'thing',
    { ...GOOD, optionalDependencies: { 'thing-win32': '1.0.0' } },
    /thing-win32 is missing/,
  ],
  ['no integrity', 'thing', { version: '1.0.0', license: 'MIT' }, /integrity/],
]

for (const [what, name, locked, reason] of refused) {
  test(`the lockfile check refuses ${what}`, () => {
    const faults = lockfileFaults({ packages: { [`node_modules/${name}`]: locked } })
    assert.equal(faults.length, 1)
    assert.match(faults[0] ?? '', reason)
  })
}

test('the manifest check refuses a range', () => {
  assert.equal(manifestFaults({ dependencies: { hono: '^4.0.0' } }).length, 1)
})
