/** `user add | list | password | disable | import | export`: accounts from the command line. */
import { UsageError } from '../config.ts'
import type { Call } from './commands.ts'
import { exportUsers, importFromLdap, importUsers } from './users-csv.ts'
import { withControl } from './with-branch.ts'

type Listed = { login: string; name: string; branch: string; role: string; disabled: boolean }

/** The command `user`. */
export async function user(call: Call): Promise<number> {
  const [verb, login] = call.words
  if (verb === 'list') return list(call)
  if (verb === 'export') return exportUsers(call)
  if (verb === 'ldap') return importFromLdap(call)
  if (verb === 'import') return importUsers(call, login)
  if (verb !== 'add' && verb !== 'password' && verb !== 'disable') {
    throw new UsageError(
      'Say what to do: user add LOGIN, user list, user password LOGIN, user disable LOGIN, ' +
        'user import FILE, user export, user ldap',
    )
  }
  if (login === undefined) throw new UsageError(`user ${verb} needs a login`)
  if (verb === 'disable') {
    await withControl(call.config, call.err, (control) =>
      control('POST', '/users/disable', { login }),
    )
    call.out(`${login} is disabled: every sign-in has ended\n`)
    return 0
  }
  const password = passwordOf(call)
  if (verb === 'password') {
    const made = await withControl(call.config, call.err, (control) =>
      control<{ password: string }>('POST', '/users/password', { login, password }),
    )
    call.out(`Temporary password of ${login}: ${made.password}\n`)
    return 0
  }
  return add(call, login, password)
}

async function add(call: Call, login: string, password: string | undefined): Promise<number> {
  const [given = '', ...rest] = text(call, 'name')?.split(' ') ?? []
  const firstName = text(call, 'first-name') ?? given
  const lastName = text(call, 'last-name') ?? rest.join(' ')
  if (firstName === '') throw new UsageError('user add needs --first-name and --last-name')
  const made = await withControl(call.config, call.err, (control) =>
    control<{ login: string; password: string }>('POST', '/users', {
      login,
      firstName,
      lastName,
      ...(password === undefined ? {} : { password }),
      ...(call.flags.role === undefined ? {} : { role: call.flags.role }),
    }),
  )
  call.out(`${made.login} can sign in. Temporary password: ${made.password}\n`)
  return 0
}

async function list(call: Call): Promise<number> {
  const users = await withControl(call.config, call.err, (control) =>
    control<Listed[]>('GET', '/users'),
  )
  for (const { login, name, branch, role, disabled } of users) {
    call.out(
      `${`${login}@${branch}`.padEnd(32)} ${name.padEnd(28)} ${role}${disabled ? ', disabled' : ''}\n`,
    )
  }
  return 0
}

function passwordOf(call: Call): string | undefined {
  const file = text(call, 'password-file')
  return file === undefined ? undefined : call.readFile(file).trim()
}

function text(call: Call, flag: string): string | undefined {
  const value = call.flags[flag]
  return typeof value === 'string' ? value : undefined
}
