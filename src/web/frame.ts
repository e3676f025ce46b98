/**
 * What every page needs of its request, put together in one place: words, time zone, assets, who is signed in. Routes
 * call `frameOf(c)`; fragments and pushes use the smaller `readerOf`.
 */
import type { Context } from 'hono'
import type { Words } from '../../views/language/words.ts'
import type { Assets, Flash, Frame, Theme } from '../../views/layout.ts'
import type { Reader } from '../../views/parts.ts'
import type { Clock } from '../world/clock.ts'
import type { Random } from '../world/random.ts'
import { type CookieScope, preSignInToken } from './cookies.ts'
import type { Visitor } from './env.ts'

/** What a page shows of the person; `accounts` Person satisfies it. */
type Shown = {
  id: string
  login: string
  name: string
  role: string
  photo?: string | undefined
  theme?: Theme
  branch?: { id: string }
}

export type FrameDeps = {
  clock: Clock
  random: Random
  scope: CookieScope
  timeZone: string
  assets: Assets
  /** Names of organisation and branch; empty before the branch is set up. */
  names(): { organisation: string; branch: string }
  /** For a guest whose home branch does not answer. */
  homeNoticeOf(branchId: string): Frame['home']
}

export type Frames = {
  frameOf(c: Context<Visitor>, flash?: Flash): Frame
  /** For pushes: the same without a person. */
  readerOf(t: Words): Reader
}

export function createFrames(deps: FrameDeps): Frames {
  const readerOf = (t: Words): Reader => ({
    t,
    timeZone: deps.timeZone,
    now: deps.clock.now(),
    icons: deps.assets.icons,
    formToken: '',
  })
  return {
    readerOf,
    frameOf(c, flash) {
      const user = c.var.user as Shown | undefined
      return {
        ...readerOf(c.var.t),
        formToken: c.var.signIn?.formToken ?? preSignInToken(c, deps.scope, deps.random),
        assets: deps.assets,
        theme: user?.theme ?? 'auto',
        ...deps.names(),
        me: user && {
          id: user.id,
          name: user.name,
          photo: user.photo,
          login: user.login,
          isAdmin: user.role === 'organisation-admin' || user.role === 'branch-admin',
        },
        flash,
        home: user?.branch && deps.homeNoticeOf(user.branch.id),
      }
    },
  }
}
