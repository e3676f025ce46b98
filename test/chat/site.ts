/** The pages and the API of chats around a test office; a header says who asks, in place of a sign-in. */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { Guards, SignedIn } from '../../src/accounts/guard.ts'
import { getPerson } from '../../src/accounts/queries.ts'
import type { ConversationId, MessageId, UserId } from '../../src/base/ids.ts'
import { chatApiRoutes } from '../../src/chat/api.ts'
import { contactRoutes } from '../../src/chat/contact-routes.ts'
import { contactsApiRoutes } from '../../src/chat/contacts-api.ts'
import { createHistory } from '../../src/chat/older.ts'
import { createPace } from '../../src/chat/pace.ts'
import { peopleRoutes } from '../../src/chat/people-routes.ts'
import { reportRoutes, reportsApiRoutes } from '../../src/chat/report-routes.ts'
import { type ChatRoutesParts, chatRoutes } from '../../src/chat/routes.ts'
import type { LinkOf } from '../../src/chat/story.ts'
import type { Visitor } from '../../src/web/env.ts'
import { errorHandler, notFoundHandler } from '../../src/web/errors.ts'
import { frames } from '../../src/web/frame.ts'
import { visitor } from '../../src/web/guard.ts'
import { keptLog } from '../eventlog/fixture.ts'
import type { Office, Person } from './cast.ts'

export type Site = {
  /** Answers of `person`'s requests. */
  get(person: Person, path: string, headers?: Record<string, string>): Promise<Response>
  post(
    person: Person,
    path: string,
    form: Record<string, string> | [string, string][],
    headers?: Record<string, string>,
  ): Promise<Response>
  call(person: Person, method: string, path: string, json?: unknown): Promise<Response>
  answered: { message: MessageId; tab: string }[]
  typing: { conversation: ConversationId; user: UserId }[]
  setLink(link: LinkOf): void
}

export const HTMX = { 'HX-Request': 'true' }

const ASSETS = { css: '/c', js: '/j', icons: '/i' }

export function siteOf(office: Office): Site {
  const { parts, store, reading } = office
  const answered: Site['answered'] = []
  const typing: Site['typing'] = []
  let link: LinkOf = () => ({ up: true, since: 0, over: [] })
  const log = keptLog()
  const frameOf = frames({
    ...{ assets: ASSETS, clock: parts.clock, random: parts.random, timeZone: 'UTC' },
    scope: { branchId: parts.self },
    names: () => ({ organisation: 'Acme', branch: office.name }),
  })
  const signedIn: MiddlewareHandler<SignedIn> = async (c, next) => {
    const user = c.req.header('x-test-user') as UserId
    c.set('user', await getPerson(store.read, user))
    c.set('signIn', { id: 's', formToken: 'f' } as never)
    await next()
  }
  const routeParts: ChatRoutesParts = {
    ...{ ...parts, read: store.read, frameOf, reading, onCommitted: office.log.onCommitted },
    presenceOf: () => ({ isOnline: false }),
    typistsIn: (conversation) =>
      typing.filter((each) => each.conversation === conversation).map((each) => each.user),
    linkOf: (branch) => link(branch),
    moveOf: () => undefined,
    idOf: (position) => `epoch-${position}`,
    typing: {
      started: (conversation, user) => void typing.push({ conversation, user }),
      stopped: () => void typing.splice(0),
    },
    pace: createPace(parts, 0),
    history: createHistory({ ...parts, onCommitted: office.log.onCommitted }),
    answered: (message, tab) => void answered.push({ message, tab }),
  }
  const guards = { bearer: signedIn } as Guards
  const app = new Hono<Visitor>()
  app.use(visitor({ random: parts.random }))
  const api = chatApiRoutes({ ...routeParts, guards })
  app.route('/api/v1', api as unknown as Hono<Visitor>)
  const contacts = contactsApiRoutes({ ...routeParts, guards })
  app.route('/api/v1', contacts as unknown as Hono<Visitor>)
  const reports = reportsApiRoutes({ ...routeParts, guards })
  app.route('/api/v1', reports as unknown as Hono<Visitor>)
  app.use(signedIn as unknown as MiddlewareHandler<Visitor>)
  app.route('/', peopleRoutes(routeParts) as unknown as Hono<Visitor>)
  app.route('/', chatRoutes(routeParts) as unknown as Hono<Visitor>)
  app.route('/', contactRoutes(routeParts) as unknown as Hono<Visitor>)
  app.route('/', reportRoutes(routeParts) as unknown as Hono<Visitor>)
  const handlers = { log, random: parts.random, frameOf }
  app.onError(errorHandler(handlers) as (error: Error, c: Context) => Response)
  app.notFound(notFoundHandler(handlers))

  const ask = async (person: Person, path: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    headers.set('x-test-user', person.id)
    return await app.request(path, { ...init, headers })
  }
  return {
    answered,
    typing,
    get: (person, path, headers = {}) => ask(person, path, { headers }),
    post: (person, path, form, headers = {}) =>
      ask(person, path, {
        method: 'POST',
        body: new URLSearchParams(form).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      }),
    call: (person, method, path, json) =>
      ask(person, `/api/v1${path}`, {
        method,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        headers: { 'content-type': 'application/json' },
      }),
    setLink(next) {
      link = next
    },
  }
}
