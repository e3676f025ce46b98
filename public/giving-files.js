/**
 * How files come to the composer: chosen behind its link, dropped on the chat, pasted. It is told by `files:given`
 * (detail: the files). Without a script the link leads to a form.
 */
;(() => {
  const form = document.getElementById('composer')
  const link = form?.querySelector('.attach')
  const box = form?.querySelector('textarea[name="body"]')
  const chat = document.getElementById('main')
  if (!link || !box) return

  const give = (files) => form.dispatchEvent(new CustomEvent('files:given', { detail: [...files] }))

  const chooser = document.createElement('input')
  Object.assign(chooser, { type: 'file', multiple: true, hidden: true, id: 'chooser' })
  chooser.setAttribute('aria-label', link.title)
  link.after(chooser)
  chooser.addEventListener('change', () => {
    give(chooser.files)
    chooser.value = ''
  })
  link.addEventListener('click', (event) => {
    event.preventDefault()
    chooser.click()
  })
  box.addEventListener('paste', (event) => {
    if (event.clipboardData.files.length === 0) return
    event.preventDefault()
    give(event.clipboardData.files)
  })

  const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files')
  const mark = (isOver) => chat.classList.toggle('is-dropping', isOver)
  chat.dataset.drop = JSON.parse(link.dataset.words).dropHere
  window.addEventListener('dragover', (event) => {
    if (!isFiles(event)) return
    event.preventDefault() // a file dropped beside the chat would replace the page
    mark(chat.contains(event.target))
  })
  window.addEventListener('dragleave', (event) => event.relatedTarget === null && mark(false))
  window.addEventListener('drop', (event) => {
    if (!isFiles(event)) return
    event.preventDefault()
    mark(false)
    if (chat.contains(event.target)) give(event.dataTransfer.files)
  })
})()
