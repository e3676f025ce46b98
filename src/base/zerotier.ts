/**
 * How ZeroTier names its interface on Linux: `zt` and eight characters that follow from the network's id, so that they
 * are the same on every member (zerotier-one, osdep/LinuxEthernetTap.cpp; seen with 1.14.1).
 */

const NETWORK_ID = /^[0-9a-f]{16}$/i
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const NAME_BITS = 40n
const LETTER_BITS = 5n

/** The interface of a network; undefined when the text is no network id. */
export function zeroTierInterface(network: string): string | undefined {
  if (!NETWORK_ID.test(network)) return undefined
  const id = BigInt(`0x${network}`)
  const bits = (id ^ (id >> 24n)) & ((1n << NAME_BITS) - 1n)
  let name = 'zt'
  for (let at = NAME_BITS - LETTER_BITS; at >= 0n; at -= LETTER_BITS) {
    name += LETTERS[Number((bits >> at) & 31n)]
  }
  return name
}
