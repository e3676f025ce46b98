/** What people and scripts may send about an account: one schema per field, shared by pages and API. */
import * as v from 'valibot'
import { tidied } from '../base/text.ts'
import {
  DEPARTMENT_CHARACTERS_MAX,
  NAME_CHARACTERS_MAX,
  PHONE_CHARACTERS_MAX,
  POST_CHARACTERS_MAX,
  ROLES,
  ROOM_CHARACTERS_MAX,
  THEMES,
} from './records.ts'

/** Longer than any password or login we take: the rules answer, not the schema. */
const TYPED_CHARACTERS_MAX = 1000
const short = (charactersMax: number) =>
  v.pipe(v.string(), v.transform(tidied), v.maxLength(charactersMax, 'too-long'))

export const typed = v.pipe(v.string(), v.maxLength(TYPED_CHARACTERS_MAX, 'too-long'))
export const required = v.pipe(typed, v.minLength(1, 'required'))
export const firstName = v.pipe(short(NAME_CHARACTERS_MAX), v.minLength(1, 'required'))
export const lastName = short(NAME_CHARACTERS_MAX)
export const post = short(POST_CHARACTERS_MAX)
export const department = short(DEPARTMENT_CHARACTERS_MAX)
export const phone = short(PHONE_CHARACTERS_MAX)
export const room = short(ROOM_CHARACTERS_MAX)
export const role = v.picklist(ROLES, 'role-unknown')
export const theme = v.picklist(THEMES, 'theme-unknown')

/** The part of a record an admin edits. */
export const recordFields = {
  firstName: v.optional(firstName),
  lastName: v.optional(lastName),
  post: v.optional(post),
  department: v.optional(department),
  phone: v.optional(phone),
  room: v.optional(room),
  role: v.optional(role),
}
const recordChanges = v.object(recordFields)
export type RecordChanges = v.InferOutput<typeof recordChanges>

/** First and last name of a name written in one. */
export function namesOf(name: string): { firstName: string; lastName: string } {
  const [first = '', ...rest] = tidied(name).split(' ')
  return { firstName: first, lastName: rest.join(' ') }
}
