/** The word of a new link key, and what the keys before still open. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY } from '../../src/base/units.ts'
import {
  byRank,
  isKeyOf,
  issueLinkKey,
  keptKeys,
  linkKeyNumber,
  nextEpoch,
  parseLinkKeyStatement,
  rankedBelow,
  refusalOfLinkKey,
  servedKeys,
} from '../../src/certificates/link-key.ts'
import { company, everyByteAltered, NOW } from './cast.ts'

const { founding, organisation, east, north, random } = company()
const trust = { organisation, now: NOW, isRevoked: () => false }
const { certificate } = founding.issuer
const key = random(32)
const how = { epoch: nextEpoch(1, 7), key, isForRevocation: false, revoked: [], now: NOW }

test('an issuer says that there is a new link key, without the key itself', () => {
  const statement = issueLinkKey(founding.issuer, { ...how, revoked: [north.keys.branch] })
  assert.equal(refusalOfLinkKey(statement, certificate, trust), undefined)
  assert.deepEqual(parseLinkKeyStatement(statement.bytes), statement)
  assert.ok(isKeyOf(statement, key) && !isKeyOf(statement, random(32)))
  assert.ok(!Buffer.from(statement.bytes).includes(Buffer.from(key)))
})

test('an altered word, or one of another organisation, is refused', () => {
  const { bytes } = issueLinkKey(founding.issuer, how)
  everyByteAltered(bytes, (altered, at) => {
    const read = parseLinkKeyStatement(altered)
    assert.ok(!read || refusalOfLinkKey(read, certificate, trust), `byte ${at}`)
  })
  const foreign = issueLinkKey(east.founding.issuer, how)
  assert.equal(
    refusalOfLinkKey(foreign, east.founding.issuer.certificate, trust),
    'other-organisation',
  )
})

test('epochs count up, and two that are drawn at once are two', () => {
  const [one, other] = [nextEpoch(1, 3), nextEpoch(1, 65_535)]
  assert.deepEqual([1, one, other, nextEpoch(other, 0)].map(linkKeyNumber), [1, 2, 2, 3])
  assert.ok(one > 1 && other > one && nextEpoch(one, 0) > other)
  assert.throws(() => nextEpoch(2 ** 32 - 1, 0), RangeError)
})

test('what a revoked issuer drew ranks below the statement that names it, however high its epoch', () => {
  const [honest, other] = [east.keys.branch, north.keys.branch]
  const statements = [
    { epoch: 9, revoked: [other] },
    { epoch: 12, revoked: [other] },
  ]
  const row = (epoch: number, issuer: typeof honest | undefined) => {
    const below = rankedBelow(issuer, statements)
    return { epoch, ...(below !== undefined && { below }) }
  }
  const keys = [row(1, undefined), row(7, other), row(99, other), row(9, honest), row(8, honest)]
  assert.deepEqual(epochs(keys.sort(byRank)), [9, 99, 8, 7, 1])
})

const rows = (...days: readonly [at: number, isForRevocation?: boolean][]) =>
  days
    .map(([at, isForRevocation = false], n) => ({
      ...{ epoch: n + 1, key, since: NOW + at * DAY },
      ...(isForRevocation && { isForRevocation }),
    }))
    .reverse()
const epochs = (keys: readonly { epoch: number }[]) => keys.map(({ epoch }) => epoch)

test('a link key opens links for ten days beside the next one, and calls that renew for longer', () => {
  const keys = rows([0], [100], [105])
  const at = (kind: 'link' | 'renew', day: number) =>
    epochs(servedKeys(keys, kind, NOW + day * DAY))
  assert.deepEqual(at('link', 106), [3, 2, 1])
  assert.deepEqual(at('link', 110), [3, 2])
  assert.deepEqual(at('link', 115), [3])
  assert.deepEqual(at('renew', 115), [3, 2, 1])
})

test('after a revocation the link keys before open no link at all', () => {
  const keys = rows([0], [100, true], [101])
  assert.deepEqual(epochs(servedKeys(keys, 'link', NOW + 101 * DAY)), [3, 2])
  assert.deepEqual(epochs(servedKeys(keys, 'renew', NOW + 101 * DAY)), [3, 2, 1])
})

test('a link key is forgotten 400 days after the next one came; the newest never is', () => {
  const keys = rows([0], [100])
  assert.deepEqual(epochs(keptKeys(keys, NOW + 499 * DAY)), [2, 1])
  assert.deepEqual(epochs(keptKeys(keys, NOW + 500 * DAY)), [2])
  assert.deepEqual(epochs(keptKeys(keys, NOW + 5000 * DAY)), [2])
})
