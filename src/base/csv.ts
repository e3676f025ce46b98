/**
 * Tables as text: RFC 4180, with the separator given. Reading goes record by record, so that whoever reads may let
 * others work in between; no cell and no record grows past its limit. Knows nothing of what the cells mean.
 */

/** Longer than any field of ours: a quote that is never closed would swallow the rest of the file. */
const CELL_CHARACTERS_MAX = 2000
/** More columns than any table of people has. */
const CELLS_MAX = 100

export type CsvRecord = { /** Of its first line, from 1 on. */ line: number; cells: string[] }

/** What ends the reading: the rest of the file cannot be told apart any more. */
export class CsvFault extends Error {
  override name = 'CsvFault'
  readonly line: number
  readonly reason: 'cell-long' | 'cells-many' | 'quote-open'

  constructor(reason: CsvFault['reason'], line: number) {
    super(`Line ${line}: ${reason}`)
    this.reason = reason
    this.line = line
  }
}

// One cell and what ends it: quoted, with doubled quotes (RFC 4180, 2.5 to 2.7), or plain. The counts keep the engine
// from walking through megabytes that no cell may have.
const cellOf = (separator: string) => {
  const quoted = `"((?:[^"]|""){0,${CELL_CHARACTERS_MAX}})" *`
  const plain = `([^"${separator}\\r\\n][^${separator}\\r\\n]{0,${CELL_CHARACTERS_MAX - 1}}|)`
  return new RegExp(`(?:${quoted}|${plain})(${separator}|\\r\\n|\\n|\\r|$)`, 'y')
}

/** The records of a text; a line without any cell's text is left out. Throws CsvFault. */
export function* csvRecords(text: string, separator: ',' | ';' | '\t'): Generator<CsvRecord> {
  const cell = cellOf(separator)
  let line = 1
  let record: CsvRecord = { line, cells: [] }
  while (cell.lastIndex < text.length || record.cells.length > 0) {
    const at = cell.lastIndex
    const match = cell.exec(text)
    // A quote that never closes, or goes on after it closed, fits neither form.
    if (match === null) throw new CsvFault(text[at] === '"' ? 'quote-open' : 'cell-long', line)
    const [whole, quoted, plain = '', end = ''] = match
    const value = quoted?.replaceAll('""', '"') ?? plain
    if (record.cells.push(value) > CELLS_MAX) throw new CsvFault('cells-many', line)
    line += linesIn(whole)
    if (end === separator) continue
    if (record.cells.some((each) => each.trim() !== '')) yield record
    record = { line, cells: [] }
    if (cell.lastIndex >= text.length) return
  }
}

function linesIn(text: string): number {
  return text.split(/\r\n|\r|\n/).length - 1
}

/** One line of a table with its end. */
export function csvLine(cells: readonly string[], separator: string): string {
  return `${cells.map((cell) => writtenCell(cell, separator)).join(separator)}\r\n`
}

/** DANGER: a spreadsheet runs a cell that begins so as a formula (OWASP, CSV injection). */
const FORMULA = /^'*[=+\-@\t\r]/
const GUARDED = /^'(?='*[=+\-@\t\r])/

function writtenCell(cell: string, separator: string): string {
  const safe = FORMULA.test(cell) ? `'${cell}` : cell
  return /["\r\n]/.test(safe) || safe.includes(separator) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A cell as it was before `csvLine` guarded it. */
export function unguarded(cell: string): string {
  return cell.replace(GUARDED, '')
}
