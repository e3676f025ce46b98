/** The organisation's root key off the server: a file closed by a passphrase that holds its 32 secret bytes. */
import { organisationIdOf } from './certificate.ts'
import { type KeyPair, signKeyPair } from './keys.ts'
import { openFile, sealFile } from './passphrase-file.ts'

const KIND = { prefix: 'branchline-authority-1:', magic: '42524c4b', contentBytes: 32 } // "BRLK"

/** The file of a root key; salt and nonce are fresh random bytes. */
export function sealAuthority(
  root: KeyPair,
  passphrase: string,
  fresh: { salt: Uint8Array; nonce: Uint8Array },
): string {
  const organisation = organisationIdOf(root.publicKey)
  return sealFile(KIND, { organisation, content: root.secretKey, passphrase }, fresh)
}

/** The root key in a file, or why it cannot be had (passphrase-file.ts). */
export function openAuthority(
  text: string,
  passphrase: string,
): { ok: true; root: KeyPair } | { ok: false; reason: 'malformed' | 'passphrase' } {
  const opened = openFile(KIND, text, passphrase)
  return opened.ok ? { ok: true, root: signKeyPair(opened.content) } : opened
}
