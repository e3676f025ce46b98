/**
 * The imports of this branch while they last: a dry run that waits for its "do it", one that is being done, and the
 * temporary passwords until they are printed. All of it lives in memory and ends by itself: no password is ever
 * written down in clear, and after a restart there is none.
 */
import { AppError, notFound } from '../base/errors.ts'
import { MINUTE, type Millis } from '../base/units.ts'
import type { Cancel } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import {
  type ImportDeps,
  type ImportFile,
  type Plan,
  type Progress,
  planImport,
  runImport,
  type Slip,
  type Who,
} from './import-run.ts'
import type { Person } from './queries.ts'

/** Long enough to read the list or to print the sheets; then dry run and passwords are forgotten. */
const IMPORT_MS_MAX: Millis = 30 * MINUTE
/** Each holds a file and its lines: some 20 MB at most. */
const IMPORTS_MAX = 4

export type Import = {
  id: string
  by: string
  name: string
  renews: boolean
  state: 'shown' | 'running' | 'done' | 'failed'
  plan: Plan
  progress: Progress
}

type Kept = Import & { bytes: Uint8Array; cancel: Cancel }

export type Imports = {
  /** A dry run that waits for `start`. */
  show(by: Person, file: ImportFile & { name: string; renews: boolean }): Promise<Import>
  /** The same file read otherwise. */
  showAgain(by: Person, id: string, how: Pick<ImportFile, 'encoding'>): Promise<Import>
  /** Whose it is not, does not learn that it is there: throws not-found. */
  find(by: Person, id: string): Import
  /** Begins to do what was shown; the state tells how far it is. */
  start(by: Person, id: string): void
  /** The passwords, once; undefined when they were taken or have ended. */
  takeSlips(by: Person, id: string): readonly Slip[] | undefined
  /** Plans and does it in one, for scripts and commands; one at a time. */
  now(who: Who, file: ImportFile & { isDry: boolean }): Promise<{ plan: Plan } & Progress>
  stop(): void
}

type Parts = { deps: ImportDeps; log: Log; kept: Map<string, Kept>; isBusy: boolean }

/** Of a running branch. */
export function createImports(deps: ImportDeps & { log: Log }): Imports {
  const parts: Parts = { deps, log: deps.log, kept: new Map(), isBusy: false }
  const { kept } = parts
  const find = (by: Person, id: string): Kept => {
    const found = kept.get(id)
    if (found === undefined || found.by !== by.id) throw notFound('import')
    return found
  }
  return {
    find,
    async show(by, { bytes, encoding, name, renews }) {
      const plan = await planImport(deps, { by, renews }, { bytes, encoding })
      return keep(parts, { by: by.id, name, renews, plan, bytes })
    },
    async showAgain(by, id, { encoding }) {
      const { name, renews, bytes, state } = find(by, id)
      if (state !== 'shown') throw notFound('import')
      const plan = await planImport(deps, { by, renews }, { bytes, encoding })
      forget(parts, id)
      return keep(parts, { by: by.id, name, renews, plan, bytes })
    },
    start(by, id) {
      const job = find(by, id)
      if (parts.isBusy) throw busy()
      if (job.state === 'shown') void run(parts, job, { by, renews: job.renews })
    },
    takeSlips(by, id) {
      const { progress } = find(by, id)
      const slips = progress.slips.splice(0)
      return slips.length === 0 ? undefined : slips
    },
    async now({ by, renews }, { isDry, ...file }) {
      const plan = await planImport(deps, { by, renews }, file)
      const progress: Progress = { outcomes: [], slips: [] }
      if (!isDry) await alone(parts, () => runImport(deps, { by, renews }, { plan, progress }))
      return { plan, ...progress }
    },
    stop: () => [...kept.keys()].forEach((id) => void forget(parts, id)),
  }
}

function keep(parts: Parts, of: Pick<Kept, 'by' | 'name' | 'renews' | 'plan' | 'bytes'>): Kept {
  const { kept, deps } = parts
  for (const [id, { state }] of kept) {
    if (kept.size < IMPORTS_MAX) break
    if (state !== 'running') forget(parts, id)
  }
  const id = deps.random.id()
  const cancel = deps.clock.after(IMPORT_MS_MAX, () => forget(parts, id))
  const job: Kept = { ...of, id, state: 'shown', progress: { outcomes: [], slips: [] }, cancel }
  kept.set(id, job)
  return job
}

function forget({ kept }: Parts, id: string): void {
  kept.get(id)?.cancel()
  kept.delete(id)
}

async function run(parts: Parts, job: Kept, who: Who): Promise<void> {
  const { deps, log } = parts
  const { plan, progress } = job
  try {
    await alone(parts, async () => {
      job.state = 'running'
      await runImport(deps, who, { plan, progress })
    })
    job.state = 'done'
  } catch (error) {
    job.state = 'failed'
    log.error('accounts.import.failed', { error })
  }
  // From now on as long again: an import may begin late and the sheets must still be printed.
  job.cancel()
  job.cancel = deps.clock.after(IMPORT_MS_MAX, () => forget(parts, job.id))
  job.bytes = new Uint8Array(0)
}

/** Two at once would only make each other's lines stale. */
async function alone(parts: Parts, work: () => Promise<void>): Promise<void> {
  if (parts.isBusy) throw busy()
  parts.isBusy = true
  const began = parts.deps.clock.now()
  try {
    await work()
    parts.log.info('accounts.import.done', { ms: parts.deps.clock.now() - began })
  } finally {
    parts.isBusy = false
  }
}

function busy(): AppError {
  const message = 'Cannot import: another import is being done'
  return new AppError('conflict', message, { detail: 'import-busy' })
}
