/**
 * Lines of a guest's past that come in above what is read do not move it: the first line in view stays where it is. Runs
 * after scroll.js, which takes away what comes again.
 */
;(() => {
  const log = document.getElementById('log')
  if (!log) return

  const NEAR_PX = 100 // of the bottom: there the newest line is followed instead

  let held

  document.addEventListener('htmx:before:swap', ({ detail }) => {
    const isOlder = detail?.ctx?.sourceElement?.closest?.('#older')
    const isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX
    const { top } = log.getBoundingClientRect()
    const inView = (line) => line.getBoundingClientRect().bottom > top
    const isHeld = !isOlder && !isAtBottom
    const line = isHeld && [...log.querySelectorAll('article[data-seq]')].find(inView)
    held = line ? { id: line.id, top: line.getBoundingClientRect().top } : undefined
  })

  new MutationObserver(() => {
    const line = held && document.getElementById(held.id)
    if (line) log.scrollTop += line.getBoundingClientRect().top - held.top
    held = undefined
  }).observe(log, { childList: true })
})()
