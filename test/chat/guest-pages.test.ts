/** Pages that a guest has open while his home answers: they fill by themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConversationId } from '../../src/base/ids.ts'
import { saveDraft } from '../../src/chat/actions.ts'
import { createHistory } from '../../src/chat/older.ts'
import type { LoggedEvent } from '../../src/eventlog/events.ts'
import { ChatPushes } from '../../src/push/chat-pushes.ts'
import { replayFor } from '../../src/push/chat-replay.ts'
import { guestPushes } from '../../src/push/guest-pushes.ts'
import type { Push } from '../../src/push/viewers.ts'
import { wordsOf } from '../../views/language/words.ts'
import { watch as plansOf } from '../support/plans.ts'
import type { Company, Office, Person } from './cast.ts'
import { leaves, signsIn, three } from './guest-cast.ts'

const reader = {
  ...{ t: wordsOf('en'), timeZone: 'UTC', now: 1_800_000_000_000, icons: '/i', formToken: '' },
}

/** What a page of `person` that shows `chat` has got since the last look, and what it would get if it comes back. */
function pageOf(office: Office, person: Person, chat?: ConversationId) {
  const events: LoggedEvent[] = []
  office.log.onCommitted((committed) => void events.push(...committed))
  const isListening = (user: string) => user === person.id
  const parts = {
    ...{ read: office.store.read, self: office.keys.id, linkOf: () => undefined },
    presenceOf: () => ({ isOnline: true }),
    ...{ typistsIn: () => [], isListening, hasPage: isListening },
    viewers: { openChats: () => (chat === undefined ? [] : [{ user: person.id, chat }]) },
  }
  const pushes = new ChatPushes(parts)
  const shown = async (list: readonly Push[]) => {
    const mine = list.filter((push) => push.to.includes(person.id))
    const here = mine.filter((push) => push.chat === undefined || push.chat === chat)
    return (await Promise.all(here.map((push) => push.html?.(reader)))).join('\n')
  }
  return {
    async got() {
      const found: Push[] = []
      for (const event of events.splice(0)) {
        found.push(...(await pushes.pushesFor(event)), ...(await guestPushes(parts, event)))
      }
      return await shown(found)
    },
    async comesBack(after: number) {
      const asked = { user: person.id, kind: 'page' as const, chat, after }
      return await shown((await replayFor(parts, pushes, asked)) ?? [])
    },
  }
}

async function talk(company: Company, chat: ConversationId, author: Person, count: number) {
  for (let n = 0; n < count; n++) {
    company.advance(1000)
    await author.posts(chat, `line ${n}`)
  }
  await company.settle()
}

const OLDER = /hx-target="#log:not\(\[aria-busy\]\) &gt; #older".*?<p id="older"([^>]*)><a/s

test('the open chat of a guest gets its lines, the way to the older ones and the right count', async (t) => {
  const { company, odesa, lviv, ada, bob } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, ada, 60)
  const last = await lviv.store.read.selectFrom('message').select('id').orderBy('timeKey').execute()
  await bob.reads(chat, ...last.map(({ id }) => id).slice(-50))
  await company.settle()
  await signsIn(company, bob, odesa)
  const page = pageOf(odesa, bob, chat)
  await company.settle()
  const got = await page.got()
  for (const text of ['line 59', 'line 10']) assert.match(got, new RegExp(`>${text}<`))
  const [, from] = OLDER.exec(got) ?? assert.fail('the link to older lines comes')
  assert.match(from ?? '', /data-from="[0-9a-f]{16}"/, 'and says where what is here begins')
  const rows = got.match(/<li id="chat-.*?<\/li>/gs) ?? []
  assert.doesNotMatch(rows.at(-1) ?? '', /data-count/, 'read at home, read here')
})

test('an older page that comes after its reader has stopped waiting is offered again', async (t) => {
  const { company, odesa, ada, bob } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, ada, 60)
  await signsIn(company, bob, odesa)
  await company.settle()
  const page = pageOf(odesa, bob, chat)
  const history = createHistory({ ...odesa.parts, onCommitted: odesa.log.onCommitted })
  const newest = await history.page(bob.at(odesa), { conversation: chat, limit: 200 })
  const [first] = newest.lines
  assert.ok(first)
  const asked = history.page(bob.at(odesa), { conversation: chat, before: first, limit: 50 })
  await odesa.store.writer.write(async () => {})
  company.advance(10_000)
  assert.equal((await asked).isPartial, true)
  assert.doesNotMatch(await page.got(), OLDER)
  await company.settle()
  assert.match(await page.got(), OLDER)
})

test('what was begun to be written at home, and then sent there, is told to the open page', async (t) => {
  const { company, odesa, lviv, ada, bob } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, ada, 2)
  await saveDraft(lviv.parts, { user: bob.id, conversation: chat, body: 'half a "thought' })
  await signsIn(company, bob, odesa)
  const page = pageOf(odesa, bob, chat)
  const elsewhere = pageOf(odesa, ada, chat)
  await company.settle()
  assert.match(await page.got(), /id="draft" hidden data-text="half a &quot;thought"/)
  assert.doesNotMatch(await elsewhere.got(), /id="draft"/)
  assert.match(await page.comesBack(0), /data-text="half a/)
  company.advance(1000)
  await bob.posts(chat, 'half a thought more')
  await company.settle()
  assert.match(await page.got(), /id="draft" hidden data-text=""/)
  await saveDraft(odesa.parts, { user: bob.id, conversation: chat, body: 'typed here' })
  await company.settle()
  assert.doesNotMatch(await page.got(), /id="draft"/, 'the page knows what was typed in it')
  assert.doesNotMatch(await page.comesBack(0), /id="draft"/)
})

test('a page that was hidden while the answers came gets them when it comes back', async (t) => {
  const { company, odesa, lviv, ada, bob, kyiv } = await three(t)
  const chat = await ada.adds(bob)
  await talk(company, chat, ada, 60)
  await signsIn(company, bob, odesa)
  await company.settle()
  await leaves(company, bob)
  company.advance(1000)
  const eve = await kyiv.hire('Eve')
  await company.settle()
  const known = await bob.adds(eve)
  await signsIn(company, bob, odesa)
  const newest = odesa.store.read.selectFrom('event').select('position').orderBy('position', 'desc')
  const { position } = await newest.executeTakeFirstOrThrow()
  const body = { owner: bob.id, contact: eve.id, removed: false }
  const to = [odesa.keys.id]
  await lviv.store.writer.write((tx) =>
    lviv.log.append(tx, { kind: lviv.kinds.contactPut, body, to }),
  )
  await company.settle()
  const page = pageOf(odesa, bob, chat)
  const plans = plansOf(odesa.store.read)
  const got = await page.comesBack(position)
  assert.match(got, OLDER)
  assert.match(got, new RegExp(`<li id="chat-${known}"`))
  const steps = plans.flat().map(({ detail }) => detail)
  assert.ok(steps.some((step) => step.includes('event_of_person')))
  assert.deepEqual(
    steps.filter((step) => /^SCAN (event|e)\b/.test(step)),
    [],
  )
})
