/**
 * Every route of a running branch, in one page; the order is the policy: what anybody may ask, then who is signed in,
 * then administrators. Middleware first, because it holds for all of them.
 */
import { Hono, type MiddlewareHandler } from 'hono'
import { type AccountApiDeps, accountApi, accountApiRoutes } from './accounts/api.ts'
import type { Guards, SignedIn } from './accounts/guard.ts'
import { ownSignInApi, ownSignInApiRoutes } from './accounts/own-sign-in-routes.ts'
import type { AccountRouteDeps } from './accounts/route-parts.ts'
import { accountRoutes } from './accounts/routes.ts'
import { userAdminApi, userAdminApiRoutes } from './admin/api.ts'
import { type AuditAdminDeps, auditAdminRoutes } from './admin/audit.ts'
import { auditApi, auditApiRoutes } from './admin/audit-api.ts'
import { type BranchAdminDeps, branchAdminRoutes } from './admin/branches.ts'
import { branchAdminApi, branchAdminApiRoutes } from './admin/branches-api.ts'
import {
  type FileAdminDeps,
  fileAdminApi,
  fileAdminApiRoutes,
  fileAdminRoutes,
} from './admin/files.ts'
import { type ImportRouteDeps, importRoutes } from './admin/import.ts'
import { importApi, importApiRoutes } from './admin/import-api.ts'
import { keyAdminRoutes } from './admin/keys.ts'
import { keyAdminApi, keyAdminApiRoutes } from './admin/keys-api.ts'
import { leaverApi, leaverApiRoutes, leaverRoutes } from './admin/leavers.ts'
import {
  type ReportAdminDeps,
  reportAdminApi,
  reportAdminApiRoutes,
  reportAdminRoutes,
} from './admin/reports.ts'
import { rulesApi, rulesApiRoutes, rulesRoutes } from './admin/rules.ts'
import { type TraceDeps, traceApi, traceApiRoutes, traceRoutes } from './admin/trace.ts'
import { type UserAdminDeps, userAdminRoutes } from './admin/users.ts'
import type { UserId } from './base/ids.ts'
import { type ChatApiDeps, chatApi, chatApiRoutes } from './chat/api.ts'
import { contactRoutes } from './chat/contact-routes.ts'
import { contactsApi, contactsApiRoutes } from './chat/contacts-api.ts'
import { directoryRoutes } from './chat/directory-routes.ts'
import { type FileRoutesParts, fileApi, fileApiRoutes, fileRoutes } from './chat/file-routes.ts'
import { mediaRoutes } from './chat/media-routes.ts'
import { peopleRoutes } from './chat/people-routes.ts'
import { reportRoutes, reportsApi, reportsApiRoutes } from './chat/report-routes.ts'
import { type ChatRoutesParts, chatRoutes } from './chat/routes.ts'
import type { DemoLinks } from './demo-links.ts'
import { type UploadDeps, uploadApi, uploadApiRoutes, uploadRoutes } from './files/upload-routes.ts'
import {
  type StatusRouteDeps,
  statusApi,
  statusApiRoutes,
  statusRoutes,
} from './presence/status-routes.ts'
import { type StreamDeps, streamApi, streamApiRoutes, streamRoutes } from './push/routes.ts'
import { type TrustRouteDeps, trustRoutes } from './tls/routes.ts'
import type { CookieScope } from './web/cookies.ts'
import { crossSiteGuard } from './web/cross-site.ts'
import type { Visitor } from './web/env.ts'
import { errorHandler, notFoundHandler } from './web/errors.ts'
import { behindProxy, bodyLimits, requestLog, securityHeaders, visitor } from './web/guard.ts'
import type { World } from './world/world.ts'

const PAGES = ['/', '/chats', '/chats/*', '/messages/*', '/people', '/people/*', '/files/*']

export type ShellDeps = {
  world: Pick<World, 'clock' | 'random' | 'log'>
  language: string
  origins: readonly string[]
  scope: CookieScope
  frameOf: AccountRouteDeps['frameOf']
  staticRoutes: Hono<Visitor>
  /** What people are told to trust; undefined without TLS of ours. */
  trust?: TrustRouteDeps['trust']
}

type AppDeps = ShellDeps & {
  version: string
  guards: Guards
  accounts: AccountRouteDeps & AccountApiDeps
  chat: ChatRoutesParts & ChatApiDeps
  files: FileRoutesParts & UploadDeps
  status: StatusRouteDeps
  streams: StreamDeps
  fileAdmin: FileAdminDeps
  users: UserAdminDeps & ImportRouteDeps
  branches: BranchAdminDeps & TraceDeps
  audit: AuditAdminDeps
  reports: ReportAdminDeps
  isReady(): boolean
  /** Somebody reads a page: a sign of life. */
  touched(user: UserId): void
  /** One-click sign-ins of the demo; absent elsewhere. */
  demoRoutes: ReturnType<DemoLinks['routes']> | undefined
}

/** What every request passes, set up or not. `recognise` sets who is signed in. */
export function createShell(deps: ShellDeps, recognise?: Guards['visitor']): Hono<Visitor> {
  const { world, language, scope, origins } = deps
  const handlers = { log: world.log, random: world.random, frameOf: deps.frameOf }
  const app = new Hono<Visitor>()
  app.use(requestLog(world))
  app.use(behindProxy(origins))
  app.use(securityHeaders())
  app.use(visitor({ random: world.random, language, isProxied: origins.length > 0 }))
  app.use(bodyLimits())
  app.get('/healthz', (c) => c.text('ok\n'))
  app.route('/', deps.staticRoutes)
  if (recognise) app.use(recognise as unknown as MiddlewareHandler<Visitor>)
  app.use(crossSiteGuard({ scope, origins }))
  app.route('/', trustRoutes({ frameOf: deps.frameOf, trust: deps.trust ?? (() => undefined) }))
  app.onError(errorHandler(handlers))
  app.notFound(notFoundHandler(handlers))
  return app
}

/** The app of a branch that is set up. */
export function createApp(deps: AppDeps): Hono<Visitor> {
  const { guards } = deps
  const app = createShell(deps, guards.visitor)
  app.get('/readyz', (c) => (deps.isReady() ? c.text('ready\n') : c.text('not ready\n', 503)))

  app.route('/api/v1', apiRoutes(deps))
  if (deps.demoRoutes) app.route('/', deps.demoRoutes)
  app.route('/', streamRoutes(deps.streams))
  app.route('/', accountRoutes(deps.accounts))
  app.route('/', statusRoutes(deps.status))
  app.route('/', uploadRoutes(deps.files))

  const pages = new Hono<SignedIn>()
  for (const path of PAGES) {
    pages.use(path, guards.signedIn, async (c, next) => {
      // Without a script there is no stream: whoever loads pages is here.
      if (c.req.method === 'GET' && !c.var.isHtmx) deps.touched(c.var.user.id)
      await next()
    })
  }
  // `/people/add` and `/chats/new-group` before `/chats/:id`.
  pages.route('/', peopleRoutes(deps.chat))
  pages.route('/', directoryRoutes(deps.chat))
  pages.route('/', chatRoutes(deps.chat))
  pages.route('/', fileRoutes(deps.files))
  pages.route('/', mediaRoutes(deps.files))
  pages.route('/', contactRoutes(deps.chat))
  pages.route('/', reportRoutes(deps.chat))
  app.route('/', pages)

  // `/admin/users/import` before `/admin/users/:id`.
  app.route('/', importRoutes(deps.users))
  app.route('/', userAdminRoutes(deps.users))
  app.route('/', rulesRoutes(deps.users))
  app.route('/', fileAdminRoutes(deps.fileAdmin))
  app.route('/', leaverRoutes(deps.users))
  app.route('/', branchAdminRoutes(deps.branches))
  app.route('/', keyAdminRoutes(deps.branches))
  app.route('/', traceRoutes(deps.branches))
  app.route('/', auditAdminRoutes(deps.audit))
  app.route('/', reportAdminRoutes(deps.reports))
  return app
}

function apiRoutes(deps: AppDeps): Hono<SignedIn> {
  const api = new Hono<SignedIn>()
  const operations = [
    ...accountApi,
    ...ownSignInApi,
    ...statusApi,
    ...chatApi,
    ...contactsApi,
    ...uploadApi,
    ...fileApi,
    ...reportsApi,
    ...streamApi,
    ...userAdminApi,
    ...rulesApi,
    ...fileAdminApi,
    ...importApi,
    ...leaverApi,
    ...branchAdminApi,
    ...keyAdminApi,
    ...traceApi,
    ...auditApi,
    ...reportAdminApi,
  ]
  // Loaded and made when somebody asks: few do.
  let document: object | undefined
  api.get('/openapi.json', async (c) => {
    const { openApiDocument } = await import('./web/openapi.ts')
    document ??= openApiDocument({ version: deps.version, operations })
    return c.json(document)
  })
  api.route('/', accountApiRoutes(deps.accounts))
  api.route('/', ownSignInApiRoutes(deps.accounts))
  api.route('/', statusApiRoutes(deps.status))
  api.route('/', chatApiRoutes(deps.chat))
  api.route('/', contactsApiRoutes(deps.chat))
  api.route('/', uploadApiRoutes(deps.files))
  api.route('/', fileApiRoutes(deps.files))
  api.route('/', reportsApiRoutes(deps.chat))
  api.route('/', streamApiRoutes(deps.streams))
  api.route('/', importApiRoutes(deps.users))
  api.route('/', userAdminApiRoutes(deps.users))
  api.route('/', rulesApiRoutes(deps.users))
  api.route('/', fileAdminApiRoutes(deps.fileAdmin))
  api.route('/', leaverApiRoutes(deps.users))
  api.route('/', branchAdminApiRoutes(deps.branches))
  api.route('/', keyAdminApiRoutes(deps.branches))
  api.route('/', traceApiRoutes(deps.branches))
  api.route('/', auditApiRoutes(deps.audit))
  api.route('/', reportAdminApiRoutes(deps.reports))
  return api
}
