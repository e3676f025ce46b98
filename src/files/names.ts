/** Names and types of files at the door: what a sender says becomes what we show and hand out again. */
import { tidied } from '../base/text.ts'

/** What file systems take (ext4, NTFS, APFS: 255), in bytes of UTF-8. */
const NAME_BYTES_MAX = 255
/** RFC 6838, 4.2: names of media types have at most 127 characters on each side. */
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/
const UNKNOWN_TYPE = 'application/octet-stream'
/** An ending longer than this is no ending. */
const ENDING_CHARS_MAX = 16

const encoder = new TextEncoder()

/** A name without folders and hidden characters, at most 255 bytes with its ending kept; `file` for none. */
export function fileName(text: string): string {
  const last = text.toWellFormed().split(/[/\\]/).at(-1) ?? ''
  const name = tidied(last.replace(/[<>:"|?*]/g, '_')).replace(/[. ]+$/, '')
  if (name === '') return 'file'
  if (encoder.encode(name).length <= NAME_BYTES_MAX) return name
  const dot = name.lastIndexOf('.')
  const ending = dot > 0 && name.length - dot <= ENDING_CHARS_MAX ? name.slice(dot) : ''
  const stem = [...name.slice(0, ending === '' ? undefined : dot)]
  let bytes = encoder.encode(ending).length
  const kept = stem.findIndex((character) => {
    bytes += encoder.encode(character).length
    return bytes > NAME_BYTES_MAX
  })
  return stem.slice(0, kept < 0 ? undefined : kept).join('') + ending
}

/** A media type without parameters, as bytes of an unknown kind when it is none. */
export function mediaTypeOf(text: string | undefined): string {
  const type = (text ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return TYPE.test(type) ? type : UNKNOWN_TYPE
}

/** The name a Content-Disposition header tells (RFC 6266; RFC 8187 for `filename*`); `file` without one. */
export function namedIn(header: string | undefined): string {
  const extended = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header ?? '')?.[1]
  if (extended !== undefined) {
    try {
      return fileName(decodeURIComponent(extended))
    } catch {
      return 'file' // not percent-encoded UTF-8
    }
  }
  const quoted = /filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header ?? '')?.[1]
  const plain =
    quoted?.replace(/\\(.)/g, '$1') ?? /filename\s*=\s*([^;\s"]+)/i.exec(header ?? '')?.[1]
  return fileName(plain ?? '')
}
