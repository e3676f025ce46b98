/**
 * Small copies of pictures that people upload: asked of a process of its own, one at a time, with limits of bytes,
 * time and of how many wait. Whatever goes wrong there, the file is then a file without a picture.
 * docs/decisions/044-showing-files.md
 */
import { MIB, MINUTE, SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { type OwnProcess, startProcess } from '../world/process.ts'
import type { AboutFile, Described } from './files.ts'
import { kindOf } from './kinds.ts'
import type { Picture } from './picture-worker.ts'

type Pictures = {
  /** Measures and thumbnail; undefined for what is no picture we decode. `read` is called when its turn has come. */
  look(read: () => Promise<Uint8Array>): Promise<Picture | undefined>
  close(): Promise<void>
}

/** Large photos of cameras; it is held in memory twice while it is looked at. */
export const PICTURE_BYTES_MAX = 30 * MIB
/** The slowest of 50 megapixels took 5 s of a busy core. Longer is a decoder that hangs. */
const LOOK_MS_MAX = 20 * SECOND
/** Without work the process ends: 90 MB for everybody else. */
const IDLE_MS_MAX = MINUTE
/** Somebody waits for the answer to an upload, behind all pictures before it. Then it is a file without a picture. */
const PATIENCE_MS_MAX = 30 * SECOND
/** What a folder of photos brings at once; half a second each. */
const WAITING_MAX = 200

/** Looks at pictures; `start` begins the process that does. */
export function createPictures({
  clock,
  log,
  start = () => startProcess(new URL('./picture-worker.ts', import.meta.url)),
}: {
  clock: Clock
  log: Log
  start?: () => OwnProcess
}): Pictures {
  let looking: OwnProcess | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let closed = false
  let noLongerIdle: Cancel = () => {}
  const end = () => {
    looking?.kill()
    looking = undefined
  }
  const look = async (bytes: Uint8Array): Promise<Picture | undefined> => {
    noLongerIdle()
    const inTime = clock.after(LOOK_MS_MAX, end)
    try {
      looking ??= start()
      return asPicture(await looking.ask(bytes))
    } catch (error) {
      end()
      if (!closed) log.warn('files.picture-failed', { bytes: bytes.length, error })
      return undefined
    } finally {
      inTime()
      noLongerIdle = clock.after(IDLE_MS_MAX, end)
    }
  }
  return {
    look(read) {
      if (closed || waiting >= WAITING_MAX) return Promise.resolve(undefined)
      waiting += 1
      const patience = Promise.withResolvers<undefined>()
      let isTooLate = false
      const inTime = clock.after(PATIENCE_MS_MAX, () => {
        isTooLate = true
        patience.resolve(undefined)
      })
      const mine = turn.then(async () => {
        waiting -= 1
        if (closed || isTooLate) return undefined
        const bytes = await read()
        return bytes.length > PICTURE_BYTES_MAX ? undefined : await look(bytes)
      })
      turn = mine.catch(() => {})
      return Promise.race([mine, patience.promise]).finally(inTime)
    },
    async close() {
      closed = true
      end()
      await turn
      noLongerIdle()
    },
  }
}

/** What is found out about an upload that is whole: its kind, and of pictures how they look. */
export function describing(pictures: Pictures): (file: AboutFile) => Promise<Described> {
  return async ({ name, size, first, all }) => {
    const { type, kind } = kindOf(first, name)
    const isLooked = kind === 'image' && size <= PICTURE_BYTES_MAX
    return { type, picture: isLooked ? await pictures.look(all) : undefined }
  }
}

/** What the process answered; it worked on what a stranger made, so its word is looked at too. */
function asPicture(answer: unknown): Picture | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const { width, height, thumb } = answer as Partial<Record<keyof Picture, unknown>>
  if (!isSide(width) || !isSide(height) || !(thumb instanceof Uint8Array)) return undefined
  return { width, height, thumb: new Uint8Array(thumb) }
}

const isSide = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0
