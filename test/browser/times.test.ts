/** Words of presence by the clock and calendar of the browser, whatever the server's time zone is. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { wordsOf } from '../../views/language/words.ts'
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
})
