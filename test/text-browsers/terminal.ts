/**
 * w3m and lynx at a terminal of 80 by 40, driven by the keys a person presses: search, Tab, Enter, and "save this page
 * to a file", which is how a test reads what they show. `script` gives them the terminal they insist on.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath } from '../browser/support.ts'
import { until, WAIT_MS_MAX } from '../scenarios/servers.ts'

export const TEXT_BROWSERS = ['w3m', 'lynx'] as const
export type TextBrowser = (typeof TEXT_BROWSERS)[number]

const ENTER = '\r'
const TAB = '\t'
const ERASE = '\x15'
export const COLUMNS = 80

const LYNX_SETTINGS = [
  'INCLUDE:/etc/lynx/lynx.cfg',
  'ACCEPT_ALL_COOKIES:TRUE',
  'INFOSECS:0',
  'MESSAGESECS:0',
  'ALERTSECS:0',
  'TEXTFIELDS_NEED_ACTIVATION:TRUE',
  'CHARACTER_SET:utf-8',
]

/** For `describe`: which program is missing, or false. */
export function missing(browser: TextBrowser): string | false {
  const absent = [browser, 'script'].find((name) => programPath(name) === undefined)
  return absent === undefined ? false : `no ${absent} on the PATH`
}

/** What a person does, as keys of one of the two browsers. */
export type Hand = {
  /** Follows the link with these words. */
  follow(words: string): string
  /** Types into the field behind these words; the next thing Enter would press is what follows it. */
  type(label: string, text: string): string
  /** Presses the button that stands next. */
  press(): string
  /** Presses the first button behind these words. */
  pressAfter(words: string): string
  save(path: string): string
  quit: string
}

export const HANDS: Record<TextBrowser, Hand> = {
  w3m: {
    follow: (words) => `/${words}${ENTER}${ENTER}`,
    type: (label, text) => `/${label}${ENTER}${TAB}${ENTER}${text}${ENTER}`,
    press: () => TAB + ENTER,
    pressAfter: (words) => `/${words}${ENTER}${TAB}${ENTER}`,
    save: (path) => `S${path}${ENTER}`,
    quit: 'Q',
  },
  lynx: {
    follow: (words) => `/${words}${ENTER}${ENTER}`,
    // A search ends at the first link behind the words; the next Tab leaves the field.
    type: (label, text) => `/${label}${ENTER}${ENTER}${text}${TAB}`,
    press: () => ENTER,
    pressAfter: (words) => `/${words}${ENTER}${ENTER}`,
    save: (path) => `p${ENTER}${ERASE}${path}${ENTER}`,
    quit: 'Qy',
  },
}

/** One person at one terminal, from the first page to the last key. */
export class Session {
  readonly #folder = mkdtempSync(join(tmpdir(), 'branchline-terminal-'))
  readonly #browser: TextBrowser
  #keys = ''
  #saved = 0
  #child: ChildProcess | undefined
  #screen = ''

  constructor(browser: TextBrowser) {
    this.#browser = browser
  }

  /** Keys to press, in order; they are all pressed by `run`. */
  keys(...keys: string[]): void {
    this.#keys += keys.join('')
  }

  /** Saves the page that stands there then; `page` reads it. */
  save(): string {
    const path = join(this.#folder, `page-${++this.#saved}`)
    this.keys(HANDS[this.#browser].save(path))
    return path
  }

  /** Opens the address and presses the keys. */
  run(address: string): void {
    const keys = this.#keys + HANDS[this.#browser].quit
    const command = `stty cols ${COLUMNS} rows 40; exec ${this.#command(keys, address)}`
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: this.#folder, TERM: 'vt100', LANG: 'C.UTF-8' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.stdout.on('data', (chunk: Buffer) => {
      this.#screen = (this.#screen + chunk.toString()).slice(-2000)
    })
    this.#child = child
    if (this.#browser === 'w3m') child.stdin.write(keys)
  }

  #command(keys: string, address: string): string {
    if (this.#browser === 'w3m') return `w3m -cookie -o wrap_search=1 ${address}`
    const [settings, script] = [join(this.#folder, 'settings'), join(this.#folder, 'script')]
    writeFileSync(settings, `${LYNX_SETTINGS.join('\n')}\n`)
    writeFileSync(script, lynxScript(keys))
    return `lynx -cfg=${settings} -nopause -cmd_script=${script} ${address}`
  }

  /** A saved page, as soon as it is there. */
  async page(path: string): Promise<string> {
    let text = ''
    await until(
      `${this.#browser} saves a page; its screen: ${JSON.stringify(this.#screen)}`,
      async () => {
        const before = text
        text = existsSync(path) ? readFileSync(path, 'utf8') : ''
        return text !== '' && text === before
      },
    )
    return text
  }

  /** Waits until the browser was quit, and says that it was not pushed. */
  async ended(): Promise<void> {
    const child = this.#child
    await until(`${this.#browser} is quit`, async () => child?.exitCode !== null)
    assert.equal(child?.exitCode, 0)
  }

  remove(): void {
    this.#child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Keys as lynx reads them from a file (`-cmd_script`). */
function lynxScript(keys: string): string {
  const names = new Map([
    [ENTER, '^M'],
    [TAB, '<tab>'],
    [ERASE, '^U'],
    [' ', '<space>'],
  ])
  const bytes = [...Buffer.from(keys)]
  const name = (byte: number) => {
    const character = String.fromCharCode(byte)
    return names.get(character) ?? (byte < 127 ? character : `0x${byte.toString(16)}`)
  }
  return bytes.map((byte) => `key ${name(byte)}\n`).join('')
}

export const SESSION_MS_MAX = 2 * WAIT_MS_MAX
