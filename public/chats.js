/**
 * The list of chats (`#chat-list`): the open chat stays marked when its row is pushed anew, the title counts what is
 * unread, Ctrl or Cmd+K goes to the find field, Alt+Up and Alt+Down to the next chat.
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

  if (list) {
    new MutationObserver(() => {
      mark()
      count()
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
