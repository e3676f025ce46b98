/**
 * The organisation's root key off the server: a file of one line, closed by a passphrase. The passphrase (NFC, UTF-8)
 * becomes a key by scrypt (RFC 7914) with N = 2^17, r = 8, p = 1: 128 MiB and some tenths of a second for each guess.
 *   text   "branchline-authority-1:" and the base64 of the bytes, then a line break
 *   bytes  magic "BRLK" 4, version 1, log2 N 1, r 1, p 1, salt 16, nonce 12, organisation id 32,
 *          ChaCha20-Poly1305 of the root secret key 32 + 16; all before it is authenticated with it
 */
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto'
import { concat, equal, fromHex, Writer } from '../base/bytes.ts'
import { MIB } from '../base/units.ts'
import { organisationIdOf } from './certificate.ts'
import { type KeyPair, signKeyPair } from './keys.ts'

/** Fewer can be tried one by one, whatever scrypt costs. */
export const PASSPHRASE_CHARACTERS_MIN = 12
export const AUTHORITY_SALT_BYTES = 16
export const AUTHORITY_NONCE_BYTES = 12

const PREFIX = 'branchline-authority-1:'
const MAGIC = '42524c4b' // "BRLK"
const VERSION = 1
const LOG2_N = 17
const R = 8
const P = 1
/** scrypt needs 128 * N * r bytes, and Node counts a little more. */
const SCRYPT_BYTES_MAX = 160 * MIB
const HEADER_BYTES = 68
const SALT_AT = 8
const NONCE_AT = 24
const TAG_BYTES = 16
const FILE_BYTES = HEADER_BYTES + 32 + TAG_BYTES

/** The file of a root key; salt and nonce are fresh random bytes. */
export function sealAuthority(
  root: KeyPair,
  passphrase: string,
  { salt, nonce }: { salt: Uint8Array; nonce: Uint8Array },
): string {
  const header = new Writer()
    .hex(MAGIC)
    .u8(VERSION)
    .u8(LOG2_N)
    .u8(R)
    .u8(P)
    .bytes(salt)
    .bytes(nonce)
    .hex(organisationIdOf(root.publicKey))
    .done()
  if (header.length !== HEADER_BYTES) throw new TypeError('A salt has 16 bytes, a nonce 12')
  const key = keyOf(passphrase, salt)
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(header, { plaintextLength: root.secretKey.length })
  const sealed = cipher.update(root.secretKey)
  cipher.final()
  return `${PREFIX}${concat(header, sealed, cipher.getAuthTag()).toBase64()}\n`
}

/**
 * The root key in a file. `malformed`: not such a file, or of a later release; `passphrase`: another passphrase, or the
 * file was altered (which of the two cannot be told).
 */
export function openAuthority(
  text: string,
  passphrase: string,
): { ok: true; root: KeyPair } | { ok: false; reason: 'malformed' | 'passphrase' } {
  const bytes = bytesOf(text)
  const expected = fromHex(`${MAGIC}${[VERSION, LOG2_N, R, P].map(hexOf).join('')}`)
  // Other parameters are never tried: a file must not say how much memory we spend on it.
  if (bytes?.length !== FILE_BYTES || !equal(bytes.subarray(0, SALT_AT), expected)) {
    return { ok: false, reason: 'malformed' }
  }
  const header = bytes.subarray(0, HEADER_BYTES)
  const key = keyOf(passphrase, bytes.subarray(SALT_AT, NONCE_AT))
  const nonce = bytes.subarray(NONCE_AT, NONCE_AT + AUTHORITY_NONCE_BYTES)
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES })
  const end = FILE_BYTES - TAG_BYTES
  decipher.setAAD(header, { plaintextLength: end - HEADER_BYTES })
  decipher.setAuthTag(bytes.subarray(end))
  try {
    const secretKey = new Uint8Array(decipher.update(bytes.subarray(HEADER_BYTES, end)))
    decipher.final()
    return { ok: true, root: signKeyPair(secretKey) }
  } catch {
    return { ok: false, reason: 'passphrase' }
  }
}

function bytesOf(text: string): Uint8Array | undefined {
  const line = text.trim()
  if (!line.startsWith(PREFIX)) return undefined
  try {
    return Uint8Array.fromBase64(line.slice(PREFIX.length), { lastChunkHandling: 'strict' })
  } catch {
    return undefined
  }
}

function keyOf(passphrase: string, salt: Uint8Array): Uint8Array {
  const options = { N: 2 ** LOG2_N, r: R, p: P, maxmem: SCRYPT_BYTES_MAX }
  return scryptSync(passphrase.normalize('NFC'), salt, 32, options)
}

const hexOf = (byte: number) => byte.toString(16).padStart(2, '0')
