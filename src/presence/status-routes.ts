/** The own status: a page with a form that needs no script, and the same for programs. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { problemText } from '../../views/language/words.ts'
import { END_MINUTES, statusPage } from '../../views/presence/status.ts'
import { status as statusSchema, statusShape } from '../accounts/api-shapes.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { AppError } from '../base/errors.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { ApiOperation } from '../web/api.ts'
import { InvalidForm, readForm, readJson, readQuery, ticked } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import { statusText } from './status-events.ts'
import type { Statuses } from './statuses.ts'

const ENDS = ['', 'keep', ...END_MINUTES.map(String)] as const

const statusForm = v.object({
  text: v.optional(statusText, ''),
  doNotDisturb: ticked,
  end: v.optional(v.picklist(ENDS), ''),
})
const clearForm = v.object({})
const isoUntil = v.pipe(v.string(), v.isoTimestamp('time-unknown'), v.transform(Date.parse))
const statusRequest = v.object({
  text: v.optional(statusText, ''),
  doNotDisturb: v.optional(v.boolean(), false),
  until: v.optional(isoUntil),
})
const statusResponse = v.object({ status: v.optional(statusSchema) })

export const statusApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/me/status',
    summary: 'Read the own status',
    response: statusResponse,
    status: 200,
  },
  {
    method: 'put',
    path: '/me/status',
    summary: 'Set the own status text and do-not-disturb, with an end; an empty one clears it',
    request: statusRequest,
    response: statusResponse,
    status: 200,
  },
]

export type StatusRouteDeps = {
  guards: Guards
  frameOf: FrameOf
  statuses: Pick<Statuses, 'of' | 'set'>
  clock: { now(): Millis }
}

/** `/profile/status`. */
export function statusRoutes({ guards, frameOf, statuses, clock }: StatusRouteDeps) {
  const app = new Hono<SignedIn>()
  const page = (c: Context<SignedIn>, more: { error?: string; saved?: boolean }) => {
    const text = c.var.t.status.saved
    const frame = frameOf(asWeb(c), more.saved ? { flash: { kind: 'ok', text } } : {})
    return statusPage(frame, { current: statuses.of(c.var.user.id), error: more.error })
  }

  app.get('/profile/status', guards.signedIn, (c) => {
    const { saved } = readQuery(c, v.object({ saved: v.optional(v.string()) }))
    return c.html(page(c, { saved: saved !== undefined }))
  })

  app.post('/profile/status', guards.signedIn, async (c) => {
    try {
      const { end, text, doNotDisturb = false } = await readForm(c, statusForm)
      const before = statuses.of(c.var.user.id)
      const until = end === 'keep' ? before?.until : endIn(clock.now(), end)
      await statuses.set(c.var.user.id, { text, doNotDisturb, until })
      return c.redirect('/profile/status?saved=1', 303)
    } catch (error) {
      const problem = problemOf(error)
      if (problem === undefined) throw error
      const status = error instanceof AppError ? error.status : 422
      return c.html(page(c, { error: problemText(c.var.t, problem) }), status)
    }
  })

  app.post('/profile/status/clear', guards.signedIn, async (c) => {
    await readForm(c, clearForm)
    await statuses.set(c.var.user.id, { text: '', doNotDisturb: false })
    return c.redirect('/profile/status?saved=1', 303)
  })
  return app
}

const endIn = (now: Millis, minutes: string) =>
  minutes === '' ? undefined : now + Number(minutes) * MINUTE

/** What is said at the form; anything else is an error of the page. */
function problemOf(error: unknown) {
  if (error instanceof InvalidForm) {
    const [first] = error.problems
    return { code: 'invalid-input', ...first }
  }
  const isShown =
    error instanceof AppError && (error.code === 'invalid-input' || error.code === 'too-many')
  return isShown ? error : undefined
}

/** The routes of `statusApi`. */
export function statusApiRoutes({ guards, statuses }: StatusRouteDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  const answer = (c: Context<SignedIn>) => {
    const own = statuses.of(c.var.user.id)
    return c.json(own === undefined ? {} : { status: statusShape(own) })
  }
  app.get('/me/status', guards.bearer, answer)
  app.put('/me/status', guards.bearer, async (c) => {
    await statuses.set(c.var.user.id, await readJson(c, statusRequest))
    return answer(c)
  })
  return app
}
