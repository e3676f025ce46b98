/** The entry: arguments to a command, its outcome to an exit status. 0 done, 1 refused or failed, 2 wrong usage. */
import { readFileSync } from 'node:fs'
import { commandOf } from './commands/commands.ts'
import { UsageError } from './config.ts'

async function statusOf(argv: readonly string[]): Promise<number> {
  try {
    return await commandOf(argv, {
      environment: process.env,
      readFile: (path) => readFileSync(path, 'utf8'),
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
    })
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    process.stderr.write(`branchline: ${words}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

// Not by running dry: a read of standard input cannot be taken back and would keep the process for ever.
process.exit(await statusOf(process.argv.slice(2)))
