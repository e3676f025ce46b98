/** The machine that figures were measured on: without it they say nothing. */
import { cpus, loadavg, release, totalmem } from 'node:os'

/** Cores, memory, system and how busy it is now. */
export function machine(): string {
  const [first] = cpus()
  const gib = Math.round(totalmem() / 2 ** 30)
  const load = loadavg()[0]?.toFixed(2)
  return `${cpus().length} cores (${first?.model.trim()}), ${gib} GiB, Linux ${release()}, Node ${process.version}, load ${load}`
}
