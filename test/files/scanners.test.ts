/** What scanners are asked and what their answers mean, against stand-ins of the same protocols on loopback. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createScanner, type Scanner, ScannerAway } from '../../src/files/scanners.ts'
import type { Clock } from '../../src/world/clock.ts'
import { realClock } from '../../src/world/clock.ts'
import { realLocalServices, type ScannerSetting } from '../../src/world/local-services.ts'
import { temporaryFolder } from '../db/store.ts'
import { freePort } from '../scenarios/servers.ts'
import { clamdStandIn, EICAR, type Fault, icapStandIn, type StandIn } from './scanner-standins.ts'

const PIECE = 256 * 1024

async function* pieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

const scanned = (bytes: Uint8Array) => ({ size: bytes.length, bytes: pieces(bytes) })

function scannerOf(setting: ScannerSetting, clock: Pick<Clock, 'after'> = realClock): Scanner {
  return createScanner({ services: realLocalServices, clock }, setting)
}

/** So much that it does not fit into the buffers of the system. */
const LARGE = new Uint8Array(20 * 1024 * 1024).map((_, i) => i * 31 + (i >> 12))

const KINDS = [
  {
    name: 'clamd',
    start: clamdStandIn,
    setting: (port: number): ScannerSetting => ({ kind: 'clamd', at: { host: '127.0.0.1', port } }),
  },
  {
    name: 'an ICAP server',
    start: icapStandIn,
    setting: (port: number): ScannerSetting => {
      return { kind: 'icap', at: { host: '127.0.0.1', port }, service: 'avscan' }
    },
  },
]

for (const { name, start, setting } of KINDS) {
  const using = async (
    fault: Fault,
    use: (scanner: Scanner, standIn: StandIn) => Promise<void>,
    clock?: Pick<Clock, 'after'>,
  ) => {
    const standIn = await start(fault)
    try {
      await use(scannerOf(setting(standIn.port), clock), standIn)
    } finally {
      await standIn.close()
    }
  }

  describe(name, () => {
    test('is handed every byte once, and what it calls clean is clean', () =>
      using('none', async (scanner, { taken }) => {
        for (const bytes of [LARGE, new Uint8Array(1), new Uint8Array(0)]) {
          assert.deepEqual(await scanner(scanned(bytes)), { state: 'clean' })
        }
        assert.deepEqual(
          taken.map(({ length }) => length),
          [LARGE.length, 1, 0],
        )
        assert.ok(taken[0]?.equals(LARGE))
      }))

    test('names what it finds', () =>
      using('none', async (scanner) => {
        const expected = { state: 'infected', threat: 'Eicar-Test-Signature' }
        assert.deepEqual(await scanner(scanned(EICAR)), expected)
        assert.deepEqual(await scanner(scanned(Buffer.concat([LARGE, EICAR]))), expected)
      }))

    test('that cuts the line has not said that a file is clean', () =>
      using('cut', async (scanner) => {
        await assert.rejects(scanner(scanned(LARGE)), /ended without an answer/)
      }))

    test('that answers something else without end is left', () =>
      using('garbage', async (scanner) => {
        await assert.rejects(scanner(scanned(EICAR)))
      }))

    test('that never answers ends with its time', () => {
      let late: (() => void) | undefined
      const clock = {
        after(_: number, fn: () => void) {
          late = fn
          return () => {}
        },
      }
      return using(
        'mute',
        async (scanner, { taken }) => {
          const verdict = scanner(scanned(EICAR))
          while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve))
          late?.()
          assert.deepEqual(await verdict, { state: 'failed', why: 'it took too long' })
        },
        clock,
      )
    })

    test('that is not there is away, which is no word about the file', async () => {
      const scanner = scannerOf(setting(await freePort()))
      await assert.rejects(scanner(scanned(EICAR)), ScannerAway)
    })

    test('does not swallow that a file cannot be read', () =>
      using('none', async (scanner) => {
        const broken = async function* () {
          yield new Uint8Array(10)
          throw new Error('chunk 1 is damaged')
        }
        await assert.rejects(scanner({ size: 20, bytes: broken() }), /chunk 1 is damaged/)
      }))
  })
}

test('clamd may answer before it has read everything', async () => {
  const standIn = await clamdStandIn('early')
  const scanner = scannerOf({ kind: 'clamd', at: { host: '127.0.0.1', port: standIn.port } })
  const expected = { state: 'infected', threat: 'Eicar-Test-Signature' }
  assert.deepEqual(await scanner(scanned(LARGE)), expected)
  await standIn.close()
})

test('a file that is too large for clamd is neither clean nor infected', async () => {
  const standIn = await clamdStandIn('too-large')
  const scanner = scannerOf({ kind: 'clamd', at: { host: '127.0.0.1', port: standIn.port } })
  const why = 'INSTREAM size limit exceeded. ERROR'
  assert.deepEqual(await scanner(scanned(LARGE)), { state: 'failed', why })
  await standIn.close()
})

test('an ICAP server that sends the file back unchanged has found nothing', async () => {
  const standIn = await icapStandIn('no-204')
  const at = { host: '127.0.0.1', port: standIn.port }
  const scanner = scannerOf({ kind: 'icap', at, service: 'avscan' })
  assert.deepEqual(await scanner(scanned(LARGE)), { state: 'clean' })
  const changed = { state: 'infected', threat: 'changed by the scanner' }
  assert.deepEqual(await scanner(scanned(EICAR)), changed)
  await standIn.close()
})

test('an ICAP server that is overloaded has not said that a file is clean', async () => {
  const standIn = await icapStandIn('503')
  const at = { host: '127.0.0.1', port: standIn.port }
  const scanner = scannerOf({ kind: 'icap', at, service: 'avscan' })
  await assert.rejects(scanner(scanned(EICAR)), /answered 503/)
  await standIn.close()
})

describe('a program', () => {
  const program = (t: Parameters<typeof temporaryFolder>[0], script: string) => {
    const path = join(temporaryFolder(t), 'scan')
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o700)
    return scannerOf({ kind: 'command', program: path })
  }

  test('reads the file on its input and answers by its status', async (t) => {
    const scanner = program(t, 'if grep -q EICAR-STANDARD -; then echo Eicar; exit 1; fi')
    assert.deepEqual(await scanner(scanned(LARGE)), { state: 'clean' })
    const found = { state: 'infected', threat: 'Eicar' }
    assert.deepEqual(await scanner(scanned(Buffer.concat([LARGE, EICAR]))), found)
  })

  test('may end without having read everything', async (t) => {
    const found = { state: 'infected', threat: 'unnamed' }
    assert.deepEqual(await program(t, 'exit 1')(scanned(LARGE)), found)
  })

  test('that fails has not said that a file is clean', async (t) => {
    const why = 'the program ended with status 2'
    assert.deepEqual(await program(t, 'exit 2')(scanned(EICAR)), { state: 'failed', why })
    const killed = await program(t, 'kill -9 $$')(scanned(EICAR))
    assert.equal(killed.state, 'failed')
  })

  test('sees nothing of the environment of the branch', async (t) => {
    process.env.BRANCHLINE_SECRET_OF_TEST = 'secret'
    const scanner = program(t, 'echo "$BRANCHLINE_SECRET_OF_TEST."; exit 1')
    assert.deepEqual(await scanner(scanned(EICAR)), { state: 'infected', threat: '.' })
    delete process.env.BRANCHLINE_SECRET_OF_TEST
  })

  test('that is not there is away', async () => {
    const scanner = scannerOf({ kind: 'command', program: '/nowhere/scan' })
    await assert.rejects(scanner(scanned(EICAR)), ScannerAway)
  })
})
