/** `/admin/trace`: where an event is, by its id, for administrators: branches and times, never what it says. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { tracePage } from '../../views/admin/trace.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import type { Look, NoteLook } from '../audit/looks.ts'
import { AppError, notFound } from '../base/errors.ts'
import { isoTime, type Millis } from '../base/units.ts'
import type { ApiOperation } from '../web/api.ts'
import { readQuery } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'

/** A way of an event, with branches by name. */
type NamedWay = { to: string } & (
  | { state: 'stored'; at: Millis; via: string | undefined }
  | {
      state: 'waiting'
      ahead: number
      carriers: string[]
      /** Since when the line is down; undefined: it is up. */
      downSince: Millis | undefined
    }
  | { state: 'refused'; at: Millis; reason: string }
)

/** What this branch knows of an event, with branches by name. */
export type NamedTrace = {
  event: string
  /** Its name, or its number where this release does not know it. */
  kind: string
  origin: string
  /** By the clock of its origin. */
  writtenAt: Millis
  arrivedAt: Millis
  /** Written at this branch. */
  isOwn: boolean
  state: 'applied' | 'parked' | 'refused' | 'erased'
  reason: string | undefined
  broughtBy: string | undefined
  ways: NamedWay[]
}

export type TraceDeps = {
  guards: Guards
  frameOf: FrameOf
  /** Undefined: it never came here. */
  trace(event: string): Promise<NamedTrace | undefined>
  /** Tracing somebody's message is a look that is written down. */
  noteLook: NoteLook
}

const way = v.object({
  to: v.string(),
  state: v.picklist(['stored', 'waiting', 'refused']),
  at: v.optional(v.string()),
  via: v.optional(v.string()),
  ahead: v.optional(v.number()),
  carriers: v.optional(v.array(v.string())),
  downSince: v.optional(v.string()),
  reason: v.optional(v.string()),
})
const trace = v.object({
  event: v.string(),
  kind: v.string(),
  origin: v.string(),
  writtenAt: v.string(),
  arrivedAt: v.string(),
  state: v.picklist(['applied', 'parked', 'refused', 'erased']),
  reason: v.optional(v.string()),
  broughtBy: v.optional(v.string()),
  ways: v.array(way),
})

export const traceApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/admin/trace/{id}',
    summary: 'Where an event is: stored, waiting and why, carried by whom; never what it says',
    response: trace,
    status: 200,
  },
]

/** An id as people have it: alone, or at the end of the address of a message. */
export function eventIdIn(text: string): string | undefined {
  return /(?:^|m-|\/)([0-9a-f]{32})(?:\/delivery)?$/.exec(text.trim().toLowerCase())?.[1]
}

/** The trace of the event whose id stands in a text; throws invalid-input or not-found. */
export async function getTrace(trace: TraceDeps['trace'], text: string): Promise<NamedTrace> {
  const event = eventIdIn(text)
  if (event === undefined) throw new AppError('invalid-input', 'An id has 32 hexadecimal digits')
  const found = await trace(event)
  if (!found) throw notFound(`event ${event}`)
  return found
}

const asked = v.object({ id: v.optional(v.pipe(v.string(), v.maxLength(300, 'too-long'))) })

/** The page. */
export function traceRoutes({ guards, frameOf, trace, noteLook }: TraceDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  app.use('/admin/trace', guards.signedIn, guards.admin)
  app.get('/admin/trace', async (c) => {
    const { id } = readQuery(c, asked)
    const frame = frameOf(asWeb(c))
    if (id === undefined || id.trim() === '') return c.html(tracePage(frame, {}))
    const event = eventIdIn(id)
    if (event === undefined) return c.html(tracePage(frame, { id, problem: 'no-id' }), 422)
    await noteLook(lookAt(event, c.var.user))
    const found = await trace(event)
    if (!found) return c.html(tracePage(frame, { id, problem: 'unknown' }), 404)
    return c.html(tracePage(frame, { id, found }))
  })
  return app
}

/** The routes of `traceApi`. */
export function traceApiRoutes(deps: Omit<TraceDeps, 'frameOf'>): Hono<SignedIn> {
  const { guards, trace, noteLook } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/trace/:id', guards.bearer, guards.admin)
  app.get('/admin/trace/:id', async (c) => {
    const event = c.req.param('id')
    await noteLook(lookAt(eventIdIn(event) ?? '', c.var.user))
    return c.json(shapeOf(await getTrace(trace, event)))
  })
  return app
}

function lookAt(event: string, by: Look['by']): Look {
  return { action: 'trace.read', by, subject: { kind: 'message', id: event, name: event } }
}

function shapeOf(found: NamedTrace): v.InferOutput<typeof trace> {
  const { event, kind, origin, state, reason, broughtBy } = found
  return {
    ...{ event, kind, origin, state },
    writtenAt: isoTime(found.writtenAt),
    arrivedAt: isoTime(found.arrivedAt),
    ...(reason === undefined ? {} : { reason }),
    ...(broughtBy === undefined ? {} : { broughtBy }),
    ways: found.ways.map(wayShape),
  }
}

function wayShape(one: NamedWay): v.InferOutput<typeof way> {
  const { to, state } = one
  if (one.state === 'refused') return { to, state, at: isoTime(one.at), reason: one.reason }
  if (one.state === 'stored') {
    return { to, state, at: isoTime(one.at), ...(one.via === undefined ? {} : { via: one.via }) }
  }
  const { ahead, carriers, downSince } = one
  const down = downSince === undefined ? {} : { downSince: isoTime(downSince) }
  return { to, state, ahead, carriers, ...down }
}
