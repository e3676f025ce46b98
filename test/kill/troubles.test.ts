/** The troubles of the kill trial do what they say: so many deaths, over the whole load, and lines that lose no byte. */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { freePort } from '../scenarios/servers.ts'
import { chanceOf } from '../sim/chance.ts'
import type { Branch } from '../soak/branch.ts'
import { openLine } from '../soak/line.ts'
import { kill } from './troubles.ts'

test('as many processes die as were asked for, over the whole load, and all run at the end', async () => {
  let done = 0
  const diedAt: number[] = []
  const running = new Map<string, boolean>()
  const branches = ['Kyiv', 'Lviv', 'Odesa'].map((name) => {
    running.set(name, true)
    const live = async () => void running.set(name, true)
    const die = async () => {
      assert.equal(running.get(name), true, 'who is dead cannot die')
      running.set(name, false)
      diedAt.push(done)
    }
    return { name, kill: die, start: live, launch: live } as unknown as Branch
  })
  const counts = await kill({
    ...{ company: { branches }, chance: chanceOf(7, 'kills'), kills: 200 },
    progress: () => done,
    wait: async () => {
      done = Math.min(1, done + 0.0005)
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
  assert.equal(diedAt.length, 200)
  assert.equal((counts.Kyiv ?? 0) + (counts.Lviv ?? 0) + (counts.Odesa ?? 0), 200)
  assert.ok([...running.values()].every(Boolean))
  const late = diedAt.filter((at) => at > 0.5).length
  assert.ok(late > 70 && late < 130, `${late} of 200 in the second half`)
})

test('a lossy line and a silent one lose and reorder nothing', async (t) => {
  const sent = new Uint8Array(100_000).map((_, i) => (i * 7) % 251)
  const got: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('data', (chunk: Buffer) => got.push(chunk))
    socket.on('error', () => {})
  })
  t.after(() => server.close())
  const [to, port] = [await freePort(), await freePort()]
  await new Promise<void>((resolve) => server.listen(to, '127.0.0.1', resolve))
  const chance = chanceOf(1, 'weather')
  const line = await openLine({ port, to, weather: () => (chance.isLucky(0.2) ? 3 : 0) })
  t.after(() => line.close())
  const caller = connect({ port, host: '127.0.0.1' })
  t.after(() => caller.destroy())
  caller.on('error', () => {})
  const length = () => got.reduce((sum, chunk) => sum + chunk.length, 0)
  const until = async (bytes: number) => {
    while (length() < bytes) await new Promise((resolve) => setImmediate(resolve))
  }
  caller.write(sent.subarray(0, 60_000))
  await until(10_000)
  line.cut('silent')
  caller.write(sent.subarray(60_000))
  await line.heal()
  await until(sent.length)
  assert.deepEqual(new Uint8Array(Buffer.concat(got)), sent)
})
