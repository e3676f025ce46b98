/**
 * Runs in a worker thread: bcrypt over the prehashed password, and from its output the seed of the credential's key
 * (docs/decisions/010-passwords.md). The bcrypt output itself never leaves this thread and is stored nowhere.
 */
import { createHash } from 'node:crypto'
import { hashSync } from 'bcryptjs'
import { prehashOf } from './passwords.ts'

export type SeedTask = { password: string; salt: string }

/** 32 bytes: SHA-256("cred/1" || bcrypt output as ASCII). */
export function seed({ password, salt }: SeedTask): Uint8Array {
  const output = hashSync(prehashOf(password), salt)
  return new Uint8Array(createHash('sha256').update(`cred/1${output}`, 'ascii').digest())
}
