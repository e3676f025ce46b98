/** Scanners for tests: small servers on loopback that speak what clamd and ICAP servers speak, and find EICAR. */
import { createServer, type Server, type Socket } from 'node:net'

/** The file every scanner finds and that harms nothing, in two parts: this one shall not be found itself. */
export const EICAR = Buffer.from(
  `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE'}!$H+H*`,
)
const NAME = 'Eicar-Test-Signature'

export type StandIn = {
  port: number
  /** Bytes of files it was handed. */
  taken: Buffer[]
  close(): Promise<void>
}

/** How it misbehaves. */
export type Fault = 'none' | 'early' | 'cut' | 'garbage' | 'mute' | 'too-large' | 'no-204' | '503'

/** clamd: INSTREAM alone. */
export function clamdStandIn(fault: Fault = 'none'): Promise<StandIn> {
  return listening((socket, taken) => {
    let got = Buffer.alloc(0)
    let isBegun = false
    const file: Buffer[] = []
    socket.on('data', (bytes: Buffer) => {
      got = Buffer.concat([got, bytes])
      if (!isBegun) {
        if (got.length < 10) return
        if (got.toString('latin1', 0, 10) !== 'zINSTREAM\0') return socket.end('UNKNOWN COMMAND\0')
        isBegun = true
        got = got.subarray(10)
      }
      if (fault === 'cut') return socket.destroy()
      if (fault === 'garbage') return socket.write('x'.repeat(100_000))
      if (fault === 'early') return socket.end(`stream: ${NAME} FOUND\0`)
      if (fault === 'too-large') return socket.write('INSTREAM size limit exceeded. ERROR\0')
      while (got.length >= 4) {
        const length = got.readUInt32BE(0)
        if (length === 0) {
          const whole = Buffer.concat(file)
          taken.push(whole)
          if (fault === 'mute') return
          return socket.end(`stream: ${whole.includes(EICAR) ? `${NAME} FOUND` : 'OK'}\0`)
        }
        if (got.length < 4 + length) return
        file.push(got.subarray(4, 4 + length))
        got = got.subarray(4 + length)
      }
    })
  })
}

/** An ICAP server: RESPMOD alone. */
export function icapStandIn(fault: Fault = 'none'): Promise<StandIn> {
  return listening((socket, taken) => {
    const got: Buffer[] = []
    socket.on('data', (bytes: Buffer) => {
      got.push(bytes)
      if (fault === 'cut') return socket.destroy()
      if (fault === 'garbage') return socket.write('x'.repeat(100_000))
      const end = Buffer.concat(got.slice(-5)).toString('latin1')
      if (!end.endsWith('0\r\n\r\n')) return
      const file = bodyOf(Buffer.concat(got))
      if (file === undefined) return
      taken.push(file)
      if (fault !== 'mute') socket.end(icapAnswer(file, fault))
    })
  })
}

/** What was sent to it, by the places in `Encapsulated`; undefined until the body is whole. */
function bodyOf(request: Buffer): Buffer | undefined {
  const head = request.toString('latin1', 0, request.indexOf('\r\n\r\n') + 4)
  const [, header = '', at = ''] =
    /\r\nEncapsulated: (req-hdr=0, res-hdr=\d+, res-body=(\d+))\r\n/.exec(head) ?? []
  if (!/^RESPMOD icap:\/\/127\.0\.0\.1:\d+\/avscan ICAP\/1\.0\r\n/.test(head) || header === '') {
    throw new Error(`Not a request: ${head}`)
  }
  const parts: Buffer[] = []
  for (let from = head.length + Number(at); ; ) {
    const end = request.indexOf('\r\n', from)
    const length = Number.parseInt(request.toString('latin1', from, end), 16)
    if (length === 0) return Buffer.concat(parts)
    if (end + 2 + length + 2 > request.length) return undefined
    parts.push(request.subarray(end + 2, end + 2 + length))
    from = end + 2 + length + 2
  }
}

function icapAnswer(file: Buffer, fault: Fault): Buffer {
  if (fault === '503') return Buffer.from('ICAP/1.0 503 Service overloaded\r\n\r\n')
  const isInfected = file.includes(EICAR)
  if (!isInfected && fault !== 'no-204')
    return Buffer.from('ICAP/1.0 204 No modifications needed\r\n\r\n')
  const body = isInfected ? Buffer.from('<h1>Virus</h1>') : file
  const head = `HTTP/1.1 ${isInfected ? '403 Forbidden' : '200 OK'}\r\n\r\n`
  const threat =
    isInfected && fault !== 'no-204'
      ? `X-Infection-Found: Type=0; Resolution=2; Threat=${NAME};\r\n`
      : ''
  const half = body.length >> 1 // two chunks, the first with an extension
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
  return Buffer.concat([
    Buffer.from(
      `ICAP/1.0 200 OK\r\n${threat}Encapsulated: res-hdr=0, res-body=${head.length}\r\n\r\n${head}`,
    ),
    ...chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)};a=b\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('0\r\n\r\n'),
  ])
}

function listening(serve: (socket: Socket, taken: Buffer[]) => void): Promise<StandIn> {
  const taken: Buffer[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket, taken)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      const port = typeof bound === 'object' && bound ? bound.port : 0
      const close = () =>
        new Promise<void>((closed) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => closed())
        })
      resolve({ port, taken, close })
    })
  })
}
