/**
 * Whether a line of the log goes on the group above it (`follows`: same author, five minutes): what stands above it only
 * the page knows.
 */
;(() => {
  const log = document.getElementById('log')
  if (!log) return

  const GROUP_MS_MAX = 5 * 60 * 1000
  const sentAt = (line) => Date.parse(line.querySelector('time')?.dateTime ?? '')

  function follows(line) {
    const before = line.previousElementSibling
    if (!before?.matches('article[data-author]')) return false
    const gap = sentAt(line) - sentAt(before)
    return before.dataset.author === line.dataset.author && gap >= 0 && gap <= GROUP_MS_MAX
  }

  function dress(line) {
    if (!line?.matches?.('article[data-author]')) return
    line.classList.toggle('follows', follows(line))
  }

  for (const line of log.querySelectorAll('article[data-author]')) dress(line)
  new MutationObserver((records) => {
    for (const { addedNodes, nextSibling } of records) {
      for (const node of addedNodes) dress(node)
      dress(nextSibling?.nodeType === 1 ? nextSibling : nextSibling?.nextElementSibling)
    }
  }).observe(log, { childList: true })
})()
