/** Waiting for the next message without a script: a request that is answered when something comes. */
import type { ConversationId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import type { Cancel, Clock } from '../world/clock.ts'

/** Below the 60 s after which proxies give up (nginx proxy_read_timeout). */
const WAIT_MS_MAX: Millis = 50 * SECOND

/** What waiting needs of the event log. */
export type OnCommitted = (fn: (events: LoggedEvent[]) => void) => Cancel

/**
 * Resolves when `has` finds something, at once or after a commit that touched the conversation; with undefined after
 * WAIT_MS_MAX or when the visitor has gone.
 */
export async function waitFor<T>(
  { onCommitted, clock }: { onCommitted: OnCommitted; clock: Clock },
  asked: { conversation: ConversationId; signal: AbortSignal },
  has: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const endsAt = clock.now() + WAIT_MS_MAX
  for (;;) {
    // Listening begins before looking: what commits in between must not be missed.
    const { promise, end } = nextTouch({ onCommitted, clock }, { ...asked, endsAt })
    try {
      const found = await has()
      if (found !== undefined) return found
      if (asked.signal.aborted || clock.now() >= endsAt) return undefined
      await promise
    } finally {
      end()
    }
  }
}

function nextTouch(
  { onCommitted, clock }: { onCommitted: OnCommitted; clock: Clock },
  asked: { conversation: ConversationId; signal: AbortSignal; endsAt: Millis },
): { promise: Promise<void>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancelListening = onCommitted((events) => {
    if (events.some((event) => event.conversationId === asked.conversation)) resolve()
  })
  const cancelTimer = clock.after(Math.max(0, asked.endsAt - clock.now()), resolve)
  const onAbort = () => resolve()
  asked.signal.addEventListener('abort', onAbort, { once: true })
  const end = () => {
    cancelListening()
    cancelTimer()
    asked.signal.removeEventListener('abort', onAbort)
  }
  return { promise, end }
}
