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

test('the time up to which it is known is written by the clock of the browser', async () => {
  const asOf = Date.parse('2026-11-21T14:02:00+02:00')
  const html = String(
    await presence('u1', { isOnline: false, lastSeenAt: now - DAY, asOf }, reader),
  )
  assert.match(
    html,
    /yesterday at 14:30, as of <time datetime="2026-11-21T12:02:00.000Z" data-local="moment">14:02</,
  )
})

test('words are right in three languages, with their plurals', () => {
  const said = (language: 'en' | 'uk' | 'pt', ago: number) => {
    const t = wordsOf(language)
    return presenceWords({ isOnline: false, lastSeenAt: now - ago }, { ...reader, t })
  }
  const at = [MINUTE, 2 * MINUTE, 5 * MINUTE, 11 * MINUTE, 21 * MINUTE, HOUR, 4 * HOUR, 11 * HOUR]
  assert.deepEqual(
    [...at, 2 * DAY, 5 * DAY, 21 * DAY].map((ago) => said('uk', ago)),
    [
      ...['у мережі 1 хвилину тому', 'у мережі 2 хвилини тому', 'у мережі 5 хвилин тому'],
      ...['у мережі 11 хвилин тому', 'у мережі 21 хвилину тому', 'у мережі 1 годину тому'],
      ...['у мережі 4 години тому', 'у мережі 11 годин тому', '2 дні тому', '5 днів тому'],
      '21 день тому',
    ],
  )
  assert.deepEqual(
    [MINUTE, 3 * HOUR, 2 * DAY].map((ago) => said('pt', ago)),
    ['online há 1 minuto', 'online há 3 horas', 'há 2 dias'],
  )
  const yesterday = DAY - 3 * HOUR - 10 * MINUTE
  assert.deepEqual(
    [said('en', yesterday), said('uk', yesterday), said('pt', yesterday)],
    ['yesterday at 17:40', 'учора о 17:40', 'ontem às 17:40'],
  )
})

test('a status stands beside it: text, end and do-not-disturb, in the language of the reader', async () => {
  const until = Date.parse('2026-11-21T15:00:00+02:00')
  const said = async (language: 'en' | 'uk' | 'pt', status: object) => {
    const p = { isOnline: true, status: { text: '', doNotDisturb: false, ...status } }
    const html = String(await presence('u1', p, { ...reader, t: wordsOf(language) }))
    return html.replaceAll(/<[^>]+>/g, '')
  }
  const meeting = { text: 'In a meeting', until }
  assert.equal(await said('en', meeting), 'online · In a meeting, until 15:00')
  assert.equal(
    await said('en', { ...meeting, doNotDisturb: true }),
    'online · do not disturb until 15:00 · In a meeting',
  )
  assert.equal(await said('uk', { doNotDisturb: true, until }), 'у мережі · не турбувати до 15:00')
  assert.equal(await said('pt', { doNotDisturb: true }), 'online · não incomodar')
})

test('words of the past can be kept fresh by the page, by its own calendar', async () => {
  const fresh = String(await presence('u1', { isOnline: false, lastSeenAt: now - HOUR }, reader))
  assert.match(fresh, /data-seen="\d+" data-ago="online \{ago\}"/)
  assert.match(fresh, /data-yesterday="yesterday at \{time\}"/)
})

test('typing is said for one, two and many', () => {
  assert.equal(reader.t.presence.typing, 'typing...')
  assert.equal(typingWords([], reader), '')
  assert.equal(typingWords(['Olena'], reader), 'Olena is typing...')
  assert.equal(typingWords(['Olena', 'Taras'], reader), 'Olena and Taras are typing...')
  assert.equal(typingWords(['Olena', 'Taras', 'Ihor'], reader), '3 people are typing...')
})
