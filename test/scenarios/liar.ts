/**
 * Loaded into a server by `--import`, a branch that lies on purpose: its code gives changed chunks of files to others as
 * if they were right ones. Nothing else of it is touched.
 */
import { registerHooks } from 'node:module'

const HONEST = 'return isChunk(blob, index, chunk) ? chunk : undefined'
const LIE = 'chunk[7] = (chunk[7] ?? 0) ^ 1; return chunk'

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.endsWith('/src/files/blobs.ts')) return loaded
    const code = Buffer.from(loaded.source as Uint8Array).toString()
    if (!code.includes(HONEST)) throw new Error('The liar no longer knows where to lie')
    return { ...loaded, source: code.replace(HONEST, LIE) }
  },
})
