/** The directory and the menu of a contact at a text terminal. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { addPeople } from '../browser/support.ts'
import { PASSWORD, type Server, twoBranches } from '../scenarios/servers.ts'
import { HANDS, missing, SESSION_MS_MAX, Session } from './terminal.ts'

describe('people in w3m', { skip: missing('w3m'), timeout: SESSION_MS_MAX }, () => {
  const hand = HANDS.w3m
  let kyiv: Server
  let stop: () => Promise<void>

  before(async () => {
    ;({ kyiv, stop } = await twoBranches())
    await addPeople(kyiv, { olha: 'Olha Test', petro: 'Petro Front' })
  })
  after(async () => {
    await stop?.()
  })

  test('somebody is found, added and blocked', async (t) => {
    const session = new Session('w3m')
    t.after(() => session.remove())
    session.keys(hand.type('Login', 'ada'), hand.type('Password', PASSWORD), hand.press())
    session.keys(hand.type('Search', 'olh'), hand.follow('Show'))
    const found = session.save()
    session.keys(hand.follow('Olha Test'), hand.follow('Add to my chats'))
    const added = session.save()
    session.keys(hand.follow('Details'), hand.follow('Block'))
    const asked = session.save()
    session.keys(hand.pressAfter('if you want'))
    const blocked = session.save()
    session.run(`${kyiv.origin}/people`)
    const list = await session.page(found)
    assert.match(list, /Olha Test/)
    assert.doesNotMatch(list, /Petro Front/)
    assert.match(await session.page(added), /Olha Test[\s\S]*Send/)
    assert.match(await session.page(asked), /Block Olha Test/)
    assert.match(await session.page(blocked), /No messages are taken any more/)
    await session.ended()
  })
})
