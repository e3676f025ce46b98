/** Links on lines of 64 kbit/s, by a pretended clock: what people wait for is not held up by what is large. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../db/store.ts'
import { slowNetwork } from '../support/slow.ts'
import { isLinked, openOffice, organisation, twoOffices } from './company.ts'

const BYTES_PER_MS = 8
const STEP_MS = 10
const KIB = 1024

async function slowOffices(t: TestContext, photos: readonly Uint8Array[] = []) {
  const org = organisation()
  const slowness = { clock: org.clock, bytesPerMs: BYTES_PER_MS, delayMs: 20 }
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const door = (host: string) => slowNetwork(org.network.door(host), slowness)
  const blobs = new Map(photos.map((bytes) => [hashOf(bytes).slice(0, 32), bytes]))
  const kyiv = await openOffice({ ...kyivOptions, blobs, network: door(kyivOptions.host) })
  const lviv = await openOffice({ ...lvivOptions, network: door(lvivOptions.host) })
  for (const office of [kyiv, lviv]) {
    t.after(() => office.stop())
    await office.relay.start()
  }
  await org.until(() => isLinked(kyiv, lviv) && isLinked(lviv, kyiv), 'both are linked', STEP_MS)
  /** How long a message takes now, in pretended milliseconds. */
  const timeOf = async (text: string, from = kyiv, to = lviv) => {
    const began = org.clock.now()
    await from.post(text, to)
    await org.until(() => to.texts().includes(text), `"${text}" arrives`, STEP_MS)
    return org.clock.now() - began
  }
  return { org, kyiv, lviv, timeOf }
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const photoOf = (n: number) => new Uint8Array(24 * KIB).map((_, i) => (i * (n + 3)) % 251)

test('messages are not held up by photos, and all photos come, on 64 kbit/s', async (t) => {
  const photos = Array.from({ length: 14 }, (_, n) => photoOf(n))
  const { org, kyiv, lviv, timeOf } = await slowOffices(t, photos)
  const alone = await timeOf('alone')
  const got = photos.map((bytes) => lviv.relay.fetchBlob(kyiv.keys.branch, hashOf(bytes)))
  let isDone = false
  const all = Promise.allSettled(got).finally(() => {
    isDone = true
  })
  const times: number[] = []
  for (let n = 0; !isDone; n++) {
    times.push(await timeOf(`beside ${n}`))
    const next = org.clock.now() + 500
    await org.until(() => org.clock.now() >= next, 'half a second', STEP_MS)
  }
  const failed = (await all).filter(({ status }) => status === 'rejected')
  assert.equal(failed.length, 0, `${failed.length} photos failed`)
  assert.ok(times.length > 20, `only ${times.length} messages were tried`)
  const longest = Math.max(...times)
  assert.ok(longest < alone + 700, `alone ${alone} ms, beside photos up to ${longest} ms`)
})

test('a backlog one way holds up nothing the other way, and no signals', async (t) => {
  const { org, kyiv, lviv, timeOf } = await slowOffices(t)
  const alone = await timeOf('alone')
  for (let n = 0; n < 200; n++) await kyiv.post(`backlog ${n} ${'x'.repeat(300)}`, lviv)
  const times: number[] = []
  const signals: number[] = []
  for (let n = 0; !lviv.texts().some((text) => text.startsWith('backlog 199')); n++) {
    times.push(await timeOf(`back ${n}`, lviv, kyiv))
    const began = org.clock.now()
    let isHeard = false
    const unheard = lviv.relay.onSignal(() => {
      isHeard = true
    })
    const signal = { kind: 2, key: '0a'.repeat(16), ttl: 6, body: new Uint8Array(32) }
    kyiv.relay.sendSignal(lviv.keys.branch, signal)
    await org.until(() => isHeard, 'the signal is heard', STEP_MS)
    unheard()
    signals.push(org.clock.now() - began)
  }
  assert.ok(times.length > 10, `only ${times.length} messages were tried`)
  assert.ok(Math.max(...times) < alone + 500, `alone ${alone} ms, back up to ${Math.max(...times)}`)
  assert.ok(Math.max(...signals) < 700, `signals up to ${Math.max(...signals)} ms`)
})

test('a block overtakes a thousand messages that wait on 64 kbit/s, what is not urgent does not', async (t) => {
  const { org, kyiv, lviv } = await slowOffices(t)
  for (let n = 0; n < 1000; n++) await kyiv.post(`backlog ${n} ${'x'.repeat(300)}`, lviv)
  await org.until(() => lviv.texts().length > 0, 'the backlog has begun', STEP_MS)
  const arrivalOf = async (text: string) => {
    const [began, before] = [org.clock.now(), lviv.texts().length]
    await kyiv.publish(text)
    const isHere = () => lviv.record.seen.some((event) => event.body.text === text)
    await org.until(isHere, `"${text}" arrives`, STEP_MS)
    return { ms: org.clock.now() - began, messages: lviv.texts().length - before }
  }
  const plain = await arrivalOf('somebody moved to another room')
  assert.ok(plain.messages > 10, `${plain.ms} ms, ${plain.messages} messages went first`)
  const urgent = await arrivalOf('urgent: somebody is blocked')
  assert.ok(urgent.ms < 1000, `${urgent.ms} ms`)
  assert.ok(urgent.messages < 10, `${urgent.messages} messages went first`)
})
