/**
 * What people say of themselves: in memory, because every dot of every page shows it, and in the event log, because it
 * holds after a restart and at all branches. It goes by itself when its time is up.
 */
import { invalidInput } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import { DAY, MINUTE, type Millis, SECOND } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import { listed, prepared } from '../db/prepared.ts'
import type { Append, LoggedEvent } from '../eventlog/events.ts'
import { createLimiter, type Rate, refuseTooMany } from '../web/rate.ts'
import { type Cancel, type Clock, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { type UserStatus, userStatus } from './status-events.ts'

/**
 * Each change is an event that every branch keeps for ever: a person sets it a few times a day, a script that follows a
 * calendar every half an hour. One that runs wild adds 288 a day, some 80 KB.
 */
const STATUS_RATE: Rate = { burst: 6, refillMs: 5 * MINUTE }
/** Further ahead it is no status but part of the profile. */
const UNTIL_MS_MAX: Millis = 366 * DAY
/** How often it is looked whose time is up: what is shown is right at once, pages that stand open hear of it then. */
const EXPIRY_MS: Millis = 10 * SECOND

export type Status = { text: string; until?: Millis | undefined; doNotDisturb: boolean }

export type Statuses = {
  /** Undefined when a person says nothing, or did until a moment that is over. */
  of(user: UserId): Status | undefined
  /** Throws invalid-input for an end that is over or too far, and too-many. */
  set(user: UserId, status: Status): Promise<void>
  /** The log grew. */
  committed(events: readonly LoggedEvent[]): void
  onChanged(fn: (users: UserId[]) => void): void
  start(): Promise<void>
  stop(): void
}

type Parts = { store: Store; append: Append; clock: Clock; log: Log }

/** Statuses of everybody, as this branch knows them. */
export function createStatuses({ store, append, clock, log }: Parts): Statuses {
  const statuses = new Map<UserId, Status>()
  const listeners = new Set<(users: UserId[]) => void>()
  const limiter = createLimiter({ clock }, STATUS_RATE)
  let stopped: Cancel = () => {}
  const isOver = ({ until }: Status) => until !== undefined && until <= clock.now()
  const tell = (users: UserId[]) => {
    if (users.length > 0) for (const fn of listeners) fn(users)
  }
  const of = (user: UserId) => {
    const status = statuses.get(user)
    return status === undefined || isOver(status) ? undefined : status
  }
  const take = (rows: readonly Row[]) => {
    for (const { userId, text, until, doNotDisturb } of rows) {
      const status = { text, until: until ?? undefined, doNotDisturb: doNotDisturb === 1 }
      if (isEmpty(status) || isOver(status)) statuses.delete(userId)
      else statuses.set(userId, status)
    }
  }
  const refresh = async (users: UserId[]) => {
    take(await rowsOf(store.read, { users: JSON.stringify(users) }))
    tell(users)
  }
  const expire = () => {
    const over = [...statuses].flatMap(([user, status]) => (isOver(status) ? [user] : []))
    for (const user of over) statuses.delete(user)
    tell(over)
  }
  const failed = (error: unknown) => log.warn('presence.status.failed', { error })
  return {
    of,
    async set(user, status) {
      const { until } = status
      if (until !== undefined && until <= clock.now()) {
        throw invalidInput('until', 'Cannot set the status: its end is over', 'status-over')
      }
      if (until !== undefined && until > clock.now() + UNTIL_MS_MAX) {
        throw invalidInput('until', 'Cannot set the status: its end is too far', 'status-far')
      }
      if (isSame(of(user), status)) return
      refuseTooMany(limiter.take(user))
      const body: UserStatus = { user, text: status.text, doNotDisturb: status.doNotDisturb }
      if (until !== undefined && !isEmpty(status)) body.until = until
      await store.writer.write((tx) => append(tx, { kind: userStatus, to: 'all', body }))
      take(await rowsOf(store.read, { users: JSON.stringify([user]) }))
    },
    committed(events) {
      const bodies = events.filter(({ kind }) => kind === userStatus.name)
      const users = bodies.map(({ body }) => (body as UserStatus).user)
      if (users.length > 0) refresh(users).catch(failed)
    },
    onChanged: (fn) => void listeners.add(fn),
    async start() {
      take(await store.read.selectFrom('user_status').select(COLUMNS).execute())
      stopped = every(clock, EXPIRY_MS, expire, failed)
    },
    stop: () => stopped(),
  }
}

type Row = { userId: UserId; text: string; until: Millis | null; doNotDisturb: 0 | 1 }

const COLUMNS = ['userId', 'text', 'until', 'doNotDisturb'] as const

const rowsOf = prepared<{ users: string }, Row>((db, value) =>
  db
    .selectFrom('user_status')
    .where('userId', 'in', listed<UserId>(value('users')))
    .select(COLUMNS),
)

const isEmpty = ({ text, doNotDisturb }: Status) => text === '' && !doNotDisturb

/** Setting what is set, or clearing what is clear, is no change. */
function isSame(before: Status | undefined, after: Status): boolean {
  if (before === undefined) return isEmpty(after)
  return (
    before.text === after.text &&
    before.until === after.until &&
    before.doNotDisturb === after.doNotDisturb
  )
}
