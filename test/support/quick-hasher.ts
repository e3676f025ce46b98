/** What bcrypt is for the rest of the program, for tests of other things: those of bcrypt itself use the real one. */
import { createHash } from 'node:crypto'
import type { Hasher } from '../../src/accounts/hasher.ts'

/** Quick and otherwise like the real one: the same password and salt, the same seed. */
export function quickHasher(): Hasher & { calls: { salt: string }[] } {
  const calls: { salt: string }[] = []
  return {
    calls,
    seedOf: async (password, salt) => {
      calls.push({ salt })
      const text = `${password.normalize('NFC')} ${salt}`
      return new Uint8Array(createHash('sha256').update(text).digest())
    },
    close: async () => {},
  }
}
