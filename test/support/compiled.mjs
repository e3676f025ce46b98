/**
 * Loaded before each file of `npm test`: compiled code is kept between its two hundred processes, and a module that
 * says where it is is not looked up. Both as src/main.ts does it (docs/decisions/018-compile-cache.md). Not TypeScript:
 * stripping it would cost each process what it is to save.
 */
import { enableCompileCache, registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url)))

registerHooks({
  resolve(specifier, context, next) {
    const { parentURL, conditions, importAttributes } = context
    const isPlain = /^\.\.?\/.*\.ts$/.test(specifier) && parentURL?.endsWith('.ts')
    if (!isPlain || !conditions.includes('import')) return next(specifier)
    const { href } = new URL(specifier, parentURL)
    return { url: href, format: 'module-typescript', importAttributes, shortCircuit: true }
  },
})
