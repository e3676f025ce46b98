/** When everybody was last seen, as far as this branch knows: in memory, and in SQLite to survive a restart. */
import { sql } from 'kysely'
import type { BranchId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import { prepared } from '../db/prepared.ts'

/** Rows of one transaction: some 2 ms. The morning of a large company is written bit by bit, sweep by sweep. */
const ROWS_PER_WRITE = 500

type Row = { userId: UserId; branchId: BranchId; lastSeenAt: Millis }

export class LastSeen {
  readonly #store: Store
  readonly #at = new Map<UserId, Millis>()
  readonly #unwritten = new Map<UserId, Row>()

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    const rows = await this.#store.read
      .selectFrom('presence')
      .select((eb) => ['userId', eb.fn.max('lastSeenAt').as('lastSeenAt')])
      .groupBy('userId')
      .execute()
    for (const row of rows) this.#at.set(row.userId, Number(row.lastSeenAt))
  }

  get(user: UserId): Millis | undefined {
    return this.#at.get(user)
  }

  entries(): IterableIterator<[UserId, Millis]> {
    return this.#at.entries()
  }

  /** Somebody was seen at a branch; it is written with the next `write`. */
  note(userId: UserId, branchId: BranchId, at: Millis): void {
    if ((this.#at.get(userId) ?? 0) < at) this.#at.set(userId, at)
    this.#unwritten.set(userId, { userId, branchId, lastSeenAt: at })
  }

  /** Many share one transaction; it is not an event, so a loss of seconds costs nothing. */
  async write(): Promise<void> {
    const rows: Row[] = []
    for (const [user, row] of this.#unwritten) {
      if (rows.length === ROWS_PER_WRITE) break
      rows.push(row)
      this.#unwritten.delete(user)
    }
    if (rows.length === 0) return
    await this.#store.writer.write(
      async (tx) => void (await put(tx, { rows: JSON.stringify(rows) })),
    )
  }

  async writeAll(): Promise<void> {
    while (this.#unwritten.size > 0) await this.write()
  }
}

// `where true`: without it SQLite takes the `on` of the conflict for one of a join (sqlite.org/lang_upsert.html, 2).
const put = prepared<{ rows: string }, unknown>((db, value) =>
  db
    .insertInto('presence')
    .columns(['userId', 'branchId', 'lastSeenAt'])
    .expression((eb) =>
      eb
        .selectFrom(sql<{ value: string }>`json_each(${value('rows')})`.as('row'))
        .select([
          sql<UserId>`json_extract(row.value, '$.userId')`.as('userId'),
          sql<BranchId>`json_extract(row.value, '$.branchId')`.as('branchId'),
          sql<number>`json_extract(row.value, '$.lastSeenAt')`.as('lastSeenAt'),
        ])
        .where(sql<boolean>`true`),
    )
    .onConflict((on) =>
      on
        .columns(['userId', 'branchId'])
        .doUpdateSet((eb) => ({ lastSeenAt: eb.ref('excluded.lastSeenAt') }))
        .whereRef('presence.lastSeenAt', '<', 'excluded.lastSeenAt'),
    ),
)
