/**
 * What every request of htmx carries: the form token (proof for the server that our page sent it) and the name of this
 * page's stream, so that the server does not push back what this page gets as an answer. A link whose part cannot be
 * had is followed as a link, so that its error is a page one can read.
 */
;(() => {
  const formToken = document.querySelector('meta[name="form-token"]')?.content
  const name = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
  document.body.dataset.streamId = name

  document.addEventListener('htmx:config:request', ({ detail }) => {
    const { headers, method } = detail.ctx.request
    headers['X-Stream'] = name
    if (formToken && method !== 'GET') headers['X-Form-Token'] = formToken
  })

  document.addEventListener('htmx:response:error', ({ detail }) => {
    const source = detail.ctx.sourceElement
    if (source.matches('a[href]') && !source.closest('#older')) location.assign(source.href)
  })

  // The right part is a page of its own where there is no room for it.
  const narrow = window.matchMedia('(max-width: 1099px)')
  document.addEventListener('htmx:config:request', (event) => {
    const { sourceElement, target } = event.detail.ctx
    if (target?.id !== 'details' || !narrow.matches || !sourceElement.href) return
    event.preventDefault()
    location.assign(sourceElement.href)
  })
})()
