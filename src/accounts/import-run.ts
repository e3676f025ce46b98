/**
 * Does an import, line by line: a few transactions at a time, so that chat goes on, and each line is done whole or not
 * at all. Done again after a crash, the same file finds its first lines done already and does the rest.
 */
import { AppError } from '../base/errors.ts'
import type { Db } from '../db/open.ts'
import type { Clock } from '../world/clock.ts'
import { editPerson, putTemporary } from './actions.ts'
import type { AccountDeps } from './authority.ts'
import { drawnCredential } from './credentials.ts'
import { type ImportLine, importLines, type Problem } from './import-lines.ts'
import { type Importer, importerOf, isAsShown, type Outcome, planned } from './import-plan.ts'
import { type Encoding, type ImportText, importText } from './import-text.ts'
import { writePerson } from './new-person.ts'
import { generatedPassword } from './passwords.ts'

export type ImportDeps = Omit<AccountDeps, 'clock'> & {
  clock: Pick<Clock, 'now' | 'soon' | 'after'>
}

/** What a person gets on paper. */
export type Slip = { name: string; login: string; password: string; language: string }

export type ImportFile = { bytes: Uint8Array; encoding?: Encoding | undefined }
export type Who = Pick<Importer, 'by' | 'renews'>

/** A dry run: what the file says, and what it would do. */
export type Plan = {
  file: Pick<ImportText, 'encoding' | 'separator' | 'isGuess'>
  lines: readonly ImportLine[]
  outcomes: readonly Outcome[]
}

/** Lines read or asked about before others get their turn: some 5 ms. */
const LINES_PER_TURN = 100
/** Lines that wait for one commit: some 20 ms, and what somebody sends meanwhile waits no longer. */
const LINES_PER_COMMIT = 16

const breath = (clock: Pick<Clock, 'soon'>) => new Promise<void>((resolve) => clock.soon(resolve))

/** What the file would do; changes nothing. Throws invalid-input for a file that cannot be used at all. */
export async function planImport(deps: ImportDeps, who: Who, file: ImportFile): Promise<Plan> {
  const { text, ...found } = importText(file.bytes, file.encoding)
  const { branch } = await importerOf(deps, deps.store.read, who)
  const lines: ImportLine[] = []
  for (const line of importLines({ text, ...found }, branch)) {
    lines.push(line)
    if (lines.length % LINES_PER_TURN === 0) await breath(deps.clock)
  }
  return { file: found, lines, outcomes: await outcomesOf(deps, who, lines) }
}

/** What lines that were read already would do. */
export async function outcomesOf(
  deps: ImportDeps,
  who: Who,
  lines: readonly ImportLine[],
): Promise<Outcome[]> {
  const importer = await importerOf(deps, deps.store.read, who)
  const outcomes: Outcome[] = []
  for (let at = 0; at < lines.length; at += LINES_PER_TURN) {
    const part = lines.slice(at, at + LINES_PER_TURN)
    outcomes.push(...(await planned(deps.store.read, importer, part)))
    await breath(deps.clock)
  }
  return outcomes
}

/** What came of each line so far. */
export type Progress = { outcomes: Outcome[]; slips: Slip[] }

/** Does what was shown; `progress` grows as lines are done, and keeps what is done when it fails. */
export async function runImport(
  deps: ImportDeps,
  who: Who,
  { plan, progress }: { plan: Pick<Plan, 'lines' | 'outcomes'>; progress: Progress },
): Promise<void> {
  for (let at = 0; at < plan.lines.length; at += LINES_PER_COMMIT) {
    const importer = await importerOf(deps, deps.store.read, who)
    const lines = plan.lines.slice(at, at + LINES_PER_COMMIT)
    const done = await Promise.allSettled(
      lines.map((line, i) => doLine(deps, importer, { line, shown: plan.outcomes[at + i] })),
    )
    for (const each of done) {
      if (each.status === 'rejected') continue
      progress.outcomes.push(each.value.outcome)
      if (each.value.slip) progress.slips.push(each.value.slip)
    }
    const failed = done.find((each) => each.status === 'rejected')
    if (failed) throw failed.reason
  }
}

/** Between the dry run and now somebody else changed what the line is about. */
const moved = (detail = 'moved'): Problem => ({ detail, values: {} })

function refusedAs(outcome: Outcome, problem: Problem): Outcome {
  return { ...outcome, kind: 'refused', problem, hasPassword: false }
}

type Done = { outcome: Outcome; slip?: Slip }

async function doLine(
  deps: ImportDeps,
  importer: Importer,
  { line, shown }: { line: ImportLine; shown: Outcome | undefined },
): Promise<Done> {
  if (shown === undefined) throw new Error('A line without its dry run')
  if (shown.kind === 'refused' || (shown.kind === 'same' && !shown.hasPassword)) {
    return { outcome: shown }
  }
  const password = shown.hasPassword ? generatedPassword(deps.random) : undefined
  try {
    const outcome = await deps.store.writer.write((tx) =>
      written(deps, tx, { importer, line, shown, password }),
    )
    if (password === undefined || !outcome.hasPassword) return { outcome }
    const { login, name } = outcome
    return { outcome, slip: { login, name, password, language: line.wish.language ?? '' } }
  } catch (error) {
    const isOfLine = error instanceof AppError && error.code !== 'unavailable'
    if (!isOfLine) throw error
    const problem = { detail: error.detail ?? error.code, values: error.values }
    return { outcome: refusedAs(shown, problem) }
  }
}

async function written(
  deps: ImportDeps,
  tx: Db,
  of: { importer: Importer; line: ImportLine; shown: Outcome; password: string | undefined },
): Promise<Outcome> {
  const { importer, line, shown, password } = of
  const { by } = importer
  const [now] = await planned(tx, importer, [line])
  if (now === undefined || now.kind === 'refused') return now ?? shown
  if (!isAsShown(shown, now)) {
    if (now.kind === 'same') return { ...now, hasPassword: false }
    return refusedAs(now, moved())
  }
  const credential = password === undefined ? undefined : drawnCredential(deps.random, password)
  if (now.kind === 'create') {
    if (credential === undefined) throw new Error('A person without a password')
    const { login, wish } = line
    const input = { ...wish, login, firstName: wish.firstName ?? '' }
    await writePerson(deps, tx, { input, credential, mustChange: true, by })
    return now
  }
  const id = await idOf(tx, deps, line.login)
  if (now.kind === 'change') await editPerson(deps, tx, { id, changes: line.wish, by })
  if (credential)
    await putTemporary(deps, tx, { id, credential, mustChange: true, isDrawn: true, by })
  return now
}

async function idOf(tx: Db, { self }: Pick<AccountDeps, 'self'>, login: string) {
  const person = tx.selectFrom('user').where('home', '=', self).where('login', '=', login)
  return (await person.select('id').executeTakeFirstOrThrow()).id
}
