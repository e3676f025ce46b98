/**
 * I16: no pair of key and nonce seals two things, in links, handshakes, bodies and sealed keys alike. Looked at where
 * all of them come together, at node:crypto's cipher, for the whole process. What is sealed again as it was, because
 * it is sent again, is the same bytes and tells nobody anything.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const CIPHER = 'chacha20-poly1305'

/** Of the run that goes on: what each pair has sealed. */
const sealed = new Map<string, string>()
const faults: string[] = []

/** Forgets what the run before sealed: the same seed draws the same keys. */
export function beginNonces(): void {
  sealed.clear()
  faults.length = 0
}

/** Pairs that sealed two things since the beginning. */
export function noncesUsedTwice(): readonly string[] {
  return faults
}

const { createCipheriv } = crypto

/** What a cipher is given, in the only way our code uses one: the associated data, then the text, each once. */
type Watched = {
  setAAD(associated: Uint8Array, options: object): unknown
  update(text: Uint8Array): Buffer
}

function watched(...given: Parameters<typeof createCipheriv>): ReturnType<typeof createCipheriv> {
  const [algorithm, key, nonce] = given
  const cipher = createCipheriv(...given)
  if (algorithm !== CIPHER) return cipher
  const pair = `${hexOf(key)} ${hexOf(nonce)}`
  const sealing = cipher as unknown as Watched
  const setAAD = sealing.setAAD.bind(cipher)
  const update = sealing.update.bind(cipher)
  let associated: Uint8Array = new Uint8Array(0)
  sealing.setAAD = (ad, options) => {
    associated = ad
    return setAAD(ad, options)
  }
  sealing.update = (text) => {
    const what = crypto.hash('sha1', Buffer.concat([associated, text]), 'hex')
    const before = sealed.get(pair) ?? what
    if (before !== what) faults.push(`a key sealed two things by the nonce ${hexOf(nonce)}`)
    sealed.set(pair, what)
    return update(text)
  }
  return cipher
}

const hexOf = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString('hex')

crypto.createCipheriv = watched as typeof createCipheriv
syncBuiltinESMExports()
