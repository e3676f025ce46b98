/**
 * The Noise handshake (noiseprotocol.org, rev 34) as a pure state machine over byte strings: no
 * socket, no clock, no chance; the ephemeral key is an argument. Links use
 * Noise_XXpsk0_25519_ChaChaPoly_SHA256 through `initiator` and `responder`; pattern and hash are
 * values, so that the public vectors of other patterns run through the same code. It proves
 * possession of keys only: whose keys they are is for src/certificates to say.
 */
import { concat } from '../base/bytes.ts'
import { type Curve, nobleX25519, nodeX25519, X25519_KEY_BYTES } from '../certificates/x25519.ts'
import { NOISE_MESSAGE_BYTES_MAX, ReceivingCipher, SendingCipher, TAG_BYTES } from './cipher.ts'
import { type HashName, SymmetricState } from './symmetric-state.ts'

/**
 * Message 1 of a link: an ephemeral key and the tag of an empty payload. Any other length is a
 * stranger's.
 */
export const MESSAGE_1_BYTES = X25519_KEY_BYTES + TAG_BYTES
const PSK_BYTES = 32

export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk'

/**
 * A handshake pattern: which static keys are known before, and the tokens of each message in turn.
 */
export type Pattern = {
  name: string
  known: { initiator: boolean; responder: boolean }
  messages: readonly (readonly Token[])[]
}

/**
 * The pattern of every link (7.5 and 9.4): the psk keeps strangers out, the static keys are sent
 * sealed.
 */
export const XX_PSK0: Pattern = {
  name: 'XXpsk0',
  known: { initiator: false, responder: false },
  messages: [
    ['psk', 'e'],
    ['e', 'ee', 's', 'es'],
    ['s', 'se'],
  ],
}

/**
 * The handshake is over and failed. It says no more: whoever is outside must not learn which step
 * refused him.
 */
export class HandshakeFailed extends Error {
  override name = 'HandshakeFailed'

  constructor(options?: ErrorOptions) {
    super('The handshake failed', options)
  }
}

/** Secret keys are 32 bytes each; public keys are derived when they are needed. */
export type LinkKeys = {
  prologue: Uint8Array
  psk: Uint8Array
  staticKey: Uint8Array
  /** 32 fresh random bytes, used for this handshake alone. */
  ephemeralKey: Uint8Array
}

/** The side that dials. */
export function initiator(keys: LinkKeys): Handshake {
  return new Handshake({ ...linkParts(keys), isInitiator: true, curve: nobleX25519 })
}

/**
 * The side that answers. Its curve is node:crypto's: a replayed message 1 passes the psk, and this
 * side then works for somebody it does not know yet.
 */
export function responder(keys: LinkKeys): Handshake {
  return new Handshake({ ...linkParts(keys), isInitiator: false, curve: nodeX25519 })
}

function linkParts({ prologue, psk, staticKey, ephemeralKey }: LinkKeys) {
  // Message 1 can be replayed by anybody who saw it, so it carries nothing (7.7: destination
  // property 0).
  return { pattern: XX_PSK0, prologue, psks: [psk], staticKey, ephemeralKey, isFirstEmpty: true }
}

export type HandshakeParts = {
  pattern: Pattern
  hash?: HashName
  curve: Curve
  isInitiator: boolean
  prologue: Uint8Array
  psks?: readonly Uint8Array[]
  staticKey?: Uint8Array
  ephemeralKey: Uint8Array
  /** The peer's static public key, for patterns that know it before. */
  remoteStatic?: Uint8Array
  isFirstEmpty?: boolean
}

export type Split = {
  send: SendingCipher
  receive: ReceivingCipher
  /** Names this link for ever (11.2): what is signed over it cannot be carried to another one. */
  handshakeHash: Uint8Array
}

/** One side of one handshake: call `writeMessage` and `readMessage` in turn, then `split` once. */
export class Handshake {
  readonly #parts: Omit<HandshakeParts, 'ephemeralKey' | 'psks'>
  readonly #symmetric: SymmetricState
  readonly #psks: Uint8Array[]
  readonly #isPsk: boolean
  #ephemeralKey: Uint8Array | undefined
  #remoteStatic: Uint8Array | undefined
  #remoteEphemeral: Uint8Array | undefined
  #turn = 0
  #state: 'running' | 'failed' | 'split' = 'running'

  constructor(parts: HandshakeParts) {
    const { ephemeralKey, psks = [], ...others } = parts
    const { pattern, hash = 'SHA256', isInitiator, prologue } = others
    requireKeys([ephemeralKey, parts.staticKey, parts.remoteStatic, ...psks])
    this.#parts = others
    this.#psks = [...psks]
    this.#isPsk = psks.length > 0
    // A copy of its own, which `#end` wipes: forward secrecy hangs on nobody having this key later.
    this.#ephemeralKey = ephemeralKey.slice()
    this.#remoteStatic = parts.remoteStatic
    this.#symmetric = new SymmetricState(`Noise_${pattern.name}_25519_ChaChaPoly_${hash}`, hash)
    this.#symmetric.mixHash(prologue)
    // 5.3 Initialize(): pre-message keys, the initiator's first.
    if (pattern.known.initiator) this.#symmetric.mixHash(this.#knownStatic(isInitiator))
    if (pattern.known.responder) this.#symmetric.mixHash(this.#knownStatic(!isInitiator))
  }

  /** The peer's static public key, as soon as the message that carries it was read. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic
  }

  /** Whether all messages are exchanged, so that `split` may be called. */
  get isComplete(): boolean {
    return this.#state === 'running' && this.#turn === this.#parts.pattern.messages.length
  }

  /** The next message of this side. */
  writeMessage(payload: Uint8Array): Uint8Array {
    const tokens = this.#nextTokens(true, payload.length)
    return this.#guarded(() => {
      const parts = tokens.map((token) => this.#writeToken(token))
      const message = concat(...parts, this.#symmetric.sealAndHash(payload))
      if (message.length > NOISE_MESSAGE_BYTES_MAX) throw new RangeError('The payload is too long')
      return message
    })
  }

  /**
   * The payload of the peer's next message; throws HandshakeFailed, and then this handshake is
   * dead.
   */
  readMessage(message: Uint8Array): Uint8Array {
    const tokens = this.#nextTokens(false, 0)
    return this.#guarded(() => {
      if (message.length > NOISE_MESSAGE_BYTES_MAX) throw new RangeError('The message is too long')
      const isFirst = this.#turn === 1
      let rest = message
      for (const token of tokens) rest = this.#readToken(token, rest)
      const payload = this.#symmetric.openAndHash(rest)
      if (isFirst && this.#parts.isFirstEmpty && payload.length > 0) {
        throw new RangeError('Message 1 carries nothing')
      }
      return payload
    })
  }

  /**
   * The transport ciphers; once only, because two pairs would use the same keys and nonces twice.
   */
  split(): Split {
    if (!this.isComplete) throw new HandshakeFailed()
    const [first, second] = this.#symmetric.split()
    const handshakeHash = this.#symmetric.hash
    this.#end('split')
    // 5.2 Split(): the first key is the initiator's to send with, whoever wrote the last message.
    const [sendKey, receiveKey] = this.#parts.isInitiator ? [first, second] : [second, first]
    return {
      send: new SendingCipher(sendKey),
      receive: new ReceivingCipher(receiveKey),
      handshakeHash,
    }
  }

  /** Gives up: forgets the keys; every later call fails. */
  destroy(): void {
    this.#end('failed')
  }

  #nextTokens(isWriting: boolean, payloadBytes: number): readonly Token[] {
    const isMine = (this.#turn % 2 === 0) === this.#parts.isInitiator
    const tokens = this.#parts.pattern.messages[this.#turn]
    const mayCarry = payloadBytes === 0 || this.#turn > 0 || !this.#parts.isFirstEmpty
    if (this.#state !== 'running' || !tokens || isMine !== isWriting || !mayCarry) {
      this.#end('failed')
      throw new HandshakeFailed()
    }
    this.#turn++
    return tokens
  }

  #guarded(work: () => Uint8Array): Uint8Array {
    try {
      return work()
    } catch (cause) {
      this.#end('failed')
      throw new HandshakeFailed({ cause })
    }
  }

  #end(state: 'failed' | 'split'): void {
    this.#state = state
    this.#symmetric.forget()
    this.#ephemeralKey?.fill(0)
    this.#ephemeralKey = undefined
    this.#psks.length = 0
  }

  #writeToken(token: Token): Uint8Array {
    if (token === 'e') {
      const publicKey = this.#parts.curve.publicKeyOf(required(this.#ephemeralKey))
      this.#mixEphemeral(publicKey)
      return publicKey
    }
    if (token === 's') {
      return this.#symmetric.sealAndHash(
        this.#parts.curve.publicKeyOf(required(this.#parts.staticKey)),
      )
    }
    this.#mixSecret(token)
    return new Uint8Array(0)
  }

  #readToken(token: Token, message: Uint8Array): Uint8Array {
    if (token !== 'e' && token !== 's') {
      this.#mixSecret(token)
      return message
    }
    const length = X25519_KEY_BYTES + (token === 's' && this.#symmetric.hasKey ? TAG_BYTES : 0)
    if (message.length < length) throw new RangeError('The message ends early')
    const field = message.slice(0, length)
    if (token === 'e') {
      this.#remoteEphemeral = field
      this.#mixEphemeral(field)
    } else {
      this.#remoteStatic = this.#symmetric.openAndHash(field)
    }
    return message.subarray(length)
  }

  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey)
    // 9.2: with a psk, e goes into the key as well, so that no two handshakes under one psk share a
    // key.
    if (this.#isPsk) this.#symmetric.mixKey(publicKey)
  }

  #mixSecret(token: Exclude<Token, 'e' | 's'>): void {
    if (token === 'psk') {
      this.#symmetric.mixKeyAndHash(required(this.#psks.shift()))
      return
    }
    // The first letter names the initiator's key, the second the responder's.
    const [mine, theirs] = this.#parts.isInitiator ? [token[0], token[1]] : [token[1], token[0]]
    const secretKey = required(mine === 'e' ? this.#ephemeralKey : this.#parts.staticKey)
    const publicKey = required(theirs === 'e' ? this.#remoteEphemeral : this.#remoteStatic)
    this.#symmetric.mixKey(this.#parts.curve.sharedSecret(secretKey, publicKey))
  }

  #knownStatic(isMine: boolean): Uint8Array {
    if (!isMine) return required(this.#parts.remoteStatic)
    return this.#parts.curve.publicKeyOf(required(this.#parts.staticKey))
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A key of this pattern is missing')
  return value
}

function requireKeys(keys: readonly (Uint8Array | undefined)[]): void {
  for (const key of keys) {
    if (key && key.length !== PSK_BYTES)
      throw new TypeError('Every key of a handshake has 32 bytes')
  }
}
