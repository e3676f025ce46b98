/**
 * Whether a line of the log goes on the group above it (`follows`: same author, five minutes): what stands above it only
 * the page knows. A mark that comes before its line waits for it: the line of one's own message is the answer to a
 * request, and its marks come by the stream.
 */
;(() => {
  const log = document.getElementById('log')
  if (!log) return

  const GROUP_MS_MAX = 5 * 60 * 1000
  const EARLY_MAX = 20 // messages under way at a time; marks of lines that are not on the page come here too
  const early = new Map() // id of a mark -> the newest that came for it
  const sentAt = (line) => Date.parse(line.querySelector('time')?.dateTime ?? '')

  function follows(line) {
    const before = line.previousElementSibling
    if (!before?.matches('article[data-author]')) return false
    const gap = sentAt(line) - sentAt(before)
    return before.dataset.author === line.dataset.author && gap >= 0 && gap <= GROUP_MS_MAX
  }

  document.addEventListener('htmx:before:swap', ({ detail }) => {
    for (const { target, fragment } of detail.tasks) {
      const mark = target === null && fragment?.querySelector('.mark')
      if (!mark) continue
      early.delete(mark.id)
      early.set(mark.id, mark)
      if (early.size > EARLY_MAX) early.delete(early.keys().next().value)
    }
  })

  function dress(line) {
    if (!line?.matches?.('article[data-author]')) return
    const mark = line.querySelector('.mark')
    if (early.has(mark?.id)) mark.replaceWith(early.get(mark.id))
    early.delete(mark?.id)
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
