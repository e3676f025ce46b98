/**
 * Guessers as a process of their own: wrong passwords at a steady rate over raw sockets that are kept open, from many
 * addresses of loopback, whatever the server answers. Requests are bytes made beforehand and answers are only counted
 * by their status, so that a thousand a second cost a tenth of a core. `node test/bench/guessing.ts JSON`; ends by
 * itself, and prints what came of it.
 */
import { connect, type Socket } from 'node:net'

export type Guessing = {
  port: number
  perSecond: number
  seconds: number
  /** Tried in turn; each address tries all of them. */
  logins: readonly string[]
  /** 127.1.0.1 and so on. */
  addresses: number
  /** With its number behind it each guess has a login of its own. */
  invented?: string
}
export type Guessed = { offered: number; seconds: number; statuses: Record<string, number> }

const TURN_MS = 10
const SOCKETS_PER_ADDRESS = 2
/** Unanswered requests on one socket: a hash holds up what stands behind it. */
const DEPTH_MAX = 8
const LAST_ANSWERS_MS = 5000
const STATUS = Buffer.from('HTTP/1.1 ')

type Lane = { socket: Socket; waiting: number; address: string }

function requestOf(login: string, password: string): Buffer {
  const body = JSON.stringify({ login, password, device: 'guess' })
  const head = `POST /api/v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json`
  return Buffer.from(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

function open(lane: Lane, port: number, onStatus: (status: string) => void): void {
  const socket = connect({ port, host: '127.0.0.1', localAddress: lane.address })
  lane.socket = socket
  lane.waiting = 0
  socket.setNoDelay(true)
  socket.on('data', (bytes) => {
    const chunk = bytes as Buffer
    // A status line cut in two is not counted: one in thousands, and the socket is used on.
    for (let at = chunk.indexOf(STATUS); at >= 0; at = chunk.indexOf(STATUS, at + 1)) {
      lane.waiting = Math.max(0, lane.waiting - 1)
      onStatus(chunk.toString('latin1', at + STATUS.length, at + STATUS.length + 3))
    }
  })
  socket.on('error', () => socket.destroy())
}

async function guess(of: Guessing): Promise<Guessed> {
  const statuses: Record<string, number> = {}
  const onStatus = (status: string) => {
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  const lanes = Array.from({ length: of.addresses * SOCKETS_PER_ADDRESS }, (_, i): Lane => {
    const n = i % of.addresses
    const address = `127.1.${Math.floor(n / 250)}.${1 + (n % 250)}`
    const lane: Lane = { socket: undefined as never, waiting: 0, address }
    open(lane, of.port, onStatus)
    return lane
  })
  const known = of.logins.map((login) => requestOf(login, 'wrong password 1'))
  let offered = 0
  let next = 0
  const one = () => {
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[next++ % lanes.length] as Lane
      if (lane.socket.destroyed) open(lane, of.port, onStatus)
      if (lane.waiting >= DEPTH_MAX) continue
      const login = Math.floor(offered / of.addresses) % Math.max(1, known.length)
      const fresh = of.invented && requestOf(`${of.invented}${offered}`, 'wrong password 1')
      lane.waiting++
      offered++
      lane.socket.write(fresh || (known[login] as Buffer))
      return
    }
  }
  const began = performance.now()
  const passed = () => (performance.now() - began) / 1000
  while (passed() < of.seconds) {
    const due = Math.floor(Math.min(passed(), of.seconds) * of.perSecond) - offered
    for (let i = 0; i < due; i++) one()
    await new Promise((resolve) => setTimeout(resolve, TURN_MS))
  }
  const seconds = passed()
  const until = performance.now() + LAST_ANSWERS_MS
  while (performance.now() < until && lanes.some(({ waiting }) => waiting > 0)) {
    await new Promise((resolve) => setTimeout(resolve, TURN_MS))
  }
  for (const { socket } of lanes) socket.destroy()
  return { offered, seconds, statuses }
}

if (process.argv[1] === import.meta.filename) {
  const given = JSON.parse(process.argv[2] ?? '') as Guessing
  process.stdout.write(`${JSON.stringify(await guess(given))}\n`)
}
