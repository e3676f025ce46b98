/** People as the API shows them; the schemas are the promise (/api/v1/openapi.json), the functions keep it. */
import * as v from 'valibot'
import type { UserId } from '../base/ids.ts'
import { isoTime, type Millis } from '../base/units.ts'
import type { Person } from './queries.ts'
import { OWN_FIELDS, ROLES, THEMES } from './records.ts'
import type { Wish } from './wish-rows.ts'

const personFields = {
  id: v.string(),
  login: v.string(),
  /** Name of the home branch: `login@branch` is unique. */
  branch: v.string(),
  name: v.string(),
  /** SHA-256 of the photo; absent without one. */
  photo: v.optional(v.string()),
}

/** What a person says of himself. */
export const status = v.object({
  text: v.string(),
  doNotDisturb: v.boolean(),
  /** It goes by itself then. */
  until: v.optional(v.string()),
})
const presence = v.object({
  state: v.picklist(['online', 'offline']),
  lastSeenAt: v.optional(v.string()),
  /** Only while the person's branch is not linked: how old this is. */
  asOf: v.optional(v.string()),
  status: v.optional(status),
})
export const person = v.object({
  ...personFields,
  /** Empty where nothing is known. */
  post: v.string(),
  department: v.string(),
  phone: v.string(),
  room: v.string(),
  presence,
})
export const me = v.object({
  ...personFields,
  firstName: v.string(),
  lastName: v.string(),
  role: v.picklist(ROLES),
  language: v.optional(v.string()),
  theme: v.picklist(THEMES),
  /** At another branch: what the home branch was asked to change and has not answered; `refused`: why it will not. */
  asked: v.optional(
    v.object({
      at: v.string(),
      fields: v.array(v.picklist(OWN_FIELDS)),
      refused: v.optional(v.string()),
    }),
  ),
})
export const account = v.object({
  ...v.omit(me, ['asked']).entries,
  post: v.string(),
  department: v.string(),
  phone: v.string(),
  room: v.string(),
  disabled: v.boolean(),
})

type Status = { text: string; until?: Millis | undefined; doNotDisturb: boolean }

type PresenceState = {
  state: 'online' | 'offline'
  lastSeenAt?: Millis | undefined
  asOf?: Millis | undefined
  status?: Status | undefined
}

export type PresenceOf = (user: UserId) => PresenceState

function briefly({ id, login, branch, name: given, photo, isErased }: Person) {
  const name = isErased ? '' : given
  return { id, login, branch: branch.name, name, ...(photo === undefined ? {} : { photo }) }
}

/** A colleague. */
export function personShape(of: Person, presenceOf: PresenceOf): v.InferOutput<typeof person> {
  const { post, department, phone, room } = of
  return {
    ...briefly(of),
    post,
    department,
    phone,
    room,
    presence: presenceShape(presenceOf(of.id)),
  }
}

/** How somebody is. */
export function presenceShape(of: PresenceState): v.InferOutput<typeof presence> {
  const { state, lastSeenAt, asOf, status } = of
  return {
    state,
    ...(lastSeenAt === undefined ? {} : { lastSeenAt: isoTime(lastSeenAt) }),
    ...(asOf === undefined ? {} : { asOf: isoTime(asOf) }),
    ...(status && { status: statusShape(status) }),
  }
}

/** What somebody says of himself. */
export function statusShape({ text, doNotDisturb, until }: Status): v.InferOutput<typeof status> {
  return { text, doNotDisturb, ...(until === undefined ? {} : { until: isoTime(until) }) }
}

/** Oneself. */
export function meShape(of: Person, wish?: Wish): v.InferOutput<typeof me> {
  const { firstName, lastName, role, language, theme } = of
  const chosen = language === '' ? {} : { language }
  const asked = wish && { asked: askedShape(wish) }
  return { ...briefly(of), firstName, lastName, role, theme, ...chosen, ...asked }
}

function askedShape({ fields, askedAt, refused }: Wish) {
  const named = OWN_FIELDS.filter((field) => fields[field] !== undefined)
  return { at: isoTime(askedAt), fields: named, ...(refused === undefined ? {} : { refused }) }
}

/** An account, for admins. */
export function accountShape(of: Person): v.InferOutput<typeof account> {
  const { post, department, phone, room, disabled } = of
  return { ...meShape(of), post, department, phone, room, disabled }
}
