/**
 * Invitations as people paste them: whole, with line breaks, cut off, altered in any character, too
 * late.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeInvitation,
  encodeInvitation,
  type Invitation,
  isAddress,
  joinId,
  joinPsk,
} from '../../src/certificates/invitation.ts'
import { company, NOW } from './cast.ts'

const { organisation, north } = company()
const invitation: Invitation = {
  organisation,
  inviter: north.keys.branch,
  addresses: ['192.168.191.12:9945', 'kyiv.example:443', '[fd00::12]:9945'],
  expiresAt: NOW + 1000,
  secret: new Uint8Array(32).fill(200),
}
const line = encodeInvitation(invitation)
const reasonFor = (text: string, now = NOW) => {
  const result = decodeInvitation(text, now)
  return result.ok ? 'accepted' : result.reason
}

test('an invitation comes back as it was made', () => {
  assert.match(line, /^[A-Za-z0-9_-]+$/)
  assert.deepEqual(decodeInvitation(line, NOW), { ok: true, invitation })
  const bare = { ...invitation, addresses: [] }
  assert.deepEqual(decodeInvitation(encodeInvitation(bare), NOW), { ok: true, invitation: bare })
})

test('spaces, line breaks and soft hyphens of pasting do no harm', () => {
  const wrapped = ` \t${line.replace(/(.{40})/g, '$1\r\n  ')}\u200b\u00ad\ufeff\n`
  assert.deepEqual(decodeInvitation(wrapped, NOW), { ok: true, invitation })
})

test('altered in any one character it is refused', () => {
  for (let at = 0; at < line.length; at++) {
    for (const other of ['A', 'z', '-', '_', '9']) {
      if (line[at] === other) continue
      const altered = line.slice(0, at) + other + line.slice(at + 1)
      const reason = reasonFor(altered)
      assert.ok(reason === 'altered' || reason === 'not-an-invitation', `${at} ${other} ${reason}`)
    }
    assert.notEqual(reasonFor(line.slice(0, at) + line.slice(at + 1)), 'accepted')
    assert.notEqual(reasonFor(line.slice(0, at)), 'accepted')
    assert.notEqual(reasonFor(`${line.slice(0, at)}A${line.slice(at)}`), 'accepted')
  }
  // All 64 characters at the last place, whose spare bits must be zero.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = [...alphabet].filter((c) => reasonFor(line.slice(0, -1) + c) === 'accepted')
  assert.deepEqual(last, [line.at(-1)])
})

test('what is wrong is said in a word', () => {
  assert.equal(reasonFor(''), 'not-an-invitation')
  assert.equal(reasonFor('Please join us on Monday, see the attachment'), 'not-an-invitation')
  assert.equal(reasonFor('a'.repeat(400)), 'not-an-invitation')
  for (const cut of [1, 2, 3, 4, 60]) assert.equal(reasonFor(line.slice(0, -cut)), 'altered')
  assert.equal(reasonFor(line.replace(/.$/, 'ї')), 'altered')
  assert.equal(reasonFor(line, NOW + 1000), 'accepted')
  assert.equal(reasonFor(line, NOW + 1001), 'expired')
})

test('addresses are host:port and nothing else', () => {
  for (const good of ['10.0.0.1:1', 'a:65535', '[::1]:80', 'lviv-2.office.example:9945']) {
    assert.ok(isAddress(good), good)
  }
  for (const bad of [
    '',
    'host',
    'host:',
    ':80',
    'host:0',
    'host:65536',
    'host:080',
    'ho st:80',
    'host:80/path',
    'http://host:80',
    '::1:80',
    'host:80\n',
    'ї:80',
    `${'a'.repeat(253)}:80`,
    '-a:1',
  ]) {
    assert.ok(!isAddress(bad), JSON.stringify(bad))
  }
  assert.throws(() => encodeInvitation({ ...invitation, addresses: ['nowhere'] }), TypeError)
  const many = Array.from({ length: 9 }, (_, n) => `h${n}:1`)
  assert.throws(() => encodeInvitation({ ...invitation, addresses: many }), TypeError)
})

test('join id and psk come from the secret alone and do not show each other', () => {
  const { secret } = invitation
  assert.equal(joinId(secret).length, 8)
  assert.equal(joinPsk(secret).length, 32)
  assert.deepEqual(joinPsk(secret), joinPsk(secret.slice()))
  assert.notDeepEqual(joinPsk(secret), joinPsk(new Uint8Array(32)))
  assert.ok(!joinPsk(secret).toHex().includes(joinId(secret).toHex()))
})
