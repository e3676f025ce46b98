/**
 * What a file is, by its first bytes: neither its name nor what the sender says of it decides what a browser is told.
 * Owns the table of signatures. A short table of our own: docs/decisions/044-showing-files.md says why.
 */
import { KIB } from '../base/units.ts'

type Kind = 'image' | 'audio' | 'video' | 'pdf' | 'text' | 'other'
type FileKind = { type: string; kind: Kind }

/** Of a file, to tell what it is: the names at the beginning of an office document, and enough text to judge it. */
export const KIND_BYTES = 4 * KIB

const OTHER: FileKind = { type: 'application/octet-stream', kind: 'other' }
const TEXT: FileKind = { type: 'text/plain', kind: 'text' }

/** At `at` (0 unless said) these Latin-1 characters; a question mark stands for any byte. */
type Signature = { bytes: string; at?: number; is: FileKind }

const image = (type: string): FileKind => ({ type: `image/${type}`, kind: 'image' })
const audio = (type: string): FileKind => ({ type: `audio/${type}`, kind: 'audio' })
const video = (type: string): FileKind => ({ type: `video/${type}`, kind: 'video' })
const other = (type: string): FileKind => ({ type, kind: 'other' })

/** The first that fits. What browsers do not show themselves (TIFF, HEIC, Matroska) is `other` with its own type. */
const SIGNATURES: readonly Signature[] = [
  { bytes: '\xff\xd8\xff', is: image('jpeg') }, // ITU-T T.81, B.1.1.3
  { bytes: '\x89PNG\r\n\x1a\n', is: image('png') }, // W3C PNG, 5.2
  { bytes: 'GIF87a', is: image('gif') },
  { bytes: 'GIF89a', is: image('gif') },
  { bytes: 'RIFF????WEBP', is: image('webp') }, // RFC 9649, 2.4
  { bytes: 'RIFF????WAVE', is: audio('wav') },
  { bytes: 'ftypavif', at: 4, is: image('avif') }, // ISO/IEC 14496-12, 4.3: the brand follows `ftyp`
  { bytes: 'ftyphei', at: 4, is: other('image/heic') },
  { bytes: 'ftyphev', at: 4, is: other('image/heic') },
  { bytes: 'ftypmif1', at: 4, is: other('image/heif') },
  { bytes: 'ftypM4A', at: 4, is: audio('mp4') },
  { bytes: 'ftypM4B', at: 4, is: audio('mp4') },
  { bytes: 'ftypqt  ', at: 4, is: video('quicktime') },
  { bytes: 'ftyp', at: 4, is: video('mp4') },
  { bytes: 'ID3', is: audio('mpeg') },
  { bytes: 'fLaC', is: audio('flac') }, // RFC 9639, 6
  { bytes: '%PDF-', is: { type: 'application/pdf', kind: 'pdf' } }, // ISO 32000-2, 7.5.2
  { bytes: 'II*\0', is: other('image/tiff') },
  { bytes: 'MM\0*', is: other('image/tiff') },
  { bytes: '7z\xbc\xaf\x27\x1c', is: other('application/x-7z-compressed') },
  { bytes: 'Rar!\x1a\x07', is: other('application/vnd.rar') },
  { bytes: '\x1f\x8b\x08', is: other('application/gzip') }, // RFC 1952, 2.3.1
  { bytes: 'MZ', is: other('application/vnd.microsoft.portable-executable') },
  { bytes: '\x7fELF', is: other('application/x-elf') },
  { bytes: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', is: other('application/x-ole-storage') },
  { bytes: '{\\rtf', is: other('application/rtf') },
]

/** What stands in a ZIP file of an office program; ODF 1.3 part 2, 3.3 puts its type first, in plain. */
const OFFICE: readonly [within: string, type: string][] = [
  ['mimetypeapplication/vnd.oasis.opendocument.text', 'vnd.oasis.opendocument.text'],
  ['mimetypeapplication/vnd.oasis.opendocument.spreadsheet', 'vnd.oasis.opendocument.spreadsheet'],
  [
    'mimetypeapplication/vnd.oasis.opendocument.presentation',
    'vnd.oasis.opendocument.presentation',
  ],
  ['word/', 'vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xl/', 'vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['ppt/', 'vnd.openxmlformats-officedocument.presentationml.presentation'],
]

/** Endings of texts that may be in an old eight-bit alphabet, which no byte of them tells. */
const TEXT_NAME = /\.(txt|text|log|csv|tsv|md|ini|conf|cfg|sql|srt)$/i

/**
 * What a file is. Whatever is text, be it HTML, SVG, XML or a script, is plain text and nothing else. The name only
 * tells text in an old alphabet from bytes: both are as harmless.
 */
export function kindOf(firstBytes: Uint8Array, name: string): FileKind {
  const head = Buffer.from(firstBytes.subarray(0, KIND_BYTES)).toString('latin1')
  const found = SIGNATURES.find((signature) => fits(head, signature))
  if (found !== undefined) return found.is
  if (head.startsWith('PK\x03\x04')) return zipKind(head)
  if (head.startsWith('OggS')) return oggKind(head)
  if (head.startsWith('\x1a\x45\xdf\xa3')) return matroskaKind(head)
  if (isMpegAudio(firstBytes)) return audio('mpeg')
  return isText(firstBytes, name) ? TEXT : OTHER
}

function fits(head: string, { bytes, at = 0 }: Signature): boolean {
  if (head.length < at + bytes.length) return false
  return [...bytes].every((byte, i) => byte === '?' || head[at + i] === byte)
}

function zipKind(head: string): FileKind {
  const office = OFFICE.find(([within]) => head.includes(within))
  return other(`application/${office?.[1] ?? 'zip'}`)
}

/** RFC 5334: one container for sound and pictures; the first page names what is in it. */
function oggKind(head: string): FileKind {
  return /\x80theora|fishead/.test(head) ? video('ogg') : audio('ogg')
}

/** RFC 9559 and its part WebM: EBML's DocType, and the names of codecs in the track list. */
function matroskaKind(head: string): FileKind {
  if (!head.includes('webm')) return other('video/x-matroska')
  return head.includes('A_') && !head.includes('V_') ? audio('webm') : video('webm')
}

/** ISO/IEC 11172-3, 2.4.1.3: eleven bits of sync, layer III, a bit rate and a sampling rate that exist. */
function isMpegAudio([first = 0, second = 0, third = 0]: Uint8Array): boolean {
  const isLayer3 = first === 0xff && (second & 0xe6) === 0xe2 && (second & 0x18) !== 0x08
  return isLayer3 && third >> 4 !== 0x0f && third >> 4 !== 0 && (third & 0x0c) !== 0x0c
}

function isText(bytes: Uint8Array, name: string): boolean {
  const head = bytes.subarray(0, KIND_BYTES)
  if (head.length === 0) return false
  if (isUtf16(head)) return true
  const isControl = (byte: number) => byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d)
  if (head.some((byte) => isControl(byte) || byte === 0x7f)) return false
  try {
    // `stream`: the last letter may be cut in two.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
    return true
  } catch {
    return TEXT_NAME.test(name)
  }
}

function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
}

/**
 * The words of a text file, in whichever alphabet it was written: Unicode if it says so or can be read so, else the
 * Windows alphabets of Ukrainian or of Western Europe, told apart by how many of its letters are Cyrillic there.
 */
export function readText(bytes: Uint8Array): string {
  if (isUtf16(bytes)) {
    return new TextDecoder(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(bytes)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    const letters = bytes.filter((byte) => byte >= 0x80 || (byte | 0x20) >= 0x61).length
    const cyrillic = bytes.filter((byte) => byte >= 0xc0).length
    return new TextDecoder(cyrillic * 2 > letters ? 'windows-1251' : 'windows-1252').decode(bytes)
  }
}
