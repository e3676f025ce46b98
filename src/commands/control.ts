/**
 * The control app: what commands and the demo may ask of a branch, over the Unix socket in its data folder (which only
 * its owner can open) or in-process when no server runs. JSON in, JSON out; the same actions the pages call.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import { ENCODINGS } from '../accounts/import-text.ts'
import { AppError } from '../base/errors.ts'
import type { BlobId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { DAY, HOUR } from '../base/units.ts'
import type { Branch, Operations } from '../branch.ts'
import { REASONS } from '../certificates/revocation.ts'
import { BACKUP_KEPT_MS_MAX } from '../eventlog/backup-marks.ts'

/** Longer invitations than this lie about in mailboxes. */
const INVITATION_MS_MAX: Millis = 30 * DAY
const INVITATION_MS: Millis = 24 * HOUR

const ROLES = ['employee', 'auditor', 'branch-admin', 'organisation-admin'] as const

const newUser = v.object({
  login: v.string(),
  firstName: v.string(),
  lastName: v.string(),
  password: v.optional(v.string()),
  role: v.optional(v.picklist(ROLES)),
})
const ofLogin = v.object({ login: v.string(), password: v.optional(v.string()) })
const newImport = v.object({
  /** The file as it is, in base64. */
  csv: v.string(),
  isDryRun: v.boolean(),
  renews: v.boolean(),
  encoding: v.optional(v.picklist(ENCODINGS)),
})
const ldapImport = v.object({ isDry: v.boolean(), isForced: v.boolean() })
const newInvitation = v.object({
  branch: v.string(),
  validMs: v.optional(
    v.pipe(v.number(), v.minValue(1), v.maxValue(INVITATION_MS_MAX)),
    INVITATION_MS,
  ),
  address: v.optional(v.string()),
})
const newRevocation = v.object({
  name: v.string(),
  reason: v.picklist(REASONS),
  note: v.string(),
})
const renewal = v.object({ newKey: v.boolean() })
const newBackup = v.object({
  keptMs: v.pipe(v.number(), v.minValue(1), v.maxValue(BACKUP_KEPT_MS_MAX)),
})
const ofBackup = v.object({ id: v.number() })
const ofKey = v.object({
  action: v.picklist(['key.exported', 'key.removed', 'key.imported']),
  key: v.picklist(['root', 'branch']),
  file: v.string(),
  until: v.optional(v.string()),
})
const ofBranch = v.object({ name: v.string() })
const ofBlob = v.object({ blob: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) })
const line = v.object({ down: v.boolean() })

/** `isDemo` opens what only the demo may do: cutting the line and one-click sign-ins. */
export function controlApp(branch: Branch, { isDemo }: { isDemo: boolean }): Hono {
  const app = new Hono()
  const operations = (): Operations => {
    if (branch.operations) return branch.operations
    throw new AppError('conflict', 'This branch is not set up yet: open its page first')
  }
  const body = async <S extends v.GenericSchema>(
    request: Request,
    schema: S,
  ): Promise<v.InferOutput<S>> => {
    const result = v.safeParse(schema, await request.json())
    if (result.success) return result.output
    throw new AppError('invalid-input', result.issues[0].message)
  }
  app.get('/status', (c) => c.json({ isSetUp: branch.operations !== undefined }))
  app.get('/users', async (c) => c.json(await operations().users()))
  app.post('/users', async (c) =>
    c.json(await operations().addUser(await body(c.req.raw, newUser))),
  )
  app.post('/users/import', async (c) => {
    const { csv, ...wish } = await body(c.req.raw, newImport)
    const bytes = new Uint8Array(Buffer.from(csv, 'base64'))
    return c.json(await operations().importUsers({ bytes, ...wish }))
  })
  app.post('/users/ldap', async (c) => {
    return c.json(await operations().importFromLdap(await body(c.req.raw, ldapImport)))
  })
  app.get('/users/export', async (c) => c.json({ csv: await operations().exportUsers() }))
  app.post('/users/password', async (c) => {
    const { login, password } = await body(c.req.raw, ofLogin)
    return c.json(await operations().setPassword(login, password))
  })
  app.post('/users/disable', async (c) => {
    await operations().disable((await body(c.req.raw, ofLogin)).login)
    return c.json({})
  })
  app.post('/invitations', async (c) => {
    return c.json(await operations().invite(await body(c.req.raw, newInvitation)))
  })
  app.get('/certificates', async (c) => c.json(await operations().certificates()))
  app.get('/authority', async (c) => c.json(await operations().authority()))
  app.post('/certificates/renew', async (c) => {
    return c.json(await operations().renewCertificate(await body(c.req.raw, renewal)))
  })
  app.post('/issuers', async (c) => {
    return c.json(await operations().nameIssuer((await body(c.req.raw, ofBranch)).name))
  })
  app.post('/link-key', async (c) => c.json(await operations().rotateLinkKey()))
  app.post('/revocations', async (c) => {
    return c.json(await operations().revokeBranch(await body(c.req.raw, newRevocation)))
  })
  app.post('/backups', async (c) => {
    const { keptMs } = await body(c.req.raw, newBackup)
    return c.json(await operations().markBackup(keptMs))
  })
  app.post('/backups/remove', async (c) => {
    await operations().removeBackupMark((await body(c.req.raw, ofBackup)).id)
    return c.json({})
  })
  app.post('/key-notes', async (c) => {
    const { action, ...after } = await body(c.req.raw, ofKey)
    await operations().noteKey(action, after)
    return c.json({})
  })
  app.get('/trace', async (c) => c.json(await operations().trace(c.req.query('id') ?? '')))
  app.get('/peers', async (c) => c.json(await operations().peers()))
  app.post('/peers/forget-suite', async (c) => {
    await operations().forgetSuite((await body(c.req.raw, ofBranch)).name)
    return c.json({})
  })
  app.post('/files/recheck', async (c) => {
    const { blob } = await body(c.req.raw, ofBlob)
    return c.json({ damaged: await operations().recheckFile(blob as BlobId) })
  })
  if (isDemo) {
    app.post('/line', async (c) => {
      operations().setCut((await body(c.req.raw, line)).down)
      return c.json({})
    })
    app.post('/sign-in-links', async (c) => {
      const { login } = await body(c.req.raw, ofLogin)
      return c.json({ path: await operations().signInLink(login) })
    })
    app.get('/browsers/:login', async (c) =>
      c.json({ count: await operations().browsersOf(c.req.param('login')) }),
    )
  }
  app.onError((error, c) => {
    const status = error instanceof AppError ? error.status : 500
    return c.json({ error: { message: error.message } }, status)
  })
  return app
}
