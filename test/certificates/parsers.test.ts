/** Every parser of this folder, fed with mutated bytes: it answers or says no, it never throws. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  parseBranchIdentity,
  parseIssuerCertificate,
  parseLinkCertificate,
} from '../../src/certificates/certificate.ts'
import { decodeHello, encodeHello } from '../../src/certificates/chain.ts'
import { decodeInvitation, encodeInvitation } from '../../src/certificates/invitation.ts'
import {
  joinRequest,
  joinResponse,
  parseJoinRequest,
  parseJoinResponse,
} from '../../src/certificates/joining.ts'
import {
  parseRenewalRequest,
  parseRenewalResponse,
  renewalResponse,
} from '../../src/certificates/renewal.ts'
import { company, NOW, seeded } from './cast.ts'

const MUTATIONS = 4000
const { organisation, founding, north, south } = company()
const { issuer, identity, link } = south.chain
const invitation = encodeInvitation({
  organisation,
  inviter: north.keys.branch,
  addresses: ['10.0.0.1:9945', 'lviv:1'],
  expiresAt: NOW,
  secret: new Uint8Array(32),
})
const crl = new Uint8Array(9)
const joined = { issuer, identity, link, inviter: north.chain.identity, crl }
const wish = { name: 'Lviv', addresses: ['a:1', 'b:2'] }

const parsers: Record<string, [Uint8Array, (bytes: Uint8Array) => unknown]> = {
  issuer: [issuer.bytes, parseIssuerCertificate],
  identity: [identity.bytes, parseBranchIdentity],
  link: [link.bytes, parseLinkCertificate],
  hello: [encodeHello(south.chain), decodeHello],
  joinRequest: [joinRequest(south.keys, new Uint8Array(32), wish), parseJoinRequest],
  joinResponse: [
    joinResponse({ ok: true, ...joined, linkKey: founding.linkKey }),
    parseJoinResponse,
  ],
  renewalRequest: [new Uint8Array(113).fill(1), parseRenewalRequest],
  renewalResponse: [renewalResponse({ ok: true, issuer, link }), parseRenewalResponse],
  invitation: [
    new TextEncoder().encode(invitation),
    (bytes) => {
      const result = decodeInvitation(Buffer.from(bytes).toString('latin1'), NOW)
      return result.ok ? result : undefined
    },
  ],
}

for (const [name, [good, parse]] of Object.entries(parsers)) {
  test(`no bytes make the parser of ${name} throw`, () => {
    assert.ok(parse(good), 'what we write ourselves is read')
    const random = seeded(name)
    let accepted = 0
    for (let n = 0; n < MUTATIONS; n++) {
      if (parse(mutated(good, random(8)))) accepted++
    }
    assert.ok(accepted < MUTATIONS, 'and most of the rest is not')
  })
}

/** One to three bytes changed, or cut off, or doubled, as eight dice say. */
function mutated(good: Uint8Array, dice: Uint8Array): Uint8Array {
  const [kind = 0, a = 0, b = 0, c = 0, d = 0, value = 0, more = 0, last = 0] = dice
  const at = (a * 256 + b) % good.length
  if (kind < 30) return good.subarray(0, at)
  if (kind < 60) return Uint8Array.from([...good.subarray(0, at), ...good.subarray(at / 2)])
  const changed = good.slice()
  changed[at] = value
  if (kind > 120) changed[(c * 256 + d) % good.length] = more
  if (kind > 190) changed[c % 16] = last
  return changed
}
