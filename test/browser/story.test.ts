/**
 * The main story with two people at two branches, as they see it: look up, typing, arriving, marks, the line cut by
 * kill -9, and back. The tests stand in the order of the story; each begins where the one before ended.
 */
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { kill, type Server, start, twoBranches, until } from '../scenarios/servers.ts'
import {
  chapters,
  gone,
  launch,
  lineOf,
  marked,
  NO_SERVER,
  STORY,
  seen,
  signIn,
  textsOf,
  Visitor,
} from './support.ts'

const box = (page: Page) => page.locator('#body')

async function write(page: Page, text: string): Promise<void> {
  await box(page).pressSequentially(text)
  await box(page).press('Enter')
}

/** From here on the page keeps every state a mark of its own messages passes through. */
const RECORD_MARKS = `
  window.passed = {}
  new MutationObserver(() => {
    for (const mark of document.querySelectorAll('#log .mine .mark')) {
      const states = (window.passed[mark.id] ??= [])
      if (states.at(-1) !== mark.dataset.state) states.push(mark.dataset.state)
    }
  }).observe(document.getElementById('log'), { childList: true, subtree: true, attributes: true })`

/** A page that is loaded anew forgets this. */
const STAY = 'window.stays = true'
const hasStayed = (page: Page) => page.evaluate<boolean>('window.stays === true')

describe('two people at two branches', STORY, () => {
  let kyiv: Server
  let lviv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let adaVisitor: Visitor
  let levVisitor: Visitor
  let ada: Page
  let lev: Page

  before(async () => {
    ;({ kyiv, lviv, stop } = await twoBranches())
    browser = await launch()
    adaVisitor = await Visitor.of(browser)
    levVisitor = await Visitor.of(browser)
    ada = await adaVisitor.open()
    lev = await levVisitor.open()
  })
  after(async () => {
    await browser?.close()
    await stop?.()
  })
  const tell = chapters()
  const chapter = (name: string, story: () => Promise<void>, expected = /(?!)/) =>
    tell(name, async () => {
      await story()
      const complaints = [adaVisitor, levVisitor].flatMap((one) => one.complaints(expected))
      assert.deepEqual(complaints, [])
    })

  chapter('Ada of Kyiv finds Lev of Lviv by his login and adds him', async () => {
    await signIn(lev, lviv, 'lev')
    await seen(lev.getByText('Good to see you, Lev'))
    await lev.evaluate(STAY)
    await signIn(ada, kyiv, 'ada')
    await ada.getByRole('link', { name: 'Add a person' }).last().click()
    const overlay = ada.getByRole('dialog', { name: 'Add a person' })
    await overlay.getByLabel('Login or a part of the name').pressSequentially('lev')
    const match = overlay.getByRole('listitem').filter({ hasText: 'Lev Bondar' })
    await seen(match.getByText('Lviv', { exact: true }))
    await seen(match.getByText('online', { exact: true }))
    await match.getByRole('button', { name: 'Add Lev Bondar' }).click()
    await seen(ada.getByRole('heading', { name: 'Lev Bondar', level: 1 }))
    await seen(ada.getByText('Nothing has been written to Lev Bondar yet'))
  })

  chapter(
    'Lev sees that she types before she ever wrote, then her message, without reloading',
    async () => {
      await ada.evaluate(RECORD_MARKS)
      await box(ada).pressSequentially('Good morn')
      const row = lev.locator('#chat-list li', { hasText: 'Ada Kravets' })
      await seen(row.getByText('typing...'))
      await box(ada).pressSequentially('ing, Lev')
      await box(ada).press('Enter')
      await seen(lineOf(ada, 'Good morning, Lev'))
      await seen(row.getByText('Good morning, Lev'))
      await seen(row.locator('.badge[data-count="1"]'))
      assert.match(await lev.title(), /^\(1\) /)
      await marked(ada, 'Good morning, Lev', 'stored')
      assert.equal(await hasStayed(lev), true)
      assert.equal(await box(ada).inputValue(), '')
    },
  )

  chapter('Lev opens it and answers; her mark goes its way and never back', async () => {
    await lev.locator('#chat-list a', { hasText: 'Ada Kravets' }).click()
    await seen(lineOf(lev, 'Good morning, Lev'))
    await marked(ada, 'Good morning, Lev', 'read')
    await until('the title counts nothing', async () => !(await lev.title()).startsWith('('))
    const passed = await ada.evaluate<Record<string, string[]>>('window.passed')
    const [states = []] = Object.values(passed)
    // On a busy machine a step may be over before it is drawn.
    const way = ['written', 'stored', 'shown', 'read'].filter((state) => states.includes(state))
    assert.deepEqual([states, states.at(-1)], [way, 'read'])

    await box(lev).pressSequentially('Good morn')
    await seen(ada.locator('#typing', { hasText: 'Lev is typing...' }))
    await box(lev).pressSequentially('ing, Ada')
    await box(lev).press('Enter')
    await seen(lineOf(ada, 'Good morning, Ada'))
    await marked(lev, 'Good morning, Ada', 'read')
    assert.equal((await ada.locator('#typing').textContent())?.trim(), '')
    const both = ['Good morning, Lev', 'Good morning, Ada']
    assert.deepEqual(await textsOf(ada), both)
    assert.deepEqual(await textsOf(lev), both)
  })

  chapter('a mark that comes before the line it belongs to is not lost', async () => {
    await ada.route('**/messages', async (route) => {
      const response = await route.fetch()
      await seen(lineOf(lev, 'Are you well?'))
      await until('its mark has come', () => ada.evaluate(`'early' in window`))
      await route.fulfill({ response })
    })
    await ada.evaluate(`document.addEventListener('htmx:before:swap', ({ detail }) => {
      const isRead = ({ fragment }) => fragment?.querySelector('[data-state="read"]')
      if (detail.tasks.some(isRead)) window.early = true
    })`)
    await box(ada).pressSequentially('Are you well?')
    await box(ada).press('Enter')
    await marked(ada, 'Are you well?', 'read')
    await ada.unroute('**/messages')
  })

  chapter('the delivery story tells in words where the message has been', async () => {
    const line = lineOf(ada, 'Good morning, Lev')
    await line.locator('a.way').click()
    const steps = line.locator('.story .step')
    await seen(steps)
    const words = (await steps.allInnerTexts()).map((text) => text.replace(/ [\d:]+$/, ''))
    const way = ['Written in Kyiv', 'Stored in Lviv', 'Shown to Lev Bondar', 'Read by Lev Bondar']
    assert.deepEqual(words, way)
    await line.locator('.story summary').click()
    await gone(steps)
  })

  chapter('ten quick sends arrive once and in order', async () => {
    const numbers = Array.from({ length: 10 }, (_, i) => `quick ${i + 1}.`)
    for (const text of numbers) await write(ada, text)
    await seen(lineOf(lev, 'quick 10.'))
    const quick = async (page: Page) =>
      (await textsOf(page)).filter((text) => text.startsWith('quick'))
    assert.deepEqual(await quick(lev), numbers)
    await until('all have their answers', async () => (await quick(ada)).length >= 10)
    assert.deepEqual(await quick(ada), numbers)
  })

  chapter('what is typed while a sending is under way stays in the box', async () => {
    const held = Promise.withResolvers<void>()
    await ada.route('**/messages', async (route) => {
      await held.promise
      await route.continue()
    })
    await write(ada, 'slow one')
    assert.equal(await box(ada).inputValue(), '')
    await box(ada).pressSequentially('half a thought')
    held.resolve()
    await seen(lineOf(ada, 'slow one'))
    await ada.unroute('**/messages')
    assert.equal(await box(ada).inputValue(), 'half a thought')
    await box(ada).fill('')
    await seen(lineOf(lev, 'slow one'))
  })

  chapter(
    'Lviv dies: the banner says so, and the story says for whom a message waits',
    async () => {
      await kill(lviv)
      await seen(ada.locator('#line-banner', { hasText: 'The line to Lviv is down since' }))
      for (const text of ['waiting 1', 'waiting 2']) await write(ada, text)
      await marked(ada, 'waiting 2', 'written')
      const line = lineOf(ada, 'waiting 2')
      await line.locator('a.way').click()
      await seen(line.locator('.step'))
      const [written, waiting, ...more] = await line.locator('.step').allInnerTexts()
      assert.match(written ?? '', /^Written in Kyiv \d\d:\d\d:\d\d$/)
      assert.match(waiting ?? '', /^Waiting for Lviv, line down since \d\d:\d\d, \d ahead$/)
      assert.deepEqual(more, [])
      await seen(ada.locator('.conversation-head .presence.stale'))
      await seen(lev.locator('#offline', { hasText: 'No connection to the branch server' }))
    },
    NO_SERVER,
  )

  chapter(
    "Lviv comes back: Lev's page goes on by itself, everything once and in order",
    async () => {
      const before = await textsOf(lev)
      await lev.evaluate(STAY)
      await box(lev).fill('typed meanwhile')
      await start(lviv)
      await seen(lineOf(lev, 'waiting 2'))
      assert.deepEqual(await textsOf(lev), [...before, 'waiting 1', 'waiting 2'])
      assert.equal(await hasStayed(lev), true)
      assert.equal(await box(lev).inputValue(), 'typed meanwhile')
      await until('its banner is gone', async () => {
        return (await lev.locator('#offline').textContent()) === ''
      })
      await marked(ada, 'waiting 2', 'read')
      await gone(ada.locator('#line-banner p'))
      assert.deepEqual(await textsOf(ada), await textsOf(lev))
      await box(lev).fill('')
    },
    NO_SERVER,
  )

  chapter(
    'a sending that meets no server gives the text back with words, then goes once',
    async () => {
      await kill(kyiv)
      await write(ada, 'not lost')
      await seen(ada.locator('#composer-error', { hasText: 'No connection to the branch server' }))
      assert.equal(await box(ada).inputValue(), 'not lost')
      await start(kyiv)
      await box(ada).press('Enter')
      await seen(lineOf(lev, 'not lost'))
      await marked(ada, 'not lost', 'read')
      for (const page of [ada, lev]) {
        assert.equal((await textsOf(page)).filter((text) => text === 'not lost').length, 1)
      }
      assert.equal(await ada.locator('#composer-error .error').count(), 0)
    },
    NO_SERVER,
  )

  chapter('one browser is signed in at both branches at once', async () => {
    const both = await Visitor.of(browser)
    const [here, there] = [await both.open(), await both.open()]
    await signIn(here, kyiv, 'ada')
    await signIn(there, lviv, 'lev')
    await here.reload()
    await there.reload()
    await seen(here.locator('.own', { hasText: 'Ada Kravets' }))
    await seen(there.locator('.own', { hasText: 'Lev Bondar' }))
    assert.deepEqual(both.complaints(), [])
    await both.close()
  })
})
