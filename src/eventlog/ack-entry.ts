/** An entry of ACK and of ACKVEC, byte by byte. docs/protocol.md, sections 3 and 10. */
import { FormatError, type Reader, type Writer } from '../base/bytes.ts'
import { type Hlc, isHlc } from '../base/hlc.ts'
import { type BranchId, type FeedId, ID_BYTES } from '../base/ids.ts'
import type { AckEntry } from './log.ts'

export const ACK_ENTRY_BYTES = 56
const ZERO_ID = '00'.repeat(ID_BYTES)

/** feed id16 | durable u64 | stable u64 | at hlc u64 | via id16 (zero: by the origin's own link) */
export function writeAckEntry(writer: Writer, entry: AckEntry): void {
  const { feed, durable, stable, at, via } = entry
  writer.hex(feed).u64(durable).u64(stable).hex(at)
  writer.hex(via ?? ZERO_ID)
}

/** Throws FormatError. */
export function readAckEntry(reader: Reader): AckEntry {
  const feed = reader.hex(ID_BYTES) as FeedId
  const [durable, stable, at] = [reader.u64(), reader.u64(), readHlc(reader)]
  const via = reader.hex(ID_BYTES)
  return { feed, durable, stable, at, via: via === ZERO_ID ? undefined : (via as BranchId) }
}

/** A clock value, 8 bytes; throws FormatError. */
export function readHlc(reader: Reader): Hlc {
  const text = reader.hex(8)
  if (!isHlc(text)) throw new FormatError('The clock value is malformed')
  return text
}
