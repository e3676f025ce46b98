/** Tokens of sign-ins: drawn here, stored as their hash alone. */
import { createHash } from 'node:crypto'
import type { Random } from '../world/random.ts'

const TOKEN_BYTES = 32

/** A new token: 32 random bytes. */
export function tokenOf({ random }: { random: Pick<Random, 'bytes'> }): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url')
}

/** What is stored of a token. */
export function hashOf(token: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(token).digest())
}
