/** English: what administrators read after the database was put back or lost. */
import { counting } from './plural.ts'

const count = counting('en')

export const enRecovery = {
  titles: {
    restored: 'This branch was put back from a copy',
    rebuilt: 'This branch was built up again from its keys',
    'rolled-back': 'The database of this branch is older than it was',
  },
  restored: (copyAt: string, at: string) => `The copy is of ${copyAt}; it was put back (${at}).`,
  rebuilt: (at: string) => `It began with an empty database (${at}).`,
  'rolled-back': (at: string) =>
    `Noticed (${at}): another branch had more from here than was here. If nobody put a copy or a snapshot back, find out who did.`,
  cameBack: (n: number) =>
    `${count(n, { one: 'event', other: 'events' })} of this branch came back from other branches.`,
  notHeard: 'Not linked since: what only they hold is still to come.',
  allHeard: 'All branches have been linked since.',
  lost: 'What cannot come back',
  lostLocal: {
    restored: 'what people of this branch wrote to each other after the copy was made',
    rebuilt: 'what people of this branch wrote to each other',
    'rolled-back': 'what people of this branch wrote to each other in the time that is missing',
  },
  lostUnsent: 'what was written to other branches and had not reached any of them',
  lostSignIns: 'sign-ins: everybody signs in again',
  read: 'I have read it',
  backup: 'Backup',
  lastBackup: (at: string) => `The newest copy of this branch that may be put back: ${at}.`,
  noBackup:
    'There is no copy of this branch that may be put back. What its people write to each other is nowhere else: the command backup makes one while the server runs.',
  signIn:
    'This branch is being built up again. Accounts come back as soon as another branch is reached; until then nobody can sign in.',
}
