/**
 * Two releases in one company. The earlier one speaks suite 1 alone, knows no CARRY, ACKVEC and HEAD, and lacks two
 * kinds of events, one of records and one of mail. The later one is the program as it is, and these two kinds, which
 * stand for whatever comes next. Branches are upgraded in the middle of a storm or at its end: then everybody has what
 * was written in the new kinds, also what came before the upgrade.
 */
import { sql } from 'kysely'
import type { Core } from '../../src/core.ts'
import type { Db } from '../../src/db/open.ts'
import type { EventKind, LoggedEvent } from '../../src/eventlog/events.ts'
import { type SpokenSuites, spokenSuites } from '../../src/relay/peer-suites.ts'
import { type Chance, chanceOf } from './chance.ts'
import type { Company } from './company.ts'
import type { Office } from './office.ts'

export type Release = {
  suites: SpokenSuites
  kinds: readonly EventKind<unknown>[]
  core(core: Core): Core
}

type Note = { text: string }

/** Codes that no release uses. */
const noteOf = (code: number, name: string, scope: 'all' | 'to'): EventKind<Note> => ({
  ...{ code, name, scope },
  parse: (body) => ({ text: String((body as Note).text) }),
  refusal: async () => undefined,
  async apply(tx: Db, { origin, body }: LoggedEvent<Note>) {
    await table(tx)
    await sql`insert into sim_note (origin, text) values (${origin}, ${body.text})`.execute(tx)
  },
})

const table = (db: Db) =>
  sql`create table if not exists sim_note (origin text not null, text text primary key)`.execute(db)

const RECORD = noteOf(0x7f01, 'sim.record', 'all')
const NOTE = noteOf(0x7f02, 'sim.note', 'to')

/** What all branches run where releases are not mixed. */
export const TODAY: Release = { suites: spokenSuites(1), kinds: [], core: (core) => core }

export const LATER: Release = { ...TODAY, kinds: [RECORD, NOTE] as EventKind<unknown>[] }

export const EARLIER: Release = {
  suites: spokenSuites(1, 1),
  kinds: [],
  core: (core) => ({
    ...core,
    eventLog: {
      ...core.eventLog,
      carryOffers: async () => [],
      carryWanted: async () => undefined,
      headsFor: async () => [],
      receiveVector: async () => undefined,
      receiveHead: async () => undefined,
      reportsFor: async () => ({ vectors: [], heads: [] }),
    },
  }),
}

/** One company in so many has two releases; it was founded by the earlier one. */
export const MIXED_IN = 5
const PAUSE_MS: readonly [number, number] = [300, 4000]

/** Who is of which release in the beginning: at least one of each. */
export function assign(chance: Chance, offices: readonly Office[]): void {
  for (const office of offices) office.release = chance.isLucky(0.5) ? LATER : EARLIER
  const [first, other] = [chance.pick(offices), chance.pick(offices)]
  first.release = EARLIER
  if (other !== first) other.release = LATER
}

/** Branches of the later release write in its kinds. */
export function startNotes(company: Company, isOver: () => boolean): void {
  const { timeline, offices, doing, seed } = company
  const chance = chanceOf(seed, 'notes')
  let count = 0
  const next = () =>
    timeline.after(chance.between(...PAUSE_MS), () => {
      if (isOver()) return
      const office = chance.pick(offices)
      count += 1
      const kind = chance.pick([RECORD, NOTE])
      if (office.release === LATER) doing(write(company, office, { kind, text: `note ${count}` }))
      next()
    })
  if (company.isMixed) next()
}

async function write(
  { timeline, offices }: Company,
  office: Office,
  { kind, text }: { kind: EventKind<Note>; text: string },
): Promise<void> {
  const { work } = office
  if (!work) return
  const { store, eventLog, membership } = work.core
  const peers = await store.read.selectFrom('branch').select('id').execute()
  const others = peers.map(({ id }) => id).filter((id) => id !== membership.self)
  timeline.note(`${office.name} writes ${kind.name} ${text} to ${offices.length - 1}`)
  const to = kind.scope === 'all' ? 'all' : others
  // A branch that dies or whose disk is full writes nothing.
  await store.writer
    .write((tx) => eventLog.append(tx, { kind, body: { text }, to }))
    .catch(() => {})
}

/** What was written in the new kinds is the same everywhere; not of those in `without`. */
export async function notesDiffer(
  offices: readonly Office[],
  without: string | undefined,
): Promise<string[]> {
  const told = new Map<string, string>()
  for (const office of offices) {
    const { read } = office.at.store
    // What a reader asks must not make the table.
    const there = await sql`select 1 from sqlite_schema where name = 'sim_note'`.execute(read)
    const rows = there.rows.length === 0 ? [] : await notesOf(read, without)
    told.set(rows.join(', '), office.name)
  }
  if (told.size < 2) return []
  return [[...told].map(([rows, name]) => `${name}: ${rows}`).join('\n')]
}

async function notesOf(db: Db, without: string | undefined): Promise<string[]> {
  const { rows } = await sql<Note & { origin: string }>`
    select origin, text from sim_note order by text`.execute(db)
  return rows.filter(({ origin }) => origin !== without).map(({ text }) => text)
}
