/**
 * The one place where transactions begin. Actions wait in a queue; one transaction holds many of them, a savepoint
 * each, so that a single fsync makes all of them durable (group commit). Nobody hears "done" before COMMIT.
 */
import type Sqlite from 'better-sqlite3'
import { AppError } from '../base/errors.ts'
import type { Millis } from '../base/units.ts'
import type { Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Db } from './open.ts'

/** More would make the first of them wait too long for the last. */
const ACTIONS_PER_COMMIT_MAX = 512
/** Then the commit happens whatever still waits: the event loop must breathe. */
const COMMIT_MS_MAX: Millis = 20
/** Memory of a branch whose disk does not keep up: later ones are told to try again. */
const ACTIONS_WAITING_MAX = 20_000
const RETRY_SECONDS = 5

export type Writer = {
  /**
   * Runs `action` inside a shared transaction. Resolves only after COMMIT; rejects with the action's own error after
   * ROLLBACK TO its savepoint. Inside, await only database work on `tx`.
   */
  write<T>(action: (tx: Db) => Promise<T>): Promise<T>
  /** Runs inside each transaction after its actions; if it throws, the whole batch fails. */
  beforeCommit(fn: (tx: Db) => Promise<void>): void
  /** Runs after each COMMIT, before anybody who waits for it continues. */
  afterCommit(fn: () => void): void
  /** `mark` runs before each action; what it returns takes back what the action changed in memory, if it is undone. */
  undoWith(mark: () => () => void): void
}

type Waiting = {
  /** Runs the action and keeps its result. */
  run(tx: Db): Promise<void>
  resolve(): void
  reject(error: unknown): void
}
type Done = { waiting: Waiting; undo: () => void }

type Parts = {
  sqlite: Sqlite.Database
  db: Db
  clock: Clock
  log: Log
}

/** The writer of a database, and how to end it: `close` lets what waits finish and refuses the rest. */
export function createWriter(parts: Parts): Writer & { close(): Promise<void> } {
  const queue: Waiting[] = []
  const batch = createBatch(parts, queue)
  let running: Promise<void> | undefined
  let closed = false

  const run = async () => {
    try {
      await batch.commit()
    } finally {
      running = undefined
      wake()
    }
  }
  const wake = () => {
    if (running !== undefined || queue.length === 0) return
    running = new Promise((resolve) => {
      parts.clock.soon(() => void run().then(resolve, resolve))
    })
  }

  return {
    write: (action) => {
      if (closed) return Promise.reject(new AppError('unavailable', 'The server is stopping'))
      if (queue.length >= ACTIONS_WAITING_MAX) return Promise.reject(overloaded())
      const { waiting, promise } = waitingOf(action)
      queue.push(waiting)
      wake()
      return promise
    },
    beforeCommit: (fn) => void batch.before.push(fn),
    afterCommit: (fn) => void batch.after.push(fn),
    undoWith: (mark) => void batch.marks.push(mark),
    close: async () => {
      closed = true
      while (running !== undefined) await running
    },
  }
}

function waitingOf<T>(action: (tx: Db) => Promise<T>): { waiting: Waiting; promise: Promise<T> } {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let settle = () => {}
  const run = async (tx: Db) => {
    const result = await action(tx)
    settle = () => resolve(result)
  }
  return { waiting: { run, resolve: () => settle(), reject }, promise }
}

function createBatch({ sqlite, db: tx, clock, log }: Parts, queue: Waiting[]) {
  const begin = sqlite.prepare('begin immediate')
  const commit = sqlite.prepare('commit')
  const rollback = sqlite.prepare('rollback')
  const savepoint = sqlite.prepare('savepoint action')
  const rollbackTo = sqlite.prepare('rollback to action')
  const release = sqlite.prepare('release action')
  const before: ((tx: Db) => Promise<void>)[] = []
  const after: (() => void)[] = []
  const marks: (() => () => void)[] = []

  const runOne = async (waiting: Waiting, done: Done[]) => {
    const undos = marks.map((mark) => mark())
    const undo = () => undos.forEach((each) => void each())
    try {
      savepoint.run()
      await waiting.run(tx)
      release.run()
      done.push({ waiting, undo })
    } catch (error) {
      undo()
      waiting.reject(expected(error))
      // SQLite itself may have rolled all back (disk full); then nobody's work is left.
      if (!sqlite.inTransaction || isOutOfService(error)) throw error
      rollbackTo.run()
      release.run()
    }
  }

  const fail = (error: unknown, done: Done[]) => {
    if (sqlite.inTransaction) rollback.run()
    for (const { undo } of done.toReversed()) undo()
    for (const { waiting } of done) waiting.reject(expected(error))
    log.error('db.commit-failed', { actions: done.length, cause: error })
  }

  const commitWaiting = async () => {
    const done: Done[] = []
    try {
      begin.run()
    } catch (error) {
      // Those who wait must not wait for a disk that may never come back.
      for (const waiting of queue.splice(0)) waiting.reject(expected(error))
      return fail(error, done)
    }
    const endsAt = clock.now() + COMMIT_MS_MAX
    try {
      for (let count = 0; count < ACTIONS_PER_COMMIT_MAX && clock.now() <= endsAt; count++) {
        const waiting = queue.shift()
        if (waiting === undefined) break
        await runOne(waiting, done)
      }
      for (const hook of before) await hook(tx)
      commit.run()
    } catch (error) {
      return fail(error, done)
    }
    for (const { waiting } of done) waiting.resolve()
    for (const hook of after) callSafely(hook, log)
  }
  return { before, after, marks, commit: commitWaiting }
}

function callSafely(hook: () => void, log: Log): void {
  try {
    hook()
  } catch (error) {
    // It is committed: a listener's bug must not make it look otherwise.
    log.error('db.after-commit-failed', { cause: error })
  }
}

/** Whether the storage failed, not the action: then nothing of the batch can be acknowledged. */
export function isOutOfService(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL)/.test(
    sqliteCode(error),
  )
}

function sqliteCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function expected(error: unknown): unknown {
  if (!isOutOfService(error)) return error
  const full = sqliteCode(error).startsWith('SQLITE_FULL')
  return new AppError('unavailable', full ? 'The disk is full' : 'The storage does not answer', {
    detail: full ? 'disk-full' : 'storage-unavailable',
    retryAfter: RETRY_SECONDS,
    cause: error,
  })
}

function overloaded(): AppError {
  return new AppError('unavailable', 'Too much waits to be stored', { retryAfter: RETRY_SECONDS })
}
