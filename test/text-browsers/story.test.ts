/** A person and an admin at a terminal without a mouse: every step in w3m and in lynx, at 80 columns. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { Client, PASSWORD, type Server, twoBranches, until } from '../scenarios/servers.ts'
import {
  COLUMNS,
  HANDS,
  missing,
  SESSION_MS_MAX,
  Session,
  TEXT_BROWSERS,
  type TextBrowser,
} from './terminal.ts'

/** The words stand on the page in this order; line breaks and indents are the browser's own affair. */
function reads(page: string, ...words: string[]): void {
  const text = page.replaceAll(/\s+/g, ' ')
  let from = 0
  for (const each of words) {
    const at = text.indexOf(each, from)
    assert.notEqual(at, -1, `"${each}" is missing behind ${from}, or out of order, in:\n${page}`)
    from = at + each.length
  }
  const wide = page.split('\n').filter((line) => line.length > COLUMNS)
  assert.deepEqual(wide, [], 'nothing is wider than the terminal')
}

const DUMP: Record<TextBrowser, string[]> = {
  w3m: ['-dump', '-cols', `${COLUMNS}`],
  lynx: ['-dump', '-nolist', `-width=${COLUMNS}`],
}

let kyiv: Server
let lviv: Server
let stop: () => Promise<void>
let ada: Client
let lev: Client

before(async () => {
  if (TEXT_BROWSERS.every(missing)) return
  ;({ kyiv, lviv, stop } = await twoBranches())
  ada = await Client.signIn(kyiv, 'ada')
  lev = await Client.signIn(lviv, 'lev')
  await until('the two know each other', async () => {
    const here = await lev.call<{ items: unknown[] }>('GET', '/people?q=ada')
    const there = await ada.call<{ items: unknown[] }>('GET', '/people?q=lev')
    return here.items.length + there.items.length === 2
  })
})
after(async () => {
  await stop?.()
})

for (const browser of TEXT_BROWSERS) {
  const hand = HANDS[browser]
  const options = { skip: missing(browser), timeout: SESSION_MS_MAX }

  describe(browser, options, () => {
    let session: Session
    const open = () => {
      session = new Session(browser)
      session.keys(hand.type('Login', 'ada'), hand.type('Password', PASSWORD), hand.press())
      return session
    }

    test('the door reads well', () => {
      const page = execFileSync(browser, [...DUMP[browser], `${kyiv.origin}/sign-in`], {
        encoding: 'utf8',
      })
      reads(page, 'Dovira', 'Kyiv branch', 'Sign in', 'Login', 'Password', 'Sign in', 'Forgot')
    })

    test('Ada looks up Lev, writes, waits for his answer, and it counts as read', async (t) => {
      open()
      t.after(() => session.remove())
      const welcome = session.save()
      session.keys(hand.follow('Add a person'), hand.type('Login or a part', 'lev'), hand.press())
      const found = session.save()
      session.keys(hand.pressAfter('Lev Bondar'))
      const begun = session.save()
      session.keys(hand.type(browser === 'lynx' ? '____' : 'Write a', `Привіт з ${browser}`))
      session.keys(hand.press())
      const sent = session.save()
      session.keys(hand.follow('Wait for new'))
      const answered = session.save()
      session.run(kyiv.origin)

      const shell = [
        'Administration',
        'Profile',
        'Chats',
        'Find',
        'Ada Kravets online',
        'Add a person',
      ]
      reads(await session.page(welcome), ...shell)
      reads(
        await session.page(found),
        'Add a person',
        'Login or a part',
        'Lev Bondar Lviv',
        'lev ·',
      )
      reads(await session.page(begun), 'Lev Bondar Lviv', 'Write a message', 'Send', 'Wait for new')
      const line = `Ada Kravets: Привіт з ${browser}`
      reads(await session.page(sent), 'Lev Bondar Lviv', 'Today', line, 'Write a message', 'Send')

      const chat = await lev.directWith('ada')
      await until('it is in Lviv', async () => {
        return (await lev.messages(chat)).at(-1)?.body === `Привіт з ${browser}`
      })
      const [mine] = (await lev.messages(chat)).slice(-1)
      await lev.call('POST', `/conversations/${chat}/read`, { upTo: mine?.id })
      const { id } = await lev.post(chat, `Answer for ${browser}`)
      const page = await session.page(answered)
      reads(page, line, `Lev Bondar: Answer for ${browser}`, 'Write a message')
      assert.doesNotMatch(page, /unread/, 'what is shown counts as read')
      await until('Lev sees that it was read', async () =>
        (await lev.delivery(id)).steps.some(({ state }) => state === 'read'),
      )
      await session.ended()
    })

    test('the mark leads to the delivery story in words; the other pages read well too', async (t) => {
      open()
      t.after(() => session.remove())
      session.keys(hand.follow('Lev Bondar'), hand.follow('read'))
      const story = session.save()
      session.keys(hand.follow('Back'), hand.follow('Details'))
      const details = session.save()
      session.keys(hand.follow('Back'), hand.follow('Profile'))
      const profile = session.save()
      session.keys(hand.follow('Back to the chats'), hand.follow('Administration'))
      const people = session.save()
      session.keys(hand.follow('Branches'))
      const branches = session.save()
      session.run(kyiv.origin)
      const way = ['Written in Kyiv', 'Stored in Lviv', 'Shown to Lev Bondar', 'Read by Lev Bondar']
      reads(await session.page(story), 'Delivery story', 'Привіт з', ...way)
      reads(await session.page(details), 'Lev Bondar', 'Branch Lviv', 'Login lev')
      const own = ['First name', 'Last name', 'Login ada', 'Language', 'Theme', 'Save', 'Sign out']
      reads(await session.page(profile), 'Profile and settings', ...own)
      reads(
        await session.page(people),
        'New person',
        'Name Login Branch',
        'Ada Kravets',
        'Lev Bondar',
      )
      reads(await session.page(branches), 'Branches', '1 of 1 lines are up', 'Kyiv', 'Lviv', 'up')
      await session.ended()
    })

    test('an admin creates an account', async (t) => {
      open()
      t.after(() => session.remove())
      const password = `first day with ${browser}`
      session.keys(hand.follow('Administration'), hand.follow('New person'))
      const form = session.save()
      session.keys(hand.type('Login', `from-${browser}`), hand.type('Temporary', password))
      session.keys(hand.type('First name', 'Nina'), hand.type('Last name', 'Koval'))
      session.keys(hand.follow('Create the account'))
      const issued = session.save()
      session.run(kyiv.origin)
      reads(
        await session.page(form),
        'New person',
        'Login',
        'Temporary password',
        'First name',
        'Role',
      )
      reads(await session.page(issued), 'Nina Koval', `from-${browser}`, password)
      await session.ended()
      const refused = Client.signIn(kyiv, `from-${browser}`, password)
      await assert.rejects(refused, /password-change-required/)
    })
  })
}
