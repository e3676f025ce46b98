/**
 * Times in the reader's own time zone and language: `<time datetime data-local="clock|short|moment|seconds">`, and words
 * such as "online 5 minutes ago" kept fresh: `<… data-seen="MS" data-ago="online {ago}"
 * data-yesterday="yesterday at {time}">`.
 */
;(() => {
  const MINUTE_MS = 60_000
  const HOUR_MS = 60 * MINUTE_MS
  const DAY_MS = 24 * HOUR_MS
  const REFRESH_MS = 30_000
  const LOCALES = { en: 'en-GB', uk: 'uk-UA', pt: 'pt-PT' }
  const language = document.documentElement.lang
  const locale = LOCALES[language] ?? (language || undefined)

  const format = (options) => new Intl.DateTimeFormat(locale, options)
  const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const exact = format({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  const weekday = format({ weekday: 'short' })
  const day = format({ day: 'numeric', month: 'short' })
  const calendar = new Intl.DateTimeFormat('en-CA', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  const ago = new Intl.RelativeTimeFormat(locale)

  const daysSince = (at) =>
    Math.round((Date.parse(calendar.format(Date.now())) - Date.parse(calendar.format(at))) / DAY_MS)

  const FORMS = {
    clock: (at) => clock.format(at),
    short(at) {
      const days = daysSince(at)
      if (days <= 0) return clock.format(at)
      if (days < 7) return weekday.format(at)
      return at.getFullYear() === new Date().getFullYear() ? day.format(at) : calendar.format(at)
    },
    moment: (at) =>
      daysSince(at) === 0 ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`,
    seconds: (at) => (daysSince(at) === 0 ? exact.format(at) : FORMS.moment(at)),
  }

  function write(elt, text) {
    if (elt.textContent !== text) elt.textContent = text
  }

  function localTime(elt) {
    const at = new Date(elt.dateTime)
    const words = FORMS[elt.dataset.local]
    if (words && !Number.isNaN(at.getTime())) write(elt, words(at))
  }

  function relative(elt) {
    const seen = Number(elt.dataset.seen)
    const gone = Math.max(0, Date.now() - seen)
    const days = daysSince(seen)
    if (!elt.dataset.ago || !elt.dataset.yesterday || Number.isNaN(gone)) return
    // The same steps as the server's (views/presence/dot.ts), by the calendar of this browser.
    if (gone < HOUR_MS) {
      const minutes = Math.max(1, Math.floor(gone / MINUTE_MS))
      write(elt, elt.dataset.ago.replace('{ago}', ago.format(-minutes, 'minute')))
    } else if (days <= 0) {
      const hours = Math.floor(gone / HOUR_MS)
      write(elt, elt.dataset.ago.replace('{ago}', ago.format(-hours, 'hour')))
    } else if (days === 1) write(elt, elt.dataset.yesterday.replace('{time}', clock.format(seen)))
    else write(elt, ago.format(-days, 'day'))
  }

  function localise(root) {
    if (root.matches('time[data-local]')) localTime(root)
    for (const elt of root.querySelectorAll('time[data-local]')) localTime(elt)
    for (const elt of root.querySelectorAll('[data-seen]')) relative(elt)
    if (root.matches('[data-seen]')) relative(root)
  }

  localise(document.body)
  new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) if (node.nodeType === 1) localise(node)
    }
  }).observe(document.body, { childList: true, subtree: true })
  setInterval(() => localise(document.body), REFRESH_MS)
})()
