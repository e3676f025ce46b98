/** LDAP at a running branch: the import every night, its last result, one at a time. */
import { DAY, HOUR, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { importFromLdap, type LdapDeps, type LdapOutcome } from './ldap-import.ts'

export type LdapRun = {
  at: Millis
  state: 'done' | 'stopped' | 'failed'
  counts: { created: number; changed: number; refused: number; disabled: number; enabled: number }
}

const NO_COUNTS = { created: 0, changed: 0, refused: 0, disabled: 0, enabled: 0 }
/** Hours of the branch's own clock in which the nightly import may begin. */
const NIGHT_HOURS: readonly number[] = [2, 3, 4]
/** A server that is off at night imports by day. */
const LATE_MS: Millis = 2 * DAY
/** Not twice in one night. */
const EARLY_MS: Millis = 12 * HOUR

/** Runs an import and keeps what came of it; `hourOf`: of the branch's own clock. */
export function createLdapImports(deps: LdapDeps & { hourOf(at: Millis): number }) {
  const { store, clock, log } = deps
  let running: Promise<unknown> = Promise.resolve()
  const keep = ({ state, counts }: Pick<LdapRun, 'state' | 'counts'>) =>
    store.writer.write(async (tx) => {
      const row = { at: clock.now(), state, counts: JSON.stringify(counts) }
      await tx
        .insertInto('ldap_run')
        .values({ id: 1, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    })
  const now = async (how: { isDry: boolean; isForced: boolean }): Promise<LdapOutcome> => {
    try {
      const outcome = await importFromLdap(deps, how)
      const counts = countsOf(outcome)
      if (!how.isDry) {
        await keep({ state: outcome.state, counts })
        log[outcome.state === 'done' ? 'info' : 'error']('accounts.ldap.imported', {
          ...counts,
          state: outcome.state,
        })
      }
      return outcome
    } catch (error) {
      if (!how.isDry) await keep({ state: 'failed', counts: NO_COUNTS })
      throw error
    }
  }
  const alone = (how: { isDry: boolean; isForced: boolean }): Promise<LdapOutcome> => {
    const mine = running.then(() => now(how))
    running = mine.catch(() => {})
    return mine
  }
  return {
    /** After the one that is running, if one is. */
    now: alone,
    /** Every hour: whether it is time. */
    async nightly(): Promise<void> {
      const last = await lastLdapRun(store.read)
      const since = last === undefined ? LATE_MS : clock.now() - last.at
      const isNight = NIGHT_HOURS.includes(deps.hourOf(clock.now()))
      if (since < LATE_MS && !(isNight && since >= EARLY_MS)) return
      await alone({ isDry: false, isForced: false }).catch((error) => {
        log.error('accounts.ldap.failed', { error })
      })
    },
  }
}

export type LdapImports = ReturnType<typeof createLdapImports>

/** How many of each. */
function countsOf({ lines, disabled, enabled, state }: LdapOutcome): LdapRun['counts'] {
  const count = (kind: string) => lines.filter((line) => line.kind === kind).length
  return {
    ...{ created: count('create'), changed: count('change'), refused: count('refused') },
    ...{ disabled: state === 'stopped' ? 0 : disabled.length, enabled: enabled.length },
  }
}

/** The last import, for its page. */
export async function lastLdapRun(db: Db): Promise<LdapRun | undefined> {
  const row = await db.selectFrom('ldap_run').selectAll().executeTakeFirst()
  return (
    row && { at: row.at, state: row.state, counts: JSON.parse(row.counts) as LdapRun['counts'] }
  )
}
