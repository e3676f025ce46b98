/**
 * Settings: one table, from which come the parser, the checks, `--help` and docs/operating.md. Order of sources:
 * flag, environment, file of a secret (`..._FILE`), default. Every fault is reported at once.
 */

import {
  FILE_POLICY_SETTINGS,
  type FilePolicySettings,
  filePoliciesOf,
} from './config-file-policies.ts'
import { FILE_SETTINGS, type FileSetting, filesOf } from './config-files.ts'
import { LDAP_SETTINGS, ldapOf } from './config-ldap.ts'
import {
  type AnnounceSetting,
  addressesOf,
  addressOf,
  announceOf,
  countOf,
  isLoopback,
  listOf,
  originsOf,
  type RelaySetting,
  relayOf,
  type TlsSetting,
  timezoneOf,
  tlsOf,
} from './config-values.ts'
import type { LdapSetting } from './world/ldap.ts'
import { type Address, addressRanges, machineName } from './world/network.ts'

type Kind =
  | 'folder'
  | 'address'
  | 'addresses'
  | 'choice'
  | 'text'
  | 'relay'
  | 'announce'
  | 'tls'
  | 'names'
  | 'scanner'
  | 'flag'
  | 'count'
  | 'secret'

export type Setting = {
  flag: string
  kind: Kind
  default: string | undefined
  help: string
}

/** In the order `--help` prints them. */
export const SETTINGS = [
  {
    flag: 'data',
    kind: 'folder',
    default: './data',
    help: 'folder of everything that must survive; nothing else is written',
  },
  {
    flag: 'listen',
    kind: 'address',
    default: '127.0.0.1:8080',
    help: 'HOST:PORT of pages and API for the LAN',
  },
  {
    flag: 'tls',
    kind: 'tls',
    default: undefined,
    help: "auto: HTTPS under the organisation's own root; CERT.pem,KEY.pem: HTTPS with these files; off: plain HTTP. Default: off on loopback, else auto",
  },
  {
    flag: 'names',
    kind: 'names',
    default: undefined,
    help: "host names and addresses people use for this server, as chat.kyiv.lan,10.1.2.3; for --tls auto, besides the machine's own",
  },
  {
    flag: 'tls-domains',
    kind: 'names',
    default: undefined,
    help: "where the root's key is: domains under which other branches may have names, besides private ones (lan, local, internal ...)",
  },
  {
    flag: 'listen-plain',
    kind: 'address',
    default: undefined,
    help: 'HOST:PORT of plain HTTP beside HTTPS, for terminals that cannot be told to trust a root',
  },
  {
    flag: 'insecure-lan',
    kind: 'flag',
    default: undefined,
    help: 'allow plain HTTP on an address other machines reach',
  },
  {
    flag: 'origins',
    kind: 'text',
    default: undefined,
    help: 'further addresses browsers use for this server, of a proxy that speaks TLS, as https://chat.example,...',
  },
  {
    flag: 'relay',
    kind: 'relay',
    default: 'zt',
    help: 'HOST:PORT for other branches, or zt[:NETWORK or :INTERFACE] (waits for ZeroTier, port 7900), or off',
  },
  {
    flag: 'peers',
    kind: 'addresses',
    default: undefined,
    help: 'HOST:PORT,... of other branches; the addresses they announce are added',
  },
  {
    flag: 'shared-terminals',
    kind: 'text',
    default: undefined,
    help: 'addresses of terminals that several people share, as 10.1.7.0/24,10.1.8.15: there every sign-in locks when nobody does anything for five minutes',
  },
  {
    flag: 'min-suite',
    kind: 'choice',
    default: '1',
    help: '1, or 2: links with other branches only where the post-quantum handshake protects them too (not with releases that lack it)',
  },
  {
    flag: 'carry',
    kind: 'count',
    default: '2048',
    help: 'MiB kept for mail between two other branches that have no line to each other; 0: none is carried',
  },
  ...FILE_SETTINGS,
  {
    flag: 'guest-days',
    kind: 'count',
    default: '30',
    help: 'days after which this branch forgets what others wrote in the chats of a guest who has left',
  },
  ...FILE_POLICY_SETTINGS,
  {
    flag: 'announce',
    kind: 'announce',
    default: undefined,
    help: "BROADCAST:PORT where this branch says where it is and hears the others, or off. Default: the broadcast address of the relay's interface, port 7901; off on loopback",
  },
  {
    flag: 'zerotier-token',
    kind: 'secret',
    default: undefined,
    help: 'token of the local ZeroTier service: the page of branches shows its state (better as a file: --zerotier-token-file)',
  },
  {
    flag: 'org',
    kind: 'text',
    default: undefined,
    help: 'first start without a page: name of the new organisation',
  },
  {
    flag: 'branch',
    kind: 'text',
    default: undefined,
    help: 'first start without a page: name of this branch',
  },
  {
    flag: 'join',
    kind: 'secret',
    default: undefined,
    help: 'first start without a page: the invitation to join with',
  },
  {
    flag: 'admin-login',
    kind: 'text',
    default: undefined,
    help: 'first start without a page: login of the first administrator',
  },
  {
    flag: 'admin-name',
    kind: 'text',
    default: undefined,
    help: 'first start without a page: first and last name of that administrator (default: the login)',
  },
  {
    flag: 'admin-password',
    kind: 'secret',
    default: undefined,
    help: 'first start without a page: the password (better as a file: --admin-password-file)',
  },
  {
    flag: 'setup-code',
    kind: 'secret',
    default: undefined,
    help: 'code the first-run page asks for; without it one is drawn and printed',
  },
  ...LDAP_SETTINGS,
  {
    flag: 'timezone',
    kind: 'text',
    default: undefined,
    help: "time zone of the branch, as Europe/Kyiv; default: the system's",
  },
  {
    flag: 'language',
    kind: 'choice',
    default: 'en',
    help: 'en, uk or pt: for visitors whose browser asks for none of them',
  },
  {
    flag: 'posts-per-second',
    kind: 'count',
    default: '0',
    help: 'messages one person may write per second, six times as many at once; 0: no limit',
  },
  {
    flag: 'log',
    kind: 'choice',
    default: 'info',
    help: 'debug, info, warn or error: least level of the log',
  },
] as const satisfies readonly Setting[]

const CHOICES: Record<string, readonly string[]> = {
  language: ['en', 'uk', 'pt'],
  'min-suite': ['1', '2'],
  log: ['debug', 'info', 'warn', 'error'],
}

/** With a try each 15 s this is not guessed; a word of four letters is. Whoever guesses it owns the organisation. */
const SETUP_CODE_CHARACTERS_MIN = 8

export type Config = FilePolicySettings & {
  readonly data: string
  readonly listen: Address
  readonly tls: TlsSetting
  /** What people call this server. */
  readonly names: readonly string[]
  /** The machine's own name. */
  readonly machine: string
  readonly tlsDomains: readonly string[]
  readonly listenPlain: Address | undefined
  readonly insecureLan: boolean
  readonly origins: readonly string[]
  readonly relay: RelaySetting
  readonly peers: readonly Address[]
  /** Whether an address is that of a shared terminal. */
  readonly isSharedTerminal: (address: string) => boolean
  /** The weakest suite of links (src/relay/suites.ts). */
  readonly minSuite: 1 | 2
  /** MiB. */
  readonly carry: number
  readonly files: FileSetting
  readonly guestDays: number
  readonly announce: AnnounceSetting
  readonly zerotierToken: string | undefined
  readonly org: string | undefined
  readonly branch: string | undefined
  readonly join: string | undefined
  readonly adminLogin: string | undefined
  readonly adminName: string | undefined
  readonly adminPassword: string | undefined
  readonly setupCode: string | undefined
  readonly ldap: LdapSetting | undefined
  readonly timezone: string
  readonly language: 'en' | 'uk' | 'pt'
  readonly postsPerSecond: number
  readonly log: 'debug' | 'info' | 'warn' | 'error'
}

/** Wrong usage: every fault in one sentence each. The process ends with status 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export type Sources = {
  flags: Readonly<Record<string, string | true>>
  environment: Readonly<Record<string, string | undefined>>
  /** Reads the file of a secret; throws when it cannot. */
  readFile(path: string): string
}

/** The environment's name of a setting: `BRANCHLINE_ADMIN_LOGIN`. */
export function environmentName(flag: string): string {
  return `BRANCHLINE_${flag.toUpperCase().replaceAll('-', '_')}`
}

/** Settings of this start; throws UsageError that names every fault. */
export function configOf(sources: Sources): Config {
  const faults: string[] = []
  const text = (flag: (typeof SETTINGS)[number]['flag']): string | undefined => {
    try {
      return givenValue(flag, sources)
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }
  const parsed = <T>(
    flag: (typeof SETTINGS)[number]['flag'],
    parse: (value: string) => T | undefined,
    allowed: string,
  ): T | undefined => {
    const value = text(flag)
    if (value === undefined) return undefined
    const result = parse(value)
    if (result === undefined) faults.push(`--${flag} is "${value}"; allowed: ${allowed}`)
    return result
  }
  const choice = (flag: 'language' | 'log' | 'min-suite') =>
    parsed(
      flag,
      (value) => (CHOICES[flag]?.includes(value) ? value : undefined),
      CHOICES[flag]?.join(', ') ?? '',
    )

  const listen = parsed('listen', addressOf, 'HOST:PORT, as 127.0.0.1:8080')
  const insecureLan = text('insecure-lan') !== undefined
  const tls =
    parsed('tls', tlsOf, 'auto, off, or CERT.pem,KEY.pem') ??
    ({ kind: listen && isLoopback(listen.host) ? 'off' : 'auto' } as const)
  const listenPlain = parsed('listen-plain', addressOf, 'HOST:PORT, as 127.0.0.1:8081')
  faults.push(...plainFaults({ ...(listen && { listen }), tls, listenPlain, insecureLan }))
  const config = {
    data: text('data') ?? './data',
    listen,
    tls,
    names: listOf(text('names')),
    machine: machineName(),
    tlsDomains: listOf(text('tls-domains')),
    listenPlain,
    insecureLan,
    origins:
      parsed('origins', originsOf, 'https://HOST or https://HOST:PORT, without a path') ?? [],
    relay: parsed('relay', relayOf, 'HOST:PORT, zt, zt:NETWORK, zt:INTERFACE or off'),
    peers: parsed('peers', addressesOf, 'HOST:PORT,HOST:PORT') ?? [],
    isSharedTerminal:
      parsed('shared-terminals', addressRanges, 'addresses and ranges, as 10.1.7.0/24') ??
      (() => false),
    minSuite: choice('min-suite') === '2' ? 2 : 1,
    carry: parsed('carry', countOf, '0 to 10000'),
    files: filesOf(parsed),
    guestDays: parsed('guest-days', countOf, '0 to 10000'),
    ...filePoliciesOf(parsed),
    announce: parsed('announce', announceOf, 'BROADCAST:PORT, as 10.147.20.255:7901, or off') ?? {
      kind: 'interface' as const,
    },
    zerotierToken: text('zerotier-token'),
    org: text('org'),
    branch: text('branch'),
    join: text('join'),
    adminLogin: text('admin-login'),
    adminName: text('admin-name'),
    adminPassword: text('admin-password'),
    setupCode: text('setup-code'),
    ldap: ldapOf({ text, readFile: sources.readFile, faults }),
    timezone: parsed('timezone', timezoneOf, 'a name of the IANA list, as Europe/Kyiv') ?? 'UTC',
    language: choice('language'),
    postsPerSecond: parsed('posts-per-second', countOf, '0 to 10000'),
    log: choice('log'),
  }
  faults.push(...firstStartFaults(config))
  if (config.setupCode !== undefined && config.setupCode.length < SETUP_CODE_CHARACTERS_MIN) {
    faults.push(`--setup-code is too short: at least ${SETUP_CODE_CHARACTERS_MIN} characters`)
  }
  if (faults.length > 0) throw new UsageError(faults.join('\n'))
  return config as Config
}

/** Passwords and messages must not cross the LAN in the clear because somebody forgot something. */
function plainFaults(given: Partial<Config> & Pick<Config, 'tls'>): string[] {
  const { listen, tls, listenPlain, insecureLan } = given
  const faults: string[] = []
  const plain = [
    ...(listen && tls.kind === 'off' ? [['--listen', listen] as const] : []),
    ...(listenPlain ? [['--listen-plain', listenPlain] as const] : []),
  ]
  for (const [flag, address] of plain) {
    if (insecureLan || isLoopback(address.host)) continue
    faults.push(
      `${flag} ${formatAddress(address)} would serve plain HTTP to other machines; add --insecure-lan if that is meant, or listen on 127.0.0.1`,
    )
  }
  if (listenPlain && tls.kind === 'off') {
    faults.push(
      '--listen-plain is plain HTTP beside HTTPS: with --tls off --listen is plain already',
    )
  }
  return faults
}

/** A first start without a page needs all it asks for: half of it would wait for a page nobody opens. */
function firstStartFaults(
  config: Pick<Config, 'org' | 'branch' | 'join' | 'adminLogin' | 'adminPassword'>,
): string[] {
  if (config.org !== undefined && config.join !== undefined) {
    return ['--org creates an organisation and --join joins one: give one of the two']
  }
  if (config.org !== undefined) {
    const missing = [
      ['--branch', config.branch],
      ['--admin-login', config.adminLogin],
      ['--admin-password-file', config.adminPassword],
    ].filter(([, value]) => value === undefined)
    if (missing.length > 0) {
      return [`--org also needs ${missing.map(([flag]) => flag).join(', ')}`]
    }
  }
  return []
}

function givenValue(flag: string, { flags, environment, readFile }: Sources): string | undefined {
  const setting = SETTINGS.find((one) => one.flag === flag)
  const given = flags[flag]
  if (given !== undefined) return given === true ? 'true' : given
  const name = environmentName(flag)
  const inherited = environment[name]
  if (inherited !== undefined && inherited !== '') return inherited
  if (setting?.kind === 'secret') {
    const file = flags[`${flag}-file`] ?? environment[`${name}_FILE`]
    if (typeof file === 'string' && file !== '') {
      try {
        return readFile(file).trim()
      } catch {
        throw new Error(`--${flag}-file: cannot read ${file}`)
      }
    }
  }
  return setting?.default ?? (flag === 'timezone' ? systemTimezone() : undefined)
}

function systemTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** The text form of an address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
