/** Policies of files, put together: limits and rules, the scanner, the collector, and what was taken away. */
import type { BlobId } from './base/ids.ts'
import { GIB, MIB } from './base/units.ts'
import type { FilePolicySettings } from './config-file-policies.ts'
import type { Core } from './core.ts'
import { type Keeping, startKeeping } from './files/keeping.ts'
import { createFilePolicy, type FilePolicy } from './files/policy.ts'
import { announceLimits } from './files/rules.ts'
import { createFileRemovals } from './jobs/file-removals.ts'
import type { World } from './world/world.ts'

type FileKeeping = { policy: FilePolicy; keeping: Keeping; stop(): Promise<void> }

/** Starts all of it. */
export async function startFileKeeping(of: {
  core: Core
  world: World
  settings: FilePolicySettings
  /** Pages that show the file are told. */
  onVerdict(blob: BlobId): void
  /** Chunks of it have to come again. */
  onMissing(blob: BlobId): void
}): Promise<FileKeeping> {
  const { core, world, settings, onVerdict, onMissing } = of
  const { store, eventLog, membership, chat } = core
  const { self } = membership
  const sizeMax = settings.fileSize * MIB
  const limits = {
    ...{ sizeMax, personMax: settings.fileQuota * GIB, branchMax: settings.fileRoom * GIB },
  }
  await store.writer.write((tx) => announceLimits(tx, eventLog.append, { self, sizeMax }))
  const keeping = await startKeeping({
    ...{ store, clock: world.clock, log: world.log, blobDisk: world.blobDisk },
    ...{ services: world.localServices, scanner: settings.scanner, onVerdict, onMissing },
  })
  const removals = createFileRemovals({ chat, eventLog, keeping, log: world.log })
  return {
    policy: createFilePolicy({ self }, limits),
    keeping,
    async stop() {
      await removals.stop()
      await keeping.stop()
    },
  }
}
