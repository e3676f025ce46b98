/** The audit log in the API: newest first, with a cursor. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { SignedIn } from '../accounts/guard.ts'
import { isAuditAction } from '../audit/actions.ts'
import { auditEntries, ENTRIES_PER_PAGE_MAX, type Shown } from '../audit/queries.ts'
import { hex } from '../base/bytes.ts'
import { invalidInput } from '../base/errors.ts'
import { isoTime } from '../base/units.ts'
import type { ApiOperation } from '../web/api.ts'
import { readQuery } from '../web/form.ts'
import { type AuditAdminDeps, personEver } from './audit.ts'
import { toldOf } from './audit-export.ts'
import { subjectOf, whoOf } from './audit-rows.ts'

const ENTRIES_PER_ANSWER = 50
const TEXT_CHARACTERS_MAX = 100

const text = v.optional(v.pipe(v.string(), v.maxLength(TEXT_CHARACTERS_MAX, 'too-long')))
const instant = v.optional(v.pipe(v.string(), v.isoTimestamp('invalid')))
const whole = v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'invalid'), v.transform(Number)))

const query = v.object({
  /** A login: who did it, or whom it was done to. */
  person: text,
  action: text,
  from: instant,
  until: instant,
  failed: v.optional(v.picklist(['true', 'false'], 'invalid')),
  /** `next` of the answer before. */
  cursor: whole,
  limit: whole,
})
const entry = v.object({
  number: v.number(),
  at: v.string(),
  action: v.string(),
  who: v.object({
    kind: v.picklist(['person', 'operator', 'nobody', 'system']),
    id: v.optional(v.string()),
    name: v.optional(v.string()),
  }),
  typedLogin: v.optional(v.string()),
  address: v.optional(v.string()),
  /** Done at that branch and heard of here. */
  branch: v.optional(v.object({ id: v.string(), name: v.string() })),
  subject: v.optional(v.object({ kind: v.string(), id: v.optional(v.string()), name: v.string() })),
  /** JSON, as it was hashed. */
  before: v.optional(v.string()),
  after: v.optional(v.string()),
  hash: v.string(),
  /** What is told of the person beside the chain, JSON, and the salt of its hash in `after`. */
  told: v.optional(v.object({ salt: v.string(), text: v.string() })),
})

export const auditApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/admin/audit',
    summary: 'Read the audit log of this branch, newest first; reading it is an entry too',
    query,
    response: v.object({ items: v.array(entry), next: v.optional(v.string()) }),
    status: 200,
  },
]

/** The routes of `auditApi`. */
export function auditApiRoutes({ guards, store, self, noteLook }: AuditAdminDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.use('/admin/audit', guards.bearer, guards.audit)
  app.get('/admin/audit', async (c) => {
    const { person, action, from, until, failed, cursor, limit } = readQuery(c, query)
    if (action !== undefined && !isAuditAction(action)) {
      throw invalidInput('action', `There is no action ${action}`)
    }
    const found = person === undefined ? undefined : await personEver(store.read, self, person)
    const told = Object.entries({ person, action, from, until, failed })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${value}`)
    const after = told.length === 0 ? {} : { filter: told.join(', ') }
    await noteLook({ action: 'audit.read', by: c.var.user, after })
    const size = Math.min(Math.max(1, limit ?? ENTRIES_PER_ANSWER), ENTRIES_PER_PAGE_MAX)
    const filter = {
      person: person === undefined ? undefined : { id: found?.id, login: person },
      action,
      from: from === undefined ? undefined : Date.parse(from),
      until: until === undefined ? undefined : Date.parse(until),
      isFailed: failed === 'true',
    }
    const entries = await auditEntries(store.read, filter, { before: cursor, limit: size + 1 })
    const items = entries.slice(0, size).map(shapeOf)
    const next = entries.length > size ? { next: String(items.at(-1)?.number) } : {}
    return c.json({ items, ...next })
  })
  return app
}

function shapeOf(row: Shown): v.InferOutput<typeof entry> {
  const { n: number, at, action, login, address, branch, before, after, hash } = row
  const { subjectKind: kind, subjectId: id } = row
  const { name } = subjectOf(row)
  const { kind: whoKind, ...who } = { name: undefined, id: undefined, ...whoOf(row) }
  return {
    ...{ number, at: isoTime(at), action, hash: hex(hash), ...toldOf(row) },
    who: { kind: whoKind, ...(who.id === undefined ? {} : { id: who.id, name: who.name }) },
    ...(login === null ? {} : { typedLogin: login }),
    ...(address === '' ? {} : { address }),
    ...(branch === null ? {} : { branch: { id: branch, name: row.branchName ?? branch } }),
    ...(kind === null ? {} : { subject: { kind, name, ...(id === null ? {} : { id }) } }),
    ...(before === null ? {} : { before }),
    ...(after === null ? {} : { after }),
  }
}
