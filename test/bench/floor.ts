/** Starts floors as processes of their own, so that they share the two cores just as the branches do. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { owned, stop } from './servers.ts'

const SERVER = fileURLToPath(new URL('./floor-server.ts', import.meta.url))

export type Floor = {
  port: number
  linkPort: number
  folder: string
  process: ChildProcess
  end(): Promise<void>
}

type FloorOptions = {
  /** Where the other side's link listens; absent: this one listens. */
  to?: number
  /** Of a floor that is started again: its folder and ports. */
  again?: Floor
}

/** One bare server. */
export async function startFloor(parent: string, { to, again }: FloorOptions = {}): Promise<Floor> {
  const folder = again?.folder ?? mkdtempSync(join(parent, 'floor-'))
  const ports = [String(again?.linkPort ?? 0), String(again?.port ?? 0)]
  const child = owned(fork(SERVER, [folder, String(to ?? 0), ...ports]))
  const { port, linkPort } = await new Promise<{ port: number; linkPort: number }>(
    (resolve, reject) => {
      child.once('message', (message) => resolve(message as { port: number; linkPort: number }))
      child.once('exit', (code) => reject(new Error(`The floor ended with ${code}`)))
    },
  )
  const end = async () => {
    await stop(child, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  return { port, linkPort, folder, process: child, end }
}

/** Two bare servers with a raw socket between them: what is posted at the first arrives at the second. */
export async function floorPair(
  parent: string,
): Promise<{ from: Floor; to: Floor; end(): Promise<void> }> {
  const to = await startFloor(parent)
  const from = await startFloor(parent, { to: to.linkPort })
  return {
    ...{ from, to },
    async end() {
      await from.end()
      await to.end()
    },
  }
}
