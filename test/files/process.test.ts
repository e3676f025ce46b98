/** A process of its own for what strangers made: locked in, and gone when it is ended. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type OwnProcess, startProcess } from '../../src/world/process.ts'

const started: OwnProcess[] = []
afterEach(() => {
  for (const own of started.splice(0)) own.kill()
})

function start(): OwnProcess {
  const own = startProcess(new URL('./locked-in.ts', import.meta.url))
  started.push(own)
  return own
}

const ask = (own: OwnProcess, what: string) => own.ask(Buffer.from(what))

test('a process of ours reads its own program and nothing else of the machine', async () => {
  const own = start()
  assert.equal(await ask(own, 'own'), 'done')
  for (const what of ['read', 'write', 'run', 'call']) {
    assert.equal(await ask(own, what), 'ERR_ACCESS_DENIED', what)
  }
  assert.equal(await ask(own, 'environment'), 'EMPTY')
})

test('a process of ours that hangs is ended at once, and one that crashes ends alone', async () => {
  const hanging = start()
  assert.equal(await ask(hanging, 'own'), 'done')
  const answer = ask(hanging, 'hang')
  hanging.kill()
  await assert.rejects(answer, /SIGKILL/)
  await assert.rejects(ask(start(), 'crash'), /It ended/)
})
