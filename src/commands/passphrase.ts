/** A passphrase from a file or asked for at the terminal, without showing it. Never from the command line. */
import { PASSPHRASE_CHARACTERS_MIN } from '../certificates/passphrase-file.ts'
import { UsageError } from '../config.ts'
import type { Call } from './commands.ts'
import { readText } from './files.ts'

/** `isNew`: asked for twice, and long enough. */
export async function passphraseOf(call: Call, { isNew }: { isNew: boolean }): Promise<string> {
  const file = call.flags['passphrase-file']
  const given = typeof file === 'string' ? readText(file).replace(/\r?\n$/, '') : undefined
  const passphrase = given ?? (await asked(call, 'Passphrase: '))
  if (isNew && [...passphrase].length < PASSPHRASE_CHARACTERS_MIN) {
    throw new UsageError(`A passphrase has at least ${PASSPHRASE_CHARACTERS_MIN} characters`)
  }
  if (isNew && given === undefined && (await asked(call, 'Once more: ')) !== passphrase) {
    throw new UsageError('The two passphrases are not the same')
  }
  return passphrase
}

const ENTER = ['\r', '\n']
const END = ['\u0003', '\u0004'] // Ctrl-C, Ctrl-D
const BACK = ['\u007f', '\b']

/** One line of a terminal in raw mode: nothing of it is echoed. */
function asked({ err }: Call, question: string): Promise<string> {
  const { stdin } = process
  if (stdin.isTTY !== true) {
    throw new UsageError('There is no terminal to ask for a passphrase: use --passphrase-file FILE')
  }
  err(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const done = (settle: () => void) => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      err('\n')
      settle()
    }
    const onData = (text: string) => {
      for (const letter of text) {
        if (ENTER.includes(letter)) return done(() => resolve(typed.join('')))
        if (END.includes(letter)) return done(() => reject(new UsageError('Nothing was done')))
        typed = BACK.includes(letter) ? typed.slice(0, -1) : [...typed, letter]
      }
    }
    stdin.on('data', onData)
  })
}
