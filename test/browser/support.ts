/**
 * Real pages in Debian's Chromium. Whatever a page complains about (console, script, policy) is kept and fails the
 * test that looks at it. A machine without Chromium skips the browser tests and says so.
 */
import assert from 'node:assert/strict'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import { Client, PASSWORD, type Server, WAIT_MS_MAX } from '../scenarios/servers.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'] as const

/** The full path of a program, if it is on the PATH. */
export function programPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const found = NAMES.map(programPath).find((path) => path !== undefined)

/** For `describe`: why browser tests are skipped here, or false. */
export const SKIP: string | false = found === undefined ? 'no Chromium on the PATH' : false

/** For `describe`: a whole story takes longer than a test, and must still end. */
export const STORY = { skip: SKIP, timeout: 3 * WAIT_MS_MAX }

/** Tests that tell one story: when a chapter fails, the ones behind it have no meaning and are skipped. */
export function chapters(): (name: string, run: () => Promise<void>) => void {
  let failed: string | undefined
  return (name, run) => {
    test(name, async (t) => {
      if (failed !== undefined) return t.skip(`"${failed}" failed`)
      try {
        await run()
      } catch (error) {
        failed = name
        throw error
      }
    })
  }
}

/** Starts Chromium as these tests want it: nothing of its own on the network, English unless a test says otherwise. */
export function launch(): Promise<Browser> {
  assert.ok(found)
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--no-first-run',
  ]
  return chromium.launch({ executablePath: found, args })
}

/** A browser profile whose pages may not complain about anything. */
export class Visitor {
  readonly context: BrowserContext
  readonly #complaints: string[] = []

  private constructor(context: BrowserContext) {
    this.context = context
  }

  static async of(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options })
    context.setDefaultTimeout(WAIT_MS_MAX / 3)
    const visitor = new Visitor(context)
    context.on('page', (page) => visitor.#watch(page))
    return visitor
  }

  #watch(page: Page): void {
    page.on('pageerror', (error) => this.#complaints.push(`${page.url()}: ${error.message}`))
    // Chromium tells a violation of the policy as an error of the console.
    page.on('console', (message) => {
      if (message.type() !== 'error') return
      this.#complaints.push(`${page.url()}: ${message.text()}`)
    })
  }

  open(): Promise<Page> {
    return this.context.newPage()
  }

  /** What pages complained about since the last call, without what the test itself provoked. */
  complaints(expected: RegExp = /(?!)/): string[] {
    return this.#complaints.splice(0).filter((text) => !expected.test(text))
  }

  close(): Promise<void> {
    return this.context.close()
  }
}

/** What Chromium and htmx say of a request that met no server. */
export const NO_SERVER = /net::ERR_|Failed to fetch|network error/
/** What Chromium says of an answer with this status. */
export const answered = (status: number): RegExp =>
  new RegExp(`responded with a status of ${status}`)

/** Signs in through the form of the page. */
export async function signIn(page: Page, server: Server, login: string): Promise<void> {
  await page.goto(`${server.origin}/sign-in`)
  await page.fill('#login', login)
  await page.fill('#password', PASSWORD)
  await page.click('form[action="/sign-in"] button')
  await page.waitForURL(`${server.origin}/chats`)
}

/** Creates accounts at Ada's branch, by login and name, with the password of these tests. */
export async function addPeople(kyiv: Server, people: Record<string, string>): Promise<void> {
  const ada = await Client.signIn(kyiv, 'ada')
  for (const [login, name] of Object.entries(people)) {
    const [firstName = '', lastName = ''] = name.split(' ')
    const account = { login, firstName, lastName, password: PASSWORD, temporary: false }
    await ada.call('POST', '/admin/users', account)
  }
}

/** Waits until something is on the page and visible. */
export function seen(locator: Locator): Promise<void> {
  return locator.first().waitFor({ state: 'visible' })
}

/** Waits until it is no longer there, or hidden. */
export function gone(locator: Locator): Promise<void> {
  return locator.first().waitFor({ state: 'hidden' })
}

/** A message in the log by its words. */
export function lineOf(page: Page, words: string): Locator {
  return page.locator('#log article', { hasText: words })
}

/** The texts of all messages in the log, as they stand. */
export function textsOf(page: Page): Promise<string[]> {
  return page.locator('#log article .text').allInnerTexts()
}

/** Waits until the mark of an own message has this state; a better one passes by too quickly to wait for less. */
export function marked(page: Page, words: string, ...states: string[]): Promise<void> {
  const marks = states.map((state) => `.mark[data-state="${state}"]`).join(', ')
  return lineOf(page, words).locator(marks).first().waitFor({ state: 'attached' })
}

/** What can be pressed and lies beside the screen; tables have a scroll bar of their own. */
export const OUTSIDE = `(() => {
  const wide = document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : []
  const outside = [...document.querySelectorAll('a, button, input, select, textarea')].filter((one) => {
    const { left, right, width } = one.getBoundingClientRect()
    return width > 1 && !one.closest('.table, .skip') && (left < 0 || right > innerWidth)
  })
  return [...wide, ...outside.map((one) => one.outerHTML.slice(0, 80))]
})()`
