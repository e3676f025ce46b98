/** No open file is forgotten, whatever happens while it is being opened: the system's garbage collector ends the server for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIB } from '../../src/base/units.ts'
import { temporaryFolder } from '../db/store.ts'
import { isLinked, organisation, twoOffices } from '../relay/company.ts'
import { isHere, makeFile, offerFile, openFileOffice } from './offices.ts'

test('a link that goes while the file is being opened leaves none open', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openFileOffice(t, { ...kyivOptions, fileRate: () => 512 })
  const lviv = await openFileOffice(t, lvivOptions)
  const both = () => isLinked(kyiv, lviv) && isLinked(lviv, kyiv)
  const open = lviv.disk.open
  let openNow = 0
  let gate: PromiseWithResolvers<void> | undefined
  let isAtGate = false
  lviv.disk.open = async (name, how) => {
    if (how !== 'read') {
      isAtGate = gate !== undefined
      await gate?.promise
      openNow += 1
    }
    const file = await open(name, how)
    const close = async () => {
      if (how !== 'read') openNow -= 1
      await file.close()
    }
    return { ...file, close }
  }
  await org.until(both, 'they are linked')
  const { id, bytes } = await makeFile(kyiv, org, 8 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  await lviv.fetching.want(id)
  await org.until(() => (lviv.fetching.stateOf(id)?.percent ?? 0) >= 20, 'some of it is here')
  kyiv.relay.setCut(true)
  await org.until(() => openNow === 0, 'it waits for the line')

  gate = Promise.withResolvers<void>()
  kyiv.relay.setCut(false)
  await org.until(() => isAtGate, 'it is opened again')
  kyiv.relay.setCut(true)
  await org.until(() => !isLinked(lviv, kyiv), 'the line is gone meanwhile')
  gate.resolve()
  gate = undefined
  await org.until(() => openNow === 0, 'it is closed')
  kyiv.relay.setCut(false)
  await org.until(() => isHere(lviv, id), 'it is here')
  assert.equal(openNow, 0)
})
