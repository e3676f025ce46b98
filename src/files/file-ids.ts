/**
 * Ids of files prove whose they are: they follow from the person who uploads and a seed of chance that travels beside
 * them. So no branch can put the id of another's file into a message of its own people, nor take that file away, also
 * where nobody has seen the true message yet. docs/protocol.md, section 8.
 */
import { hash } from 'node:crypto'
import { concat, fromHex, utf8 } from '../base/bytes.ts'
import { asFileId, type FileId, ID_BYTES, type UserId } from '../base/ids.ts'

const DOMAIN = utf8('file/1')

/** The id of what `owner` uploads; `seed` is an id of chance, no secret. */
export function fileIdOf(owner: UserId, seed: string): FileId {
  const whole = concat(DOMAIN, fromHex(owner), fromHex(seed))
  return asFileId(hash('sha256', whole, 'hex').slice(0, 2 * ID_BYTES))
}
