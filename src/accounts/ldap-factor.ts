/**
 * Second factors of people of LDAP, whose password changes where nobody asks us: a box of the factor under a key of
 * this branch too, so that it is sealed under the new password when that is right for the first time. Local to the
 * home branch; whoever has its key folder and its database opens it. Owns table `ldap_factor`.
 * docs/decisions/034-ldap.md.
 */
import { hkdfSync } from 'node:crypto'
import { concat, equal, utf8 } from '../base/bytes.ts'
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { AccountDeps } from './authority.ts'
import type { Signer } from './credentials.ts'
import { type Factor, factorIdOf, openFactor, sealFactor } from './factor-box.ts'
import { isFromLdap } from './ldap-people.ts'

const KEY_BYTES = 32

export type LdapFactors = {
  /** Keeps a factor that was just opened, where LDAP holds its person's password. */
  keep(user: UserId, factor: Factor): Promise<void>
  /** The box of this factor under a new password; undefined when it was never opened here. */
  sealedAgain(
    tx: Db,
    of: { user: UserId; box: Uint8Array; signer: Signer },
  ): Promise<Uint8Array | undefined>
}

/** `secret`: of this branch, and no part of its database. */
export function createLdapFactors(
  { store, random }: Pick<AccountDeps, 'store' | 'random'>,
  secret: Uint8Array,
): LdapFactors {
  const signer: Pick<Signer, 'keyFor'> = {
    keyFor: (salt, info) => {
      const use = concat(utf8('ldap-factor/1\0'), info)
      return new Uint8Array(hkdfSync('sha256', secret, salt, use, KEY_BYTES))
    },
  }
  const kept = async (db: Db, user: UserId, id: Uint8Array) => {
    const row = db.selectFrom('ldap_factor').where('userId', '=', user).select('box')
    const box = (await row.executeTakeFirst())?.box
    return box !== undefined && equal(factorIdOf(box), id) ? box : undefined
  }
  return {
    async keep(userId, factor) {
      if (!(await isFromLdap(store.read, userId))) return
      if ((await kept(store.read, userId, factor.id)) !== undefined) return
      const box = sealFactor(factor, { user: userId, signer, random })
      await store.writer.write(async (tx) => {
        const row = tx.insertInto('ldap_factor').values({ userId, box })
        await row.onConflict((conflict) => conflict.column('userId').doUpdateSet({ box })).execute()
      })
    },
    async sealedAgain(tx, { user, box, signer: next }) {
      const own = await kept(tx, user, factorIdOf(box))
      const factor = own && openFactor(own, { user, signer })
      return factor && sealFactor(factor, { user, signer: next, random })
    },
  }
}
