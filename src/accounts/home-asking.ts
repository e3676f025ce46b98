/**
 * A password was wrong, or the person is unknown: the home branch is asked once whether something newer is on its way,
 * and the sign-in waits for that a moment. No password ever leaves; what comes is the record that would have come
 * anyway. Every failed sign-in asks somebody, so that the time tells nothing of who exists. Questions wait in memory.
 */
import { createHmac } from 'node:crypto'
import type { BranchId, UserId } from '../base/ids.ts'
import { type Millis, SECOND } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { createLimiter, type Rate } from '../web/rate.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import { isAfter } from './event-parts.ts'
import type { Caller } from './hasher.ts'
import {
  decodeNews,
  decodeNewsWanted,
  encodeNews,
  encodeNewsWanted,
  NEWS_SIGNAL,
  NEWS_WANTED_SIGNAL,
  type News,
  NO_CREDENTIAL,
} from './home-signals.ts'
import { splitLogin } from './logins.ts'
import { isCalled, type Person } from './queries.ts'

/** Longer nobody waits for the answer to a password; what comes later serves the next try. */
const WAIT_MS_MAX: Millis = 3 * SECOND
/** One question per login and kind of caller: what came later is here by then, or the line is too slow to wait for. */
const LOGIN_ASKED: Rate = { burst: 1, refillMs: 10 * SECOND }
/**
 * To one branch: five a second whatever is tried here, 100 bytes each. Apart for who was let in before from there, for
 * addresses without a slip and for the others, so that invented logins take no question from people. Not by whether
 * the login is somebody's: that would show.
 */
const BRANCH_ASKED: Readonly<Record<Caller, Rate>> = {
  known: { burst: 20, refillMs: 400 },
  fresh: { burst: 20, refillMs: 500 },
  slipped: { burst: 5, refillMs: 2 * SECOND },
}
/** Answers to one branch: all of its kinds of callers together. */
const ANSWERED: Rate = { burst: 45, refillMs: 200 }
/** Sign-ins that wait at a time, a timer each, of all kinds up to this one together; more are not asked about. */
const WAITING_MAX: Readonly<Record<Caller, number>> = { known: 100, fresh: 50, slipped: 20 }
const SECRET_BYTES = 32

type Signal = { kind: number; body: Uint8Array }

type Parts = {
  read: Db
  self: BranchId
  clock: Clock
  random: Random
  /** False: there is no link. */
  send(branch: BranchId, signal: Signal): boolean
  /** Calls back when feeds have grown: what is waited for may have come. */
  onGrown(fn: () => void): Cancel
}

export type HomeAsking = {
  /** Resolves when all that the home branch knows is here, at once when nobody can be asked, within seconds anyway. */
  caughtUp(of: { login: string; person: Person | undefined; caller: Caller }): Promise<void>
  /** A signal; another's business is none of it. Throws FormatError. */
  heard(branch: BranchId, signal: Signal): Promise<void>
  stop(): void
}

type Waiting = {
  branch: BranchId
  user: UserId | undefined
  news: News | undefined
  done(): void
}

/** Nobody waits yet. */
function createHomeAsking(parts: Parts): HomeAsking {
  const { clock, random, self, read } = parts
  const waiting = new Map<string, Waiting>()
  const asking = new Map<string, Promise<void>>()
  const logins = createLimiter({ clock }, LOGIN_ASKED)
  const asked = {
    known: createLimiter({ clock }, BRANCH_ASKED.known),
    fresh: createLimiter({ clock }, BRANCH_ASKED.fresh),
    slipped: createLimiter({ clock }, BRANCH_ASKED.slipped),
  }
  const answered = createLimiter({ clock }, ANSWERED)
  const secret = random.bytes(SECRET_BYTES)

  const look = async (one: Waiting) => {
    if (one.news && (await isHere(read, one.user, one.news))) one.done()
  }
  const stopListening = parts.onGrown(() => {
    for (const one of waiting.values()) void look(one).catch(one.done)
  })

  const ask = (
    branch: BranchId,
    { user, caller }: { user: UserId | undefined; caller: Caller },
  ): Promise<void> => {
    const isFull = waiting.size >= WAITING_MAX[caller]
    if (isFull || asked[caller].take(branch) > 0) return Promise.resolve()
    const question = random.id()
    const body = encodeNewsWanted({ question, user })
    if (!parts.send(branch, { kind: NEWS_WANTED_SIGNAL, body })) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(WAIT_MS_MAX, () => waiting.get(question)?.done())
    const done = () => {
      cancel()
      waiting.delete(question)
      resolve()
    }
    waiting.set(question, { branch, user, news: undefined, done })
    return promise
  }

  return {
    async caughtUp({ login, person, caller }) {
      const key = `${caller} ${person?.id ?? login.trim().toLowerCase()}`
      const before = asking.get(key)
      if (before !== undefined) return await before
      if (logins.take(key) > 0) return
      const run = async () => {
        const branch = await whomToAsk(read, { self, secret, login, person })
        if (branch !== undefined) await ask(branch, { user: person?.id, caller })
      }
      const answer = run().finally(() => asking.delete(key))
      asking.set(key, answer)
      await answer
    },
    async heard(branch, { kind, body }) {
      if (kind === NEWS_WANTED_SIGNAL && answered.take(branch) === 0) {
        const { question, user } = decodeNewsWanted(body)
        const news = await newsOf(read, { self, user })
        if (news === undefined) return
        parts.send(branch, { kind: NEWS_SIGNAL, body: encodeNews({ question, ...news }) })
      }
      if (kind !== NEWS_SIGNAL) return
      const news = decodeNews(body)
      const one = waiting.get(news.question)
      if (one?.branch !== branch) return
      one.news = news
      await look(one)
    },
    stop() {
      stopListening()
      for (const one of waiting.values()) one.done()
    },
  }
}

/**
 * The home branch, the branch that the login names, or, where nobody elsewhere is meant, one that follows from the
 * login and a secret: whoever measures the answer learns where a branch is and nothing of the login.
 */
async function whomToAsk(
  db: Db,
  of: { self: BranchId; secret: Uint8Array; login: string; person: Person | undefined },
): Promise<BranchId | undefined> {
  const others = await db
    .selectFrom('branch')
    .where('id', '!=', of.self)
    .where('status', '=', 'active')
    .select(['id', 'name'])
    .orderBy('id')
    .execute()
  const { branch } = splitLogin(of.login)
  const meant = others.find((each) => {
    return branch === undefined ? each.id === of.person?.branch.id : isCalled(each, branch)
  })
  if (meant !== undefined || others.length === 0) return meant?.id
  const digest = createHmac('sha256', of.secret).update(of.login.trim().toLowerCase()).digest()
  return others[digest.readUInt32BE() % others.length]?.id
}

/** What is said of a person, and of our own records; undefined: nothing was ever written here. */
async function newsOf(
  db: Db,
  { self, user }: { self: BranchId; user: UserId | undefined },
): Promise<Omit<News, 'question'> | undefined> {
  const own = await db
    .selectFrom('feed')
    .where('origin', '=', self)
    .where('scope', '=', 'all')
    .select(['id', 'head'])
    .orderBy('n', 'desc')
    .limit(1)
    .executeTakeFirst()
  return own && { feed: own.id, head: own.head, credential: await stepOf(db, user) }
}

async function isHere(db: Db, user: UserId | undefined, news: News): Promise<boolean> {
  const feed = await db
    .selectFrom('feed')
    .where('id', '=', news.feed)
    .select('head')
    .executeTakeFirst()
  if ((feed?.head ?? 0) < news.head) return false
  const { epoch, rev, hlc } = await stepOf(db, user)
  const told = news.credential
  return !isAfter([told.epoch, told.rev, told.hlc], [epoch, rev, hlc])
}

/** Which credential of somebody holds here. */
export async function stepOf(db: Db, user: UserId | undefined) {
  const row =
    user &&
    (await db
      .selectFrom('credential')
      .where('userId', '=', user)
      .select(['epoch', 'rev', 'hlc'])
      .executeTakeFirst())
  return row ?? NO_CREDENTIAL
}

type Connected = Omit<Parts, 'read' | 'send' | 'onGrown'> & {
  store: { read: Db }
  eventLog: { onGrown: Parts['onGrown'] }
  signIns: { askHome(home: Pick<HomeAsking, 'caughtUp'>): void }
  relay: {
    sendSignal(branch: BranchId, signal: Signal & { key: string; ttl: number }): boolean
    onSignal(fn: (branch: BranchId, signal: Signal) => void): Cancel
  }
  log: Log
}

/** Ties it to the sign-ins and the links of a branch; the result unties it. */
export function connectHomeAsking(parts: Connected): Cancel {
  const { relay, random, log } = parts
  const home = createHomeAsking({
    ...parts,
    read: parts.store.read,
    onGrown: parts.eventLog.onGrown,
    // A key of its own: no later question may replace one that has not left.
    send: (to, signal) =>
      relay.sendSignal(to, { ...signal, key: random.id(), ttl: WAIT_MS_MAX / SECOND }),
  })
  parts.signIns.askHome(home)
  const cancel = relay.onSignal((branch, signal) => {
    home.heard(branch, signal).catch((error) => {
      log.warn('accounts.news.wrong', { branch, error })
    })
  })
  return () => {
    cancel()
    home.stop()
  }
}
