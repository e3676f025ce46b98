/** The directory and the menu of a contact, as people use them: found, added, blocked and let in again. */
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { Client, PASSWORD, type Server, twoBranches, until } from '../scenarios/servers.ts'
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
  textsOf,
  Visitor,
} from './support.ts'

describe('people and contacts', STORY, () => {
  let kyiv: Server
  let lviv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let visitor: Visitor
  let ada: Page

  before(async () => {
    ;({ kyiv, lviv, stop } = await twoBranches())
    await addPeople(kyiv, { olha: 'Olha Test', petro: 'Petro Front' })
    browser = await launch()
    visitor = await Visitor.of(browser, { viewport: { width: 390, height: 800 } })
    ada = await visitor.open()
    await signIn(ada, kyiv, 'ada')
  })
  after(async () => {
    await browser?.close()
    await stop?.()
  })
  const chapter = chapters()

  chapter('somebody is found in the directory and added as a contact', async () => {
    await ada.goto(`${kyiv.origin}/people`)
    await ada.fill('#q', 'olh')
    await ada.press('#q', 'Enter')
    await ada.waitForURL(/q=olh/)
    assert.equal(await ada.locator('main .people .person').count(), 1)
    assert.deepEqual(await ada.evaluate(OUTSIDE), [])
    await ada.click('main .person a.name')
    await ada.click('form[action="/people/add"] button')
    await seen(ada.locator('#composer'))
    assert.deepEqual(visitor.complaints(), [])
  })

  chapter(
    'the menu of the chat blocks the contact after a question, and lets in again',
    async () => {
      const chat = ada.url().split('?')[0] ?? ''
      await ada.goto(`${chat}/details`)
      await ada.click('a[href$="/block"]')
      await seen(ada.locator('dialog.overlay'))
      await ada.keyboard.press('Escape')
      await gone(ada.locator('dialog.overlay'))
      await ada.click('a[href$="/block"]')
      await ada.click('dialog form[method="post"] button')
      await ada.goto(chat)
      assert.equal(await ada.locator('#composer').count(), 0)
      await ada.goto(`${chat}/details`)
      await ada.click('form[action$="/unblock"] button')
      await ada.goto(chat)
      await seen(ada.locator('#composer'))
      assert.deepEqual(visitor.complaints(), [])
    },
  )

  chapter('a page that a guest has open fills when his home answers', async () => {
    const lev = await Client.signIn(lviv, 'lev')
    const person = { login: 'vera', firstName: 'Vera', lastName: 'Home', password: PASSWORD }
    await lev.call('POST', '/admin/users', { ...person, temporary: false })
    const vera = await Client.signIn(lviv, 'vera')
    const wish = { kind: 'group', title: 'Choir', members: ['lev', 'ada@kyiv'] }
    const chat = (await vera.call<{ id: string }>('POST', '/conversations', wish)).id
    await vera.post(chat, 'before the journey')
    const member = await Client.signIn(kyiv, 'ada')
    await until('it is in Kyiv', async () => (await member.messages(chat)).length === 1)
    await vera.call('DELETE', `/conversations/${chat}/members/ada@kyiv`)
    for (let n = 1; n <= 60; n++) await vera.post(chat, `meanwhile ${n}`)
    const home = await Visitor.of(browser)
    const desk = await home.open()
    await signIn(desk, lviv, 'lev')
    await desk.goto(`${lviv.origin}/chats/${chat}`)
    await desk.fill('#body', 'begun at home')
    const kept = desk.waitForResponse(/\/draft$/)
    await desk.locator('#body').blur()
    await kept
    await home.close()
    lviv.process?.kill('SIGSTOP')
    const guest = await Visitor.of(browser)
    const page = await guest.open()
    await signIn(page, kyiv, 'lev@lviv')
    await page.goto(`${kyiv.origin}/chats/${chat}`)
    assert.deepEqual(await textsOf(page), ['before the journey'])
    await page.evaluate('window.stays = true')
    lviv.process?.kill('SIGCONT')
    await seen(lineOf(page, 'meanwhile 60'))
    await page.waitForFunction(`document.getElementById('body').value === 'begun at home'`)
    await page.waitForFunction(`document.querySelectorAll('#log article').length === 50`)
    // A line of the page that is asked for comes by itself meanwhile.
    await page.route(/\/older\?/, async (route) => {
      const answer = await route.fetch()
      const [, id, seq] = /<article id="([^"]+)" data-seq="([^"]+)"/.exec(await answer.text()) ?? []
      await page.evaluate(`{
        const line = document.createElement('article')
        line.id = '${id}'
        line.dataset.seq = '${seq}'
        document.querySelector('#log article').before(line)
      }`)
      await route.fulfill({ response: answer })
    })
    await page.evaluate(`document.getElementById('log').scrollTop = 0`)
    await seen(lineOf(page, 'before the journey'))
    const texts = Array.from({ length: 60 }, (_, n) => `meanwhile ${n + 1}`)
    assert.deepEqual(await textsOf(page), ['before the journey', ...texts])
    assert.equal(await page.evaluate('window.stays'), true, 'nothing was loaded anew')
    assert.deepEqual(guest.complaints(), [])
  })
})
