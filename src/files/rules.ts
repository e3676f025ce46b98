/**
 * Records about files that all branches hold: the organisation's rules (types nobody may send, how long files stay),
 * written by an issuing branch, and the largest file each branch takes, written by that branch. Owns table `file_limit`
 * and a row of `meta`. docs/decisions/046-file-policies.md.
 */
import * as v from 'valibot'
import { type AccountDeps, byOf, forbidden } from '../accounts/authority.ts'
import { demandNext, isAfter } from '../accounts/event-parts.ts'
import { mayPutPolicy } from '../accounts/policy.ts'
import type { Person } from '../accounts/queries.ts'
import { user } from '../accounts/records.ts'
import { addAudit } from '../audit/entries.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BranchId } from '../base/ids.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'
import type { Append, EventKind } from '../eventlog/events.ts'
import { demandIssuer } from '../eventlog/issuers.ts'
import { KINDS_REFUSABLE } from './endings.ts'

const RULES = 'file.rules'
/** More than all endings of programs that anybody ever listed. */
const REFUSED_MAX = 200
/** Ten years: whoever wants longer wants for ever. */
const DAYS_MAX = 3650
const REV_MAX = 1e9

/** An ending without its dot, or `kind:` and one of the kinds that are told by a file's first bytes. */
const refusedEntry = v.pipe(
  v.string(),
  v.check(
    (text) =>
      /^[\p{Ll}\p{N}]{1,12}$/u.test(text) ||
      KINDS_REFUSABLE.some((kind) => text === `kind:${kind}`),
    'refused-form',
  ),
)

/** What holds for files in the whole organisation. */
export const fileRules = v.object({
  refused: v.pipe(v.array(refusedEntry), v.maxLength(REFUSED_MAX)),
  /** Files go that many days after they were sent; 0: never. */
  days: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(DAYS_MAX)),
})
type FileRules = v.InferOutput<typeof fileRules>

const rulesBody = v.object({
  ...fileRules.entries,
  rev: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(REV_MAX)),
  by: v.optional(user),
})
const limitsBody = v.object({
  sizeMax: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)),
})
type Limits = v.InferOutput<typeof limitsBody>

type Kept = FileRules & { rev: number; hlc: Hlc | ''; origin: string }

const NONE: Kept = { rev: 0, hlc: '', origin: '', refused: [], days: 0 }

/** 0501: the largest file the origin takes. */
export const limitsKind: EventKind<Limits> = {
  code: 0x0501,
  name: 'file.limits',
  scope: 'all',
  parse: (body) => v.parse(limitsBody, body),
  // Each branch speaks of its own disk.
  refusal: async () => undefined,
  async apply(tx, { origin: branchId, hlc, body: { sizeMax } }) {
    await tx
      .insertInto('file_limit')
      .values({ branchId, sizeMax, hlc })
      .onConflict((on) =>
        on.column('branchId').doUpdateSet({ sizeMax, hlc }).where('file_limit.hlc', '<', hlc),
      )
      .execute()
  },
  recordOf: () => 'file.limits',
}

/** 0504: the rules from now on. */
export const rulesKind: EventKind<v.InferOutput<typeof rulesBody>> = {
  code: 0x0504,
  name: 'file.rules',
  scope: 'all',
  parse: (body) => v.parse(rulesBody, body),
  async refusal(tx, event) {
    await demandIssuer(tx, event)
    demandNext(event.body.rev, (await keptRules(tx)).rev)
    return undefined
  },
  async apply(tx, { body, hlc, origin }) {
    const known = await keptRules(tx)
    const { rev, refused, days } = body
    if (!isAfter([rev, hlc, origin], [known.rev, known.hlc, known.origin])) return
    const kept: Kept = { rev, hlc, origin, refused, days }
    await putMeta(tx, { [RULES]: JSON.stringify(kept) })
  },
}

async function keptRules(db: Db): Promise<Kept> {
  const text = await metaOf(db, RULES)
  return text === undefined ? NONE : (JSON.parse(text) as Kept)
}

/** The rules in force here. */
export async function fileRulesOf(db: Db): Promise<FileRules> {
  const { refused, days } = await keptRules(db)
  return { refused, days }
}

/** Changes the rules; throws forbidden without the right. */
export async function putFileRules(deps: AccountDeps, by: Person, rules: FileRules): Promise<void> {
  if (!(await mayPutPolicy(deps, by))) {
    throw forbidden('Cannot change the rules: only organisation admins at an issuing branch can')
  }
  const refused = [...new Set(rules.refused)].sort()
  await deps.store.writer.write(async (tx) => {
    const before = await keptRules(tx)
    const body = { rev: before.rev + 1, refused, days: rules.days, ...byOf(by) }
    await deps.append(tx, { kind: rulesKind, to: 'all', body })
    const told = (of: FileRules) => ({ refused: of.refused.join(', '), days: of.days })
    await addAudit(deps, tx, {
      ...{ action: 'policy.changed', by },
      ...{ before: told(before), after: told(body) },
    })
  })
}

/** Tells the others the largest file this branch takes, when that has changed. */
export async function announceLimits(
  tx: Db,
  append: Append,
  { self, sizeMax }: { self: BranchId; sizeMax: number },
): Promise<void> {
  const known = await tx
    .selectFrom('file_limit')
    .where('branchId', '=', self)
    .select('sizeMax')
    .executeTakeFirst()
  if (known?.sizeMax === sizeMax) return
  await append(tx, { kind: limitsKind, to: 'all', body: { sizeMax } })
}
