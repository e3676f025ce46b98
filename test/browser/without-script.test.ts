/**
 * Links and forms alone: Chromium without JavaScript, and a browser too old to read our script. Everything a person
 * or an admin does works, only without moving by itself.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { Client, PASSWORD, type Server, twoBranches, until } from '../scenarios/servers.ts'
import { addPeople, answered, launch, lineOf, STORY, seen, signIn, Visitor } from './support.ts'

const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).click()
const follow = (page: Page, name: string | RegExp) =>
  page.getByRole('link', { name }).first().click()

describe('without a script', STORY, () => {
  let kyiv: Server
  let lviv: Server
  let stop: () => Promise<void>
  let browser: Browser
  let ada: Visitor
  let page: Page
  let lev: Client
  let chat: string

  before(async () => {
    ;({ kyiv, lviv, stop } = await twoBranches())
    await addPeople(kyiv, { maria: 'Maria Shevchenko', taras: 'Taras Lysenko' })
    lev = await Client.signIn(lviv, 'lev')
    await until('Lev knows Ada', async () => {
      return (await lev.call<{ items: unknown[] }>('GET', '/people?q=ada')).items.length === 1
    })
    browser = await launch()
    ada = await Visitor.of(browser, { javaScriptEnabled: false })
    page = await ada.open()
  })
  after(async () => {
    await browser?.close()
    await stop?.()
  })

  const quiet = (expected?: RegExp) => assert.deepEqual(ada.complaints(expected), [])

  test('a wrong password says so and keeps the login; the right one leads to the chats', async () => {
    await page.goto(`${kyiv.origin}/chats`)
    await page.fill('#login', 'ada')
    await page.fill('#password', 'wrong')
    await press(page, 'Sign in')
    await seen(page.getByRole('alert'))
    assert.equal(await page.inputValue('#login'), 'ada')
    await page.fill('#password', PASSWORD)
    await press(page, 'Sign in')
    await seen(page.getByText('Good to see you, Ada'))
    quiet(answered(422))
  })

  test('Ada looks up Lev, adds him, writes, and the page shows what she wrote', async () => {
    await follow(page, 'Add a person')
    await page.getByLabel('Login or a part of the name').fill('Bondar')
    await press(page, 'Find')
    await press(page, 'Add Lev Bondar')
    await page.waitForURL(/\/chats\/[0-9a-f]{32}$/)
    chat = page.url().slice(-32)
    await page.fill('#body', 'Written without a script <b>&</b>\nin two lines')
    await press(page, 'Send')
    await seen(lineOf(page, 'Written without a script <b>&</b>'))
    assert.match(page.url(), /\?e=\d+#m-[0-9a-f]{32}$/)
    assert.equal(await page.inputValue('#body'), '')
    await until('Lev has it', async () => (await lev.messages(chat)).length === 1)
    quiet()
  })

  test('the link that waits answers when the message comes, and reading marks it as read', async () => {
    const waiting = follow(page, 'Wait for new messages')
    const { id } = await lev.post(chat, 'an answer from Lviv')
    await waiting
    await seen(lineOf(page, 'an answer from Lviv'))
    await until('Lev sees that it was read', async () => {
      return (await lev.delivery(id)).steps.some(({ state }) => state === 'read')
    })
    quiet()
  })

  test('the mark leads to the delivery story, and back', async () => {
    await lineOf(page, 'Written without a script').locator('a.way').click()
    await seen(page.getByRole('heading', { name: 'Delivery story' }))
    await seen(page.getByText('Stored in Lviv'))
    await follow(page, 'Back')
    await seen(lineOf(page, 'an answer from Lviv'))
    quiet()
  })

  test('an empty or too long message is refused beside what was typed', async () => {
    await page.goto(`${kyiv.origin}/chats/${chat}`)
    // The browser checks first; a browser that does not is answered by the server.
    const token = await page.locator('#composer input[name="formToken"]').getAttribute('value')
    const body = 'x'.repeat(4001)
    const answer = await ada.context.request.post(`${kyiv.origin}/chats/${chat}/messages`, {
      form: { formToken: token ?? '', body },
    })
    assert.equal(answer.status(), 422)
    const text = await answer.text()
    assert.ok(text.includes(body), 'the text comes back')
    assert.match(text, /<p class="error" role="alert">[^<]+4000/)
    quiet()
  })

  test('what was read is no longer new, and older pages are a link away', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, i) => lev.post(chat, `filler ${i}`)))
    await lev.post(chat, 'the newest')
    await until('all are in Kyiv', async () => {
      await page.goto(`${kyiv.origin}/chats/${chat}`)
      return (await lineOf(page, 'the newest').count()) === 1
    })
    await seen(page.locator('#new'))
    // Pressed only without a script, it says that what it shows is read.
    await follow(page, 'Refresh')
    await follow(page, 'Refresh')
    assert.equal(await page.locator('#new').count(), 0)
    assert.equal(await lineOf(page, 'Written without a script').count(), 0)
    while ((await lineOf(page, 'Written without a script').count()) === 0) {
      await follow(page, 'Older messages')
    }
    await follow(page, 'Newest messages')
    await seen(lineOf(page, 'the newest'))
    quiet()
  })

  test('a group is founded with a form', async () => {
    await page.goto(`${kyiv.origin}/people/add?q=maria`)
    await press(page, 'Add Maria Shevchenko')
    await page.goto(`${kyiv.origin}/chats`)
    await follow(page, 'New group')
    await page.getByLabel('Name of the group').fill('Procurement')
    await page.getByLabel(/Maria Shevchenko/).check()
    await page.getByLabel(/Lev Bondar/).check()
    await press(page, 'Create the group')
    await seen(page.getByRole('heading', { name: 'Procurement', level: 1 }))
    await follow(page, 'Details')
    await seen(page.getByText('Maria Shevchenko'))
    quiet()
  })

  test('an admin creates an account; the person signs in and must choose a password', async () => {
    await page.goto(`${kyiv.origin}/chats`)
    await follow(page, 'Administration')
    await follow(page, 'New person')
    await page.getByLabel('Login').fill('nina')
    await page.getByLabel('Temporary password').fill('short')
    await page.getByLabel('First name').fill('Nina')
    await page.getByLabel('Last name').fill('Koval')
    await press(page, 'Create the account')
    await seen(page.getByText(/at least 10/i))
    assert.equal(await page.getByLabel('Login').inputValue(), 'nina', 'what was typed stays')
    await page.getByLabel('Temporary password').fill('for the first day only')
    await press(page, 'Create the account')
    await seen(page.locator('.issued', { hasText: 'for the first day only' }))
    quiet(answered(422))

    const nina = await Visitor.of(browser, { javaScriptEnabled: false })
    const hers = await nina.open()
    await hers.goto(`${kyiv.origin}/sign-in`)
    await hers.fill('#login', 'nina')
    await hers.fill('#password', 'for the first day only')
    await press(hers, 'Sign in')
    await hers.getByLabel('New password').fill('words that only I know')
    await hers.getByLabel('The same again').fill('words that only I know')
    await press(hers, 'Save the password')
    await seen(hers.getByText('Good to see you, Nina'))
    assert.deepEqual(nina.complaints(), [])
    await nina.close()
  })

  test('an account is disabled only when its login was typed', async () => {
    await page.goto(`${kyiv.origin}/admin/users?q=taras`)
    await follow(page, 'Taras Lysenko')
    await page.locator('input[name="confirm"]').fill('maria')
    await press(page, 'Disable')
    await seen(page.locator('#confirm-error'))
    await page.locator('input[name="confirm"]').fill('taras')
    await press(page, 'Disable')
    await seen(page.getByText('disabled', { exact: true }))
    await press(page, 'Enable')
    await seen(page.getByText('active', { exact: true }))
    quiet(answered(422))
  })

  test('the profile takes a photo, another name and another language', async () => {
    await page.goto(`${kyiv.origin}/profile`)
    const square = { width: 300, height: 200, channels: 3, background: '#2f5bea' } as const
    const buffer = await sharp({ create: square }).png().toBuffer()
    await page.getByLabel('Photo', { exact: true }).setInputFiles({
      ...{ name: 'me.png', mimeType: 'image/png', buffer },
    })
    await page.getByLabel('First name').fill('Адá')
    await page.getByLabel('Language').selectOption('uk')
    await press(page, 'Save')
    await seen(page.getByText('Збережено'))
    assert.equal(await page.locator('html').getAttribute('lang'), 'uk')
    assert.equal(await page.inputValue('#firstName'), 'Адá')
    const photo = await page.locator('.photo-row .avatar image').getAttribute('href')
    assert.equal((await ada.context.request.get(kyiv.origin + photo)).status(), 200)
    await page.getByLabel('Мова').selectOption('en')
    await press(page, 'Зберегти')
    await seen(page.getByText('Saved.'))
    quiet()
  })

  test('signing out ends it: the page before is a door again', async () => {
    await press(page, 'Sign out')
    await page.goto(`${kyiv.origin}/chats/${chat}`)
    assert.match(page.url(), /\/sign-in\?next=/)
    await page.fill('#login', 'ada')
    await page.fill('#password', PASSWORD)
    await press(page, 'Sign in')
    await page.waitForURL(`${kyiv.origin}/chats/${chat}`)
    quiet()
  })

  test('a browser too old for our script has the same pages of links and forms', async () => {
    const old = await Visitor.of(browser)
    // What an old parser does with the bundle: it stops at the first word it does not know, and nothing of it runs.
    await old.context.route('**/static/app.js*', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: '#!? a later syntax' }),
    )
    const theirs = await old.open()
    await signIn(theirs, kyiv, 'maria')
    await follow(theirs, 'Add a person')
    assert.equal(new URL(theirs.url()).pathname, '/people/add')
    await theirs.getByLabel('Login or a part of the name').fill('ada')
    await press(theirs, 'Find')
    await press(theirs, /^Add /)
    await theirs.fill('#body', 'from an old browser')
    await press(theirs, 'Send')
    await seen(lineOf(theirs, 'from an old browser'))
    await seen(theirs.getByRole('link', { name: 'Wait for new messages' }))
    assert.deepEqual(old.complaints(/SyntaxError|Invalid or unexpected token/), [])
    await old.close()
  })
})
