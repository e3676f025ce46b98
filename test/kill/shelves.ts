/**
 * What must hold of files when all has healed: each opens wherever it belongs with the same SHA-256, `doctor --files`
 * finds nothing, and nothing is left on a disk that no message needs, once the collector's grace is over.
 */

import { createCollecting, strayNames } from '../../src/files/collecting.ts'
import { realBlobDisk } from '../../src/world/blob-disk.ts'
import { withCore } from '../bench/company.ts'
import { pause, spread } from '../bench/wait.ts'
import { run } from '../scenarios/servers.ts'
import type { Branch } from '../soak/branch.ts'
import type { Problems } from '../soak/checks.ts'
import type { Ledger, Person } from '../soak/ledger.ts'
import { isHere, readersOf, type SentFile, type Shelf } from './files.ts'

/** From the end of the storm until everything is everywhere. */
const HERE_MS_MAX = 300_000
const LOOK_MS = 500
const WIDTH = 6
const HOUR = 3_600_000
/** Uploads may be gone on with for a day; then what is strange must be so for an hour. */
const ROUNDS_AFTER_MS = [25 * HOUR, 27 * HOUR, 29 * HOUR]

/** Opens every file wherever it belongs; answers how many seconds it took. */
export async function openAll(
  problems: Problems,
  { files }: Shelf,
  ledger: Ledger,
): Promise<number> {
  const began = performance.now()
  const wanted = files.flatMap((sent) =>
    readersOf(ledger, sent).map((reader) => ({ sent, reader })),
  )
  const problem = (kind: string, example: string) => problems.add(kind, example)
  await spread(wanted.length, WIDTH, async (i) => {
    const one = wanted[i]
    if (one !== undefined) await opens({ ...one, problem, deadline: began + HERE_MS_MAX })
  })
  return (performance.now() - began) / 1000
}

type Opening = {
  sent: SentFile
  reader: Person
  problem(kind: string, example: string): void
  deadline: number
}

async function opens({ sent, reader, problem, deadline }: Opening): Promise<void> {
  while (!(await isHere({ problem }, reader, sent))) {
    if (performance.now() > deadline) {
      problem('a file is not here', `${sent.drawing.name} at ${reader.branch}`)
      return
    }
    await pause(LOOK_MS)
  }
}

/** `doctor --files` beside the running server. */
export async function askDoctor(problems: Problems, { name, site }: Branch): Promise<void> {
  const { out, err } = await run('doctor', '--files', '--data', site.data)
  const found = out.split('\n').filter((line) => /^(bad|warn +files)/.test(line))
  // What a death left between two steps is told, and goes within two hours: tidiedUp() looks whether it does.
  for (const line of found.filter((text) => !text.includes('that the database does not know'))) {
    problems.add('doctor', `${name}: ${line}`)
  }
  if (err !== '') problems.add('doctor', `${name}: ${err}`)
}

export type Leftovers = { strays: number; collected: number }

/** The collector's rounds of tomorrow, on the folder of a branch that has ended; then nothing may be strange or half. */
export async function tidiedUp(problems: Problems, { name, site }: Branch): Promise<Leftovers> {
  const disk = realBlobDisk(site.data)
  return await withCore(site, async ({ store }) => {
    let now = Date.now()
    let strays = 0
    for await (const _ of strayNames(store.read, disk)) strays++
    const begun = now
    const collecting = createCollecting({ store, disk, clock: { now: () => now } })
    let collected = 0
    for (const after of ROUNDS_AFTER_MS) {
      now = begun + after
      const round = await collecting.round()
      collected += round.blobs + round.strays + round.uploads
    }
    for (const folder of ['blobs/new', 'blobs/partial']) {
      for (const file of await disk.list(folder))
        problems.add('left over', `${name}: ${folder}/${file}`)
    }
    for await (const file of strayNames(store.read, disk))
      problems.add('left over', `${name}: ${file}`)
    const rows = await store.read.selectFrom('file').select(['id', 'blobId']).execute()
    for (const { id } of rows) problems.add('an upload is left over', `${name}: ${id}`)
    return { strays, collected }
  })
}
