/**
 * From what happens to what people see: commits, acknowledgements, presence, typing and links become pushes, in order,
 * and reach the open streams. One queue, because a later push must never overtake an earlier one.
 */
import type { Homes } from '../accounts/homes.ts'
import type { BranchId, FileId, MessageId, UserId } from '../base/ids.ts'
import { isoTime } from '../base/units.ts'
import type { ChatParts } from '../chat/actions.ts'
import type { PresenceOf } from '../chat/line.ts'
import type { PostBody } from '../chat/posts.ts'
import type { LinkOf } from '../chat/story.ts'
import { mayType, openForTyping } from '../chat/typing.ts'
import type { Db } from '../db/open.ts'
import type { LoggedEvent } from '../eventlog/events.ts'
import type { EventLog } from '../eventlog/log.ts'
import type { FileMoves } from '../files/moves.ts'
import type { Presence } from '../presence/presence.ts'
import { decodeTyping, TYPING_SIGNAL } from '../presence/signals.ts'
import type { Typing } from '../presence/typing.ts'
import type { Streams } from '../web/sse.ts'
import type { Cancel } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import { listenersOf } from './audience.ts'
import { ChatPushes } from './chat-pushes.ts'
import { replayFor } from './chat-replay.ts'
import { filePushes, removalPushes } from './file-pushes.ts'
import { guestPushes } from './guest-pushes.ts'
import { createPresenceHeard } from './presence-heard.ts'
import { presencePush } from './presence-pushes.ts'
import { createPresenceChanges, presentState } from './present-state.ts'
import type { Missing } from './routes.ts'
import type { Push, Viewers } from './viewers.ts'

type Signal = { kind: number; body: Uint8Array }
type LinkState = {
  branch: BranchId
  name: string
  up: boolean
  since: number
  /** Who carries to it meanwhile. */
  over: readonly BranchId[]
}

type PushParts = {
  self: BranchId
  read: Db
  chat: Pick<ChatParts, 'store' | 'clock'>
  eventLog: Pick<EventLog, 'onCommitted' | 'onStored'>
  relay: {
    links(): LinkState[]
    onLinks(fn: (links: LinkState[]) => void): Cancel
    onSignal(fn: (branch: BranchId, signal: Signal) => void): Cancel
  }
  viewers: Viewers
  streams: Streams
  presence: Presence
  presenceOf: PresenceOf
  typing: Typing
  homes: Homes
  linkOf: LinkOf
  moves: Pick<FileMoves, 'moveOf' | 'onMove'>
  /** Newest position of the log. */
  head(): Promise<number>
  log: Log
}

/** Connects what happens with what is shown; `stop` ends it. */
export function connectPush(parts: PushParts) {
  const { viewers, presence, typing, eventLog, relay, log } = parts
  const chatParts = {
    ...{ read: parts.read, self: parts.self },
    ...{ presenceOf: parts.presenceOf, linkOf: parts.linkOf },
    typistsIn: typing.typistsIn,
    isListening: (user: UserId) => viewers.isListening(user),
    hasPage: (user: UserId) => viewers.hasPage(user),
  }
  const chats = new ChatPushes(chatParts)
  const fileParts = { read: parts.read, viewers, moveOf: parts.moves.moveOf }
  const queue = new Queue(log)
  const presenceHeard = createPresenceHeard({ ...parts, clock: parts.chat.clock })
  const show = (make: () => Promise<Push[]>) => queue.add(async () => viewers.deliver(await make()))
  const showPeople = (users: readonly UserId[]) => show(() => presencePushes(parts, users))
  const changes = createPresenceChanges(parts.chat.clock)
  const photosWanted = new Set<() => void>()
  const lookForPhotos = () => {
    for (const fn of photosWanted) fn()
  }

  const cancels = [
    eventLog.onCommitted((events) => {
      queue.add(() => parts.homes.refresh(usersIn(events)))
      for (const event of events) {
        noteTypist(event, typing)
        if (event.kind === 'user.at' || event.kind === 'user.put') {
          const { user } = event.body as { user: UserId }
          // Both come from the branch where the person is.
          queue.add(async () => presenceHeard.stayed(event.origin, user))
        }
        if (ENDS_SIGN_INS.has(event.kind)) {
          const { user } = event.body as { user: UserId }
          queue.add(() => endStreamsOf([user], parts))
        }
        show(() => chats.pushesFor(event))
        show(() => guestPushes({ ...chatParts, viewers }, event))
        if (event.kind === 'file.remove') {
          show(() => removalPushes(fileParts, (event.body as { file: FileId }).file))
        }
      }
      if (events.some(({ kind }) => kind === 'user.put')) lookForPhotos()
    }),
    eventLog.onStored((stored) => show(() => chats.pushesForStored(stored))),
    presence.onChanged((users) => {
      changes.changed(users)
      showPeople(users)
    }),
    typing.onChanged((conversation) => show(() => chats.pushesForTyping(conversation))),
    parts.moves.onMove((blob) => show(() => filePushes(fileParts, blob))),
    relay.onSignal((branch, signal) =>
      queue.add(() => heard({ ...parts, presenceHeard }, branch, signal)),
    ),
    relay.onLinks(
      linkWatch(parts, () => {
        lookForPhotos()
        show(() => bannerPushes(chats, viewers))
        show(async () => [linksPush(parts)])
      }),
    ),
  ]
  return {
    answered: (message: MessageId, tab: string) => chats.answered(message, tab),
    /** What a stream missed after a position; `resync` when it is too much. */
    async missed(user: UserId, of: Missing): Promise<{ pushes: Push[]; upTo: number } | 'resync'> {
      const upTo = await parts.head()
      const pushes = await replayFor(chatParts, chats, { user, ...of })
      if (pushes === undefined) return 'resync'
      if (of.kind === 'api') return { pushes, upTo }
      const stateOf = (person: UserId) => presence.stateOf(person)
      const state = { ...chatParts, stateOf }
      pushes.push(...(await presentState(state, { chats, changes }, { user, ...of })))
      return { pushes, upTo }
    },
    /** Sign-ins of these people have ended. */
    signedOut: (users: readonly UserId[]) => queue.add(() => endStreamsOf(users, parts)),
    /** Photos of these people have arrived. */
    peopleChanged: showPeople,
    /** Calls back when photos may be missing: a record changed, or a link came up. */
    onPhotosWanted: (fn: () => void) => void photosWanted.add(fn),
    async stop() {
      for (const cancel of cancels) cancel()
      await queue.idle()
    },
  }
}

/** Runs one thing after the other; what fails is logged and does not hold up the rest. */
class Queue {
  readonly #log: Log
  #last: Promise<void> = Promise.resolve()

  constructor(log: Log) {
    this.#log = log
  }

  add(run: () => Promise<void>): void {
    this.#last = this.#last.then(run).catch((error) => this.#log.error('push.failed', { error }))
  }

  idle(): Promise<void> {
    return this.#last
  }
}

/** Who wrote is not typing any more. */
function noteTypist(event: LoggedEvent, typing: Typing): void {
  if (event.kind !== 'msg.post') return
  const { conversation, author } = event.body as PostBody
  typing.stopped(conversation, author)
}

function usersIn(events: readonly LoggedEvent[]): UserId[] {
  return events
    .filter(({ kind }) => kind === 'user.put')
    .map(({ body }) => (body as { user: UserId }).user)
}

/** After these a stream may belong to a sign-in that has ended. */
const ENDS_SIGN_INS: ReadonlySet<string> = new Set([
  'user.block',
  'user.cred',
  'user.out',
  'user.put',
  'user.erase',
])

/** Ends the streams whose sign-in has ended: nothing more may be shown there. */
async function endStreamsOf(
  users: readonly UserId[],
  { read, streams, chat }: PushParts,
): Promise<void> {
  const rows = await read
    .selectFrom('sign_in')
    .innerJoin('user', 'user.id', 'sign_in.userId')
    .where('sign_in.userId', 'in', [...users])
    .where('sign_in.expiresAt', '>', chat.clock.now())
    .where('user.disabled', '=', 0)
    .select('sign_in.id')
    .execute()
  const left = new Set<string | undefined>(rows.map((row) => row.id))
  for (const user of users) streams.closeOf(user, ({ signIn }) => !left.has(signIn))
}

/** A signal of another branch: believed only where that branch may speak for the person. */
async function heard(
  parts: PushParts & { presenceHeard: ReturnType<typeof createPresenceHeard> },
  branch: BranchId,
  signal: Signal,
): Promise<void> {
  await parts.presenceHeard.heard(branch, signal)
  if (signal.kind !== TYPING_SIGNAL) return
  const { conversation, user } = decodeTyping(signal.body)
  const { chat, typing, viewers } = parts
  const from = { branch, conversation, user }
  const isKnown = await mayType(chat, from)
  if (isKnown || (await openForTyping(chat, from, viewers.listeners()))) {
    typing.heard(conversation, user)
  }
}

/** Presence of people for those with an open stream who share a chat with them. */
async function presencePushes(parts: PushParts, users: readonly UserId[]): Promise<Push[]> {
  const { read, viewers, presence } = parts
  const listeners = viewers.listeners()
  if (listeners.length === 0) return []
  const audiences = await listenersOf(read, users, listeners)
  // Everybody sees the own dot, also who shares a chat with nobody.
  return users.flatMap((user) => {
    const to = new Set(audiences.get(user) ?? [])
    if (viewers.isListening(user)) to.add(user)
    return to.size === 0 ? [] : [presencePush(user, presence.stateOf(user), [...to])]
  })
}

/** Tells presence which branches came and went, and `onChange` that something did. */
function linkWatch({ presence }: PushParts, onChange: () => void) {
  const up = new Set<BranchId>()
  const ways = new Map<BranchId, string>()
  return (links: readonly LinkState[]) => {
    let isChanged = false
    for (const link of links) {
      const over = link.over.join()
      if ((ways.get(link.branch) ?? '') !== over) isChanged = true
      ways.set(link.branch, over)
      if (link.up === up.has(link.branch)) continue
      isChanged = true
      if (link.up) {
        up.add(link.branch)
        presence.linked(link.branch)
      } else {
        up.delete(link.branch)
        presence.unlinked(link.branch)
      }
    }
    if (isChanged) onChange()
  }
}

async function bannerPushes(chats: ChatPushes, viewers: Viewers): Promise<Push[]> {
  const pushes: Push[] = []
  for (const { user, chat } of viewers.openChats()) {
    pushes.push(...(await chats.bannerFor(user, chat)))
  }
  return pushes
}

/** For programs: the present state of all links. */
function linksPush({ viewers, relay }: PushParts): Push {
  const links = relay.links().map(({ branch, name, up, since }) => ({
    ...{ branch, name, up },
    ...(since === 0 ? {} : { since: isoTime(since) }),
  }))
  return { to: viewers.listeners(), api: { event: 'link', data: { links } } }
}
