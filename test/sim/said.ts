/**
 * What people said last at each branch, of things of which the latest word holds: drafts, own profile, status. In the
 * end the home branch shows one of these words. Which one follows from clocks that nobody sees; but an older word of one
 * branch never stands above a later one of the same branch, and nothing that was answered is lost.
 */
import type { Person } from './company.ts'
import type { Office } from './office.ts'

type Word = {
  person: Person
  office: Office
  what: string
  value: string
  answer: { is: 'done' | 'refused' | 'unknown' }
}

export class Said {
  readonly #words: Word[] = []

  note({ person, office, what, value, answer }: Word): void {
    if (answer.is !== 'refused') this.#words.push({ person, office, what, value, answer })
  }

  /**
   * What cannot be, of what a person is shown at home: `shown` by the names of things; `mayBe` says what else may stand
   * there.
   */
  faults(
    { id, login }: Pick<Person, 'id' | 'login'>,
    shown: ReadonlyMap<string, string>,
    mayBe: (what: string, found: string) => boolean,
  ): string[] {
    const own = this.#words.filter(({ person }) => person.id === id)
    return [...Map.groupBy(own, ({ what }) => what)].flatMap(([what, words]) => {
      const found = shown.get(what)
      if (found === undefined || isPossible(words, found) || mayBe(what, found)) return []
      const told = words.map(({ office, value }) => `${office.name} ${value}`).join(', ')
      return [`${login} is shown as ${what}: ${found}; he said: ${told}`]
    })
  }
}

/** A branch that was put back may have lost all of it, and everything may be as before. */
function isPossible(words: readonly Word[], found: string): boolean {
  if (words.some(({ office }) => office.machine.wasRestored)) return true
  // What had no answer may have been done, or not.
  if (words.every(({ answer }) => answer.is === 'unknown')) return true
  const last = [...Map.groupBy(words, ({ office }) => office).values()].flatMap((own) => {
    const answered = own.findLastIndex(({ answer }) => answer.is === 'done')
    return own.slice(Math.max(0, answered))
  })
  return last.some(({ value }) => value === found)
}
