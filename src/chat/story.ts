/**
 * The way of a message in facts: written, waiting or stored at each branch, shown to and read by each person. Only
 * what has happened, with its time. The author alone may ask. Source: docs/decisions/013-read-marks.md.
 */
import { peopleByIds } from '../accounts/queries.ts'
import { notFound } from '../base/errors.ts'
import type { BranchId, ConversationId, MessageId, UserId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { SECOND } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { wayTo } from '../eventlog/trace.ts'
import {
  type Entry,
  entriesOf,
  isFor,
  type Recipient,
  recipientsOf,
  TELLING_MEMBERS_MAX,
} from './marks.ts'
import { type Line, lineById, type Viewer } from './queries.ts'
import type { Mark } from './seen.ts'

/** Up and down of the line to a branch, and by name who carries to it meanwhile; undefined for our own. */
export type LinkOf = (
  branch: BranchId,
) => { up: boolean; since: Millis; over: readonly string[] } | undefined

type At = { branch: string; at: Millis }

export type StoryStep =
  | ({ state: 'written' } & At)
  | {
      state: 'waiting'
      branch: string
      downSince: Millis | undefined
      ahead: number
      /** Branches that hold it to carry it there. */
      carriers: string[]
    }
  | ({ state: 'stored'; waitedFrom: Millis | undefined; via: string | undefined } & At)
  | ({ state: 'refused'; reason: string } & At)
  /** The one it was for had blocked its author. */
  | { state: 'blocked'; branch: string; at: Millis; person: string; user: UserId }
  | { state: 'shown' | 'read'; branch: string; at: Millis; person: string; user: UserId }

export type DeliveryStory = {
  message: MessageId
  conversation: ConversationId
  kind: 'direct' | 'group'
  body: string
  steps: StoryStep[]
  /** How many people it was for. */
  recipients: number
}

/** A message that took longer than this to another branch has waited: the story says so. */
const WAITED_MS_MIN: Millis = 3 * SECOND

/** The story of the viewer's own message; throws not-found for everybody else. */
export async function deliveryStory(
  db: Db,
  viewer: Viewer,
  { message, linkOf }: { message: MessageId; linkOf: LinkOf },
): Promise<DeliveryStory> {
  const line = await lineById(db, viewer, message)
  if (line.author !== viewer.id) throw notFound('message')
  const names = await branchNames(db)
  const nameOf = (branch: BranchId | null) => names.get(branch ?? '') ?? ''
  const steps: StoryStep[] = [{ state: 'written', branch: nameOf(line.origin), at: line.sentAt }]
  const { conversation, kind, body } = line
  const everybody = await recipientsOf(db, conversation, line.author)
  const recipients = everybody.filter((recipient) => isFor(recipient, line.timeKey))
  const whole = { message, conversation, kind, body, steps, recipients: recipients.length }
  if (line.origin !== viewer.at) {
    // Written elsewhere as a guest: what became of it at other branches is known there.
    const here = { branch: nameOf(viewer.at), at: line.arrivedAt }
    steps.push({ state: 'stored', ...here, waitedFrom: undefined, via: undefined })
    if (line.isRefused) steps.push(...(await blockedStep(db, { line, recipients })))
    return whole
  }
  const entries = await entriesOf(db, viewer.at, [line.position])
  steps.push(...(await branchSteps(db, { line, entries, viewer, recipients, nameOf, linkOf })))
  if (line.isRefused) {
    steps.push(...(await blockedStep(db, { line, recipients })))
    return whole
  }
  if (everybody.filter((r) => r.leftAt === null).length < TELLING_MEMBERS_MAX) {
    steps.push(...(await peopleSteps(db, { line, entries, recipients })))
  }
  return whole
}

/** He is not shown it, whatever marks say of what lies around it. */
async function blockedStep(
  db: Db,
  { line, recipients }: Pick<Asked, 'line' | 'recipients'>,
): Promise<StoryStep[]> {
  const names = await peopleNames(db, recipients)
  return [...names].map(([user, { name, branch }]) => ({
    ...{ state: 'blocked', branch, at: line.sentAt, person: name, user },
  }))
}

async function branchNames(db: Db): Promise<Map<string, string>> {
  const rows = await db.selectFrom('branch').select(['id', 'name']).orderBy('n').execute()
  return new Map(rows.map((row) => [row.id as string, row.name]))
}

type Asked = {
  line: Line
  entries: readonly Entry[]
  viewer: Viewer
  recipients: readonly Recipient[]
  nameOf(branch: BranchId | null): string
  linkOf: LinkOf
}

/** One step for each branch: the branch's own first, then the others by name. */
async function branchSteps(db: Db, asked: Asked): Promise<StoryStep[]> {
  const { line, entries, viewer, recipients, nameOf } = asked
  const steps: StoryStep[] = []
  if (await hasRecipientAt(db, viewer.at, recipients)) {
    const here = { branch: nameOf(viewer.at), at: line.arrivedAt }
    steps.push({ state: 'stored', ...here, waitedFrom: undefined, via: undefined })
  }
  const refusals = await db
    .selectFrom('refusal')
    .where('position', '=', line.position)
    .select(['branchId', 'reason', 'at'])
    .execute()
  const destinations = [...new Set(entries.map((entry) => entry.destination))]
  destinations.sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en'))
  for (const branch of destinations) {
    const refusal = refusals.find((row) => row.branchId === branch)
    if (refusal === undefined) {
      steps.push(await branchStep(db, branch, asked))
      continue
    }
    const { reason, at } = refusal
    steps.push({ state: 'refused', branch: nameOf(branch), at, reason })
  }
  return steps
}

async function hasRecipientAt(
  db: Db,
  branch: BranchId,
  recipients: readonly Recipient[],
): Promise<boolean> {
  if (recipients.length === 0) return false
  const row = await db
    .selectFrom('user')
    .where(
      'id',
      'in',
      recipients.map((recipient) => recipient.user),
    )
    .where('home', '=', branch)
    .select('id')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

async function branchStep(db: Db, branch: BranchId, asked: Asked): Promise<StoryStep> {
  const { line, entries, nameOf, linkOf } = asked
  const way = await wayTo(
    db,
    branch,
    entries.filter((entry) => entry.destination === branch),
  )
  if (way.state === 'stored') {
    // Two clocks: what another branch says may lie before our own writing.
    const at = Math.max(way.at, line.sentAt)
    const waitedFrom = at - line.sentAt >= WAITED_MS_MIN ? line.sentAt : undefined
    const via = way.via === null ? undefined : nameOf(way.via)
    return { state: 'stored', branch: nameOf(branch), at, waitedFrom, via }
  }
  const link = linkOf(branch)
  const downSince = link?.up === false ? link.since : undefined
  const carriers = way.carriers.map(nameOf).sort((a, b) => a.localeCompare(b, 'en'))
  return { state: 'waiting', branch: nameOf(branch), downSince, ahead: way.ahead, carriers }
}

/** When each person was shown it and read it: the first rise of a mark that covers its place. */
async function peopleSteps(
  db: Db,
  { line, entries, recipients }: Pick<Asked, 'line' | 'entries' | 'recipients'>,
): Promise<StoryStep[]> {
  const names = await peopleNames(db, recipients)
  const places = [{ feedN: 0, seq: line.position }, ...entries]
  const steps: StoryStep[] = []
  for (const { user } of recipients) {
    const person = names.get(user) ?? { name: '', branch: '' }
    const read = await seenAt(db, { line, user, mark: 'read', places })
    const shown = (await seenAt(db, { line, user, mark: 'shown', places })) ?? read
    const facts = { branch: person.branch, person: person.name, user }
    if (shown !== undefined) {
      // A page may say both at once, and who reads was shown: never the other way round.
      steps.push({ state: 'shown', at: Math.min(shown, read ?? shown), ...facts })
    }
    if (read !== undefined) steps.push({ state: 'read', at: read, ...facts })
  }
  return steps.sort((a, b) => stepAt(a) - stepAt(b))
}

function stepAt(step: StoryStep): Millis {
  return 'at' in step ? step.at : 0
}

async function peopleNames(
  db: Db,
  recipients: readonly Recipient[],
): Promise<Map<UserId, { name: string; branch: string }>> {
  const ids = recipients.map((recipient) => recipient.user)
  const people = await peopleByIds(db, ids)
  return new Map(people.map(({ id, name, branch }) => [id, { name, branch: branch.name }]))
}

async function seenAt(
  db: Db,
  asked: {
    line: Line
    user: UserId
    mark: Mark
    places: readonly { feedN: number; seq: number }[]
  },
): Promise<Millis | undefined> {
  let first: Millis | undefined
  for (const { feedN, seq } of asked.places) {
    const row = await db
      .selectFrom('seen')
      .where('conversationId', '=', asked.line.conversation)
      .where('userId', '=', asked.user)
      .where('feedN', '=', feedN)
      .where('mark', '=', asked.mark)
      .where('upTo', '>=', seq)
      .orderBy('upTo')
      .limit(1)
      .select('at')
      .executeTakeFirst()
    if (row !== undefined && (first === undefined || row.at < first)) first = row.at
  }
  return first
}
