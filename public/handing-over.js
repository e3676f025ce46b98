/**
 * Buttons for what is handed over, made here because only a script can serve them: `[data-copy="ID"]` copies the text of
 * that element, `[data-print]` prints the page. Words come with the attributes.
 */
;(() => {
  function buttonIn(place, act) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'button'
    button.textContent = place.dataset.label
    button.addEventListener('click', act)
    place.append(button)
  }

  /** The old way, for pages on plain HTTP; what it leaves marked can be copied by hand. */
  function copyMarked(source) {
    const range = document.createRange()
    range.selectNodeContents(source)
    const selection = getSelection()
    selection.removeAllRanges()
    selection.addRange(range)
    return document.execCommand('copy')
  }

  async function isCopied(source) {
    try {
      // Only on secure contexts (Clipboard API, 7.2), and the person may refuse it.
      await navigator.clipboard.writeText(source.textContent.trim())
      return true
    } catch {
      return copyMarked(source)
    }
  }

  for (const place of document.querySelectorAll('[data-copy]')) {
    const source = document.getElementById(place.dataset.copy)
    if (!source) continue
    const result = document.createElement('span')
    result.setAttribute('role', 'status')
    buttonIn(place, async () => {
      result.textContent = (await isCopied(source)) ? place.dataset.done : place.dataset.byHand
    })
    place.append(' ', result)
  }
  for (const place of document.querySelectorAll('[data-print]')) {
    buttonIn(place, () => window.print())
  }
})()
