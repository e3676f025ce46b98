/** A file seen large: the keys left and right follow the links to what is before and after it. */
;(() => {
  const REL = { ArrowLeft: 'prev', ArrowRight: 'next' }

  document.addEventListener('keydown', (event) => {
    const rel = REL[event.key]
    if (!rel || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    // In a player and in a text these keys have a meaning of their own.
    if (event.target.closest?.('audio, video, pre, input, textarea')) return
    const viewer =
      document.querySelector('dialog.viewer[open]') ?? document.querySelector('main.viewer')
    const link = viewer?.querySelector(`a[rel="${rel}"]`)
    if (!link) return
    event.preventDefault()
    link.click()
  })
})()
