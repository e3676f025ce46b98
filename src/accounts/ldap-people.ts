/** Who of this branch's people comes from LDAP. Their passwords are changed there, and only there. */
import { invalidInput } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'

/** Whether LDAP holds the person's password. */
export async function isFromLdap(db: Db, id: UserId): Promise<boolean> {
  const row = await db
    .selectFrom('ldap_person')
    .where('userId', '=', id)
    .select('userId')
    .executeTakeFirst()
  return row !== undefined
}

/** Throws invalid-input (`password-in-ldap`) for whoever's password is not ours to change. */
export async function refuseFromLdap(db: Db, id: UserId): Promise<void> {
  if (!(await isFromLdap(db, id))) return
  const message = 'Cannot change the password here: it is that of the computer at work (LDAP)'
  throw invalidInput('password', message, 'password-in-ldap')
}
