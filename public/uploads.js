/**
 * The way of one file to the server: it goes on by itself where it stopped when the line or the server comes back, and
 * when the same file is chosen again after a reload. `upload:begin` at an element (detail: the file) starts it,
 * `upload:stop` ends it; `upload:going`, `upload:whole` (with its id) and `upload:refused` tell how it is.
 */
;(() => {
  const RETRY_MS = [1000, 2000, 5000, 10_000, 15_000]
  const token = document.querySelector('meta[name="form-token"]')?.content ?? ''

  const chat = document.getElementById('main')?.dataset.chat ?? ''

  /** Where an upload of this very file is remembered in this tab. */
  const nameOf = ({ name, size, lastModified }) =>
    `upload ${document.body.dataset.user} ${size} ${lastModified} ${name}`

  /** Another try would end the same way. */
  class Refused extends Error {}

  function answerOf(request) {
    const { status } = request
    const offset = request.getResponseHeader('Upload-Offset')
    let answer = {}
    try {
      answer = JSON.parse(request.responseText || '{}')
    } catch {
      // The page of a proxy.
    }
    if (status >= 200 && status < 300) return answer
    if (status === 409 && offset !== null) return { offset: Number(offset) }
    if (status === 404) throw new Refused('gone')
    const text = answer.error?.message ?? ''
    throw status === 409 || status === 429 || status >= 500 ? new Error(text) : new Refused(text)
  }

  // Not fetch: it tells nothing of how far a body has gone.
  function ask(method, path, { headers = {}, body, onProgress, going = {} } = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open(method, path)
      request.setRequestHeader('Accept', 'application/json')
      request.setRequestHeader('X-Form-Token', token)
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
      if (onProgress) request.upload.addEventListener('progress', onProgress)
      request.addEventListener('load', () => {
        try {
          resolve(answerOf(request))
        } catch (error) {
          reject(error)
        }
      })
      request.addEventListener('error', () => reject(new Error('')))
      request.addEventListener('abort', () => reject(new Refused('')))
      going.abort = () => request.abort()
      request.send(body)
    })
  }

  const pause = (ms) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      const online = () => {
        clearTimeout(timer)
        resolve()
      }
      window.addEventListener('online', online, { once: true })
    })

  async function part(file, going, tell) {
    const body = new URLSearchParams({ name: file.name || 'image.png', size: file.size })
    const begun = going.id
      ? await ask('GET', `/uploads/${going.id}`, { going })
      : await ask('POST', '/uploads', { body, going })
    going.id = begun.id ?? going.id
    sessionStorage.setItem(nameOf(file), `${going.id} ${chat}`)
    if (begun.sha256) return begun
    const { offset } = begun
    return await ask('PATCH', `/uploads/${going.id}`, {
      going,
      headers: { 'Upload-Offset': offset, 'Content-Type': 'application/octet-stream' },
      body: file.slice(offset),
      onProgress({ loaded }) {
        going.failures = 0
        tell('going', { sent: Math.min(offset + loaded, file.size), text: '' })
      },
    })
  }

  async function run(element, file) {
    const tell = (name, detail) => {
      element.dispatchEvent(new CustomEvent(`upload:${name}`, { detail }))
    }
    const going = { id: sessionStorage.getItem(nameOf(file))?.split(' ')[0], failures: 0 }
    let isStopped = false
    const stop = () => {
      isStopped = true
      going.abort?.()
      sessionStorage.removeItem(nameOf(file))
      if (going.id) ask('DELETE', `/uploads/${going.id}`).catch(() => {})
    }
    element.addEventListener('upload:stop', stop, { once: true })
    while (!isStopped) {
      try {
        const { id, sha256 } = await part(file, going, tell)
        if (sha256) return tell('whole', { id })
      } catch (error) {
        if (isStopped) return
        if (error instanceof Refused && error.message === 'gone' && going.id) {
          sessionStorage.removeItem(nameOf(file))
          going.id = undefined
          continue
        }
        if (error instanceof Refused) {
          element.removeEventListener('upload:stop', stop)
          return tell('refused', { text: error.message })
        }
        tell('going', { text: error.message, isWaiting: true })
        await pause(RETRY_MS[Math.min(going.failures++, RETRY_MS.length - 1)])
      }
    }
  }

  document.addEventListener('upload:begin', ({ target, detail }) => run(target, detail))
})()
