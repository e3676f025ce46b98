/** `user import FILE`, `user export`, `user ldap`: many accounts at once from the command line. */
import { readFileSync } from 'node:fs'
import { ENCODINGS } from '../accounts/import-text.ts'
import type { LdapOutcome } from '../accounts/ldap-import.ts'
import type { Imported } from '../admin/import-api.ts'
import { UsageError } from '../config.ts'
import type { Call } from './commands.ts'
import { withControl } from './with-branch.ts'

/** Every line that is not as it was, then the temporary passwords; 1 when a line was refused. */
export async function importUsers(call: Call, file: string | undefined): Promise<number> {
  if (file === undefined) throw new UsageError('user import needs a FILE')
  const { encoding } = call.flags
  if (encoding !== undefined && !ENCODINGS.some((name) => name === encoding)) {
    throw new UsageError(`--encoding is one of ${ENCODINGS.join(', ')}`)
  }
  const wish = {
    csv: bytesOf(file).toString('base64'),
    isDryRun: call.flags['dry-run'] === true,
    renews: call.flags.renew === true,
    ...(encoding === undefined ? {} : { encoding }),
  }
  const done = await withControl(call.config, call.err, (control) =>
    control<Imported>('POST', '/users/import', wish),
  )
  for (const line of done.lines) call.out(told(line))
  const { create, change, same, refused } = done.counts
  const what = done.isDryRun ? 'Nothing was changed. It would be' : 'Done'
  call.out(`${what}: ${create} new, ${change} changed, ${same} as before, ${refused} refused\n`)
  return refused > 0 ? 1 : 0
}

function told({
  line,
  login,
  outcome,
  message,
  changes,
  password,
}: Imported['lines'][number]): string {
  if (outcome === 'same' && password === undefined) return ''
  const what = changes?.map(({ column, from, to }) => `${column} "${from}" -> "${to}"`).join(', ')
  const drawn = password === undefined ? '' : `; temporary password: ${password}`
  return `Line ${line}, ${login}: ${message ?? what ?? outcome}${drawn}\n`
}

/** What the import from LDAP does, or would do; 1 when it was stopped or a line was refused. */
export async function importFromLdap(call: Call): Promise<number> {
  const how = { isDry: call.flags['dry-run'] === true, isForced: call.flags.force === true }
  const { state, lines, disabled, enabled } = await withControl(call.config, call.err, (control) =>
    control<LdapOutcome>('POST', '/users/ldap', how),
  )
  for (const { login, kind, changes, problem } of lines) {
    if (kind === 'same') continue
    const what = changes.map(({ column, from, to }) => `${column} "${from}" -> "${to}"`).join(', ')
    call.out(`${login}: ${problem?.detail ?? (what === '' ? kind : what)}\n`)
  }
  for (const login of enabled) call.out(`${login}: enabled again\n`)
  const fate = state === 'stopped' ? 'would be disabled, and was not' : 'disabled'
  for (const login of disabled) call.out(`${login}: ${fate}\n`)
  if (state === 'stopped') {
    call.out('More people are missing than leave in a night; if that is right, add --force\n')
  }
  call.out(how.isDry ? 'Nothing was changed.\n' : 'Done.\n')
  return state === 'stopped' || lines.some(({ kind }) => kind === 'refused') ? 1 : 0
}

/** The accounts of all branches, as an import reads them. */
export async function exportUsers(call: Call): Promise<number> {
  const { csv } = await withControl(call.config, call.err, (control) =>
    control<{ csv: string }>('GET', '/users/export'),
  )
  call.out(csv)
  return 0
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    throw new UsageError(`Cannot read ${file}`)
  }
}
