/**
 * Files in the kill trial: people send drawings of one byte to 50 MB, several with a message, some of them the same
 * bytes again; uploads are gone on with by their offset, some are given up. Readers at other branches open them while
 * it storms.
 */
import { pause } from '../bench/wait.ts'
import { Drawing } from '../haul/drawing.ts'
import { taken, uploaded } from '../haul/uploading.ts'
import type { Chance } from '../sim/chance.ts'
import { insist, type Ledger, type Person } from '../soak/ledger.ts'

/** As few are large as in life: every power of ten is as likely as the next. */
const FILE_BYTES_MAX = 50_000_000
const FILES_PER_MESSAGE_MAX = 4
/** Bytes that were sent before, by whomever. */
const SAME_SHARE = 0.15
/** Uploads that are left, half of them with a word. */
const LEFT_SHARE = 0.1
/** A line of the office: an upload lasts long enough to meet a death. */
const UPLOAD_BYTES_PER_SECOND = [2_000_000, 20_000_000] as const
const AGAIN_MS = 300
const LOOK_MS = 1000

export type SentFile = { file: string; chat: string; drawing: Drawing }

/** What people sent, and how it went. */
export class Shelf {
  readonly files: SentFile[] = []
  readonly #drawings: Drawing[] = []
  messages = 0
  /** Messages that were begun, whatever came of them. */
  tried = 0
  uploads = 0
  /** Uploads that were gone on with where they had come to, and bytes that were sent again so. */
  resumed = 0
  left = 0
  same = 0
  /** Read whole at another branch while it stormed. */
  opened = 0

  /** New bytes, or ones that are known. */
  draw(chance: Chance, name: string): Drawing {
    if (this.#drawings.length > 0 && chance.isLucky(SAME_SHARE)) {
      this.same++
      return chance.pick(this.#drawings)
    }
    const size = Math.max(1, Math.floor(FILE_BYTES_MAX ** chance.chance()))
    const drawing = new Drawing(name, size)
    this.#drawings.push(drawing)
    return drawing
  }

  get bytes(): number {
    return this.files.reduce((sum, { drawing }) => sum + drawing.size, 0)
  }
}

export type FileStage = {
  people: readonly Person[]
  groups: readonly string[]
  ledger: Ledger
  shelf: Shelf
  chance(of: string): Chance
  /** Messages with files, of all together. */
  sendings: number
  problem(kind: string, example: string): void
  isOver(): boolean
  isLate(): boolean
}

/** Everybody sends and opens; resolves when all that was begun is sent. */
export async function sendFiles(stage: FileStage): Promise<void> {
  const openings: Promise<void>[] = []
  await Promise.all(stage.people.map((person) => sendAll(stage, person, openings)))
  await Promise.all(openings)
}

async function sendAll(stage: FileStage, person: Person, openings: Promise<void>[]): Promise<void> {
  const { shelf, ledger, groups, people, sendings } = stage
  const chance = stage.chance(`files of ${person.login}`)
  const own = groups.filter((id) => ledger.chats.get(id)?.members.includes(person))
  const count = Math.ceil(sendings / people.length)
  for (let n = 0; n < count && !stage.isLate(); n++, shelf.tried++) {
    await pause(chance.between(0, 2000))
    const uploads = await uploadSome(stage, { person, chance, n })
    if (uploads === undefined) continue
    const sent = await post(stage, { person, chat: chance.pick(own), n, uploads })
    shelf.messages++
    for (const one of sent) {
      shelf.files.push(one)
      openings.push(...openElsewhere(stage, person, one))
    }
  }
}

type Uploaded = { id: string; drawing: Drawing }

async function uploadSome(
  stage: FileStage,
  { person, chance, n }: { person: Person; chance: Chance; n: number },
): Promise<Uploaded[] | undefined> {
  const uploads: Uploaded[] = []
  const count = chance.between(1, FILES_PER_MESSAGE_MAX)
  for (let i = 0; i < count; i++) {
    const drawing = stage.shelf.draw(chance, `${person.login}-${n}-${i}`)
    if (chance.isLucky(LEFT_SHARE)) await leave(stage, { person, drawing, chance })
    const upload = await uploadOne(stage, { person, drawing, chance })
    if (upload === undefined) return undefined
    uploads.push({ id: upload, drawing })
  }
  return uploads
}

async function uploadOne(
  stage: FileStage,
  { person, drawing, chance }: { person: Person; drawing: Drawing; chance: Chance },
): Promise<string | undefined> {
  const { shelf, ledger } = stage
  shelf.uploads++
  const upload = await uploaded(person.client, drawing, {
    bytesPerSecond: chance.between(...UPLOAD_BYTES_PER_SECOND),
    isLate: stage.isLate,
    onVain(error) {
      ledger.count('tries in vain')
      if (String(error).includes('No answer')) stage.problem('no answer', String(error))
    },
    onOffset(offset) {
      if (offset > 0) shelf.resumed++
    },
  }).catch((error: unknown) => ledger.fault(`An upload: ${String(error)}`))
  if (upload && upload.sha256 !== drawing.sha256) {
    stage.problem('an upload has other bytes', `${drawing.name}: ${upload.sha256}`)
  }
  return upload?.id
}

/** Half of it is sent, and then it is given up: told, or simply left. */
async function leave(
  { shelf, ledger }: FileStage,
  { person, drawing, chance }: { person: Person; drawing: Drawing; chance: Chance },
): Promise<void> {
  const { client } = person
  shelf.left++
  const isTold = chance.isLucky(0.5)
  const once = async () => {
    const wish = { name: drawing.name, size: drawing.size }
    const { id } = await client.call<{ id: string }>('POST', '/uploads', wish)
    const half = drawing.from(0).take(Math.ceil(drawing.size / 2 ** 19))
    await fetch(`${client.origin}/api/v1/uploads/${id}`, {
      ...{ method: 'PATCH', body: ReadableStream.from(half), duplex: 'half' },
      headers: { authorization: `Bearer ${client.token}`, 'upload-offset': '0' },
    } as RequestInit).then((answer) => answer.arrayBuffer())
    if (isTold) await client.call('DELETE', `/uploads/${id}`)
  }
  await insist(ledger, once, { mayGoOn: () => false, wait: async () => {} })
}

type Sent = { files: { id: string; sha256: string }[] }

async function post(
  stage: FileStage,
  of: { person: Person; chat: string; n: number; uploads: readonly Uploaded[] },
): Promise<SentFile[]> {
  const { person, chat, n, uploads } = of
  const { ledger } = stage
  const body = `${person.login}+files ${n}: ${uploads.length} drawings`
  const written = { chat, author: person.login, isAcknowledged: false, tries: 0 }
  ledger.messages.set(body, written)
  const draft = { body, clientId: body, files: uploads.map(({ id }) => id) }
  const path = `/conversations/${chat}/messages`
  const message = await insist(
    ledger,
    () => {
      written.tries++
      return person.client.call<Sent>('POST', path, draft)
    },
    { mayGoOn: () => !stage.isLate(), wait: () => pause(AGAIN_MS) },
  )
  if (message === undefined) return []
  written.isAcknowledged = true
  const told = message.files.map(({ sha256 }) => sha256).sort()
  const meant = uploads.map(({ drawing }) => drawing.sha256).sort()
  if (told.join() !== meant.join()) stage.problem('a message with other files', body)
  return uploads.map(({ id, drawing }) => ({ file: id, chat, drawing }))
}

/** One reader at each other branch opens it, and again until it is there or the storm is over. */
function openElsewhere(stage: FileStage, author: Person, sent: SentFile): Promise<void>[] {
  return readersOf(stage.ledger, sent)
    .filter((reader) => reader.branch !== author.branch)
    .map(async (reader) => {
      while (!stage.isOver()) {
        if (await isHere(stage, reader, sent)) {
          stage.shelf.opened++
          return
        }
        await pause(LOOK_MS)
      }
    })
}

/** One person at each branch that must have it. */
export function readersOf(ledger: Ledger, { chat }: SentFile): Person[] {
  const members = ledger.chats.get(chat)?.members ?? []
  return [...new Map(members.map((person) => [person.branch, person])).values()]
}

/** Whether it opens now; what opens must be the same bytes. */
export async function isHere(
  { problem }: Pick<FileStage, 'problem'>,
  { client, branch, login }: Person,
  { file, drawing }: SentFile,
): Promise<boolean> {
  const { status, sha256 } = await taken(client, file).catch(() => ({ status: 0, sha256: '' }))
  if (status !== 200) return false
  if (sha256 !== drawing.sha256) {
    problem('other bytes', `${drawing.name} at ${branch} for ${login}: ${sha256}`)
  }
  return true
}
