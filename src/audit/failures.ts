/**
 * Sign-ins that failed, without letting whoever guesses fill the disk: the first of a login and address is an entry at
 * once; the others of the same ten minutes are counted and become one entry when these are over. A kill loses counts of
 * the ten minutes it falls into, never the first one.
 */
import type { UserId } from '../base/ids.ts'
import { isoTime, MINUTE, type Millis } from '../base/units.ts'
import type { Store } from '../db/open.ts'
import type { Log } from '../world/log.ts'
import { addAudit } from './entries.ts'

/** A person who mistypes is one or two entries; an attack is two each ten minutes for each login it tries. */
export const FAILURES_WINDOW_MS: Millis = 10 * MINUTE
/** Pairs of login and address told apart in one window, so at most 101 entries: about 5 MB a day under attack. */
const FAILURES_TOLD_MAX = 50
/** `login@branch` at its longest: 32 and a branch's 64 bytes. Anything else may be a password in the wrong field. */
const LOGIN_FORM = /^[\p{L}\p{N}._-]{1,32}(?:@[\p{L}\p{N} ._-]{1,64})?$/u

type Failure = {
  /** As typed. */
  login: string
  address: string
  /** A code, such as `wrong-sign-in`. */
  reason: string
  /** Where the login is somebody's. */
  person?: { id: UserId; name: string } | undefined
}

export type Failures = {
  /** Notes one; resolves when it is stored or counted. A log that cannot be written keeps nobody out or in. */
  note(failure: Failure): Promise<void>
  /** Counts one that was turned away before anything of it was read. */
  refused(): void
  /** Writes what was counted, when the window is over, or now. */
  flush(how?: { isLast: boolean }): Promise<void>
}

type Counted = { failure: Failure; more: number }
type Window = { beganAt: Millis; pairs: Map<string, Counted>; others: number }

/** Nothing noted yet. */
export function createFailures(deps: {
  store: Pick<Store, 'writer'>
  clock: { now(): Millis }
  log: Log
}): Failures {
  const { store, clock, log } = deps
  let window: Window | undefined
  const written = async (write: Promise<unknown>) => {
    await write.catch((error) => log.error('audit.not-written', { error }))
  }

  const flush = async ({ isLast = false } = {}) => {
    const over = window
    if (over === undefined) return
    const now = clock.now()
    // A clock that was set back ends it too.
    const isRunning = now >= over.beganAt && now < over.beganAt + FAILURES_WINDOW_MS
    if (isRunning && !isLast) return
    window = undefined
    await written(writeCounted(deps, over))
  }

  return {
    flush,
    refused() {
      window ??= { beganAt: clock.now(), pairs: new Map(), others: 0 }
      window.others++
    },
    async note(failure) {
      await flush()
      window ??= { beganAt: clock.now(), pairs: new Map(), others: 0 }
      const key = `${failure.person?.id ?? failure.login}\n${failure.address}`
      const known = window.pairs.get(key)
      if (known) {
        known.more++
        return
      }
      if (window.pairs.size >= FAILURES_TOLD_MAX) {
        window.others++
        return
      }
      window.pairs.set(key, { failure, more: 0 })
      await written(store.writer.write((tx) => addAudit(deps, tx, entryOf(failure))))
    },
  }
}

async function writeCounted(
  deps: { store: Pick<Store, 'writer'>; clock: { now(): Millis } },
  { beganAt, pairs, others }: Window,
): Promise<void> {
  const repeated = [...pairs.values()].filter(({ more }) => more > 0)
  if (repeated.length === 0 && others === 0) return
  const since = isoTime(beganAt)
  await deps.store.writer.write(async (tx) => {
    for (const { failure, more } of repeated) {
      await addAudit(deps, tx, entryOf(failure, { times: more, since }))
    }
    if (others === 0) return
    await addAudit(deps, tx, {
      action: 'sign-in.failed-many',
      after: { times: others, since },
    })
  })
}

function entryOf(
  { login, address, reason, person }: Failure,
  more: { times?: number; since?: string } = {},
) {
  const isLogin = LOGIN_FORM.test(login)
  return {
    action: 'sign-in.failed' as const,
    by: { address },
    ...(isLogin ? { login } : {}),
    subject: person && { kind: 'person' as const, ...person },
    after: { reason, ...more },
  }
}
