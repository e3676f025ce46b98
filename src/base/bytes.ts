/** Byte strings: joining, comparing, reading and writing big-endian numbers. No I/O, no Node. */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of UTF-8 bytes; throws TypeError when they are none. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** Lower-case hexadecimal text of bytes. */
export function hex(bytes: Uint8Array): string {
  return bytes.toHex()
}

/** Bytes of hexadecimal text; throws SyntaxError when it is none. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text)
}

/** One byte string of several. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Equality that takes the same time wherever the difference lies (lengths are no secret). */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** Thrown by `Reader` when bytes end early or are left over: the sender broke the format. */
export class FormatError extends Error {
  override name = 'FormatError'
}

/** Reads big-endian fields one after the other; every read checks the length. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  get offset(): number {
    return this.#at
  }

  #take(length: number): number {
    if (length > this.left) throw new FormatError('The bytes end too early')
    const at = this.#at
    this.#at += length
    return at
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  /** A 64-bit number that must be exact in a JavaScript number. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError('The number is too large')
    return Number(value)
  }

  /** A view of the next bytes: copy it if it must outlive the input. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Hexadecimal text of the next bytes. */
  hex(length: number): string {
    return hex(this.bytes(length))
  }

  rest(): Uint8Array {
    return this.bytes(this.left)
  }

  end(): void {
    if (this.left !== 0) throw new FormatError('There are bytes after the end')
  }
}

/** Writes big-endian fields one after the other into a growing buffer. */
export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(expectedBytes = 256) {
    this.#bytes = new Uint8Array(expectedBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  #room(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }

  u8(value: number): this {
    const at = this.#room(1)
    this.#view.setUint8(at, value)
    return this
  }

  u16(value: number): this {
    const at = this.#room(2)
    this.#view.setUint16(at, value)
    return this
  }

  u32(value: number): this {
    const at = this.#room(4)
    this.#view.setUint32(at, value)
    return this
  }

  u64(value: number): this {
    const at = this.#room(8)
    this.#view.setBigUint64(at, BigInt(value))
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length)
    this.#bytes.set(value, at)
    return this
  }

  hex(value: string): this {
    return this.bytes(fromHex(value))
  }

  done(): Uint8Array {
    const isFull = this.#length === this.#bytes.length
    return isFull ? this.#bytes : this.#bytes.slice(0, this.#length)
  }
}
