/** Two branches that know each other, started in temporary folders and closed with the test. */
import { temporaryFolder } from '../db/store.ts'
import type { BranchOptions, Keys, TestBranch } from './fixture.ts'
import { keysOf, startBranch } from './fixture.ts'

type TestContext = { after(fn: () => void | Promise<void>): void }

/** A branch that is closed with the test; in a new folder unless one is given. */
export async function branchFor(
  t: TestContext,
  keys: Keys,
  rest: Omit<BranchOptions, 'keys' | 'folder'> & { folder?: string },
): Promise<TestBranch> {
  const folder = rest.folder ?? temporaryFolder(t)
  const branch = await startBranch({ ...rest, keys, folder })
  t.after(() => branch.store.close())
  return branch
}

type Extra = Partial<Omit<BranchOptions, 'keys'>>

/** Kyiv and Lviv, new. */
export async function pairFor(t: TestContext, extra: { kyiv?: Extra; lviv?: Extra } = {}) {
  const [kyivKeys, lvivKeys] = [keysOf('Kyiv'), keysOf('Lviv')]
  const kyiv = await branchFor(t, kyivKeys, { knows: [lvivKeys], ...extra.kyiv })
  const lviv = await branchFor(t, lvivKeys, { knows: [kyivKeys], ...extra.lviv })
  return { kyiv, lviv, kyivKeys, lvivKeys }
}
