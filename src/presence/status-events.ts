/**
 * The event kind of a person's status: who may write it, and what it changes. It is no signal, because it has to
 * survive restarts and to go with the person from branch to branch. docs/protocol.md, section 8.
 */
import * as v from 'valibot'
import { mayWriteFor } from '../accounts/queries.ts'
import { millisOf } from '../base/hlc.ts'
import { asUserId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import { TIME_MS_MAX } from '../base/units.ts'
import { type EventKind, Parked } from '../eventlog/events.ts'

/** Fits beside a name, and on one line of a phone. */
const STATUS_CHARS_MAX = 80

/** A status text as everybody reads it: one line, nothing hidden. */
export const statusText = v.pipe(
  v.string(),
  v.transform(tidied),
  v.maxLength(STATUS_CHARS_MAX, 'too-long'),
)

const userStatusBody = v.object({
  user: v.pipe(v.string(), v.transform(asUserId)),
  /** Empty: none. */
  text: statusText,
  /** After it the status goes by itself; absent: it stays until it is changed. */
  until: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(TIME_MS_MAX))),
  doNotDisturb: v.boolean(),
})
export type UserStatus = v.InferOutput<typeof userStatusBody>

/** 030c: what a person says of himself. Written at home, or where the person has signed a stay. */
export const userStatus: EventKind<UserStatus> = {
  code: 0x030c,
  name: 'user.status',
  scope: 'all',
  isPersonal: true,
  parse: (body) => v.parse(userStatusBody, body),
  async refusal(tx, { body, origin, hlc }) {
    const writer = { user: body.user, branch: origin, at: millisOf(hlc) }
    // What proves it comes in another feed, maybe later.
    if (!(await mayWriteFor(tx, writer))) throw new Parked('waits-for-person')
    return undefined
  },
  async apply(tx, { body, origin, hlc }) {
    const { user: userId, text, until = null, doNotDisturb } = body
    const known = await tx
      .selectFrom('user_status')
      .where('userId', '=', userId)
      .select(['hlc', 'branchId'])
      .executeTakeFirst()
    if (known && (known.hlc > hlc || (known.hlc === hlc && known.branchId >= origin))) return
    const row = { text, until, doNotDisturb: doNotDisturb ? 1 : 0, hlc, branchId: origin } as const
    await tx
      .insertInto('user_status')
      .values({ userId, ...row })
      .onConflict((on) => on.column('userId').doUpdateSet(row))
      .execute()
  },
}
