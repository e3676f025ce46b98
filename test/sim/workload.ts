/**
 * What people of a simulated company do: write, read, found groups and change them, change names and passwords, sit at
 * other branches; and some try what they may not. Whoever gets no answer asks again. It keeps what people were
 * promised, for the checkers.
 */
import { disableUser, editUser, enableUser } from '../../src/accounts/actions.ts'
import { changePassword, editProfile } from '../../src/accounts/own.ts'
import { getPerson } from '../../src/accounts/queries.ts'
import { AppError } from '../../src/base/errors.ts'
import type { ConversationId, MessageId, UserId } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import { addContact, openDirect, postMessage } from '../../src/chat/actions.ts'
import { getChat } from '../../src/chat/chats.ts'
import { clearHistory, deleteContact, setBlock } from '../../src/chat/contacts.ts'
import { addMember, createGroup, leaveGroup, removeMember } from '../../src/chat/groups.ts'
import { directIdOf } from '../../src/chat/ids.ts'
import { linesBefore } from '../../src/chat/queries.ts'
import { type Chance, chanceOf } from './chance.ts'
import { Broken, type Company, type Person } from './company.ts'
import type { Office, Work } from './office.ts'
import { Said } from './said.ts'

/** Between two things that people of the whole company do. */
const PAUSE_MS: readonly [Millis, Millis] = [20, 700]
/** How long somebody waits before asking again. */
const AGAIN_MS: readonly [Millis, Millis] = [300, 6000]
/** An answer that gets lost on the way to the browser. */
const ANSWER_LOST = 0.1

/** Most of those who are shut out are let in again soon. */
const OPERATIONS = ['disable', 'enable', 'enable', 'enable', 'enable', 'promote', 'demote'] as const

/** A message somebody wrote; its text is found nowhere else. */
export type Posted = {
  text: string
  author: UserId
  office: Office
  conversation: ConversationId
  /** Set once the branch said "stored". */
  message: MessageId | undefined
  /** The branch will never take it. */
  isRefused: boolean
}

type Chat = { id: ConversationId; ever: Set<UserId>; home: Office | undefined; owner: UserId }

export class Workload {
  readonly posted: Posted[] = []
  readonly said = new Said()
  /** Who was ever meant to be in a conversation: nobody else may read it, at any time. */
  readonly chats = new Map<ConversationId, Chat>()
  readonly #company: Company
  readonly #chance: Chance
  /** Signed in at other branches. */
  readonly #places = new Map<UserId, Map<Office, string>>()
  #isOver = false
  #waiting = 0
  #count = 0

  constructor(company: Company) {
    this.#company = company
    this.#chance = chanceOf(company.seed, 'people')
  }

  start(): void {
    const [least, most] = PAUSE_MS
    this.#company.timeline.after(this.#chance.between(least, most), () => {
      if (this.#isOver) return
      this.#company.doing(this.#one())
      this.start()
    })
  }

  stop(): void {
    this.#isOver = true
  }

  /** Nobody waits for an answer. */
  get isQuiet(): boolean {
    return this.#waiting === 0
  }

  /** Everybody writes to somebody: after the storm all must work again. */
  last(): void {
    const { people } = this.#company
    for (const [index, person] of people.entries()) {
      const other = people[(index + 1) % people.length]
      if (other && other !== person) this.#company.doing(this.#write(person, other))
    }
  }

  async #one(): Promise<void> {
    const person = this.#chance.pick(this.#company.people)
    const dice = this.#chance.below(100)
    if (dice < 30) return this.#writeSomebody(person)
    if (dice < 35) return this.#keepAway(person)
    if (dice < 54) return this.#writeGroup(person)
    if (dice < 66) return this.#read(person)
    if (dice < 71) return this.#found(person)
    if (dice < 79) return this.#changeGroup()
    if (dice < 84) return this.#rename(person)
    if (dice < 89) return this.#travel(person)
    if (dice < 91) return this.#newPassword(person)
    if (dice < 93) return this.#contact(person)
    if (dice < 95) return this.#administer(person)
    return this.#spy(person)
  }

  async #writeSomebody(person: Person): Promise<void> {
    const other = this.#chance.pick(this.#company.people)
    if (other !== person) await this.#write(person, other)
  }

  async #write(person: Person, other: Person): Promise<void> {
    const office = this.#placeOf(person)
    const conversation = directIdOf(person.id, other.id)
    const ever = new Set([person.id, other.id])
    this.chats.set(conversation, { id: conversation, ever, home: undefined, owner: person.id })
    const before = (work: Work) => openDirect(work.core.chat, person.id, other.id)
    await this.#post({ person, office, conversation, before })
  }

  async #writeGroup(person: Person): Promise<void> {
    const mine = this.#groups().filter(({ ever }) => ever.has(person.id))
    if (mine.length === 0) return
    const { id } = this.#chance.pick(mine)
    const before = async () => {}
    await this.#post({ person, office: this.#placeOf(person), conversation: id, before })
  }

  #groups(): Chat[] {
    return [...this.chats.values()].filter(({ home }) => home !== undefined)
  }

  async #post(of: {
    person: Person
    office: Office
    conversation: ConversationId
    before(work: Work): Promise<unknown>
  }): Promise<void> {
    const { person, office, conversation, before } = of
    this.#count += 1
    const text = `message ${this.#count} of ${person.login}`
    const posted: Posted = {
      ...{ text, author: person.id, office, conversation },
      ...{ message: undefined, isRefused: false },
    }
    this.posted.push(posted)
    this.#waiting += 1
    let tries = 0
    const again = async (): Promise<void> => {
      tries += 1
      const answer = await this.ask(person, office, `post ${text}`, async (work) => {
        await before(work)
        const { bug } = office
        const id = bug.isOn && bug.clientId ? bug.clientId(text) : text
        return postMessage(work.core.chat, person.id, { conversation, body: text, clientId: id })
      })
      const isLost = this.#chance.isLucky(ANSWER_LOST)
      if (answer.is === 'done' && !isLost) {
        this.#stored(posted, answer.value.message)
        this.#waiting -= 1
      } else if (answer.is === 'refused') {
        // Who asked before may have been heard, and lost his right meanwhile.
        posted.isRefused = tries === 1
        this.#waiting -= 1
      } else this.#later(again)
    }
    await again()
  }

  #stored(posted: Posted, message: MessageId): void {
    posted.message = message
    this.#company.timeline.note(`answered: ${posted.text} is ${message}`)
  }

  #later(again: () => Promise<void>): void {
    const [least, most] = AGAIN_MS
    this.#company.timeline.after(this.#chance.between(least, most), () => {
      this.#company.doing(again())
    })
  }

  /** Asks a branch for something, as a request would. No answer comes from a branch that is down or dies meanwhile. */
  async ask<T>(
    person: Person,
    office: Office,
    what: string,
    ask: (work: Work) => Promise<T>,
  ): Promise<{ is: 'done'; value: T } | { is: 'refused'; code: string } | { is: 'unknown' }> {
    const { timeline } = this.#company
    const { work } = office
    timeline.note(`${person.login} at ${office.name}: ${what}${work ? '' : ' (down)'}`)
    if (!work) return { is: 'unknown' }
    try {
      const value = await ask(work)
      return work.life.isAlive ? { is: 'done', value } : { is: 'unknown' }
    } catch (error) {
      if (!work.life.isAlive) return { is: 'unknown' }
      if (!(error instanceof AppError)) throw error
      timeline.note(`refused: ${what}: ${error.code} ${error.message}`)
      const isTemporary = error.code === 'unavailable' && error.detail !== 'kept-elsewhere'
      return isTemporary ? { is: 'unknown' } : { is: 'refused', code: error.code }
    }
  }

  /** Where somebody sits now: mostly at home. */
  #placeOf(person: Person): Office {
    const places = this.#places.get(person.id)
    if (!places || places.size === 0 || this.#chance.isLucky(0.5)) return person.home
    return this.#chance.pick([...places.keys()])
  }

  /** Somebody signed in there. */
  sits(person: Person, office: Office, token: string): void {
    const places = this.#places.get(person.id) ?? new Map<Office, string>()
    this.#places.set(person.id, places.set(office, token))
  }

  /** Somebody signed out there. */
  goes(person: Person, office: Office): void {
    this.#places.get(person.id)?.delete(office)
  }

  async #read(person: Person): Promise<void> {
    const office = this.#placeOf(person)
    const mine = [...this.chats.values()].filter(({ ever }) => ever.has(person.id))
    if (mine.length === 0) return
    const { id: conversation } = this.#chance.pick(mine)
    const limit = this.#chance.between(1, 20)
    const mark = this.#chance.pick(['shown', 'read'] as const)
    await this.ask(person, office, `read ${conversation}`, async ({ core, store, reading }) => {
      const viewer = { id: person.id, at: core.membership.self }
      const { lines } = await linesBefore(store.read, viewer, { conversation, limit })
      if (lines.length === 0) return
      await reading.markSeen(person.id, { conversation, mark, lines: lines.map(({ id }) => id) })
    })
  }

  async #found(person: Person): Promise<void> {
    const office = this.#placeOf(person)
    const members = this.#company.people.filter(() => this.#chance.isLucky(0.4)).map(({ id }) => id)
    if (members.length === 0) return
    const title = `Group ${this.chats.size}`
    const answer = await this.ask(person, office, `found ${title}`, ({ core }) =>
      createGroup(core.chat, person.id, { title, members }),
    )
    if (answer.is !== 'done') return
    const ever = new Set([person.id, ...members])
    this.chats.set(answer.value, { id: answer.value, ever, home: office, owner: person.id })
  }

  async #changeGroup(): Promise<void> {
    const groups = this.#groups()
    if (groups.length === 0) return
    const { id: conversation, ever, home, owner } = this.#chance.pick(groups)
    const person = this.#company.people.find(({ id }) => id === owner)
    const office = this.#chance.isLucky(0.9) ? home : person?.home
    if (!person || !office) return
    const { id: user } = this.#chance.pick(this.#company.people)
    const what = this.#chance.pick(['add', 'add', 'add', 'remove', 'leave'] as const)
    if (what === 'add') ever.add(user)
    await this.ask(person, office, `${what} ${user} ${conversation}`, async ({ core }) => {
      if (what === 'add') await addMember(core.chat, owner, { conversation, user })
      else if (what === 'remove') await removeMember(core.chat, owner, { conversation, user })
      else await leaveGroup(core.chat, user, conversation)
    })
  }

  async #rename(person: Person): Promise<void> {
    const firstName = `Name ${this.#chance.below(1000)}`
    const office = person.home
    const answer = await this.ask(person, office, `be ${firstName}`, async ({ core, store }) =>
      editProfile(core.accounts, await getPerson(store.read, person.id), { firstName }),
    )
    this.said.note({ person, office, what: 'my firstName', value: firstName, answer })
  }

  /** Signs in somewhere else, or out. */
  async #travel(person: Person): Promise<void> {
    const office = this.#chance.pick(this.#company.offices)
    if (office === person.home) return
    if (this.#places.get(person.id)?.delete(office)) return
    const answer = await this.ask(person, office, 'sign in', ({ core }) =>
      core.signIns.signIn(this.typed(person)),
    )
    if (answer.is === 'done') this.sits(person, office, answer.value.token)
  }

  /** What somebody types to sign in. */
  typed(person: Person) {
    return {
      login: `${person.login}@${person.home.name}`,
      password: person.password,
      device: 'a desk',
      kind: 'browser' as const,
      address: `192.168.0.${this.#company.people.indexOf(person)}`,
    }
  }

  async #newPassword(person: Person): Promise<void> {
    const office = this.#placeOf(person)
    const password = `another password ${this.#chance.below(1000)}`
    const answer = await this.ask(person, office, 'change password', async ({ core }) => {
      const { token } = await core.signIns.signIn(this.typed(person))
      const known = await core.signIns.signInOf(token)
      // He changes it in two windows at once: the other one was first.
      if (!known) throw new AppError('not-signed-in', 'The sign-in has ended')
      const { address } = this.typed(person)
      const wish = { current: person.password, password, address }
      await changePassword({ ...core.accounts, signIns: core.signIns }, known, wish)
    })
    if (answer.is === 'done') person.password = password
  }

  async #contact(person: Person): Promise<void> {
    const { id: other } = this.#chance.pick(this.#company.people)
    await this.ask(person, this.#placeOf(person), `add ${other}`, ({ core }) =>
      addContact(core.chat, person.id, other),
    )
  }

  /** Blocks somebody, takes messages again, hides what was written, or deletes a contact. */
  async #keepAway(person: Person): Promise<void> {
    const { id: user } = this.#chance.pick(this.#company.people)
    const what = this.#chance.pick(['block', 'block', 'unblock', 'clear', 'delete'] as const)
    const mine = [...this.chats.values()].filter(({ ever }) => ever.has(person.id))
    if (user === person.id || mine.length === 0) return
    const { id: conversation } = this.#chance.pick(mine)
    const office = this.#placeOf(person)
    await this.ask(
      person,
      office,
      `${what} ${user} ${conversation}`,
      async ({ core: { chat } }) => {
        if (what === 'clear') await clearHistory(chat, person.id, conversation)
        else if (what === 'delete') await deleteContact(chat, person.id, user)
        else await setBlock(chat, person.id, { user, on: what === 'block' })
      },
    )
  }

  /** An operator closes or opens an account, or gives a role: at its home, or where the organisation is kept. */
  async #administer(person: Person): Promise<void> {
    const [first = person.home] = this.#company.offices
    const office = this.#chance.pick([first, person.home])
    const what = this.#chance.pick(OPERATIONS)
    await this.ask(person, office, what, async ({ core }) => {
      const { accounts } = core
      const role = what === 'promote' ? 'branch-admin' : 'employee'
      if (what === 'disable') await disableUser(accounts, undefined, person.id)
      else if (what === 'enable') await enableUser(accounts, undefined, person.id)
      else await editUser(accounts, undefined, { id: person.id, changes: { role } })
    })
  }

  /** Tries to read and write where he was never meant to be. */
  async #spy(person: Person): Promise<void> {
    const closed = [...this.chats.values()].filter(({ ever }) => !ever.has(person.id))
    if (closed.length === 0) return
    const { id: conversation } = this.#chance.pick(closed)
    const office = this.#chance.pick(this.#company.offices)
    const found = await this.ask(person, office, `spy ${conversation}`, ({ core, store }) =>
      seenBy(store, { id: person.id, at: core.membership.self }, conversation),
    )
    if (found.is === 'done' && found.value) {
      throw new Broken(
        `${person.login} reads ${conversation} at ${office.name} and was never in it`,
      )
    }
    const draft = { conversation, body: 'a word of a stranger' }
    const written = await this.ask(person, office, `intrude ${conversation}`, ({ core }) =>
      postMessage(core.chat, person.id, draft),
    )
    if (written.is === 'done') {
      throw new Broken(`${person.login} writes into ${conversation} and was never in it`)
    }
  }
}

/** Whether somebody sees anything of a conversation. */
export async function seenBy(
  store: Work['store'],
  viewer: Parameters<typeof linesBefore>[1],
  conversation: ConversationId,
): Promise<boolean> {
  const { lines } = await linesBefore(store.read, viewer, { conversation, limit: 1 })
  if (lines.length > 0) return true
  try {
    await getChat(store.read, viewer, conversation)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return false
    throw error
  }
}
