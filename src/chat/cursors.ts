/** Opaque places in a history: (time key, id) of a line, for paging in both directions. A branch's own view. */
import { fromHex, hex } from '../base/bytes.ts'
import { invalidInput } from '../base/errors.ts'
import type { Hlc } from '../base/hlc.ts'
import type { MessageId } from '../base/ids.ts'

export type Place = { timeKey: Hlc; id: MessageId }

const KEY_BYTES = 8
const CURSOR = /^[A-Za-z0-9_-]{32}$/

/** The place as a text for links: 24 bytes, base64url. */
export function cursorOf({ timeKey, id }: Place): string {
  return fromHex(timeKey + id).toBase64({ alphabet: 'base64url', omitPadding: true })
}

/** The place of a cursor; throws invalid-input for what is none of ours. */
export function placeOf(cursor: string, field: string): Place {
  if (!CURSOR.test(cursor)) throw invalidInput(field, `Cannot read the cursor ${field}`)
  const bytes = Uint8Array.fromBase64(cursor, { alphabet: 'base64url' })
  return {
    timeKey: hex(bytes.subarray(0, KEY_BYTES)) as Hlc,
    id: hex(bytes.subarray(KEY_BYTES)) as MessageId,
  }
}
