/**
 * How a command reaches the server of a data folder: through the Unix socket in it, or, when none runs, by opening the
 * folder itself. Either way the same control app answers (`control.ts`).
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { AppError } from '../base/errors.ts'
import type { Config } from '../config.ts'

export const CONTROL_SOCKET = 'control.sock'

/** Asks the control app; rejects with its own words. */
export type Control = <T>(method: 'GET' | 'POST', path: string, body?: unknown) => Promise<T>

/** A control that speaks to the running server; `undefined` when none runs. */
export async function runningControl(config: Pick<Config, 'data'>): Promise<Control | undefined> {
  const socketPath = join(config.data, CONTROL_SOCKET)
  const control: Control = async (method, path, body) =>
    answerOf(await ask(socketPath, { method, path, body }))
  try {
    await control('GET', '/status')
    return control
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    throw error
  }
}

type Answer = { status: number; text: string }

/** The value of an answer, or its error as ours. */
export function answerOf<T>({ status, text }: Answer): T {
  const value: unknown = text === '' ? undefined : JSON.parse(text)
  if (status < 300) return value as T
  const message = (value as { error?: { message?: string } } | undefined)?.error?.message
  throw new AppError('conflict', message ?? `The server answered ${status}`)
}

function ask(
  socketPath: string,
  { method, path, body }: { method: string; path: string; body: unknown },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, method, path, headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 500, text }))
        response.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
