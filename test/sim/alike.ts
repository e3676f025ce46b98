/**
 * Whoever is signed in at two branches is shown the same at both once the links are up, and whoever went home finds at
 * home what he did elsewhere. Where the design lets two branches differ, that is said here, with the reason.
 */
import { signInsOf } from '../../src/accounts/own-sign-ins.ts'
import { branchesOf } from '../../src/accounts/queries.ts'
import { type Millis, SECOND } from '../../src/base/units.ts'
import type { Company, Person } from './company.ts'
import type { Office } from './office.ts'
import { type Facts, factsOf, openPage } from './pages.ts'
import type { Workload } from './workload.ts'

/** Longer than a lease of presence: nobody is here any more. */
const ALL_GONE_MS: Millis = 75 * SECOND
/** Less than a lease, and longer than two digests: those who came then are here at every branch. */
const ALL_TOLD_MS: Millis = 45 * SECOND

/** What happened in a run that lets branches differ. */
export type Weather = 'a clock was set' | 'a branch was put back'

type Lawful = { fact: RegExp; why: string; onlyAfter?: Weather }

/** Facts that may differ between home and a guest's branch, and why. */
const MAY_DIFFER: readonly Lawful[] = [
  {
    fact: /^mark /,
    why: 'how far a message has come is known where it was written (decision 013)',
  },
  {
    fact: /^last seen /,
    why: 'told by signals and kept in memory: a crash forgets it (decision 015)',
  },
  {
    fact: /^late /,
    why: 'late is what arrives after something younger, and each branch has its own order',
  },
  {
    fact: /^(?:sent|order|last|new from) /,
    why: 'a message from a clock that is ahead by more than a minute gets its place by the clock of whoever takes it in',
    onlyAfter: 'a clock was set',
  },
  {
    fact: /^presence of /,
    why: 'a lease ends by the clock of its branch, and that one was set back',
    onlyAfter: 'a clock was set',
  },
  {
    fact: /^my (?:asked|firstName|lastName|language|theme)$/,
    why: 'a wish from a clock that is ahead by more than a minute is refused, and the guest is told so',
    onlyAfter: 'a clock was set',
  },
  {
    fact: /^(?:unread|new from) /,
    why: 'what a branch writes before it knows what it lost may have an earlier clock than that: other branches count by it',
    onlyAfter: 'a branch was put back',
  },
]

/** Facts that list ids of chats. */
const LISTS: readonly string[] = ['list', 'order of the list']
/** Facts of a chat that are there where it stands in the list. */
const IN_ROW: readonly string[] = ['row', 'last', 'unread', 'head', 'members']

type Run = { workload: Workload; weather: ReadonlySet<Weather> }

/** Faults in what people are shown. */
export async function shownAlike(company: Company, run: Run): Promise<string[]> {
  await comeAndGo(company)
  const faults: string[] = []
  for (const person of company.people) faults.push(...(await ofPerson(company, person, run)))
  return faults
}

/** Some of the people open a page where they are signed in, and the others hear of it. */
async function comeAndGo({ timeline, people, offices }: Company): Promise<void> {
  const pass = (ms: Millis) => new Promise<void>((resolve) => timeline.after(ms, resolve))
  await pass(ALL_GONE_MS)
  for (const [index, person] of people.entries()) {
    const office = offices[index % offices.length]
    if (office && (await isSignedInAt(office, person))) await openPage(office.at, person.id)
  }
  await pass(ALL_TOLD_MS)
}

async function ofPerson(company: Company, person: Person, run: Run): Promise<string[]> {
  const { workload, weather } = run
  const chats = [...workload.chats.values()].filter(({ ever }) => ever.has(person.id))
  const ids = chats.map(({ id }) => id)
  const home = await factsOf(person.home.at, person.id, ids)
  if (home === undefined) return []
  const posted = workload.posted.filter(({ author }) => author === person.id)
  const faults = workload.said.faults(person, home, (what, found) => {
    // Writing a message ends the draft.
    const isSent = posted.some(({ conversation }) => what === `draft ${conversation}`)
    return (isSent && found === '') || (weather.has('a clock was set') && isLawful(what, weather))
  })
  for (const office of company.offices) {
    if (office === person.home || !(await isSignedInAt(office, person))) continue
    const unknown = await whereUnknown(office, person)
    if (unknown !== undefined) {
      faults.push(`${person.login} is signed in at ${office.name}, ${unknown} does not know it`)
      continue
    }
    const there = await factsOf(office.at, person.id, ids)
    const place = `${person.login} (${person.home.name}) at ${office.name}`
    faults.push(...differences({ home, there, weather }).map((each) => `${place} sees ${each}`))
  }
  return faults
}

async function isSignedInAt({ at }: Office, { id }: Person): Promise<boolean> {
  return (await signInsOf(at.store.read, id, at.life.world.clock.now())).length > 0
}

/** Whoever is signed in must be known to be there: else nothing new comes to him. */
async function whereUnknown(office: Office, { id, home }: Person): Promise<string | undefined> {
  for (const { at, name } of [office, home]) {
    const branches = await branchesOf(at.store.read, [id], at.life.world.clock.now())
    if (!branches.includes(office.at.core.membership.self)) return name
  }
  return undefined
}

/**
 * Who deleted a contact sees the chat again where something in it came late and is unread, and each branch says for
 * itself what is late (decision 037): such a chat may stand in one of the two lists. By clocks that were set the last
 * message differs, too, and with it whether something was written after the contact was deleted.
 */
function cameBackAtOne(home: Facts, there: Facts, weather: ReadonlySet<Weather>): string[] {
  const listed = [home, there].map((facts) => (facts.get('list') ?? '').split(' '))
  const [here = [], other = []] = listed
  const isClockSet = weather.has('a clock was set')
  const isLate = (facts: Facts) => (id: string) =>
    facts.has(`late ${id}`) || (isClockSet && facts.get(`row ${id}`)?.includes('"direct"') === true)
  return [
    ...here.filter((id) => !other.includes(id)).filter(isLate(home)),
    ...other.filter((id) => !here.includes(id)).filter(isLate(there)),
  ]
}

function differences(of: {
  home: Facts
  there: Facts | undefined
  weather: ReadonlySet<Weather>
}): string[] {
  const { home, there, weather } = of
  if (there === undefined) return ['nothing: he may not sign in, at home he may']
  const backAtOne = cameBackAtOne(home, there, weather)
  const shown = (facts: Facts, name: string) => {
    const text = facts.get(name) ?? 'nothing'
    if (!LISTS.includes(name)) return text
    const ids = text.split(' ').filter((id) => !backAtOne.includes(id))
    return ids.join(' ')
  }
  return [...new Set([...home.keys(), ...there.keys()])].flatMap((name) => {
    const [here, found] = [shown(home, name), shown(there, name)]
    if (here === found || isLawful(name, weather)) return []
    if (backAtOne.some((id) => IN_ROW.some((part) => name === `${part} ${id}`))) return []
    return [`${name}: ${found}; home: ${here}`]
  })
}

function isLawful(name: string, weather: ReadonlySet<Weather>): boolean {
  return MAY_DIFFER.some(
    ({ fact, onlyAfter }) => fact.test(name) && (!onlyAfter || weather.has(onlyAfter)),
  )
}
