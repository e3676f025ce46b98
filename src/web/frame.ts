/** The shell's values of a request, made once per page: whose page, in which language, with which addresses. */
import type { Context } from 'hono'
import type { Assets, Flash, Frame, Me, Theme } from '../../views/layout.ts'
import type { Random } from '../world/random.ts'
import { type CookieScope, preSignInToken } from './cookies.ts'
import type { SignedIn, Visitor } from './env.ts'

export type FrameOf = (
  c: Context<Visitor> | Context<SignedIn>,
  more?: { flash?: Flash | undefined; home?: Frame['home'] },
) => Frame

type Options = {
  assets: Assets
  clock: { now(): number }
  random: Random
  scope: CookieScope
  timeZone: string
  /** Empty before the branch is set up; asked for each time, because set-up happens while we run. */
  names(): { organisation: string; branch: string }
  /** After how long a shared terminal locks. */
  lockSeconds?: number
  /** Whether `/trust` has something to say. */
  hasTrustPage?(): boolean
}

/** Makes `frameOf`. A visitor without a sign-in gets the cookie that proves the next form. */
export function frames(options: Options): FrameOf {
  const { assets, clock, random, scope, timeZone, names } = options
  return (context, more = {}) => {
    const c = context as Context<Visitor>
    const person = c.get('user')
    const signIn = c.get('signIn')
    return {
      t: c.get('t'),
      timeZone,
      now: clock.now(),
      icons: assets.icons,
      formToken: signIn?.formToken ?? preSignInToken(c, scope, random),
      assets,
      theme: themeOf(person?.theme),
      ...names(),
      hasTrustPage: options.hasTrustPage?.() ?? false,
      me: person === undefined ? undefined : meOf(person),
      ...(signIn?.isShared ? { lockSeconds: options.lockSeconds } : {}),
      ...(signIn?.lostPassword &&
        lostNotice(signIn.lostPassword, { t: c.get('t'), timeZone, now: clock.now() })),
      ...more,
    }
  }
}

/** On each page for a while; what a page itself has to say goes before it. */
function lostNotice(
  { branch, at }: { branch: string; at: number },
  { t, timeZone, now }: Pick<Frame, 't' | 'timeZone' | 'now'>,
): { flash: Flash } {
  return { flash: { kind: 'problem', text: t.password.lost(branch, t.moment(at, now, timeZone)) } }
}

function meOf(person: NonNullable<Visitor['Variables']['user']>): Me {
  const { id, name, login, photo } = person
  return { id, name, login, photo, rights: person.rights ?? [] }
}

function themeOf(theme: string | undefined): Theme {
  return theme === 'light' || theme === 'dark' ? theme : 'auto'
}
