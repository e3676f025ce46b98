/**
 * The bodies of the directory's events, with their limits: docs/protocol.md, section 8. Additive only:
 * unknown fields are dropped here and kept in the event's bytes.
 */
import * as v from 'valibot'
import { type Hlc, isHlc } from '../base/hlc.ts'
import { asBranchId, asPhotoHash, asUserId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import { TIME_MS_MAX } from '../base/units.ts'
import { SALT } from './credentials.ts'
import { FACTOR_BYTES, RECOVERY_CODES } from './factor-box.ts'
import { LOGIN } from './logins.ts'
import { PHOTO_BYTES_MAX } from './photo-form.ts'

export const NAME_CHARACTERS_MAX = 60
export const POST_CHARACTERS_MAX = 120
export const DEPARTMENT_CHARACTERS_MAX = 120
export const PHONE_CHARACTERS_MAX = 40
export const ROOM_CHARACTERS_MAX = 40
/** A language tag (RFC 5646) as long as ours will ever be. */
const LANGUAGE_CHARACTERS_MAX = 16
/** A photo in base64. */
const PHOTO_CHARACTERS_MAX = Math.ceil(PHOTO_BYTES_MAX / 3) * 4
/** More changes of one record than a branch makes in its life. */
const REV_MAX = 2 ** 31 - 1
/** All recovery codes used. */
const CODES_USED_MAX = 2 ** RECOVERY_CODES - 1

export const ROLES = ['employee', 'auditor', 'branch-admin', 'organisation-admin'] as const
export type Role = (typeof ROLES)[number]

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** Other branches may run another program: what theirs let through is shown here too. */
const text = (charactersMax: number) =>
  v.pipe(v.string(), v.transform(tidied), v.maxLength(charactersMax))
const whole = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max))
const hexText = (characters: number) =>
  v.pipe(v.string(), v.length(characters), v.regex(/^[0-9a-f]*$/))
export const user = v.pipe(v.string(), v.transform(asUserId))
export const branch = v.pipe(v.string(), v.transform(asBranchId))
/** The admin who did it; absent when an operator did it at the server itself. */
const by = v.optional(user)

/** What people change of their own record. */
export const OWN_FIELDS = ['firstName', 'lastName', 'photo', 'language', 'theme'] as const
export type OwnField = (typeof OWN_FIELDS)[number]
/** Of own fields the clock value of the word that set each. */
export type AsOf = { readonly [field in OwnField]?: Hlc | undefined }
const hlcText = v.custom<Hlc>((value) => typeof value === 'string' && isHlc(value))
const clockValue = v.optional(hlcText)
const asOfBody = v.object({
  ...{ firstName: clockValue, lastName: clockValue, photo: clockValue },
  ...{ language: clockValue, theme: clockValue },
})

/** As the column holds it. */
export function asOfIn(column: string | null): AsOf {
  return column === null ? {} : (JSON.parse(column) as AsOf)
}

/** 0301 user.put: the whole record, without role, block and password. */
export const userPutBody = v.object({
  user,
  home: branch,
  rev: whole(REV_MAX),
  login: v.pipe(v.string(), v.regex(LOGIN)),
  firstName: v.pipe(text(NAME_CHARACTERS_MAX), v.minLength(1)),
  lastName: text(NAME_CHARACTERS_MAX),
  photo: v.nullable(v.pipe(v.string(), v.transform(asPhotoHash))),
  post: text(POST_CHARACTERS_MAX),
  department: text(DEPARTMENT_CHARACTERS_MAX),
  phone: text(PHONE_CHARACTERS_MAX),
  room: text(ROOM_CHARACTERS_MAX),
  language: v.nullable(text(LANGUAGE_CHARACTERS_MAX)),
  theme: v.picklist(THEMES),
  createdAt: whole(TIME_MS_MAX),
  asOf: v.optional(asOfBody),
  by,
})
export type UserPut = v.InferOutput<typeof userPutBody>

/** 030a user.wish: what a guest wants changed; `photo` is the picture itself, null: none any more. */
export const userWishBody = v.object({
  user,
  firstName: v.optional(v.pipe(text(NAME_CHARACTERS_MAX), v.minLength(1))),
  lastName: v.optional(text(NAME_CHARACTERS_MAX)),
  photo: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(PHOTO_CHARACTERS_MAX), v.base64()))),
  language: v.optional(text(LANGUAGE_CHARACTERS_MAX)),
  theme: v.optional(v.picklist(THEMES)),
})
export type UserWish = v.InferOutput<typeof userWishBody>

/** 0302 user.cred: a new credential; `signature` by the one before it when it is not written at the home branch. */
export const userCredBody = v.object({
  user,
  epoch: whole(REV_MAX),
  rev: whole(REV_MAX),
  salt: v.pipe(v.string(), v.regex(SALT)),
  publicKey: hexText(64),
  mustChange: v.boolean(),
  /** The second factor, sealed again under this password. */
  factor: v.optional(v.object({ sealed: hexText(2 * FACTOR_BYTES), used: whole(CODES_USED_MAX) })),
  signature: v.optional(hexText(128)),
  /** The place of the one that its writer knew: what stands between was changed elsewhere, and is lost. */
  replaces: v.optional(
    v.object({ epoch: whole(REV_MAX), rev: whole(REV_MAX), hlc: hlcText, branch }),
  ),
  by,
})
export type UserCred = v.InferOutput<typeof userCredBody>

/**
 * 0307 user.factor: the second factor of the credential at (epoch, rev), signed by its key; `sealed` null: there is
 * none any more. `used`: one bit for each recovery code.
 */
export const userFactorBody = v.object({
  user,
  epoch: whole(REV_MAX),
  rev: whole(REV_MAX),
  n: whole(REV_MAX),
  sealed: v.nullable(hexText(2 * FACTOR_BYTES)),
  used: whole(CODES_USED_MAX),
  signature: hexText(128),
})
export type UserFactor = v.InferOutput<typeof userFactorBody>

/** 0308 user.out: the sign-ins of a person that began before are over, at one branch or, without one, at all. */
export const userOutBody = v.object({ user, branch: v.optional(branch) })
export type UserOut = v.InferOutput<typeof userOutBody>

/** 0309 policy.put: rules of the whole organisation; the whole record. */
export const policyPutBody = v.object({
  rev: whole(REV_MAX),
  /** Roles nobody has without a second factor. */
  secondFactorFor: v.pipe(v.array(v.picklist(ROLES)), v.maxLength(ROLES.length)),
  by,
})
export type PolicyPut = v.InferOutput<typeof policyPutBody>

/** 0303 user.block: (generation, blocked); block beats unblock in the same generation. */
export const userBlockBody = v.object({
  user,
  generation: whole(REV_MAX),
  blocked: v.boolean(),
  by,
})
export type UserBlock = v.InferOutput<typeof userBlockBody>

/** 0304 user.at: a person is at this branch until then; signed by the credential's key. */
export const userAtBody = v.object({
  user,
  branch,
  epoch: whole(REV_MAX),
  rev: whole(REV_MAX),
  until: whole(TIME_MS_MAX),
  signature: hexText(128),
})
export type UserAt = v.InferOutput<typeof userAtBody>

/** 0305 role.grant: the role from now on. */
export const roleGrantBody = v.object({ user, role: v.picklist(ROLES), rev: whole(REV_MAX), by })
export type RoleGrant = v.InferOutput<typeof roleGrantBody>
