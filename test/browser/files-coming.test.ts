/**
 * A file that is at another branch, in real pages: clicked in the chat it arrives there and opens when it is here; the
 * branch that sends it is killed half-way, and what is said is true; what is too large never leaves the browser.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { Client, end, kill, type Server, start, twoBranches, until } from '../scenarios/servers.ts'
import {
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
/** 4 Mbit/s: the plan takes about six seconds. */
const RATE = ['--file-rate', '4000']

function bytesOf(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3))
}

async function sendFile(
  client: Client,
  chat: string,
  name: string,
  bytes: Buffer,
): Promise<string> {
  const answer = await fetch(`${client.origin}/api/v1/files`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${client.token}`,
      'content-disposition': `attachment; filename="${name}"`,
    },
    body: new Uint8Array(bytes),
  })
  assert.equal(answer.status, 201)
  const { id } = (await answer.json()) as { id: string }
  await client.call('POST', `/conversations/${chat}/messages`, { body: '', files: [id] })
  return id
}

describe('files of another branch', STORY, () => {
  let kyiv: Server
  let lviv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let visitor: Visitor
  let lev: Page
  let ada: Client
  let chat: string
  let plan: string
  let film: string
  const folder = mkdtempSync(join(tmpdir(), 'branchline-coming-'))

  before(async () => {
    ;({ kyiv, lviv, stop } = await twoBranches())
    await end(kyiv)
    await start(kyiv, ...RATE, '--file-size', '64')
    await end(lviv)
    await start(lviv, ...RATE, '--file-size', '32')
    ada = await Client.signIn(kyiv, 'ada')
    const isKnown = async () =>
      (await ada.call<{ items: unknown[] }>('GET', '/people?q=lev')).items.length === 1
    await until('Lev is known', isKnown)
    chat = await ada.directWith('lev')
    plan = await sendFile(ada, chat, 'plan.dwg', bytesOf(3 * MIB))
    film = await sendFile(ada, chat, 'film.dwg', bytesOf(3 * MIB).fill(9, 0, 99))
    browser = await launch()
    visitor = await Visitor.of(browser)
    lev = await visitor.open()
    await signIn(lev, lviv, 'lev')
    const there = await Client.signIn(lviv, 'lev')
    await until('both are in Lviv', async () => (await there.messages(chat)).length === 2)
    await lev.goto(`${lviv.origin}/chats/${chat}`)
  })
  after(async () => {
    await browser?.close()
    await stop?.()
    rmSync(folder, { recursive: true, force: true })
  })
  const chapter = chapters()
  const card = (id: string) => lev.locator(`#file-${id}`)

  chapter(
    'a click in the chat fetches it, the bar moves at both ends, and then it opens',
    async () => {
      const address = lev.url()
      const shown = new Set<string>()
      const sender = await visitor.open()
      await signIn(sender, kyiv, 'ada')
      await sender.goto(`${kyiv.origin}/chats/${chat}`)
      const facts = sender.locator(`#file-${plan} .file-facts`)
      const goes = new Set<string>()
      await card(plan).click()
      await until('it is here', async () => {
        shown.add((await card(plan).locator('.file-facts').textContent()) ?? '')
        goes.add((await facts.textContent()) ?? '')
        return (await card(plan).getAttribute('data-state')) === 'here'
      })
      assert.equal(lev.url(), address)
      const percents = [...shown].flatMap((text) => /arriving, (\d+)/.exec(text)?.[1] ?? [])
      assert.ok(percents.length >= 3, `the bar moved: ${[...shown].join(' | ')}`)
      const told = [...goes].filter((text) => /to Lviv: \d+\s%/.test(text))
      assert.ok(told.length >= 3, `the sender saw it go: ${[...goes].join(' | ')}`)
      await gone(facts.filter({ hasText: 'Lviv' }))
      await sender.close()
      assert.equal(await card(plan).getAttribute('href'), `/files/${plan}`)
      assert.deepEqual(visitor.complaints(), [])
    },
  )

  chapter(
    'when the branch that sends it dies, the page says so, and goes on by itself',
    async () => {
      await lev.goto(`${lviv.origin}/files/${film}/view`)
      const way = lev.locator('.viewer-way')
      const come = async () => Number(/(\d+)\s%/.exec((await way.textContent()) ?? '')?.[1] ?? 0)
      await seen(way)
      await until('a third has come', async () => (await come()) > 30)
      await kill(kyiv)
      await seen(lev.locator('#viewer-shown', { hasText: 'The line to Kyiv is down since' }))
      assert.ok((await come()) > 20, 'what has come is still said')
      await lev.goto(`${lviv.origin}/chats/${chat}`)
      await seen(card(film).locator('.file-facts', { hasText: 'in Kyiv' }))
      await lev.goto(`${lviv.origin}/files/${film}/view`)
      await start(kyiv, ...RATE, '--file-size', '64')
      await seen(lev.locator('a[download]'))
      await gone(way)
      visitor.complaints(NO_SERVER)
    },
  )

  chapter(
    'on the page of all files a click fetches too, and the card moves by itself',
    async () => {
      const list = await sendFile(ada, chat, 'list.dwg', bytesOf(MIB).fill(5, 0, 9))
      const there = await Client.signIn(lviv, 'lev')
      await until('it is in Lviv', async () => (await there.messages(chat)).length === 3)
      await lev.goto(`${lviv.origin}/chats/${chat}/media?kind=files`)
      await card(list).click()
      await seen(lev.locator(`#file-${list}[data-state="arriving"]`))
      await seen(lev.locator(`#file-${list}[data-state="here"]`))
      assert.match(lev.url(), /media\?kind=files$/)
      visitor.complaints(NO_SERVER)
    },
  )

  chapter('what is taken away goes from a page that is open elsewhere', async () => {
    await lev.goto(`${lviv.origin}/chats/${chat}`)
    assert.equal(await card(plan).getAttribute('data-state'), 'here')
    const author = await visitor.context.browser()?.newPage()
    assert.ok(author)
    await signIn(author, kyiv, 'ada')
    await author.goto(`${kyiv.origin}/files/${plan}/view`)
    await author.click(`a[href="/files/${plan}/remove"]`)
    await author.click('dialog .button.danger')
    await author.waitForURL(`${kyiv.origin}/chats/${chat}*`)
    await seen(lev.locator(`#file-${plan}[data-state="removed"]`))
    await author.goto(`${kyiv.origin}/files/${plan}/view`)
    await seen(author.locator('main', { hasText: 'Branches that hold it no more' }))
    await author.close()
  })

  chapter(
    'what is too large is refused at once, and not a byte of it leaves the browser',
    async () => {
      const asked: string[] = []
      lev.on('request', (request) => void asked.push(`${request.method()} ${request.url()}`))
      const chooser = lev.waitForEvent('filechooser')
      await lev.click('.attach')
      // Files, not bytes: those would go to the browser as text, for ten seconds.
      const file = (name: string, bytes: number) => {
        const path = join(folder, name)
        writeFileSync(path, Buffer.alloc(bytes))
        return path
      }
      await (await chooser).setFiles([file('large.bin', 33 * MIB), file('small.bin', 10)])
      const row = (name: string) => lev.locator('#outgoing .file', { hasText: name })
      await seen(row('large.bin').locator('.file-facts', { hasText: 'the limit is 32 MB' }))
      await seen(lev.locator('#outgoing [data-state=whole]', { hasText: 'small.bin' }))
      assert.equal(asked.filter((line) => /^POST .*\/uploads$/.test(line)).length, 1)
      await lev.press('#body', 'Enter')
      await seen(row('large.bin').locator('.file-facts', { hasText: 'Take it away first' }))
      await seen(row('large.bin').locator('.remove:focus'))
      await lev.keyboard.press('Enter')
      await lev.press('#body', 'Enter')
      await seen(lineOf(lev, 'small.bin'))
      assert.equal(asked.filter((line) => /^POST .*\/messages$/.test(line)).length, 1)
    },
  )
})
