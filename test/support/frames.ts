/** Frames as they stand on a link. */
import { encodeFrames, FRAME_HEADER_BYTES, type Frame } from '../../src/relay/frames.ts'

/** The payload in one piece. */
export function payloadOf(frame: Frame): Uint8Array {
  return encodeFrames([frame]).subarray(FRAME_HEADER_BYTES)
}
