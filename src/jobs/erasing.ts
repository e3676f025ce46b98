/**
 * Destroys what this branch holds of deleted people, a little at a time, and then tells all branches that it did so.
 * Looks at start, when somebody is deleted, when a record of somebody deleted arrives late, and every hour for mail
 * that had to arrive first.
 */
import { eraseDone, overwriting } from '../accounts/erasing.ts'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Store } from '../db/open.ts'
import { destroyMessages, destroyRecords } from '../eventlog/erasing.ts'
import type { EventLog } from '../eventlog/log.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'

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
      const people = await store.read.selectFrom('erasure').select('userId').execute()
      for (const { userId } of people) if (!isStopped) await eraseAll(parts, userId)
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
    // Records come seldom: which of them are of deleted people the round sees by an index.
    if (events.some(({ kind }) => kind === 'user.erase' || kind.startsWith('user.'))) look()
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

/** All that this branch holds of one person; answers the organisation when nothing is left. */
async function eraseAll(parts: Omit<Parts, 'log'>, user: UserId): Promise<void> {
  const { store, eventLog } = parts
  const wish = await store.read
    .selectFrom('erasure')
    .where('userId', '=', user)
    .select(['messages', 'doneAt'])
    .executeTakeFirst()
  if (wish === undefined) return
  let waiting = await records(parts, user)
  if (wish.messages === 'erase') waiting += await messages(parts, user)
  if (waiting > 0 || wish.doneAt !== null) return
  await store.writer.write(async (tx) => {
    const mark = tx.updateTable('erasure').set({ doneAt: parts.clock.now() })
    await mark.where('userId', '=', user).execute()
    await eventLog.append(tx, { kind: eraseDone, to: 'all', body: { user } })
  })
  // Else the pages as they were lie in the file beside the database until others take their place.
  store.forgetOldPages()
}

async function records({ store, eventLog, self }: Omit<Parts, 'log'>, user: UserId) {
  for (;;) {
    const { destroyed, waiting } = await overwritten(store, (tx) =>
      destroyRecords(tx, eventLog.kinds, { self, user }),
    )
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

function overwritten<T>(
  store: Store,
  run: (tx: Parameters<typeof overwriting>[0]) => Promise<T>,
): Promise<T> {
  return store.writer.write(async (tx) => {
    let result: T | undefined
    await overwriting(tx, async () => {
      result = await run(tx)
    })
    return result as T
  })
}
