/**
 * A quarter of a run was noble's curves, which are thirty times slower than node:crypto's; test/certificates compares
 * the two on everything. Whatever is imported after this file gets node:crypto's in their place: the keys, the bytes
 * and the hash of a run stay the same.
 */
import { registerHooks } from 'node:module'

const OURS = new URL('../../src/', import.meta.url).href
const CURVES = new URL('./curves.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = context.parentURL?.startsWith(OURS)
    if (!isOurs || specifier !== '@noble/curves/ed25519.js') return next(specifier, context)
    return { url: CURVES, shortCircuit: true }
  },
})
