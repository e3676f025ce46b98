/**
 * Two branches of one organisation, an outsider's organisation, and bytes that look random but
 * repeat.
 */
import { hash } from 'node:crypto'
import { admit, foundOrganisation, keysShown } from '../../src/certificates/founding.ts'
import { generateBranchKeys } from '../../src/certificates/keys.ts'

export const NOW = Date.UTC(2026, 10, 21, 9)

/** Random bytes that are the same in every run. */
export function seeded(seed: string): (length: number) => Uint8Array {
  let n = 0
  return (length) => {
    const parts = Array.from({ length: Math.ceil(length / 32) }, () =>
      hash('sha256', `${seed} ${n++}`, 'buffer'),
    )
    return new Uint8Array(Buffer.concat(parts).subarray(0, length))
  }
}

/** North founds the organisation and admits south; east founds another one. */
export function company() {
  const random = seeded('company')
  const northKeys = generateBranchKeys(random)
  const southKeys = generateBranchKeys(random)
  const eastKeys = generateBranchKeys(random)
  const founding = foundOrganisation(northKeys, { name: 'North', now: NOW }, random)
  const other = foundOrganisation(eastKeys, { name: 'East', now: NOW }, random)
  const serial = random(16)
  const southChain = admit(founding.issuer, keysShown(southKeys), {
    name: 'Південь',
    now: NOW,
    serial,
  })
  return {
    random,
    founding,
    organisation: founding.issuer.certificate.organisation,
    north: { keys: northKeys, chain: founding.chain },
    south: { keys: southKeys, chain: southChain },
    east: { keys: eastKeys, chain: other.chain, founding: other },
  }
}

/** Calls `check` with a copy in which one byte differs, for every byte. */
export function everyByteAltered(
  bytes: Uint8Array,
  check: (altered: Uint8Array, at: number) => void,
): void {
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice()
    altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8))
    check(altered, at)
  }
}
