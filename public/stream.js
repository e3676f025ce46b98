/**
 * Care around hx-sse 4.0.1, for the element `#stream`: tries the first connection again, notices a line
 * that died silently, closes while the tab is hidden and comes back with its Last-Event-ID, tells in `#offline` when
 * there is no stream, follows `bye` (signed out) and `resync` (too much was missed).
 */
;(() => {
  const elt = document.getElementById('stream')
  if (!elt) return

  const RETRY_MS_MIN = 1000
  const RETRY_MS_MAX = 30_000
  const OFFLINE_MS = 5000 // shorter gaps are nobody's concern
  const HIDDEN_MS = 3000 // a glance at another tab should not cost a connection
  const ONLINE_WORDS_MS = 3000
  const WATCH_MS = 1000
  const RELOAD_MS = 10_000

  const banner = document.getElementById('offline')
  let connection = null // of hx-sse, from its first answer to its end
  let isAsking = false // the first request is on its way
  let isOver = false
  let lastId = ''
  let failures = 0
  let pingMs = 20_000
  let heardAt = performance.now()
  let retryTimer
  let hiddenTimer
  let offlineTimer
  let isOffline = false

  const on = (name, fn) =>
    document.addEventListener(name, (event) => {
      const source = event.detail?.ctx?.sourceElement ?? event.target
      if (source === elt) fn(event)
    })
  const mayRun = () => !isOver && !document.hidden

  function connect() {
    clearTimeout(retryTimer)
    if (!mayRun() || connection || isAsking) return
    window.htmx.process(elt, true)
  }

  function retry(leastMs = 0) {
    if (!mayRun() || connection || isAsking) return
    const ms = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures++) * (0.7 + 0.6 * Math.random())
    clearTimeout(retryTimer)
    retryTimer = setTimeout(connect, Math.max(ms, leastMs))
  }

  function say(words, isGood = false) {
    if (!banner) return
    banner.textContent = words ?? ''
    banner.classList.toggle('good', isGood)
  }

  function lost() {
    if (offlineTimer || isOffline || !mayRun()) return
    offlineTimer = setTimeout(() => {
      isOffline = true
      say(banner?.dataset.offline)
    }, OFFLINE_MS)
  }

  function found() {
    failures = 0
    clearTimeout(offlineTimer)
    offlineTimer = undefined
    if (!isOffline) return
    isOffline = false
    say(banner?.dataset.online, true)
    setTimeout(() => isOffline || say(''), ONLINE_WORDS_MS)
  }

  on('htmx:config:request', (event) => {
    // htmx may start by itself what `connect` has started: two streams would be one too many for ever.
    if (!mayRun() || connection || isAsking) return event.preventDefault()
    isAsking = true
    heardAt = performance.now()
    if (lastId) event.detail.ctx.request.headers['Last-Event-ID'] = lastId
    lost()
  })
  // Whatever the first request met (no network, 503, a page of some proxy): without a stream, again.
  on('htmx:finally:request', ({ detail }) => {
    isAsking = false
    const seconds = Number(detail.ctx.response?.headers.get('Retry-After'))
    if (!connection) retry(seconds > 0 ? seconds * 1000 : 0)
  })
  on('htmx:sse:before:connection', (event) => {
    if (!mayRun()) return event.preventDefault()
    connection = event.detail.connection
    connection.lastEventId ||= lastId
    if (connection.attempt > 0) lost()
  })
  on('htmx:sse:after:connection', () => {
    heardAt = performance.now()
    if (!mayRun()) setTimeout(() => connection?.reader?.cancel())
  })
  on('htmx:sse:before:message', ({ detail }) => {
    heardAt = performance.now()
    if (detail.message.id) lastId = detail.message.id
  })
  on('htmx:sse:error', lost)
  on('htmx:sse:close', () => {
    connection = null
    lost()
    retry()
  })

  elt.addEventListener('hello', ({ detail }) => {
    pingMs = Number(detail.data) || pingMs
    found()
  })
  elt.addEventListener('bye', () => {
    isOver = true
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`)
  })
  elt.addEventListener('resync', () => {
    const last = Number(sessionStorage.getItem('resync')) || 0
    sessionStorage.setItem('resync', String(Date.now()))
    setTimeout(() => location.reload(), Date.now() - last < RELOAD_MS ? RELOAD_MS : 0)
  })

  function watch() {
    if (!connection?.reader || performance.now() - heardAt < 2.5 * pingMs) return
    heardAt = performance.now()
    connection.reader.cancel()
  }
  setInterval(watch, WATCH_MS)

  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiddenTimer)
    if (document.hidden) {
      clearTimeout(offlineTimer)
      offlineTimer = undefined
      hiddenTimer = setTimeout(() => connection?.reader?.cancel(), HIDDEN_MS)
      return
    }
    failures = 0
    watch()
    connect()
  })
  window.addEventListener('online', () => {
    failures = 0
    if (connection?.delayCanceller) connection.delayCanceller()
    else connect()
  })
  window.addEventListener('pageshow', ({ persisted }) => persisted && connect())
})()
