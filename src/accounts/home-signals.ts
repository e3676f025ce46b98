/**
 * Bodies of the two signals by which a branch asks the home branch of somebody whose password was wrong whether news of
 * it are on their way (EPH frames, docs/protocol.md, section 3). No password and nothing that follows from one is in
 * them.
 *
 *     6 news wanted   question 16 | person 16, zero: nobody that the asker knows
 *     7 news          question 16 | own feed of records 16 | its head u64 | epoch u32 | rev u32 | credential's hlc 8
 */
import { FormatError, Reader, Writer } from '../base/bytes.ts'
import { HLC_ZERO, type Hlc, isHlc } from '../base/hlc.ts'
import { asUserId, type FeedId, type UserId } from '../base/ids.ts'

/** EPH kinds. */
export const NEWS_WANTED_SIGNAL = 6
export const NEWS_SIGNAL = 7

const NOBODY = '0'.repeat(32)

/** Which credential holds: the order of docs/protocol.md, section 8, without the branch. */
type CredentialStep = { epoch: number; rev: number; hlc: Hlc }
export const NO_CREDENTIAL: CredentialStep = { epoch: 0, rev: 0, hlc: HLC_ZERO }

type NewsWanted = { question: string; user: UserId | undefined }
/** How far the answerer's own records go, and which credential of the person holds there. */
export type News = { question: string; feed: FeedId; head: number; credential: CredentialStep }

export function encodeNewsWanted({ question, user }: NewsWanted): Uint8Array {
  return new Writer(32)
    .hex(question)
    .hex(user ?? NOBODY)
    .done()
}

/** Throws FormatError for anything that is none. */
export function decodeNewsWanted(body: Uint8Array): NewsWanted {
  const reader = new Reader(body)
  const [question, user] = [reader.hex(16), reader.hex(16)]
  reader.end()
  return { question, user: user === NOBODY ? undefined : asUserId(user) }
}

export function encodeNews({ question, feed, head, credential }: News): Uint8Array {
  const { epoch, rev, hlc } = credential
  return new Writer(56).hex(question).hex(feed).u64(head).u32(epoch).u32(rev).hex(hlc).done()
}

/** Throws FormatError for anything that is none. */
export function decodeNews(body: Uint8Array): News {
  const reader = new Reader(body)
  const [question, feed, head] = [reader.hex(16), reader.hex(16) as FeedId, reader.u64()]
  const [epoch, rev, hlc] = [reader.u32(), reader.u32(), reader.hex(8)]
  reader.end()
  if (!isHlc(hlc)) throw new FormatError('The clock value is malformed')
  return { question, feed, head, credential: { epoch, rev, hlc } }
}
