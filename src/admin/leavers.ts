/** `/admin/leavers`, and the API of receipts and of deleting; for admins of this branch. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { type LeaversProps, leaversPage } from '../../views/admin/leavers.ts'
import type { AccountDeps } from '../accounts/authority.ts'
import { eraseUser } from '../accounts/erase-actions.ts'
import { GUEST_MS_MAX } from '../accounts/events.ts'
import { asWeb, type Guards, type SignedIn } from '../accounts/guard.ts'
import { alikeGroups } from '../accounts/login-rows.ts'
import { fullName } from '../accounts/queries.ts'
import { HOME_SILENT_FOR_ADMIN_MS_MAX, HOME_SILENT_MS_MAX, heardAt } from '../accounts/stays.ts'
import { invalidInput } from '../base/errors.ts'
import { asUserId } from '../base/ids.ts'
import { isoTime, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { ApiOperation } from '../web/api.ts'
import { readJson } from '../web/form.ts'
import type { FrameOf } from '../web/frame.ts'
import { type LineTo, receiptsOf } from './receipts.ts'

type Deps = AccountDeps & { guards: Guards; lineTo: LineTo }

/** One page of each list: an admin works them off. */
const LISTED_MAX = 200

const place = v.object({
  branch: v.string(),
  state: v.picklist(['done', 'waiting', 'working', 'refused']),
  at: v.optional(v.string()),
  downSince: v.optional(v.string()),
  reason: v.optional(v.string()),
})
const receipt = v.object({
  act: v.picklist(['block', 'role', 'password', 'erase']),
  event: v.string(),
  at: v.string(),
  by: v.optional(v.string()),
  origin: v.string(),
  isWhole: v.boolean(),
  places: v.array(place),
})
const receiptsAnswer = v.object({ items: v.array(receipt) })
/** The login again: nobody can undo it. */
const erasing = v.object({
  login: v.string(),
  messages: v.optional(v.picklist(['keep', 'erase']), 'keep'),
})

export const leaverApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/admin/users/{id}/receipts',
    summary: 'At which branches the newest acts with a person hold',
    response: receiptsAnswer,
    status: 200,
  },
  {
    method: 'post',
    path: '/admin/users/{id}/erase',
    summary: 'Delete a person at every branch, for ever',
    request: erasing,
    response: receiptsAnswer,
    status: 200,
  },
]

/** The routes of `leaverApi`. */
export function leaverApiRoutes(deps: Deps): Hono<SignedIn> {
  const { guards, store, self, lineTo } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/users/*', guards.bearer, guards.admin)
  const shown = async (id: string) => {
    const receipts = await receiptsOf({ read: store.read, self, lineTo }, asUserId(id))
    return {
      items: receipts.map(({ at, by, places, ...rest }) => ({
        ...rest,
        at: isoTime(at),
        ...(by === undefined ? {} : { by }),
        places: places.map(placeShape),
      })),
    }
  }
  app.get('/admin/users/:id/receipts', async (c) => c.json(await shown(c.req.param('id'))))
  app.post('/admin/users/:id/erase', async (c) => {
    const id = asUserId(c.req.param('id'))
    const { login, messages } = await readJson(c, erasing)
    const row = store.read.selectFrom('user').where('id', '=', id).select('login')
    if ((await row.executeTakeFirst())?.login !== login) {
      throw invalidInput('login', 'Cannot delete: the login is another', 'confirm-mismatch')
    }
    await eraseUser(deps, c.var.user, { id, messages })
    return c.json(await shown(id))
  })
  return app
}

function placeShape(
  one: Awaited<ReturnType<typeof receiptsOf>>[number]['places'][number],
): v.InferOutput<typeof place> {
  const { branch, state } = one
  if (one.state === 'done') return { branch, state, at: isoTime(one.at) }
  if (one.state === 'refused') return { branch, state, reason: one.reason }
  if (one.state === 'working' || one.downSince === undefined) return { branch, state }
  return { branch, state, downSince: isoTime(one.downSince) }
}

/** The page. */
export function leaverRoutes(deps: Deps & { frameOf: FrameOf }): Hono<SignedIn> {
  const { guards, frameOf, store, clock, self } = deps
  const app = new Hono<SignedIn>()
  app.use('/admin/leavers', guards.signedIn, guards.admin)
  app.get('/admin/leavers', async (c) => {
    const groups = await alikeGroups(store.read)
    const props = {
      requests: await requests(store.read),
      guests: await guests(store.read, self, clock.now()),
      deleted: await deleted(store.read),
      alike: groups.map((group) => group.map((one) => ({ ...one, name: one.login }))),
    }
    return c.html(leaversPage(frameOf(asWeb(c)), props))
  })
  return app
}

const WHO = [
  ...(['user.id', 'user.login', 'user.firstName', 'user.lastName'] as const),
  'branch.name as branch',
] as const
type WhoRow = { id: string; login: string; firstName: string; lastName: string; branch: string }
const whoOf = ({ id, login, firstName, lastName, branch }: WhoRow) => {
  return { id, login, branch, name: fullName(firstName, lastName) }
}

async function requests(db: Db): Promise<LeaversProps['requests']> {
  const rows = await db
    .selectFrom('erase_request')
    .innerJoin('user', 'user.id', 'erase_request.userId')
    .innerJoin('branch', 'branch.id', 'user.home')
    .select(WHO)
    .select('erase_request.at')
    .orderBy('erase_request.at')
    .limit(LISTED_MAX)
    .execute()
  return rows.map((row) => ({ ...whoOf(row), at: row.at }))
}

async function guests(db: Db, self: string, now: Millis): Promise<LeaversProps['guests']> {
  const rows = await db
    .selectFrom('sign_in')
    .innerJoin('user', 'user.id', 'sign_in.userId')
    .innerJoin('branch', 'branch.id', 'user.home')
    .where('sign_in.expiresAt', '>', now)
    .where('user.home', '!=', self as never)
    .groupBy('user.id')
    .select(WHO)
    .select(['user.role', 'branch.heardAt', 'branch.lostAt'])
    .select((eb) => eb.fn.max('sign_in.expiresAt').as('expiresAt'))
    .orderBy('user.searchName')
    .limit(LISTED_MAX)
    .execute()
  return rows.map((row) => {
    const heard = heardAt(row, now)
    const isSilent = heard < now
    const isAdmin = row.role === 'organisation-admin' && isSilent
    return {
      ...whoOf(row),
      silentSince: isSilent ? heard : undefined,
      endsAt: Math.min(row.expiresAt, heard + (isSilent ? HOME_SILENT_MS_MAX : GUEST_MS_MAX)),
      adminUntil: isAdmin ? heard + HOME_SILENT_FOR_ADMIN_MS_MAX : undefined,
    }
  })
}

async function deleted(db: Db): Promise<LeaversProps['deleted']> {
  const { of } = await db
    .selectFrom('branch as b')
    .leftJoin('revocation as r', 'r.branchId', 'b.id')
    .where('r.branchId', 'is', null)
    .select((eb) => eb.fn.countAll<number>().as('of'))
    .executeTakeFirstOrThrow()
  const rows = await db
    .selectFrom('erasure')
    .innerJoin('user', 'user.id', 'erasure.userId')
    .innerJoin('branch', 'branch.id', 'user.home')
    .leftJoin('erase_done', 'erase_done.userId', 'erasure.userId')
    .groupBy('erasure.userId')
    .select(WHO)
    .select((eb) => eb.fn.count<number>('erase_done.branchId').as('done'))
    .orderBy('erasure.hlc', 'desc')
    .limit(LISTED_MAX)
    .execute()
  return rows.map((row) => ({ ...whoOf(row), done: Math.min(row.done, of), of }))
}
