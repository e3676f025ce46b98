/** Files of other branches: which come when, from whom, and what a cut, a lie or a full disk does to them. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import { HOUR, KIB, MIB, SECOND } from '../../src/base/units.ts'
import { findBlob, plainBytes, storedChunk } from '../../src/files/blobs.ts'
import { createFetching } from '../../src/files/fetching.ts'
import type { FileLinks } from '../../src/files/transfer.ts'
import { temporaryFolder } from '../db/store.ts'
import { keptLog } from '../eventlog/fixture.ts'
import { isLinked, type Office, organisation, PORT, twoOffices } from '../relay/company.ts'
import {
  type FileOffice,
  type FileOfficeOptions,
  held,
  isHere,
  makeFile,
  offerFile,
  openFileOffice,
} from './offices.ts'

async function pair(
  t: TestContext,
  extra: { kyiv?: Partial<FileOfficeOptions>; lviv?: Partial<FileOfficeOptions> } = {},
) {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const kyiv = await openFileOffice(t, { ...kyivOptions, ...extra.kyiv })
  const lviv = await openFileOffice(t, { ...lvivOptions, ...extra.lviv })
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'they are linked')
  return { org, kyiv, lviv, kyivOptions, lvivOptions }
}

/** Three offices of which two may be told that they have no line. */
async function three(
  t: TestContext,
  extra: Partial<Record<'lviv' | 'odesa', Partial<FileOfficeOptions>>> = {},
) {
  const org = organisation()
  const folder = temporaryFolder(t)
  const { kyivOptions, lvivOptions } = await twoOffices(org, folder)
  const member = org.admitted('Odesa')
  const chains = [org.founder.chain, lvivOptions.member.chain, member.chain]
  const peers = [`10.0.0.1:${PORT}`, `10.0.0.2:${PORT}`]
  const knows = (own: unknown) => chains.filter((chain) => chain !== own)
  const kyiv = await openFileOffice(t, { ...kyivOptions, knows: knows(chains[0]) })
  const lviv = await openFileOffice(t, { ...lvivOptions, knows: knows(chains[1]), ...extra.lviv })
  const odesa = await openFileOffice(t, {
    ...{ org, folder, host: '10.0.0.3', member, knows: knows(chains[2]), peers },
    ...extra.odesa,
  })
  const all = [kyiv, lviv, odesa]
  const isWhole = () => all.every((a) => all.every((b) => a === b || isLinked(a, b)))
  await org.until(isWhole, 'all are linked')
  const cut = (a: Office, b: Office) => {
    const hosts = [a, b].map(({ address }) => address.replace(/:.*/, ''))
    org.network.onWay = (bytes, wire) =>
      wire.hosts.every((host) => hosts.includes(host)) ? undefined : bytes
  }
  return { org, kyiv, lviv, odesa, cut }
}

const arrives = (
  org: ReturnType<typeof organisation>,
  at: FileOffice,
  id: Parameters<typeof isHere>[1],
) => org.until(() => isHere(at, id), 'the file is here')

test('a small file comes with its message, a large one when somebody opens it, and is whole', async (t) => {
  const { org, kyiv, lviv } = await pair(t)
  const small = await makeFile(kyiv, org, 256 * KIB)
  const large = await makeFile(kyiv, org, 3 * MIB + 5)
  await offerFile(lviv, { id: small.id, size: small.bytes.length }, { from: kyiv })
  await offerFile(lviv, { id: large.id, size: large.bytes.length }, { from: kyiv })
  lviv.fetching.look()
  await arrives(org, lviv, small.id)
  assert.equal(await isHere(lviv, large.id), false)
  assert.equal(lviv.fetching.stateOf(large.id), undefined)
  await lviv.fetching.want(large.id)
  await arrives(org, lviv, large.id)
  const blob = await findBlob(lviv.store.read, large.id)
  assert.ok(blob)
  const got: Uint8Array[] = []
  const range = { key: large.key, from: 0, to: large.bytes.length }
  for await (const piece of plainBytes(lviv.disk, blob, range)) got.push(piece)
  assert.deepEqual(new Uint8Array(Buffer.concat(got)), large.bytes)
  assert.equal(new Set(lviv.came).size, lviv.came.length, 'nothing came twice')
  assert.equal(lviv.came.length, 2 + 1 + 13, 'two lists, and every chunk')
  assert.equal(lviv.told.at(-1), large.id)
  assert.equal(lviv.fetching.stateOf(large.id), undefined)
})

test('pages are told of a file that arrives twice a second at most, with a share that only grows', async (t) => {
  const { org, kyiv, lviv } = await pair(t, { kyiv: { fileRate: () => 256 } })
  const { id, bytes } = await makeFile(kyiv, org, 2 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  const seen: { at: number; percent: number | undefined; rate: number | undefined }[] = []
  lviv.fetching.onProgress((blob) => {
    const state = lviv.fetching.stateOf(blob)
    seen.push({ at: org.clock.now(), percent: state?.percent, rate: state?.bytesPerSecond })
  })
  await lviv.fetching.want(id)
  await arrives(org, lviv, id)
  await org.until(() => seen.at(-1)?.percent === undefined, 'the end is told')
  const moving = seen.slice(0, -1)
  assert.ok(moving.length >= 8, `told ${moving.length} times`)
  for (const [i, each] of moving.entries()) {
    const before = moving[i - 1]
    if (before)
      assert.ok(each.at - before.at >= 500 && (each.percent ?? 0) >= (before.percent ?? 0))
  }
  const rate = moving.at(-1)?.rate ?? 0
  assert.ok(rate > 180_000 && rate < 340_000, `${rate} bytes a second`)
})

test('a line that is cut in the middle costs the chunks that were under way, and it goes on by itself', async (t) => {
  const { org, kyiv, lviv } = await pair(t, { kyiv: { fileRate: () => 512 } })
  const { id, bytes } = await makeFile(kyiv, org, 6 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  await lviv.fetching.want(id)
  for (const share of [20, 50, 80]) {
    const isSoFar = () => (lviv.fetching.stateOf(id)?.percent ?? 0) >= share
    await org.until(isSoFar, `${share} % are here`)
    kyiv.relay.setCut(true)
    await org.until(() => !isLinked(lviv, kyiv), 'the line is cut')
    await org.until(() => lviv.fetching.stateOf(id)?.state === 'waiting', 'it waits')
    kyiv.relay.setCut(false)
    await org.until(() => isLinked(lviv, kyiv), 'the line is back')
  }
  await arrives(org, lviv, id)
  assert.equal(lviv.came.length, 25, 'the list and each chunk came whole once')
})

test('after a loss of power it goes on with what was synced', async (t) => {
  const memory = new Map()
  const { org, kyiv, lviv, lvivOptions } = await pair(t, {
    kyiv: { fileRate: () => 512 },
    lviv: { memory },
  })
  const { id, bytes } = await makeFile(kyiv, org, 24 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  await lviv.fetching.want(id)
  await org.until(() => (lviv.fetching.stateOf(id)?.percent ?? 0) >= 60, 'more than half is here')
  const before = await held(lviv, id)
  assert.ok(before >= 32, `${before} chunks are noted`)
  const came = lviv.came.length
  await lviv.kill()
  const again = await openFileOffice(t, { ...lvivOptions, memory })
  await arrives(org, again, id)
  const twice = came - 1 + again.came.length - 96
  assert.ok(twice >= 0 && twice <= 32, `${twice} of 96 chunks came twice`)
})

test('a holder that lies is named and left, and the file comes from another one', async (t) => {
  let lies = 0
  const altered = (_file: string, index: number, bytes: Uint8Array | undefined) => {
    if (index !== 3 || !bytes) return bytes
    lies++
    return bytes.map((byte) => byte ^ 1)
  }
  const { org, kyiv, lviv, odesa } = await three(t, { lviv: { altered } })
  const { id, bytes } = await makeFile(kyiv, org, 2 * MIB)
  const offer = { id, size: bytes.length }
  await offerFile(lviv, offer, { from: kyiv })
  await lviv.fetching.want(id)
  await arrives(org, lviv, id)
  kyiv.relay.setCut(true)
  await org.until(() => !isLinked(odesa, kyiv), 'the origin is away')
  await offerFile(odesa, offer, { from: lviv, readers: [kyiv] })
  await odesa.fetching.want(id)
  await org.until(() => odesa.lied.length === 1, 'the lie is noticed')
  const trouble = odesa.relay.links().find(({ branch }) => branch === lviv.keys.branch)?.lastError
  assert.equal(trouble, 'wrong-chunk')
  await org.until(() => odesa.fetching.stateOf(id)?.state === 'waiting', 'it waits')
  assert.equal(lies, 1)
  kyiv.relay.setCut(false)
  await arrives(org, odesa, id)
})

test('where the origin is gone, another branch of the chat gives the file', async (t) => {
  const { org, kyiv, lviv, odesa } = await three(t)
  const { id, bytes } = await makeFile(kyiv, org, 2 * MIB)
  const offer = { id, size: bytes.length }
  await offerFile(lviv, offer, { from: kyiv })
  await lviv.fetching.want(id)
  await arrives(org, lviv, id)
  await kyiv.stop()
  await org.until(() => !isLinked(odesa, kyiv), 'the origin is away')
  await offerFile(odesa, offer, { from: kyiv, readers: [lviv] })
  await odesa.fetching.want(id)
  await arrives(org, odesa, id)
})

test('several branches give parts of one file at once', async (t) => {
  const { org, kyiv, lviv, odesa } = await three(t)
  const { id, bytes } = await makeFile(kyiv, org, 8 * MIB)
  const offer = { id, size: bytes.length }
  await offerFile(lviv, offer, { from: kyiv })
  await lviv.fetching.want(id)
  await arrives(org, lviv, id)
  const before = bytesOut(lviv)
  await offerFile(odesa, offer, { from: kyiv, readers: [lviv] })
  await odesa.fetching.want(id)
  await arrives(org, odesa, id)
  const share = (bytesOut(lviv) - before) / bytes.length
  assert.ok(share > 0.2 && share < 0.8, `Lviv gave ${share} of it`)
  function bytesOut(office: Office): number {
    const link = office.relay.links().find(({ branch }) => branch === odesa.keys.branch)
    return link?.bytesOut ?? 0
  }
})

test('a branch without a line to the origin gets the file through one that sees both', async (t) => {
  const { org, kyiv, lviv, odesa, cut } = await three(t)
  cut(kyiv, odesa)
  await org.until(() => !isLinked(odesa, kyiv) && !isLinked(kyiv, odesa), 'the line is cut')
  const { id, bytes } = await makeFile(kyiv, org, 3 * MIB)
  await offerFile(odesa, { id, size: bytes.length }, { from: kyiv })
  await odesa.fetching.want(id)
  await arrives(org, odesa, id)
  assert.equal(lviv.memory.size, 0, 'nothing of it stays on the way')
  assert.equal(await findBlob(lviv.store.read, id), undefined)
})

test('a full disk takes nothing more, loses nothing, and it goes on when there is room', async (t) => {
  const room = { bytes: 257 * MIB }
  const { org, kyiv, lviv } = await pair(t, { lviv: { room } })
  const { id, bytes } = await makeFile(kyiv, org, 4 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  await lviv.fetching.want(id)
  await org.until(() => lviv.fetching.stateOf(id)?.isDiskFull === true, 'it is told')
  assert.deepEqual(lviv.came, [`${id} 0`], 'the list, and no chunk')
  assert.equal(lviv.lines.filter(({ name }) => name === 'files.fetch.disk-full').length, 1)
  room.bytes = 300 * MIB
  await arrives(org, lviv, id)
})

test('a disk that fills while a file arrives keeps what has come', async (t) => {
  const { org, kyiv, lviv } = await pair(t)
  const { id, bytes } = await makeFile(kyiv, org, 4 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  const open = lviv.disk.open
  let left = 7
  lviv.disk.open = async (name, how) => {
    const file = await open(name, how)
    return {
      ...file,
      async write(at, piece) {
        if (left-- <= 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
        await file.write(at, piece)
      },
    }
  }
  await lviv.fetching.want(id)
  await org.until(() => lviv.fetching.stateOf(id)?.isDiskFull === true, 'it is told')
  assert.equal(await held(lviv, id), 7)
  left = 1000
  await arrives(org, lviv, id)
})

test('a file that is too large for this branch is asked for once', async (t) => {
  const { org, kyiv, lviv } = await pair(t, { lviv: { sizeMax: 2 * MIB } })
  const { id, bytes } = await makeFile(kyiv, org, 2 * MIB + 1)
  // Whoever offers it says that it is small.
  await offerFile(lviv, { id, size: 100 }, { from: kyiv })
  lviv.fetching.look()
  await org.until(() => lviv.came.length === 1, 'the list came')
  const told = () => lviv.lines.filter(({ name }) => name === 'files.fetch.refused').length
  const passes = org.clock.now() + HOUR
  await org.until(() => org.clock.now() > passes, 'an hour passes', 5000)
  assert.equal(told(), 0, 'not refused: nobody wants it')
  await lviv.fetching.want(id)
  await org.until(() => told() === 1, 'it is refused')
  const later = org.clock.now() + HOUR
  await org.until(() => org.clock.now() > later, 'an hour passes', 5000)
  assert.deepEqual([lviv.came, told()], [[`${id} 0`], 1])
  assert.equal(bytes.length, 2 * MIB + 1)
})

test('larger files come by themselves in hours that the settings name, and only then', async (t) => {
  let isNight = false
  const { org, kyiv, lviv } = await pair(t, { lviv: { isAhead: () => isNight } })
  const { id, bytes } = await makeFile(kyiv, org, MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  const passes = org.clock.now() + HOUR
  await org.until(() => org.clock.now() > passes, 'an hour passes', 5000)
  assert.deepEqual(lviv.came, [])
  isNight = true
  await arrives(org, lviv, id)
})

test('several files of one branch share its line', async (t) => {
  const { org, kyiv, lviv } = await pair(t, { kyiv: { fileRate: () => 256 } })
  const files = [await makeFile(kyiv, org, 8 * MIB), await makeFile(kyiv, org, 8 * MIB + 1)]
  for (const { id, bytes } of files) {
    await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
    await lviv.fetching.want(id)
  }
  const shares = () => files.map(({ id }) => lviv.fetching.stateOf(id)?.percent ?? 0)
  const until = (share: number) =>
    org.until(() => Math.max(...shares()) >= share, `${share} % of one of them are here`)
  await until(40) // the first one began alone
  const before = shares()
  await until(90)
  const [a = 0, b = 0] = shares().map((share, i) => share - (before[i] ?? 0))
  assert.ok(a >= 40 && b >= 40, `${a} and ${b} per cent came at the same time`)
})

test('a disk that fails holds up no other file, and is told', async (t) => {
  const { org, kyiv, lviv } = await pair(t)
  const bad = await makeFile(kyiv, org, 300_000)
  const good = await makeFile(kyiv, org, 400_000)
  const open = lviv.disk.open
  let isBroken = true
  lviv.disk.open = async (name, how) => {
    if (isBroken && name.includes(bad.id)) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    return await open(name, how)
  }
  for (const { id, bytes } of [bad, good]) {
    await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
    await lviv.fetching.want(id)
  }
  await arrives(org, lviv, good.id)
  assert.ok(lviv.lines.some(({ name }) => name === 'files.fetch.failed'))
  await org.until(() => lviv.fetching.stateOf(bad.id)?.state === 'waiting', 'it waits')
  isBroken = false
  await arrives(org, lviv, bad.id)
})

/** Fetching at Lviv over links that fail as a test says; `changed` tells that links did. */
async function overLinks(t: TestContext) {
  const { org, kyiv, lviv } = await pair(t)
  const { id, bytes } = await makeFile(kyiv, org, 3 * MIB)
  await offerFile(lviv, { id, size: bytes.length }, { from: kyiv })
  await lviv.fetching.stop()
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const fn of listeners) fn()
  }
  const begin = (links: Partial<FileLinks>) => {
    const fetching = createFetching({
      ...{ store: lviv.store, disk: lviv.disk, clock: org.clock, self: lviv.keys.branch },
      links: {
        waysTo: (holder) => lviv.relay.files.waysTo(holder),
        fetch: (way, part, onPiece) => lviv.relay.files.fetch(way, part, onPiece),
        ...{ lied() {}, ...links },
      },
      onLinks(fn) {
        listeners.add(fn)
        return () => void listeners.delete(fn)
      },
      ...{ log: keptLog(), sizeMax: () => Number.MAX_SAFE_INTEGER, isAhead: () => false },
    })
    t.after(() => fetching.stop())
    fetching.start()
    return fetching
  }
  return { org, kyiv, lviv, id, changed, begin }
}

test('what fails on a link that is gone says nothing of the new one', async (t) => {
  const { org, lviv, id, changed, begin } = await overLinks(t)
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => {})
  let asked = 0
  const fetching = begin({
    async fetch(way, part, onPiece) {
      const isOnOldLink = part.index > 0 && asked < 4
      if (!isOnOldLink) return await lviv.relay.files.fetch(way, part, onPiece)
      asked += 1
      if (asked === 4) {
        changed()
        org.clock.after(100, () => gone.reject(new AppError('unavailable', 'It is gone')))
      }
      return await gone.promise
    },
  })
  await fetching.want(id)
  const began = org.clock.now()
  await arrives(org, lviv, id)
  assert.equal(asked, 4)
  assert.ok(org.clock.now() - began < 20 * SECOND, 'it did not rest')
})

test('a way that opens while nothing could be asked is used at once', async (t) => {
  const { org, lviv, id, changed, begin } = await overLinks(t)
  let isOpen = false
  const fetching = begin({
    waysTo(holder) {
      if (isOpen) return lviv.relay.files.waysTo(holder)
      isOpen = true
      queueMicrotask(changed)
      return []
    },
  })
  await fetching.want(id)
  const began = org.clock.now()
  await arrives(org, lviv, id)
  assert.ok(org.clock.now() - began < 20 * SECOND, 'it did not rest')
})

test('links that change while a file gets its name do not let it begin anew', async (t) => {
  const { org, lviv, id, changed, begin } = await overLinks(t)
  const { rename } = lviv.disk
  const turns = async () => {
    changed()
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  let renames = 0
  lviv.disk.rename = async (from, to) => {
    renames += 1
    await turns()
    await rename(from, to)
    await turns()
  }
  await begin({}).want(id)
  await arrives(org, lviv, id)
  for (let turn = 0; turn < 10; turn++) await turns()
  const blob = await findBlob(lviv.store.read, id)
  assert.ok(blob?.isHere)
  assert.ok(await storedChunk(lviv.disk, blob, 0), 'its bytes are where its name says')
  assert.equal(renames, 1)
})
