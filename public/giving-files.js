/**
 * How files come to the composer: chosen behind its link, dropped on the chat, pasted. It is told by `files:given`
 * (detail: the files), and by `files:judged` what the server would say of each (detail: a Map of refusals and notes), so
 * that nothing is sent in vain. Without a script the link leads to a form.
 */
;(() => {
  const form = document.getElementById('composer')
  const list = document.getElementById('outgoing')
  const link = form?.querySelector('.attach')
  const box = form?.querySelector('textarea[name="body"]')
  const chat = document.getElementById('main')
  if (!link || !list || !box) return

  const LIMITS_MS_MAX = 3000

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
  function refusalOf({ name, size, type }, limits, others) {
    if (size > limits.sizeMax) return limits.tooLarge
    const ending = name.normalize('NFKC').split('.').slice(1).pop()?.trim().toLowerCase()
    const kind = type === 'application/pdf' ? 'pdf' : type.split('/')[0]
    const met = limits.refused.find(({ rule }) => rule === ending || rule === `kind:${kind}`)
    if (met) return met.text
    const left = limits.left ?? Number.POSITIVE_INFINITY
    if (size > left) return limits.full
    return size > left - others ? limits.fullTogether : undefined
  }

  /** Of files that are chosen together the later ones meet what the earlier ones take. */
  function judgeAll(files, limits) {
    let others = Number(list.dataset.unbegun)
    const judged = new Map()
    for (const file of files) {
      const smaller = limits?.smaller.filter(({ sizeMax }) => file.size > sizeMax) ?? []
      const note = smaller.map((of) => of.text).join(' ')
      const refusal = limits && refusalOf(file, limits, others)
      // Without the others it may have its place: it can be tried again.
      judged.set(file, { refusal, note, isFinal: refusal !== limits?.fullTogether })
      if (refusal === undefined) others += file.size
    }
    return judged
  }

  async function give(chosen) {
    const files = [...chosen]
    if (files.length === 0) return
    form.dispatchEvent(new CustomEvent('files:given', { detail: files }))
    const detail = judgeAll(files, await askLimits())
    form.dispatchEvent(new CustomEvent('files:judged', { detail }))
  }

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

  window.addEventListener('beforeunload', (event) => {
    if (list.querySelector('[data-state=asking], [data-state=going], [data-state=waiting]'))
      event.preventDefault() // the browser asks whether to leave what is under way
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
