/**
 * Overlays: a `<dialog data-dialog>` that htmx puts into `#overlay` opens above the page; Escape, a click beside it and
 * `[data-close]` close and empty it, and the focus goes back to where it was. `[data-close]` empties `#details` too.
 */
;(() => {
  const overlay = document.getElementById('overlay')
  let opener = null

  function open(dialog) {
    // An overlay that takes the place of another was opened from within it: there the focus has no place to go back to.
    const from = document.activeElement
    if (from !== document.body && !overlay.contains(from)) opener = from
    dialog.addEventListener('close', () => {
      if (!dialog.isConnected) return
      overlay.replaceChildren()
      if (opener?.isConnected) opener.focus()
      opener = null
    })
    dialog.addEventListener('click', (event) => {
      // Only the dimmed page behind is "the dialog itself" and outside its box.
      const box = dialog.getBoundingClientRect()
      const { clientX: x, clientY: y } = event
      const isInside = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom
      if (event.target === dialog && !isInside) dialog.close()
    })
    dialog.removeAttribute('open') // as the page without a script shows it
    dialog.showModal()
  }

  if (overlay) {
    new MutationObserver(() => {
      const dialog = overlay.querySelector('dialog[data-dialog]')
      if (dialog && !dialog.matches(':modal')) open(dialog)
    }).observe(overlay, { childList: true, subtree: true })
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('[data-close]')
    if (!button) return
    const dialog = button.closest('dialog')
    const details = button.closest('#details')
    if (!dialog?.open && !details) return // a page of its own: then it is a link back
    event.preventDefault()
    if (dialog?.open) dialog.close()
    else details.replaceChildren()
  })
})()
