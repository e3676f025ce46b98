/**
 * The chain of trust: what is accepted, and one refusal in its own words for everything that is
 * wrong.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BACKDATE_MS,
  IDENTITY_DOMAIN,
  ISSUER_LIFE_MS,
  type Issuer,
  isBranchName,
  isDueForRenewal,
  issueBranchIdentity,
  issueIssuerCertificate,
  issueLinkCertificate,
  LINK_LIFE_MS,
  parseBranchIdentity,
  parseIssuerCertificate,
  parseLinkCertificate,
} from '../../src/certificates/certificate.ts'
import {
  type Chain,
  type ChainRefusal,
  decodeHello,
  encodeHello,
  HELLO_BYTES_MAX,
  type Trust,
  verifyChain,
  verifyHello,
} from '../../src/certificates/chain.ts'
import { signKeyPair, x25519KeyPair } from '../../src/certificates/keys.ts'
import { SIGNATURE_BYTES, signBytes } from '../../src/certificates/signing.ts'
import { company, everyByteAltered, NOW } from './cast.ts'

const { random, founding, organisation, north, south, east } = company()
const trust: Trust = { organisation, now: NOW, isRevoked: () => false }
const linkOf = (issuer: Issuer, over: object = {}) =>
  issueLinkCertificate(issuer, {
    branch: south.keys.branch,
    noisePublicKey: south.keys.noise.publicKey,
    serial: random(16),
    now: NOW,
    ...over,
  })

function refusal(chain: Chain, over: Partial<Trust> = {}): ChainRefusal | 'accepted' {
  const verdict = verifyChain(chain, { ...trust, ...over })
  return verdict.ok ? 'accepted' : verdict.reason
}

/** A second issuing branch of the same organisation. */
function secondIssuer(now = NOW): Issuer {
  const pair = signKeyPair(random(32))
  const certificate = issueIssuerCertificate(founding.root, {
    branch: south.keys.branch,
    issuerPublicKey: pair.publicKey,
    serial: random(16),
    now,
  })
  return { certificate, secretKey: pair.secretKey }
}

test('the chains of a founder and of an admitted branch are accepted for ten days', () => {
  for (const { chain } of [north, south]) {
    assert.equal(refusal(chain), 'accepted')
    assert.equal(refusal(chain, { now: NOW + LINK_LIFE_MS }), 'accepted')
    assert.equal(refusal(chain, { now: NOW - BACKDATE_MS }), 'accepted')
  }
})

test('time outside a certificate is said as what it is, and only a late one may renew', () => {
  const late = verifyChain(south.chain, { ...trust, now: NOW + LINK_LIFE_MS + 1 })
  assert.deepEqual(late, { ok: false, reason: 'link-expired', mayRenew: true })
  const early = verifyChain(south.chain, { ...trust, now: NOW - BACKDATE_MS - 1 })
  assert.deepEqual(early, { ok: false, reason: 'issuer-not-yet-valid', mayRenew: false })
  const afterYears = verifyChain(south.chain, { ...trust, now: NOW + ISSUER_LIFE_MS + 1 })
  assert.deepEqual(afterYears, { ok: false, reason: 'issuer-expired', mayRenew: true })
})

test('a link certificate never outlives its issuer', () => {
  const issuer = secondIssuer()
  const link = linkOf(issuer, { now: NOW + ISSUER_LIFE_MS - 1000 })
  assert.equal(link.notAfter, issuer.certificate.notAfter)
})

test('a link certificate is due for renewal at half of its life', () => {
  const { link } = south.chain
  const half = (link.notBefore + link.notAfter) / 2
  assert.equal(isDueForRenewal(link, half - 1), false)
  assert.equal(isDueForRenewal(link, half), true)
  assert.equal(isDueForRenewal(link, link.notBefore), false)
  assert.equal(isDueForRenewal(link, link.notBefore - 1), true, 'of a clock that was ahead')
})

test('everything of another organisation is refused', () => {
  assert.equal(refusal(east.chain), 'other-organisation')
  const { issuer, identity, link } = south.chain
  assert.equal(refusal({ issuer: east.chain.issuer, identity, link }), 'other-organisation')
  assert.equal(refusal({ issuer, identity: east.chain.identity, link }), 'other-organisation')
  assert.equal(refusal({ issuer, identity, link: east.chain.link }), 'other-organisation')
})

test('a key that the root did not name cannot issue, whatever it writes', () => {
  const thief = signKeyPair(random(32))
  const forged: Issuer = { certificate: founding.issuer.certificate, secretKey: thief.secretKey }
  const { issuer, identity } = south.chain
  assert.equal(refusal({ issuer, identity, link: linkOf(forged) }), 'link-not-signed')
  const { sign, box } = south.keys
  const shown = { signPublicKey: sign.publicKey, boxPublicKey: box.publicKey }
  const ofThief = issueBranchIdentity(forged, { ...shown, name: 'South', now: NOW })
  const { link } = south.chain
  assert.equal(refusal({ issuer, identity: ofThief, link }), 'identity-not-signed')
  // A branch that certifies itself as an issuer under the real root's public key.
  const selfMade = issueIssuerCertificate(
    { secretKey: thief.secretKey, publicKey: founding.root.publicKey },
    { branch: south.keys.branch, issuerPublicKey: thief.publicKey, serial: random(16), now: NOW },
  )
  const own: Issuer = { certificate: selfMade, secretKey: thief.secretKey }
  const chain = {
    issuer: selfMade,
    identity: issueBranchIdentity(own, { ...shown, name: 'South', now: NOW }),
    link: linkOf(own),
  }
  assert.equal(refusal(chain), 'issuer-not-signed')
  // The same beside a genuine identity and its genuine issuer.
  const { identity: genuine, issuer: identityIssuer } = south.chain
  const mixed = { issuer: selfMade, identity: genuine, link: linkOf(own), identityIssuer }
  assert.equal(refusal(mixed), 'issuer-not-signed')
})

test('not even an issuer gives a branch the id that belongs to another key', () => {
  const { issuer, identity, link } = south.chain
  const body = identity.bytes.slice(0, -SIGNATURE_BYTES)
  body.set(Uint8Array.fromHex(north.keys.branch), 1 + 32)
  const signature = signBytes(founding.issuer.secretKey, IDENTITY_DOMAIN, body)
  const forged = parseBranchIdentity(Uint8Array.from([...body, ...signature]))
  assert.ok(forged)
  assert.equal(forged.branch, north.keys.branch)
  assert.equal(refusal({ issuer, identity: forged, link }), 'wrong-branch-id')
})

test('certificates of two branches do not mix', () => {
  const { issuer, identity } = south.chain
  assert.equal(refusal({ issuer, identity, link: north.chain.link }), 'link-of-another-branch')
})

test('a branch can be revoked, and so can the one that issued its link certificate', () => {
  const { issuer, identity } = south.chain
  const revoking = (id: string) => refusal(south.chain, { isRevoked: (asked) => asked === id })
  assert.equal(revoking(identity.branch), 'branch-revoked')
  assert.equal(revoking(issuer.branch), 'issuer-revoked')
  assert.equal(revoking('00'.repeat(16)), 'accepted')
})

test('the identity of one issuer and the link of another go together, with both shown', () => {
  const second = secondIssuer()
  const { identity } = south.chain
  const chain = { issuer: second.certificate, identity, link: linkOf(second) }
  assert.equal(refusal(chain), 'identity-not-signed')
  const whole = { ...chain, identityIssuer: south.chain.issuer }
  assert.equal(refusal(whole), 'accepted')
  const revoked = (asked: string) => asked === south.chain.issuer.branch
  assert.equal(refusal(whole, { isRevoked: revoked }), 'accepted', 'what it said before holds')
})

test('an identity outlives the certificate of its issuer, but is not made outside of it', () => {
  const later = NOW + ISSUER_LIFE_MS + 1
  const second = secondIssuer(later)
  const { identity, issuer } = south.chain
  const link = linkOf(second, { now: later })
  const chain = { issuer: second.certificate, identity, link, identityIssuer: issuer }
  assert.equal(refusal(chain, { now: later }), 'accepted')
  const { sign, box } = south.keys
  const backdated = issueBranchIdentity(founding.issuer, {
    signPublicKey: sign.publicKey,
    boxPublicKey: box.publicKey,
    name: 'South',
    now: later,
  })
  assert.equal(
    refusal({ ...chain, identity: backdated }, { now: later }),
    'identity-outside-issuer',
  )
})

test('a certificate with any one byte changed, or of another length, is refused', () => {
  const kinds = [
    { part: 'issuer', parse: parseIssuerCertificate },
    { part: 'identity', parse: parseBranchIdentity },
    { part: 'link', parse: parseLinkCertificate },
  ] as const
  for (const { part, parse } of kinds) {
    const { bytes } = south.chain[part]
    assert.deepEqual(parse(bytes), south.chain[part])
    assert.equal(parse(bytes.subarray(0, bytes.length - 1)), undefined)
    assert.equal(parse(Uint8Array.from([...bytes, 0])), undefined)
    assert.equal(parse(new Uint8Array(0)), undefined)
    // Every byte must matter; of long keys and signatures every fifth one proves it.
    everyByteAltered(bytes, (altered, at) => {
      if (at > 8 && at % 5 !== 0) return
      const object = parse(altered)
      const chain = { ...south.chain, [part]: object } as Chain
      if (object) assert.notEqual(refusal(chain), 'accepted', `${part}, byte ${at}`)
    })
  }
})

test('names are one line of at most 64 bytes', () => {
  for (const good of ['Lviv', 'Головний офіс', 'a'.repeat(64)]) assert.ok(isBranchName(good))
  for (const bad of ['', ' Lviv', 'a\nb', 'a'.repeat(65), 'ї'.repeat(33), 'a\u2028b', 'a\ud800']) {
    assert.ok(!isBranchName(bad), JSON.stringify(bad))
  }
})

test('a HELLO carries a chain, padded, and nothing else is taken for one', () => {
  const second = secondIssuer()
  const name = 'n'.repeat(64)
  const { sign, box } = south.keys
  const shown = { signPublicKey: sign.publicKey, boxPublicKey: box.publicKey, name, now: NOW }
  const longest: Chain = {
    issuer: second.certificate,
    identity: issueBranchIdentity(founding.issuer, shown),
    link: linkOf(second),
    identityIssuer: founding.issuer.certificate,
  }
  for (const chain of [north.chain, south.chain, longest]) {
    const payload = encodeHello(chain)
    assert.equal(payload.length % 64, 0)
    assert.ok(payload.length <= HELLO_BYTES_MAX)
    assert.deepEqual(decodeHello(payload), chain)
    assert.equal(decodeHello(payload.subarray(0, payload.length - 64)), undefined)
    assert.equal(decodeHello(Uint8Array.from([...payload, ...new Uint8Array(64)])), undefined)
    const dirty = payload.slice()
    dirty[dirty.length - 1] = 1
    assert.equal(decodeHello(dirty), undefined)
  }
  assert.equal(decodeHello(new Uint8Array(0)), undefined)
  assert.equal(decodeHello(new Uint8Array(64)), undefined)
  assert.equal(decodeHello(new Uint8Array(HELLO_BYTES_MAX + 64)), undefined)
})

test('a peer must be the branch its key, our dialling and common sense say', () => {
  const payload = encodeHello(south.chain)
  const expected = { remoteStatic: south.keys.noise.publicKey, ownBranch: north.keys.branch }
  const reasonFor = (over: object) => {
    const verdict = verifyHello(payload, { ...expected, ...over }, trust)
    return verdict.ok ? verdict.identity.name : verdict.reason
  }
  assert.equal(reasonFor({}), 'Південь')
  assert.equal(reasonFor({ dialled: south.keys.branch }), 'Південь')
  assert.equal(reasonFor({ dialled: north.keys.branch }), 'other-branch-than-dialled')
  assert.equal(reasonFor({ ownBranch: south.keys.branch }), 'own-branch')
  const stolen = x25519KeyPair(random(32)).publicKey
  assert.equal(reasonFor({ remoteStatic: stolen }), 'other-noise-key')
  const broken = verifyHello(payload.subarray(1), expected, trust)
  assert.deepEqual(broken, { ok: false, reason: 'malformed', mayRenew: false })
})
