/** The entry: arguments to a command, its outcome to an exit status. 0 done, 1 refused or failed, 2 wrong usage. */
import { existsSync, readFileSync } from 'node:fs'
import { enableCompileCache, registerHooks } from 'node:module'
import { join } from 'node:path'

/** Compiled code is kept in the data folder (docs/decisions/018-compile-cache.md), before anything else is loaded. */
function keepCompiled(argv: readonly string[]): void {
  const given = argv.flatMap((word, n) => {
    if (word === '--data') return argv.slice(n + 1, n + 2)
    return word.startsWith('--data=') ? [word.slice('--data='.length)] : []
  })
  const folder = given.at(-1) ?? process.env.BRANCHLINE_DATA ?? './data'
  if (existsSync(folder)) enableCompileCache(join(folder, 'cache'))
}

/**
 * `./file.ts` and `./file.js` in a module name the file itself, and what imports it tells its format: Node would look
 * at three paths and two package.json for each of five hundred files (docs/decisions/018-compile-cache.md).
 */
function resolveAtOnce(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL, conditions, importAttributes } = context
      const [extension] = /(?<=^\.\.?\/.*)\.[tj]s$/.exec(specifier) ?? []
      // A package's `.mjs` may import a `.js` of CommonJS; one `.js` that imports another may not.
      const isPlain = extension !== undefined && parentURL?.endsWith(extension)
      if (!isPlain || !conditions.includes('import')) return next(specifier)
      const format = extension === '.ts' ? 'module-typescript' : 'module'
      const { href } = new URL(specifier, parentURL)
      return { url: href, format, importAttributes, shortCircuit: true }
    },
  })
}

async function statusOf(argv: readonly string[]): Promise<number> {
  keepCompiled(argv)
  resolveAtOnce()
  const { commandOf } = await import('./commands/commands.ts')
  const { UsageError } = await import('./config.ts')
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

// Before the first file: database, socket and cache are the owner's alone, whatever the system's habit is.
process.umask(0o077)
// Not by running dry: a read of standard input cannot be taken back and would keep the process for ever.
const status = await statusOf(process.argv.slice(2))
// What a full pipe has not taken yet would be lost, and with it passwords that are printed once.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
process.exit(status)
