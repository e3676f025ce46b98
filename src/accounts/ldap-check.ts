/**
 * Sign-in by LDAP: finds the person's entry with the service account and binds as the person (RFC 4511, 4.2). What was
 * right is kept here as if the person had chosen it, so that it serves at other branches and while LDAP is silent.
 */
import { hex } from '../base/bytes.ts'
import type { Ldap, LdapSetting } from '../world/ldap.ts'
import type { Log } from '../world/log.ts'
import { putTemporary } from './actions.ts'
import type { AccountDeps } from './authority.ts'
import { drawnCredential, newCredential } from './credentials.ts'
import type { LdapFactors } from './ldap-factor.ts'
import { isFromLdap } from './ldap-people.ts'
import { generatedPassword } from './passwords.ts'
import type { Person } from './queries.ts'
import type { Outside } from './sign-in-proof.ts'

type CheckDeps = AccountDeps & {
  ldap: Ldap
  setting: Pick<LdapSetting, 'filter' | 'attributes'>
  log: Log
  factors: LdapFactors
}

/** A value inside a filter (RFC 4515, 3): nothing in it ends or widens the filter. */
export function filterValue(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => {
      const isPlain =
        byte > 0x20 && byte < 0x7f && !'()*\\&|!=<>~'.includes(String.fromCharCode(byte))
      return isPlain ? String.fromCharCode(byte) : `\\${hex(Uint8Array.of(byte))}`
    })
    .join('')
}

/** What sign-ins ask about people of LDAP. */
export function ldapOutside(deps: CheckDeps): Outside {
  const { store, self } = deps
  return {
    async check(person, password) {
      if (person.branch.id !== self || !(await isFromLdap(store.read, person.id))) return undefined
      // RFC 4513, 5.1.2: an empty password would "succeed" as nobody.
      if (password === '') return 'wrong'
      try {
        return (await isRight(deps, person.login, password)) ? 'right' : 'wrong'
      } catch (error) {
        deps.log.warn('accounts.ldap.silent', { error })
        return undefined
      }
    },
    async keep({ id }, password) {
      const { credential, signer } = await newCredential(deps, password)
      await store.writer.write((tx) =>
        putTemporary(deps, tx, {
          id,
          credential,
          mustChange: false,
          isDrawn: false,
          keepsFactor: (db, box) => deps.factors.sealedAgain(db, { user: id, box, signer }),
          by: undefined,
        }),
      )
    },
    keepFactor: deps.factors.keep,
    async end({ id }: Person) {
      const credential = drawnCredential(deps.random, generatedPassword(deps.random))
      await store.writer.write((tx) =>
        putTemporary(deps, tx, {
          ...{ id, credential, mustChange: true, isDrawn: true },
          keepsFactor: async (_db, box) => box,
          by: undefined,
        }),
      )
    },
  }
}

async function isRight(
  { ldap, setting }: CheckDeps,
  login: string,
  password: string,
): Promise<boolean> {
  const attribute = setting.attributes.login ?? ''
  const filter = `(&${setting.filter}(${attribute}=${filterValue(login)}))`
  const entries = await ldap.search(filter, [attribute])
  const [entry] = entries
  // Two entries with one login: nobody can say whose password it would be.
  if (entry === undefined || entries.length > 1) return false
  return ldap.isRight(entry.dn, password)
}
