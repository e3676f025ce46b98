/**
 * Every page in both themes and at three widths: nothing sticks out, nothing complains, nothing that axe-core counts
 * against WCAG 2.2 A and AA. Then the keyboard, and the three languages.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { wordsOf } from '../../views/language/words.ts'
import {
  Client,
  end,
  kill,
  newServer,
  remove,
  type Server,
  start,
  twoBranches,
  until,
} from '../scenarios/servers.ts'
import {
  addPeople,
  answered,
  gone,
  launch,
  OUTSIDE,
  STORY,
  seen,
  signIn,
  Visitor,
} from './support.ts'

const WIDTHS = [1280, 390, 320] as const
const HEIGHT = 800
const THEMES = ['light', 'dark'] as const

const RULES = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations'],
}
/** 390 and 320 have one style sheet: each theme is looked at wide and narrow, and each width once. */
const AXE_LOOKS = ['1280 light', '1280 dark', '390 dark', '320 light']
/** By Runtime.evaluate, which the page's policy does not concern. */
const RUN_AXE = `axe.run(document, ${JSON.stringify(RULES)}).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))))`

async function faultsOf(page: Page): Promise<string[]> {
  const faults: string[] = []
  await page.evaluate(axe.source)
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT })
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      const look = `${width} ${colorScheme}`
      const found = await page.evaluate<string[]>(OUTSIDE)
      if (AXE_LOOKS.includes(look)) found.push(...(await page.evaluate<string[]>(RUN_AXE)))
      faults.push(...found.map((fault) => `${look}: ${fault}`))
    }
  }
  return faults
}

const focused = (page: Page) =>
  page.evaluate<string>(`(() => {
    const one = document.activeElement
    return (one.getAttribute('aria-label') || one.title || one.textContent.trim() || one.id || one.tagName)
  })()`)

type Company = { kyiv: Server; lviv: Server; chat: string; group: string }

/** A chat with words of both, a group, and people to look up. */
async function company(kyiv: Server, lviv: Server): Promise<Company> {
  await addPeople(kyiv, { maria: 'Maria Shevchenko', nina: 'Nina Koval' })
  const [ada, lev] = [await Client.signIn(kyiv, 'ada'), await Client.signIn(lviv, 'lev')]
  await until('Ada knows Lev', async () => {
    const { items } = await ada.call<{ items: unknown[] }>('GET', '/people?q=lev')
    return items.length === 1
  })
  const chat = await ada.directWith('lev')
  await ada.post(chat, 'Good morning! Could you send the October report?')
  await until('it is in Lviv', async () => (await lev.messages(chat)).length === 1)
  await lev.post(chat, `Long: ${'abcdefghij'.repeat(5)}`)
  await until('the answer is in Kyiv', async () => (await ada.messages(chat)).length === 2)
  await ada.post(chat, 'Thank you')
  const members = ['lev', 'maria']
  const wish = { kind: 'group', title: 'Procurement of the whole organisation', members }
  const { id: group } = await ada.call<{ id: string }>('POST', '/conversations', wish)
  await ada.post(group, 'Who checks the stock?')
  await ada.directWith('maria')
  return { kyiv, lviv, chat, group }
}

describe('every page', STORY, () => {
  let stop: () => Promise<void>
  /** A server that is not set up yet. */
  let empty: Server
  let browser: Browser
  let ada: Visitor
  let anybody: Visitor
  let page: Page
  let at: Company

  before(async () => {
    const two = await twoBranches()
    stop = two.stop
    empty = await newServer('Empty')
    await start(empty)
    browser = await launch()
    ada = await Visitor.of(browser)
    anybody = await Visitor.of(browser)
    at = await company(two.kyiv, two.lviv)
    page = await ada.open()
    await signIn(page, at.kyiv, 'ada')
  })
  after(async () => {
    await browser?.close()
    if (empty) {
      await end(empty, 'SIGKILL')
      remove(empty)
    }
    await stop?.()
  })

  /** Opens a page at full width, does something with it, and looks at it in all its forms. */
  function looksRight(name: string, path: () => string, more: (page: Page) => unknown = () => {}) {
    test(`${name}: fits, is quiet and accessible`, async () => {
      await page.setViewportSize({ width: 1280, height: HEIGHT })
      await page.goto(at.kyiv.origin + path())
      await more(page)
      assert.deepEqual(await faultsOf(page), [])
      assert.deepEqual(ada.complaints(), [])
    })
  }

  test('signing in, and setting up: they fit, are quiet and accessible', async () => {
    const door = await anybody.open()
    for (const address of [
      `${at.kyiv.origin}/sign-in`,
      `${empty.origin}/setup`,
      `${empty.origin}/setup?choice=join`,
    ]) {
      await door.goto(address)
      assert.deepEqual(await faultsOf(door), [], address)
    }
    await door.goto(`${at.kyiv.origin}/sign-in`)
    await door.fill('#login', 'ada')
    await door.fill('#password', 'wrong')
    await door.keyboard.press('Enter')
    await seen(door.getByRole('alert'))
    assert.deepEqual(await faultsOf(door), [], 'a wrong password')
    assert.deepEqual(anybody.complaints(answered(422)), [])
    await door.close()
  })

  test('no chats yet: fits, is quiet and accessible', async () => {
    const newcomer = await Visitor.of(browser)
    const welcome = await newcomer.open()
    await signIn(welcome, at.kyiv, 'nina')
    await seen(welcome.getByText('Good to see you, Nina'))
    assert.deepEqual(await faultsOf(welcome), [])
    assert.deepEqual(newcomer.complaints(), [])
    await newcomer.close()
  })

  looksRight('the list of chats', () => '/chats')
  looksRight(
    'a chat with its delivery story',
    () => `/chats/${at.chat}`,
    async () => {
      await page.locator('#log .mine a.way').last().click()
      await seen(page.locator('.story .step'))
    },
  )
  looksRight('a group', () => `/chats/${at.group}`)
  looksRight(
    'a chat with its details beside it',
    () => `/chats/${at.group}`,
    async () => {
      await page.getByRole('link', { name: 'Details' }).click()
      await seen(page.locator('#details').getByText('Maria Shevchenko'))
    },
  )
  looksRight('the details as a page', () => `/chats/${at.chat}/details`)
  looksRight(
    'looking up a person',
    () => '/chats',
    async () => {
      await page.locator('.plus').click()
      await page.locator('#q').fill('le')
      await seen(page.locator('#matches li'))
    },
  )
  looksRight('nobody is found', () => '/people/add?q=zzz')
  looksRight(
    'a new group',
    () => '/chats',
    async () => {
      await page.getByRole('link', { name: 'New group' }).click()
      await seen(page.getByRole('dialog', { name: 'New group' }))
    },
  )
  looksRight('a new group as a page', () => '/chats/new-group')
  looksRight(
    'the delivery story as a page',
    () => `/chats/${at.chat}`,
    async () => {
      const href = await page.locator('#log .mine a.way').last().getAttribute('href')
      await page.goto(at.kyiv.origin + href)
    },
  )
  looksRight('the profile', () => '/profile')
  looksRight('people for admins', () => '/admin/users')
  looksRight('a new account', () => '/admin/users/new')
  looksRight(
    'one account',
    () => '/admin/users?q=maria',
    () => page.locator('tbody a').click(),
  )
  looksRight('branches for admins', () => '/admin/branches')
  looksRight('the way of a message for admins', () => '/admin/trace')
  looksRight('the audit log', () => '/admin/audit?check=yes')
  looksRight(
    'an invitation',
    () => '/admin/branches',
    async () => {
      await page.locator('#branch').fill('Odesa')
      await page.getByRole('button', { name: 'Create an invitation' }).click()
      await seen(page.locator('.secret'))
    },
  )

  test('an import and its sheet of passwords: they fit, also on paper, and are accessible', async () => {
    const lines = ['login,firstName,role', 'not a login,Olha,', 'ivan,Ivan,emperor', 'olha,Olha,']
    const buffer = Buffer.from(lines.join('\n'))
    const widthLeft = (where: string) =>
      page.evaluate<number>(`(({ clientWidth, scrollWidth }) => clientWidth - scrollWidth)(
        document.querySelector('${where}'))`)
    await page.goto(`${at.kyiv.origin}/admin/users/import`)
    assert.deepEqual(await faultsOf(page), [])
    await page.setInputFiles('#file', { name: 'people.csv', mimeType: 'text/csv', buffer })
    await page.getByRole('button', { name: 'Show what would happen' }).click()
    await seen(page.getByText('There is no role emperor'))
    assert.deepEqual(await faultsOf(page), [])
    assert.equal(await widthLeft('.import-lines'), 0, 'the reasons are in sight on a phone')
    await page.getByRole('button', { name: 'Import 1 person' }).click()
    await page.getByRole('button', { name: 'Show and print the passwords' }).click()
    await seen(page.locator('.slip', { hasText: 'olha' }))
    assert.deepEqual(await faultsOf(page), [])
    assert.equal(await widthLeft('.slip dd:last-of-type'), 0, 'a password is not broken')
    await page.setViewportSize({ width: 718, height: 1000 }) // A4 with margins of 1 cm
    await page.emulateMedia({ media: 'print' })
    const [left, isAlone] = [
      await widthLeft('.slip dd:last-of-type'),
      await page.locator('.admin-side').isHidden(),
    ]
    await page.emulateMedia({ media: 'screen' })
    assert.deepEqual([left, isAlone], [0, true])
    assert.deepEqual(ada.complaints(), [])
  })

  test('nothing under this address: fits, is accessible', async () => {
    await page.goto(`${at.kyiv.origin}/nothing`)
    assert.deepEqual(await faultsOf(page), [])
    assert.deepEqual(ada.complaints(answered(404)), [])
  })

  test('the keyboard alone leads through a chat', async () => {
    await page.setViewportSize({ width: 1280, height: HEIGHT })
    await page.goto(`${at.kyiv.origin}/chats/${at.chat}`)
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Skip to the messages')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.match(await focused(page), /shown|stored|read|kept/, 'the mark of the first own message')
    await page.keyboard.press('Enter')
    await seen(page.locator('.story .step'))
    await page.locator('#body').focus()
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Send')
    await page.keyboard.press('Control+k')
    assert.equal(await focused(page), 'find')
    await page.keyboard.press('Alt+ArrowUp')
    await page.waitForURL((url) => !url.href.includes(at.chat))
    assert.match(page.url(), /\/chats\/[0-9a-f]{32}$/)
    assert.deepEqual(ada.complaints(), [])
  })

  test('Escape closes an overlay, and the focus goes back to where it was', async () => {
    await page.goto(`${at.kyiv.origin}/people/add?q=maria`)
    await page.getByRole('button', { name: 'Add Maria Shevchenko' }).click()
    await page.waitForURL(/\/chats\/./)
    await page.goto(`${at.kyiv.origin}/chats`)
    for (const [name, field] of [
      ['Add a person', 'q'],
      ['New group', 'title'],
    ] as const) {
      const opener = page.locator('.own').getByRole('link', { name })
      await opener.focus()
      await page.keyboard.press('Enter')
      await seen(page.getByRole('dialog', { name }))
      await seen(page.locator(`#${field}:focus`))
      for (let i = 0; i < 8; i++) {
        await page.keyboard.press('Tab')
        const isKept =
          'document.activeElement.closest("dialog") || document.activeElement === document.body'
        assert.ok(await page.evaluate(`Boolean(${isKept})`), 'the page behind is not reached')
      }
      await page.keyboard.press('Escape')
      await gone(page.getByRole('dialog'))
      await seen(opener.and(page.locator(':focus')))
    }
    await page.locator('.plus').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await gone(page.getByRole('dialog'))
    await page.locator('.plus').click()
    await seen(page.getByRole('dialog'))
    await page.mouse.click(5, 5)
    await gone(page.getByRole('dialog'))
    assert.equal(await focused(page), 'Add a person')
    assert.deepEqual(ada.complaints(), [])
  })

  for (const [language, locale] of [
    ['uk', 'uk-UA'],
    ['pt', 'pt-PT'],
    ['en', 'fr-FR'],
  ] as const) {
    test(`a browser that asks for ${locale} gets pages in ${language}`, async () => {
      const t = wordsOf(language)
      const visitor = await Visitor.of(browser, { locale })
      const theirs = await visitor.open()
      await theirs.goto(`${at.kyiv.origin}/sign-in`)
      assert.equal(await theirs.locator('html').getAttribute('lang'), language)
      await seen(theirs.getByRole('heading', { name: t.signIn.title }))
      await visitor.context.addCookies(await ada.context.cookies())
      await theirs.goto(`${at.kyiv.origin}/chats`)
      await seen(theirs.getByText(t.welcome.text))
      await seen(theirs.locator('.own').getByText(t.presence.online))
      await theirs.locator('.plus').click()
      await seen(theirs.getByRole('dialog', { name: t.addPerson.title }))
      for (const width of WIDTHS) {
        await theirs.setViewportSize({ width, height: HEIGHT })
        assert.deepEqual(await theirs.evaluate(OUTSIDE), [], `${width}`)
      }
      assert.deepEqual(visitor.complaints(), [])
      await visitor.close()
    })
  }

  test('what changed between a page and its stream is told: a line that went down', async () => {
    await page.setViewportSize({ width: 1280, height: HEIGHT })
    const address = `${at.kyiv.origin}/chats/${at.chat}`
    const held = Promise.withResolvers<void>()
    await page.route('**/events/page*', async (route) => {
      await held.promise
      await route.continue()
    })
    await page.goto(address)
    await kill(at.lviv)
    await until('Kyiv knows that the line is down', async () => {
      const text = await (await ada.context.request.get(address)).text()
      return /to Lviv is down/.test(text)
    })
    assert.equal(await page.locator('#line-banner p').count(), 0)
    held.resolve()
    await seen(page.locator('#line-banner', { hasText: 'to Lviv is down' }))
    await page.unroute('**/events/page*')
  })

  test('a chat whose line is down: fits, is accessible', async () => {
    await seen(page.locator('.conversation-head .presence.stale'))
    assert.deepEqual(await faultsOf(page), [])
    await page.goto(`${at.kyiv.origin}/admin/branches`)
    await seen(page.locator('.state', { hasText: /^(?:down|connecting)$/ }))
    assert.deepEqual(await faultsOf(page), [])
    assert.deepEqual(ada.complaints(), [])
  })
})
