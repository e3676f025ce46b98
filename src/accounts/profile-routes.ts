/** The own profile: name, photo, language, look, password, sign-ins. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import * as v from 'valibot'
import { type ProfileProps, profilePage } from '../../views/accounts/profile.ts'
import { problemText } from '../../views/language/words.ts'
import { setSignInCookie } from '../web/cookies.ts'
import { checked, InvalidForm, readForm, readQuery, ticked } from '../web/form.ts'
import { formParts } from '../web/multipart.ts'
import { askErasure, askedAt } from './erase-actions.ts'
import { addressOf, asWeb, type SignedIn } from './guard.ts'
import { firstName, lastName, required, theme, typed } from './inputs.ts'
import { changePassword, editProfile } from './own.ts'
import { signedInElsewhere, signInsOf } from './own-sign-ins.ts'
import { UPLOAD_BYTES_MAX } from './photos.ts'
import { getPerson } from './queries.ts'
import {
  type AccountRouteDeps,
  COOKIE_DAYS,
  checkRepeat,
  passwordErrors,
  photoError,
  photoIn,
} from './route-parts.ts'
import { codesLeftOf } from './second-factor.ts'
import { wishOf } from './wish-rows.ts'

const profileForm = v.object({
  firstName,
  lastName,
  language: v.picklist(['en', 'uk', 'pt'], 'language-unknown'),
  theme,
  removePhoto: ticked,
})
const passwordForm = v.object({ current: required, password: required, repeat: typed })

/** `/profile` and what is under it. */
export function profileRoutes(deps: AccountRouteDeps): Hono<SignedIn> {
  const { guards, scope, clock, makePhoto } = deps
  const app = new Hono<SignedIn>()

  app.get('/profile', guards.signedIn, async (c) => {
    const { saved } = readQuery(c, v.object({ saved: v.optional(typed) }))
    return c.html(await page(c, deps, { saved }))
  })

  app.post('/profile', guards.signedIn, async (c) => {
    try {
      const { fields, files } = await formParts(c, { fileBytesMax: UPLOAD_BYTES_MAX })
      const { removePhoto, ...record } = checked(profileForm, fields)
      const made = await photoIn(files, makePhoto)
      const photo = made ?? (removePhoto ? ('none' as const) : undefined)
      await editProfile(deps, c.var.user, { ...record, photo })
      const isGuest = c.var.user.branch.id !== deps.self
      return c.redirect(`/profile?saved=${isGuest ? 'wish' : 'profile'}`, 303)
    } catch (error) {
      const errors = profileErrors(error, c)
      return c.html(await page(c, deps, { errors }), 422)
    }
  })

  app.post('/profile/password', guards.signedIn, async (c) => {
    try {
      const form = await readForm(c, passwordForm)
      checkRepeat(form)
      const { token } = await changePassword(deps, c.var, { ...form, address: addressOf(c) })
      setSignInCookie(c, scope, token, c.var.signIn.isShared ? undefined : COOKIE_DAYS)
      return c.redirect('/profile?saved=password', 303)
    } catch (error) {
      const errors = passwordErrors(error, c.var.t)
      return c.html(await page(c, deps, { passwordErrors: errors }), 422)
    }
  })

  app.post('/profile/deletion', guards.signedIn, async (c) => {
    const { wish } = await readForm(c, v.object({ wish: v.picklist(['yes', 'no']) }))
    await askErasure(deps, c.var.user, wish === 'yes')
    return c.redirect('/profile', 303)
  })

  async function page(
    c: Context<SignedIn>,
    { frameOf, store, names }: AccountRouteDeps,
    more: Pick<ProfileProps, 'errors' | 'passwordErrors'> & { saved?: string | undefined },
  ) {
    const t = c.var.t
    const user = await getPerson(store.read, c.var.user.id)
    const now = clock.now()
    const own = await signInsOf(store.read, user.id, now)
    const others = await signedInElsewhere(store.read, { self: deps.self, user, now })
    const wish = await wishOf(store.read, user.id)
    const asked = wish?.refused === undefined ? wish?.fields : undefined
    const texts: Record<string, string> = {
      ...{ profile: t.profile.saved, password: t.password.saved, ended: t.ownSignIns.ended },
      wish: wish === undefined ? t.profile.saved : t.profile.asked(user.branch.name),
    }
    const saved = texts[more.saved ?? '']
    const frame = frameOf(
      asWeb(c),
      saved === undefined ? {} : { flash: { kind: 'ok', text: saved } },
    )
    return profilePage(frame, {
      login: user.login,
      status: deps.statusOf(user.id),
      firstName: asked?.firstName ?? user.firstName,
      lastName: asked?.lastName ?? user.lastName,
      language: c.var.language,
      theme: c.var.user.theme,
      wish: wish && { ...wish, branch: user.branch.name },
      hasFactor: (await codesLeftOf(store.read, user)) !== undefined,
      signIns: own.map((one) => ({
        ...{ id: one.id, kind: one.kind, where: one.device, address: one.address },
        branch: names().branch,
        lastUsedAt: one.usedAt,
        isThis: one.id === c.var.signIn.id,
        isShared: one.isShared,
      })),
      elsewhere: others.map(({ branch, until }) => ({ branch: branch.name, id: branch.id, until })),
      askedAt: await askedAt(store.read, user.id),
      errors: more.errors,
      passwordErrors: more.passwordErrors,
    })
  }
  return app
}

/** The sentences at the fields of the profile; throws what is none of them. */
function profileErrors(
  error: unknown,
  c: Context<SignedIn>,
): { firstName?: string; lastName?: string; photo?: string } {
  const t = c.var.t
  if (error instanceof InvalidForm) {
    const pairs = error.problems.map((problem) => [
      problem.field,
      problemText(t, { code: 'invalid-input', ...problem }),
    ])
    return Object.fromEntries(pairs)
  }
  const photo = photoError(error, t)
  if (photo === undefined) throw error
  return { photo }
}
