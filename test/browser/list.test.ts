/** The list of chats where there are more than a page shows: all of them on demand, and those that are written in. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { Client, type Server, twoBranches } from '../scenarios/servers.ts'
import { addPeople, gone, launch, OUTSIDE, STORY, seen, signIn, Visitor } from './support.ts'

const RECENT = 50
const GROUPS = RECENT + 10

describe('a long list of chats', STORY, () => {
  let kyiv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let ada: Visitor
  let page: Page
  let maria: Client
  /** Oldest first. */
  const groups: string[] = []

  before(async () => {
    ;({ kyiv, stop } = await twoBranches())
    await addPeople(kyiv, { maria: 'Maria Shevchenko' })
    const client = await Client.signIn(kyiv, 'ada')
    maria = await Client.signIn(kyiv, 'maria')
    for (let n = 1; n <= GROUPS; n++) {
      const wish = { kind: 'group', title: `Project ${n}`, members: ['maria'] }
      groups.push((await client.call<{ id: string }>('POST', '/conversations', wish)).id)
    }
    browser = await launch()
    ada = await Visitor.of(browser)
    page = await ada.open()
    await signIn(page, kyiv, 'ada')
  })
  after(async () => {
    await browser?.close()
    await stop?.()
  })

  const titles = (at: Page) => at.locator('#chat-list .name').allInnerTexts()
  const row = (n: number) => page.locator(`#chat-${groups[n - 1]}`)
  const named = (...numbers: number[]) => numbers.map((n) => `Project ${n}`)
  const newest = Array.from({ length: GROUPS }, (_, n) => GROUPS - n)

  test('what is written in a chat that is not shown brings its row to the top, and counts', async () => {
    await page.goto(`${kyiv.origin}/chats/${groups.at(-1)}`)
    assert.deepEqual(await titles(page), named(...newest.slice(0, RECENT)))
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 })
      assert.deepEqual(await page.evaluate(OUTSIDE), [], `${width}`)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    await maria.post(groups[2] ?? '', 'Is anybody there?')
    await seen(row(3).getByText('Maria: Is anybody there?'))
    assert.deepEqual((await titles(page)).slice(0, 2), named(3, GROUPS))
    await page.waitForFunction(`document.title.startsWith('(1) ')`)
    await maria.call('POST', `/conversations/${groups[1]}/typing`)
    await maria.post(groups[2] ?? '', 'I am')
    await seen(row(3).getByText('Maria: I am'))
    assert.equal(await row(2).count(), 0, 'typing where no row is does nothing')
    await page.reload()
    assert.equal(await page.locator('#chat-list > li').count(), RECENT)
    assert.match(await page.title(), /^\(2\) /)
    assert.deepEqual(ada.complaints(), [])
  })

  test('the link brings all others into their places, and the focus to the first of them', async () => {
    const link = page.getByRole('link', { name: `Show all ${GROUPS} chats` })
    await page.fill('#body', 'a draft')
    await link.focus()
    await page.keyboard.press('Enter')
    await gone(link)
    const all = [3, ...newest.filter((n) => n !== 3)]
    assert.deepEqual(await titles(page), named(...all))
    const focused = await page.evaluate('document.activeElement.closest("li")?.id')
    assert.equal(focused, `chat-${groups[(all[RECENT] ?? 0) - 1]}`)
    assert.equal(await page.inputValue('#body'), 'a draft', 'the page was not loaded anew')
    await seen(row(GROUPS).locator('a[aria-current="page"]'))
    await maria.post(groups[0] ?? '', 'the oldest of all')
    await seen(row(1).getByText('the oldest of all'))
    assert.deepEqual((await titles(page)).slice(0, 3), named(1, 3, GROUPS))
    assert.equal((await titles(page)).length, GROUPS)
    await page.waitForFunction(`document.title.startsWith('(3) ')`)
    assert.deepEqual(ada.complaints(), [])
  })

  test('without a script it is a link to the same page that begins at the list', async () => {
    const plain = await Visitor.of(browser, { javaScriptEnabled: false })
    await plain.context.addCookies(await ada.context.cookies())
    const theirs = await plain.open()
    await theirs.goto(`${kyiv.origin}/chats/${groups[4]}`)
    const link = theirs.getByRole('link', { name: `Show all ${GROUPS} chats` })
    assert.equal((await titles(theirs)).length, RECENT + 1, 'the open one is old')
    await link.click()
    await theirs.waitForURL(`${kyiv.origin}/chats/${groups[4]}?list=all#chat-list`)
    assert.equal((await titles(theirs)).length, GROUPS)
    await gone(link)
    await plain.close()
  })

  test('the name of a group, and of whom one writes to, is whole on 320 pixels', async () => {
    const client = await Client.signIn(kyiv, 'ada')
    const wish = { kind: 'group', title: 'Announcements all', members: ['maria', 'lev'] }
    const { id: group } = await client.call<{ id: string }>('POST', '/conversations', wish)
    const direct = await client.directWith('maria')
    await client.post(direct, 'Here')
    const whole = (where: string) =>
      page.evaluate(`[...document.querySelectorAll('${where}, ${where} *')].every(
        ({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth || clientWidth === 0)`)
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(`${kyiv.origin}/chats`)
    assert.equal(await whole(`#chat-${group} .name`), true)
    for (const chat of [group, direct]) {
      await page.goto(`${kyiv.origin}/chats/${chat}`)
      assert.equal(await whole('.conversation-head .name'), true)
      assert.deepEqual(await page.evaluate(OUTSIDE), [])
    }
    await seen(page.locator('.conversation-head .tag', { hasText: 'Kyiv' }))
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  test('only the list scrolls, never the page around it', async () => {
    for (const [n, group] of groups.entries()) await maria.post(group, `${n}: its row has a badge`)
    await page.reload()
    await row(1).scrollIntoViewIfNeeded()
    const box =
      '({ scrollHeight, clientHeight, scrollTop }) => [scrollHeight - clientHeight, scrollTop]'
    assert.deepEqual(await page.evaluate(`(${box})(document.scrollingElement)`), [0, 0])
  })
})
