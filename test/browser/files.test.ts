/**
 * Sending files as people do: chosen, dropped and pasted, several at once, with a server that is killed in the middle.
 * The tests stand in the order of the story; each begins where the one before ended.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { kill, type Server, start, twoBranches, until } from '../scenarios/servers.ts'
import { prng } from '../support/prng.ts'
import {
  addPeople,
  answered,
  chapters,
  gone,
  launch,
  lineOf,
  NO_SERVER,
  STORY,
  seen,
  signIn,
  Visitor,
} from './support.ts'

const MIB = 1024 * 1024

/** Bytes a second of the slow line. */
const SLOW = 2 * MIB

function bytesOf(seed: number, length: number): Buffer {
  const chance = prng(seed)
  const words = Uint32Array.from({ length: length / 4 }, () => Math.floor(chance() * 2 ** 32))
  return Buffer.from(words.buffer)
}

const outgoing = (page: Page) => page.locator('#outgoing .file')
const wholeOnes = (page: Page) => page.locator('#outgoing [data-state=whole]')

/** Lets files fall on the chat, or come from the clipboard. */
async function give(page: Page, how: 'drop' | 'paste', names: string[]): Promise<void> {
  await page.evaluate(`(() => {
    const data = new DataTransfer()
    for (const name of ${JSON.stringify(names)}) data.items.add(new File(['text of ' + name], name))
    const of = { bubbles: true, cancelable: true }
    const log = document.getElementById('log')
    if (${how === 'drop'}) {
      log.dispatchEvent(new DragEvent('dragover', { ...of, dataTransfer: data }))
      log.dispatchEvent(new DragEvent('drop', { ...of, dataTransfer: data }))
    } else {
      const pasted = new ClipboardEvent('paste', { ...of, clipboardData: data })
      document.getElementById('body').dispatchEvent(pasted)
    }
  })()`)
}

async function hashOf(page: Page, name: string): Promise<string> {
  const href = await page.locator('#log a.file', { hasText: name }).last().getAttribute('href')
  const answer = await page.request.get(new URL(href ?? '', page.url()).href)
  assert.equal(answer.status(), 200)
  return hash('sha256', await answer.body())
}

describe('files on a page', STORY, () => {
  let kyiv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let visitor: Visitor
  let olhaVisitor: Visitor
  let ada: Page
  let olha: Page
  const folder = mkdtempSync(join(tmpdir(), 'branchline-files-'))

  before(async () => {
    ;({ kyiv, stop } = await twoBranches())
    await addPeople(kyiv, { olha: 'Olha Test' })
    browser = await launch()
    visitor = await Visitor.of(browser)
    olhaVisitor = await Visitor.of(browser)
    ada = await visitor.open()
    olha = await olhaVisitor.open()
    await signIn(ada, kyiv, 'ada')
    await signIn(olha, kyiv, 'olha')
    await ada.goto(`${kyiv.origin}/people/add?q=olha`)
    await ada.click('form[method="post"][action="/people/add"] button')
    await seen(ada.locator('#composer'))
    await ada.fill('#body', 'Files come now')
    await ada.press('#body', 'Enter')
    await seen(lineOf(ada, 'Files come now'))
    await olha.goto(ada.url())
  })
  after(async () => {
    await browser?.close()
    await stop?.()
    rmSync(folder, { recursive: true, force: true })
  })
  const chapter = chapters()

  chapter('several files are chosen, one is taken away, the rest goes with the words', async () => {
    const chooser = ada.waitForEvent('filechooser')
    await ada.click('.attach')
    await (await chooser).setFiles([
      { name: 'план.txt', mimeType: 'text/plain', buffer: Buffer.from('one') },
      { name: 'wrong.txt', mimeType: 'text/plain', buffer: Buffer.from('two') },
      { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: bytesOf(1, 400_000) },
    ])
    await outgoing(ada).nth(2).waitFor()
    await ada.locator('#outgoing .file', { hasText: 'wrong.txt' }).locator('.remove').click()
    await until('all are whole', async () => (await wholeOnes(ada).count()) === 2)
    await ada.fill('#body', 'Two of three')
    await ada.press('#body', 'Enter')
    await seen(lineOf(ada, 'photo.jpg'))
    assert.equal(await outgoing(ada).count(), 0)
    await seen(lineOf(olha, 'Two of three').locator('a.file', { hasText: 'план.txt' }))
    assert.equal(await hashOf(olha, 'photo.jpg'), hash('sha256', bytesOf(1, 400_000)))
    assert.deepEqual(visitor.complaints(), [])
  })

  chapter('files are dropped and pasted, and go without words', async () => {
    await give(ada, 'drop', ['dropped.txt', 'second.txt'])
    await give(ada, 'paste', ['pasted.png'])
    await until('all are whole', async () => (await wholeOnes(ada).count()) === 3)
    await ada.press('#body', 'Enter')
    const line = lineOf(olha, 'pasted.png')
    await seen(line)
    assert.equal(await line.locator('a.file').count(), 3)
    assert.equal(await line.locator('.text').count(), 0)
    assert.deepEqual(visitor.complaints(), [])
  })

  chapter(
    'after a reload the page tells what was not sent, and it goes on from there',
    async () => {
      writeFileSync(join(folder, 'plan.dwg'), bytesOf(3, 12 * MIB))
      const session = await visitor.context.newCDPSession(ada)
      const line = { offline: false, latency: 5, downloadThroughput: -1, uploadThroughput: SLOW }
      await session.send('Network.emulateNetworkConditions', line)
      ada.on('dialog', (dialog) => void dialog.accept()) // whether to leave
      const choose = async (press: string) => {
        const chooser = ada.waitForEvent('filechooser')
        await ada.click(press)
        await (await chooser).setFiles(join(folder, 'plan.dwg'))
      }
      const come = () =>
        ada.evaluate<number>("document.querySelector('.outgoing progress')?.value ?? 0")
      await choose('.attach')
      await until('some of it is there', async () => (await come()) > 4 * MIB)
      await ada.reload()
      const row = ada.locator('.unfinished .file', { hasText: 'plan.dwg' })
      await seen(row.getByText('Not sent yet'))
      const before = await come()
      assert.ok(before > MIB, `${before}`)
      await choose('.unfinished .again')
      await gone(row)
      await until('it goes on', async () => (await come()) > before)
      await ada.reload()
      await row.locator('.remove').click()
      await gone(row)
      await ada.reload()
      await seen(ada.locator('#composer .attach'))
      assert.equal(await ada.locator('.unfinished').count(), 0)
      await session.detach()
      assert.deepEqual(visitor.complaints(), [])
    },
  )

  chapter('a message waits for its file, which goes on after the server was killed', async () => {
    const bytes = bytesOf(2, 12 * MIB)
    writeFileSync(join(folder, 'drawing.dwg'), bytes)
    const session = await visitor.context.newCDPSession(ada)
    const line = { offline: false, latency: 5, downloadThroughput: -1, uploadThroughput: SLOW }
    await session.send('Network.emulateNetworkConditions', line)
    const chooser = ada.waitForEvent('filechooser')
    await ada.click('.attach')
    await (await chooser).setFiles(join(folder, 'drawing.dwg'))
    const sent = () =>
      ada.evaluate<number>("document.querySelector('#outgoing progress')?.value ?? 0")
    await until('some of it is there', async () => (await sent()) > 4 * MIB)
    await ada.fill('#body', 'The drawing')
    await ada.press('#body', 'Enter')
    await seen(ada.locator('#outgoing .file-facts', { hasText: 'as soon as' }))
    await kill(kyiv)
    await seen(ada.locator('#outgoing .file-facts', { hasText: 'by itself' }))
    await start(kyiv)
    await seen(lineOf(olha, 'drawing.dwg'))
    assert.equal(await hashOf(olha, 'drawing.dwg'), hash('sha256', bytes))
    await gone(ada.locator('#outgoing .file'))
    visitor.complaints(new RegExp(`${NO_SERVER.source}|${answered(409).source}|ERR_`))
  })
})
