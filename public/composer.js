/**
 * The box to write in (`#composer`): Enter sends, Shift+Enter breaks the line. The box is emptied when the request is
 * built, each request has its own client id, and a failure gives the text back with words. The same text sent again
 * keeps its id, so that a message whose answer was lost does not arrive twice.
 */
;(() => {
  const form = document.getElementById('composer')
  const box = form?.querySelector('textarea[name="body"]')
  if (!box) return

  const place = document.getElementById('composer-error')
  const touch = window.matchMedia('(hover: none) and (pointer: coarse)')
  const storeName = `unsent ${document.body.dataset.user} ${form.getAttribute('action')}`
  const failed = new Map() // text and files -> client id
  let returned = '' // what was given back and still stands at the beginning of the box

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  function grow() {
    if (CSS.supports('field-sizing', 'content')) return
    box.style.height = 'auto'
    box.style.height = `${Math.min(box.scrollHeight + 2, window.innerHeight * 0.4)}px`
  }

  /** Texts that fail one after the other come back in their order, before what was typed meanwhile. */
  function giveBack(text) {
    const rest = box.value.startsWith(returned) ? box.value.slice(returned.length) : box.value
    const before = returned && box.value.startsWith(returned) ? `${returned}\n` : ''
    returned = before + text
    box.value = returned + (rest && !rest.startsWith('\n') ? `\n${rest}` : rest)
    grow()
  }

  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.altKey || touch.matches) return
    if (event.isComposing || event.keyCode === 229) return // an input method ends its word
    event.preventDefault()
    if (box.value.trim() !== '' || !box.required) form.requestSubmit()
  })
  box.addEventListener('input', grow)
  function say(text) {
    const words = document.createElement('p')
    words.className = 'error'
    words.setAttribute('role', 'alert')
    words.textContent = text
    place?.replaceChildren(words)
  }

  // Before htmx hears of it: what is too long stays in the box, whole, with the number.
  form.addEventListener(
    'submit',
    (event) => {
      if (!touch.matches) box.focus()
      const { length } = box.value
      if (length <= Number(box.dataset.max)) return
      event.preventDefault()
      event.stopImmediatePropagation()
      say(box.dataset.tooLong.replace('{length}', length))
    },
    { capture: true },
  )

  document.addEventListener('htmx:config:request', (event) => {
    const { ctx } = event.detail
    if (ctx.sourceElement === box) {
      // "Is typing" says that, and not what.
      if (box.value === '') event.preventDefault()
      ctx.request.body.delete('body')
      ctx.request.body.delete('clientId')
    }
    if (ctx.sourceElement !== form) return
    const text = ctx.request.body.get('body')
    ctx.text_sent = text
    ctx.sent_as = [text, ...ctx.request.body.getAll('files')].join('\n')
    ctx.client_id = failed.get(ctx.sent_as) ?? newId()
    ctx.request.body.set('clientId', ctx.client_id)
    failed.delete(ctx.sent_as)
    returned = ''
    box.value = ''
    place?.replaceChildren()
    grow()
  })

  function undo(ctx) {
    if (ctx?.sourceElement !== form || ctx.given_back) return false
    ctx.given_back = true
    failed.set(ctx.sent_as, ctx.client_id)
    if (ctx.text_sent) giveBack(ctx.text_sent)
    return true
  }

  document.addEventListener('htmx:error', ({ detail }) => {
    if (!undo(detail.ctx)) return
    say(document.getElementById('offline')?.dataset.offline ?? '')
  })
  document.addEventListener('htmx:response:error', ({ detail }) => {
    const { ctx } = detail
    if (!undo(ctx) || ctx.response.status === 422) return // 422 has its place in the form
    window.htmx.swap({ text: ctx.text, sourceElement: form, target: place, swap: 'innerHTML' })
  })
  // The sign-in has ended: the text waits in this tab for the same person.
  document.addEventListener('htmx:after:request', ({ detail }) => {
    if (!detail.ctx.hx?.redirect || !undo(detail.ctx)) return
    sessionStorage.setItem(storeName, box.value)
  })

  // What was begun at another branch comes into the box while nobody has touched what stands there.
  let known = box.value
  new MutationObserver(() => {
    const { text } = document.getElementById('draft')?.dataset ?? {}
    if (text === undefined || box.value !== known) return
    known = text
    box.value = text
    grow()
  }).observe(form, { childList: true })

  const kept = sessionStorage.getItem(storeName)
  sessionStorage.removeItem(storeName)
  if (kept) giveBack(kept)
  grow()
})()
