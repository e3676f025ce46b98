/**
 * Marks (docs/decisions/013-read-marks.md): `shown` for lines on an open page, `read` for a line that was visible for
 * a second in a focused tab. Both name every line of a bundle, because one that arrived late is not read with the younger ones; they
 * are sent at most about once a second.
 */
;(() => {
  const log = document.getElementById('log')
  const chat = document.querySelector('[data-chat]')?.dataset.chat
  if (!log || !chat) return

  const READ_MS = 1000
  const SHOWN_MS = 300
  const AGAIN_MS = 5000
  const LINES_MAX = 500 // of one request, as the server takes them

  const me = document.body.dataset.user
  const formToken = document.querySelector('meta[name="form-token"]')?.content ?? ''
  const visible = new Map() // line -> since when it is visible in a focused tab
  const sent = { shown: new Set(), read: new Set() }
  const timers = {}

  const isTheirs = (line) => line.dataset.author !== me
  const isHere = () => !document.hidden && document.hasFocus()
  const idOf = (line) => line.id.slice('m-'.length)

  async function send(mark, lines) {
    if (lines.length === 0) return
    const ids = lines.map(idOf).slice(-LINES_MAX)
    const marks = ids.map((id) => ['upTo', id])
    for (const id of ids) sent[mark].add(id)
    try {
      const answer = await fetch(`/chats/${chat}/seen`, {
        method: 'POST',
        body: new URLSearchParams([...marks, ['mark', mark], ['formToken', formToken]]),
        headers: {
          'HX-Request': 'true',
          'X-Form-Token': formToken,
          'X-Stream': document.body.dataset.streamId ?? '',
        },
        keepalive: true, // also when this page is just being left
      })
      if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status))
    } catch {
      for (const id of ids) sent[mark].delete(id)
      later(mark, AGAIN_MS)
    }
  }

  function later(mark, ms) {
    timers[mark] ??= setTimeout(() => {
      timers[mark] = undefined
      check[mark]()
    }, ms)
  }

  const check = {
    shown() {
      if (document.hidden) return
      const lines = [...log.querySelectorAll('article[data-author]')]
      send(
        'shown',
        lines.filter((line) => isTheirs(line) && !sent.shown.has(idOf(line))),
      )
    },
    read() {
      if (!isHere()) return
      const now = performance.now()
      const lines = [...visible].filter(([line]) => line.isConnected && !sent.read.has(idOf(line)))
      const done = lines.filter(([, since]) => now - since >= READ_MS - 10)
      send(
        'read',
        done.map(([line]) => line),
      )
      if (done.length < lines.length) later('read', READ_MS)
    },
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting, intersectionRatio, intersectionRect } of entries) {
        // Half of a line, or half of the log for one that is longer than that.
        const isSeen =
          isIntersecting &&
          (intersectionRatio >= 0.5 || intersectionRect.height >= log.clientHeight / 2)
        if (!isSeen) visible.delete(target)
        else if (!visible.has(target)) visible.set(target, performance.now())
      }
      if (visible.size > 0) later('read', READ_MS)
    },
    { root: log, threshold: [0, 0.25, 0.5, 1] },
  )

  function watch(node) {
    if (node.matches?.('article[data-author]') && isTheirs(node)) observer.observe(node)
  }

  for (const line of log.children) watch(line)
  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes } of records) {
      for (const node of removedNodes) visible.delete(node)
      for (const node of addedNodes) watch(node)
    }
    later('shown', SHOWN_MS)
  }).observe(log, { childList: true })

  function back() {
    for (const line of visible.keys()) visible.set(line, performance.now())
    later('read', READ_MS)
    later('shown', SHOWN_MS)
  }
  window.addEventListener('focus', back)
  document.addEventListener('visibilitychange', () => document.hidden || back())
  later('shown', SHOWN_MS)
})()
