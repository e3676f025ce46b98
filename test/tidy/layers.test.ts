/** Who may import whom. A file imports from its own place and from lower layers only, types too. */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import {
  type Fault,
  faultAt,
  importsOf,
  parse,
  projectFiles,
  type Source,
  sample,
  told,
} from './source.ts'

type Place = {
  /** A folder (ends in a slash) or a file. */
  path: string
  layer: number
  /** Places on the same layer it may import all the same. */
  arrows?: readonly string[]
  /** Lower places it must not know. */
  never?: readonly string[]
  /** Whether it may import `node:` modules; which ones, says banned.test.ts. */
  node: boolean
  /** Packages it may import, `*` at the end for all that begin so. */
  packages: readonly string[]
}

const SETTINGS = [
  'src/config.ts',
  'src/config-values.ts',
  'src/config-ldap.ts',
  'src/config-files.ts',
  'src/config-file-policies.ts',
]
const NO_PAGES = ['views/', ...SETTINGS]
const NO_SETTINGS = SETTINGS // features get values, not the settings (docs/operating.md)

/** The whole order of the code, as in CONTRIBUTING.md. */
const PLACES: readonly Place[] = [
  { path: 'src/base/', layer: 0, node: false, packages: [] },
  { path: 'views/', layer: 1, node: false, packages: ['hono/html'] },
  { path: 'src/world/', layer: 1, node: true, packages: ['ldapts'] },
  // The settings name addresses, and what an address is belongs to the network's door.
  {
    path: 'src/config.ts',
    layer: 1,
    arrows: [
      'src/world/',
      'src/config-values.ts',
      'src/config-ldap.ts',
      'src/config-files.ts',
      'src/config-file-policies.ts',
    ],
    node: false,
    packages: [],
  },
  { path: 'src/config-values.ts', layer: 1, arrows: ['src/world/'], node: false, packages: [] },
  { path: 'src/config-files.ts', layer: 1, node: false, packages: [] },
  {
    path: 'src/config-file-policies.ts',
    layer: 1,
    arrows: ['src/world/', 'src/config-values.ts'],
    node: false,
    packages: [],
  },
  {
    path: 'src/config-ldap.ts',
    layer: 1,
    arrows: ['src/world/', 'src/config-values.ts'],
    node: false,
    packages: [],
  },
  {
    path: 'src/db/',
    layer: 2,
    never: NO_PAGES,
    node: true,
    packages: ['kysely', 'better-sqlite3'],
  },
  { path: 'src/eventlog/', layer: 3, never: NO_PAGES, node: true, packages: ['kysely'] },
  {
    path: 'src/web/',
    layer: 4,
    never: NO_SETTINGS,
    node: true,
    packages: [
      'hono',
      'hono/*',
      '@hono/node-server',
      '@hono/node-server/*',
      '@fastify/busboy',
      'valibot',
      '@valibot/to-json-schema',
    ],
  },
  { path: 'src/audit/', layer: 4, never: NO_PAGES, node: true, packages: ['kysely', 'valibot'] },
  { path: 'src/certificates/', layer: 5, never: NO_PAGES, node: true, packages: ['@noble/*'] },
  {
    path: 'src/accounts/',
    layer: 5,
    never: NO_SETTINGS,
    node: true,
    packages: [
      ...['hono', 'hono/*', 'kysely', 'valibot', 'bcryptjs', 'piscina', 'sharp', '@noble/*'],
      'uqr',
    ],
  },
  {
    path: 'src/files/',
    layer: 5,
    arrows: ['src/accounts/'],
    never: NO_SETTINGS,
    node: true,
    packages: ['hono', 'hono/*', 'kysely', 'valibot', 'sharp'],
  },
  {
    path: 'src/presence/',
    layer: 5,
    arrows: ['src/accounts/'],
    never: NO_SETTINGS,
    node: true,
    packages: ['hono', 'hono/*', 'kysely', 'valibot'],
  },
  {
    path: 'src/chat/',
    layer: 5,
    arrows: ['src/accounts/', 'src/files/'],
    never: NO_SETTINGS,
    node: true,
    packages: ['hono', 'hono/*', 'kysely', 'valibot', '@valibot/to-json-schema'],
  },
  {
    path: 'src/organisation/',
    layer: 5,
    never: NO_PAGES,
    node: false,
    packages: ['kysely', 'valibot'],
  },
  {
    path: 'src/relay/',
    layer: 5,
    arrows: ['src/certificates/'],
    never: NO_PAGES,
    node: true,
    packages: ['kysely', 'valibot', '@noble/*'],
  },
  {
    path: 'src/tls/',
    layer: 5,
    never: NO_SETTINGS,
    node: true,
    packages: [
      'hono',
      'kysely',
      'valibot',
      '@noble/*',
      '@peculiar/asn1-schema',
      '@peculiar/asn1-x509',
    ],
  },
  { path: 'src/zerotier/', layer: 5, never: NO_PAGES, node: false, packages: ['valibot'] },
  { path: 'src/push/', layer: 6, never: NO_SETTINGS, node: true, packages: ['hono', 'hono/*'] },
  { path: 'src/jobs/', layer: 6, never: NO_PAGES, node: true, packages: ['kysely'] },
  {
    path: 'src/admin/',
    layer: 6,
    never: NO_SETTINGS,
    node: true,
    packages: ['hono', 'hono/*', 'kysely', 'valibot', '@valibot/to-json-schema'],
  },
  // The heart of a branch that knows who it is: running or being set up.
  { path: 'src/core.ts', layer: 7, never: ['views/'], node: false, packages: [] },
  {
    path: 'src/branch-facts.ts',
    layer: 7,
    arrows: ['src/core.ts'],
    node: false,
    packages: ['kysely'],
  },
  { path: 'src/file-keeping.ts', layer: 7, arrows: ['src/core.ts'], node: false, packages: [] },
  { path: 'src/lan-tls.ts', layer: 7, arrows: ['src/core.ts'], node: false, packages: [] },
  {
    path: 'src/setup/',
    layer: 7,
    arrows: ['src/core.ts'],
    node: true,
    packages: ['hono', 'hono/*', 'kysely', 'valibot'],
  },
  // One-click sign-ins of the demo and of nothing else.
  { path: 'src/demo-links.ts', layer: 7, arrows: ['src/core.ts'], node: false, packages: ['hono'] },
  {
    path: 'src/app.ts',
    layer: 7,
    arrows: ['src/demo-links.ts'],
    node: false,
    packages: ['hono', 'hono/*'],
  },
  { path: 'src/running.ts', layer: 8, node: true, packages: ['hono', 'hono/*'] },
  {
    path: 'src/operations.ts',
    layer: 8,
    arrows: ['src/running.ts'],
    node: true,
    packages: ['kysely'],
  },
  {
    path: 'src/branch.ts',
    layer: 8,
    arrows: ['src/running.ts', 'src/operations.ts'],
    node: true,
    packages: ['hono', 'hono/*', '@hono/node-server'],
  },
  {
    path: 'src/commands/',
    layer: 9,
    node: true,
    packages: ['@hono/node-server', 'hono', 'hono/*', 'valibot', 'sharp'],
  },
  { path: 'src/main.ts', layer: 10, node: true, packages: [] },
]

/** The place of a path: the longest that fits, so that a file may be set apart from its folder. */
function placeOf(path: string): Place | undefined {
  return PLACES.filter((place) =>
    place.path.endsWith('/') ? path.startsWith(place.path) : path === place.path,
  ).sort((a, b) => b.path.length - a.path.length)[0]
}

const nameOf = (place: Place) => `${place.path} (layer ${place.layer})`

function localFault(from: Place, target: string): string | undefined {
  const to = placeOf(target)
  if (to === undefined) return `imports ${target}, which belongs to no layer`
  if (from.path === to.path || from.arrows?.includes(to.path)) return undefined
  if (from.never?.includes(to.path)) return `${nameOf(from)} must not know ${to.path}`
  if (to.layer < from.layer) return undefined
  const need = 'imports go downwards only: take what you need as an argument, or move it down'
  return `${nameOf(from)} imports ${nameOf(to)}; ${need}`
}

function packageFault(from: Place, target: string): string | undefined {
  if (target.startsWith('node:')) {
    return from.node ? undefined : `${nameOf(from)} imports ${target}; it must run anywhere`
  }
  const isAllowed = from.packages.some((name) =>
    name.endsWith('*') ? target.startsWith(name.slice(0, -1)) : target === name,
  )
  if (isAllowed) return undefined
  return `${nameOf(from)} imports ${target}; packages stay where the table in layers.test.ts puts them`
}

/** Imports that go the wrong way, and files that have no place in the table. */
function layerFaults(sources: readonly Source[]): Fault[] {
  return sources.flatMap((source) => {
    const from = placeOf(source.path)
    if (from === undefined) {
      const reason = 'belongs to no layer: give it a place in test/tidy/layers.test.ts'
      return [{ path: source.path, line: 1, reason }]
    }
    return importsOf(source).flatMap(({ target, node }) => {
      const reason = target.startsWith('.')
        ? localFault(from, posix.join(posix.dirname(source.path), target))
        : packageFault(from, target)
      return reason === undefined ? [] : [faultAt(source, node, reason)]
    })
  })
}

test('every import goes downwards', () => {
  assert.deepEqual(told(layerFaults(parse(projectFiles(['src', 'views'])))), [])
})

test('an arrow of the table leads to a place on the same layer', () => {
  for (const place of PLACES) {
    for (const arrow of place.arrows ?? []) {
      const target = PLACES.find((other) => other.path === arrow)
      assert.equal(target?.layer, place.layer, `${place.path} -> ${arrow}`)
    }
  }
})

const refused: [what: string, path: string, text: string, reason: RegExp][] = [
  ['an import upwards', 'src/db/a.ts', "import { x } from '../chat/actions.ts'", /downwards/],
  ['a type from above', 'src/base/a.ts', "import type { Db } from '../db/open.ts'", /downwards/],
  ['a re-export from above', 'src/web/a.ts', "export { x } from '../app.ts'", /downwards/],
  ['import() of a type', 'src/web/a.ts', "let x: import('../app.ts').X", /downwards/],
  ['import() from above', 'src/web/a.ts', "const x = () => import('../app.ts')", /downwards/],
  ['a sibling', 'src/relay/a.ts', "import { x } from '../chat/actions.ts'", /downwards/],
  ['an arrow the other way', 'src/accounts/a.ts', "import '../chat/events.ts'", /downwards/],
  ['Node in the base', 'src/base/a.ts', "import { x } from 'node:crypto'", /run anywhere/],
  ['the server in a view', 'views/chat/a.ts', "import { Hono } from 'hono'", /packages stay/],
  ['a table in a view', 'views/chat/a.ts', "import '../../src/db/schema.ts'", /downwards/],
  ['a page in the relay', 'src/relay/a.ts', "import '../../views/error.ts'", /must not know/],
  ['settings in a feature', 'src/chat/a.ts', "import '../config.ts'", /must not know/],
  ['a package elsewhere', 'src/chat/a.ts', "import x from 'better-sqlite3'", /packages stay/],
  ['a place unknown', 'src/misc/a.ts', 'export const x = 1', /no layer/],
  ['an import out of the tree', 'src/chat/a.ts', "import '../../test/x.ts'", /no layer/],
]

for (const [what, path, text, reason] of refused) {
  test(`the layer check refuses ${what}`, () => {
    const faults = layerFaults(sample(path, text))
    assert.equal(faults.length, 1)
    assert.match(faults[0]?.reason ?? '', reason)
  })
}

test('the layer check lets arrows and lower layers pass', () => {
  const text = `import { findPerson } from '../accounts/queries.ts'
import type { Db } from '../db/open.ts'
import { line } from '../../views/chat/line.ts'
import { Hono } from 'hono'
import './actions.ts'`
  assert.deepEqual(layerFaults(sample('src/chat/routes.ts', text)), [])
})
