import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import sharp from 'sharp'
import { createPictures, PICTURE_BYTES_MAX } from '../../src/files/pictures.ts'
import { realClock } from '../../src/world/clock.ts'
import type { Log } from '../../src/world/log.ts'
import type { OwnProcess } from '../../src/world/process.ts'
import { bomb } from '../support/bomb.ts'

const lines: string[] = []
const log: Log = {
  ...{ debug() {}, info() {}, error() {} },
  warn: (name) => void lines.push(name),
  with: () => log,
}
const pictures = createPictures({ clock: realClock, log })
after(() => pictures.close())

const look = (bytes: Uint8Array) => pictures.look(async () => bytes)
const drawn = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#2f5bea' } })

test('a photo is measured as it is shown, and its small copy holds no hidden data', async () => {
  const photo = await drawn(1200, 800)
    .jpeg()
    .withExif({ IFD0: { Artist: 'Olena' }, IFD3: { GPSLatitudeRef: 'N' } })
    .withMetadata({ orientation: 6 })
    .toBuffer()
  const seen = await look(photo)
  assert.deepEqual([seen?.width, seen?.height], [800, 1200])
  const thumb = await sharp(seen?.thumb).metadata()
  assert.deepEqual([thumb.format, thumb.width, thumb.height], ['webp', 320, 480])
  assert.deepEqual([thumb.exif, thumb.icc, thumb.xmp, thumb.orientation], Array(4).fill(undefined))
})

test('a small picture is not made larger, and one of noise still has a small copy', async () => {
  const small = await sharp((await look(await drawn(40, 20).png().toBuffer()))?.thumb).metadata()
  assert.deepEqual([small.width, small.height], [40, 20])
  const noise = { type: 'gaussian', mean: 128, sigma: 80 } as const
  const create = { width: 700, height: 700, channels: 3, background: 'red', noise } as const
  const seen = await look(await sharp({ create }).webp({ lossless: true }).toBuffer())
  assert.ok((seen?.thumb.length ?? Number.NaN) <= 24 * 1024)
})

test('a picture that unpacks to far more is a file without a picture', async () => {
  assert.equal((await look(bomb(4_000, 4_000)))?.width, 4_000) // the same by its form, within the limit
  assert.equal(await look(bomb(30_000, 30_000)), undefined)
})

test('of thousands of pictures in one the first is looked at', async () => {
  const head = Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1')
  const frame = Buffer.from('\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0', 'latin1')
  const frames = Array<Buffer>(20_000).fill(frame)
  const seen = await look(Buffer.concat([head, ...frames, Buffer.from(';')]))
  assert.deepEqual([seen?.width, seen?.height], [1, 1])
})

test('what is no picture, or one of another decoder, is a file without a picture', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>'
  const photo = await drawn(300, 300).jpeg().toBuffer()
  for (const bytes of [
    Buffer.from(svg),
    await drawn(30, 30).tiff().toBuffer(),
    await drawn(30, 30).avif({ effort: 0 }).toBuffer(),
    photo.subarray(0, photo.length / 2),
    Buffer.from('\x89PNG\r\n\x1a\nand nothing else', 'latin1'),
    new Uint8Array(0),
    new Uint8Array(PICTURE_BYTES_MAX + 1),
  ]) {
    assert.equal(await look(bytes), undefined)
  }
  assert.deepEqual(lines, [], 'and the process that looks is as well as before')
  assert.equal((await look(photo))?.width, 300)
})

/** A clock whose timers are run by hand. */
function handClock() {
  const timers = new Map<() => void, number>()
  return {
    clock: {
      now: () => 0,
      after(ms: number, fn: () => void) {
        timers.set(fn, ms)
        return () => void timers.delete(fn)
      },
      soon: (fn: () => void) => fn(),
    },
    /** Runs what was asked for after so many milliseconds or less. */
    pass(ms: number) {
      for (const [fn, due] of [...timers]) if (due <= ms && timers.delete(fn)) fn()
    },
  }
}

/** A process that answers when it is told to. */
function stubProcess() {
  const asked: { bytes: Uint8Array; end: PromiseWithResolvers<unknown> }[] = []
  const started: string[] = []
  const start = (): OwnProcess => {
    started.push('started')
    return {
      ask(bytes) {
        const end = Promise.withResolvers<unknown>()
        asked.push({ bytes, end })
        return end.promise
      },
      kill() {
        started.push('killed')
        for (const { end } of asked) end.reject(new Error('It ended: SIGKILL'))
      },
    }
  }
  return { asked, started, start }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a decoder that hangs is ended, and the next picture has a new process', async () => {
  const { clock, pass } = handClock()
  const stub = stubProcess()
  const seeing = createPictures({ clock, log, start: stub.start })
  const first = seeing.look(async () => new Uint8Array(1))
  let wasRead = false
  const second = seeing.look(async () => {
    wasRead = true
    return new Uint8Array(2)
  })
  await settled()
  assert.deepEqual([stub.started, stub.asked.length, wasRead], [['started'], 1, false])
  pass(20_000)
  assert.equal(await first, undefined)
  await settled()
  assert.deepEqual(stub.started, ['started', 'killed', 'started'])
  const thumb = new Uint8Array([7])
  stub.asked[1]?.end.resolve({ width: 2, height: 3, thumb, more: 'ignored' })
  assert.deepEqual(await second, { width: 2, height: 3, thumb })
  pass(60_000)
  assert.equal(stub.started.at(-1), 'killed', 'idle')
  await seeing.close()
  assert.equal(lines.pop(), 'files.picture-failed')
})

test('an answer of another form is no picture, and a full queue takes no more', async () => {
  const { clock } = handClock()
  const stub = stubProcess()
  const seeing = createPictures({ clock, log, start: stub.start })
  const odd = seeing.look(async () => new Uint8Array(1))
  await settled()
  const waiting = Array.from({ length: 200 }, () => seeing.look(async () => new Uint8Array(1)))
  assert.equal(await seeing.look(() => assert.fail('read although too many wait')), undefined)
  stub.asked[0]?.end.resolve({ width: -1, height: 3, thumb: new Uint8Array(1) })
  assert.equal(await odd, undefined)
  await seeing.close()
  assert.deepEqual(await Promise.all(waiting), Array(200).fill(undefined))
})
