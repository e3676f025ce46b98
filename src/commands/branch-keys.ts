/**
 * `key export | import --branch FILE`: all keys of this branch into a file closed by a passphrase, and out of it into a
 * folder without keys: what `rebuild` and `restore` need when a server is lost. Nothing of it crosses a socket.
 */
import { AppError } from '../base/errors.ts'
import { decodeHello } from '../certificates/chain.ts'
import { openKeys, sealKeys } from '../certificates/key-file.ts'
import { KeyFileDamaged, type KeyFiles, keyFiles } from '../certificates/keys.ts'
import { freshFile } from '../certificates/passphrase-file.ts'
import { takeLock } from '../db/lock.ts'
import { DATABASE_FILE } from '../db/open.ts'
import { realDisk } from '../world/disk.ts'
import { realRandom } from '../world/random.ts'
import type { Call } from './commands.ts'
import { readText, writeNew } from './files.ts'
import { noteKey } from './key-notes.ts'
import { passphraseOf } from './passphrase.ts'

/** Writes the file and reads it back. */
export async function exportBranch(call: Call, file: string): Promise<number> {
  const files = keyFiles(realDisk(call.config.data))
  const passphrase = await passphraseOf(call, { isNew: true })
  const text = sealedKeys(files, passphrase)
  await noteKey(call, { action: 'key.exported', key: 'branch', file })
  writeNew(file, text)
  if (!openKeys(readText(file), passphrase).ok) {
    throw new AppError('conflict', `${file} does not open with the passphrase: do not rely on it`)
  }
  call.out(`The keys of this branch are in ${file}, and were read back with the passphrase\n`)
  call.out('Whoever has both can be this branch. It stays good until the branch is revoked.\n')
  call.out(withoutRoot(files))
  return 0
}

/** Writes the keys of a file where there are none. */
export async function importBranch(call: Call, file: string): Promise<number> {
  const disk = realDisk(call.config.data)
  const text = readText(file)
  const free = takeLock(disk, `process ${process.pid}`)
  try {
    const files = keyFiles(disk)
    if (disk.exists(DATABASE_FILE) || hasKeys(files)) {
      throw new AppError(
        'conflict',
        `${disk.root} has a branch or keys already: nothing was written`,
      )
    }
    const opened = openKeys(text, await passphraseOf(call, { isNew: false }))
    if (!opened.ok) throw new AppError('conflict', `Cannot open ${file}: ${WHY[opened.reason]}`)
    files.unbundle(opened.bundle)
  } finally {
    free()
  }
  call.out(
    'The keys are here. Next: `restore FILE` with a copy of the database, or `rebuild` without one.\n',
  )
  return 0
}

/** Keys without their card, or not all of them, were not written to the end: they may be written again. */
export function hasKeys(files: KeyFiles): boolean {
  try {
    return files.findCard() !== undefined && files.findBranchKeys() !== undefined
  } catch (error) {
    if (error instanceof KeyFileDamaged) return false
    throw error
  }
}

/** The root key is more than any branch: it is never among a branch's keys. */
export function withoutRoot(files: KeyFiles): string {
  if (!files.findRootKey()) return ''
  return 'The root key of the organisation is not in it: `key export --authority FILE`.\n'
}

const WHY = {
  malformed: 'it is no key file of this release',
  passphrase: 'the passphrase is another one, or the file was altered',
} as const

/** All key files as one text closed by a passphrase. */
export function sealedKeys(files: KeyFiles, passphrase: string): string {
  const card = files.findCard()
  const organisation = card && decodeHello(card.chain)?.identity.organisation
  if (organisation === undefined) {
    throw new AppError('conflict', 'There are no keys of a branch here, or it was never started')
  }
  const given = { organisation, bundle: files.bundle(), passphrase }
  return sealKeys(given, freshFile(realRandom().bytes))
}
