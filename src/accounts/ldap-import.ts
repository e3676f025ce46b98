/**
 * The nightly import from LDAP: new people are created, records follow, who is disabled or gone there is
 * disabled here.
 * A block that an admin made is never undone: only one this import made, and that nobody touched since. Roles and
 * languages do not come from LDAP, and nobody with a role is taken over by it.
 */
import { AppError } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import { listed } from '../db/prepared.ts'
import type { Ldap, LdapEntry, LdapSetting } from '../world/ldap.ts'
import type { Log } from '../world/log.ts'
import { disablePerson, putBlock } from './actions.ts'
import {
  againstOthers,
  type Column,
  type ImportLine,
  lineFrom,
  nothingSeen,
} from './import-lines.ts'
import type { Outcome } from './import-plan.ts'
import { type ImportDeps, outcomesOf, type Progress, runImport } from './import-run.ts'
import { getPerson } from './queries.ts'

export type LdapDeps = ImportDeps & {
  ldap: Ldap
  setting: Pick<LdapSetting, 'filter' | 'attributes'>
  log: Log
}

/** What an import did, or would do. */
export type LdapOutcome = {
  state: 'done' | 'stopped'
  lines: readonly Outcome[]
  /** Logins. */
  disabled: readonly string[]
  enabled: readonly string[]
}

/** Bit ACCOUNTDISABLE ([MS-ADTS], 2.2.16). */
const DISABLED_BIT = 2
const ACCOUNT_CONTROL = 'userAccountControl'
/** More than this share and this number do not leave in a night: somebody moved a part of the directory. */
const LEAVING_SHARE_MAX = 0.1
const LEAVING_MIN = 5

const NOBODY = { by: undefined, renews: false }

type Linked = {
  id: UserId
  login: string
  disabled: number
  generation: number
  ours: number | null
}

/** One import. `isDry` changes nothing; `isForced` disables however many have left. */
export async function importFromLdap(
  deps: LdapDeps,
  { isDry, isForced }: { isDry: boolean; isForced: boolean },
): Promise<LdapOutcome> {
  const entries = await entriesOf(deps)
  const active = new Map([...entries].filter(([, entry]) => !isDisabled(entry)))
  const linked = await linkedPeople(deps)
  const present = linked.filter(({ disabled }) => disabled === 0)
  const leaving = present.filter(({ login }) => !active.has(login))
  const returning = linked.filter(
    ({ login, disabled, generation, ours }) =>
      disabled === 1 && ours === generation && active.has(login),
  )
  const max = Math.max(LEAVING_MIN, present.length * LEAVING_SHARE_MAX)
  const isStopped = leaving.length > max && !isForced
  if (!isDry) for (const person of returning) await setBlock(deps, person, false)
  const lines = await linesOf(deps, active, linked)
  const shown = await outcomesOf(deps, NOBODY, lines)
  const progress: Progress = { outcomes: [], slips: [] }
  if (!isDry) {
    const plan = { lines, outcomes: shown }
    await runImport(deps, NOBODY, { plan, progress })
    await link(deps, progress.outcomes)
    if (!isStopped) for (const person of leaving) await setBlock(deps, person, true)
  }
  return {
    state: isStopped ? 'stopped' : 'done',
    lines: isDry ? shown : progress.outcomes,
    disabled: leaving.map(({ login }) => login),
    enabled: returning.map(({ login }) => login),
  }
}

/** By login in the form it is kept in. Nothing found is no answer: a wrong base must not close every account. */
async function entriesOf({ ldap, setting }: LdapDeps): Promise<Map<string, LdapEntry>> {
  const { filter, attributes } = setting
  const found = await ldap.search(filter, [...Object.values(attributes), ACCOUNT_CONTROL])
  const login = attributes.login?.toLowerCase() ?? ''
  const entries = new Map(
    found.map((entry) => [(entry.values.get(login) ?? '').trim().toLowerCase(), entry]),
  )
  entries.delete('')
  if (entries.size === 0) {
    throw new AppError(
      'conflict',
      'Nobody was found in LDAP: are base, filter and attributes right?',
    )
  }
  return entries
}

function isDisabled({ values }: LdapEntry): boolean {
  const control = Number(values.get(ACCOUNT_CONTROL.toLowerCase()) ?? 0)
  return (control & DISABLED_BIT) !== 0
}

function linkedPeople({ store, self }: LdapDeps): Promise<Linked[]> {
  return store.read
    .selectFrom('ldap_person')
    .innerJoin('user', 'user.id', 'ldap_person.userId')
    .where('user.home', '=', self)
    .select(['user.id', 'user.login', 'user.disabled', 'user.blockGeneration as generation'])
    .select('ldap_person.blockGeneration as ours')
    .orderBy('user.login')
    .execute()
}

/** A line for each entry; who is closed here, by hand or by us, has none. */
async function linesOf(
  { setting, store, self }: LdapDeps,
  active: ReadonlyMap<string, LdapEntry>,
  linked: readonly Linked[],
): Promise<ImportLine[]> {
  const known = new Set(linked.map(({ login }) => login))
  const others = await store.read
    .selectFrom('user')
    .where('home', '=', self)
    .where((row) => row.or([row('role', '!=', 'employee'), row('disabled', '=', 1)]))
    .select(['login', 'disabled'])
    .execute()
  const kept = new Map(others.map(({ login, disabled }) => [login, disabled]))
  const seen = nothingSeen()
  const lines: ImportLine[] = []
  for (const [login, { values }] of active) {
    // DANGER: whoever writes the directory would become an admin of ours who is called like one of its entries.
    const isKept = kept.get(login) === 1 || (kept.has(login) && !known.has(login))
    if (isKept) continue
    const typed = new Map<Column, string>([['login', login]])
    for (const [column, attribute] of Object.entries(setting.attributes)) {
      if (column === 'login') continue
      typed.set(column as Column, values.get(attribute.toLowerCase()) ?? '')
    }
    lines.push(againstOthers(lineFrom(lines.length + 1, typed), seen))
  }
  return lines
}

/** From now on their passwords are those of LDAP. */
async function link({ store, self }: LdapDeps, outcomes: readonly Outcome[]): Promise<void> {
  const logins = outcomes.filter(({ kind }) => kind !== 'refused').map(({ login }) => login)
  await store.writer.write(async (tx) => {
    await tx
      .insertInto('ldap_person')
      .columns(['userId', 'blockGeneration'])
      .expression((eb) =>
        eb
          .selectFrom('user')
          .where('home', '=', self)
          .where('login', 'in', listed<string>(JSON.stringify(logins)))
          .select((row) => ['user.id', row.val(null).as('none')]),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  })
}

async function setBlock(deps: LdapDeps, { id, login }: Linked, isBlocked: boolean): Promise<void> {
  try {
    await deps.store.writer.write(async (tx) => {
      if (isBlocked) await disablePerson(deps, tx, { id, by: undefined })
      else
        await putBlock(deps, tx, { person: await getPerson(tx, id), blocked: false, by: undefined })
      const person = tx.selectFrom('user').where('id', '=', id)
      const { blockGeneration } = await person.select('blockGeneration').executeTakeFirstOrThrow()
      await tx
        .updateTable('ldap_person')
        .set({ blockGeneration: isBlocked ? blockGeneration : null })
        .where('userId', '=', id)
        .execute()
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'unavailable') throw error
    deps.log.warn('accounts.ldap.not-disabled', { login, reason: error.detail ?? error.code })
  }
}
