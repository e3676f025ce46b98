/** Two real servers and kill -9: nothing lost, nothing doubled, in order, and everybody can see what happened. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client, kill, type Server, start, twoBranches, until, WAIT_MS_MAX } from './servers.ts'

const OPTIONS = { timeout: 3 * WAIT_MS_MAX }

let kyiv: Server
let lviv: Server
let stop: () => Promise<void>

before(async () => {
  const company = await twoBranches()
  kyiv = company.kyiv
  lviv = company.lviv
  stop = company.stop
}, OPTIONS)

after(async () => {
  await stop?.()
})

async function bothKnown(ada: Client, lev: Client): Promise<void> {
  await until('the two people know each other', async () => {
    const there = await ada.call<{ items: { login: string }[] }>('GET', '/people?q=lev')
    const here = await lev.call<{ items: { login: string }[] }>('GET', '/people?q=ada')
    return there.items.length === 1 && here.items.length === 1
  })
}

const bodiesOf = async (client: Client, chat: string) =>
  (await client.messages(chat)).map(({ body }) => body)

test(
  'what is written while the other branch is dead arrives once and in order',
  OPTIONS,
  async () => {
    const ada = await Client.signIn(kyiv, 'ada')
    const lev = await Client.signIn(lviv, 'lev')
    await bothKnown(ada, lev)
    const chat = await ada.directWith('lev')
    const written = Array.from({ length: 30 }, (_, i) => `message ${i}`)
    for (const body of written.slice(0, 10)) await ada.post(chat, body)

    await kill(lviv)
    let last = ''
    for (const body of written.slice(10)) last = (await ada.post(chat, body)).id
    const cutOff = await ada.delivery(last)
    assert.deepEqual(
      cutOff.steps.map(({ state }) => state),
      ['written', 'waiting'],
    )

    await start(lviv)
    await until('everything is stored in Lviv', async () => {
      const { steps } = await ada.delivery(last)
      return steps.some(({ state }) => state === 'stored')
    })
    assert.deepEqual(await bodiesOf(lev, chat), written)
    assert.deepEqual(await bodiesOf(ada, chat), written)
  },
)

test('a server killed while both write loses and doubles nothing', OPTIONS, async () => {
  const ada = await Client.signIn(kyiv, 'ada')
  const lev = await Client.signIn(lviv, 'lev')
  const chat = await ada.directWith('lev')
  const acknowledged: string[] = []
  let isWriting = true
  const write = async (client: Client, who: string) => {
    for (let i = 0; isWriting; i++) {
      const body = `${who} ${i}`
      // An answer that never came may or may not have been written; asking again with the same number settles it.
      for (let tries = 0; isWriting || tries > 0; tries++) {
        const answer = await client.post(chat, body).catch(() => undefined)
        if (answer) {
          acknowledged.push(body)
          break
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  const writers = [write(ada, 'ada'), write(lev, 'lev')]
  for (const server of [lviv, kyiv, lviv]) {
    const count = acknowledged.length
    await until('both have written some more', async () => acknowledged.length > count + 20)
    await kill(server)
    await start(server)
  }
  isWriting = false
  await Promise.all(writers)

  const settled = async () => {
    const [here, there] = [await bodiesOf(ada, chat), await bodiesOf(lev, chat)]
    return acknowledged.every((body) => here.includes(body) && there.includes(body))
  }
  await until('everything that was acknowledged is at both branches', settled)
  const [here, there] = [await bodiesOf(ada, chat), await bodiesOf(lev, chat)]
  assert.equal(new Set(here).size, here.length, 'nothing is doubled in Kyiv')
  assert.deepEqual(there, here, 'both branches show the same history')
  for (const who of ['ada', 'lev']) {
    const numbers = here
      .filter((body) => body.startsWith(`${who} `))
      .map((body) => Number(body.slice(4)))
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
      `${who}'s messages are in order`,
    )
  }
})

test('what is read at one branch is seen as read at the other', OPTIONS, async () => {
  const ada = await Client.signIn(kyiv, 'ada')
  const lev = await Client.signIn(lviv, 'lev')
  const chat = await ada.directWith('lev')
  const { id } = await ada.post(chat, 'please read this')
  await until('it has arrived', async () =>
    (await bodiesOf(lev, chat)).includes('please read this'),
  )
  await lev.call('POST', `/conversations/${chat}/read`, { upTo: id })
  await until('Ada sees that it was read', async () =>
    (await ada.delivery(id)).steps.some(({ state }) => state === 'read'),
  )
})
