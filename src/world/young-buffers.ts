/**
 * Buffers of files, and V8's memory: it counts the bytes of young buffers against the limit of its old space, which is
 * small while little lives in it. So it would go through all of its memory for every 20 MB of buffers, in pauses that
 * messages feel, though freeing the young ones alone takes a millisecond: that it does by itself only at 32 MB, and
 * never gets there. So this asks for it in time. Measured in docs/benchmarks.md, "Files".
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Of files. Each byte of them passes two or three buffers, and what was freed is counted for another round. */
const BYTES_BETWEEN = 1024 * 1024

type Collect = (what: { type: 'minor' }) => void

/** What to tell of the bytes of files that were read or written. */
export function youngBuffers(): (bytes: number) => void {
  let collect: Collect | undefined
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < BYTES_BETWEEN) return
    passed = 0
    collect ??= collection()
    collect({ type: 'minor' })
  }
}

/** V8 shows it in contexts that are made after it was told to; elsewhere there is none, and it is only slower. */
function collection(): Collect {
  setFlagsFromString('--expose-gc')
  const found: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return typeof found === 'function' ? (found as Collect) : () => {}
}
