/**
 * A large drawing goes from one office to another over a thin line, and people write all the time: what their texts
 * notice, what the servers need, what is shown, and whether it is whole after the line failed four times.
 */
import { residentKib } from '../bench/servers.ts'
import { pause, until } from '../bench/wait.ts'
import { knows } from '../scenarios/company.ts'
import { Client } from '../scenarios/servers.ts'
import type { Branch } from '../soak/branch.ts'
import { checkDatabase, checkHistories, checkLog, histories, Problems } from '../soak/checks.ts'
import { Ledger, type Person } from '../soak/ledger.ts'
import { Card } from './card.ts'
import { Drawing } from './drawing.ts'
import type { Places, Trouble } from './places.ts'
import { Texts, type Told } from './texts.ts'
import { taken, uploaded } from './uploading.ts'

const LOOK_MS = 500
const ALONE = 'alone'
const UPLOAD = 'beside the upload'
const BESIDE = 'beside the file'
const isCut = (what: string) => ![ALONE, UPLOAD, BESIDE].includes(what)

export type Haul = {
  bytes: number
  /** Texts a second from each end. */
  rate: number
  aloneSeconds: number
  hoursMax: number
  seed: number
}

export type Hauled = {
  haul: Haul
  about: string
  uploadSeconds: number
  /** From the moment it is opened at the other end until its last byte is there. */
  crossingSeconds: number
  troubles: { name: string; percent: number; seconds: number; textsAgainSeconds: number }[]
  texts: Told[]
  memory: { who: string; idleMib: number; mostMib: number }[]
  /** Percents that the bar showed, and the longest time it stood still outside cuts. */
  bar: { values: number; longestStillSeconds: number; wentBack: number }
  sha256: string
  problems: string[]
}

type Scene = Places & {
  ledger: Ledger
  people: [Person, Person]
  chat: string
  texts: Texts
  drawing: Drawing
  memory: Memory
}

/** How much more memory the processes hold than at rest. */
class Memory {
  readonly #idle = new Map<Branch, number>()
  readonly #most = new Map<Branch, number>()
  readonly #timer: NodeJS.Timeout

  constructor(branches: readonly Branch[]) {
    this.#timer = setInterval(() => {
      for (const branch of branches) {
        const now = mibOf(branch)
        if (now !== undefined) this.#most.set(branch, Math.max(now, this.#most.get(branch) ?? 0))
      }
    }, LOOK_MS)
  }

  /** What they hold now is their rest. */
  rest(branches: readonly Branch[]): void {
    for (const branch of branches) this.#idle.set(branch, mibOf(branch) ?? 0)
    this.#most.clear()
  }

  end(): { who: string; idleMib: number; mostMib: number }[] {
    clearInterval(this.#timer)
    return [...this.#idle].map(([branch, idleMib]) => ({
      ...{ who: branch.name, idleMib, mostMib: this.#most.get(branch) ?? 0 },
    }))
  }
}

function mibOf(branch: Branch): number | undefined {
  const pid = branch.lives.at(-1)?.pid
  try {
    const mib = pid === undefined ? Number.NaN : residentKib(pid) / 1024
    return Number.isNaN(mib) ? undefined : mib // a process that just died has no memory
  } catch {
    return undefined // it is dead at this moment
  }
}

/** Hauls one; `say` hears how it goes. */
export async function haul(of: Haul, places: Places, say: (text: string) => void): Promise<Hauled> {
  const scene = await settle(of, places)
  const { texts, sender, receiver, drawing, memory } = scene
  await texts.begin(of.rate)
  texts.mark(ALONE)
  await pause(of.aloneSeconds * 1000)
  memory.rest([sender, receiver])
  say('The upload begins')
  texts.mark(UPLOAD)
  const began = performance.now()
  const [ada] = scene.people
  const upload = await uploaded(ada.client, drawing)
  const uploadSeconds = (performance.now() - began) / 1000
  texts.mark(BESIDE)
  const file = await sent(scene, upload?.id ?? '')
  say(`It is sent after ${Math.round(uploadSeconds)} s, and goes now`)
  const crossed = await cross(of, scene, { file, say })
  await texts.end()
  const problems = await check(scene, file)
  return {
    ...{ haul: of, about: places.about, uploadSeconds, ...crossed },
    ...{ texts: texts.told(isCut), memory: memory.end(), sha256: drawing.sha256, problems },
  }
}

async function settle(of: Haul, places: Places): Promise<Scene> {
  const { sender, receiver } = places
  const [ada, lev] = [await Client.signIn(sender, 'ada'), await Client.signIn(receiver, 'lev')]
  await until(
    'they know each other',
    async () => (await knows(ada, 'lev')) && (await knows(lev, 'ada')),
  )
  const chat = await ada.directWith('lev')
  const hasCome = () =>
    lev.call('GET', `/conversations/${chat}/messages?limit=1`).then(
      () => true,
      () => false,
    )
  await ada.post(chat, 'ada-begins 0: is it there?')
  await until('the chat is at both', hasCome)
  const people: [Person, Person] = [
    { login: 'ada', branch: sender.name, client: ada },
    { login: 'lev', branch: receiver.name, client: lev },
  ]
  const ledger = new Ledger()
  for (const { branch } of people) ledger.know({ id: chat, members: people }, branch)
  const written = { chat, author: 'ada', isAcknowledged: true, tries: 1 }
  ledger.messages.set('ada-begins 0: is it there?', written)
  const texts = new Texts({ ledger, people, chat, branches: [sender, receiver] })
  const drawing = new Drawing(`haul/${of.seed}`, of.bytes, 'drawing.bin')
  return { ...places, ledger, people, chat, texts, drawing, memory: new Memory([sender, receiver]) }
}

type Sent = { id: string; files: { id: string; state: string }[] }

async function sent({ people: [ada], ledger, chat }: Scene, upload: string): Promise<string> {
  const body = 'ada-sends 0: the drawing'
  ledger.messages.set(body, { chat, author: 'ada', isAcknowledged: true, tries: 1 })
  const draft = { body, clientId: body, files: [upload] }
  const message = await ada.client.call<Sent>('POST', `/conversations/${chat}/messages`, draft)
  return message.files[0]?.id ?? ''
}

/** Opens it at the other end; the line fails at even parts of its way. */
async function cross(
  { hoursMax }: Haul,
  scene: Scene,
  { file, say }: { file: string; say: (text: string) => void },
) {
  const { receiver, troubles, texts } = scene
  const card = await Card.signIn(receiver.origin, 'lev')
  const told: Hauled['troubles'] = []
  const bar = { values: new Set<number>(), longestStillSeconds: 0, wentBack: 0 }
  const began = performance.now()
  const deadline = began + hoursMax * 3_600_000
  let [last, movedAt] = [0, began]
  const due = troubles.map((_, i) => ((i + 0.5) * 100) / troubles.length)
  for (;;) {
    if (performance.now() > deadline) throw new Error(`Not within ${hoursMax} hours: ${last} %`)
    const { status } = await looked(scene, file)
    if (status === 200) break
    const { percent } = (await card.of(file)) ?? {}
    const now = performance.now()
    if (percent !== undefined && percent !== last) {
      if (percent < last) bar.wentBack++
      if (percent % 10 === 0) say(`${percent} %`)
      ;[last, movedAt] = [percent, now]
      bar.values.add(percent)
    }
    bar.longestStillSeconds = Math.max(bar.longestStillSeconds, (now - movedAt) / 1000)
    const trouble = troubles[told.length]
    if (trouble && last >= (due[told.length] ?? 0)) {
      say(`${trouble.name} at ${last} %`)
      texts.mark(trouble.name)
      told.push({ ...(await suffer(texts, trouble)), percent: last })
      texts.mark(BESIDE)
      movedAt = performance.now()
    }
    await pause(LOOK_MS)
  }
  const crossingSeconds = (performance.now() - began) / 1000
  return { crossingSeconds, troubles: told, bar: { ...bar, values: bar.values.size } }
}

/** Whether it is here, without reading it. */
async function looked({ people }: Scene, file: string): Promise<{ status: number }> {
  const { origin, token } = people[1].client
  const headers = { authorization: `Bearer ${token}`, range: 'bytes=0-0' }
  const answer = await fetch(`${origin}/api/v1/files/${file}`, { headers }).catch(() => undefined)
  await answer?.arrayBuffer()
  return { status: answer?.status === 206 ? 200 : (answer?.status ?? 0) }
}

async function suffer(texts: Texts, { name, seconds, begin, end }: Trouble) {
  await begin()
  await pause(seconds * 1000)
  await end()
  const healedAt = performance.now()
  await texts.flows()
  return { name, seconds, textsAgainSeconds: (performance.now() - healedAt) / 1000 }
}

/** The same bytes, every text once at both ends in one order, and nothing wrong with either branch. */
async function check(scene: Scene, file: string): Promise<string[]> {
  const { people, drawing, ledger, sender, receiver } = scene
  const problems = new Problems()
  for (const { login, client } of people) {
    const { sha256 } = await taken(client, file)
    if (sha256 !== drawing.sha256) problems.add('other bytes', `${login}: ${sha256}`)
  }
  checkHistories(problems, ledger, await histories(ledger))
  for (const branch of [sender, receiver]) {
    await branch.end()
    checkDatabase(problems, branch)
    checkLog(problems, branch)
    for (const fault of branch.faults) problems.add('process', fault)
  }
  for (const fault of ledger.faults) problems.add('fault of the load', fault)
  return problems.told
}
