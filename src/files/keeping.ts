/**
 * What a branch does with stored files by itself: has them looked at by the scanner, takes away what nobody needs, and
 * repairs what is damaged. One call where the branch is put together, and one that ends it.
 */
import type { BlobId } from '../base/ids.ts'
import { HOUR, MINUTE, type Millis } from '../base/units.ts'
import { putMeta } from '../db/meta.ts'
import { every } from '../world/clock.ts'
import type { LocalServices, ScannerSetting } from '../world/local-services.ts'
import type { World } from '../world/world.ts'
import type { BlobParts } from './blobs.ts'
import { recheckBlob } from './checking.ts'
import { createCollecting } from './collecting.ts'
import { endOldFiles } from './retention.ts'
import { createScanner } from './scanners.ts'
import { createScanning, SCANNING } from './scanning.ts'

/** The collector's rounds: looking through 100,000 blobs takes about a second, spread out. */
const COLLECTED_EVERY_MS: Millis = HOUR

const LOOKED_EVERY_MS: Millis = MINUTE

type Parts = Pick<BlobParts, 'store'> &
  Pick<World, 'clock' | 'log' | 'blobDisk'> & {
    services: LocalServices | undefined
    scanner: ScannerSetting | undefined
    /** Pages that show the file are told. */
    onVerdict(blob: BlobId): void
    /** Chunks of it have to come again. */
    onMissing(blob: BlobId): void
  }

export type Keeping = {
  /** Since when the scanner does not answer. */
  scannerAwaySince(): Millis | undefined
  /** Call it when a blob has become whole. Cheap. */
  arrived(): void
  /** Looks at one blob; answers how many of its chunks are not right, which then come again. */
  recheck(blob: BlobId): Promise<number>
  /** A reader found a chunk that is not right: the blob is looked at, and what is wrong comes again. */
  damaged(blob: BlobId): void
  /** A round of the collector now. */
  collect(): Promise<void>
  stop(): Promise<void>
}

/** Starts all of it. */
export async function startKeeping(parts: Parts): Promise<Keeping> {
  const { store, clock, log, blobDisk: disk, services } = parts
  const recheckNow = async (blob: BlobId) => {
    const damaged = await recheckBlob({ store, disk }, blob)
    if (damaged > 0) {
      log.warn('files.rechecked', { blob, chunks: damaged })
      parts.onMissing(blob)
    }
    return damaged
  }
  /** Two at once would move its file under each other's hands. */
  const rechecking = new Map<BlobId, Promise<number>>()
  const recheck = (blob: BlobId) => {
    const running = rechecking.get(blob) ?? recheckNow(blob).finally(() => rechecking.delete(blob))
    rechecking.set(blob, running)
    return running
  }
  const failed = (error: unknown) => log.error('files.collect-failed', { error })
  const damaged = (blob: BlobId) => void recheck(blob).catch(failed)
  const scanning =
    parts.scanner && services
      ? createScanning({
          ...{ store, disk, clock, log, onVerdict: parts.onVerdict },
          scanner: createScanner({ services, clock }, parts.scanner),
          onDamaged: ({ blob }) => damaged(blob),
        })
      : undefined
  await store.writer.write((tx) => putMeta(tx, { [SCANNING]: scanning === undefined ? '' : 'yes' }))
  const collecting = createCollecting({ store, disk, clock })
  let collected = Promise.resolve()
  const round = async () => {
    const old = await endOldFiles({ store, clock })
    const done = { old, ...(await collecting.round()) }
    if (Object.values(done).some((count) => count > 0)) log.info('files.collected', done)
  }
  const collect = () => {
    collected = collected.then(round).catch(failed)
    return collected
  }
  const cancel = every(clock, COLLECTED_EVERY_MS, collect, failed)
  // What comes from other branches and what an earlier try left: an index tells that there is nothing.
  const cancelLooking = every(clock, LOOKED_EVERY_MS, () => scanning?.look(), failed)
  scanning?.look()
  return {
    scannerAwaySince: () => scanning?.awaySince(),
    arrived: () => scanning?.look(),
    recheck,
    damaged,
    collect,
    async stop() {
      cancel()
      cancelLooking()
      await collected
      await scanning?.stop()
    },
  }
}
