/**
 * A disk that fills at the receiver, in real processes: its folder is a small file system in memory, which only it sees
 * (a mount namespace). First a file does not fit beside what is kept for messages; then one arrives and others fill the
 * disk to its last byte. Every time it waits, says why, chats go on as far as they fit, and it goes on where it was.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { foundTwo } from '../bench/company.ts'
import type { Site } from '../bench/servers.ts'
import { pause, until } from '../bench/wait.ts'
import { knows } from '../scenarios/company.ts'
import { Client } from '../scenarios/servers.ts'
import { Branch, quietPorts } from '../soak/branch.ts'
import { checkDatabase, checkLog, Problems } from '../soak/checks.ts'
import { Card } from './card.ts'
import { Drawing } from './drawing.ts'
import { taken, uploaded } from './uploading.ts'

const MIB = 2 ** 20
/** What branches keep for messages (src/files/blobs.ts), and so much more. */
const DISK_MIB = 256 + 160
const FILE_BYTES = 60 * MIB
/** kbit/s: 60 MiB last eight seconds, so that there is a middle. */
const RATE = ['--file-rate', '64000']
const WAITS_MS_MAX = 90_000
const LEAST_FREE_BYTES = 4096

/** Whether this system lets us mount for ourselves: as root, or as a user with namespaces of its own. */
export function waysToMount(): readonly string[] | undefined {
  const ways = [
    ['unshare', '-m'],
    ['unshare', '-Urm'],
  ]
  const works = ([command = '', ...args]: string[]) =>
    spawnSync(command, [...args, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
  return ways.find(works)
}

export type Filled = { seconds: Record<string, number>; told: string[]; problems: string[] }

type Scene = {
  receiver: Branch
  ada: Client
  lev: Client
  chat: string
  /** Signed in before: that is written, too. */
  card: Card
  problems: Problems
  told: string[]
  seconds: Record<string, number>
}

/** Runs it; `say` hears how it goes. */
export async function fillDisk(
  folder: string,
  { seed, way }: { seed: number; way: readonly string[] },
  say: (text: string) => void,
): Promise<Filled> {
  const [sender, receiver] = await founded(folder, way)
  const [ada, lev] = [await Client.signIn(sender, 'ada'), await Client.signIn(receiver, 'lev')]
  await until('they know each other', () => knows(ada, 'lev'))
  const chat = await ada.directWith('lev')
  const [problems, told, seconds] = [new Problems(), [], {}]
  const card = await Card.signIn(receiver.origin, 'lev')
  const scene: Scene = { receiver, ada, lev, chat, card, problems, told, seconds }
  await chatGoesOn(scene, 'before')
  say('No room before it begins')
  await tooFullToBegin(scene, new Drawing(`full/${seed}/1`, FILE_BYTES, 'first.bin'))
  say('The disk fills to the last byte while it arrives')
  await fillsMeanwhile(scene, new Drawing(`full/${seed}/2`, FILE_BYTES / 2, 'second.bin'))
  for (const branch of [sender, receiver]) {
    await branch.end()
    // The other one's folder went with its process, and its log tells of a full disk.
    if (branch === sender) {
      checkDatabase(problems, branch)
      checkLog(problems, branch)
    }
    for (const fault of branch.faults) problems.add('process', fault)
  }
  return { seconds, told, problems: problems.told }
}

async function founded(folder: string, way: readonly string[]): Promise<[Branch, Branch]> {
  const [a = 0, b = 0, c = 0, d = 0] = await quietPorts(4, Math.random)
  const siteOf = (name: string, [port, relayPort]: readonly [number, number]): Site => {
    const data = join(folder, name.toLowerCase())
    mkdirSync(data)
    const listening = ['--listen', `127.0.0.1:${port}`, '--relay', `127.0.0.1:${relayPort}`]
    return { name, data, port, relayPort, listening: [...listening, ...RATE] }
  }
  const lviv = siteOf('Lviv', [c, d])
  const mounted = `mount -t tmpfs -o size=${DISK_MIB}m,mode=700 tmpfs ${lviv.data} && exec "$@"`
  const sites: [Site, Site] = [
    siteOf('Kyiv', [a, b]),
    { ...lviv, within: [...way, 'sh', '-c', mounted, 'sh'] },
  ]
  const servers = await foundTwo(folder, sites)
  const branches: [Branch, Branch] = [new Branch(sites[0], []), new Branch(sites[1], [])]
  for (const [i, branch] of branches.entries()) {
    const server = servers[i]
    if (server) branch.adopt(server)
  }
  return branches
}

/** The folder as the receiver sees it. */
function inside({ receiver }: Scene, name = ''): string {
  return join(`/proc/${receiver.lives.at(-1)?.pid}/root`, receiver.site.data, name)
}

const freeBytes = (scene: Scene) => {
  const { bavail, bsize } = statfsSync(inside(scene))
  return bavail * bsize
}

/** Fills the disk so that so much stays free; the server writes meanwhile and may have had the last of it. */
function fill(scene: Scene, leave: number): void {
  const bytes = Math.max(0, freeBytes(scene) - leave)
  try {
    for (let at = 0; at < bytes; at += 8 * MIB) {
      const piece = new Uint8Array(Math.min(8 * MIB, bytes - at))
      writeFileSync(inside(scene, `filler-${at}`), piece)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}

function makeRoom(scene: Scene): void {
  for (const name of readdirSync(inside(scene))) {
    if (name.startsWith('filler-')) rmSync(inside(scene, name))
  }
}

async function send({ ada, chat }: Scene, drawing: Drawing): Promise<string> {
  const upload = await uploaded(ada, drawing)
  const draft = { body: drawing.name, clientId: drawing.name, files: [upload?.id] }
  const path = `/conversations/${chat}/messages`
  const { files } = await ada.call<{ files: { id: string }[] }>('POST', path, draft)
  return files[0]?.id ?? ''
}

/** A text each way arrives. */
async function chatGoesOn({ ada, lev, chat, problems }: Scene, when: string): Promise<void> {
  const texts = [`ada writes ${when}`, `lev writes ${when}`]
  try {
    await ada.post(chat, texts[0] ?? '')
    const has = async (client: Client, body: string) =>
      (await client.messages(chat)).some((message) => message.body === body)
    await until('it comes', () => has(lev, texts[0] ?? ''))
    await lev.post(chat, texts[1] ?? '')
    await until('it comes', () => has(ada, texts[1] ?? ''))
  } catch (error) {
    problems.add('chat does not go on', `${when}: ${String(error)}`)
  }
}

async function waitsInWords(scene: Scene, file: string, when: string): Promise<void> {
  const { card, problems, told } = scene
  let words = ''
  const isTold = async () => {
    words = (await card.of(file))?.words ?? ''
    return words.includes('waits for room')
  }
  await until('the card says why', isTold, { everyMs: 200, withinMs: WAITS_MS_MAX }).catch(() =>
    problems.add('the card does not say why', `${when}: ${words}`),
  )
  const page = (await card.page('/admin/files')) ?? ''
  const line = /<span class="state bad">(The disk is full[^<]*)</.exec(page)?.[1]
  if (line === undefined) problems.add('the page of administrators does not say why', when)
  told.push(`${when}: "${words}", "${line}"`)
}

async function comesWhole(
  scene: Scene,
  {
    file,
    drawing,
    what,
  }: {
    file: string
    drawing: Drawing
    what: string
  },
): Promise<void> {
  const began = performance.now()
  let sha256: string | undefined
  const isHere = async () => {
    const found = await taken(scene.lev, file).catch(() => undefined)
    sha256 = found?.status === 200 ? found.sha256 : undefined
    return sha256 !== undefined
  }
  await until('it is here', isHere, { everyMs: 250, withinMs: 2 * WAITS_MS_MAX }).catch(() => {})
  scene.seconds[what] = (performance.now() - began) / 1000
  if (sha256 !== drawing.sha256) scene.problems.add('not whole', `${drawing.name}: ${sha256}`)
}

async function tooFullToBegin(scene: Scene, drawing: Drawing): Promise<void> {
  fill(scene, 256 * MIB + drawing.size / 2)
  const file = await send(scene, drawing)
  await until('its message comes', async () => (await taken(scene.lev, file)).status === 409)
  await waitsInWords(scene, file, 'before it begins')
  await chatGoesOn(scene, 'while it waits')
  makeRoom(scene)
  await comesWhole(scene, { file, drawing, what: 'from room to whole, before it begins' })
}

async function fillsMeanwhile(scene: Scene, drawing: Drawing): Promise<void> {
  // What is here already takes its place; there is room for this one and little more.
  const file = await send(scene, drawing)
  await until('its message comes', async () => (await taken(scene.lev, file)).status === 409)
  const partial = () => arrived(scene)
  await until('some of it is here', () => partial() > drawing.size / 4)
  fill(scene, LEAST_FREE_BYTES)
  const before = partial()
  await pause(3000)
  await waitsInWords(scene, file, 'to the last byte')
  const said = await scene.lev.post(scene.chat, 'lev writes to a full disk').then(
    () => 'it was stored',
    (error: Error) => error.message,
  )
  scene.told.push(`who writes there: ${said}`)
  if (partial() < before) scene.problems.add('what had come is lost', `${partial()} of ${before}`)
  makeRoom(scene)
  await comesWhole(scene, { file, drawing, what: 'from room to whole, in the middle' })
  await chatGoesOn(scene, 'after it')
}

/** Bytes of the one file that arrives, as far as it reaches. */
function arrived(scene: Scene): number {
  const folder = inside(scene, 'blobs/partial')
  const sizeOf = (name: string) =>
    statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  try {
    return readdirSync(folder).reduce((sum, name) => sum + sizeOf(name), 0)
  } catch {
    return 0 // there is no folder before the first one
  }
}
