/** English: importing people from a table, and what may be wrong with it. */
import { counting } from './plural.ts'

const count = counting('en')

type Values = Record<string, string | number>
type Sentence = (values: Values) => string

export const enImport = {
  title: 'Import people',
  lead: 'A table from a spreadsheet, saved as CSV. First you see what would happen; nothing changes before you say so.',
  open: 'Import',
  export: 'Export',
  file: 'File',
  fileHint: (max: number, lines: number) =>
    `CSV with a line of column names, up to ${max} MB and ${lines} lines.`,
  columns: 'Columns',
  columnsText:
    'Needed: login, and firstName for new people. Others: branch, lastName, department, post, phone, room, role, language. Only columns that are there are changed; an empty cell empties the field, except role and language. Who stands in no line stays as he is.',
  renew:
    'New temporary passwords also for those who were imported before and have not signed in yet',
  showButton: 'Show what would happen',
  encoding: 'Letters',
  automatic: 'find out',
  guess: (name: string) =>
    `Read as ${name}, which is a guess: look whether the names are right, else choose another.`,
  readAs: (name: string) => `Read as ${name}.`,
  readAgain: 'Read again',
  kinds: { create: 'New', change: 'Changed', same: 'As it is', refused: 'Refused' },
  line: 'Line',
  outcome: 'What happens',
  none: 'No lines of this kind.',
  password: 'new temporary password',
  doButton: (n: number) => `Import ${count(n, { one: 'person', other: 'people' })}`,
  doText: 'Refused lines are left out. What has changed meanwhile is not done but listed.',
  nothing: 'There is nothing to do.',
  another: 'Another file',
  running: 'Importing',
  runningText: (done: number, all: number) => `${done} of ${all} lines`,
  done: 'The import is done',
  failed:
    'The import stopped before its end. The lines done are kept: import the same file again for the rest.',
  slips: 'Temporary passwords',
  slipsText: (n: number) =>
    `${n} temporary passwords wait to be printed. They are shown once, and kept nowhere after that; in 30 minutes, or when the server stops, they are forgotten.`,
  slipsButton: 'Show and print the passwords',
  slipsGone:
    'The passwords were shown already or are forgotten. For those who have not signed in, import the same file again and tick the box.',
  slipText: 'Change the password when you first sign in.',
  ldap: {
    title: 'LDAP',
    text: 'Passwords of these people are those of LDAP. They are imported every night; a block made by hand is never undone.',
    disabled: 'disabled',
    enabled: 'enabled again',
    states: {
      done: 'done',
      stopped:
        'Done, but nobody was disabled: more people were missing than leave in a night. If that is right, run user ldap --force.',
      failed: 'Failed: the log says why.',
    },
  },
  /** Why a line is refused. */
  reasons: {
    moved: () => 'Changed since it was shown: show it again',
    'not-yours': () => 'You may not change this person',
    elsewhere: ({ branch = '' }) => `Belongs to the branch ${branch}: it is changed there`,
    'login-missing': () => 'The login is missing',
    'login-form': () => 'The login breaks the rules: 2 to 32 of a-z 0-9 . _ -',
    'login-twice': ({ line = '' }) => `The same login stands in line ${line}`,
    'login-alike-here': ({ line = '', login = '' }) => `Looks like ${login} in line ${line}`,
    'login-alike': ({ login = '' }) => `Looks like the login ${login}`,
    'login-taken': () => 'The login is taken',
    'login-lookalike': () => 'Looks like another login',
    'person-disabled': () => 'The account is disabled: enable it on its page first',
    'role-unknown': ({ is = '' }) => `There is no role ${is}`,
    'role-not-yours': ({ role = '' }) => `You may not give the role ${role}`,
    'language-unknown': ({ is = '' }) => `There is no language ${is}`,
    required: ({ column = '' }) => `${column} is missing`,
    'too-long': ({ column = '', max = '' }) => `${column} is too long: up to ${max} characters`,
    cells: ({ columns = '' }) => `More cells than the ${columns} columns`,
    'last-admin': () => 'It is the last admin',
    forbidden: () => 'You may not do this',
    'invalid-input': () => 'It cannot be used',
    other: () => 'It was not done',
  } as Record<string, Sentence>,
}

/** What is wrong with a whole file. */
export const enImportProblems = {
  'file-empty': () => 'The file is empty.',
  'file-workbook': () => 'This is a workbook. Save it as CSV and choose that file.',
  'file-encoding': ({ encoding = '' }: Values) =>
    `This file is not ${encoding}. Choose other letters, or save it as CSV in UTF-8.`,
  'encoding-unknown': () => 'There is no such encoding.',
  'file-lines': ({ max = '' }: Values) => `The file has more than ${max} lines. Split it.`,
  'quote-open': ({ line = '' }: Values) =>
    `Line ${line}: a quotation mark is not closed, or text follows after it.`,
  'cell-long': ({ line = '' }: Values) => `Line ${line}: a cell has more than 2000 characters.`,
  'cells-many': ({ line = '' }: Values) => `Line ${line}: more than 100 cells.`,
  'column-unknown': ({ column = '' }: Values) =>
    `There is no column “${column}”. Is the first line the names of columns, and are the letters right?`,
  'column-twice': ({ column = '' }: Values) => `The column ${column} is there twice.`,
  'column-login': () => 'There is no column login in the first line.',
  'password-in-ldap': () => 'The password is the one of your computer at work. Change it there.',
  'import-busy': () => 'Another import is being done. Wait until it is finished.',
}
