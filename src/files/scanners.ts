/**
 * Asks a program of this machine whether a file holds a virus: clamd, an ICAP server, or one that reads the file and
 * answers by its exit status, as clamscan(1) does. Knows nothing of blobs.
 */
import type { Millis } from '../base/units.ts'
import { MINUTE, SECOND } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'
import type { LocalServices, ScannerSetting } from '../world/local-services.ts'
import type { Transport } from '../world/network.ts'
import { instream } from './clamd.ts'
import { respmod } from './icap.ts'
import { infected, lineIn, type Scanned, type Verdict } from './verdict.ts'

/** Nobody is there to ask: files wait, and it is no file's fault. */
export class ScannerAway extends Error {
  override name = 'ScannerAway'
}

/** Rejects with ScannerAway, or with what broke in the middle. */
export type Scanner = (of: Scanned) => Promise<Verdict>

/** On the same machine: what does not answer by then is not there. */
const CONNECT_MS_MAX: Millis = 3 * SECOND
/** 2 GiB at 4 MB/s, which is slow for a scanner; one that hangs must not hold up all other files. */
const SCAN_MS_MAX: Millis = 10 * MINUTE
const STATUS_CLEAN = 0
const STATUS_INFECTED = 1

type Parts = { services: LocalServices; clock: Pick<Clock, 'after'> }

/** The scanner of a setting. */
export function createScanner(parts: Parts, setting: ScannerSetting): Scanner {
  if (setting.kind === 'command') return (of) => byStatus(parts.services, setting.program, of)
  return async (of) => {
    const transport = await parts.services
      .connect(setting.at, CONNECT_MS_MAX)
      .catch((error: unknown) => {
        throw new ScannerAway('The scanner does not answer', { cause: error })
      })
    return await inTime(parts, transport, () =>
      setting.kind === 'clamd' ? instream(transport, of) : respmod(transport, setting, of),
    )
  }
}

async function inTime(
  { clock }: Parts,
  transport: Transport,
  scan: () => Promise<Verdict>,
): Promise<Verdict> {
  let isLate = false
  const cancel = clock.after(SCAN_MS_MAX, () => {
    isLate = true
    transport.close(true)
  })
  try {
    return await scan()
  } catch (error) {
    if (isLate) return { state: 'failed', why: 'it took too long' }
    throw error
  } finally {
    cancel()
    transport.close(true)
  }
}

async function byStatus(
  services: LocalServices,
  program: string,
  { bytes }: Scanned,
): Promise<Verdict> {
  const { status, output } = await services.run(program, bytes, SCAN_MS_MAX).catch((error) => {
    const isSpawn =
      error instanceof Error && 'syscall' in error && /^spawn/.test(`${error.syscall}`)
    if (!isSpawn) throw error
    throw new ScannerAway('The program cannot be started', { cause: error })
  })
  if (status === STATUS_CLEAN) return { state: 'clean' }
  if (status === STATUS_INFECTED) return infected(output.split('\n')[0] ?? '')
  if (status === null) return { state: 'failed', why: 'the program was killed, or took too long' }
  return { state: 'failed', why: lineIn(`the program ended with status ${status}`) }
}
