/** `/admin/audit`: the log of this branch for auditors and organisation admins. Every look at it is an entry of it. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { type AuditFilterValues, auditPage } from '../../views/admin/audit.ts'
import { calendarDay, startOfDay } from '../../views/language/times.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { personByLogin } from '../accounts/queries.ts'
import { AUDIT_ACTIONS, isAuditAction } from '../audit/actions.ts'
import { checkAnchors, checkChain, headsHeld } from '../audit/check.ts'
import { auditHead } from '../audit/entries.ts'
import type { NoteLook } from '../audit/looks.ts'
import { type AuditFilter, auditEntries } from '../audit/queries.ts'
import { invalidInput } from '../base/errors.ts'
import type { BranchId } from '../base/ids.ts'
import { DAY, HOUR } from '../base/units.ts'
import type { Db, Store } from '../db/open.ts'
import { readQuery } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import type { Clock } from '../world/clock.ts'
import { csvOf, jsonLinesOf } from './audit-export.ts'
import { rowOf } from './audit-rows.ts'

export type AuditAdminDeps = {
  guards: Guards
  frameOf: FrameOf
  store: Store
  self: BranchId
  clock: Pick<Clock, 'now' | 'soon'>
  noteLook: NoteLook
}

/** A screen or two of a list. */
const ENTRIES_PER_PAGE = 50
const TYPED_CHARACTERS_MAX = 100

const typed = v.optional(v.pipe(v.string(), v.maxLength(TYPED_CHARACTERS_MAX, 'too-long')), '')
const DAY_FORM = /^\d{4}-\d\d-\d\d$/
const filterQuery = v.object({
  ...{ person: typed, action: typed, from: typed, until: typed },
  failed: typed,
})
const pageQuery = v.object({
  ...filterQuery.entries,
  before: v.fallback(
    v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number))),
    undefined,
  ),
  check: typed,
})

/** The pages and exports. */
export function auditAdminRoutes(deps: AuditAdminDeps): Hono<SignedIn> {
  const { guards } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/audit', guards.signedIn, guards.audit)
  app.use('/admin/audit/*', guards.signedIn, guards.audit)
  app.get('/admin/audit', (c) => page(c, deps))
  app.get('/admin/audit/export.csv', async (c) => {
    const values = readQuery(c, filterQuery)
    if (wrongDays(values).length > 0) throw invalidInput('from', 'A day is written as 2026-01-31')
    const filter = await filterOf(deps, values, timeZoneOf(c, deps))
    return await csvOf(deps, c.var.user, { filter, told: toldFilter(values) })
  })
  app.get('/admin/audit/export.jsonl', (c) => jsonLinesOf(deps, c.var.user))
  return app
}

async function page(c: Context<SignedIn>, deps: AuditAdminDeps) {
  const { store, self, clock } = deps
  const { before, check, ...values } = readQuery(c, pageQuery)
  const filter = await filterOf(deps, values, timeZoneOf(c, deps))
  const told = toldFilter(values)
  const after = told === '' ? {} : { filter: told }
  await deps.noteLook({ action: 'audit.read', by: c.var.user, after })
  const limit = ENTRIES_PER_PAGE + 1
  const found = await auditEntries(store.read, filter, { before, limit })
  const rows = found.slice(0, ENTRIES_PER_PAGE)
  const wrong = wrongDays(values)
  const pause = () => new Promise<void>((resolve) => clock.soon(resolve))
  const props = {
    filter: values,
    errors: Object.fromEntries(wrong.map((name) => [name, c.var.t.audit.dayForm] as const)),
    actions: AUDIT_ACTIONS,
    rows: rows.map(rowOf),
    before: found.length > ENTRIES_PER_PAGE ? rows.at(-1)?.n : undefined,
    isNewest: before === undefined,
    entries: (await auditHead(store.read))?.n ?? 0,
    check: check === '' ? undefined : await checkChain(store.read, pause),
    confirmations: await checkAnchors(store.read, self),
    held: await headsHeld(store.read, self),
  }
  return c.html(auditPage(deps.frameOf(asWeb(c)), props), wrong.length === 0 ? 200 : 422)
}

const timeZoneOf = (c: Context<SignedIn>, { frameOf }: AuditAdminDeps) => frameOf(asWeb(c)).timeZone

/** Days that are typed in another form: where a browser has no field for days. */
function wrongDays(values: AuditFilterValues): ('from' | 'until')[] {
  const days = ['from', 'until'] as const
  return days.filter((name) => values[name] !== '' && !isDay(values[name]))
}

const isDay = (text: string) =>
  DAY_FORM.test(text) && !Number.isNaN(Date.parse(`${text}T12:00:00Z`))

/** What was asked for, for the entry about it. */
function toldFilter(values: AuditFilterValues): string {
  const set = Object.entries(values).filter(([, value]) => value !== '')
  return set.map(([name, value]) => `${name}=${value}`).join(', ')
}

async function filterOf(
  { store, self }: Pick<AuditAdminDeps, 'store' | 'self'>,
  { person, action, from, until, failed }: AuditFilterValues,
  timeZone: string,
): Promise<AuditFilter> {
  const login = person.trim()
  // An ambiguous login is nobody's here: failed sign-ins with it are found all the same.
  const found = login === '' ? undefined : await personEver(store.read, self, login)
  const end = dayBegins(until, timeZone, 1)
  return {
    person: login === '' ? undefined : { id: found?.id, login },
    // A name that is none of ours finds nothing, and says so.
    action: action === '' || !isAuditAction(action) ? undefined : action,
    from: dayBegins(from, timeZone, 0),
    until: end,
    isFailed: failed !== '',
  }
}

/** Somebody by the login, deleted or not; nobody where several branches have it. */
export async function personEver(db: Db, self: BranchId, login: string) {
  return await personByLogin(db, self, login, { isErasedToo: true }).catch(() => undefined)
}

/** When a calendar day begins there, or one so many days later. */
function dayBegins(text: string, timeZone: string, days: number): number | undefined {
  const noon = Date.parse(`${text}T12:00:00Z`) + days * DAY
  if (!isDay(text)) return undefined
  const wanted = new Date(noon).toISOString().slice(0, 10)
  // Noon in UTC is the same day from UTC-12 to UTC+11; beyond, the neighbour is.
  const guess = calendarDay(noon, timeZone) === wanted ? noon : noon - 12 * HOUR
  return startOfDay(guess, timeZone)
}
