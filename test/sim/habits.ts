/**
 * What people do who sit at two branches, in some runs: they sign in elsewhere and out again, read pages, begin to
 * write, keep contacts, block, clear, change name, language, look, status and password. All through the functions that
 * the routes call, or through the routes; only where a sign-in of theirs still holds. What they did last at each
 * branch is kept for said.ts.
 */
import { changePassword, editProfile } from '../../src/accounts/own.ts'
import { getPerson } from '../../src/accounts/queries.ts'
import { THEMES } from '../../src/accounts/records.ts'
import type { ConversationId } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import { addContact, saveDraft } from '../../src/chat/actions.ts'
import { clearHistory, deleteContact, setBlock } from '../../src/chat/contacts.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { type Chance, chanceOf } from './chance.ts'
import { Broken, type Company, type Person } from './company.ts'
import type { Office, Work } from './office.ts'
import type { Workload } from './workload.ts'

/** One company in so many has people with such habits. */
const ROAMING_IN = 3
/** Between two things that people of the whole company do. */
const PAUSE_MS: readonly [Millis, Millis] = [20, 500]
/** Guests do most of it where they are guests. */
const AT_HOME = 0.35
const LINES_READ_MAX = 30

type Doing = { person: Person; office: Office; token: string }

export class Habits {
  readonly #company: Company
  readonly #workload: Workload
  readonly #chance: Chance
  /** Tokens of sign-ins: the cookies of people's browsers. */
  readonly #tokens = new Map<Person, Map<Office, string>>()
  readonly #acts: readonly (readonly [weight: number, act: (of: Doing) => Promise<void>])[] = [
    [4, (of) => this.#leave(of)],
    [16, (of) => this.#draft(of)],
    [14, (of) => this.#read(of)],
    [8, (of) => this.#open(of)],
    [12, (of) => this.#contact(of)],
    [8, (of) => this.#block(of)],
    [3, (of) => this.#clear(of)],
    [12, (of) => this.#profile(of)],
    [8, (of) => this.#status(of)],
    [4, (of) => this.#password(of)],
  ]
  #isOver = false
  #count = 0

  constructor(company: Company, workload: Workload) {
    this.#company = company
    this.#workload = workload
    this.#chance = chanceOf(company.seed, 'habits')
  }

  /** Whether people of this run have such habits. */
  get isOn(): boolean {
    const { seed, offices, standing } = this.#company
    // What a revoked branch wrote for its guests counts at some branches and not at others: nothing to compare.
    if (standing.isPlanned) return false
    return offices[0]?.bug.needsGuests === true || seed % ROAMING_IN === 1
  }

  start(): void {
    if (this.isOn) this.#next()
  }

  stop(): void {
    this.#isOver = true
  }

  #next(): void {
    const [least, most] = PAUSE_MS
    this.#company.timeline.after(this.#chance.between(least, most), () => {
      if (this.#isOver) return
      this.#company.doing(this.#one())
      this.#next()
    })
  }

  async #one(): Promise<void> {
    const person = this.#chance.pick(this.#company.people)
    const office = this.#officeFor(person)
    const token = await this.#heldAt(person, office)
    if (token === undefined) return await this.#arrive(person, office)
    const sum = this.#acts.reduce((all, [weight]) => all + weight, 0)
    let dice = this.#chance.below(sum)
    const drawn = this.#acts.find(([weight]) => {
      dice -= weight
      return dice < 0
    })
    await drawn?.[1]({ person, office, token })
  }

  /** At home, where he is a guest, or where he never was. */
  #officeFor(person: Person): Office {
    const elsewhere = this.#company.offices.filter((office) => office !== person.home)
    const known = elsewhere.filter((office) => this.#tokensOf(person).has(office))
    if (this.#chance.isLucky(AT_HOME)) return person.home
    return this.#chance.pick(known.length > 0 && this.#chance.isLucky(0.85) ? known : elsewhere)
  }

  #tokensOf(person: Person): Map<Office, string> {
    const tokens = this.#tokens.get(person) ?? new Map<Office, string>()
    this.#tokens.set(person, tokens)
    return tokens
  }

  /** The token, if the branch answers and the sign-in holds. */
  async #heldAt(person: Person, office: Office): Promise<string | undefined> {
    const token = this.#tokensOf(person).get(office)
    if (token === undefined || !office.work) return undefined
    return (await office.work.core.signIns.signInOf(token)) && token
  }

  #ask<T>(
    { person, office }: Pick<Doing, 'person' | 'office'>,
    what: string,
    ask: (work: Work) => Promise<T>,
  ) {
    return this.#workload.ask(person, office, what, ask)
  }

  async #arrive(person: Person, office: Office): Promise<void> {
    const answer = await this.#ask({ person, office }, 'arrive', ({ core }) =>
      core.signIns.signIn(this.#workload.typed(person)),
    )
    if (answer.is !== 'done') return
    this.#tokensOf(person).set(office, answer.value.token)
    if (office !== person.home) this.#workload.sits(person, office, answer.value.token)
  }

  async #leave(of: Doing): Promise<void> {
    const { person, office, token } = of
    if (office === person.home) return
    await this.#ask(of, 'leave', async ({ core }) => {
      const known = await core.signIns.signInOf(token)
      if (known) await core.signIns.signOut(known.signIn.id, known.user)
    })
    this.#tokensOf(person).delete(office)
    this.#workload.goes(person, office)
  }

  #chatOf(person: Person): ConversationId | undefined {
    const all = [...this.#workload.chats.values()].filter(({ ever }) => ever.has(person.id))
    return all.length === 0 ? undefined : this.#chance.pick(all).id
  }

  async #draft(of: Doing): Promise<void> {
    const conversation = this.#chatOf(of.person)
    if (conversation === undefined) return
    this.#count += 1
    const body = this.#chance.isLucky(0.2) ? '' : `draft ${this.#count} of ${of.person.login}`
    const answer = await this.#ask(of, `draft ${conversation} ${body}`, ({ core }) =>
      saveDraft(core.chat, { user: of.person.id, conversation, body }),
    )
    this.#workload.said.note({ ...of, what: `draft ${conversation}`, value: body, answer })
  }

  async #read(of: Doing): Promise<void> {
    const { person, office } = of
    const conversation = this.#chatOf(person)
    if (conversation === undefined) return
    const limit = this.#chance.between(1, LINES_READ_MAX)
    const mark = this.#chance.pick(['shown', 'read', 'read'] as const)
    await this.#ask(of, `see ${conversation}`, async ({ core, store, reading }) => {
      const viewer = { id: person.id, at: core.membership.self }
      const { lines } = await linesBefore(store.read, viewer, { conversation, limit })
      const ids = lines.map(({ id }) => id)
      if (ids.length > 0) await reading.markSeen(viewer.id, { conversation, mark, lines: ids })
      this.#company.timeline.note(`${person.login} saw ${ids.length} at ${office.name}`)
    })
  }

  /** A page, as a browser without a script asks for it: it shows who reads as being there. */
  async #open(of: Doing): Promise<void> {
    const conversation = this.#chatOf(of.person)
    const path = this.#chance.pick(['/chats', '/people', `/chats/${conversation ?? ''}`])
    await this.#ask(of, `open ${path}`, (work) => this.#request(of, work, path))
  }

  async #request({ token, person }: Doing, work: Work, path: string): Promise<void> {
    const cookie = `${cookieName(work.core.membership.self)}=${token}`
    const answer = await work.running.app.request(path, { headers: { cookie } })
    const isBroken = answer.status >= 500 && answer.status !== 503
    if (isBroken && work.life.isAlive) {
      throw new Broken(`${person.login} asks for ${path} and gets ${answer.status}`)
    }
  }

  async #contact(of: Doing): Promise<void> {
    const { id: other } = this.#chance.pick(this.#company.people)
    const isAdded = this.#chance.isLucky(0.6)
    await this.#ask(of, `${isAdded ? 'add' : 'drop'} ${other}`, async ({ core: { chat } }) => {
      if (isAdded) await addContact(chat, of.person.id, other)
      else await deleteContact(chat, of.person.id, other)
    })
  }

  async #block(of: Doing): Promise<void> {
    const { id: user } = this.#chance.pick(this.#company.people)
    const on = this.#chance.isLucky(0.5)
    await this.#ask(of, `${on ? 'block' : 'take'} ${user}`, ({ core: { chat } }) =>
      setBlock(chat, of.person.id, { user, on }),
    )
  }

  async #clear(of: Doing): Promise<void> {
    const conversation = this.#chatOf(of.person)
    if (conversation === undefined) return
    await this.#ask(of, `hide ${conversation}`, ({ core }) =>
      clearHistory(core.chat, of.person.id, conversation),
    )
  }

  async #profile(of: Doing): Promise<void> {
    const { person } = of
    this.#count += 1
    const change = this.#chance.pick([
      { lastName: `Last ${this.#count}` },
      { firstName: `First ${this.#count}` },
      { language: this.#chance.pick(['en', 'uk', 'pt']) },
      { theme: this.#chance.pick(THEMES) },
    ])
    const answer = await this.#ask(of, `be ${JSON.stringify(change)}`, async ({ core, store }) => {
      await editProfile(core.accounts, await getPerson(store.read, person.id), change)
    })
    for (const [field, value] of Object.entries(change)) {
      this.#workload.said.note({ ...of, what: `my ${field}`, value, answer })
    }
  }

  async #status(of: Doing): Promise<void> {
    this.#count += 1
    const text = this.#chance.isLucky(0.2) ? '' : `status ${this.#count}`
    const status = { text, doNotDisturb: this.#chance.isLucky(0.3) }
    const answer = await this.#ask(of, `say ${text}`, ({ statuses }) =>
      statuses.set(of.person.id, status),
    )
    const value = text === '' && !status.doNotDisturb ? '{}' : JSON.stringify({ status })
    this.#workload.said.note({ ...of, what: 'my status', value, answer })
  }

  async #password(of: Doing): Promise<void> {
    const { person, office, token } = of
    const password = `roaming password ${this.#chance.below(1000)}`
    const { address } = this.#workload.typed(person)
    const answer = await this.#ask(of, 'change the password', async ({ core }) => {
      const known = await core.signIns.signInOf(token)
      if (!known) return undefined
      const wish = { current: person.password, password, address }
      return await changePassword({ ...core.accounts, signIns: core.signIns }, known, wish)
    })
    if (answer.is !== 'done' || answer.value === undefined) return
    person.password = password
    this.#tokensOf(person).set(office, answer.value.token)
    if (office !== person.home) this.#workload.sits(person, office, answer.value.token)
  }
}
