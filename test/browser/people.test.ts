/** The directory and the menu of a contact, as people use them: found, added, blocked and let in again. */
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type Server, twoBranches } from '../scenarios/servers.ts'
import { addPeople, chapters, launch, OUTSIDE, STORY, seen, signIn, Visitor } from './support.ts'

describe('people and contacts', STORY, () => {
  let kyiv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let visitor: Visitor
  let ada: Page

  before(async () => {
    ;({ kyiv, stop } = await twoBranches())
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
      assert.equal(await ada.locator('dialog.overlay').count(), 0, 'Escape does nothing')
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
})
