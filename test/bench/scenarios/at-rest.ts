/** What a branch costs when nothing happens: memory, and the time until its first page. */
import { rmSync } from 'node:fs'
import { startFloor } from '../floor.ts'
import { Connection, openStream } from '../http.ts'
import { type Bench, inTurn, type Scenario, scaled } from '../scenario.ts'
import { copyOf, removeCopy, residentKib, start, statusOf, stop } from '../servers.ts'
import { pause, spread } from '../wait.ts'

const STREAMS = 1000
/** So long nothing happens before memory is read: collectors of garbage come when it is quiet. */
const REST_MS = 15_000

type Memory = { idleMb: number; perStreamKb: number }
type Listener = { port: number; path: string; token?: string | undefined }

async function memoryOf(bench: Bench, pid: number, listenerOf: (i: number) => Listener) {
  const rest = Math.max(1000, REST_MS * bench.scale)
  const count = scaled(bench, STREAMS, 50)
  await pause(rest)
  const idleKib = residentKib(pid)
  const streams: { close(): void }[] = []
  await spread(count, 20, async (i) => {
    streams.push(await openStream({ ...listenerOf(i), onBytes: () => {} }))
  })
  await pause(rest)
  const perStreamKb = (residentKib(pid) - idleKib) / count
  for (const stream of streams) stream.close()
  return { idleMb: idleKib / 1024, perStreamKb }
}

async function oursAtRest(bench: Bench): Promise<Memory> {
  const { kyiv, atKyiv } = await bench.company()
  const site = copyOf(kyiv, bench.folder)
  const server = await start(site)
  try {
    const person = (i: number) => atKyiv[i % atKyiv.length]
    return await memoryOf(bench, server.pid, (i) => {
      return { port: server.port, path: '/api/v1/events', token: person(i)?.token }
    })
  } finally {
    await stop(server.process)
    removeCopy(site)
  }
}

async function floorAtRest(bench: Bench): Promise<Memory> {
  const floor = await startFloor(bench.folder)
  try {
    const listener = { port: floor.port, path: '/events' }
    return await memoryOf(bench, floor.process.pid ?? 0, () => listener)
  } finally {
    await floor.end()
  }
}

/** Resident memory with nobody, and what a thousand idle streams add. */
export const memory: Scenario = async (bench) => {
  const { ours, floor } = await inTurn(bench, {
    ours: () => oursAtRest(bench),
    floor: () => floorAtRest(bench),
  })
  const of = (name: keyof Memory) => ({
    values: ours.map((run) => run[name]),
    floor: floor.map((run) => run[name]),
  })
  return [
    { figure: 'idle server', unit: 'MB', ...of('idleMb'), note: '1,300 accounts known' },
    { figure: 'per idle stream, plain', unit: 'KB', ...of('perStreamKb') },
  ]
}

/** Spawn to the last byte of a page that answers 200, in ms. */
async function firstPage(port: number, startIt: () => Promise<() => Promise<void>>) {
  if ((await statusOf({ port }, '/')) !== 0) throw new Error('Something else answers there')
  const began = performance.now()
  const end = await startIt()
  try {
    for (;;) {
      const connection = new Connection({ port })
      const answer = await connection
        .ask({ method: 'GET', path: '/sign-in' })
        .catch(() => undefined)
      connection.close()
      if (answer?.status === 200) return performance.now() - began
      if (performance.now() - began > 30_000) throw new Error('No page within 30 s')
      await pause(2)
    }
  } finally {
    await end()
  }
}

/** Starts with a warm disk; the second figure is the very first start, before Node's compile cache exists. */
export const coldStart: Scenario = async (bench) => {
  const { kyiv } = await bench.company()
  const site = copyOf(kyiv, bench.folder)
  const startOurs = async () => {
    const server = await start(site, { wait: false, nodeFlags: bench.nodeFlags })
    return () => stop(server.process)
  }
  const first: number[] = []
  for (let run = 0; run < bench.runs; run++) {
    rmSync(`${site.data}/cache`, { recursive: true, force: true })
    first.push(await firstPage(site.port, startOurs))
  }
  // The floor's port is known only once it has started: its second start takes the same one.
  const before = await startFloor(bench.folder)
  await stop(before.process, 'SIGKILL')
  const { ours, floor } = await inTurn(
    { ...bench, runs: bench.runs + 2 },
    {
      ours: () => firstPage(site.port, startOurs),
      floor: () =>
        firstPage(before.port, async () => {
          const again = await startFloor(bench.folder, { again: before })
          return () => stop(again.process, 'SIGKILL')
        }),
    },
  )
  await before.end()
  removeCopy(site)
  return [
    { figure: 'first page', unit: 'ms', values: ours, floor, note: 'compile cache is warm' },
    { figure: 'first page, no compile cache', unit: 'ms', values: first, floor },
  ]
}
