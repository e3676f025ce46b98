/**
 * The door to a program of ours that runs beside the server: for work on what strangers made, in code that is not
 * ours. A thread would not do: what hangs in there cannot be ended, and what crashes takes the server with it. The
 * process reads its own program and packages, and nothing else: no other file, no network, no environment, no child
 * (Node's permission model). Packages bring native code, which that model trusts: it is a fence, no wall.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

export type OwnProcess = {
  /** Hands over bytes and resolves with the answer; rejects when the process ends before. One at a time. */
  ask(bytes: Uint8Array): Promise<unknown>
  /** Ends it at once, whatever it does. */
  kill(): void
}

/** Of JavaScript in the process; what it works on lies outside of that heap. */
const HEAP_MIB_MAX = 64

/** Starts the program at `url`, a module that answers each message with one. */
export function startProcess(url: URL): OwnProcess {
  const child = fork(url, {
    env: {},
    execArgv: [
      '--permission',
      '--allow-addons',
      ...readable(url).map((folder) => `--allow-fs-read=${folder}`),
      `--max-old-space-size=${HEAP_MIB_MAX}`,
      '--no-warnings', // of --allow-addons: the reason is above
    ],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced', // bytes as bytes
  })
  // One without work keeps nothing alive.
  hold(child, false)
  lowerPriority(child)
  return {
    ask: (bytes) => answerOf(child, bytes),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Its own folder, those beside it, and the packages: by every name they have. */
function readable(url: URL): string[] {
  const folders = ['../', '../../package.json', '../../node_modules/'].map((path) =>
    fileURLToPath(new URL(path, url)),
  )
  return [...new Set([...folders, ...folders.map((folder) => realpathSync(folder))])]
}

function hold(child: ChildProcess, isHeld: boolean): void {
  for (const handle of [child, child.channel]) isHeld ? handle?.ref() : handle?.unref()
}

/** Messages of people come first. */
function lowerPriority({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Gone already, or a system that does not let us: slower for others, and nothing worse.
  }
}

function answerOf(child: ChildProcess, bytes: Uint8Array): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onEnd = (reason: Error | number | null, signal?: string | null) =>
    reject(reason instanceof Error ? reason : new Error(`It ended: ${signal ?? reason}`))
  child.once('message', resolve)
  child.once('exit', onEnd)
  child.once('error', onEnd)
  hold(child, true)
  child.send(bytes, (error) => error && reject(error))
  return promise.finally(() => {
    child.off('message', resolve)
    child.off('exit', onEnd)
    child.off('error', onEnd)
    hold(child, false)
  })
}
