/** Presence in words: the exact forms of the product, in the reader's language and the branch's time zone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from '../../views/language/words.ts'
import { presence, presenceWords, typingWords } from '../../views/presence/dot.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const now = Date.parse('2026-11-21T14:30:00+02:00')
const reader = { t: wordsOf('en'), timeZone: 'Europe/Kyiv', now }
const seen = (ago: number) => presenceWords({ isOnline: false, lastSeenAt: now - ago }, reader)

test('a person who is there is online', () => {
  assert.equal(presenceWords({ isOnline: true, lastSeenAt: now - DAY }, reader), 'online')
})

test('within the hour minutes are said, never zero of them', () => {
  assert.equal(seen(0), 'online 1 minute ago')
  assert.equal(seen(-5 * MINUTE), 'online 1 minute ago') // their clock is ahead of ours
  assert.equal(seen(5 * MINUTE), 'online 5 minutes ago')
  assert.equal(seen(HOUR - 1), 'online 59 minutes ago')
})

test('within the day hours are said', () => {
  assert.equal(seen(HOUR), 'online 1 hour ago')
  assert.equal(seen(14 * HOUR), 'online 14 hours ago')
})

test('yesterday has its time, by the calendar of the time zone', () => {
  assert.equal(seen(DAY - 3 * HOUR - 10 * MINUTE), 'yesterday at 17:40')
  assert.equal(seen(14 * HOUR + 31 * MINUTE), 'yesterday at 23:59')
  const inLisbon = { ...reader, timeZone: 'Europe/Lisbon' }
  const lateAtNight = Date.parse('2026-11-21T00:30:00+02:00')
  const p = { isOnline: false, lastSeenAt: lateAtNight }
  assert.equal(presenceWords(p, reader), 'online 14 hours ago')
  assert.equal(presenceWords(p, inLisbon), 'yesterday at 22:30')
})

test('before yesterday days are said', () => {
  assert.equal(seen(2 * DAY), '2 days ago')
  assert.equal(seen(40 * DAY), '40 days ago')
})

test('a person who never came has not been seen', () => {
  assert.equal(presenceWords({ isOnline: false }, reader), 'not seen yet')
})

test('with the line down it says as of when, and the dot is neither green nor ticking', async () => {
  const asOf = Date.parse('2026-11-21T14:02:00+02:00')
  assert.equal(presenceWords({ isOnline: true, asOf }, reader), 'online, as of 14:02')
  const html = String(await presence('u1', { isOnline: true, asOf }, reader))
  assert.match(html, /class="presence presence-u1 stale"/)
  assert.doesNotMatch(html, /data-ago/)
})

test('words of today can be kept fresh by the page, older ones stay', async () => {
  const fresh = String(await presence('u1', { isOnline: false, lastSeenAt: now - HOUR }, reader))
  assert.match(fresh, /data-seen="\d+" data-ago="online \{ago\}"/)
  const old = String(await presence('u1', { isOnline: false, lastSeenAt: now - 3 * DAY }, reader))
  assert.doesNotMatch(old, /data-ago/)
})

test('typing is said for one, two and many', () => {
  assert.equal(reader.t.presence.typing, 'typing...')
  assert.equal(typingWords([], reader), '')
  assert.equal(typingWords(['Olena'], reader), 'Olena is typing...')
  assert.equal(typingWords(['Olena', 'Taras'], reader), 'Olena and Taras are typing...')
  assert.equal(typingWords(['Olena', 'Taras', 'Ihor'], reader), '3 people are typing...')
})
