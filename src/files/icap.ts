/**
 * A file as the body of an HTTP answer that an ICAP server looks at (RFC 3507, RESPMOD, without preview). 204 says that
 * nothing was found; an answer with a threat's header, or another body than was sent, that something was.
 */
import { createHash } from 'node:crypto'
import { KIB } from '../base/units.ts'
import type { ScannerSetting } from '../world/local-services.ts'
import type { Address, Transport } from '../world/network.ts'
import { infected, type Scanned, sent, type Verdict } from './verdict.ts'

/** Heads longer than this are no answer to us. */
const HEAD_BYTES_MAX = 16 * KIB
const LINE_BYTES_MAX = 1 * KIB
/** Where servers name what they found: draft-stecher-icap-subid, 4, and what is in use besides. */
const THREAT_HEADERS = ['x-infection-found', 'x-virus-id', 'x-virus-name', 'x-violations-found']

type Icap = Extract<ScannerSetting, { kind: 'icap' }>

/** Asks the server; rejects when it is gone or does not speak ICAP. */
export async function respmod(
  transport: Transport,
  { at, service }: Icap,
  { size, bytes }: Scanned,
): Promise<Verdict> {
  const answer = new Answer(transport)
  await answer.unless(sent(transport, requestHead({ at, service, size })))
  const own = createHash('sha256')
  for await (const piece of bytes) {
    if (answer.isThere) break
    if (piece.length === 0) continue // a chunk of length 0 would end the body
    own.update(piece)
    const head = ascii(`${piece.length.toString(16)}\r\n`)
    await answer.unless(sent(transport, head, piece, ascii('\r\n')))
  }
  if (!answer.isThere) await answer.unless(sent(transport, ascii('0\r\n\r\n')))
  const { status, threat, returned } = await answer.whole
  if (threat !== undefined) return infected(threat)
  if (status === 204) return { state: 'clean' } // 4.3.3: no modification needed
  if (status !== 200) throw new Error(`The ICAP server answered ${status}`)
  // 4.6: a server may answer 200 although 204 was allowed; then the same bytes come back.
  if (returned === own.digest('hex')) return { state: 'clean' }
  return infected('changed by the scanner')
}

/** 4.4.1: the places of the parts in the encapsulated message, which are HTTP heads and a body in chunks. */
function requestHead({ at, service, size }: { at: Address; service: string; size: number }) {
  const request = 'GET http://branchline.invalid/file HTTP/1.1\r\nHost: branchline.invalid\r\n\r\n'
  const response =
    'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n' +
    `Content-Length: ${size}\r\n\r\n`
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  const places = `req-hdr=0, res-hdr=${request.length}`
  const body = `res-body=${request.length + response.length}`
  return ascii(
    `RESPMOD icap://${host}:${at.port}/${service} ICAP/1.0\r\nHost: ${host}:${at.port}\r\n` +
      'User-Agent: Branchline\r\nAllow: 204\r\nConnection: close\r\n' +
      `Encapsulated: ${places}, ${body}\r\n\r\n${request}${response}`,
  )
}

type Whole = {
  status: number
  threat: string | undefined
  /** SHA-256 of the body that came back. */
  returned: string
}

/** Reads the answer piece by piece; of a body it keeps the hash alone. */
class Answer {
  readonly whole: Promise<Whole>
  isThere = false
  readonly #hash = createHash('sha256')
  #rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  #head: { status: number; threat: string | undefined; heads: number; hasBody: boolean } | undefined
  /** Of the body: bytes of the chunk that are still to come. */
  #left: number | undefined
  readonly #settle: PromiseWithResolvers<Whole>

  constructor(transport: Transport) {
    this.#settle = Promise.withResolvers<Whole>()
    this.whole = this.#settle.promise
    this.whole.catch(() => {})
    transport.onBytes((bytes) => this.#heard(bytes))
    transport.onClose((reason) => this.#fail(`The ICAP server ended without an answer: ${reason}`))
  }

  /** Waits for `work` or for the answer, whichever is first. */
  unless(work: Promise<void>): Promise<void> {
    return Promise.race([work, this.whole.then(() => {})])
  }

  #fail(why: string): void {
    this.isThere = true
    this.#settle.reject(new Error(why))
  }

  #heard(bytes: Uint8Array): void {
    if (this.isThere) return
    this.#rest = Buffer.concat([this.#rest, bytes])
    let goesOn = true
    while (goesOn) goesOn = this.#head === undefined ? this.#readHead() : this.#readBody()
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end < 0) {
      if (this.#rest.length > HEAD_BYTES_MAX) this.#fail('The ICAP server answers without end')
      return false
    }
    const [first = '', ...lines] = this.#rest.toString('latin1', 0, end).split('\r\n')
    this.#rest = this.#rest.subarray(end + 4)
    const status = Number(/^ICAP\/1\.0 (\d{3})/.exec(first)?.[1])
    if (Number.isNaN(status)) {
      this.#fail('The scanner answered what is not ICAP')
      return false
    }
    if (status === 100) return true // nobody asked for it, and it changes nothing
    const headers = new Map(lines.map(headerOf))
    const threat = THREAT_HEADERS.map((name) => headers.get(name)).find((text) => text)
    const heads = placesOf(headers.get('encapsulated') ?? '')
    this.#head = { status, threat: threat && threatIn(threat), ...heads }
    return true
  }

  #readBody(): boolean {
    const head = this.#head
    if (head === undefined) return false
    if (head.status !== 200 || head.threat !== undefined || !head.hasBody) return this.#end()
    if (head.heads > HEAD_BYTES_MAX) {
      this.#fail('The ICAP server answers without end')
      return false
    }
    if (head.heads > 0) {
      if (this.#rest.length < head.heads) return false
      this.#rest = this.#rest.subarray(head.heads)
      head.heads = 0
    }
    return this.#left === undefined ? this.#readLength() : this.#readChunk(this.#left)
  }

  #readLength(): boolean {
    const end = this.#rest.indexOf('\r\n')
    if (end < 0 || end > LINE_BYTES_MAX) {
      if (this.#rest.length > LINE_BYTES_MAX) this.#fail('The ICAP server sends no chunks')
      return false
    }
    const line = this.#rest.toString('latin1', 0, end)
    const length = /^([0-9a-fA-F]{1,8})(?:;.*)?$/.exec(line)?.[1]
    if (length === undefined) {
      this.#fail('The ICAP server sends no chunks')
      return false
    }
    this.#rest = this.#rest.subarray(end + 2)
    this.#left = Number.parseInt(length, 16)
    return this.#left === 0 ? this.#end() : true
  }

  #readChunk(left: number): boolean {
    const part = this.#rest.subarray(0, left)
    this.#hash.update(part)
    this.#rest = this.#rest.subarray(part.length)
    this.#left = left - part.length
    if (this.#left > 0 || this.#rest.length < 2) return false
    this.#rest = this.#rest.subarray(2)
    this.#left = undefined
    return true
  }

  #end(): boolean {
    const { status = 0, threat } = this.#head ?? {}
    this.isThere = true
    this.#settle.resolve({ status, threat, returned: this.#hash.digest('hex') })
    return false
  }
}

/** `Type=0; Resolution=2; Threat=NAME;`, or the name alone. */
function threatIn(text: string): string {
  return /Threat=([^;]*)/i.exec(text)?.[1] ?? text
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
}

/** How long the HTTP heads before the body are. */
function placesOf(encapsulated: string): { heads: number; hasBody: boolean } {
  const body = /(?:res|req|opt)-body=(\d{1,9})/.exec(encapsulated)?.[1]
  return { heads: Number(body ?? 0), hasBody: body !== undefined }
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
