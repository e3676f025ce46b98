/**
 * Loaded into a server of the soak by `--import`: garbage is collected every quarter of a minute. The engine lets a heap
 * grow as long as there is memory; without its patience what grows is a leak.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const EVERY_MS = 15_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
setInterval(collect, EVERY_MS).unref()
