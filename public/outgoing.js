/**
 * Files for the message that is being written (`#outgoing`), as `files:given` brings them to the composer. They go to
 * the server at once, three at a time (uploads.js); the message takes them with it, and sent earlier it waits for them.
 */
;(() => {
  const form = document.getElementById('composer')
  const list = document.getElementById('outgoing')
  const link = form?.querySelector('.attach')
  const box = form?.querySelector('textarea[name="body"]')
  if (!list || !link || !box) return

  const AT_ONCE = 3
  const LIMITS_MS_MAX = 3000
  const words = JSON.parse(link.dataset.words)
  const items = new Set()
  let isSending = false

  function bytesText(bytes) {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
    const step = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1000)), 3)
    const value = bytes / 1000 ** step
    const maximumFractionDigits = value < 10 && step > 0 ? 1 : 0
    const unitDisplay = step === 0 ? 'long' : 'short'
    const form = { style: 'unit', unit: units[step], unitDisplay, maximumFractionDigits }
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
    for (const { id } of items) {
      if (id === undefined) continue
      const field = document.createElement('input')
      field.type = 'hidden'
      field.name = 'files'
      field.value = id
      form.append(field)
    }
    const all = [...items]
    const next = all.find(({ state }) => state === 'waiting')
    if (next && all.filter(({ state }) => state === 'going').length < AT_ONCE) {
      set(next, { state: 'going', text: '' })
      next.row.dispatchEvent(new CustomEvent('upload:begin', { bubbles: true, detail: next.file }))
    }
    if (!isSending || all.some(({ state }) => state !== 'whole')) return
    isSending = false
    if (all.length > 0) form.requestSubmit()
  }

  function set(item, change) {
    Object.assign(item, change)
    show(item)
    refresh()
  }

  function button(className, text, act) {
    const made = document.createElement('button')
    made.type = 'button'
    made.className = `button ${className}`
    made.textContent = text
    made.addEventListener('click', act)
    return made
  }

  function add(file) {
    const row = document.createElement('li')
    row.className = 'file'
    const [name, facts, bar] = ['bdi', 'span', 'progress'].map((tag) => document.createElement(tag))
    name.className = 'file-name'
    name.textContent = file.name || 'image.png'
    facts.className = 'file-facts'
    bar.setAttribute('aria-label', name.textContent)
    const item = { file, row, state: 'asking', sent: 0, text: words.waiting, id: undefined }
    const again = button('again', words.again, () => set(item, { state: 'waiting', sent: 0 }))
    const remove = button('remove', words.remove, () => {
      row.dispatchEvent(new CustomEvent('upload:stop'))
      items.delete(item)
      row.remove()
      refresh()
      box.focus()
    })
    row.append(name, ' ', facts, bar, again, remove)
    row.addEventListener('upload:going', ({ detail: { sent = item.sent, text, isWaiting } }) => {
      Object.assign(item, { sent })
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
      set(item, { state: 'refused', text })
    })
    list.append(row)
    items.add(item)
    show(item)
    refresh()
    return item
  }

  /** What may be sent now; without an answer the server says it when a file begins. */
  async function askLimits() {
    const path = link.getAttribute('href').replace(/attach$/, 'limits')
    try {
      const answer = await fetch(path, { signal: AbortSignal.timeout(LIMITS_MS_MAX) })
      return answer.ok ? await answer.json() : undefined
    } catch {
      return undefined
    }
  }

  /** Whether the server would refuse it, in its words: then not a byte is sent. */
  function refusalOf({ name, size, type }, limits) {
    if (size > limits.sizeMax) return limits.tooLarge
    const ending = name.normalize('NFKC').split('.').slice(1).pop()?.trim().toLowerCase()
    const kind = type === 'application/pdf' ? 'pdf' : type.split('/')[0]
    const rule = limits.refused.find((one) => one === ending || one === `kind:${kind}`)
    if (rule) return limits.typeRefused.replace('{type}', rule)
    return size > (limits.left ?? Number.POSITIVE_INFINITY) ? limits.full : undefined
  }

  function judge(item, limits) {
    const text = limits && refusalOf(item.file, limits)
    if (text) return set(item, { state: 'refused', text, isFinal: true })
    const smaller = limits?.smaller.filter(({ sizeMax }) => item.file.size > sizeMax) ?? []
    set(item, { state: 'waiting', note: smaller.map((of) => of.text).join(' ') })
  }

  form.addEventListener('files:given', async ({ detail: files }) => {
    if (files.length === 0) return
    const given = [...files].map(add)
    box.focus()
    const limits = await askLimits()
    for (const item of given) if (items.has(item)) judge(item, limits)
  })

  // Before composer.js and htmx hear of it: a message waits for its files.
  window.addEventListener(
    'submit',
    (event) => {
      if (event.target !== form || [...items].every(({ state }) => state === 'whole')) return
      event.preventDefault()
      event.stopImmediatePropagation()
      isSending = [...items].every(({ state }) => state !== 'refused')
      for (const item of items) {
        if (isSending && item.state !== 'whole') set(item, { text: words.sendsWhenReady })
      }
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
  window.addEventListener('beforeunload', (event) => {
    if ([...items].some(({ state }) => /^(asking|going|waiting)$/.test(state)))
      event.preventDefault()
  })
})()
