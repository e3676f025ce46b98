/**
 * The line between two branches: a TCP relay that can be slow and lossy, and be cut in two ways. Refused: what is open breaks, new calls are
 * refused. Silent: nothing passes in either direction and nobody is told, as when a provider swallows packets; what was
 * on its way arrives when it heals.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Transform } from 'node:stream'

export type Cut = 'refused' | 'silent'

/** How many milliseconds a piece of so many bytes takes on its way; 0 or less: none. */
export type Weather = (bytes: number) => number

export type Line = {
  readonly port: number
  /** Connections that went through so far. */
  readonly calls: number
  /** Bytes in both directions. */
  readonly bytes: number
  cut(how: Cut): void
  heal(): Promise<void>
  close(): void
}

/** One direction: what is read from `from` goes to `to` at the pace of the weather. */
type Way = { from: Socket; pace: Pace; to: Socket }
type Pair = readonly [Way, Way]

/** What one packet of Ethernet carries: a slow line takes and loses them one by one. */
const PIECE_BYTES = 1448

/** Pieces pass one after the other, each when its time has come. */
class Pace extends Transform {
  readonly #weather: Weather

  constructor(weather: Weather) {
    super({ highWaterMark: PIECE_BYTES })
    this.#weather = weather
  }

  override _transform(chunk: Buffer, encoding: string, done: () => void): void {
    if (chunk.length === 0) {
      done()
      return
    }
    const piece = chunk.subarray(0, PIECE_BYTES)
    const pass = () => {
      this.push(piece)
      this._transform(chunk.subarray(piece.length), encoding, done)
    }
    const ms = this.#weather(piece.length)
    if (ms > 0) setTimeout(pass, ms)
    else pass()
  }
}

const FAIR: Weather = () => 0

/** Opens a line from a port of ours to a port of a branch. */
export async function openLine({
  port,
  to,
  weather = FAIR,
}: {
  port: number
  to: number
  weather?: Weather
}): Promise<Line> {
  const pairs = new Set<Pair>()
  let state: Cut | 'up' = 'up'
  let calls = 0
  let bytes = 0
  let server: Server | undefined

  const flow = (pair: Pair) => {
    if (pair.some(({ from }) => from.destroyed)) return breakUp(pair)
    for (const { from, pace, to } of pair) from.pipe(pace).pipe(to)
  }
  const hold = (pair: Pair) => {
    for (const { from, pace } of pair) {
      from.unpipe().pause()
      pace.unpipe()
    }
  }
  const breakUp = (pair: Pair) => {
    pairs.delete(pair)
    for (const { from, pace } of pair) {
      from.resetAndDestroy()
      pace.destroy()
    }
  }
  const accept = (caller: Socket) => {
    calls++
    const called = connect({ port: to, host: '127.0.0.1', noDelay: true })
    const pair: Pair = [
      { from: caller, pace: new Pace(weather), to: called },
      { from: called, pace: new Pace(weather), to: caller },
    ]
    pairs.add(pair)
    for (const { from, pace, to } of pair) {
      from.on('error', () => {}) // it closes, and that says enough
      from.on('data', (chunk) => {
        bytes += chunk.length
      })
      from.on('close', (isBroken) => {
        if (state === 'silent') return // behind a hole nobody hears that the other end has gone
        if (isBroken) return breakUp(pair)
        pairs.delete(pair)
        if (pace.readableEnded) to.destroySoon()
        else pace.once('end', () => to.destroySoon())
      })
    }
    if (state === 'silent') hold(pair)
    else flow(pair)
  }
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server = createServer({ noDelay: true, pauseOnConnect: true }, accept)
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
  const close = () => {
    server?.close()
    for (const pair of pairs) breakUp(pair)
  }

  await listen()
  return {
    port,
    get calls() {
      return calls
    },
    get bytes() {
      return bytes
    },
    cut(how) {
      state = how
      if (how === 'refused') close()
      else for (const pair of pairs) hold(pair)
    },
    async heal() {
      const was = state
      state = 'up'
      if (was === 'refused') await listen()
      if (was === 'silent') for (const pair of pairs) flow(pair)
    },
    close,
  }
}
