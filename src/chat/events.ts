/**
 * The event kinds of conversations, put together. The same `apply` serves what is written here and what comes from
 * other branches; events may come in any order of feeds. Source: docs/protocol.md, section 8.
 */
import * as v from 'valibot'
import type { BranchId } from '../base/ids.ts'
import type { EventKind } from '../eventlog/events.ts'
import {
  type BlockBody,
  type ClearBody,
  type ContactBody,
  contactBlock,
  contactPut,
  historyClear,
} from './contact-records.ts'
import { type ConvBody, convPut } from './group-records.ts'
import { type PostBody, postKind } from './posts.ts'
import {
  type ReportBody,
  type ReportItemBody,
  type ReportNoteBody,
  reportItem,
  reportNote,
  reportPut,
} from './report-records.ts'
import { applySeen, readsHere, type SeenBody, seenBody, seenRecord } from './seen.ts'
import { demandMember, demandVoice } from './standing.ts'

export type ChatKinds = {
  convPut: EventKind<ConvBody>
  msgPost: EventKind<PostBody>
  msgSeen: EventKind<SeenBody>
  contactPut: EventKind<ContactBody>
  contactBlock: EventKind<BlockBody>
  historyClear: EventKind<ClearBody>
  reportPut: EventKind<ReportBody>
  reportItem: EventKind<ReportItemBody>
  reportNote: EventKind<ReportNoteBody>
}

/** The kinds of this feature; `self` is the branch that applies them. */
export function chatKinds({ self }: { self: BranchId }): ChatKinds {
  return {
    // Copies: what one branch of a process makes of a kind is not another's.
    convPut: { ...convPut },
    msgPost: postKind(self),
    msgSeen: seenKind(self),
    contactPut: { ...contactPut },
    contactBlock: { ...contactBlock },
    historyClear: { ...historyClear },
    reportPut: { ...reportPut },
    reportItem: { ...reportItem },
    reportNote: { ...reportNote },
  }
}

function seenKind(self: BranchId): EventKind<SeenBody> {
  return {
    code: 0x0403,
    name: 'msg.seen',
    scope: 'to',
    parse: (body) => v.parse(seenBody, body),
    refusal: async (tx, event) => {
      await demandVoice(tx, event, event.body.user)
      const { conversation, user } = event.body
      // Where he reads himself, the mark may come before the messages: from another way, or from none for weeks.
      if (!(await readsHere(tx, user, self))) await demandMember(tx, conversation, user)
      return undefined
    },
    apply: (tx, event) => applySeen(tx, event, self),
    conversationOf: (body) => body.conversation,
    recordOf: seenRecord,
  }
}
