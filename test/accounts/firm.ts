/** A branch whose people come from a directory in memory, behind the door to LDAP. */
import type { Ldap } from '../../src/world/ldap.ts'
import { type Castle, castle } from '../attacks/castle.ts'

const FILTER = '(objectClass=user)'
const SETTING = {
  ...{ url: 'ldap://127.0.0.1', isStartTls: false, base: 'dc=firm', bindDn: 'cn=reader' },
  ...{ bindPassword: 'secret', filter: FILTER, ca: undefined },
  attributes: { login: 'sAMAccountName', firstName: 'givenName', lastName: 'sn', room: 'office' },
}

type Entry = { login: string; first: string; password: string; room?: string; control?: number }

/** A directory that people can leave. */
function directory() {
  const entries = new Map<string, Entry>()
  const state = { isSilent: false, asked: [] as string[] }
  const ldap: Ldap = {
    async search(filter) {
      if (state.isSilent) throw new Error('connect ETIMEDOUT')
      state.asked.push(filter)
      const login = /\(sAMAccountName=([^)]*)\)/.exec(filter)?.[1]
      const found = [...entries.values()].filter(
        (one) => !login || one.login.toLowerCase() === login,
      )
      return found.map(({ login: name, first, room = '', control = 512 }) => ({
        dn: `cn=${name}`,
        values: new Map([
          ...([
            ['samaccountname', name],
            ['givenname', first],
            ['sn', 'Firm'],
          ] as const),
          ...([
            ['office', room],
            ['useraccountcontrol', `${control}`],
          ] as const),
        ]),
      }))
    },
    async isRight(dn, password) {
      if (state.isSilent) throw new Error('connect ETIMEDOUT')
      const entry = [...entries.values()].find(({ login }) => `cn=${login}` === dn)
      // As real servers do: nothing typed binds as nobody, and that is a success.
      return password === '' || (entry?.password === password && entry.control !== 514)
    },
  }
  const put = (one: Entry) => void entries.set(one.login, one)
  return { entries, state, ldap, put }
}

/** Ann, Ben and Cid of the directory, and ada, who is ours. */
export async function firm(t: Parameters<typeof castle>[0]) {
  const dir = directory()
  const at = await castle(t, { ldap: SETTING }, { ldap: () => dir.ldap })
  const run = async (more: { isDry?: boolean; isForced?: boolean } = {}) => {
    const done = await at.branch.operations?.importFromLdap({
      isDry: false,
      isForced: false,
      ...more,
    })
    if (done === undefined) throw new Error('No LDAP')
    const kinds = done.lines.map(({ login, kind }) => `${login} ${kind}`)
    return { state: done.state, lines: kinds, disabled: done.disabled, enabled: done.enabled }
  }
  for (const login of ['ann', 'Ben', 'cid'])
    dir.put({ login, first: login, password: `${login} of the firm` })
  return { at, run, ...dir }
}

/** Where a sign-in by form leads, or its status. */
export const enter = async (at: Castle, login: string, password: string) => {
  const body = new URLSearchParams({ login, password })
  const headers = { 'sec-fetch-site': 'same-origin' }
  const answer = await at.ask('/sign-in', { method: 'POST', body, headers })
  return answer.headers.get('location') ?? answer.status
}
