/**
 * `doctor`: looks at a data folder and says what is well, what is not, and what to do. It only reads, also while the
 * server runs, and runs on a folder that no server can open. Exit status 1 when something is bad.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { keyFiles } from '../../certificates/keys.ts'
import { UsageError } from '../../config.ts'
import { DATABASE_FILE } from '../../db/open.ts'
import { type LookedAt, lookAt, SCHEMA } from '../../db/open-read.ts'
import { findMembership } from '../../organisation/membership.ts'
import { realBlobDisk } from '../../world/blob-disk.ts'
import { realClock } from '../../world/clock.ts'
import { realDisk } from '../../world/disk.ts'
import { realNetwork } from '../../world/network.ts'
import type { Call } from '../commands.ts'
import { type Control, runningControl } from '../control-client.ts'
import { auditFindings } from './audit.ts'
import { fileFindings } from './files.ts'
import { bad, type Finding, lineOf, ok, warn } from './finding.ts'
import * as folder from './folder.ts'
import * as trust from './trust.ts'

/** The command `doctor`. */
export async function doctor(call: Call): Promise<number> {
  if (call.words.length > 0) throw new UsageError('doctor takes the folder of --data, and no word')
  const { data } = call.config
  if (!existsSync(data)) throw new UsageError(`--data is "${data}"; there is no such folder`)
  const found: Finding[] = []
  const say = (...findings: readonly Finding[]) => {
    for (const finding of findings) call.out(lineOf(finding))
    found.push(...findings)
  }
  say(folder.folderFinding(data), folder.diskFinding(data))
  say(...(await serverFindings(call)))
  say(...(await databaseFindings(call)))
  if (call.flags.files) for await (const finding of storedFiles(call)) say(finding)
  say(trust.relayFinding(call.config, realNetwork))
  const count = (state: Finding['state']) => found.filter((each) => each.state === state).length
  call.out(`${count('ok')} ok, ${count('warn')} to look at, ${count('bad')} bad\n`)
  return count('bad') === 0 ? 0 : 1
}

/** Whether one runs, and what it says of its lines. */
async function serverFindings({ config }: Call): Promise<Finding[]> {
  try {
    const control = await runningControl(config)
    if (!control) return [warn('server', 'none runs on this folder', 'start it: `serve`')]
    const { isSetUp } = await control<{ isSetUp: boolean }>('GET', '/status')
    if (!isSetUp) return [warn('server', 'runs, and is not set up yet', 'open its page /setup')]
    const peers = await control<trust.PeerSeen[]>('GET', '/peers')
    return [ok('server', 'runs'), ...trust.linkFindings(peers)]
  } catch (error) {
    return [bad('server', `does not answer: ${wordsOf(error)}`, 'look into its log')]
  }
}

async function databaseFindings({ config: { data } }: Call): Promise<Finding[]> {
  const path = join(data, DATABASE_FILE)
  const lost = '`restore FILE` puts a copy back, `rebuild` begins an empty one by the keys'
  if (!existsSync(path)) return [bad('database', 'there is none', lost)]
  let file: LookedAt
  try {
    file = lookAt(path)
  } catch (error) {
    return [bad('database', `cannot be read: ${wordsOf(error)}`, lost)]
  }
  try {
    const whole = folder.databaseFinding(file)
    const schema = folder.schemaFinding(file)
    if (whole.state === 'bad' || file.schema !== SCHEMA) return [whole, schema]
    return [whole, schema, ...(await recordFindings(data, file))]
  } catch (error) {
    return [bad('database', `cannot be read: ${wordsOf(error)}`, lost)]
  } finally {
    file.close()
  }
}

/** What stands in a database that is whole and of this release. */
async function recordFindings(data: string, file: LookedAt): Promise<Finding[]> {
  const { db } = file
  const membership = await findMembership(db)
  if (!membership) return [warn('branch', 'not set up yet', 'open its page /setup')]
  const now = realClock.now()
  return [
    await folder.keysFinding(file, keyFiles(realDisk(data)), membership),
    await trust.certificateFinding(db, now),
    await trust.issuersFinding(db, membership, now),
    await trust.clockFinding(db, now),
    await trust.backupFinding(db, now),
    ...(await auditFindings(db, membership)),
  ]
}

/** Of a database that can be read; else the line above says what is wrong. */
async function* storedFiles({ config, err }: Call): AsyncGenerator<Finding> {
  const path = join(config.data, DATABASE_FILE)
  if (!existsSync(path)) return
  let file: LookedAt | undefined
  try {
    file = lookAt(path)
    if (file.schema !== SCHEMA) return
    const { db } = file
    const control = await setUpControl(config)
    const disk = realBlobDisk(config.data)
    yield* fileFindings({ db, disk, control, now: realClock.now, progress: err })
  } catch (error) {
    yield bad('files', `cannot be looked at: ${wordsOf(error)}`, 'look at the lines above first')
  } finally {
    file?.close()
  }
}

async function setUpControl(config: Call['config']): Promise<Control | undefined> {
  const control = await runningControl(config)
  const isSetUp = control && (await control<{ isSetUp: boolean }>('GET', '/status')).isSetUp
  return isSetUp ? control : undefined
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
