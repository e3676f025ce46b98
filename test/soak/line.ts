/**
 * The line between two branches: a TCP relay that can be cut in two ways. Refused: what is open breaks, new calls are
 * refused. Silent: nothing passes in either direction and nobody is told, as when a provider swallows packets; what was
 * on its way arrives when it heals.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

export type Cut = 'refused' | 'silent'

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

type Pair = readonly [Socket, Socket]

/** Opens a line from a port of ours to a port of a branch. */
export async function openLine({ port, to }: { port: number; to: number }): Promise<Line> {
  const pairs = new Set<Pair>()
  let state: Cut | 'up' = 'up'
  let calls = 0
  let bytes = 0
  let server: Server | undefined

  const flow = (pair: Pair) => {
    const [a, b] = pair
    if (a.destroyed || b.destroyed) return breakUp(pair)
    a.pipe(b)
    b.pipe(a)
  }
  const hold = ([a, b]: Pair) => {
    a.unpipe(b).pause()
    b.unpipe(a).pause()
  }
  const breakUp = (pair: Pair) => {
    pairs.delete(pair)
    for (const socket of pair) socket.resetAndDestroy()
  }
  const accept = (caller: Socket) => {
    calls++
    const pair = [caller, connect({ port: to, host: '127.0.0.1', noDelay: true })] as const
    pairs.add(pair)
    for (const [socket, other] of [pair, [pair[1], pair[0]] as const]) {
      socket.on('error', () => {}) // it closes, and that says enough
      socket.on('data', (chunk) => {
        bytes += chunk.length
      })
      socket.on('close', (isBroken) => {
        if (state === 'silent') return // behind a hole nobody hears that the other end has gone
        if (isBroken) return breakUp(pair)
        pairs.delete(pair)
        other.destroySoon()
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
