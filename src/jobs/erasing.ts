/**
 * Destroys what this branch holds of deleted people, a little at a time, and then tells all branches that it did so.
 * Looks at start, when somebody is deleted, and every hour for mail that had to arrive first. Who is done is never
 * looked at again: what comes late of them is destroyed as it comes (eventlog/late.ts).
 */
import { eraseDone } from '../accounts/erasing.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db, Store } from '../db/open.ts'
import { overwriting } from '../db/overwriting.ts'
import { destroyMessages, destroyRecords, destroyUnapplied } from '../eventlog/erasing.ts'
import type { EventLog } from '../eventlog/log.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'

/** However many people were deleted at once, a copy put back among them: ids of so many are held at a time. */
const PEOPLE_PER_READ = 50

type Parts = {
  store: Store
  eventLog: Pick<EventLog, 'append' | 'onCommitted' | 'kinds'>
  self: BranchId
  clock: Pick<Clock, 'now'>
  log: Log
}

/** `look` begins a round unless one runs; `stop` waits for it. */
export function createErasing(parts: Parts): {
  look(): void
  /** Resolves when no round runs. */
  idle(): Promise<void>
  stop(): Promise<void>
} {
  const { store, eventLog, log } = parts
  let running: Promise<void> | undefined
  let isStopped = false
  let again = false
  const round = async () => {
    do {
      again = false
      let after: UserId | undefined = '' as UserId
      while (after !== undefined && !isStopped) {
        const people = await openAfter(store, after)
        for (const userId of people) if (!isStopped) await eraseAll(parts, userId)
        after = people.length < PEOPLE_PER_READ ? undefined : people.at(-1)
      }
    } while (again && !isStopped)
  }
  const look = () => {
    again = true
    if (running !== undefined || isStopped) return
    running = round()
      .catch((error: unknown) => log.error('jobs.erasing-failed', { error }))
      .finally(() => {
        running = undefined
      })
  }
  const cancel = eventLog.onCommitted((events) => {
    if (events.some(({ kind }) => kind === 'user.erase')) look()
  })
  return {
    look,
    async idle() {
      while (running !== undefined) await running
    },
    async stop() {
      isStopped = true
      cancel()
      await running
    },
  }
}

/** The next deleted people of whom something may be left here. */
async function openAfter({ read }: Store, after: UserId): Promise<UserId[]> {
  const rows = read.selectFrom('erasure').where('doneAt', 'is', null).where('userId', '>', after)
  const some = rows.select('userId').orderBy('userId').limit(PEOPLE_PER_READ)
  return (await some.execute()).map(({ userId }) => userId)
}

/** All that this branch holds of one person; answers the organisation when nothing is left. */
async function eraseAll(parts: Omit<Parts, 'log'>, user: UserId): Promise<void> {
  const { store, eventLog } = parts
  const wish = await store.read
    .selectFrom('erasure')
    .where('userId', '=', user)
    .where('doneAt', 'is', null)
    .select('messages')
    .executeTakeFirst()
  if (wish === undefined) return
  let waiting = await records(parts, user)
  if (wish.messages === 'erase') {
    waiting += await unapplied(parts, user)
    waiting += await messages(parts, user)
  }
  if (waiting > 0) return
  await store.writer.write(async (tx) => {
    const mark = tx.updateTable('erasure').set({ doneAt: parts.clock.now() })
    await mark.where('userId', '=', user).execute()
    await eventLog.append(tx, { kind: eraseDone, to: 'all', body: { user } })
  })
  // Else the pages as they were lie in the file beside the database until others take their place.
  store.forgetOldPages()
}

function records({ store, eventLog, self }: Omit<Parts, 'log'>, user: UserId) {
  return untilNone(store, (tx) => destroyRecords(tx, eventLog.kinds, { self, user }))
}

function unapplied({ store, self }: Omit<Parts, 'log'>, user: UserId) {
  return untilNone(store, (tx) => destroyUnapplied(tx, { self, user }))
}

/** Turns until one destroys nothing; answers how many must wait. */
async function untilNone(
  store: Store,
  turn: (tx: Db) => Promise<{ destroyed: number; waiting: number }>,
): Promise<number> {
  for (;;) {
    const { destroyed, waiting } = await overwritten(store, turn)
    if (destroyed === 0) return waiting
  }
}

async function messages({ store, self }: Omit<Parts, 'log'>, user: UserId): Promise<number> {
  let waits = 0
  for (let after: number | undefined = 0; after !== undefined; ) {
    const from: number = after
    const { waiting, next } = await overwritten(store, (tx) =>
      destroyMessages(tx, { self, user, after: from }),
    )
    waits += waiting
    after = next
  }
  return waits
}

function overwritten<T>(store: Store, run: (tx: Db) => Promise<T>): Promise<T> {
  return store.writer.write(async (tx) => {
    let result: T | undefined
    await overwriting(tx, async () => {
      result = await run(tx)
    })
    return result as T
  })
}
