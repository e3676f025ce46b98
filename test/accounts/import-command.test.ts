/** `user import` and `user export` as an operator runs them, with what they print going into a pipe. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { castle } from '../attacks/castle.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** More than a pipe holds (64 KiB) with what is printed for each. */
const PEOPLE = 1500

function command(...words: string[]): Promise<{ status: number | null; out: string }> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, out })))
}

test('the command imports what the dry run said, and prints every password to its end', async (t) => {
  const at = await castle(t)
  await at.branch.stop()
  const file = join(at.folder, 'people.csv')
  const lines = Array.from(
    { length: PEOPLE },
    (_, i) => `user.${i},User,Of a long family name ${i}`,
  )
  writeFileSync(file, `login,firstName,lastName\n${lines.join('\n')}\n`)
  const dry = await command('user', 'import', file, '--dry-run', '--data', at.folder)
  assert.match(dry.out, /Nothing was changed\. It would be: 1500 new, 0 changed/)
  const done = await command('user', 'import', file, '--data', at.folder)
  assert.equal(done.status, 0)
  assert.equal(done.out.match(/temporary password: \S{24}\n/g)?.length, PEOPLE)
  assert.match(done.out, /Done: 1500 new, 0 changed, 0 as before, 0 refused\n$/)
  const { out } = await command('user', 'export', '--data', at.folder)
  assert.equal(out.trimEnd().split('\r\n').length, 1 + 1 + PEOPLE) // names of columns, and ada
})
