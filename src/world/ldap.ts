/**
 * The door to the organisation's LDAP server (RFC 4511): a search with the service account, and a bind that tells
 * whether a password is right. One connection per question, with limits on its time; referrals are not followed.
 */
import type { Client } from 'ldapts'

export type LdapSetting = {
  /** `ldaps://HOST[:PORT]`, or `ldap://` with StartTLS off loopback. */
  url: string
  isStartTls: boolean
  base: string
  bindDn: string
  bindPassword: string
  filter: string
  /** By our name of the column. */
  attributes: Readonly<Record<string, string>>
  /** PEM; undefined: the roots Node brings. */
  ca: string | undefined
}

/** Attributes by name in lower case, the first value of each. */
export type LdapEntry = { dn: string; values: ReadonlyMap<string, string> }

export type Ldap = {
  /** Every entry below the base; rejects when the answer is not whole. */
  search(filter: string, attributes: readonly string[]): Promise<LdapEntry[]>
  /** Whether the server takes the password; rejects when it cannot say. */
  isRight(dn: string, password: string): Promise<boolean>
}

const CONNECT_MS_MAX = 3000
/** Somebody waits for the sign-in; a page of a search takes no longer either. */
const ANSWER_MS_MAX = 10_000
/** What Active Directory gives at once. */
const ENTRIES_PER_PAGE = 500
/** As many lines as an import takes. */
const ENTRIES_MAX = 20_000

/** Result codes (RFC 4511, 4.1.9) by which a server says that it has not looked: none of them refuses a password. */
const NOT_ANSWERED: ReadonlySet<number> = new Set([1, 2, 3, 8, 10, 13, 51, 52, 80])

/** The real server of a setting. */
export function realLdap(setting: LdapSetting): Ldap {
  return {
    search: (filter, attributes) =>
      connected(setting, async (client) => {
        await client.bind(setting.bindDn, setting.bindPassword)
        const { searchEntries } = await client.search(setting.base, {
          ...{ scope: 'sub', filter, attributes: [...attributes], derefAliases: 'never' },
          ...{ paged: { pageSize: ENTRIES_PER_PAGE }, timeLimit: ANSWER_MS_MAX / 1000 },
        })
        if (searchEntries.length > ENTRIES_MAX) throw new Error('The directory is too large')
        return searchEntries.map(entryOf)
      }),
    async isRight(dn, password) {
      // DANGER: a bind without a password always succeeds, as nobody (RFC 4513, 5.1.2).
      if (password === '' || dn === '') return false
      return connected(setting, async (client, { ResultCodeError }) => {
        try {
          await client.bind(dn, password)
          return true
        } catch (error) {
          if (error instanceof ResultCodeError && !NOT_ANSWERED.has(error.code)) return false
          throw error
        }
      })
    },
  }
}

type Library = typeof import('ldapts')

async function connected<T>(
  { url, isStartTls, ca }: LdapSetting,
  use: (client: Client, library: Library) => Promise<T>,
): Promise<T> {
  const library = await import('ldapts') // most branches have no LDAP
  const tlsOptions = { minVersion: 'TLSv1.2' as const, ...(ca === undefined ? {} : { ca }) }
  const isTls = url.startsWith('ldaps:')
  const client = new library.Client({
    ...{ url, timeout: ANSWER_MS_MAX, connectTimeout: CONNECT_MS_MAX },
    ...(isTls ? { tlsOptions } : {}),
  })
  try {
    // RFC 4513, 3.1.1: nothing is sent before the line is closed.
    if (isStartTls) await client.startTLS({ ...tlsOptions, servername: new URL(url).hostname })
    return await use(client, library)
  } finally {
    await client.unbind().catch(() => {}) // it may be gone already
  }
}

function entryOf(entry: { dn: string; [name: string]: unknown }): LdapEntry {
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(entry)) {
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (typeof first === 'string') values.set(name.toLowerCase(), first)
  }
  return { dn: entry.dn, values }
}
