/** Second factor, own sign-ins and a shared terminal in Chromium, with scripts and without. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { hotp } from '../../src/accounts/totp.ts'
import { type Castle, castle, PASSWORD } from '../attacks/castle.ts'
import { answered, launch, STORY, seen, Visitor } from './support.ts'

const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).first().click()

for (const javaScriptEnabled of [true, false]) {
  describe(`own account, ${javaScriptEnabled ? 'with' : 'without'} a script`, STORY, () => {
    let at: Castle
    let url: string
    let browser: Browser
    let visitor: Visitor
    let page: Page
    let secret: Uint8Array
    let aheadMs = 0
    const ends: (() => void | Promise<void>)[] = []

    before(async () => {
      at = await castle({ after: (fn) => void ends.push(fn) })
      const { now } = at.world.clock
      at.world.clock.now = () => now() + aheadMs
      await at.add('emil')
      await at.add('olga')
      url = (await at.serve()).url
      browser = await launch()
      visitor = await Visitor.of(browser, { javaScriptEnabled })
      page = await visitor.open()
    })
    after(async () => {
      await browser?.close()
      for (const end of ends.toReversed()) await end()
    })

    const quiet = (expected?: RegExp) => assert.deepEqual(visitor.complaints(expected), [])
    const code = () => hotp(secret, Math.floor(at.world.clock.now() / 30_000))
    const enter = async (login: string) => {
      await page.fill('#login', login)
      await page.fill('#password', PASSWORD)
    }

    test('Emil sets a second factor up and gets recovery codes', async () => {
      await page.goto(`${url}/sign-in`)
      await enter('emil')
      await press(page, 'Sign in')
      await page.goto(`${url}/profile`)
      await page.getByRole('link', { name: 'Second factor' }).click()
      await page.fill('#password', PASSWORD)
      await press(page, 'Set it up')
      await seen(page.getByRole('img', { name: 'QR code of the key' }))
      const [row] = await at.core.store.read.selectFrom('sign_in').select('id').execute()
      assert.ok(row)
      secret = at.core.signIns.factors.begun(row.id) ?? new Uint8Array()
      await page.fill('#code', code())
      await press(page, 'Switch it on')
      await seen(page.getByRole('heading', { name: 'Your recovery codes' }))
      assert.equal(await page.locator('.codes li').count(), 10)
      quiet()
    })

    test('signing in again asks for the code; a wrong one says so', async () => {
      await page.goto(`${url}/profile`)
      await press(page, 'Sign out')
      await enter('emil')
      await press(page, 'Sign in')
      await page.fill('#code', '000000')
      await press(page, 'Go on')
      await seen(page.getByText('This code does not hold'))
      aheadMs += 30_000
      await page.fill('#code', code())
      await press(page, 'Go on')
      await page.waitForURL(/\/chats/)
      quiet(answered(422))
    })

    test('the profile lists this browser and ends all the others', async () => {
      await at.browser('olga') // somebody else's is not listed
      await page.goto(`${url}/profile`)
      await seen(page.getByText('this browser'))
      assert.equal(await page.locator('.sign-ins li').count(), 1)
      await press(page, /End all, at every branch/)
      await page.waitForURL(/\/sign-in/)
      quiet()
    })

    test('at a shared terminal Olga chooses a PIN, and the page locks when she goes away', async () => {
      await enter('olga')
      await page.getByLabel('This is a shared terminal').check()
      await press(page, 'Sign in')
      await page.fill('#pin', '4071')
      await press(page, 'Keep the PIN')
      await page.waitForURL(/\/chats/)
      aheadMs += 5 * 60_000
      // With a script the end of the stream leads there; without one the refresh would, in five minutes of this test.
      if (!javaScriptEnabled) await page.goto(`${url}/chats`)
      await page.waitForURL(/\/lock/)
      await seen(page.getByRole('heading', { name: 'Locked' }))
      await page.fill('#secret', '1212')
      await press(page, 'Open')
      await seen(page.getByText('Tries left: 4'))
      await page.fill('#secret', '4071')
      await press(page, 'Open')
      await page.waitForURL(/\/chats/)
      quiet(answered(422))
    })

    test('Emil takes a turn, and each opens behind the own PIN', async () => {
      await press(page, 'Lock')
      await page.getByRole('link', { name: 'Somebody else signs in' }).click()
      await enter('emil')
      await page.getByLabel('This is a shared terminal').check()
      await press(page, 'Sign in')
      aheadMs += 30_000
      await page.fill('#code', code())
      await press(page, 'Go on')
      await page.fill('#pin', '5802')
      await press(page, 'Keep the PIN')
      await page.waitForURL(/\/chats/)
      await press(page, 'Lock')
      await page.getByRole('link', { name: /olga/ }).click()
      await page.fill('#secret', '4071')
      await press(page, 'Open')
      await page.waitForURL(/\/chats/)
      await page.goto(`${url}/profile`)
      await seen(page.getByText('olga', { exact: true }).first())
      quiet()
    })
  })
}
