/**
 * After a reload: files of this chat that were not sent yet, and how far each has come. Chosen again they go on there
 * (uploads.js keeps their ids in this tab); taken away, the server forgets them too.
 */
;(() => {
  const list = document.getElementById('outgoing')
  const pattern = document.getElementById('outgoing-row')
  const link = document.querySelector('#composer .attach')
  const chat = document.getElementById('main')?.dataset.chat
  if (!list || !pattern || !link || !chat) return

  const words = JSON.parse(link.dataset.words)
  const token = document.querySelector('meta[name="form-token"]')?.content ?? ''
  const mine = `upload ${document.body.dataset.user} `
  const rows = document.createElement('ul')
  rows.className = 'outgoing unfinished'

  function ask(id, method) {
    const headers = { Accept: 'application/json', 'X-Form-Token': token }
    return fetch(`/uploads/${id}`, { method, headers })
  }

  function drop(row) {
    row.remove()
    if (rows.children.length === 0) rows.remove()
  }

  async function show(key, id) {
    const answer = await ask(id, 'GET').catch(() => undefined)
    if (answer?.status === 404) return sessionStorage.removeItem(key)
    if (!answer?.ok) return
    const { name, offset } = await answer.json()
    const size = Number(key.slice(mine.length).split(' ', 1)[0])
    const row = pattern.content.firstElementChild.cloneNode(true)
    row.dataset.key = key
    row.querySelector('.file-name').textContent = name
    row.querySelector('.file-facts').textContent = words.unfinished
    const bar = row.querySelector('progress')
    bar.max = Math.max(size, 1)
    bar.value = offset
    bar.setAttribute('aria-label', name)
    const again = row.querySelector('.again')
    again.textContent = words.chooseAgain
    again.addEventListener('click', () => document.getElementById('chooser')?.click())
    row.querySelector('.remove').addEventListener('click', () => {
      sessionStorage.removeItem(key)
      ask(id, 'DELETE').catch(() => {})
      drop(row)
    })
    rows.append(row)
    if (!rows.isConnected) list.before(rows)
  }

  const kept = () =>
    Object.keys(sessionStorage)
      .filter((key) => key.startsWith(mine))
      .map((key) => [key, ...sessionStorage.getItem(key).split(' ')])

  for (const [key, id, of] of kept()) if (of === chat) show(key, id)
  const form = list.closest('form')
  // What goes with a message is no longer unfinished.
  document.addEventListener('htmx:config:request', ({ detail: { ctx } }) => {
    const sent = ctx.sourceElement === form ? ctx.request.body.getAll('files') : []
    for (const [key, id] of kept()) if (sent.includes(id)) sessionStorage.removeItem(key)
  })
  form.addEventListener('files:given', ({ detail: files }) => {
    const given = files.map(
      ({ size, lastModified, name }) => `${mine}${size} ${lastModified} ${name}`,
    )
    for (const row of [...rows.children]) if (given.includes(row.dataset.key)) drop(row)
  })
})()
