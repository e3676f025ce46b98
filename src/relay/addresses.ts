/** Addresses as text: `host:port`, IPv6 in brackets; what lies in a subnet, and its broadcast address. Pure. */
import { isAddress } from '../certificates/invitation.ts'
import type { Address } from '../world/network.ts'

/** The parts of `host:port`; throws TypeError when it is none. */
export function parseAddress(text: string): Address {
  if (!isAddress(text)) throw new TypeError(`Not an address: ${text}`)
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
  return { host, port: Number(text.slice(colon + 1)) }
}

/** `host:port` of an address. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether an IPv4 or IPv6 address lies in the subnet of `cidr`, such as 10.147.17.5/24. */
export function isInSubnet(address: string, cidr: string): boolean {
  const slash = cidr.indexOf('/')
  const bits = Number(cidr.slice(slash + 1))
  const [a, b] = [bytesOf(unmapped(address)), bytesOf(cidr.slice(0, slash))]
  if (!a || !b || a.length !== b.length || slash < 0 || !(bits <= a.length * 8)) return false
  for (let at = 0; at < bits; at += 8) {
    const mask = bits - at >= 8 ? 0xff : (0xff << (8 - (bits - at))) & 0xff
    if (((a[at / 8] ?? 0) & mask) !== ((b[at / 8] ?? 0) & mask)) return false
  }
  return true
}

/** Subnets with fewer addresses have none for broadcasts (RFC 3021, RFC 4632). */
const BROADCAST_PREFIX_MAX = 30

/** The broadcast address of an IPv4 subnet, as 10.147.17.255 of 10.147.17.5/24; undefined where there is none. */
export function broadcastOf(cidr: string): string | undefined {
  const [address = '', prefix] = cidr.split('/')
  const bits = Number(prefix)
  const parts = ipv4(address)
  if (!parts || !Number.isInteger(bits) || bits < 1 || bits > BROADCAST_PREFIX_MAX) return undefined
  const host = 2 ** (32 - bits) - 1
  return parts.map((part, at) => part | ((host >>> (8 * (3 - at))) & 0xff)).join('.')
}

/** An IPv4 address as an IPv6 socket shows it. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}

function bytesOf(address: string): number[] | undefined {
  return address.includes(':') ? ipv6(address) : ipv4(address)
}

function ipv4(address: string): number[] | undefined {
  const parts = address.split('.').map(Number)
  const isRight = parts.length === 4 && parts.every((n) => Number.isInteger(n) && n >= 0 && n < 256)
  return isRight ? parts : undefined
}

function ipv6(address: string): number[] | undefined {
  const [head = '', tail] = address.split('::')
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 0) return undefined
  const all = [...before, ...Array<number>(missing).fill(0), ...after]
  if (all.some((n) => Number.isNaN(n))) return undefined
  return all.flatMap((n) => [n >> 8, n & 0xff])
}
