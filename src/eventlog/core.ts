/** The parts of the log that share one transaction's memory, put together once. */

import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { createAppend, createForward } from './append.ts'
import { createBackupMarks } from './backup-marks.ts'
import { createBranches } from './branches.ts'
import { type Changes, createChanges } from './changes.ts'
import type { EventKind } from './events.ts'
import { createFeeds } from './feeds.ts'
import { createLogClock } from './log-clock.ts'
import { type Bodies, bodiesKind } from './missing.ts'
import type { LogParts } from './parts.ts'
import type { ReceiveParts } from './receive.ts'
import { refusedKind } from './refused.ts'

export type Core = ReceiveParts & { bodies: EventKind<Bodies> }

/** Builds them; the log's own kind is added to the given ones. */
export function createCore(given: LogParts): Core {
  const { self, clock, log, random } = given
  const changes = createChanges()
  const logClock = createLogClock(clock)
  const branches = createBranches({ verifierOf: given.verifierOf, changes })
  const feeds = createFeeds({ ...given, branches, changes, logClock })
  const refused = refusedKind(self)
  const waiting = { is: false }
  const onWaiting = () => {
    waiting.is = true
  }
  const append = createAppend({ self, clock, random, branches, changes, feeds, logClock })
  const bodies = bodiesKind({ self, append, onWaiting })
  return {
    self,
    clock,
    log,
    carryBytesMax: given.carryBytesMax,
    branches,
    changes,
    feeds,
    logClock,
    refused,
    marks: createBackupMarks(changes),
    waiting,
    beginnings: new Map(),
    append,
    rolledBack: createRolledBack(given, changes),
    kinds: kindsByCode([
      ...given.kinds(append, createForward({ feeds, changes })),
      ...([refused, bodies] as EventKind<unknown>[]),
    ]),
    bodies,
    onWaiting,
  }
}

/** Notes the first sign of a loss: what was written before that and comes back later belongs to the same one. */
function createRolledBack({ rolledBack, clock }: LogParts, changes: Changes) {
  let knownUpTo = Number.NEGATIVE_INFINITY
  return async (tx: Db, writtenAt: Millis) => {
    if (writtenAt <= knownUpTo) return
    const before = knownUpTo
    knownUpTo = Math.max(writtenAt, clock.now())
    changes.undoWith(() => {
      knownUpTo = before
    })
    await rolledBack(tx, writtenAt)
  }
}

function kindsByCode(kinds: readonly EventKind<unknown>[]): Map<number, EventKind<unknown>> {
  const byCode = new Map<number, EventKind<unknown>>()
  for (const kind of kinds) {
    const other = byCode.get(kind.code)
    if (other) throw new Error(`${kind.name} and ${other.name} have the same code`)
    byCode.set(kind.code, kind)
  }
  return byCode
}
