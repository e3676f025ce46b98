/** Signed words and certificates of a company on paper, as samples for decoders of bytes and of events. */
import type { BranchId, FeedId } from '../../src/base/ids.ts'
import { issueLinkKey } from '../../src/certificates/link-key.ts'
import { issueRevocation } from '../../src/certificates/revocation.ts'
import { makeIntermediate, makeRoot, newTlsKey } from '../../src/tls/making.ts'
import { publicPoint } from '../../src/tls/x509.ts'
import { company, NOW, seeded } from '../certificates/cast.ts'

const random = seeded('samples')

export const ID = 'ab'.repeat(16)
export const { organisation, north, south, founding } = company()

const tlsKey = newTlsKey(random)
export const tlsPoint = publicPoint(tlsKey)
const made = { now: NOW, randomBytes: random }
export const root = makeRoot(tlsKey, { organisation: 'Dovira', name: 'Root' }, made)
const wish = {
  point: tlsPoint,
  names: ['a.lan'],
  subject: { organisation: 'D', name: 'I' },
}
export const intermediate = makeIntermediate({ certificate: root, key: tlsKey }, wish, made)

export const revocation = issueRevocation(founding.issuer, {
  ...{ branch: south.keys.branch, reason: 'keyCompromise', note: 'Вкрадено', now: NOW },
  cuts: [{ feed: ID as FeedId, upTo: 7 }],
})
export const linkKeyWord = issueLinkKey(founding.issuer, {
  ...{ epoch: 70_000, key: random(32), isForRevocation: true, revoked: [ID as BranchId], now: NOW },
})
