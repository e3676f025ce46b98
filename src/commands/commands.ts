/** The commands: which there are, their help, and how a command line becomes one of them. */
import type { Config, Setting, Sources } from '../config.ts'
import { configOf, SETTINGS, UsageError } from '../config.ts'
import { type Arguments, argumentsOf } from './arguments.ts'

/** What a command is given of the process; `main.ts` alone knows the real ones. */
type Surroundings = {
  environment: Sources['environment']
  readFile(path: string): string
  out(text: string): void
  err(text: string): void
}

/** Everything a command may use. */
export type Call = Surroundings & {
  config: Config
  /** Operands after the command's name. */
  words: readonly string[]
  flags: Arguments['flags']
}

/** `load`: the command with what it needs, when it is asked for. */
type Command = { load(): Promise<(call: Call) => Promise<number>>; usage: string; does: string }

const COMMANDS: Record<string, Command> = {
  serve: {
    load: () => import('./serve.ts').then(({ serve }) => serve),
    usage: 'serve',
    does: 'runs the branch (the default)',
  },
  demo: {
    load: () => import('./demo/demo.ts').then(({ demo }) => demo),
    usage: 'demo [--reset]',
    does: 'two linked branches on this machine with a small company, in ./data-demo',
  },
  invite: {
    load: () => import('./peers.ts').then(({ invite }) => invite),
    usage: 'invite --branch NAME [--valid 24h] [--address HOST:PORT]',
    does: 'prints one line: the invitation for a new branch',
  },
  user: {
    load: () => import('./users.ts').then(({ user }) => user),
    usage:
      'user add LOGIN --first-name F --last-name L [--role ROLE] [--password-file FILE], ' +
      'user import FILE [--dry-run] [--renew] [--encoding NAME], user export, ' +
      'user ldap [--dry-run] [--force]',
    does:
      'creates an account; also: user list, user password LOGIN, user disable LOGIN; ' +
      'creates and changes accounts by a CSV file, and writes one; imports people from LDAP',
  },
  cert: {
    load: () => import('./cert.ts').then(({ cert }) => cert),
    usage:
      'cert list, cert renew, cert new, cert issuer --branch NAME, ' +
      'cert revoke --branch NAME --reason REASON [--note TEXT]',
    does:
      'which branches are believed and until when; a new certificate now, by a new key too; ' +
      'lets one more branch sign certificates; ends one branch for good',
  },
  trace: {
    load: () => import('./trace.ts').then(({ trace }) => trace),
    usage: 'trace MESSAGE',
    does: 'where a message is, by its id or address: stored, waiting and why, carried by whom',
  },
  doctor: {
    load: () => import('./doctor/doctor.ts').then(({ doctor }) => doctor),
    usage: 'doctor [--files]',
    does: 'looks at the data folder, only reading, and says what is wrong and what to do; --files: also at every stored file, and a running server fetches what is damaged',
  },
  report: {
    load: () => import('./report.ts').then(({ report }) => report),
    usage: 'report verify FILE',
    does: 'checks a file of exported messages by their signatures; no server is needed',
  },
  key: {
    load: () => import('./key.ts').then(({ key }) => key),
    usage:
      'key export|remove|import --authority FILE [--passphrase-file FILE] [--for 1h], key export|import --branch FILE, key rotate --link',
    does: "the key above all certificates: into a file, off this server, and back for a while; this branch's own keys: into a file, and out of it into an empty folder; a new link key for all",
  },
  backup: {
    load: () => import('./backup.ts').then(({ backup }) => backup),
    usage: 'backup FILE [--passphrase-file FILE] [--keep 30d]',
    does: 'a copy of the database while the server runs, with the keys if there is a passphrase',
  },
  restore: {
    load: () => import('./restore.ts').then(({ restore }) => restore),
    usage: 'restore FILE [--passphrase-file FILE]',
    does: 'puts a copy into a folder without a database; the rest comes back from other branches',
  },
  rebuild: {
    load: () => import('./restore.ts').then(({ rebuild }) => rebuild),
    usage: 'rebuild',
    does: 'an empty database for a branch of which only the keys are left; all comes from others',
  },
  peers: {
    load: () => import('./peers.ts').then(({ peers }) => peers),
    usage: 'peers [--forget-suite NAME]',
    does: 'what this branch is linked with, and what waits; with the flag: that branch went back to an older release',
  },
}

/** Runs the command a command line names; the result is the exit status. */
export async function commandOf(
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { words, flags } = argumentsOf(argv)
  const [name = 'serve', ...operands] = words
  if (flags.help || name === 'help') {
    surroundings.out(help())
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new UsageError(`There is no command "${name}"; --help lists them`)
  const { environment, readFile } = surroundings
  const config = configOf({
    flags,
    environment: name === 'serve' ? environment : withoutFirstStart(environment),
    readFile,
  })
  const run = await command.load()
  return run({ ...surroundings, config, words: operands, flags })
}

/** Settings of a first start are not for the commands that come after it. */
function withoutFirstStart(environment: Sources['environment']): Sources['environment'] {
  return { ...environment, BRANCHLINE_ORG: undefined, BRANCHLINE_JOIN: undefined }
}

function help(): string {
  const commands = Object.values(COMMANDS)
    .map(({ usage, does }) => `  ${usage}\n      ${does}`)
    .join('\n')
  return `Branchline: a messenger for organisations with several offices.

node src/main.ts COMMAND [--flag value]

Commands:
${commands}

Settings (every one is also BRANCHLINE_NAME in the environment; secrets also --NAME-file):
${settingsHelp()}
`
}

/** The settings part of `--help`. */
function settingsHelp(): string {
  return SETTINGS.map((setting) => {
    const value = setting.kind === 'flag' ? '' : ` ${VALUE_OF[setting.kind]}`
    const fallback = setting.default === undefined ? '' : ` (default ${setting.default})`
    return `  --${setting.flag}${value}\n      ${setting.help}${fallback}`
  }).join('\n')
}

const VALUE_OF: Record<Exclude<Setting['kind'], 'flag'>, string> = {
  folder: 'DIR',
  address: 'HOST:PORT',
  addresses: 'LIST',
  choice: 'NAME',
  text: 'TEXT',
  relay: 'HOST:PORT|zt|off',
  announce: 'BROADCAST:PORT|off',
  tls: 'auto|CERT.pem,KEY.pem|off',
  names: 'LIST',
  scanner: 'clamd:...|icap:...|command:...',
  secret: 'TEXT',
  count: 'NUMBER',
}
