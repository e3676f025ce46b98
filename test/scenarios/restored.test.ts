/** An old copy of a branch's folder is put back: what others hold comes back from them, and nobody is shown half of it. */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { arrives, bodiesOf, found, hire, isOut, joinBy, knows, stopAll } from './company.ts'
import {
  Client,
  end,
  newServer,
  PASSWORD,
  type Server,
  start,
  until,
  WAIT_MS_MAX,
} from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }

let kyiv: Server
let lviv: Server

before(async () => {
  kyiv = await newServer('Kyiv')
  lviv = await newServer('Lviv')
  await found(kyiv, 'ada')
  await joinBy(kyiv, lviv, 'lev')
}, OPTIONS)

after(async () => {
  await stopAll([kyiv, lviv])
  rmSync(`${lviv.data}-copy`, { recursive: true, force: true })
})

/** What an event stream says until a pattern is found in it. */
async function streamSays(
  { origin }: Server,
  pattern: RegExp,
  { lastId, meanwhile }: { lastId?: string; meanwhile?: () => Promise<unknown> } = {},
): Promise<string> {
  const signIn = await fetch(`${origin}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login: 'lev', password: PASSWORD, device: 'stream' }),
  })
  const { token } = (await signIn.json()) as { token: string }
  const ending = new AbortController()
  const { body } = await fetch(`${origin}/api/v1/events`, {
    signal: ending.signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    },
  })
  // Before anything else: a body that nobody has begun to read is thrown away with its Response.
  const chunks = body?.values()
  await meanwhile?.()
  const timer = setTimeout(() => ending.abort(), WAIT_MS_MAX)
  let said = ''
  for await (const chunk of chunks ?? []) {
    said += Buffer.from(chunk).toString()
    if (pattern.test(said)) break
  }
  clearTimeout(timer)
  ending.abort()
  return pattern.exec(said)?.[0] ?? ''
}

test(
  'a branch put back from an old copy is whole again, and every old id means a fresh start',
  OPTIONS,
  async () => {
    const ada = await Client.signIn(kyiv, 'ada')
    const before = await Client.signIn(lviv, 'lev')
    await until('they know each other', async () =>
      (await Promise.all([knows(ada, 'lev'), knows(before, 'ada')])).every(Boolean),
    )
    const chat = await ada.directWith('lev')
    await ada.post(chat, 'before the copy')
    await arrives(before, chat, 'before the copy')
    await end(lviv)
    cpSync(lviv.data, `${lviv.data}-copy`, { recursive: true })

    await start(lviv)
    const lost = await Client.signIn(lviv, 'lev')
    for (const n of [1, 2, 3]) {
      await ada.post(chat, `from Kyiv ${n}`)
      await lost.post(chat, `from Lviv ${n}`)
    }
    await hire(lost, 'zoya', 'Zoya')
    const wish = { kind: 'group', title: 'Of Lviv', members: ['ada', 'zoya'] }
    const group = (await lost.call<{ id: string }>('POST', '/conversations', wish)).id
    await lost.post(group, 'in the group')
    await arrives(ada, group, 'in the group')
    const lastId = await streamSays(lviv, /(?<=id: )\S+-\d+/, {
      meanwhile: () => lost.post(chat, 'the last one'),
    })
    assert.match(lastId, /^\w+-\d+$/)
    await arrives(ada, chat, 'the last one')
    await arrives(lost, chat, 'from Kyiv 3')
    const whole = await bodiesOf(ada, chat)
    await end(lviv)
    rmSync(lviv.data, { recursive: true })
    cpSync(`${lviv.data}-copy`, lviv.data, { recursive: true })

    await start(lviv)
    await until('sign-ins of the copy have ended', () => isOut(before))
    const lev = await Client.signIn(lviv, 'lev')
    for (const body of whole) await arrives(lev, chat, body)
    await arrives(lev, group, 'in the group')
    assert.deepEqual(await bodiesOf(lev, chat), whole, 'in the same order, and nothing twice')
    await until('its own record of a person is back', () => knows(lev, 'zoya'))
    await Client.signIn(lviv, 'zoya')

    // Enough has happened since that the old position exists again, and is another event.
    for (let n = 0; n < 20; n++) await lev.post(chat, `since ${n}`)
    assert.match(await streamSays(lviv, /event: \w+/, { lastId }), /resync/)
    await arrives(ada, chat, 'since 19')
    await ada.post(group, 'answered')
    await arrives(lev, group, 'answered')

    // What came back is no reason to begin anew a second time.
    const id = await streamSays(lviv, /(?<=id: )\S+-\d+/, {
      meanwhile: () => lev.post(chat, 'stays'),
    })
    await end(lviv)
    await start(lviv)
    const again = await streamSays(lviv, /event: (message|resync)/, {
      lastId: id,
      meanwhile: () => lev.post(chat, 'after a start'),
    })
    assert.equal(again, 'event: message')
  },
)
