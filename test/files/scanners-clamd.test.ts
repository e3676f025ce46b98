/**
 * Scanning against a real clamd: Debian's, on loopback, with a signature of the EICAR file alone. A machine without it
 * skips these tests and says so; CLAMAV_ROOT names a folder into which its packages were unpacked.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createScanner } from '../../src/files/scanners.ts'
import { realClock } from '../../src/world/clock.ts'
import { realLocalServices, type ScannerSetting } from '../../src/world/local-services.ts'
import { temporaryFolder } from '../db/store.ts'
import { freePort } from '../scenarios/servers.ts'
import { EICAR } from './scanner-standins.ts'

const ROOT = process.env.CLAMAV_ROOT ?? ''
const CLAMD = `${ROOT}/usr/sbin/clamd`
const SKIP = existsSync(CLAMD) ? false : 'no clamd on this machine'
const WAIT_MS_MAX = 15_000
const STREAM_MIB_MAX = 4
/** MD5, length and name, as clamd keeps signatures of whole files (.hdb). */
const SIGNATURE = '44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n'

async function* pieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 256 * 1024) yield bytes.subarray(at, at + 256 * 1024)
}

const scanned = (bytes: Uint8Array) => ({ size: bytes.length, bytes: pieces(bytes) })

describe('clamd of Debian', { skip: SKIP }, () => {
  test('answers over TCP and over its socket: clean, infected, too large', async (t) => {
    const folder = temporaryFolder(t)
    const port = await freePort()
    const path = join(folder, 'clamd.ctl')
    mkdirSync(join(folder, 'signatures'))
    writeFileSync(join(folder, 'signatures', 'eicar.hdb'), SIGNATURE)
    const lines = [
      ...['Foreground yes', `LocalSocket ${path}`, `TCPSocket ${port}`, 'TCPAddr 127.0.0.1'],
      ...[`DatabaseDirectory ${join(folder, 'signatures')}`, `StreamMaxLength ${STREAM_MIB_MAX}M`],
    ]
    writeFileSync(join(folder, 'clamd.conf'), `${lines.join('\n')}\n`)
    const env = {
      LD_LIBRARY_PATH: `${ROOT}/usr/lib/x86_64-linux-gnu`,
      PATH: process.env.PATH ?? '',
    }
    const child = spawn(CLAMD, ['-c', join(folder, 'clamd.conf')], { env, stdio: 'ignore' })
    t.after(() => void child.kill('SIGKILL'))
    const ways: ScannerSetting[] = [
      { kind: 'clamd', at: { host: '127.0.0.1', port } },
      { kind: 'clamd', at: { path } },
    ]
    for (const setting of ways) {
      const scanner = createScanner({ services: realLocalServices, clock: realClock }, setting)
      const begun = Date.now()
      for (;;) {
        const verdict = await scanner(scanned(new Uint8Array(10))).catch((error: unknown) => {
          if (Date.now() - begun > WAIT_MS_MAX) throw error
        })
        if (verdict) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const mib = 1024 * 1024
      assert.deepEqual(await scanner(scanned(new Uint8Array(3 * mib))), { state: 'clean' })
      const found = await scanner(scanned(EICAR))
      assert.equal(found.state, 'infected')
      assert.match('threat' in found ? found.threat : '', /^Eicar-Test-Signature/)
      // clamd may cut the line before its word on the length is read: never clean, in either case.
      const large = await scanner(scanned(new Uint8Array(8 * mib))).catch(() => undefined)
      assert.ok(large === undefined || large.state === 'failed')
    }
  })
})
