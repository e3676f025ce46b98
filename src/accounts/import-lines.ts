/**
 * A table of people as lines that can be checked against the database: which columns there are, what each cell may
 * hold, and which lines of one file contradict each other. Pure; what the accounts say is in import-plan.ts.
 */
import * as v from 'valibot'
import { isLanguage, LANGUAGES, wordsOf } from '../../views/language/words.ts'
import { CsvFault, type CsvRecord, csvRecords, unguarded } from '../base/csv.ts'
import { AppError } from '../base/errors.ts'
import { tidied } from '../base/text.ts'
import type { ImportText } from './import-text.ts'
import * as inputs from './inputs.ts'
import { LOGIN, loginSkeleton } from './logins.ts'
import { ROLES, type Role } from './records.ts'

/** Four times the largest branch we know of. */
export const IMPORT_LINES_MAX = 20_000

/** Columns of imports and exports, in the order of exports. */
export const COLUMNS = [
  ...(['login', 'branch', 'firstName', 'lastName', 'department', 'post'] as const),
  ...(['phone', 'room', 'role', 'language'] as const),
]
export type Column = (typeof COLUMNS)[number]

/** What is wrong with a line: `detail` names the sentence of the language files' `import.reasons`. */
export type Problem = { detail: string; values: Record<string, string | number> }

export type Wish = {
  firstName?: string
  lastName?: string
  department?: string
  post?: string
  phone?: string
  room?: string
  role?: Role
  language?: string
}

export type ImportLine = {
  /** In the file, from 1 on. */
  line: number
  login: string
  /** Of the column or after the @ of the login; '' when not said. */
  branch: string
  wish: Wish
  problem?: Problem
}

const problem = (detail: string, values: Problem['values'] = {}): Problem => ({ detail, values })

/** Reads the lines one after the other; throws invalid-input for a table that cannot be used at all. */
export function* importLines(
  { text, separator }: ImportText,
  ownBranch: string,
): Generator<ImportLine> {
  const records = csvRecords(text, separator)
  const columns = columnsOf(nextOf(records)?.cells ?? [])
  const seen = nothingSeen()
  let count = 0
  for (let record = nextOf(records); record !== undefined; record = nextOf(records)) {
    count += 1
    if (count > IMPORT_LINES_MAX) throw unusable('file-lines', { max: IMPORT_LINES_MAX })
    const line = ofBranch(lineOf(record, columns), ownBranch)
    yield line.problem === undefined ? againstOthers(line, seen) : line
  }
  if (count === 0) throw unusable('file-empty', {})
}

function nextOf(records: Generator<CsvRecord>): CsvRecord | undefined {
  try {
    return records.next().value ?? undefined
  } catch (error) {
    if (error instanceof CsvFault) throw unusable(error.reason, { line: error.line })
    throw error
  }
}

/** Every name a column goes by: ours, and what the pages call it in each language. */
function namesOfColumns(): Map<string, Column> {
  const names = new Map<string, Column>()
  for (const column of COLUMNS) {
    names.set(plain(column), column)
    for (const { language } of LANGUAGES) {
      const t = wordsOf(language)
      names.set(plain(column === 'language' ? t.profile.language : t.admin[column]), column)
    }
  }
  return names
}

const plain = (name: string) => tidied(name).toLowerCase().replace(/[ _-]/g, '')

function columnsOf(header: readonly string[]): Column[] {
  const names = namesOfColumns()
  const columns = header.map((cell) => {
    const column = names.get(plain(cell))
    if (column !== undefined) return column
    throw unusable('column-unknown', { column: tidied(cell).slice(0, 60) })
  })
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw unusable('column-twice', { column: twice })
  if (!columns.includes('login')) throw unusable('column-login', {})
  return columns
}

const SCHEMAS = {
  firstName: inputs.firstName,
  lastName: inputs.lastName,
  department: inputs.department,
  post: inputs.post,
  phone: inputs.phone,
  room: inputs.room,
}

function lineOf({ line, cells }: CsvRecord, columns: readonly Column[]): ImportLine {
  const typed = new Map<Column, string>()
  for (const [i, column] of columns.entries()) typed.set(column, unguarded(cells[i] ?? '').trim())
  const result = lineFrom(line, typed)
  // An empty cell more is what spreadsheets leave at the end of lines.
  if (cells.slice(columns.length).every((cell) => cell.trim() === '')) return result
  return { ...result, problem: problem('cells', { columns: columns.length }) }
}

/** The texts of one person's columns, checked. */
export function lineFrom(line: number, typed: ReadonlyMap<Column, string>): ImportLine {
  const [login = '', at = ''] = (typed.get('login') ?? '').toLowerCase().normalize('NFC').split('@')
  const branch = tidied(typed.get('branch') ?? '') || at
  const result: ImportLine = { line, login: login.slice(0, 60), branch, wish: {} }
  if (!LOGIN.test(login)) {
    return { ...result, problem: problem(login === '' ? 'login-missing' : 'login-form') }
  }
  return { ...result, ...wishOf(typed) }
}

function wishOf(typed: ReadonlyMap<Column, string>): { wish: Wish; problem?: Problem } {
  const wish: Wish = {}
  for (const [column, text] of typed) {
    if (column === 'login' || column === 'branch') continue
    if (column === 'role' || column === 'language') {
      // Left empty: as it is.
      if (text === '') continue
      const value = column === 'role' ? roleOf(text) : languageOf(text)
      if (value === undefined) return { wish, problem: problem(`${column}-unknown`, { is: text }) }
      Object.assign(wish, { [column]: value })
      continue
    }
    const result = v.safeParse(SCHEMAS[column], text)
    if (!result.success) {
      const { message, requirement } = result.issues[0]
      const max = typeof requirement === 'number' ? requirement : 0
      return { wish, problem: problem(message, { column, max }) }
    }
    wish[column] = result.output
  }
  return { wish }
}

/** A role by its name in the API or on a page in any language. */
function roleOf(text: string): Role | undefined {
  const wanted = text.toLowerCase()
  return ROLES.find((role) => {
    const called = LANGUAGES.map(({ language }) => wordsOf(language).admin.roles[role])
    return [role, ...called].some((name) => name.toLowerCase() === wanted)
  })
}

function languageOf(text: string): string | undefined {
  const wanted = text.toLowerCase()
  if (isLanguage(wanted)) return wanted
  return LANGUAGES.find(({ name }) => name.toLowerCase() === wanted)?.language
}

/** The same login at another branch is somebody else, who is changed there. */
function ofBranch(line: ImportLine, own: string): ImportLine {
  const { branch } = line
  const isOwn = branch === '' || branch.toLowerCase() === own.toLowerCase().normalize('NFC')
  return isOwn || line.problem ? line : { ...line, problem: problem('elsewhere', { branch }) }
}

type Seen = { logins: Map<string, number>; alike: Map<string, ImportLine> }

/** Before the first line. */
export const nothingSeen = (): Seen => ({ logins: new Map(), alike: new Map() })

/** The line, refused when one before it has the same login or one that looks like it. */
export function againstOthers(line: ImportLine, seen: Seen): ImportLine {
  const twice = seen.logins.get(line.login)
  if (twice !== undefined) return { ...line, problem: problem('login-twice', { line: twice }) }
  const skeleton = loginSkeleton(line.login)
  const alike = seen.alike.get(skeleton)
  if (alike !== undefined) {
    const values = { line: alike.line, login: alike.login }
    return { ...line, problem: problem('login-alike-here', values) }
  }
  seen.logins.set(line.login, line.line)
  seen.alike.set(skeleton, line)
  return line
}

function unusable(detail: string, values: Problem['values']): AppError {
  const what = Object.values(values).join(', ')
  const message = `Cannot use the table: ${detail}${what === '' ? '' : ` (${what})`}`
  return new AppError('invalid-input', message, { field: 'file', detail, values })
}
