/**
 * Secrets in a file of one line, closed by a passphrase. The passphrase (NFC, UTF-8) becomes a key by scrypt (RFC 7914)
 * with N = 2^17, r = 8, p = 1: 128 MiB and some tenths of a second for each guess.
 *   text   prefix and the base64 of the bytes, then a line break
 *   bytes  magic 4, version 1, log2 N 1, r 1, p 1, salt 16, nonce 12, organisation id 32,
 *          ChaCha20-Poly1305 of the content and its tag 16; all before it is authenticated with it
 */
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto'
import { concat, equal, fromHex, hex, Writer } from '../base/bytes.ts'
import { MIB } from '../base/units.ts'

/** Fewer can be tried one by one, whatever scrypt costs. */
export const PASSPHRASE_CHARACTERS_MIN = 12
const SALT_BYTES = 16
const NONCE_BYTES = 12

const VERSION = 1
const LOG2_N = 17
const R = 8
const P = 1
/** scrypt needs 128 * N * r bytes, and Node counts a little more. */
const SCRYPT_BYTES_MAX = 160 * MIB
const HEADER_BYTES = 68
const SALT_AT = 8
const NONCE_AT = 24
const ORGANISATION_AT = 36
const TAG_BYTES = 16
const KEY_BYTES = 32

/** What kind of secrets a file holds; with `contentBytes` they have one length. */
type FileKind = { prefix: string; magic: string; contentBytes?: number }

type OpenedFile =
  | { ok: true; organisation: string; content: Uint8Array }
  /** `malformed`: not such a file, or of a later release; `passphrase`: another one, or the file was altered. */
  | { ok: false; reason: 'malformed' | 'passphrase' }

/** What no two files share. */
export function freshFile(randomBytes: (length: number) => Uint8Array) {
  return { salt: randomBytes(SALT_BYTES), nonce: randomBytes(NONCE_BYTES) }
}

/** The text of a file; salt and nonce are fresh random bytes. */
export function sealFile(
  { prefix, magic }: FileKind,
  given: { organisation: string; content: Uint8Array; passphrase: string },
  { salt, nonce }: { salt: Uint8Array; nonce: Uint8Array },
): string {
  const { organisation, content, passphrase } = given
  const parameters = new Writer().u8(VERSION).u8(LOG2_N).u8(R).u8(P).done()
  const header = concat(fromHex(magic), parameters, salt, nonce, fromHex(organisation))
  if (header.length !== HEADER_BYTES) throw new TypeError('A salt has 16 bytes, a nonce 12')
  const key = keyOf(passphrase, salt)
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(header, { plaintextLength: content.length })
  const sealed = cipher.update(content)
  cipher.final()
  return `${prefix}${concat(header, sealed, cipher.getAuthTag()).toBase64()}\n`
}

/** What a file holds. Which of the reasons for `passphrase` it was cannot be told. */
export function openFile(
  { prefix, magic, contentBytes }: FileKind,
  text: string,
  passphrase: string,
): OpenedFile {
  const bytes = bytesOf(text, prefix)
  const around = HEADER_BYTES + TAG_BYTES
  const expected = fromHex(`${magic}${[VERSION, LOG2_N, R, P].map(hexOf).join('')}`)
  // Other parameters are never tried: a file must not say how much memory we spend on it.
  const length = bytes?.length ?? 0
  const isLong = contentBytes === undefined ? length > around : length === around + contentBytes
  if (!bytes || !isLong || !equal(bytes.subarray(0, SALT_AT), expected)) {
    return { ok: false, reason: 'malformed' }
  }
  const header = bytes.subarray(0, HEADER_BYTES)
  const key = keyOf(passphrase, bytes.subarray(SALT_AT, NONCE_AT))
  const nonce = bytes.subarray(NONCE_AT, ORGANISATION_AT)
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES })
  const end = bytes.length - TAG_BYTES
  decipher.setAAD(header, { plaintextLength: end - HEADER_BYTES })
  decipher.setAuthTag(bytes.subarray(end))
  try {
    const content = new Uint8Array(decipher.update(bytes.subarray(HEADER_BYTES, end)))
    decipher.final()
    return { ok: true, organisation: hex(header.subarray(ORGANISATION_AT)), content }
  } catch {
    return { ok: false, reason: 'passphrase' }
  }
}

function bytesOf(text: string, prefix: string): Uint8Array | undefined {
  const line = text.trim()
  if (!line.startsWith(prefix)) return undefined
  try {
    return Uint8Array.fromBase64(line.slice(prefix.length), { lastChunkHandling: 'strict' })
  } catch {
    return undefined
  }
}

function keyOf(passphrase: string, salt: Uint8Array): Uint8Array {
  const options = { N: 2 ** LOG2_N, r: R, p: P, maxmem: SCRYPT_BYTES_MAX }
  return scryptSync(passphrase.normalize('NFC'), salt, KEY_BYTES, options)
}

const hexOf = (byte: number) => byte.toString(16).padStart(2, '0')
