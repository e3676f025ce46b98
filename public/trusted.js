/**
 * Runs first. Says by `html.script` that scripts run here, gives htmx its Trusted Types policy and takes its eval away
 *, and places upserted elements: by code points, among keyed siblings only, moved when their key changed.
 */
;(() => {
  document.documentElement.classList.add('script')

  const refuse = () => {
    throw new TypeError('No scripts by text')
  }
  const rules = { createHTML: (text) => text, createScript: refuse, createScriptURL: refuse }
  const policy = window.trustedTypes?.createPolicy('htmx', rules) ?? rules
  // `function`, not an arrow: htmx calls it with `new`.
  const noEval = () => {
    throw new EvalError('No scripts by text')
  }

  function place(target, elt, { key, sign, prepend }) {
    const existing = elt.id ? document.getElementById(elt.id) : null
    const value = elt.getAttribute(key)
    const hadFocus = existing?.contains(document.activeElement)
    if (existing && existing.getAttribute(key) === value) {
      existing.replaceWith(elt)
    } else {
      existing?.remove()
      insert(target, elt, { key, value, sign, prepend })
    }
    if (hadFocus) elt.querySelector('a, button, input')?.focus({ preventScroll: true })
  }

  function insert(target, elt, { key, value, sign, prepend }) {
    if (value === null) {
      if (prepend) target.prepend(elt)
      else target.append(elt)
      return
    }
    let first = null
    // From the end: what is new usually belongs there.
    for (let child = target.lastElementChild; child; child = child.previousElementSibling) {
      const other = child.getAttribute(key)
      if (other === null) continue
      if (other === value || other < value === sign > 0) return child.after(elt)
      first = child
    }
    if (first) first.before(elt)
    else target.append(elt)
  }

  window.htmx.registerExtension('trusted', {
    init: (api) => api.initSecurity(policy, noEval, noEval),
    handle_swap(style, target, fragment, spec) {
      if (style !== 'upsert') return false
      const order = {
        key: spec.key || 'id',
        sign: spec.sort === 'desc' ? -1 : 1,
        prepend: spec.prepend,
      }
      for (const elt of [...fragment.children]) place(target, elt, order)
      return true
    },
  })
})()
