/** Parts of files over links: asked for, given, passed on, cut off; beside mail, and under a ceiling. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { KIB, SECOND } from '../../src/base/units.ts'
import type { Way } from '../../src/relay/file-ways.ts'
import { temporaryFolder } from '../db/store.ts'
import { slowNetwork } from '../support/slow.ts'
import {
  isLinked,
  type Office,
  type OfficeOptions,
  openOffice,
  organisation,
  threeOffices,
  twoOffices,
} from './company.ts'

const CHUNK = new Uint8Array(256 * KIB + 16).map((_, i) => (i * 7) % 251)
const FILE = hash('sha256', CHUNK, 'hex').slice(0, 32)

/** Answers of a branch that holds one chunk, and what it was asked. */
function holder() {
  const asked: string[] = []
  const blobOf = async (file: string, index: number) => {
    asked.push(`${file} ${index}`)
    return file === FILE && index === 3 ? CHUNK : undefined
  }
  return { asked, blobOf }
}

async function linkedPair(
  t: TestContext,
  extra: { kyiv?: Partial<OfficeOptions>; lviv?: Partial<OfficeOptions>; bytesPerMs?: number },
) {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const { bytesPerMs } = extra
  const network = (host: string) => {
    const door = org.network.door(host)
    return bytesPerMs === undefined
      ? door
      : slowNetwork(door, { clock: org.clock, bytesPerMs, delayMs: 20 })
  }
  const of = { kyiv: network(kyivOptions.host), lviv: network(lvivOptions.host) }
  const kyiv = await openOffice({ ...kyivOptions, network: of.kyiv, ...extra.kyiv })
  const lviv = await openOffice({ ...lvivOptions, network: of.lviv, ...extra.lviv })
  for (const office of [kyiv, lviv]) {
    t.after(() => office.stop())
    await office.relay.start()
  }
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'they are linked')
  const way: Way = { holder: kyiv.keys.branch, by: kyiv.keys.branch }
  return { org, kyiv, lviv, way }
}

/** What a fetch came to: bytes, undefined, or the words of its failure. */
function fetching(office: Office, way: Way, index = 3) {
  const got: { result?: Uint8Array | string | undefined; pieces: number; isOver: boolean } = {
    ...{ pieces: 0, isOver: false },
  }
  const part = { file: FILE, index, bytesMax: CHUNK.length }
  office.relay.files
    .fetch(way, part, () => {
      got.pieces += 1
    })
    .catch((error: Error) => error.message)
    .then((result) => {
      got.result = result
      got.isOver = true
    })
  return got
}

test('a chunk comes in pieces and is whole; what is not there is answered at once', async (t) => {
  const { asked, blobOf } = holder()
  const { org, lviv, way } = await linkedPair(t, { kyiv: { blobOf } })
  assert.deepEqual(lviv.relay.files.waysTo(way.holder), [way])
  const chunk = fetching(lviv, way)
  const none = fetching(lviv, way, 4)
  await org.until(() => chunk.isOver && none.isOver, 'both are answered')
  assert.deepEqual(chunk.result, CHUNK)
  assert.ok(chunk.pieces >= 17, `${chunk.pieces} pieces`)
  assert.equal(none.result, undefined)
  assert.deepEqual(asked, [`${FILE} 3`, `${FILE} 4`])
})

test('a chunk that is longer than its list says ends the link', async (t) => {
  const { blobOf } = holder()
  const { org, lviv, way } = await linkedPair(t, { kyiv: { blobOf } })
  const part = { file: FILE, index: 3, bytesMax: CHUNK.length - 1 }
  const failed = lviv.relay.files.fetch(way, part).then(
    () => 'came',
    (error: Error) => error.message,
  )
  const isNoticed = () => lviv.lines.some(({ name }) => name === 'relay.link.broken-rule')
  await org.until(isNoticed, 'it is noticed')
  assert.match(await failed, /link is gone/)
})

test('a line that is cut fails what was under way, at once', async (t) => {
  const { blobOf } = holder()
  const { org, kyiv, lviv, way } = await linkedPair(t, { kyiv: { blobOf }, bytesPerMs: 8 })
  const chunk = fetching(lviv, way)
  await org.until(() => chunk.pieces > 3, 'some of it has come')
  kyiv.relay.setCut(true)
  await org.until(() => chunk.isOver, 'it has failed')
  assert.match(String(chunk.result), /link is gone/)
})

test('a holder that answers nothing is given up after a minute', async (t) => {
  const blobOf = () => new Promise<undefined>(() => {})
  const { org, lviv, way } = await linkedPair(t, { kyiv: { blobOf } })
  const began = org.clock.now()
  const chunk = fetching(lviv, way)
  await org.until(() => chunk.isOver, 'it has failed', 500)
  assert.match(String(chunk.result), /Nothing came/)
  const took = org.clock.now() - began
  assert.ok(took >= 60 * SECOND && took < 62 * SECOND, `${took} ms`)
})

test('mail is not held up by chunks on 64 kbit/s, and photos wait for no chunk', async (t) => {
  const photo = new Uint8Array(9_000).map((_, i) => i % 253)
  const sha256 = hash('sha256', photo, 'hex')
  const blobOf = async (file: string, index: number) =>
    index > 0 ? CHUNK : file === sha256.slice(0, 32) ? photo : undefined
  const { org, kyiv, lviv, way } = await linkedPair(t, { kyiv: { blobOf }, bytesPerMs: 8 })
  const timeOf = async (text: string) => {
    const began = org.clock.now()
    await kyiv.post(text, lviv)
    await org.until(() => lviv.texts().includes(text), text, 10)
    return org.clock.now() - began
  }
  const alone = await timeOf('alone')
  const chunks = [1, 2, 3, 4].map((index) => fetching(lviv, way, index))
  await org.until(() => chunks[0]?.pieces === 3, 'the first one comes', 10)
  let seen: number | undefined
  const began = org.clock.now()
  void lviv.relay.fetchBlob(kyiv.keys.branch, sha256).then(() => {
    seen = org.clock.now() - began
  })
  const times: number[] = []
  for (let n = 0; n < 12; n++) {
    times.push(await timeOf(`beside ${n}`))
    const next = org.clock.now() + 700
    await org.until(() => org.clock.now() >= next, 'a while', 10)
  }
  assert.ok(!chunks.every(({ isOver }) => isOver), 'chunks were under way all the time')
  const longest = Math.max(...times)
  assert.ok(longest < alone + 700, `alone ${alone} ms, beside chunks up to ${longest} ms`)
  await org.until(() => seen !== undefined, 'the photo is here', 10)
  // 32 KiB stand before it, and mail had its share.
  assert.ok((seen ?? 0) < 12 * SECOND, `the photo took ${seen} ms`)
})

test('files take no more of a fast line than they may, whichever side says so', async (t) => {
  for (const side of ['kyiv', 'lviv'] as const) {
    const { blobOf } = holder()
    const limited = { fileRate: () => 32 } // bytes in a millisecond: 256 kbit/s
    const { org, lviv, way } = await linkedPair(t, {
      kyiv: { blobOf: async (_, index) => (index > 0 ? CHUNK : await blobOf('', 0)) },
      [side]: {
        ...(side === 'kyiv' && { blobOf: async () => CHUNK }),
        ...limited,
      },
    })
    const began = org.clock.now()
    const chunks = [1, 2, 3, 4].map((index) => fetching(lviv, way, index))
    await org.until(() => chunks.every(({ isOver }) => isOver), 'all are here')
    const rate = (4 * CHUNK.length) / (org.clock.now() - began)
    // The window that the link begins with, 256 KiB, is given at once, and so is the first grant of 64 KiB.
    assert.ok(rate > 24 && rate < 48, `${side}: ${rate} bytes in a millisecond`)
  }
})

test('who sees both passes a chunk on, keeps nothing, and asks nobody else', async (t) => {
  const { asked, blobOf } = holder()
  const { org, setCut, kyiv, lviv, odesa } = await threeOffices(t, { blobOf })
  t.after(() => Promise.all([kyiv, lviv, odesa].map((office) => office.stop())))
  setCut(kyiv, odesa, true)
  await org.until(() => !isLinked(kyiv, odesa), 'the line is cut')
  const way = { holder: odesa.keys.branch, by: lviv.keys.branch }
  const leads = () => kyiv.relay.files.waysTo(odesa.keys.branch).some(({ by }) => by === way.by)
  await org.until(leads, 'Lviv leads to Odesa')
  const chunk = fetching(kyiv, way)
  const none = fetching(kyiv, way, 9)
  await org.until(() => chunk.isOver && none.isOver, 'both are answered')
  assert.deepEqual(chunk.result, CHUNK)
  assert.equal(none.result, undefined)
  assert.deepEqual(asked, [`${FILE} 3`, `${FILE} 9`])
  const own = fetching(kyiv, { holder: lviv.keys.branch, by: lviv.keys.branch })
  await org.until(() => own.isOver, 'Lviv answers for itself')
  assert.equal(own.result, undefined)
})

test('a holder that gives too much behind another branch costs no link between honest ones', async (t) => {
  const { blobOf } = holder()
  const { org, setCut, kyiv, lviv, odesa } = await threeOffices(t, { blobOf })
  t.after(() => Promise.all([kyiv, lviv, odesa].map((office) => office.stop())))
  setCut(kyiv, odesa, true)
  const way = { holder: odesa.keys.branch, by: lviv.keys.branch }
  const leads = () => kyiv.relay.files.waysTo(odesa.keys.branch).some(({ by }) => by === way.by)
  await org.until(leads, 'Lviv leads to Odesa')
  const part = { file: FILE, index: 3, bytesMax: CHUNK.length - 1 }
  let said = ''
  kyiv.relay.files.fetch(way, part).catch((error: Error) => {
    said = error.message
  })
  await org.until(() => said !== '', 'it has failed')
  assert.match(said, /longer than its list/)
  assert.ok(isLinked(kyiv, lviv))
  const next = fetching(kyiv, way, 9)
  await org.until(() => next.isOver, 'the link serves on')
  assert.equal(next.result, undefined)
})

test('what breaks off behind the branch that passes it on is told at once', async (t) => {
  const { blobOf } = holder()
  const { org, setCut, kyiv, lviv, odesa } = await threeOffices(t, {
    blobOf,
    fileRate: () => 4, // 32 kbit/s
  })
  t.after(() => Promise.all([kyiv, lviv, odesa].map((office) => office.stop())))
  setCut(kyiv, odesa, true)
  const way = { holder: odesa.keys.branch, by: lviv.keys.branch }
  const leads = () => kyiv.relay.files.waysTo(odesa.keys.branch).some(({ by }) => by === way.by)
  await org.until(leads, 'Lviv leads to Odesa')
  const chunk = fetching(kyiv, way)
  await org.until(() => chunk.pieces > 2, 'some of it has come')
  odesa.relay.setCut(true)
  await org.until(() => chunk.isOver, 'it has failed')
  assert.match(String(chunk.result), /broken off/)
})

test('a branch that carries nothing passes nothing on', async (t) => {
  const { asked, blobOf } = holder()
  const { org, kyiv, lviv } = await linkedPair(t, { kyiv: { blobOf, passesOn: false } })
  const way = { holder: '0f'.repeat(16) as typeof kyiv.keys.branch, by: kyiv.keys.branch }
  const chunk = fetching(lviv, way, 5)
  await org.until(() => chunk.isOver, 'it is answered')
  assert.equal(chunk.result, undefined)
  assert.deepEqual(asked, [`${FILE} 5`])
})

test('a part that cannot be read counts as not here, and costs no link', async (t) => {
  const blobOf = async () => {
    throw new Error('EIO')
  }
  const { org, kyiv, lviv, way } = await linkedPair(t, { kyiv: { blobOf } })
  const chunks = [1, 2, 3].map((index) => fetching(lviv, way, index))
  await org.until(() => chunks.every(({ isOver }) => isOver), 'all are answered')
  assert.deepEqual(
    chunks.map(({ result }) => result),
    [undefined, undefined, undefined],
  )
  assert.equal(kyiv.lines.filter(({ name }) => name === 'relay.blob-failed').length, 3)
  assert.ok(isLinked(lviv, kyiv))
})
