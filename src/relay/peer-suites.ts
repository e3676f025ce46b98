/**
 * Which suite a call or a link may have. Strongest first; a weaker one only where silence answered
 * the stronger, and never with a branch that has shown the stronger one: that is remembered in the
 * database, so that nobody on the way can bring two branches down to the weaker one again.
 * docs/protocol.md, section 2.
 */
import type { BranchId } from '../base/ids.ts'
import type { Db, Store } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'
import { Unanswered } from './handshake.ts'
import type { Kem } from './noise.ts'
import { type Suite, strongestSuite } from './suites.ts'

/** What this branch speaks. */
export type SpokenSuites = {
  /** The operator's `--min-suite`. */
  least: Suite
  strongest: Suite
  /** Only where a run must follow from one number: node:crypto's draws chance that cannot be given. */
  kem?: Kem
}

/** What this Node can, from the weakest that the operator allows. Throws where that is nothing. */
export function spokenSuites(least: Suite, strongest: Suite = strongestSuite()): SpokenSuites {
  if (least <= strongest) return { least, strongest }
  throw new Error('--min-suite 2 needs ML-KEM-768, and the OpenSSL of this Node has none')
}

export class PeerSuites {
  readonly #parts: { spoken: SpokenSuites; store: Pick<Store, 'writer'>; clock: Clock }
  readonly #shown = new Map<BranchId, Suite>()

  constructor(parts: { spoken: SpokenSuites; store: Pick<Store, 'writer'>; clock: Clock }) {
    this.#parts = parts
  }

  async load(db: Db): Promise<void> {
    for (const { branchId, suite } of await db.selectFrom('peer_suite').selectAll().execute()) {
      if (suite === 2) this.#shown.set(branchId, 2)
    }
  }

  get kem(): Kem | undefined {
    return this.#parts.spoken.kem
  }

  get strongest(): Suite {
    return this.#parts.spoken.strongest
  }

  /** Whether a suite will do for links with this branch; undefined: with one that is not proved yet. */
  readonly maySpeak = (suite: Suite, branch: BranchId | undefined): boolean =>
    this.toCall(branch).includes(suite)

  #leastFor(branch: BranchId | undefined): Suite {
    const { least, strongest } = this.#parts.spoken
    const shown = (branch && this.#shown.get(branch)) ?? 1
    // What this Node lost with its OpenSSL nobody on the way has taken from it.
    return shown > least && shown <= strongest ? shown : least
  }

  /** The suites of a call, in the order they are tried. */
  toCall(branch: BranchId | undefined): readonly Suite[] {
    return suitesOf({ ...this.#parts.spoken, least: this.#leastFor(branch) })
  }

  /** A proved branch has shown this one: from now on nothing weaker will do. Kept in memory before it is written. */
  async show(branchId: BranchId, suite: Suite): Promise<void> {
    if (suite === 1 || this.#shown.get(branchId) === suite) return
    this.#shown.set(branchId, suite)
    const shownAt = this.#parts.clock.now()
    await this.#parts.store.writer.write(async (tx) => {
      await tx
        .insertInto('peer_suite')
        .values({ branchId, suite, shownAt })
        .onConflict((on) => on.column('branchId').doUpdateSet({ suite, shownAt }))
        .execute()
    })
  }

  /** An operator's word that a branch went back to a release which lacks the stronger suite. */
  async forget(branchId: BranchId): Promise<void> {
    await this.#parts.store.writer.write(async (tx) => {
      await tx.deleteFrom('peer_suite').where('branchId', '=', branchId).execute()
    })
    this.#shown.delete(branchId)
  }
}

/** Strongest first. */
export function suitesOf({ least, strongest }: SpokenSuites): readonly Suite[] {
  return ([2, 1] as const).filter((suite) => suite >= least && suite <= strongest)
}

/** Calls with one suite after the other for as long as silence answers; any word, also a wrong one, ends the trying. */
export async function firstAnswered<T>(
  suites: readonly Suite[],
  call: (suite: Suite) => Promise<T>,
): Promise<T> {
  let silence: unknown
  for (const suite of suites) {
    try {
      return await call(suite)
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      silence = error
    }
  }
  throw silence
}
