/** What the routes of accounts share: their needs, and the sentences of password forms. */
import type { ProfileProps } from '../../views/accounts/profile.ts'
import { problemText, type Words } from '../../views/language/words.ts'
import { AppError } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import type { CookieScope } from '../web/cookies.ts'
import type { FrameOf } from '../web/frame.ts'
import { FileTooLarge, type UploadedFile } from '../web/multipart.ts'
import type { Guards } from './guard.ts'
import type { OwnPasswordDeps } from './own.ts'
import type { MakePhoto, Photo } from './photos.ts'

export type AccountRouteDeps = OwnPasswordDeps & {
  guards: Guards
  frameOf: FrameOf
  scope: CookieScope
  makePhoto: MakePhoto
  /** What people say of themselves: `presence` is built on accounts, so it comes as a function. */
  statusOf(user: UserId): ProfileProps['status']
  /** Names of organisation and branch, for the list of sign-ins. */
  names(): { branch: string }
  /** Whether the accounts of this branch have not come back yet after its database was lost. */
  isRebuilding(): Promise<boolean>
  /** Whether the settings call a machine a terminal that several people share. */
  isSharedTerminal(address: string): boolean
  /** One-click links of the demo. */
  demoLinks?: () => readonly { name: string; href: string }[]
}

/** The cookie outlives the sign-in: what ends is decided on the server alone. */
export const COOKIE_DAYS = 400

/** Throws when the two fields for a new password differ. */
export function checkRepeat({ password, repeat }: { password: string; repeat: string }): void {
  if (password === repeat) return
  throw new AppError('invalid-input', 'Cannot use the password: the two are not the same', {
    field: 'repeat',
    detail: 'password-mismatch',
  })
}

/** The photo among the files of a form, made small; undefined when none was chosen. */
export async function photoIn(
  files: readonly UploadedFile[],
  makePhoto: MakePhoto,
): Promise<Photo | undefined> {
  const upload = files.find((file) => file.field === 'photo')
  return upload && makePhoto(upload.bytes)
}

/** The sentence at the field of a photo; undefined for an error that is not about it. */
export function photoError(error: unknown, t: Words): string | undefined {
  if (error instanceof FileTooLarge) {
    return problemText(t, { code: 'invalid-input', detail: 'photo-large' })
  }
  return error instanceof AppError && error.field === 'photo' ? problemText(t, error) : undefined
}

/** The sentences at the fields of a password form; throws what is none of them. */
export function passwordErrors(
  error: unknown,
  t: Words,
): { current?: string; password?: string; repeat?: string } {
  if (!(error instanceof AppError)) throw error
  const isShown = error.code === 'invalid-input' || error.code === 'too-many'
  if (!isShown) throw error
  const field = error.field === 'current' || error.field === 'repeat' ? error.field : 'password'
  return { [field]: problemText(t, error) }
}
