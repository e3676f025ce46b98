/** The five doors in one record: a branch gets exactly one. Several worlds fit in one process. */
import { type BlobDisk, realBlobDisk } from './blob-disk.ts'
import type { Clock } from './clock.ts'
import { realClock } from './clock.ts'
import type { Disk } from './disk.ts'
import { realDisk } from './disk.ts'
import { type Ldap, type LdapSetting, realLdap } from './ldap.ts'
import { type LocalServices, realLocalServices } from './local-services.ts'
import type { Level, Log } from './log.ts'
import { jsonLog } from './log.ts'
import type { Network } from './network.ts'
import { realNetwork } from './network.ts'
import type { Random } from './random.ts'
import { realRandom } from './random.ts'

export type World = {
  clock: Clock
  random: Random
  network: Network
  disk: Disk
  /** Part of the disk's door: large files. */
  blobDisk: BlobDisk
  log: Log
  /** Part of the network's door; absent where no branch asks for it. */
  ldap?: (setting: LdapSetting) => Ldap
  /** Of files; absent where no scanner is asked. */
  localServices?: LocalServices
}

/** The world of a real process; log lines go to `write`. */
export function realWorld(
  dataFolder: string,
  write: (line: string) => void,
  least: Level = 'info',
): World {
  return {
    clock: realClock,
    random: realRandom(),
    network: realNetwork,
    ldap: realLdap,
    localServices: realLocalServices,
    disk: realDisk(dataFolder),
    blobDisk: realBlobDisk(dataFolder),
    log: jsonLog(realClock, write, { least }),
  }
}
