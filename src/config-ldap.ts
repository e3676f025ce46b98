/** The settings of LDAP as one value: all that is needed, or a fault. */
import { isLoopback, listOf } from './config-values.ts'
import type { LdapSetting } from './world/ldap.ts'

/** The settings, as `--help` prints them. */
export const LDAP_SETTINGS = [
  {
    flag: 'ldap-url',
    kind: 'text',
    default: undefined,
    help: 'ldaps://HOST or ldap://HOST (with StartTLS off loopback): where passwords of people from LDAP or Active Directory are checked',
  },
  {
    flag: 'ldap-base',
    kind: 'text',
    default: undefined,
    help: 'where in the directory people are, as OU=People,DC=firm,DC=lan',
  },
  {
    flag: 'ldap-bind-dn',
    kind: 'text',
    default: undefined,
    help: 'the account this server reads the directory with; it needs no more than to read',
  },
  {
    flag: 'ldap-bind-password',
    kind: 'secret',
    default: undefined,
    help: 'its password (better as a file: --ldap-bind-password-file)',
  },
  {
    flag: 'ldap-filter',
    kind: 'text',
    default: '(&(objectCategory=person)(objectClass=user))',
    help: 'which entries are people of this branch (RFC 4515)',
  },
  {
    flag: 'ldap-attributes',
    kind: 'text',
    default: undefined,
    help: 'names of attributes that differ from those of Active Directory, as login=uid,room=roomNumber',
  },
  {
    flag: 'ldap-ca',
    kind: 'text',
    default: undefined,
    help: 'file with the root certificate of the LDAP server (PEM)',
  },
] as const

/** What Active Directory calls the columns of an import. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  login: 'sAMAccountName',
  firstName: 'givenName',
  lastName: 'sn',
  department: 'department',
  post: 'title',
  phone: 'telephoneNumber',
  room: 'physicalDeliveryOfficeName',
}
/** RFC 4512, 1.4: descr, or the dots of an OID; nothing that could end a filter. */
const ATTRIBUTE = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/

type Flag =
  | 'ldap-url'
  | 'ldap-base'
  | 'ldap-bind-dn'
  | 'ldap-bind-password'
  | 'ldap-filter'
  | 'ldap-attributes'
  | 'ldap-ca'

/** The setting; undefined without `--ldap-url`. Adds to `faults`. */
export function ldapOf(of: {
  text(flag: Flag): string | undefined
  readFile(path: string): string
  faults: string[]
}): LdapSetting | undefined {
  const { text, faults } = of
  const url = text('ldap-url')
  if (url === undefined) return undefined
  const parsed = URL.parse(url)
  const isPlain = parsed?.protocol === 'ldap:'
  const isBare = parsed !== null && /^\/?$/.test(parsed.pathname) && parsed.search === ''
  if (!parsed?.hostname || !isBare || !(isPlain || parsed.protocol === 'ldaps:')) {
    faults.push(`--ldap-url is "${url}"; allowed: ldaps://HOST[:PORT] or ldap://HOST[:PORT]`)
  }
  const missing = (['ldap-base', 'ldap-bind-dn', 'ldap-bind-password'] as const).filter(
    (flag) => (text(flag) ?? '') === '',
  )
  if (missing.length > 0) {
    faults.push(`--ldap-url also needs ${missing.map((flag) => `--${flag}`).join(', ')}`)
  }
  return {
    url: url.replace(/\/$/, ''),
    isStartTls: isPlain && !isLoopback((parsed?.hostname ?? '').replace(/^\[|\]$/g, '')),
    base: text('ldap-base') ?? '',
    bindDn: text('ldap-bind-dn') ?? '',
    bindPassword: text('ldap-bind-password') ?? '',
    filter: text('ldap-filter') ?? '',
    attributes: attributesOf(text('ldap-attributes'), faults),
    ca: caOf(of),
  }
}

function attributesOf(value: string | undefined, faults: string[]): Record<string, string> {
  const attributes = { ...ATTRIBUTES }
  for (const pair of listOf(value)) {
    const [column = '', name = ''] = pair.split('=').map((part) => part.trim())
    if (!Object.hasOwn(ATTRIBUTES, column) || !ATTRIBUTE.test(name)) {
      const columns = Object.keys(ATTRIBUTES).join(', ')
      faults.push(`--ldap-attributes has "${pair}"; allowed: COLUMN=ATTRIBUTE with ${columns}`)
    }
    attributes[column] = name
  }
  return attributes
}

function caOf({ text, readFile, faults }: Parameters<typeof ldapOf>[0]): string | undefined {
  const file = text('ldap-ca')
  if (file === undefined) return undefined
  try {
    return readFile(file)
  } catch {
    faults.push(`--ldap-ca: cannot read ${file}`)
    return undefined
  }
}
