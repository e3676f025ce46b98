/** All key files of a branch in one file, closed by a passphrase: what a lost branch is built up again from. */
import { fromUtf8, utf8 } from '../base/bytes.ts'
import type { KeyBundle } from './keys.ts'
import { openFile, sealFile } from './passphrase-file.ts'

const KIND = { prefix: 'branchline-keys-1:', magic: '4252594b' } // "BRYK"

/** The file of a bundle; salt and nonce are fresh random bytes. */
export function sealKeys(
  given: { organisation: string; bundle: KeyBundle; passphrase: string },
  fresh: { salt: Uint8Array; nonce: Uint8Array },
): string {
  const { organisation, bundle, passphrase } = given
  const content = utf8(JSON.stringify(bundle))
  return sealFile(KIND, { organisation, content, passphrase }, fresh)
}

/** The bundle in a file, or why it cannot be had (passphrase-file.ts). */
export function openKeys(
  text: string,
  passphrase: string,
): { ok: true; bundle: KeyBundle } | { ok: false; reason: 'malformed' | 'passphrase' } {
  const opened = openFile(KIND, text, passphrase)
  if (!opened.ok) return opened
  // Written by whoever knew the passphrase: its form is ours.
  return { ok: true, bundle: JSON.parse(fromUtf8(opened.content)) as KeyBundle }
}
