/**
 * Finishes what was asked by file.remove: when the collector has taken the bytes, this branch tells all others that it
 * holds them no more. Looks when such an event comes, and every hour.
 */

import { HOUR, SECOND } from '../base/units.ts'
import type { ChatParts } from '../chat/actions.ts'
import { answerRemovals, fileRemove } from '../chat/file-removals.ts'
import type { EventLog } from '../eventlog/log.ts'
import { LET_GO_MS } from '../files/collecting.ts'
import type { Keeping } from '../files/keeping.ts'
import { type Cancel, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'

type Parts = {
  chat: Pick<ChatParts, 'store' | 'append' | 'clock'>
  eventLog: Pick<EventLog, 'onCommitted'>
  keeping: Pick<Keeping, 'collect'>
  log: Log
}

/** Starts it; `stop` waits for what runs. */
export function createFileRemovals({ chat, eventLog, keeping, log }: Parts): {
  look(): Promise<void>
  stop(): Promise<void>
} {
  const { clock } = chat
  let running = Promise.resolve()
  let isStopped = false
  let cancelLater: Cancel | undefined
  const later = () => {
    cancelLater ??= clock.after(LET_GO_MS + SECOND, () => {
      cancelLater = undefined
      void look(true)
    })
  }
  const round = async (isDue: boolean) => {
    if (isStopped) return
    if (isDue) await keeping.collect()
    if ((await answerRemovals(chat)) > 0) later()
  }
  const look = (isDue = false) => {
    running = running
      .then(() => round(isDue))
      .catch((error: unknown) => log.error('jobs.file-removals-failed', { error }))
    return running
  }
  const cancel = eventLog.onCommitted((events) => {
    if (events.some(({ kind }) => kind === fileRemove.name)) void look()
  })
  const cancelHourly = every(
    clock,
    HOUR,
    () => look(true),
    () => {},
  )
  void look()
  return {
    look: () => look(true),
    async stop() {
      isStopped = true
      cancel()
      cancelHourly()
      cancelLater?.()
      await running
    },
  }
}
