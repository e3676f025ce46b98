/** Words of presence by the clock and calendar of the browser, whatever the server's time zone is. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { linkBanner } from '../../views/chat/conversation.ts'
import { storyFragment } from '../../views/chat/delivery.ts'
import { wordsOf } from '../../views/language/words.ts'
import { listTime, momentTime } from '../../views/parts.ts'
import { presence } from '../../views/presence/dot.ts'
import { launch, SKIP } from './support.ts'

const HOUR = 3_600_000
const now = Date.parse('2026-11-21T14:30:00Z')

describe('times in a browser', { skip: SKIP, timeout: 60_000 }, () => {
  test('the script says what the server says, in the zone of the reader', async () => {
    const browser = await launch()
    try {
      for (const language of ['en', 'uk', 'pt'] as const) {
        for (const timeZone of ['UTC', 'Asia/Tokyo', 'America/Los_Angeles']) {
          const context = await browser.newContext({ timezoneId: timeZone })
          const page = await context.newPage()
          await page.clock.install({ time: now })
          const elsewhere = { t: wordsOf(language), timeZone: 'Europe/Kyiv', now }
          const there = { ...elsewhere, timeZone }
          const ages = [0.02, 0.5, 1, 5, 14, 15, 23, 30, 39, 47, 60, 130].map((n) => n * HOUR)
          const shown = async (reader: typeof elsewhere) => {
            const all = ages.map((age) =>
              presence('u', { isOnline: false, lastSeenAt: now - age }, reader),
            )
            return (await Promise.all(all)).join('\n')
          }
          const html = await shown(elsewhere)
          await page.setContent(
            `<!doctype html><html lang="${language}"><body>${html}</body></html>`,
          )
          await page.addScriptTag({ content: readFileSync('public/times.js', 'utf8') })
          const words = await page.locator('.words').allTextContents()
          const expected = (await shown(there)).match(/(?<=yesterday="[^"]*">)[^<]+/g)
          assert.deepEqual(words, expected, `${language}, ${timeZone}`)
          await context.close()
        }
      }
    } finally {
      await browser.close()
    }
  })

  test('every time on a page and in a story is that of the reader', async () => {
    const browser = await launch()
    try {
      const moments = [0.01, 2, 16, 40].map((hours) => now - hours * HOUR)
      const shown = async (timeZone: string) => {
        const reader = { t: wordsOf('en'), timeZone, now, icons: '', formToken: '' }
        const steps = moments.map((at) => ({ kind: 'written' as const, branch: 'Kyiv', at }))
        const waiting = { kind: 'waiting' as const, branch: 'Lviv', linkDownSince: now - 2 * HOUR }
        const story = { chatId: '', messageId: '', body: '', steps: [...steps, waiting] }
        const down = [{ branch: 'Lviv', since: now - 16 * HOUR, over: [] }]
        const times = moments.flatMap((at) => [listTime(at, reader), momentTime(at, reader)])
        const parts = [...times, storyFragment(story, reader), linkBanner(down, reader)]
        return (await Promise.all(parts)).join('\n')
      }
      const context = await browser.newContext({ timezoneId: 'America/Los_Angeles' })
      const page = await context.newPage()
      await page.clock.install({ time: now })
      await page.setContent(
        `<!doctype html><html lang="en"><body>${await shown('Europe/Kyiv')}</body></html>`,
      )
      await page.addScriptTag({ content: readFileSync('public/times.js', 'utf8') })
      const words = await page.locator('time').allTextContents()
      assert.equal(words.length, 14, 'two for each moment, one for each step, one in the banner')
      const expected = (await shown('America/Los_Angeles')).match(/(?<=<time[^>]*>)[^<]+/g)
      assert.deepEqual(words, expected)
    } finally {
      await browser.close()
    }
  })
})
