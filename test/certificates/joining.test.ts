/**
 * Joining and renewing: the forms on the wire, their binding to one link, and what the asker
 * checks.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BranchIdentity, issueLinkCertificate } from '../../src/certificates/certificate.ts'
import { verifyChain } from '../../src/certificates/chain.ts'
import type { Invitation } from '../../src/certificates/invitation.ts'
import {
  isJoinSigned,
  JOIN_REFUSALS,
  type Joined,
  joinRequest,
  joinResponse,
  parseJoinRequest,
  parseJoinResponse,
  refusalOfJoined,
} from '../../src/certificates/joining.ts'
import { generateBranchKeys, x25519KeyPair } from '../../src/certificates/keys.ts'
import {
  isRenewalSigned,
  parseRenewalRequest,
  parseRenewalResponse,
  RENEWAL_REFUSALS,
  renewalRequest,
  renewalResponse,
  renewedChain,
} from '../../src/certificates/renewal.ts'
import { company, everyByteAltered, NOW } from './cast.ts'

const { random, founding, organisation, north, south, east } = company()
const handshakeHash = random(32)
const otherLink = random(32)
const trust = { now: NOW, isRevoked: () => false }
const invitation: Invitation = {
  organisation,
  inviter: north.keys.branch,
  addresses: [],
  expiresAt: NOW,
  secret: random(32),
}
const joined: Joined = {
  issuer: south.chain.issuer,
  identity: south.chain.identity,
  link: south.chain.link,
  inviter: north.chain.identity,
  linkKey: founding.linkKey,
  crl: random(100),
}

test('a join request names its keys, a wish and addresses, and holds on one link only', () => {
  const wish = { name: 'Південь', addresses: ['10.1.1.1:9945'] }
  const bytes = joinRequest(south.keys, handshakeHash, wish)
  const request = parseJoinRequest(bytes)
  assert.ok(request)
  assert.equal(request.branch, south.keys.branch)
  assert.equal(request.name, wish.name)
  assert.deepEqual(request.addresses, wish.addresses)
  const remoteStatic = south.keys.noise.publicKey
  assert.ok(isJoinSigned(request, { handshakeHash, remoteStatic }))
  assert.ok(!isJoinSigned(request, { handshakeHash: otherLink, remoteStatic }))
  const foreign = north.keys.noise.publicKey
  assert.ok(!isJoinSigned(request, { handshakeHash, remoteStatic: foreign }))
  everyByteAltered(bytes, (altered, at) => {
    const other = parseJoinRequest(altered)
    const isGood = other && isJoinSigned(other, { handshakeHash, remoteStatic })
    assert.ok(!isGood, `byte ${at}`)
  })
  assert.equal(parseJoinRequest(bytes.subarray(1)), undefined)
  assert.equal(parseJoinRequest(Uint8Array.from([...bytes, 0])), undefined)
  const bare = parseJoinRequest(joinRequest(south.keys, handshakeHash, { addresses: [] }))
  assert.equal(bare?.name, undefined)
})

test('a join answer brings everything a branch needs, or a word', () => {
  const bytes = joinResponse({ ok: true, ...joined })
  assert.deepEqual(parseJoinResponse(bytes), { ok: true, ...joined })
  assert.equal(parseJoinResponse(bytes.subarray(0, bytes.length - 1)), undefined)
  assert.equal(parseJoinResponse(Uint8Array.from([...bytes, 0])), undefined)
  for (const reason of JOIN_REFUSALS) {
    if (reason === 'joined') continue
    const answer = { ok: false, reason } as const
    assert.deepEqual(parseJoinResponse(joinResponse(answer)), answer)
  }
  for (const junk of [[], [1], [2, 1], [1, 99], [1, 1, 0]]) {
    assert.equal(parseJoinResponse(Uint8Array.from(junk)), undefined)
  }
})

test('a new branch takes only what it asked for, from whom it was invited', () => {
  const asked = { invitation, keys: south.keys }
  assert.equal(refusalOfJoined(joined, asked, trust), undefined)
  const wrong = (over: Partial<Joined>) => refusalOfJoined({ ...joined, ...over }, asked, trust)
  assert.equal(wrong({ inviter: east.chain.identity as BranchIdentity }), 'other-inviter')
  assert.equal(wrong({ identity: north.chain.identity }), 'other-keys')
  assert.equal(wrong({ link: north.chain.link }), 'other-keys')
  assert.equal(wrong({ issuer: east.chain.issuer }), 'other-organisation')
  const stranger = { invitation, keys: generateBranchKeys(random) }
  assert.equal(refusalOfJoined(joined, stranger, trust), 'other-keys')
})

test('a renewal request holds on one link only, and a renewed chain is accepted', () => {
  const next = x25519KeyPair(random(32))
  const bytes = renewalRequest({
    branch: south.keys.branch,
    noisePublicKey: next.publicKey,
    signSecretKey: south.keys.sign.secretKey,
    handshakeHash,
  })
  const request = parseRenewalRequest(bytes)
  assert.ok(request)
  const { signPublicKey } = south.chain.identity
  assert.ok(isRenewalSigned(request, { signPublicKey, handshakeHash }))
  assert.ok(!isRenewalSigned(request, { signPublicKey, handshakeHash: otherLink }))
  const foreign = north.chain.identity.signPublicKey
  assert.ok(!isRenewalSigned(request, { signPublicKey: foreign, handshakeHash }))
  everyByteAltered(bytes, (altered, at) => {
    const other = parseRenewalRequest(altered)
    assert.ok(!other || !isRenewalSigned(other, { signPublicKey, handshakeHash }), `byte ${at}`)
  })
  const link = issueLinkCertificate(founding.issuer, {
    branch: request.branch,
    noisePublicKey: request.noisePublicKey,
    serial: random(16),
    now: NOW + 5,
  })
  const response = { ok: true, issuer: founding.issuer.certificate, link } as const
  const received = parseRenewalResponse(renewalResponse(response))
  assert.deepEqual(received, response)
  const chain = renewedChain(south.chain, response)
  assert.equal(verifyChain(chain, { ...trust, organisation }).ok, true)
  assert.equal(chain.link, link)
})

test('renewal is refused in a word', () => {
  for (const reason of RENEWAL_REFUSALS) {
    if (reason === 'granted') continue
    const answer = { ok: false, reason } as const
    assert.deepEqual(parseRenewalResponse(renewalResponse(answer)), answer)
  }
  for (const junk of [[], [1], [2, 1], [1, 99], [1, 1, 0], [1, 0, 0, 0, 0, 0]]) {
    assert.equal(parseRenewalResponse(Uint8Array.from(junk)), undefined)
  }
})
