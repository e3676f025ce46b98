/** A program for test/files/process.test.ts: tries what a process of ours must not be able to do, or hangs. */
import { execSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'

const TRIES: Record<string, () => unknown> = {
  read: () => readFileSync('/etc/hostname'),
  write: () => writeFileSync(new URL('./written', import.meta.url), ''),
  run: () => execSync('true'),
  call: () => once(connect({ host: '127.0.0.1', port: 9 }), 'connect'),
  environment: () => {
    if (Object.keys(process.env).some((name) => name !== 'NODE_CHANNEL_SERIALIZATION_MODE')) return
    throw Object.assign(new Error('empty'), { code: 'EMPTY' })
  },
  own: () => readFileSync(new URL(import.meta.url)),
}

process.on('message', async (bytes: Uint8Array) => {
  const what = Buffer.from(bytes).toString()
  if (what === 'crash') process.abort()
  while (what === 'hang');
  try {
    await TRIES[what]?.()
    process.send?.('done')
  } catch (error) {
    process.send?.(error instanceof Error && 'code' in error ? error.code : String(error))
  }
})
