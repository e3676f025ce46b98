/**
 * Names of servers on the LAN: what has the form of one, and which of them an issuing branch lets another branch have.
 * The rule is against a stolen branch: whatever its intermediate may name, it can pretend to be, towards every browser
 * of the organisation. Pure.
 */

/** What every server may be called by itself; one of each type of name, see `nameConstraints` in making.ts. */
export const OWN_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1']
/** A server has a few names and addresses; a certificate of hundreds is somebody's mistake or worse. */
export const NAMES_MAX = 16
/** RFC 1035, 2.3.4. */
const NAME_CHARACTERS_MAX = 253
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * Never delegated on the Internet: RFC 6761, RFC 6762 appendix G, RFC 8375, and `internal` (ICANN, 2024). Nobody can
 * own a site under them, so a branch that has such a name can pretend to be nobody outside.
 */
const PRIVATE_DOMAINS: readonly string[] = [
  ...['internal', 'local', 'lan', 'home.arpa', 'intranet', 'private', 'corp', 'home', 'test'],
  'localdomain',
]

/** RFC 1918, RFC 3927, RFC 6598. */
const PRIVATE_IPV4 =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|127\.)/
/** RFC 4193, RFC 4291 2.5.6, ::1. */
const PRIVATE_IPV6 = /^(?:f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:|::1$)/

/** Whether a name (as `serverName` gives it) is an address. */
export function isAddress(name: string): boolean {
  return name.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(name)
}

/** A host name or address in its one form (lower case, punycode, shortest IPv6); undefined when it is neither. */
export function serverName(text: string): string | undefined {
  const typed = text.trim()
  if (/[\s/@?#%\\[\]]/.test(typed)) return undefined
  const isV6 = typed.includes(':')
  const host = URL.parse(isV6 ? `http://[${typed}]` : `http://${typed}`)?.hostname
  if (host === undefined || host === '') return undefined
  if (isV6) return host.slice(1, -1)
  if (isAddress(host)) return host === typed ? host : undefined
  const isName = host.length <= NAME_CHARACTERS_MAX && host.split('.').every((l) => LABEL.test(l))
  return isName ? host : undefined
}

/** Whether a name is one a listener on it can be reached by from elsewhere: not "all addresses". */
export function isOneHost(name: string): boolean {
  return name !== '0.0.0.0' && name !== '::'
}

/** Why a branch may not have a name; undefined when it may. */
export function refusalOfName(
  name: string,
  /** `domains`: allowed by the issuing branch's operator; `taken`: names of other branches. */
  { domains, taken }: { domains: readonly string[]; taken: readonly string[] },
): 'public' | 'taken' | undefined {
  if (OWN_NAMES.includes(name)) return undefined
  // Offices use the same private addresses: one may be had by many branches.
  if (isAddress(name)) {
    return PRIVATE_IPV4.test(name) || PRIVATE_IPV6.test(name) ? undefined : 'public'
  }
  // A constraint covers what is below it: neither above nor below another branch's name.
  const others = taken.filter((other) => !isAddress(other) && !OWN_NAMES.includes(other))
  if (others.some((other) => covers(other, name) || covers(name, other))) return 'taken'
  return isPrivateName(name, domains) ? undefined : 'public'
}

function isPrivateName(name: string, domains: readonly string[]): boolean {
  if (!name.includes('.')) {
    // No top-level domain has a digit or, but for xn--, a hyphen: `kyiv-1` is nobody's, `berlin` is.
    return domains.includes(name) || (/[\d-]/.test(name) && !name.startsWith('xn--'))
  }
  return [...PRIVATE_DOMAINS, ...domains].some((domain) => name.endsWith(`.${domain}`))
}

function covers(above: string, name: string): boolean {
  return name === above || name.endsWith(`.${above}`)
}
