/**
 * Values of settings: what a text means, or undefined when it means nothing. What each setting is for says config.ts.
 */
import { zeroTierInterface } from './base/zerotier.ts'
import type { Address } from './world/network.ts'

export type RelaySetting =
  | { kind: 'address'; address: Address }
  | { kind: 'zt'; interfaceName: string | undefined }
  | { kind: 'off' }

export type AnnounceSetting =
  | { kind: 'off' }
  | { kind: 'interface' }
  | { kind: 'address'; address: Address }

export type TlsSetting =
  | { kind: 'off' }
  | { kind: 'auto' }
  | { kind: 'files'; certificate: string; key: string }

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/

/** `HOST:PORT`, `[v6]:PORT`; undefined when it is none. */
export function addressOf(value: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(value.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host !== undefined && port <= 65535 ? { host, port } : undefined
}

/** `HOST:PORT,HOST:PORT`. */
export function addressesOf(value: string): Address[] | undefined {
  const list = value
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(addressOf)
  return list.every((address) => address !== undefined) ? list : undefined
}

/** `HOST:PORT`, `zt`, `zt:INTERFACE`, `zt:NETWORK` or `off`. */
export function relayOf(value: string): RelaySetting | undefined {
  if (value === 'off') return { kind: 'off' }
  const zt = /^zt(?::(\S+))?$/.exec(value)
  const name = zt?.[1]
  if (zt) return { kind: 'zt', interfaceName: name && (zeroTierInterface(name) ?? name) }
  const address = addressOf(value)
  return address && { kind: 'address', address }
}

/** `off`, or an IPv4 address (of a broadcast) with a port. */
export function announceOf(value: string): AnnounceSetting | undefined {
  if (value === 'off') return { kind: 'off' }
  const address = addressOf(value)
  const isGood = address !== undefined && address.port > 0 && IPV4.test(address.host)
  return isGood ? { kind: 'address', address } : undefined
}

/** `auto`, `off`, or two files. */
export function tlsOf(value: string): TlsSetting | undefined {
  if (value === 'off' || value === 'auto') return { kind: value }
  const [certificate = '', key = '', ...rest] = value.split(',').map((path) => path.trim())
  if (certificate === '' || key === '' || rest.length > 0) return undefined
  return { kind: 'files', certificate, key }
}

/** Names with commas between them. */
export function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** As browsers write them in `Origin` (RFC 6454, 6.2). */
export function originsOf(value: string): string[] | undefined {
  const origins = listOf(value).map((text) => {
    const url = URL.parse(text)
    const isWhole = url !== null && url.href === `${url.origin}/`
    return isWhole && /^https?:$/.test(url.protocol) ? url.origin : undefined
  })
  return origins.every((origin) => origin !== undefined) ? origins : undefined
}

/** A number up to 10000. */
export function countOf(value: string): number | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) <= 10_000 ? Number(value) : undefined
}

/** A time zone of the IANA list. */
export function timezoneOf(value: string): string | undefined {
  try {
    return new Temporal.ZonedDateTime(0n, value).timeZoneId // Intl would take 50 ms of a start
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Whether only this machine reaches the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
