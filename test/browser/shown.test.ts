/**
 * Files as people look at them in Chromium: pictures in the chat and large, sound and video that can be wound, a PDF,
 * a text, and the lists of what a chat shares. The tests stand in the order of the story.
 */
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { Client, type Server, twoBranches } from '../scenarios/servers.ts'
import {
  addPeople,
  chapters,
  gone,
  launch,
  lineOf,
  OUTSIDE,
  STORY,
  seen,
  signIn,
  Visitor,
} from './support.ts'

const MIB = 1024 * 1024

const picture = (background: string, width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer()

/** Ten minutes of silence, 8,000 samples a second of 16 bits: WAVE, 9.6 MB. */
function silence(): Buffer {
  const [rate, seconds] = [8000, 600]
  const bytes = rate * seconds * 2
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + bytes, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36)
  head.writeUInt32LE(bytes, 40)
  return Buffer.concat([head, Buffer.alloc(bytes)])
}

/** One page with one word (ISO 32000-2); readers find the objects without a table. */
const PDF = Buffer.from(`%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 41>>stream
BT /F 40 Tf 40 90 Td (Branchline) Tj ET 
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
`)

/** A second of a moving square, as browsers record it. */
async function recorded(page: Page): Promise<Buffer> {
  const base64 = await page.evaluate(`new Promise((resolve) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 })
    const drawing = canvas.getContext('2d')
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm' })
    const pieces = []
    recorder.ondataavailable = ({ data }) => pieces.push(data)
    recorder.onstop = async () =>
      resolve(new Uint8Array(await new Blob(pieces).arrayBuffer()).toBase64())
    let x = 0
    const moving = setInterval(() => drawing.fillRect(x++ * 4, 30, 20, 20), 40)
    recorder.start()
    setTimeout(() => { clearInterval(moving); recorder.stop() }, 1000)
  })`)
  return Buffer.from(String(base64), 'base64')
}

/** An element of EBML (RFC 8794): its id, its length in eight bytes, its content. */
function element(id: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(body.length) | (1n << 56n))
  return Buffer.concat([Buffer.from(id, 'hex'), length, body])
}

const number = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const FILM_SECONDS = 20
/** As much as nobody looks at, in each second (RFC 9559, 5.1.3): the way from second to second is long. */
const FILLING = MIB / 2

/**
 * A film of still pictures, one a second, with the list of places that players wind by: WebM (RFC 9559). Chromium draws
 * the picture as WebP, whose inside is a key frame of VP8 (RFC 9649, 2.5); what it records itself has no such list.
 */
async function longFilm(page: Page): Promise<Buffer> {
  const webp = Buffer.from(
    String(
      await page.evaluate(`(() => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 })
        const drawing = canvas.getContext('2d')
        drawing.fillStyle = '#2f5bea'
        drawing.fillRect(0, 0, 160, 90)
        return canvas.toDataURL('image/webp', 0.5).split(',')[1]
      })()`),
    ),
    'base64',
  )
  const at = webp.indexOf('VP8 ')
  const frame = webp.subarray(at + 8, at + 8 + webp.readUInt32LE(at + 4))
  const text = (words: string) => Buffer.from(words)
  const head = element('1a45dfa3', element('4282', text('webm')))
  const float = Buffer.alloc(8)
  float.writeDoubleBE(FILM_SECONDS * 1000)
  const info = element('1549a966', element('2ad7b1', number(1_000_000)), element('4489', float))
  const video = element('e0', element('b0', number(160)), element('ba', number(90)))
  const one = number(1)
  const track = [element('d7', one), element('73c5', one), element('83', one)]
  const tracks = element('1654ae6b', element('ae', ...track, element('86', text('V_VP8')), video))
  const seconds = Array.from({ length: FILM_SECONDS }, (_, second) => second)
  const clusters = seconds.map((second) => {
    const block = element('a3', Buffer.from([0x81, 0, 0, 0x80]), frame)
    const filling = element('ec', Buffer.alloc(FILLING))
    return element('1f43b675', element('e7', number(second * 1000)), block, filling)
  })
  const cueOf = (second: number, place: number) => {
    const position = element('b7', element('f7', one), element('f1', number(place)))
    return element('bb', element('b3', number(second * 1000)), position)
  }
  const cues = (first: number) => {
    const step = clusters[0]?.length ?? 0
    return element('1c53bb6b', ...seconds.map((second) => cueOf(second, first + second * step)))
  }
  const before = info.length + tracks.length + cues(0).length
  return Buffer.concat([head, element('18538067', info, tracks, cues(before), ...clusters)])
}

describe('files as they are shown', STORY, () => {
  let kyiv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let visitor: Visitor
  let olha: Page
  let chat: string
  const ids: Record<string, string> = {}

  async function send(client: Client, files: Record<string, Buffer>, body = ''): Promise<void> {
    const sent: string[] = []
    for (const [name, bytes] of Object.entries(files)) {
      const answer = await fetch(`${kyiv.origin}/api/v1/files`, {
        method: 'POST',
        body: new Uint8Array(bytes),
        headers: {
          authorization: `Bearer ${client.token}`,
          'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
        },
      })
      const { id } = (await answer.json()) as { id: string }
      ids[name] = id
      sent.push(id)
    }
    await client.call('POST', `/conversations/${chat}/messages`, { body, files: sent })
  }

  before(async () => {
    ;({ kyiv, stop } = await twoBranches())
    await addPeople(kyiv, { olha: 'Olha Test' })
    browser = await launch()
    visitor = await Visitor.of(browser)
    olha = await visitor.open()
    await signIn(olha, kyiv, 'olha')
    const ada = await Client.signIn(kyiv, 'ada')
    const wish = { kind: 'direct', with: 'olha' }
    chat = (await ada.call<{ id: string }>('POST', '/conversations', wish)).id
    await send(ada, { 'red.jpg': await picture('#b3261e', 2000, 1000) }, 'One picture')
    await send(
      ada,
      {
        'green.jpg': await picture('#16834a', 600, 900),
        'blue.jpg': await picture('#2f5bea', 900, 600),
        'grey.jpg': await picture('#5b667d', 500, 500),
      },
      'Three more: https://intranet.lan/plan',
    )
    await send(ada, { 'sound.wav': silence(), 'film.webm': await recorded(olha) })
    await send(ada, { 'long.webm': await longFilm(olha) })
    await send(ada, { 'договір за 2026 рік.pdf': PDF, 'notes.html': Buffer.from('<b>notes</b>') })
  })
  after(async () => {
    await browser?.close()
    await stop?.()
  })
  const chapter = chapters()
  const file = (name: string) => olha.locator(`#file-${ids[name]}`)
  const shows = async (page: Page, selector: string) => {
    await seen(page.locator(selector))
    await page.evaluate(`document.querySelector('${selector}').decode()`)
  }

  chapter('pictures keep their place before they come', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await olha.route('**/thumb', async (route) => {
      await held
      await route.continue()
    })
    await olha.goto(`${kyiv.origin}/chats/${chat}`, { waitUntil: 'domcontentloaded' })
    await seen(lineOf(olha, 'One picture'))
    const box = await file('red.jpg').boundingBox()
    const height = `document.getElementById('log').scrollHeight`
    const before = await olha.evaluate(height)
    release()
    await shows(olha, `#file-${ids['grey.jpg']} img`)
    await shows(olha, `#file-${ids['red.jpg']} img`)
    assert.equal(await olha.evaluate(height), before)
    assert.deepEqual(
      [box?.width, box?.height].map((side) => Math.round(side ?? 0)),
      [322, 162],
    )
  })

  chapter('a picture opens over the chat, and the keys go to the others and back', async () => {
    await file('red.jpg').click()
    await seen(olha.locator('dialog.viewer'))
    await shows(olha, 'dialog.viewer img')
    assert.equal(await olha.locator('#viewer-title').textContent(), 'red.jpg')
    for (const [key, name] of [
      ['ArrowRight', 'green.jpg'],
      ['ArrowRight', 'blue.jpg'],
      ['ArrowLeft', 'green.jpg'],
    ] as const) {
      await olha.keyboard.press(key)
      await seen(olha.locator('#viewer-title', { hasText: name }))
      assert.equal(await olha.locator('dialog').count(), 1)
    }
    assert.match(olha.url(), new RegExp(`/chats/${chat}$`))
    await olha.keyboard.press('Escape')
    await gone(olha.locator('dialog.viewer'))
  })

  chapter('a picture is a page of its own too, with the same keys', async () => {
    await olha.goto(`${kyiv.origin}/files/${ids['blue.jpg']}/view`)
    await shows(olha, '.viewer img')
    await olha.keyboard.press('ArrowRight')
    await olha.waitForURL(`**/files/${ids['grey.jpg']}/view`)
    await olha.click('[rel=prev]')
    await olha.waitForURL(`**/files/${ids['blue.jpg']}/view`)
  })

  chapter('sound is wound to where nothing was loaded, and only that part is sent', async () => {
    await olha.goto(`${kyiv.origin}/chats/${chat}`)
    const part = olha.waitForResponse(
      (answer) => Number(/^bytes (\d+)-/.exec(answer.headers()['content-range'] ?? '')?.[1]) > 4e6,
    )
    await olha.evaluate(`new Promise((resolve, reject) => {
      const sound = document.querySelector('#file-${ids['sound.wav']} audio')
      sound.onerror = () => reject(new Error(sound.error.message))
      sound.onloadedmetadata = () => { sound.currentTime = 550 }
      sound.onseeked = resolve
      sound.preload = 'metadata'
      sound.load()
    })`)
    assert.equal((await part).status(), 206)
    const seconds = `Math.round(document.querySelector('audio').duration)`
    assert.equal(await olha.evaluate(seconds), 600)
  })

  chapter('a film plays where it stands', async () => {
    const played = await olha.evaluate(`new Promise((resolve, reject) => {
      const film = document.querySelector('#file-${ids['film.webm']} video')
      film.muted = true
      film.onerror = () => reject(new Error(film.error.message))
      film.ontimeupdate = () => film.currentTime > 0.2 && resolve([film.videoWidth, film.videoHeight])
      film.play()
    })`)
    assert.deepEqual(played, [160, 90])
  })

  chapter('a film is wound to where nothing was loaded, and only that part is sent', async () => {
    const part = olha.waitForResponse((answer) => {
      const from = /^bytes (\d+)-/.exec(answer.headers()['content-range'] ?? '')?.[1]
      return answer.url().includes(ids['long.webm'] ?? '-') && Number(from) > 3 * MIB
    })
    // Slow enough that a busy machine does not load all of it before it is wound.
    const line = await olha.context().newCDPSession(olha)
    const slow = { offline: false, latency: 0, downloadThroughput: MIB, uploadThroughput: -1 }
    await line.send('Network.emulateNetworkConditions', slow)
    await olha.goto(`${kyiv.origin}/files/${ids['long.webm']}/view`)
    const at = await olha.evaluate(`new Promise((resolve, reject) => {
      const film = document.querySelector('video')
      film.onerror = () => reject(new Error(film.error.message))
      film.onseeked = () => resolve(film.currentTime)
      const wind = () => { film.currentTime = ${FILM_SECONDS - 1} }
      film.readyState > 0 ? wind() : film.addEventListener('loadedmetadata', wind)
    })`)
    assert.equal((await part).status(), 206)
    assert.equal(at, FILM_SECONDS - 1)
    await line.detach()
  })

  chapter('a text is shown as text, and a list has what the chat shares', async () => {
    await olha.goto(`${kyiv.origin}/files/${ids['notes.html']}/view`)
    assert.equal(await olha.locator('pre').textContent(), '<b>notes</b>')
    await olha.goto(`${kyiv.origin}/chats/${chat}/media`)
    assert.equal(await olha.locator('.tiles > li').count(), 7)
    await olha.click('.kinds a[href$=files]')
    await seen(olha.locator('.file-name', { hasText: 'договір за 2026 рік.pdf' }))
    await olha.click('.kinds a[href$=links]')
    await seen(olha.locator('a[href="https://intranet.lan/plan"]'))
  })

  chapter('nothing is beside a small screen, and no page complains', async () => {
    const paths = [
      ...[`/chats/${chat}`, `/chats/${chat}/media`, `/chats/${chat}/details`],
      ...Object.values(ids).map((id) => `/files/${id}/view`),
    ]
    await olha.setViewportSize({ width: 320, height: 640 })
    for (const path of paths) {
      await olha.goto(`${kyiv.origin}${path}`)
      assert.deepEqual(await olha.evaluate(OUTSIDE), [], path)
    }
    await olha.goto(`${kyiv.origin}/chats/${chat}`)
    await file('red.jpg').click()
    await seen(olha.locator('#viewer-title'))
    assert.deepEqual(await olha.evaluate(OUTSIDE), [], 'a picture over the chat')
    const box = await olha.locator('#viewer-title').boundingBox()
    assert.ok((box?.height ?? 999) < 40, 'its name stands on one line, not letter below letter')
    assert.deepEqual(visitor.complaints(), [])
  })
})
