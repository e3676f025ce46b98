/**
 * A branch comes back: into a database put back from a copy, or into an empty one when only its keys are left. Neither
 * can write over anything: every start writes feeds of its own, and what the others hold comes back from them by the
 * ordinary exchange. docs/decisions/030-backups.md.
 */
import { addAudit } from '../audit/entries.ts'
import { AppError } from '../base/errors.ts'
import { isoTime, type Millis } from '../base/units.ts'
import { type Chain, decodeHello } from '../certificates/chain.ts'
import type { KeyFiles } from '../certificates/keys.ts'
import { putMeta } from '../db/meta.ts'
import type { Db, Store } from '../db/open.ts'
import { findMembership, keepMembership } from '../organisation/membership.ts'
import { keepRecovery } from '../organisation/recovery.ts'
import { newStoreEpoch } from '../organisation/store-epoch.ts'
import { takeCard } from '../relay/card.ts'
import { findChain, saveChain } from '../relay/credentials.ts'
import { admitBranch } from '../relay/events.ts'
import type { World } from '../world/world.ts'

type Parts = {
  world: Pick<World, 'clock' | 'random'>
  store: Pick<Store, 'read' | 'writer'>
  files: Pick<KeyFiles, 'findBranchKeys' | 'findNoiseKey' | 'findCard'>
}

/** Makes a copied database this branch's own again: nobody is signed in, no invitation of then is good. */
export async function finishRestore(
  { world, store, files }: Parts,
  { copyAt }: { copyAt: Millis },
): Promise<void> {
  const keys = files.findBranchKeys()
  const membership = await findMembership(store.read)
  if (!keys || !membership) {
    throw new AppError(
      'conflict',
      'The copy is of a branch that was not set up, or keys are missing',
    )
  }
  if (keys.branch !== membership.self) {
    throw new AppError('conflict', 'The folder keys/ belongs to another branch than the copy')
  }
  const chain = await chainThatFits({ store, files })
  const now = world.clock.now()
  await store.writer.write(async (tx) => {
    await saveChain(tx, chain)
    // Who signed out since, or was put out, must not be in again; and an invitation may have been used since.
    await tx.deleteFrom('sign_in').execute()
    await tx
      .updateTable('invitation')
      .set({ expiresAt: now })
      .where('expiresAt', '>', now)
      .execute()
    await putMeta(tx, { storeEpoch: newStoreEpoch(world.random) })
    await keepRecovery(tx, { kind: 'restored', at: now, copyAt })
    const after = { copyAt: isoTime(copyAt) }
    await addAudit(world, tx, { action: 'branch.restored', after })
  })
}

/** The chain of the copy, or the newer one beside the keys: its Noise key must still be here. */
async function chainThatFits({ store, files }: Pick<Parts, 'store' | 'files'>): Promise<Chain> {
  const bytes = files.findCard()?.chain
  const chains = [await findChain(store.read), bytes && decodeHello(bytes)]
  const found = chains.find((chain) => chain && files.findNoiseKey(chain.link.noisePublicKey))
  if (found) return found
  throw new AppError(
    'conflict',
    'The keys here are of another time than the copy, and their card is missing: ' +
      'use the key file or the copy that was made with these keys',
  )
}

/** An empty database becomes that of the branch whose keys are here; all it held comes from the others. */
export async function rebuild({ world, store, files }: Parts): Promise<{ name: string }> {
  const keys = files.findBranchKeys()
  const card = files.findCard()
  const chain = card && decodeHello(card.chain)
  if (!keys || !card || !chain || !files.findNoiseKey(chain.link.noisePublicKey)) {
    throw new AppError(
      'conflict',
      'There are no keys of a branch here, or not all: put its folder keys/ back, or use `key import --branch FILE`',
    )
  }
  if (chain.identity.branch !== keys.branch) {
    throw new AppError('conflict', 'The keys and their card are of different branches')
  }
  await store.writer.write(async (tx: Db) => {
    await admitBranch(tx, chain)
    await saveChain(tx, chain)
    await takeCard(tx, card, { organisation: chain.identity.organisation, now: world.clock.now() })
    await keepMembership(tx, {
      self: keys.branch,
      organisation: chain.identity.organisation,
      storeEpoch: newStoreEpoch(world.random),
    })
    await keepRecovery(tx, { kind: 'rebuilt', at: world.clock.now() })
    await addAudit(world, tx, { action: 'branch.rebuilt' })
  })
  return { name: chain.identity.name }
}
