/**
 * Files for the message being written (`#outgoing`), as `files:given` and `files:judged` bring them. They go to the server
 * at once, three at a time (uploads.js); the message takes them with it, and sent earlier it waits for them.
 */
;(() => {
  const form = document.getElementById('composer')
  const list = document.getElementById('outgoing')
  const pattern = document.getElementById('outgoing-row')
  const link = form?.querySelector('.attach')
  const box = form?.querySelector('textarea[name="body"]')
  if (!list || !link || !box || !pattern) return

  const AT_ONCE = 3
  const words = JSON.parse(link.dataset.words)
  const items = new Set()
  let isSending = false

  function bytesText(bytes) {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
    const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 3)
    const value = bytes / 1024 ** step
    const [unitDisplay, digits] = step === 0 ? ['long', 0] : ['short', value < 10 ? 1 : 0]
    const form = { style: 'unit', unit: units[step], unitDisplay, maximumFractionDigits: digits }
    return new Intl.NumberFormat(document.documentElement.lang, form).format(value)
  }

  function show({ row, state, file, sent, text, note, isFinal }) {
    row.dataset.state = state
    const size = bytesText(file.size)
    const far = state === 'going' && sent > 0 ? `${bytesText(sent)} / ${size}` : size
    row.querySelector('.file-facts').textContent = [far, text, note].filter(Boolean).join(' · ')
    const bar = row.querySelector('progress')
    bar.hidden = state === 'whole' || state === 'refused'
    bar.value = sent
    bar.max = Math.max(file.size, 1)
    row.querySelector('.again').hidden = state !== 'refused' || isFinal
  }

  function refresh() {
    list.hidden = items.size === 0
    box.required = items.size === 0
    for (const field of form.querySelectorAll('input[name="files"]')) field.remove()
    for (const { id } of [...items].filter((item) => item.id !== undefined)) {
      const field = { type: 'hidden', name: 'files', value: id }
      form.append(Object.assign(document.createElement('input'), field))
    }
    const all = [...items]
    const unbegun = all.filter(({ state }) => state === 'waiting') // not counted by the server yet
    list.dataset.unbegun = unbegun.reduce((sum, { file }) => sum + file.size, 0)
    const [next] = unbegun
    if (next && all.filter(({ state }) => state === 'going').length < AT_ONCE) {
      set(next, { state: 'going', text: '' })
      next.row.dispatchEvent(new CustomEvent('upload:begin', { bubbles: true, detail: next.file }))
    }
    if (!isSending || all.some(({ state }) => state !== 'whole')) return
    isSending = false
    if (all.length > 0) form.requestSubmit()
  }

  function set(item, change) {
    show(Object.assign(item, change))
    refresh()
  }

  function add(file) {
    const row = pattern.content.firstElementChild.cloneNode(true)
    const name = file.name || 'image.png'
    row.querySelector('.file-name').textContent = name
    row.querySelector('progress').setAttribute('aria-label', name)
    const item = { file, row, state: 'asking', sent: 0, text: words.waiting, id: undefined }
    row.querySelector('.again').addEventListener('click', () => {
      set(item, { state: 'waiting', sent: 0 })
    })
    row.querySelector('.remove').addEventListener('click', () => {
      row.dispatchEvent(new CustomEvent('upload:stop'))
      items.delete(item)
      row.remove()
      refresh()
      box.focus()
    })
    row.addEventListener('upload:going', ({ detail: { sent = item.sent, text, isWaiting } }) => {
      item.sent = sent
      if (isWaiting) item.text = text || words.noLine
      else
        item.text = sent === file.size ? words.checkingFile : isSending ? words.sendsWhenReady : ''
      show(item)
    })
    row.addEventListener('upload:whole', ({ detail: { id } }) => {
      set(item, { id, state: 'whole', sent: file.size, text: words.ready })
    })
    row.addEventListener('upload:refused', ({ detail: { text } }) => {
      isSending = false
      set(item, { state: 'refused', text, refusal: text })
    })
    list.append(row)
    items.add(item)
    show(item)
    refresh()
  }

  form.addEventListener('files:given', ({ detail: files }) => {
    files.forEach(add)
    box.focus()
  })
  form.addEventListener('files:judged', ({ detail: judged }) => {
    for (const item of items) {
      if (item.state !== 'asking' || !judged.has(item.file)) continue
      const { refusal, note, isFinal } = judged.get(item.file)
      if (refusal) set(item, { state: 'refused', text: refusal, refusal, isFinal })
      else set(item, { state: 'waiting', note })
    }
  })

  // Before composer.js and htmx hear of it: a message waits for its files.
  window.addEventListener(
    'submit',
    (event) => {
      if (event.target !== form || [...items].every(({ state }) => state === 'whole')) return
      event.preventDefault()
      event.stopImmediatePropagation()
      const refused = [...items].filter(({ state }) => state === 'refused')
      isSending = refused.length === 0
      for (const item of isSending ? items : refused) {
        const text = isSending ? words.sendsWhenReady : `${item.refusal} ${words.takeAwayFirst}`
        if (item.state !== 'whole') set(item, { text })
      }
      refused[0]?.row.querySelector('.remove').focus()
    },
    { capture: true },
  )
  document.addEventListener('htmx:config:request', ({ detail: { ctx } }) => {
    if (ctx.sourceElement !== form) return void ctx.request.body?.delete?.('files')
    ctx.files_sent = [...items]
    for (const { row } of items) row.remove()
    items.clear()
    refresh()
  })
  const giveBack = ({ detail: { ctx } }) => {
    if (ctx?.sourceElement !== form) return
    for (const item of ctx.files_sent ?? []) {
      items.add(item)
      list.append(item.row)
    }
    ctx.files_sent = []
    refresh()
  }
  document.addEventListener('htmx:error', giveBack)
  document.addEventListener('htmx:response:error', giveBack)
})()
