/**
 * Rules of the whole organisation about people: who needs a second factor. One record, written by an issuing branch,
 * the same everywhere; kept in `meta`. Who may change it: organisation admins, at an issuing branch.
 */
import * as v from 'valibot'
import { addAudit } from '../audit/entries.ts'
import type { Hlc } from '../base/hlc.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'
import type { EventKind } from '../eventlog/events.ts'
import { demandIssuer, isIssuer } from '../eventlog/issuers.ts'
import { type AccountDeps, byOf, forbidden } from './authority.ts'
import { demandNext, isAfter } from './event-parts.ts'
import type { Person } from './queries.ts'
import { type PolicyPut, policyPutBody, ROLES, type Role } from './records.ts'

/** The row of `meta`; read with every request (sign-in-rows.ts). */
export const POLICY = 'policy'

type Policy = { secondFactorFor: readonly Role[] }

type Kept = { rev: number; hlc: Hlc | ''; origin: string; secondFactorFor: Role[] }

const NONE: Kept = { rev: 0, hlc: '', origin: '', secondFactorFor: [] }

/** 0309: the rules from now on. */
export const policyPut: EventKind<PolicyPut> = {
  code: 0x0309,
  name: 'policy.put',
  scope: 'all',
  parse: (body) => v.parse(policyPutBody, body),
  async refusal(tx, event) {
    await demandIssuer(tx, event)
    demandNext(event.body.rev, (await keptPolicy(tx)).rev)
    return undefined
  },
  async apply(tx, { body, hlc, origin }) {
    const known = await keptPolicy(tx)
    const { rev, secondFactorFor } = body
    if (!isAfter([rev, hlc, origin], [known.rev, known.hlc, known.origin])) return
    const kept: Kept = { rev, hlc, origin, secondFactorFor }
    await putMeta(tx, { [POLICY]: JSON.stringify(kept) })
  },
}

async function keptPolicy(tx: Db): Promise<Kept> {
  return policyIn((await metaOf(tx, POLICY)) ?? null)
}

/** The rules in the text of the row; none when there is no row. */
export function policyIn(text: string | null): Kept {
  return text === null ? NONE : (JSON.parse(text) as Kept)
}

/** The rules in force here. */
export async function policyOf(db: Db): Promise<Policy> {
  return { secondFactorFor: (await keptPolicy(db)).secondFactorFor }
}

/** Whether somebody may change the rules at this branch. */
export async function mayPutPolicy(
  { store, self }: Pick<AccountDeps, 'store' | 'self'>,
  by: Pick<Person, 'role'>,
): Promise<boolean> {
  return by.role === 'organisation-admin' && (await isIssuer(store.read, self))
}

/** Changes the rules; throws forbidden without the right. */
export async function putPolicy(deps: AccountDeps, by: Person, policy: Policy): Promise<void> {
  if (!(await mayPutPolicy(deps, by))) {
    throw forbidden('Cannot change the rules: only organisation admins at an issuing branch can')
  }
  const secondFactorFor = ROLES.filter((role) => policy.secondFactorFor.includes(role))
  await deps.store.writer.write(async (tx) => {
    const { rev, secondFactorFor: before } = await keptPolicy(tx)
    const body = { rev: rev + 1, secondFactorFor, ...byOf(by) }
    await deps.append(tx, { kind: policyPut, to: 'all', body })
    const told = (roles: readonly Role[]) => ({ secondFactorFor: roles.join(', ') })
    await addAudit(deps, tx, {
      ...{ action: 'policy.changed', by },
      ...{ before: told(before), after: told(secondFactorFor) },
    })
  })
}
