/**
 * The Noise handshake (noiseprotocol.org, rev 34) as a pure state machine over byte strings: no
 * socket, no clock, no chance; the ephemeral key is an argument (only a KEM draws for itself).
 * Pattern, hash and KEM are values, so that the public vectors of other patterns run through the
 * same code; what links use stands in suites.ts. The tokens e1 and ekem1 are those of
 * noise_hfs_spec, revision 1. It proves possession of keys only: whose keys they are is for
 * src/certificates to say.
 */
import { concat } from '../base/bytes.ts'
import { type Curve, X25519_KEY_BYTES } from '../certificates/x25519.ts'
import { NOISE_MESSAGE_BYTES_MAX, ReceivingCipher, SendingCipher, TAG_BYTES } from './cipher.ts'
import { type HashName, SymmetricState } from './symmetric-state.ts'

const PSK_BYTES = 32

export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk' | 'e1' | 'ekem1'
type KeyToken = Extract<Token, 'e' | 's' | 'e1' | 'ekem1'>

/**
 * A handshake pattern: which static keys are known before, and the tokens of each message in turn.
 */
export type Pattern = {
  name: string
  known: { initiator: boolean; responder: boolean }
  messages: readonly (readonly Token[])[]
}

/**
 * A key encapsulation mechanism (noise_hfs_spec, section 3). A public key or ciphertext of a wrong
 * form throws.
 */
export type Kem = {
  /** In the protocol's name, after the curve's. */
  name: string
  publicKeyBytes: number
  ciphertextBytes: number
  pairOf(seed: Uint8Array): KemPair
  encapsulate(publicKey: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array }
}

type KemPair = { publicKey: Uint8Array; decapsulate(ciphertext: Uint8Array): Uint8Array }

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

export type HandshakeParts = {
  pattern: Pattern
  hash?: HashName
  curve: Curve
  kem?: Kem | undefined
  isInitiator: boolean
  prologue: Uint8Array
  psks?: readonly Uint8Array[]
  staticKey?: Uint8Array
  ephemeralKey: Uint8Array
  /** Fresh chance for the KEM's pair, on the side that writes e1. */
  kemSeed?: Uint8Array | undefined
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
  readonly #parts: Omit<HandshakeParts, 'ephemeralKey' | 'psks' | 'kemSeed'>
  readonly #symmetric: SymmetricState
  readonly #psks: Uint8Array[]
  readonly #isPsk: boolean
  #ephemeralKey: Uint8Array | undefined
  #remoteStatic: Uint8Array | undefined
  #remoteEphemeral: Uint8Array | undefined
  #kemSeed: Uint8Array | undefined
  #kemPair: KemPair | undefined
  #remoteKemKey: Uint8Array | undefined
  #turn = 0
  #state: 'running' | 'failed' | 'split' = 'running'

  constructor(parts: HandshakeParts) {
    const { ephemeralKey, psks = [], kemSeed, ...others } = parts
    const { pattern, hash = 'SHA256', isInitiator, prologue, kem } = others
    requireKeys([ephemeralKey, parts.staticKey, parts.remoteStatic, ...psks])
    this.#parts = others
    this.#psks = [...psks]
    this.#isPsk = psks.length > 0
    // A copy of its own, which `#end` wipes: forward secrecy hangs on nobody having this key later.
    this.#ephemeralKey = ephemeralKey.slice()
    this.#kemSeed = kemSeed?.slice()
    this.#remoteStatic = parts.remoteStatic
    const agreement = kem ? `25519+${kem.name}` : '25519' // noise_hfs_spec, section 5
    const name = `Noise_${pattern.name}_${agreement}_ChaChaPoly_${hash}`
    this.#symmetric = new SymmetricState(name, hash)
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
    this.#kemSeed?.fill(0)
    this.#kemSeed = undefined
    this.#kemPair = undefined // OpenSSL wipes what it held when it is collected
    this.#psks.length = 0
  }

  #writeToken(token: Token): Uint8Array {
    const { curve, staticKey } = this.#parts
    switch (token) {
      case 'e': {
        const publicKey = curve.publicKeyOf(required(this.#ephemeralKey))
        this.#mixEphemeral(publicKey)
        return publicKey
      }
      case 's':
        return this.#symmetric.sealAndHash(curve.publicKeyOf(required(staticKey)))
      case 'e1':
        this.#kemPair = this.#kem.pairOf(required(this.#kemSeed))
        return this.#symmetric.sealAndHash(this.#kemPair.publicKey)
      case 'ekem1': {
        const { ciphertext, secret } = this.#kem.encapsulate(required(this.#remoteKemKey))
        // Sealed before its secret is mixed in: the reader needs the ciphertext to have the secret.
        const sealed = this.#symmetric.sealAndHash(ciphertext)
        this.#symmetric.mixKey(secret)
        return sealed
      }
      default:
        this.#mixSecret(token)
        return new Uint8Array(0)
    }
  }

  #readToken(token: Token, message: Uint8Array): Uint8Array {
    if (token !== 'e' && token !== 's' && token !== 'e1' && token !== 'ekem1') {
      this.#mixSecret(token)
      return message
    }
    const isSealed = token !== 'e' && this.#symmetric.hasKey
    const length = this.#keyBytes(token) + (isSealed ? TAG_BYTES : 0)
    if (message.length < length) throw new RangeError('The message ends early')
    this.#readKey(token, message.slice(0, length))
    return message.subarray(length)
  }

  #keyBytes(token: KeyToken): number {
    if (token === 'e1') return this.#kem.publicKeyBytes
    return token === 'ekem1' ? this.#kem.ciphertextBytes : X25519_KEY_BYTES
  }

  #readKey(token: KeyToken, field: Uint8Array): void {
    if (token === 'e') {
      this.#remoteEphemeral = field
      this.#mixEphemeral(field)
      return
    }
    const key = this.#symmetric.openAndHash(field)
    if (token === 's') this.#remoteStatic = key
    // Looked at when it is used: whoever replays message 1 must not make us work here.
    else if (token === 'e1') this.#remoteKemKey = key
    else this.#symmetric.mixKey(required(this.#kemPair).decapsulate(key))
  }

  get #kem(): Kem {
    return required(this.#parts.kem)
  }

  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey)
    // 9.2: with a psk, e goes into the key as well, so that no two handshakes under one psk share a
    // key.
    if (this.#isPsk) this.#symmetric.mixKey(publicKey)
  }

  #mixSecret(token: Exclude<Token, KeyToken>): void {
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
