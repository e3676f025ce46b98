/** Splits a command line into words and flags; knows which flags take no value. */
import { SETTINGS, UsageError } from '../config.ts'

export type Arguments = {
  /** The words that are no flags: the command and its operands. */
  words: string[]
  flags: Record<string, string | true>
}

/** Flags of single commands, with what they are for; settings are in config.ts. */
const COMMAND_FLAGS: Record<string, 'flag' | 'value'> = {
  help: 'flag',
  reset: 'flag',
  'password-file': 'value',
  'first-name': 'value',
  'last-name': 'value',
  role: 'value',
  name: 'value',
  valid: 'value',
  reason: 'value',
  note: 'value',
  address: 'value',
  'forget-suite': 'value',
  authority: 'value',
  'passphrase-file': 'value',
  for: 'value',
  keep: 'value',
  'dry-run': 'flag',
  renew: 'flag',
  force: 'flag',
  files: 'flag',
  encoding: 'value',
  link: 'flag',
  // Set by `demo` for the branches it starts: opens its one-click sign-ins and keys.
  demo: 'flag',
}

/** Throws UsageError for a flag nobody knows or one without its value. */
export function argumentsOf(argv: readonly string[]): Arguments {
  const result: Arguments = { words: [], flags: {} }
  const rest = [...argv]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('--')) {
      result.words.push(word)
      continue
    }
    const [name = '', ...valueParts] = word.slice(2).split('=')
    const kind = kindOf(name)
    if (kind === undefined) {
      throw new UsageError(`There is no flag --${name}; --help lists them`)
    }
    if (kind === 'flag') {
      result.flags[name] = true
      continue
    }
    const value = valueParts.length > 0 ? valueParts.join('=') : rest.shift()
    if (value === undefined) throw new UsageError(`--${name} needs a value`)
    result.flags[name] = value
  }
  return result
}

function kindOf(name: string): 'flag' | 'value' | undefined {
  const setting = SETTINGS.find(({ flag }) => flag === name || `${flag}-file` === name)
  if (setting) return setting.kind === 'flag' ? 'flag' : 'value'
  return Object.hasOwn(COMMAND_FLAGS, name) ? COMMAND_FLAGS[name] : undefined
}
