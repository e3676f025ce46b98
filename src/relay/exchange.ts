/**
 * The short conversations of links that are not for replication: one request, one answer, the end. Joining uses it with
 * the psk of an invitation, a branch whose certificate ran out uses it to renew.
 */
import { SECOND } from '../base/units.ts'
import { CRL_BYTES_MAX } from '../certificates/joining.ts'
import type { Clock } from '../world/clock.ts'
import { NOISE_MESSAGE_BYTES_MAX } from './cipher.ts'
import {
  Assembly,
  decodeFrames,
  encodeFrames,
  FRAME,
  type FrameType,
  fragments,
  ProtocolClose,
} from './frames.ts'
import type { Established } from './handshake.ts'
import { goaway } from './session.ts'

/** Time for the other side's transaction on a slow disk. */
const ANSWER_MS_MAX = 20 * SECOND
/** Certificates, a link key and a list of revocations. */
const ANSWER_BYTES_MAX = CRL_BYTES_MAX + 8192
const GOODBYE_MS = 2 * SECOND

/** A frame that may come before the one that is waited for. */
type Beside = { type: FrameType; take(payload: Uint8Array): void }

/** The payload of the one frame type that may come now, put together from its fragments. */
export async function received(
  { messages, receive, transport }: Established,
  { type, beside }: { type: FrameType; beside?: Beside },
  clock: Clock,
): Promise<Uint8Array> {
  const assembly = new Assembly(ANSWER_BYTES_MAX)
  const cancel = clock.after(ANSWER_MS_MAX, () => transport.close(true))
  try {
    for (;;) {
      const frames = decodeFrames(receive.open(await messages.next(NOISE_MESSAGE_BYTES_MAX)))
      for (const each of frames) {
        if (each.type === beside?.type) {
          beside.take(each.payload.slice())
          continue
        }
        if (each.type !== type) {
          throw new ProtocolClose('out-of-turn', `Type ${each.type} is not for this link`)
        }
        const whole = assembly.add(each)
        if (whole) return whole
      }
    }
  } finally {
    cancel()
  }
}

/** Sends one payload, in fragments if it is long. */
export function sendWhole(
  { messages, send }: Established,
  type: FrameType,
  payload: Uint8Array,
): void {
  for (const each of fragments(type, payload)) messages.send(send.seal(encodeFrames([each])))
}

/** Says goodbye and closes. */
export function endExchange({ messages, send, receive, transport }: Established, clock: Clock) {
  messages.send(send.seal(encodeFrames([goaway('bye')])))
  transport.close()
  clock.after(GOODBYE_MS, () => transport.close(true))
  send.destroy()
  receive.destroy()
}

/** One question and its answer, on the side that asks. */
export async function asked(
  established: Established,
  question: { type: FrameType; payload: Uint8Array; answer: FrameType; beside?: Beside },
  clock: Clock,
): Promise<Uint8Array> {
  try {
    sendWhole(established, question.type, question.payload)
    return await received(established, { ...question, type: question.answer }, clock)
  } finally {
    established.transport.close()
    established.send.destroy()
    established.receive.destroy()
  }
}

export const JOINING = { type: FRAME.JOIN_REQ, answer: FRAME.JOIN_RES } as const
export const RENEWING = { type: FRAME.RENEW_REQ, answer: FRAME.RENEW_RES } as const
