/**
 * Hostile text in every field, in a real browser: on no page does a script run, an element come to be, or the page get
 * wider than the narrowest screen; neither when it is loaded nor when a push brings the text.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import {
  Client,
  end,
  newServer,
  PASSWORD,
  remove,
  type Server,
  start,
} from '../scenarios/servers.ts'
import { answered, launch, OUTSIDE, STORY, seen, signIn, Visitor } from './support.ts'

/** Ends whatever it may stand in, and then is an element whose failing sets a global. */
const BREAKS = `"'></b></p></title></textarea><img src=zq9 onerror=zq9=1><script>zq9=1</script>`
/** The same in 60 characters, which is what a name may have. */
const NAME = `"'></b><img src=zq9 onerror=zq9=1><script>zq9=1</script>`
const LONG = 'W'.repeat(60)
const TURNED = `\u202e${'🧨'.repeat(10)}e${'\u0301'.repeat(20)}`
const BODIES = [
  BREAKS,
  `<hx-partial hx-target="body" hx-swap="innerHTML"><zq9>x</zq9></hx-partial>`,
  `<template><zq9></zq9></template><svg onload=zq9=1><style>*{display:none}</style>`,
  `javascript:zq9=1 https://example.org/"onmouseover=zq9=1 <a href="javascript:zq9=1">x</a>`,
  `${'W'.repeat(500)}`,
  `${TURNED} {{zq9}} \${zq9} &lt;zq9&gt; ]]> <!-- `,
  `\n\ndata: <zq9>\n\nevent: bye\n`,
]

/** Elements, attributes and globals that only hostile text could have made. */
const BROKEN = `(() => {
  const made = document.querySelectorAll(
    'zq9, [onerror], [onload], [onmouseover], [src="zq9"], svg[onload], script:not([src]), style, [href^="javascript:"]')
  return [...made].map((one) => one.outerHTML.slice(0, 90)).concat('zq9' in window ? ['a script ran'] : [])
})()`

describe('hostile text', STORY, () => {
  let server: Server
  let browser: Browser
  let visitor: Visitor
  let page: Page
  let ids: { chat: string; group: string; message: string; emil: string }
  let emil: Client

  before(async () => {
    server = await newServer('Kyiv')
    const password = join(server.data, 'password')
    writeFileSync(password, PASSWORD)
    const admin = ['--admin-login', 'ada', '--admin-name', NAME, '--admin-password-file', password]
    await start(server, '--org', NAME, '--branch', `"'><zq9>`, ...admin)
    ids = await peopled(server)
    emil = await Client.signIn(server, 'emil')
    browser = await launch()
    visitor = await Visitor.of(browser)
    page = await visitor.open()
    page.on('dialog', (dialog) => {
      throw new Error(`A dialog: ${dialog.message()}`)
    })
    await signIn(page, server, 'ada')
  })
  after(async () => {
    await browser?.close()
    if (server) {
      await end(server, 'SIGKILL')
      remove(server)
    }
  })

  /** What is wrong with the page as it stands, on a wide screen and on the narrowest. */
  async function faults(of: Page = page): Promise<string[]> {
    const found: string[] = []
    for (const width of [1280, 320]) {
      await of.setViewportSize({ width, height: 800 })
      for (const script of [BROKEN, OUTSIDE]) {
        found.push(...(await of.evaluate<string[]>(script)).map((fault) => `${width}: ${fault}`))
      }
    }
    return found
  }

  test('no page breaks that shows it', async () => {
    const q = encodeURIComponent(NAME)
    const wrong: string[] = []
    for (const path of [
      ...['/chats', `/chats?find=${q}`, `/chats/${ids.chat}`, `/chats/${ids.group}`],
      ...[`/chats/${ids.chat}/details`, `/chats/${ids.group}/details`],
      ...[`/messages/${ids.message}/delivery`, `/people/add?q=${q}`, '/people/add?q=emil'],
      ...['/chats/new-group', '/profile', '/admin/users', `/admin/users?q=${q}`],
      ...['/admin/users/new', `/admin/users/${ids.emil}`, '/admin/branches'],
    ]) {
      await page.goto(server.origin + path)
      wrong.push(...(await faults()).map((fault) => `${path}: ${fault}`))
    }
    assert.deepEqual(wrong, [])
    assert.deepEqual(visitor.complaints(), [])
    const shown = await page.goto(`${server.origin}/chats/${ids.chat}`)
    assert.equal(shown?.status(), 200)
    await seen(page.locator('#log .text', { hasText: '<script>zq9=1</script>' }))
  })

  test('no form breaks that comes back with it', async () => {
    const wrong: string[] = []
    await page.goto(`${server.origin}/people/add?q=emil`) // who is to be in a group must be known
    await page.locator('#matches form button').first().click()
    await page.waitForURL(/\/chats\/./)
    const sent: [path: string, fields: Record<string, string>, form: string][] = [
      ['/chats/new-group', { title: LONG + LONG }, 'form[action="/chats/new-group"]'],
      [`/admin/users/${ids.emil}`, { confirm: NAME }, `form[action$="/disable"]`],
      ['/admin/branches', { branch: `${NAME}${LONG}` }, 'form[action="/admin/invitations"]'],
      [
        '/admin/users/new',
        { login: NAME, firstName: NAME, password: 'x' },
        'form[action="/admin/users"]',
      ],
    ]
    for (const [path, fields, form] of sent) {
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.goto(server.origin + path)
      for (const [name, value] of Object.entries(fields)) {
        const field = page.locator(`${form} [name="${name}"]`)
        await field.evaluate((one) =>
          (one as never as { removeAttribute(name: string): void }).removeAttribute('maxlength'),
        )
        await field.fill(value)
      }
      const answer = page.waitForResponse((each) => each.request().method() === 'POST')
      const loaded = page.waitForEvent('load')
      await page.locator(form).evaluate((one) => {
        const own = one as never as { noValidate: boolean; requestSubmit(): void }
        own.noValidate = true
        own.requestSubmit()
      })
      assert.ok((await answer).status() >= 400, path)
      await loaded
      wrong.push(...(await faults()).map((fault) => `${path}: ${fault}`))
    }
    const stranger = await Visitor.of(browser)
    const door = await stranger.open()
    await door.goto(`${server.origin}/sign-in?next=${encodeURIComponent(`/chats"><zq9>`)}`)
    await door.fill('#login', NAME)
    await door.fill('#password', NAME)
    await door.keyboard.press('Enter')
    await seen(door.getByRole('alert'))
    wrong.push(...(await faults(door)).map((fault) => `/sign-in: ${fault}`))
    await stranger.close()
    assert.deepEqual(wrong, [])
    assert.deepEqual(visitor.complaints(answered(422)), [])
  })

  test('no push breaks the page that is open', async () => {
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.goto(`${server.origin}/chats/${ids.chat}`)
    await seen(page.locator('#body'))
    for (const body of BODIES) await post(emil, ids.chat, body)
    await post(emil, ids.group, BREAKS)
    const last = await post(emil, ids.chat, 'The last one')
    await seen(page.locator(`#m-${last.id}`))
    await page.locator('#body').fill(BREAKS)
    await page.locator('#body').press('Enter')
    await seen(page.locator('#log .mine', { hasText: '<script>zq9=1</script>' }).last())
    await page.locator('#log .mine a.way').last().click()
    await seen(page.locator('.story .step'))
    assert.deepEqual(await faults(), [])
    assert.deepEqual(visitor.complaints(), [])
  })
})

/** Without a clientId, which has rules of its own. */
function post(client: Client, chat: string, body: string): Promise<{ id: string }> {
  return client.call('POST', `/conversations/${chat}/messages`, { body })
}

/** People and chats whose every field is hostile. */
async function peopled(server: Server) {
  const ada = await Client.signIn(server, 'ada')
  const fields = { department: NAME, post: LONG, phone: '"\'><zq9 x=', room: '"\'><zq9 x=' }
  const add = async (login: string, firstName: string, lastName: string) => {
    const account = { login, firstName, lastName, password: PASSWORD, temporary: false }
    const { id } = await ada.call<{ id: string }>('POST', '/admin/users', account)
    await ada.call('PATCH', `/admin/users/${id}`, fields)
    return id
  }
  const emil = await add('emil', NAME, LONG)
  await add('t'.repeat(32), TURNED.slice(0, 20), LONG)
  const chat = await ada.directWith('emil')
  const found = async (title: string) => {
    const wish = { kind: 'group', title, members: ['emil', 't'.repeat(32)] }
    return (await ada.call<{ id: string }>('POST', '/conversations', wish)).id
  }
  const group = await found(NAME)
  await found(LONG)
  let message = ''
  for (const body of BODIES) message = (await post(ada, chat, body)).id
  await post(ada, group, BREAKS)
  return { chat, group, message, emil }
}
