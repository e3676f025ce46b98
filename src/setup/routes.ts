/**
 * The first-run page. Until a branch is set up nothing else answers, and it asks for the set-up code printed at start:
 * the first visitor of the LAN must not own the company.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import { type SetupField, setupPage } from '../../views/accounts/setup.ts'
import { problemText } from '../../views/language/words.ts'
import { AppError, invalidInput } from '../base/errors.ts'
import { sameSecret } from '../web/cookies.ts'
import type { Visitor } from '../web/env.ts'
import { readForm } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import { CODE_RATE, createLimiter, refuseTooMany } from '../web/rate.ts'
import type { Clock } from '../world/clock.ts'
import type { FirstAdmin } from './found.ts'

const typed = v.optional(v.pipe(v.string(), v.maxLength(5000, 'too-long')), '')
const form = v.object({
  choice: v.fallback(v.picklist(['create', 'join']), 'create'),
  code: typed,
  organisation: typed,
  branch: typed,
  invitation: typed,
  login: typed,
  firstName: typed,
  lastName: typed,
  password: typed,
})
type Form = v.InferOutput<typeof form>

const FIELDS: readonly SetupField[] = [
  'code',
  'organisation',
  'branch',
  'invitation',
  'login',
  'firstName',
  'lastName',
]

type SetupRoutesDeps = {
  frameOf: FrameOf
  clock: Clock
  setupCode: string
  found(wish: { organisation: string; branch: string; admin: FirstAdmin }): Promise<void>
  join(wish: { invitation: string; admin: FirstAdmin }): Promise<void>
}

/** `/setup`; every other page leads there. */
export function setupRoutes(deps: SetupRoutesDeps): Hono<Visitor> {
  const app = new Hono<Visitor>()
  const limiter = createLimiter({ clock: deps.clock }, CODE_RATE)
  let isBusy = false

  app.get('/setup', (c) => {
    const choice = c.req.query('choice') === 'join' ? 'join' : 'create'
    return c.html(setupPage(deps.frameOf(c), { choice }))
  })

  app.post('/setup', async (c) => {
    const wish = await readForm(c, form)
    try {
      // By address: who guesses must not keep the owner out.
      refuseTooMany(limiter.take(c.var.address))
      if (!sameSecret(wish.code.trim(), deps.setupCode)) {
        throw invalidInput('code', 'The set-up code is wrong', 'wrong-setup-code')
      }
      if (isBusy) throw new AppError('conflict', 'The branch is being set up already')
      isBusy = true
      await carryOut(deps, wish).finally(() => {
        isBusy = false
      })
      return c.redirect('/sign-in', 303)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const { choice } = wish
      const words = problemText(c.var.t, error)
      const isField = error.field !== undefined && [...FIELDS, 'password'].includes(error.field)
      return c.html(
        setupPage(deps.frameOf(c), {
          choice,
          values: Object.fromEntries(FIELDS.map((name) => [name, wish[name]])),
          ...(isField ? { errors: { [error.field as SetupField]: words } } : { error: words }),
        }),
        error.status,
      )
    }
  })

  app.get('*', (c) => c.redirect('/setup', 303))
  return app
}

async function carryOut(deps: SetupRoutesDeps, wish: Form): Promise<void> {
  const { login, firstName, lastName, password } = wish
  const admin = { login, firstName, lastName, password }
  if (wish.choice === 'join') {
    if (wish.invitation.trim() === '') {
      throw invalidInput('invitation', 'The invitation is missing', 'required')
    }
    return deps.join({ invitation: wish.invitation, admin })
  }
  return deps.found({ organisation: wish.organisation, branch: wish.branch, admin })
}
