/**
 * Ids: 16 bytes as 32 lower-case hexadecimal characters, branded so that one kind is never taken for another.
 * They are made by `random.id()` or by hashing, and parsed here at the door.
 */
import { notFound } from './errors.ts'
import type { Millis } from './units.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type BranchId = Branded<'BranchId'>
export type UserId = Branded<'UserId'>
export type ConversationId = Branded<'ConversationId'>
/** A message's id is the id of the event that posted it. */
export type MessageId = Branded<'MessageId'>
export type EventId = Branded<'EventId'>
export type FeedId = Branded<'FeedId'>
export type SignInId = Branded<'SignInId'>
/** The boot of a branch that wrote a feed: 8 random bytes as 16 hexadecimal characters. */
export type Incarnation = Branded<'Incarnation'>
/** Bytes as they are stored and sent: the beginning of the SHA-256 of their list of chunks. */
export type BlobId = Branded<'BlobId'>
/** A file somebody uploaded, and the attachment it becomes: bytes with a name. */
export type FileId = Branded<'FileId'>
/** SHA-256 of a photo's bytes, 64 hexadecimal characters. */
export type PhotoHash = Branded<'PhotoHash'>

export const ID_BYTES = 16

/** Hexadecimal digits of 48 bits of Unix milliseconds. */
const TIME_DIGITS = 12

/**
 * An id that begins with the time: neighbours in time are neighbours in the indexes, so that a commit of many rows
 * writes few pages. `chance` is a random id; 80 bits of it remain.
 */
export function timedId(at: Millis, chance: string): string {
  return at.toString(16).padStart(TIME_DIGITS, '0') + chance.slice(TIME_DIGITS)
}

const ID = /^[0-9a-f]{32}$/
const SHORT_ID = /^[0-9a-f]{16}$/
const HASH = /^[0-9a-f]{64}$/

/** Whether a text has the form of an id. */
export function isId(text: string): boolean {
  return ID.test(text)
}

function parser<T extends string>(what: string, form = ID): (text: string) => T {
  return (text) => {
    // An id that cannot exist is answered like one that does not: it tells a stranger nothing.
    if (!form.test(text)) throw notFound(what)
    return text as T
  }
}

export const asBranchId = parser<BranchId>('branch')
export const asUserId = parser<UserId>('person')
export const asConversationId = parser<ConversationId>('chat')
export const asMessageId = parser<MessageId>('message')
export const asFileId = parser<FileId>('file')
export const asSignInId = parser<SignInId>('sign-in')
export const asIncarnation = parser<Incarnation>('incarnation', SHORT_ID)
export const asPhotoHash = parser<PhotoHash>('photo', HASH)
