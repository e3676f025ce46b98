/** The API of importing and exporting people: a CSV file is the body, its lines with what became of them the answer. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { reasonText } from '../../views/admin/import.ts'
import { wordsOf } from '../../views/language/words.ts'
import { exportedCsv } from '../accounts/export.ts'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import type { Outcome } from '../accounts/import-plan.ts'
import type { Plan, Progress } from '../accounts/import-run.ts'
import { ENCODINGS, IMPORT_BYTES_MAX } from '../accounts/import-text.ts'
import type { Imports } from '../accounts/imports.ts'
import type { Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { ApiOperation } from '../web/api.ts'
import { bodyBytes } from '../web/body.ts'
import { readQuery } from '../web/form.ts'
import { countsOf, streamOf } from './import.ts'
import { filterOf } from './users.ts'

const importQuery = v.object({
  /** Present: only says what would happen. */
  dryRun: v.optional(v.string()),
  /** Present: new temporary passwords also for those who have not signed in since an import. */
  renew: v.optional(v.string()),
  encoding: v.optional(v.picklist(ENCODINGS, 'encoding-unknown')),
})
const exportQuery = v.object({
  q: v.optional(v.string()),
  branch: v.optional(v.string()),
  state: v.optional(v.string()),
})
const kind = v.picklist(['create', 'change', 'same', 'refused'])
const importedLine = v.object({
  line: v.number(),
  login: v.string(),
  outcome: kind,
  /** Names the reason of a refusal; `message` says it in English. */
  reason: v.optional(v.string()),
  message: v.optional(v.string()),
  changes: v.optional(v.array(v.object({ column: v.string(), from: v.string(), to: v.string() }))),
  /** A temporary password, this once. */
  password: v.optional(v.string()),
})
const imported = v.object({
  isDryRun: v.boolean(),
  encoding: v.picklist(ENCODINGS),
  separator: v.string(),
  counts: v.object({
    ...{ create: v.number(), change: v.number(), same: v.number(), refused: v.number() },
  }),
  lines: v.array(importedLine),
})
export type Imported = v.InferOutput<typeof imported>

export const importApi: readonly ApiOperation[] = [
  {
    method: 'post',
    path: '/admin/users/import',
    summary: 'Create and change accounts from a CSV file, the body of the request',
    query: importQuery,
    response: imported,
    status: 200,
  },
  {
    method: 'get',
    path: '/admin/users.csv',
    summary: 'Accounts as a CSV file with the columns an import reads',
    query: exportQuery,
    responseType: 'text/csv',
    status: 200,
  },
]

type ImportApiDeps = {
  store: Store
  clock: { now(): Millis }
  guards: Guards
  imports: Imports
}

/** The routes of `importApi`. */
export function importApiRoutes(deps: ImportApiDeps): Hono<SignedIn> {
  const { guards, imports } = deps
  const app = new Hono<SignedIn>()
  app.post('/admin/users/import', guards.bearer, guards.admin, async (c) => {
    const { dryRun, renew, encoding } = readQuery(c, importQuery)
    const bytes = await bodyBytes(c, IMPORT_BYTES_MAX)
    const who = { by: c.var.user, renews: renew !== undefined }
    const isDry = dryRun !== undefined
    const done = await imports.now(who, { bytes, encoding, isDry })
    return c.json(importedShape(done, isDry))
  })

  app.get('/admin/users.csv', guards.bearer, guards.admin, async (c) => {
    const parts = await exportedCsv(deps, c.var.user, { filter: filterOf(c), separator: ',' })
    return c.body(streamOf(parts), 200, { 'content-type': 'text/csv; charset=utf-8' })
  })
  return app
}

/** An import as the API and the commands tell it. */
export function importedShape(
  { plan, outcomes, slips }: { plan: Plan } & Progress,
  isDryRun: boolean,
): Imported {
  const passwords = new Map(slips.map(({ login, password }) => [login, password]))
  const all = isDryRun ? plan.outcomes : outcomes
  const { encoding, separator } = plan.file
  const lines = all.map((outcome) => lineShape(outcome, passwords.get(outcome.login)))
  return { isDryRun, encoding, separator, counts: countsOf(all), lines }
}

function lineShape(of: Outcome, password: string | undefined): Imported['lines'][number] {
  const { line, login, kind: outcome, changes, problem } = of
  return {
    ...{ line, login, outcome },
    ...(problem && { reason: problem.detail, message: reasonText({ t: wordsOf('en') }, problem) }),
    ...(changes.length > 0 && { changes: [...changes] }),
    ...(password !== undefined && outcome !== 'refused' && { password }),
  }
}
