/**
 * The event streams: `/events/page` for tabs (HTML partials) and `/api/v1/events` (JSON). A stream begins at the
 * position its page was made at, or at its Last-Event-ID: first what was missed, then what comes, nothing twice.
 */
import { type Context, Hono } from 'hono'
import type { Guards, SignedIn, Visitor } from '../accounts/guard.ts'
import { asWeb } from '../accounts/guard.ts'
import type { ConversationId, SignInId, UserId } from '../base/ids.ts'
import { isId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { ApiOperation } from '../web/api.ts'
import { byeResponse, eventBytes, resumeFrom, type StreamKind, type Streams } from '../web/sse.ts'
import type { Push, Viewer, Viewers } from './viewers.ts'

/** What a stream shows, and from when on it misses things. */
export type Missing = {
  kind: StreamKind
  chat: ConversationId | undefined
  /** Position of the log. */
  after: number
  /** When its page was made; undefined: long ago. */
  since: Millis | undefined
}

export type StreamDeps = {
  guards: Guards
  streams: Streams
  viewers: Viewers
  storeEpoch(): string
  /** Newest position of the log. */
  head(): Promise<number>
  /** What the person missed after a position, oldest first; `resync` when it is too much. */
  missed(user: UserId, of: Missing): Promise<{ pushes: Push[]; upTo: number } | 'resync'>
  /** Still there, and not locked. */
  isSignedIn(signIn: { id: SignInId; isShared: boolean }): Promise<boolean>
  /** The person is here; call the result when the stream has ended. */
  present(user: UserId): () => void
}

export const streamApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/events',
    summary: 'Follow messages, receipts, conversations, presence, typing and links as they happen',
    responseType: 'text/event-stream',
    status: 200,
  },
]

/** The stream of a tab. Without a sign-in it says `bye`: a redirect would be followed for ever. */
export function streamRoutes(deps: StreamDeps): Hono<Visitor> {
  const app = new Hono<Visitor>()
  app.get('/events/page', async (c) => {
    const { user, signIn } = c.var
    if (user === undefined || signIn === undefined || isConfined(signIn)) return byeResponse()
    const asked = c.req.query('chat')
    const chat = asked !== undefined && isId(asked) ? (asked as ConversationId) : undefined
    return open(c as unknown as Context<SignedIn>, deps, { kind: 'page', chat })
  })
  return app
}

/** Something has to be done before anything is shown. */
function isConfined(signIn: { mustChange: boolean; mustSetFactor: boolean }): boolean {
  return signIn.mustChange || signIn.mustSetFactor
}

/** The stream of a script. */
export function streamApiRoutes(deps: StreamDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.get('/events', deps.guards.bearer, (c) => open(c, deps, { kind: 'api', chat: undefined }))
  return app
}

const RESYNC = eventBytes({ event: 'resync', data: 'reload' })

async function open(
  c: Context<SignedIn>,
  deps: StreamDeps,
  { kind, chat }: { kind: StreamKind; chat: ConversationId | undefined },
): Promise<Response> {
  const { user, signIn } = c.var
  const resume = resumeFrom(c)
  const isOtherStore = resume?.epoch !== undefined && resume.epoch !== deps.storeEpoch()
  const head = await deps.head()
  const { stream, response } = deps.streams.open(asWeb(c), {
    owner: user.id,
    kind,
    signIn: signIn.id,
  })
  // It may have ended while the stream was being opened: then nobody would end the stream any more.
  if (!(await deps.isSignedIn(signIn))) {
    stream.close('signed-out')
    return response
  }
  if (isOtherStore || (resume !== undefined && resume.position > head)) {
    stream.write(RESYNC)
    return response
  }
  const viewer: Viewer = {
    ...{ user: user.id, words: c.var.t, chat, stream, replayedTo: resume?.position ?? head },
  }
  // Live ones wait until what was missed is written, so that nothing overtakes it.
  const release = deps.viewers.hold(viewer)
  // Not before: the page that makes somebody present must get the own dot too.
  stream.onClose(deps.present(user.id))
  try {
    const since = madeAt(c.req.query('at'))
    if (resume !== undefined) await replay(viewer, deps, { after: resume.position, since })
  } finally {
    await release()
  }
  return response
}

/** A page's word about its own time: a wrong one costs its owner a stale dot, or a few bytes. */
function madeAt(text: string | undefined): Millis | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

async function replay(
  viewer: Viewer,
  deps: StreamDeps,
  from: Pick<Missing, 'after' | 'since'>,
): Promise<void> {
  const missed = await deps.missed(viewer.user, {
    ...{ kind: viewer.stream.kind, chat: viewer.chat, ...from },
  })
  if (missed === 'resync') return viewer.stream.write(RESYNC)
  for (const push of missed.pushes) {
    const bytes = await deps.viewers.bytesOf(push, viewer)
    if (bytes) viewer.stream.write(bytes)
  }
  viewer.replayedTo = Math.max(viewer.replayedTo, missed.upTo)
}
