/**
 * What an event is to the rest of the program: a fact, written once at its origin, applied at every branch it concerns.
 * A feature declares its kinds as EventKind; the log knows only codes, bytes and this contract.
 */
import type { Hlc } from '../base/hlc.ts'
import type { BranchId, ConversationId, EventId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'

/** Where an event goes: every branch, or the named ones (our own may be among them and is left out). */
export type Audience = 'all' | readonly BranchId[]

/** An event about to be written at this branch. */
export type Draft<Body> = {
  kind: EventKind<Body>
  body: Body
  to: Audience
  /** Given when it must be known before (`timedId`, for the sake of the indexes); else drawn. */
  id?: EventId
}

/** An event of the log: ours or another branch's. */
export type LoggedEvent<Body = unknown> = {
  /** Order of arrival at this branch. */
  position: number
  id: EventId
  origin: BranchId
  kind: string
  body: Body
  hlc: Hlc
  arrivedAt: Millis
  /** Audience as signed in its header; `all` events have an empty list. */
  to: readonly BranchId[]
  conversationId: ConversationId | undefined
}

/** One kind of event: its number on the wire, its parser, who may write it, what it changes. */
export type EventKind<Body> = {
  /** docs/protocol.md, section 8. Never changes its meaning. */
  code: number
  /** The feature's word: `msg.post`. */
  name: string
  /** Scope it may come in: a directory event in a mailbox feed is refused, and the other way round. */
  scope: 'all' | 'to'
  /** Throws when the body is not of this kind's form: the event is refused for good. */
  parse(body: unknown): Body
  /** The reason why `event.origin` may not write this, as a code; undefined when it may. */
  refusal(tx: Db, event: LoggedEvent<Body>): Promise<string | undefined>
  /** Carries its meaning into the tables; runs once per branch, inside the transaction that stores it. */
  apply(tx: Db, event: LoggedEvent<Body>): Promise<void>
  conversationOf?(body: Body): ConversationId
  /**
   * Of kinds whose events replace each other: a later one of the same origin, audience and record says all that this
   * one says, and applying both in any order is the same as applying the later one. Then the body may be forgotten.
   */
  recordOf?(body: Body): string
  /**
   * Its body tells of the person in its field `user` (`owner`), and is destroyed when that person is deleted: then it
   * comes without. Codes 03xx only, or the index `event_of_person` must be made anew.
   */
  isPersonal?: true
  /** The same of what somebody wrote: destroyed where the deletion says so. */
  isWritten?: true
  /**
   * Nobody must wait for it behind what waits to be sent: who may be in, and who is believed. Of scope `all`. A kind
   * that comes in thousands, as by an import, says so of the few that are.
   */
  isUrgent?(body: Body): boolean
}

/** Appends and applies inside a transaction of the writer: what features' actions need of the log. */
export type Append = <Body>(tx: Db, draft: Draft<Body>) => Promise<LoggedEvent<Body>>

/** Sends one of our own events to one more branch, which its header does not name. */
export type Forward = (tx: Db, position: number, to: BranchId) => Promise<void>

/**
 * Thrown by `refusal` or `apply` when something that is on its way is still missing: the event is stored, parked with
 * the reason, and tried again when later events have been applied. Feeds arrive in any order.
 */
export class Parked extends Error {
  override name = 'Parked'
  /** A code, such as `waits-for-conversation`. */
  readonly reason: string

  constructor(reason: string) {
    super(`Cannot apply the event yet: ${reason}`)
    this.reason = reason
  }
}
