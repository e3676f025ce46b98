/** The right to issue certificates: it outlives its year where the root key lies, and its end is said in time elsewhere. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { DAY, HOUR } from '../../src/base/units.ts'
import { temporaryFolder } from '../db/store.ts'
import {
  isLinked,
  memoryKeys,
  type Office,
  type Organisation,
  openOffice,
  organisation,
  twoOffices,
} from './company.ts'

async function companyWith(t: TestContext, rootKey: 'here' | 'elsewhere') {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const files = memoryKeys()
  if (rootKey === 'here') files.saveRootKey(org.founding.root)
  const kyiv = await openOffice({ ...kyivOptions, files })
  const lviv = await openOffice(lvivOptions)
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  await kyiv.relay.start()
  await lviv.relay.start()
  return { org, kyiv, lviv }
}

/** Lives through days in steps longer than a link certificate lives: what ran out is renewed first each time. */
async function live(org: Organisation, days: number, [kyiv, lviv]: [Office, Office]) {
  for (let day = 0; day < days; day += 15) {
    org.advance(15 * DAY)
    const linked = () => isLinked(kyiv, lviv) && isLinked(lviv, kyiv)
    await org.until(linked, `linked on day ${day}`, 5000)
  }
}

const count = (at: Office, name: string) => at.lines.filter((line) => line.name === name).length

test('an organisation outlives the year of its first issuer certificate', async (t) => {
  const { org, kyiv, lviv } = await companyWith(t, 'here')
  await live(org, 400, [kyiv, lviv])
  assert.equal(count(kyiv, 'relay.issuer.renewed'), 2, 'at half of each life')
  await kyiv.post('a year later', lviv)
  await org.until(() => lviv.texts().length === 1, 'mail arrives')
  const state = lviv.relay.links().find(({ branch }) => branch === kyiv.keys.branch)
  assert((state?.certificateNotAfter ?? 0) > org.clock.now() + DAY)
})

test('where the root key is not, the end of the right to issue is said half a year ahead', async (t) => {
  const { org, kyiv, lviv } = await companyWith(t, 'elsewhere')
  await live(org, 180, [kyiv, lviv])
  assert.equal(count(kyiv, 'relay.issuer.ends'), 0)
  await live(org, 30, [kyiv, lviv])
  const said = count(kyiv, 'relay.issuer.ends')
  assert(said >= 1 && said <= 30, `${said} times: once a day at most`)
})

test('a root key that was brought back is used at once and goes by itself, also after a restart', async (t) => {
  const org = organisation()
  const { kyivOptions } = await twoOffices(org, temporaryFolder(t))
  const files = memoryKeys()
  const kyiv = await openOffice({ ...kyivOptions, files })
  await kyiv.relay.start()
  org.advance(100 * DAY)
  const lend = () => {
    const from = org.clock.now()
    files.lendRootKey(org.founding.root, { from, until: from + HOUR })
  }
  lend()
  await kyiv.relay.authority().renewCertificate({ newKey: false })
  assert.equal(count(kyiv, 'relay.issuer.renewed'), 1, 'long before it is due')
  await kyiv.relay.authority().renewCertificate({ newKey: false })
  assert.equal(count(kyiv, 'relay.issuer.renewed'), 1, 'once')
  assert.ok(files.findRootKey())
  org.advance(HOUR)
  await org.until(() => files.findRootKey() === undefined, 'it goes')
  assert.equal(files.findRootLoan(), undefined)
  assert.equal(count(kyiv, 'relay.root-key.removed'), 1)
  lend()
  await kyiv.stop()
  org.advance(2 * HOUR)
  const again = await openOffice({ ...kyivOptions, files })
  t.after(() => again.stop())
  await again.relay.start()
  assert.equal(files.findRootKey(), undefined, 'gone before anything else')
  assert.equal(count(again, 'relay.issuer.renewed'), 0, 'and not used')
})

test('a root key that is here for good stays', async (t) => {
  const { org, kyiv } = await companyWith(t, 'here')
  org.advance(2 * DAY)
  await kyiv.relay.authority().renewCertificate({ newKey: false })
  assert.ok(kyiv.files.findRootKey())
  assert.equal(count(kyiv, 'relay.root-key.removed'), 0)
})
