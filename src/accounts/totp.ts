/**
 * One-time codes of an authenticator: TOTP (RFC 6238) over HOTP (RFC 4226), SHA-1, six digits, steps of 30 seconds:
 * what every authenticator speaks. Pure functions; who limits tries and remembers used steps is second-factor.ts.
 */
import { createHmac } from 'node:crypto'
import { equal, utf8 } from '../base/bytes.ts'
import { type Millis, SECOND } from '../base/units.ts'

/** RFC 4226, section 4, R6: 160 bits are recommended. */
export const SECRET_BYTES = 20
const DIGITS = 6
const STEP_MS = 30 * SECOND
/** RFC 6238, section 5.2: one step either way is enough for slow fingers and for clocks half a minute apart. */
const STEPS_ASIDE = 1
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** HOTP(K, C) of RFC 4226, section 5.3, with six digits. */
export function hotp(secret: Uint8Array, counter: number): string {
  const moving = Buffer.alloc(8)
  moving.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', secret).update(moving).digest()
  const offset = (mac[19] ?? 0) & 0xf // 5.4: the low four bits of the last byte
  const number = mac.readUInt32BE(offset) & 0x7fffffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** The time step of a moment (RFC 6238, section 4.2: T0 = 0, X = 30). */
function stepAt(now: Millis): number {
  return Math.floor(now / STEP_MS)
}

/** The step whose code this is, among now and its neighbours; undefined when it is none of them. */
export function stepOfCode(secret: Uint8Array, code: string, now: Millis): number | undefined {
  const typed = utf8(code)
  let found: number | undefined
  // All three are computed and compared in constant time: how long it takes says nothing about the code.
  for (let aside = -STEPS_ASIDE; aside <= STEPS_ASIDE; aside++) {
    const step = stepAt(now) + aside
    if (step >= 0 && equal(utf8(hotp(secret, step)), typed)) found = step
  }
  return found
}

/** Base32 without padding (RFC 4648, section 6): how authenticators take a secret. */
export function base32(bytes: Uint8Array): string {
  let [text, bits, held] = ['', 0, 0]
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32[(held >>> (bits - 5)) & 31]
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + BASE32[(held << (5 - bits)) & 31]
}

/** What the QR code says: the "Key Uri Format" that authenticators read. */
export function otpauthUri(of: { issuer: string; account: string; secret: Uint8Array }): string {
  const label = `${encodeURIComponent(of.issuer)}:${encodeURIComponent(of.account)}`
  // Only the secret and the issuer: SHA1, 6 and 30 are what is meant when nothing is said, and some refuse the words.
  return `otpauth://totp/${label}?secret=${base32(of.secret)}&issuer=${encodeURIComponent(of.issuer)}`
}
