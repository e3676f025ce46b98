/**
 * I14: a revoked branch has no link two seconds after its revocation arrived, and nothing above its cut is taken. The
 * revoked one goes on with its program and its people, as a stolen server does. Each branch is watched from outside:
 * when it heard, how far it held the feeds of the revoked one then, and what it takes in later.
 */
import type { BranchId, FeedId } from '../../src/base/ids.ts'
import { type Millis, SECOND } from '../../src/base/units.ts'
import type { Core } from '../../src/core.ts'
import type { Db } from '../../src/db/open.ts'
import { isRevocationEvent } from '../../src/relay/revocations.ts'
import type { Timeline } from './timeline.ts'

const LINK_MS_MAX: Millis = 2 * SECOND

type Heard = { at: Millis; heads: ReadonlyMap<FeedId, number> }

export class Standing {
  readonly #timeline: Timeline
  readonly #heard = new Map<BranchId, Heard>()
  /** The branch that is to be revoked, or is. */
  branch: BranchId | undefined
  /** One will be, in this run. */
  isPlanned = false
  /** It is known to be revoked. */
  isSaid = false
  /** What was seen of links that should have ended. */
  readonly faults: string[] = []

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Whether an event is of a branch that nobody believes. */
  isOf(branch: BranchId | undefined): boolean {
    return branch !== undefined && branch === this.branch
  }

  /** A branch that starts: what it does with the revoked one is looked at. */
  async watched(core: Core): Promise<Core> {
    const { eventLog } = core
    eventLog.onCommitted((events) => {
      if (events.some(isRevocationEvent)) void this.#hears(core)
    })
    await this.#hears(core)
    const look = (peer: BranchId, what: string) => this.#look(core, peer, what)
    return {
      ...core,
      eventLog: {
        ...eventLog,
        receiveBatch: (peer, bytes) => {
          look(peer, 'takes a batch of')
          return eventLog.receiveBatch(peer, bytes)
        },
        acknowledged: (peer, entries) => {
          look(peer, 'takes an ack of')
          return eventLog.acknowledged(peer, entries)
        },
        offersTo: (peer) => {
          look(peer, 'lists its feeds to')
          return eventLog.offersTo(peer)
        },
      },
    }
  }

  async #hears({ store, membership: { self } }: Core): Promise<void> {
    const { branch } = this
    if (branch === undefined || self === branch || this.#heard.has(self)) return
    const at = this.#timeline.now
    const said = store.read.selectFrom('revocation').where('branchId', '=', branch)
    if ((await said.select('branchId').execute()).length === 0) return
    this.#heard.set(self, { at, heads: new Map(await headsOf(store.read, branch)) })
  }

  #look({ membership: { self } }: Core, peer: BranchId, what: string): void {
    const heard = this.#heard.get(self)
    if (!heard || peer !== this.branch || this.#timeline.now <= heard.at + LINK_MS_MAX) return
    this.faults.push(`${self} ${what} the branch that was revoked`)
  }

  /** Whether a branch that stands knows. */
  hasHeard({ membership: { self } }: Core): boolean {
    return this.#heard.has(self)
  }

  /** What a branch took in after it had heard. */
  async above({ store, membership: { self } }: Core): Promise<string[]> {
    const { branch } = this
    const heard = this.#heard.get(self)
    if (!heard || branch === undefined) return []
    const cuts = new Map(
      (
        await store.read
          .selectFrom('feed_cut')
          .where('origin', '=', branch)
          .select(['feedId', 'upTo'])
          .execute()
      ).map(({ feedId, upTo }) => [feedId as string, upTo]),
    )
    return (await headsOf(store.read, branch)).flatMap(([feed, head]) => {
      const most = Math.max(heard.heads.get(feed) ?? 0, cuts.get(feed) ?? 0)
      return head > most ? [`${self} took ${head} of ${feed} of a revoked branch, not ${most}`] : []
    })
  }
}

async function headsOf(db: Db, origin: BranchId): Promise<[FeedId, number][]> {
  const query = db.selectFrom('feed').where('origin', '=', origin).select(['id', 'head'])
  return (await query.execute()).map(({ id, head }) => [id, head])
}
