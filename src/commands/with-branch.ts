/** Gives a command its control: the running server's, or the folder opened for as long as the command takes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createBranch } from '../branch.ts'
import { type Config, UsageError } from '../config.ts'
import { DATABASE_FILE } from '../db/open.ts'
import { realWorld } from '../world/world.ts'
import { controlApp } from './control.ts'
import { answerOf, type Control, runningControl } from './control-client.ts'

/** Runs `use` with a control of the data folder; log lines below `error` are left out. */
export async function withControl<T>(
  config: Config,
  err: (text: string) => void,
  use: (control: Control) => Promise<T>,
): Promise<T> {
  const running = await runningControl(config)
  if (running) return use(running)
  // A folder that was mistyped must not become a branch's.
  if (!existsSync(join(config.data, DATABASE_FILE))) {
    throw new UsageError(`--data is "${config.data}"; no branch has its data there`)
  }
  // Nothing is dialled and nobody is served: what is changed here goes out with the next start.
  const branch = await createBranch(realWorld(config.data, err, 'error'), {
    ...config,
    relay: { kind: 'off' },
    tls: { kind: 'off' },
  })
  try {
    const app = controlApp(branch, { isDemo: false })
    return await use(async (method, path, body) => {
      const response = await app.request(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return answerOf({ status: response.status, text: await response.text() })
    })
  } finally {
    await branch.stop()
  }
}
