/**
 * What of a chat a person does not see although he is in it: what he cleared, and what somebody wrote to him whom he
 * had blocked. One condition for pages, pushes, counts and the API (docs/contacts.md is the table).
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { UserId } from '../base/ids.ts'

/**
 * Whether `viewer` is shown the message `alias` of the query around. Membership and joining are asked apart.
 */
export function isShownTo(
  viewer: UserId | RawBuilder<UserId>,
  alias: 'm' | 'last' = 'm',
): RawBuilder<SqlBool> {
  const m = sql.raw(alias)
  return sql<SqlBool>`((${m}.refused = 0 or ${m}.authorId = ${viewer}) and not exists (
    select 1 from cleared as gone where gone.ownerId = ${viewer}
    and gone.conversationId = ${m}.conversationId and gone.origin = ${m}.origin
    and gone.upTo >= (select written.hlc from event as written where written.position = ${m}.position)))`
}

/** Whether `owner` takes no messages from `other` now. */
export function isBlocking(
  owner: UserId | RawBuilder<UserId>,
  other: UserId | RawBuilder<UserId>,
): RawBuilder<0 | 1> {
  return sql<0 | 1>`coalesce((select decided.isOn from contact_block as decided
    where decided.ownerId = ${owner} and decided.blockedId = ${other}
    order by decided.at desc limit 1), 0)`
}

const MINE = sql.ref<UserId>('mine.userId')
const THEIRS = sql.ref<UserId>('theirs.userId')

/** Between the memberships `mine` and `theirs` of the query around. */
export const I_BLOCK_THEM = isBlocking(MINE, THEIRS)
export const THEY_BLOCK_ME = isBlocking(THEIRS, MINE)
