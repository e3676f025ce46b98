/**
 * The epoch of this branch's database: the beginning of every stream id. A database that turns out to be older than
 * what other branches hold (a backup was put back) numbers its events anew, so it gets a new epoch: pages and scripts
 * that come with an old id begin anew instead of missing what arrived in another order.
 */
import { hex } from '../base/bytes.ts'
import { putMeta } from '../db/meta.ts'
import type { Db, Store } from '../db/open.ts'
import type { Cancel } from '../world/clock.ts'
import type { Random } from '../world/random.ts'

const STORE_EPOCH_BYTES = 4

export type StoreEpoch = {
  current(): string
  /** Draws the next one, for the transaction it is called in. */
  renew(tx: Db): Promise<void>
  /** Calls back after the commit of a new one. */
  onRenewed(fn: () => void): Cancel
}

/** A new branch's epoch, or the next one. */
export function newStoreEpoch(random: Random): string {
  return hex(random.bytes(STORE_EPOCH_BYTES))
}

/** The epoch in use, beginning with the one of the membership. */
export function createStoreEpoch(
  first: string,
  { store, random }: { store: Store; random: Random },
): StoreEpoch {
  const listeners = new Set<() => void>()
  let current = first
  let isNew = false
  store.writer.afterCommit(() => {
    if (!isNew) return
    isNew = false
    for (const fn of listeners) fn()
  })
  return {
    current: () => current,
    async renew(tx) {
      const storeEpoch = newStoreEpoch(random)
      await putMeta(tx, { storeEpoch })
      current = storeEpoch
      isNew = true
    },
    onRenewed(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
  }
}
