/**
 * The bytes of a table as text: which encoding, which separator. Says what it took, so that an admin who sees wrong
 * letters can choose another. Encoding Standard (WHATWG); spreadsheets write UTF-8 with a mark, UTF-16 with one, or the
 * code page of their Windows without a word.
 */
import { AppError } from '../base/errors.ts'
import { MIB } from '../base/units.ts'

/** 20,000 lines of 200 bytes. */
export const IMPORT_BYTES_MAX = 4 * MIB

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1251', 'windows-1252'] as const
export type Encoding = (typeof ENCODINGS)[number]
const SEPARATORS = [',', ';', '\t'] as const
export type Separator = (typeof SEPARATORS)[number]

export type ImportText = {
  text: string
  encoding: Encoding
  separator: Separator
  /** No mark and no rule named the encoding: the letters were weighed. */
  isGuess: boolean
}

/** The text of a file; `encoding` undefined: found out. Throws invalid-input for what is no text. */
export function importText(bytes: Uint8Array, encoding?: Encoding | undefined): ImportText {
  if (bytes.length === 0) throw unusable('file-empty', 'it is empty')
  // "PK": a workbook is a ZIP archive (APPNOTE 4.3.7); OLE: the older kind.
  if (startsWith(bytes, [0x50, 0x4b, 3, 4]) || startsWith(bytes, [0xd0, 0xcf, 0x11, 0xe0])) {
    throw unusable('file-workbook', 'it is a workbook')
  }
  const found = encoding === undefined ? encodingOf(bytes) : { encoding, isGuess: false }
  const text = decoded(bytes, found.encoding)
  if (text === undefined || text.includes('\0')) {
    throw unusable('file-encoding', `it is not ${found.encoding}`, { encoding: found.encoding })
  }
  return { ...found, text, separator: separatorOf(text) }
}

function encodingOf(bytes: Uint8Array): { encoding: Encoding; isGuess: boolean } {
  if (startsWith(bytes, [0xff, 0xfe])) return { encoding: 'utf-16le', isGuess: false }
  if (startsWith(bytes, [0xfe, 0xff])) return { encoding: 'utf-16be', isGuess: false }
  // Text of a code page is hardly ever valid UTF-8: its letters would have to come in the right pairs.
  if (decoded(bytes, 'utf-8') !== undefined) return { encoding: 'utf-8', isGuess: false }
  return { encoding: isCyrillic(bytes) ? 'windows-1251' : 'windows-1252', isGuess: true }
}

/** Without the mark (BOM); undefined where the bytes have no meaning in the encoding. */
function decoded(bytes: Uint8Array, encoding: Encoding): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Of the letters beyond ASCII, the share that stands beside an ASCII letter: in Latin words nearly all do. */
const LATIN_SHARE_MIN = 0.5

function isCyrillic(bytes: Uint8Array): boolean {
  let [high, besideAscii] = [0, 0]
  for (let i = 0; i < bytes.length; i++) {
    if ((bytes[i] ?? 0) < 0x80) continue
    high += 1
    if (isAsciiLetter(bytes[i - 1]) || isAsciiLetter(bytes[i + 1])) besideAscii += 1
  }
  return besideAscii < high * LATIN_SHARE_MIN
}

const isAsciiLetter = (byte = 0) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a

/** A line of names of columns is shorter. */
const FIRST_LINE_CHARACTERS_MAX = 4000

/** What the first line has most of, outside of quotes. */
function separatorOf(text: string): Separator {
  const first = text.slice(0, FIRST_LINE_CHARACTERS_MAX).split(/[\r\n]/, 1)[0] ?? ''
  const bare = first.replace(/"[^"]*"/g, '')
  const countOf = (separator: Separator) => bare.split(separator).length
  return SEPARATORS.reduce((best, each) => (countOf(each) > countOf(best) ? each : best), ',')
}

const startsWith = (bytes: Uint8Array, start: readonly number[]) =>
  start.every((byte, i) => bytes[i] === byte)

function unusable(detail: string, why: string, values: Record<string, string> = {}): AppError {
  const message = `Cannot read the file: ${why}`
  return new AppError('invalid-input', message, { field: 'file', detail, values })
}
