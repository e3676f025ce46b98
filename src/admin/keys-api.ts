/** Certificates and keys in the API: the same actions as the pages. */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { SignedIn } from '../accounts/guard.ts'
import { AppError } from '../base/errors.ts'
import { isoTime } from '../base/units.ts'
import type { ApiOperation } from '../web/api.ts'
import { readJson } from '../web/form.ts'
import { type BranchAdminDeps, demandIssuing } from './branches.ts'
import { nameIssuerAs } from './keys.ts'

/** `newKey`: by a key that was never on the disk before; the keys before it are deleted. */
const renewal = v.object({ newKey: v.optional(v.boolean(), false) })
const newIssuer = v.object({ branch: v.string() })
const issuing = v.object({ branch: v.string(), until: v.string() })
const linkKey = v.object({ number: v.number(), since: v.string() })
const certificate = v.object({ until: v.string(), signedBy: v.string() })

export const keyAdminApi: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/admin/keys',
    summary: 'Who may issue, the own certificate, and which link key is in use',
    response: v.object({
      certificateUntil: v.optional(v.string()),
      /** No issuing branch has renewed it for five days. */
      isLate: v.boolean(),
      issuing: v.array(issuing),
      hasRootKey: v.boolean(),
      linkKey: v.optional(linkKey),
    }),
    status: 200,
  },
  {
    method: 'post',
    path: '/admin/certificates/renew',
    summary: 'Renew the certificate of this branch now, also by a new key',
    request: renewal,
    response: certificate,
    status: 200,
  },
  {
    method: 'post',
    path: '/admin/issuers',
    summary: 'Let another branch issue certificates, where the root key is',
    request: newIssuer,
    response: issuing,
    status: 201,
  },
  {
    method: 'post',
    path: '/admin/link-key',
    summary: 'Change the link key of the organisation',
    response: linkKey,
    status: 201,
  },
]

/** The routes of `keyAdminApi`. */
export function keyAdminApiRoutes(deps: BranchAdminDeps): Hono<SignedIn> {
  const { guards } = deps
  const app = new Hono<SignedIn>()
  for (const { path } of keyAdminApi) app.use(path, guards.bearer, guards.admin)
  app.get('/admin/keys', async (c) => {
    const state = await deps.keysState()
    return c.json({
      ...(state.certificateUntil === undefined
        ? {}
        : { certificateUntil: isoTime(state.certificateUntil) }),
      isLate: state.isLate,
      issuing: state.issuing.map(issuingShape),
      hasRootKey: state.hasRoot,
      ...(state.linkKey && { linkKey: linkKeyShape(state.linkKey) }),
    })
  })
  app.post('/admin/certificates/renew', async (c) => {
    const { newKey } = await readJson(c, renewal)
    const outcome = await deps.renewCertificate({ newKey, by: c.var.user })
    if (outcome.kind === 'renewed') {
      return c.json({ until: isoTime(outcome.notAfter), signedBy: outcome.by })
    }
    const code = outcome.kind === 'refused' ? 'conflict' : 'unavailable'
    throw new AppError(code, `Cannot renew the certificate: ${outcome.kind}`)
  })
  app.post('/admin/issuers', async (c) => {
    const { branch } = await readJson(c, newIssuer)
    return c.json(issuingShape(await nameIssuerAs(deps, c.var.user, branch)), 201)
  })
  app.post('/admin/link-key', async (c) => {
    await demandIssuing(deps, c.var.user, 'change the link key')
    return c.json(linkKeyShape(await deps.rotateLinkKey(c.var.user)), 201)
  })
  return app
}

function issuingShape({ name, notAfter }: { name: string; notAfter: number }) {
  return { branch: name, until: isoTime(notAfter) }
}

function linkKeyShape({ number, since }: { number: number; since: number }) {
  return { number, since: isoTime(since) }
}
