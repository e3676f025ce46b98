/**
 * `key export | remove | import --authority FILE`: the organisation's root key off the server and back. It works on the
 * key files of the data folder itself, so that neither key nor passphrase crosses a socket; the server reads them anew.
 * `key rotate --link` asks the branch for a new link key.
 */
import { equal } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import { DAY, isoTime, type Millis } from '../base/units.ts'
import { openAuthority, sealAuthority } from '../certificates/authority-file.ts'
import { organisationIdOf } from '../certificates/certificate.ts'
import { type KeyFiles, type KeyPair, keyFiles } from '../certificates/keys.ts'
import { freshFile } from '../certificates/passphrase-file.ts'
import { UsageError } from '../config.ts'
import { realClock } from '../world/clock.ts'
import { realDisk } from '../world/disk.ts'
import { realRandom } from '../world/random.ts'
import { exportBranch, importBranch } from './branch-keys.ts'
import type { Call } from './commands.ts'
import { durationOf } from './duration.ts'
import { readText, writeNew } from './files.ts'
import { noteKey } from './key-notes.ts'
import { passphraseOf } from './passphrase.ts'
import { withControl } from './with-branch.ts'

/** A key that is brought back is used within the second; more than a day is a key that was forgotten. */
const LOAN_MS_MAX = DAY

const USAGE =
  'Say what to do: key export, key remove or key import, each with --authority FILE; ' +
  'key export or key import with --branch FILE; or key rotate --link'

type Task = { call: Call; file: string; files: KeyFiles }

/** The command `key`. */
export async function key(call: Call): Promise<number> {
  const [verb = ''] = call.words
  if (verb === 'rotate' && call.flags.link) return await rotateLinkKey(call)
  const { authority, branch } = call.flags
  if (typeof branch === 'string' && verb === 'export') return await exportBranch(call, branch)
  if (typeof branch === 'string' && verb === 'import') return await importBranch(call, branch)
  const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (!run || typeof authority !== 'string') throw new UsageError(USAGE)
  // Also: that there is a branch in this folder, before anything is asked.
  const known = await authorityOf(call)
  const files = keyFiles(realDisk(call.config.data))
  return await run({ call, file: authority, files }, known)
}

async function rotateLinkKey(call: Call): Promise<number> {
  const { number } = await withControl(call.config, call.err, (control) =>
    control<{ number: number }>('POST', '/link-key', {}),
  )
  call.out(`Link key ${number} is in use; the other branches get it as soon as they are linked\n`)
  return 0
}

type Authority = { organisation: string; mayIssueUntil?: Millis }

function authorityOf(call: Call): Promise<Authority> {
  return withControl(call.config, call.err, (control) => control<Authority>('GET', '/authority'))
}

const VERBS: Record<string, (task: Task, known: Authority) => Promise<number>> = {
  export: exportKey,
  remove: removeKey,
  import: importKey,
}

async function exportKey({ call, file, files }: Task): Promise<number> {
  const root = rootHere(files)
  const passphrase = await passphraseOf(call, { isNew: true })
  await noteKey(call, { action: 'key.exported', key: 'root', file })
  writeNew(file, sealAuthority(root, passphrase, freshFile(realRandom().bytes)))
  demandSame(opened(file, passphrase), root)
  call.out(`The root key is in ${file}, and was read back with the passphrase\n`)
  call.out('Keep the file and the passphrase apart, and neither on this server.\n')
  call.out(`Then: key remove --authority ${file}\n`)
  return 0
}

async function removeKey({ call, file, files }: Task): Promise<number> {
  const root = rootHere(files)
  demandSame(opened(file, await passphraseOf(call, { isNew: false })), root)
  await noteKey(call, { action: 'key.removed', key: 'root', file })
  files.removeRootKey()
  call.out(`The root key is no longer on this server; ${file} opens with the passphrase\n`)
  call.out(
    'Invitations, revocations and certificates of links go on. What waits until it is brought back (key import): ' +
      'renewing the right of this branch to issue them, which ends a year after it was given. ' +
      'The log says so two weeks after half of the year (relay.issuer.ends).\n',
  )
  return 0
}

async function importKey({ call, file, files }: Task, known: Authority): Promise<number> {
  if (files.findRootKey() && !files.findRootLoan()) {
    throw new AppError('conflict', 'The root key is on this server already, for good')
  }
  const lasting = call.flags.for === undefined ? '1h' : String(call.flags.for)
  const ms = durationOf(lasting, { flag: 'for', most: LOAN_MS_MAX })
  const root = opened(file, await passphraseOf(call, { isNew: false }))
  if (organisationIdOf(root.publicKey) !== known.organisation) {
    throw new AppError('conflict', `The key in ${file} is that of another organisation`)
  }
  const from = realClock.now()
  const until = from + ms
  await noteKey(call, { action: 'key.imported', key: 'root', file, until })
  files.lendRootKey(root, { from, until })
  call.out(`The root key is on this server until ${isoTime(until)}, then it is deleted here\n`)
  await withControl(call.config, call.err, (control) =>
    control('POST', '/certificates/renew', { newKey: false }),
  )
  const { mayIssueUntil } = await authorityOf(call)
  call.out(
    mayIssueUntil === undefined
      ? 'This branch issues no certificates; "cert issuer --branch NAME" lets it, or another one\n'
      : `This branch may issue certificates until ${isoTime(mayIssueUntil)}\n`,
  )
  return 0
}

function rootHere(files: KeyFiles): KeyPair {
  const root = files.findRootKey()
  if (root) return root
  throw new AppError('conflict', 'The root key is not on this server')
}

function opened(file: string, passphrase: string): KeyPair {
  const result = openAuthority(readText(file), passphrase)
  if (result.ok) return result.root
  const why =
    result.reason === 'malformed'
      ? 'it is no root key of this release'
      : 'the passphrase is another one, or the file was altered'
  throw new AppError('conflict', `Cannot open ${file}: ${why}`)
}

function demandSame(kept: KeyPair, root: KeyPair): void {
  if (equal(kept.publicKey, root.publicKey) && equal(kept.secretKey, root.secretKey)) return
  throw new AppError('conflict', 'The file holds another key than this server: nothing was removed')
}
