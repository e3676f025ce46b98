/**
 * The log (`#log`): stays at the bottom unless somebody reads above, keeps its place when an older page comes in, leads
 * back by `[data-jump]`, and keeps few enough lines in the page.
 */
;(() => {
  const log = document.getElementById('log')
  if (!log) return

  const NEAR_PX = 100
  const LINES_MAX = 300
  const LINES_SLACK = 20 // not one line at a time

  const me = document.body.dataset.user
  const jump = document.querySelector('[data-jump]')
  let isAtBottom = true
  let isFollowing = false
  let fromBottom = null // set while an older page comes in

  log.style.overflowAnchor = 'none' // the browser's own anchoring would fight ours

  function toBottom() {
    log.scrollTop = log.scrollHeight
    isAtBottom = true
    showJump()
  }

  // Once before the next picture: a burst of lines must not cost a layout each.
  function follow() {
    if (isFollowing) return
    isFollowing = true
    requestAnimationFrame(() => {
      isFollowing = false
      trim()
      toBottom()
    })
  }

  function showJump() {
    if (jump) jump.hidden = isAtBottom
  }

  function keepPlace() {
    log.scrollTop = log.scrollHeight - fromBottom
  }

  /** The cursor of a line (src/chat/cursors.ts): the bytes of its time key and id, which are its `data-seq`. */
  function cursorOf(line) {
    const bytes = line.dataset.seq.replace('-', '').match(/../g)
    const text = String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16)))
    return btoa(text).replaceAll('+', '-').replaceAll('/', '_')
  }

  /** Lets the link to the page before begin where the log begins. */
  function aim(link, first) {
    const query = `before=${cursorOf(first)}`
    if (link.getAttribute('hx-get').endsWith(`?${query}`)) return
    for (const name of ['href', 'hx-get']) {
      link.setAttribute(name, `${link.getAttribute(name).split('?')[0]}?${query}`)
    }
    window.htmx.process(link, true)
  }

  /** More of a guest's past has come: what stands before its beginning may have holes, and comes with it again. */
  function pastArrived(older, nodes) {
    // A line may come by itself while the page it stands on is asked for.
    for (const { id } of nodes.filter(({ dataset }) => dataset?.seq)) {
      for (const twin of [...log.querySelectorAll(`[id="${id}"]`)].slice(1)) twin.remove()
    }
    for (const child of [...log.children]) {
      if (child.dataset.seq < older.dataset.from) child.remove()
    }
    const first = log.querySelector('article[data-seq]')
    const link = older.querySelector('a[hx-get]')
    if (first && link) aim(link, first)
  }

  /** Oldest lines go when the reader is at the bottom; the link above then begins where the log begins. */
  function trim() {
    const lines = log.querySelectorAll('article[data-seq]')
    if (lines.length <= LINES_MAX + LINES_SLACK) return
    const first = lines[lines.length - LINES_MAX]
    const link = document.querySelector('#older a[hx-get]')
    if (!link) return
    const older = document.getElementById('older')
    for (const child of [...log.children]) {
      if (child === first) break
      if (child !== older) child.remove()
    }
    aim(link, first)
  }

  function isOwnLast(records) {
    const last = log.querySelector('article:last-of-type')
    return (
      last?.dataset.author === me &&
      records.some(({ addedNodes }) => [...addedNodes].includes(last))
    )
  }

  new MutationObserver((records) => {
    if (log.querySelector('article')) document.getElementById('empty-log')?.remove()
    const nodes = records.flatMap(({ addedNodes }) => [...addedNodes])
    const older = nodes.find((node) => node.id === 'older' && node.isConnected)
    if (older) pastArrived(older, nodes)
    if (fromBottom !== null) return keepPlace()
    if (isAtBottom || isOwnLast(records)) follow()
  }).observe(log, { childList: true })

  new ResizeObserver(() => isAtBottom && toBottom()).observe(log)
  log.addEventListener('load', () => isAtBottom && toBottom(), true) // pictures
  log.addEventListener(
    'scroll',
    () => {
      isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX
      showJump()
    },
    { passive: true },
  )
  jump?.addEventListener('click', (event) => {
    event.preventDefault()
    toBottom()
  })

  const isOlder = ({ detail }) => detail?.ctx?.sourceElement?.closest?.('#older') ?? null
  document.addEventListener('htmx:before:request', (event) => {
    // Older lines are no news: a screen reader must not read them out.
    if (isOlder(event)) log.setAttribute('aria-busy', 'true')
  })
  document.addEventListener('htmx:before:swap', (event) => {
    if (isOlder(event)) fromBottom = log.scrollHeight - log.scrollTop
  })
  document.addEventListener('htmx:finally:swap', () => {
    if (fromBottom === null) return
    keepPlace()
    fromBottom = null
    requestAnimationFrame(() => log.removeAttribute('aria-busy'))
  })
  document.addEventListener('htmx:error', () => log.removeAttribute('aria-busy'))

  const begin = document.querySelector('#log > :target') ?? document.getElementById('new')
  if (begin) begin.scrollIntoView({ block: 'center' })
  else toBottom()
})()
