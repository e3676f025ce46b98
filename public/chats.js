/**
 * The list of chats (`#chat-list`): the open chat stays marked when its row is pushed anew, the title counts what is
 * unread, Ctrl or Cmd+K goes to the find field, Alt+Up and Alt+Down to the next chat. Where all chats come in place of
 * the link that asked for them, the focus goes to the first one that was not there before.
 */
;(() => {
  const list = document.getElementById('chat-list')
  const find = document.getElementById('find')
  const current = document.querySelector('[data-chat]')?.dataset.chat

  function count() {
    const counts = [...list.querySelectorAll('.badge[data-count]')]
    const unread = counts.reduce((sum, badge) => sum + (Number(badge.dataset.count) || 0), 0)
    const words = document.title.replace(/^\(\d+\) /, '')
    const title = unread > 0 ? `(${unread}) ${words}` : words
    if (document.title !== title) document.title = title
  }

  function mark() {
    const link = current && document.getElementById(`chat-${current}`)?.querySelector('a')
    if (link && !link.hasAttribute('aria-current')) link.setAttribute('aria-current', 'page')
  }

  // Set between an answer with all chats and their being there.
  let known

  document.addEventListener('htmx:before:swap', ({ detail }) => {
    const link = detail.ctx.sourceElement?.closest?.('#all-chats a')
    if (link && link === document.activeElement)
      known = new Set([...list.children].map(({ id }) => id))
  })

  function focusNew() {
    if (!known) return
    const first = [...list.children].find(({ id }) => !known.has(id))
    known = undefined
    first?.querySelector('a').focus({ preventScroll: true })
  }

  if (list) {
    new MutationObserver(() => {
      mark()
      count()
      focusNew()
    }).observe(list, { childList: true, subtree: true })
  }

  function goTo(step) {
    const links = [...(list?.querySelectorAll('li > a') ?? [])]
    const at = links.findIndex((link) => link.hasAttribute('aria-current'))
    const next = at < 0 ? links[0] : links[at + step]
    if (next) location.assign(next.href)
  }

  document.addEventListener('keydown', (event) => {
    if (event.isComposing) return
    const { key, altKey, ctrlKey, metaKey, shiftKey } = event
    if ((ctrlKey || metaKey) && !altKey && !shiftKey && key.toLowerCase() === 'k' && find) {
      event.preventDefault()
      find.focus()
      find.select()
    } else if (altKey && !ctrlKey && !metaKey && (key === 'ArrowUp' || key === 'ArrowDown')) {
      event.preventDefault()
      goTo(key === 'ArrowDown' ? 1 : -1)
    }
  })
})()
