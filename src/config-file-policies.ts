/** The settings about files: limits of this branch, and who looks for viruses. */
import { addressOf, countOf, isLoopback } from './config-values.ts'
import type { ScannerSetting } from './world/local-services.ts'

/** The settings, as `--help` prints them. */
export const FILE_POLICY_SETTINGS = [
  {
    flag: 'file-size',
    kind: 'count',
    default: '2048',
    help: 'MiB of the largest file this branch takes, up to 16384; other branches show it to their people',
  },
  {
    flag: 'file-quota',
    kind: 'count',
    default: '0',
    help: 'GiB of files one person may have sent from this branch; 0: no limit',
  },
  {
    flag: 'file-room',
    kind: 'count',
    default: '0',
    help: 'GiB of files this branch stores before it takes no more uploads; 0: as much as the disk holds',
  },
  {
    flag: 'scanner',
    kind: 'scanner',
    default: undefined,
    help: 'who looks for viruses before a file can be opened, on this machine: clamd:127.0.0.1:3310, clamd:/run/clamav/clamd.ctl, icap://127.0.0.1:1344/SERVICE, or command:/PROGRAM (file on its input, status 0 clean, 1 infected)',
  },
] as const

export type FilePolicySettings = {
  /** MiB. */
  readonly fileSize: number
  /** GiB; 0: no limit. */
  readonly fileQuota: number
  /** GiB; 0: no limit. */
  readonly fileRoom: number
  readonly scanner: ScannerSetting | undefined
}

/** A value of a setting, or undefined and a fault. */
type Parsed = <T>(
  flag: (typeof FILE_POLICY_SETTINGS)[number]['flag'],
  parse: (value: string) => T | undefined,
  allowed: string,
) => T | undefined

/** Their values; what is undefined for a fault stops the start. */
export function filePoliciesOf(parsed: Parsed) {
  return {
    fileSize: parsed('file-size', fileSizeOf, '1 to 16384'),
    fileQuota: parsed('file-quota', countOf, '0 to 10000'),
    fileRoom: parsed('file-room', countOf, '0 to 10000'),
    scanner: parsed(
      'scanner',
      scannerOf,
      'clamd:127.0.0.1:PORT, clamd:/SOCKET, icap://127.0.0.1:PORT/SERVICE or command:/PROGRAM',
    ),
  }
}

/** `clamd:HOST:PORT`, `clamd:/SOCKET`, `icap://HOST:PORT/SERVICE`, `command:/PROGRAM`; on this machine alone. */
function scannerOf(value: string): ScannerSetting | undefined {
  const [, kind, rest = ''] = /^(clamd|command):(\S.*)$/.exec(value) ?? []
  if (kind === 'command') return rest.startsWith('/') ? { kind, program: rest } : undefined
  if (kind === 'clamd' && rest.startsWith('/')) return { kind, at: { path: rest } }
  const url = /^icap:\/\/([^/\s]+)\/([^\s#]+)$/.exec(value)
  const address = addressOf(url?.[1] ?? rest)
  // DANGER: neither is encrypted, and what is handed over is the file itself.
  if (address === undefined || !isLoopback(address.host)) return undefined
  return url ? { kind: 'icap', at: address, service: url[2] ?? '' } : { kind: 'clamd', at: address }
}

/** MiB of one file: up to what a list of chunks can describe (docs/protocol.md, section 12). */
function fileSizeOf(value: string): number | undefined {
  const mib = /^\d{1,5}$/.test(value) ? Number(value) : 0
  return mib >= 1 && mib <= 16_384 ? mib : undefined
}
