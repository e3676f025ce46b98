/**
 * TLS of one branch: which certificates its listener shows, by its settings, and how they come from the organisation
 * once the branch belongs to one.
 */

import { AppError } from './base/errors.ts'
import type { KeyFiles } from './certificates/keys.ts'
import type { Config } from './config.ts'
import type { Core } from './core.ts'
import { isIssuer } from './eventlog/issuers.ts'
import { namesOf } from './organisation/membership.ts'
import { startIssuing } from './tls/issuing.ts'
import { isOneHost, serverName } from './tls/names.ts'
import type { OwnTls, ServedTls } from './tls/served.ts'
import { realDisk } from './world/disk.ts'
import type { World } from './world/world.ts'

/** Interfaces whose addresses nobody types: loopback, and those a machine gives itself. */
const NOT_TYPED = /^(?:127\.|169\.254\.|::1$|fe80:)/

export type LanTls = {
  /** Undefined with plain HTTP. */
  served: ServedTls | undefined
  /** From now on the branch belongs to an organisation; the result stops it. */
  connect(core: Core, of: { files: KeyFiles; organisation(): string }): Promise<() => void>
}

/** Settings to certificates, loaded where there is TLS; throws a sentence when the files given cannot serve. */
export async function createLanTls(world: World, config: Config): Promise<LanTls> {
  const { tls, tlsDomains } = config
  const domains = named('tls-domains', tlsDomains)
  const given = named('names', config.names)
  const names = () => namesOfServer(world, config, given)
  const { own, served } = await servedTls(world, tls, names)
  return {
    served,
    async connect(core, { files, organisation }) {
      const parts = partsOf(core, world)
      const stopIssuing = await startIssuing({
        ...{ ...parts, isIssuer, organisation, domains, keys: files },
        branchName: async (db, branch) => (await namesOf(db, branch)).branch,
      })
      if (!own) return stopIssuing
      const { startAsking } = await import('./tls/asking.ts')
      const stopAsking = await startAsking({
        ...{ ...parts, organisation, keys: files, names },
        tls: own,
      })
      return () => {
        stopAsking()
        stopIssuing()
      }
    },
  }
}

type Served = { own?: OwnTls; served: ServedTls | undefined }

async function servedTls(world: World, tls: Config['tls'], names: () => string[]): Promise<Served> {
  if (tls.kind === 'off') return { served: undefined }
  const { createFileTls, createOwnTls } = await import('./tls/served.ts')
  if (tls.kind === 'files') {
    return { served: createFileTls(world, { ...tls, read: realDisk('').read }) }
  }
  const own = createOwnTls(world, names())
  return { own, served: own }
}

function partsOf({ membership, store, eventLog, tls: kinds }: Core, world: World) {
  const { clock, random, log } = world
  const { append, onCommitted } = eventLog
  return { self: membership.self, store, append, onCommitted, kinds, clock, random, log }
}

function named(flag: string, names: readonly string[]): string[] {
  return names.map((text) => {
    const name = serverName(text)
    if (name !== undefined) return name
    throw new AppError('invalid-input', `--${flag}: "${text}" is no host name and no address`)
  })
}

/** The most wanted first: there is room for a few. */
function namesOfServer(
  { network }: World,
  { listen, machine }: Config,
  given: readonly string[],
): string[] {
  const host = serverName(listen.host)
  const own = serverName(machine)
  const listening =
    host === undefined || isOneHost(host)
      ? [host]
      : network
          .interfaces()
          .map(({ address }) => address)
          .filter((address) => !NOT_TYPED.test(address))
  const all = [...given, own, ...listening]
  return [...new Set(all.filter((name) => name !== undefined))]
}
