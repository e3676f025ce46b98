/** The last room of a disk belongs to messages, however many files arrive; and who waits for room does not wait long. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MIB, MINUTE, SECOND } from '../../src/base/units.ts'
import { RESERVE_BYTES } from '../../src/files/blobs.ts'
import { temporaryFolder } from '../db/store.ts'
import { isLinked, organisation, twoOffices } from '../relay/company.ts'
import { type FileOffice, isHere, makeFile, offerFile, openFileOffice } from './offices.ts'

/** Kyiv, and Lviv, whose disk has so much room: what it writes is taken from it. */
async function pairWithRoom(t: TestContext, bytes: number) {
  const org = organisation()
  const room = { bytes }
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openFileOffice(t, kyivOptions)
  const lviv = await openFileOffice(t, { ...lvivOptions, room })
  const open = lviv.disk.open
  lviv.disk.open = async (name, how) => {
    const file = await open(name, how)
    const write = async (at: number, piece: Uint8Array) => {
      room.bytes -= piece.length
      await file.write(at, piece)
    }
    return { ...file, write }
  }
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'they are linked')
  return { org, room, kyiv, lviv }
}

const waitsForRoom = ({ fetching }: FileOffice, id: Parameters<typeof fetching.stateOf>[0]) =>
  fetching.stateOf(id)?.isDiskFull === true

test('two files that fit one by one and not together leave the last room to messages', async (t) => {
  const { org, room, kyiv, lviv } = await pairWithRoom(t, RESERVE_BYTES + 7 * MIB)
  const files = [await makeFile(kyiv, org, 4 * MIB), await makeFile(kyiv, org, 4.25 * MIB)]
  for (const { id, bytes } of files) {
    await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
    await lviv.fetching.want(id)
  }
  await org.until(() => files.some(({ id }) => waitsForRoom(lviv, id)), 'one of them waits')
  assert.ok(room.bytes > RESERVE_BYTES - MIB / 2, `${room.bytes / MIB} MiB are left`)
  assert.ok(lviv.fetching.waitingForRoom() > 0)
  room.bytes += 20 * MIB
  for (const { id } of files) await org.until(() => isHere(lviv, id), 'it is here')
  assert.equal(lviv.fetching.waitingForRoom(), 0)
})

test('a file that waited long for room comes within a minute when there is some', async (t) => {
  const { org, room, kyiv, lviv } = await pairWithRoom(t, RESERVE_BYTES)
  const { id, bytes } = await makeFile(kyiv, org, MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  await lviv.fetching.want(id)
  const made = org.clock.now() + 30 * MINUTE
  await org.until(() => org.clock.now() > made, 'half an hour passes', 5 * SECOND)
  assert.ok(waitsForRoom(lviv, id))
  room.bytes += 20 * MIB
  const began = org.clock.now()
  await org.until(() => isHere(lviv, id), 'it is here', SECOND)
  assert.ok(org.clock.now() - began < MINUTE, `after ${(org.clock.now() - began) / SECOND} s`)
})
