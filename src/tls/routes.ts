/** `/trust`, for anybody: what this server's certificate is, how to make a computer trust it, and the root itself. */
import { Hono } from 'hono'
import { trustPage } from '../../views/trust.ts'
import { notFound } from '../base/errors.ts'
import { isSecure, type Visitor } from '../web/env.ts'
import type { FrameOf } from '../web/frame.ts'
import type { Trust } from './served.ts'
import { type Der, pemOf } from './x509.ts'

export type TrustRouteDeps = {
  frameOf: FrameOf
  /** Undefined without TLS, or with certificates that are not ours. */
  trust(): Trust | undefined
}

/** The page and its two downloads. */
export function trustRoutes({ frameOf, trust }: TrustRouteDeps): Hono<Visitor> {
  const app = new Hono<Visitor>()

  app.get('/trust', (c) => {
    const known = trust()
    if (!known) throw notFound('page')
    const { kind, fingerprint } = known
    return c.html(trustPage(frameOf(c), { kind, fingerprint, isPlain: !isSecure(c) }))
  })

  // Windows, Android and iOS take it by this type (RFC 2585 has another, which they open with nothing).
  app.get('/trust/root.crt', (c) =>
    c.body(Uint8Array.from(rootOf(trust())), 200, {
      'content-type': 'application/x-x509-ca-cert',
      'content-disposition': 'attachment; filename="branchline-root.crt"',
    }),
  )
  app.get('/trust/root.pem', (c) =>
    c.body(pemOf(rootOf(trust())), 200, {
      'content-type': 'application/x-pem-file',
      'content-disposition': 'attachment; filename="branchline-root.pem"',
    }),
  )
  return app
}

function rootOf(known: Trust | undefined): Der {
  if (known?.kind !== 'organisation') throw notFound('root')
  return known.root
}
