/** English: what went wrong. `errors` are whole pages, one per error code; `problems` are sentences at a field. */
import { enImportProblems } from './en-import.ts'
import { enUploads } from './en-uploads.ts'
import { counting } from './plural.ts'
import { refusedType } from './refused-type.ts'
import { byteWords } from './times.ts'

const count = counting('en')
const limit = (bytes: unknown) => byteWords(Number(bytes ?? 0), 'en', { isLimit: true })

/** What a sentence may mention. */
type Values = Record<string, string | number>

type Sentences = Record<string, (values: Values) => string>

const problems = {
  ...enImportProblems,
  required: () => 'Please fill this in.',
  'too-long': (v) => `At most ${v.max ?? 0} characters, please.`,
  'login-form': () => 'A login is 2 to 32 of a-z 0-9 . _ - and begins with a letter or digit.',
  'login-taken': () => 'This login is taken or was used before. A login is never given twice.',
  'login-lookalike': () => 'This login looks too much like another one.',
  'login-ambiguous': () =>
    'Several branches know this login. Write it with the branch: login@branch.',
  'password-short': () => 'At least 10 characters, please.',
  'password-long': () => 'At most 256 characters, please.',
  'password-common': () =>
    'This is one of the passwords that are tried first. Please choose another.',
  'password-mismatch': () => 'The two are not the same.',
  'password-same': () => 'This is the password you have now. Please choose another.',
  'password-lost': (v) =>
    `This password lost to another one: ${v.branch ?? ''} set that at ${v.at ?? ''} (UTC) while the branches were cut off from each other. Sign in with it, or ask an administrator for a new one.`,
  'wrong-sign-in': () =>
    'Login and password do not fit together. Check the language and Caps Lock.',
  'wrong-password': () => 'This is not your present password.',
  'wrong-code': () =>
    'This code does not hold. Each code of the authenticator serves once: wait for the next one.',
  'factor-anew': () => 'This took too long. Begin anew.',
  'factor-demanded': () => 'Your role needs a second factor; it cannot be switched off.',
  'password-new': () =>
    'Your password at work is a new one. Sign out, sign in with it, then try again.',
  'factor-on': () => 'A second factor is on already. To set up another one, switch it off first.',
  'factor-unreadable': () =>
    'Your second factor cannot be read. An admin of your home branch can remove it.',
  'pin-set': () => 'A PIN is chosen once for a sign-in. Sign out and in again for another one.',
  'pin-form': () => 'A PIN is 4 to 8 digits, and not a row like 1111 or 1234.',
  'wrong-pin': (v) => `This is neither the PIN nor the password. Tries left: ${v.left ?? 0}.`,
  'wrong-setup-code': () => 'This is not the set-up code that the server printed.',
  'invitation-unusable': () => 'This is not a whole invitation. Copy the complete line.',
  'invitation-used': () => 'This invitation was used already. Ask for a new one.',
  'invitation-expired': () => 'This invitation has expired. Ask for a new one.',
  'invitation-unreachable': () =>
    'The inviting branch does not answer. Check the network and try again.',
  'file-damaged': () =>
    'This file is damaged at this branch. Nothing else is lost; ask whoever sent it to send it again.',
  'file-wrong-key': () =>
    'The message of this file names a wrong key, so nobody can open it. Ask whoever sent it to send it again.',
  'not-here-yet': () => 'This file is not at this branch yet. It comes when the line allows.',
  'photo-unreadable': () => 'This is not a picture that can be read. JPEG, PNG and WebP serve.',
  'photo-large': () => 'The picture is too large. Up to 10 MB, please.',
  'message-empty': () => 'There is nothing to send yet.',
  'message-long': (v) =>
    `${v.length ? `This has ${v.length} characters; a` : 'A'} message has at most ${v.max ?? 4000}. Nothing was sent: shorten it, or send it in parts.`,
  'members-none': () => 'Choose at least one person.',
  blocked: (v) =>
    `${v.name || 'This person'} does not take messages from you. Nothing was sent; what was written before stays readable.`,
  'blocked-by-you': (v) =>
    `You have blocked ${v.name || 'this person'}. Take messages again first; nothing was sent.`,
  'block-self': () => 'Nobody blocks himself.',
  'report-empty': () => 'Choose at least one message.',
  'report-many': (v) => `At most ${v.max ?? 0} messages in one report, please.`,
  'confirm-mismatch': (v) => `To confirm, type ${v.expected ?? 'the login'} exactly.`,
  'last-admin': () => 'This is the last admin of the branch. Make somebody else an admin first.',
  'person-disabled': () => 'This account is disabled.',
  'person-unknown': () => 'This person is not known here.',
  invalid: () => 'This cannot be used as it is.',
  'language-unknown': () => 'Choose one of the languages.',
  'status-over': () => 'This end is over already.',
  'status-far': () => 'At most a year ahead, please.',
  'time-unknown': () => 'Write the time like 2026-11-22T15:00:00Z.',
  'theme-unknown': () => 'Choose one of the themes.',
  'role-unknown': () => 'Choose one of the roles.',
  'members-many': (v) => `At most ${v.max ?? 0} members, please.`,
  'owners-only': () => 'Only the owners of the group change who is in it.',
  'kept-elsewhere': (v) =>
    `The members of this group are kept in ${v.branch ?? ''}. They can be changed there.`,
  'profile-at-home': (v) => `Your profile is kept in ${v.branch ?? ''}. It can be changed there.`,
  'home-silent': (v) =>
    `${v.branch ?? ''}, your home branch, was not heard for too long. Sign in there, or wait for the line.`,
  'body-large': (v) => `What was sent is larger than ${v.max ?? 0} KiB.`,
  'cross-site': () => 'This came from another site, or the page was open for too long.',
  'file-large': (v) => `This file is too large: the limit is ${limit(v.max)}.`,
  'files-many': (v) => `At most ${v.max ?? 0} files at once, please.`,
  'file-not-whole': () => 'A file is not whole yet. Wait until it is, or take it away.',
  'file-busy': () => 'The file is still coming another way. Try again in a moment.',
  'file-offset': () => 'The file goes on at another place.',
  'file-infected': () => 'A virus was found in this file. Nobody can open it.',
  'file-checking': () => 'This file is being checked for viruses. Try again in a moment.',
  'file-not-checked': () =>
    'This file could not be checked for viruses, so it stays closed. Ask an administrator.',
  'quota-full': (v) => `There is no room left for this file: ${limit(v.left)} are free for you.`,
  'type-refused': (v) =>
    `Files of this kind are not sent in this organisation (${refusedType(v.type, enUploads.kinds)}).`,
  'refused-form': () => 'Endings without a dot, as exe or docm, or kind:video and the like.',
  'days-form': () => '0 to 3650 days, please.',
  'disk-full': () =>
    'The disk of the branch server is full. Nothing was stored; tell an admin, then try again.',
  'branch-own': () => 'A branch cannot revoke itself. Do it at another branch that may invite.',
  'branch-issues': () => 'This branch may issue already.',
  'branch-revoked': () => 'This branch is revoked already.',
  'branch-unknown': () => 'There is no branch with this name. Type it as it stands in the table.',
  'reason-unknown': () => 'Choose one of the reasons.',
  streams: (v) =>
    `You have ${v.max ?? 0} pages open, and more are not possible at once. Close some of them.`,
  'too-fast': (v) =>
    `You write faster than this branch lets one person. Your text is kept: send it again in ${count(Number(v.seconds ?? 1), { one: 'second', other: 'seconds' })}.`,
  'too-many-tries': (v) =>
    `Too many tries. Try again in ${count(Number(v.seconds ?? 60), { one: 'second', other: 'seconds' })}.`,
} satisfies Sentences

export const enProblems = {
  problems,
  errors: {
    'invalid-input': {
      title: 'Something in the form is not right',
      text: 'Something in the form cannot be used as it is.',
      next: 'Nothing was changed. Go back, mend the marked field and send again.',
    },
    'not-signed-in': {
      title: 'You are not signed in',
      text: 'Your sign-in has ended.',
      next: 'Everything you sent is kept. Sign in again and go on.',
    },
    'password-change-required': {
      title: 'A new password is needed',
      text: 'Your password is temporary.',
      next: 'Choose your own first; then everything opens.',
    },
    'second-factor-required': {
      title: 'A second factor is needed',
      text: 'Your role needs a second factor.',
      next: 'Set it up first; then everything opens.',
    },
    forbidden: {
      title: 'This is not yours to open',
      text: 'Your role does not allow this.',
      next: 'Nothing was changed. If you need it, ask an admin of your branch.',
    },
    'not-found': {
      title: 'There is nothing here',
      text: 'The address is wrong, or what was here is not for you.',
      next: 'Nothing is lost. Go back to your chats.',
    },
    conflict: {
      title: 'Somebody was quicker',
      text: 'This was changed meanwhile, or was sent before with another content.',
      next: 'Nothing was overwritten. Load the page again and look.',
    },
    'too-large': {
      title: 'This is too large',
      text: 'What was sent is larger than this branch takes.',
      next: 'Nothing was kept of it. Send it smaller or in parts.',
    },
    'too-many': {
      title: 'A little slower, please',
      text: 'Too much was asked in a short time.',
      next: 'Nothing is lost. Wait a moment and try again.',
    },
    unavailable: {
      title: 'Not possible at the moment',
      text: 'The branch server is starting, stopping or waits for something.',
      next: 'Nothing is lost. Try again in a moment.',
    },
    bug: {
      title: 'This is our mistake',
      text: 'The server could not finish this.',
      next: 'What was stored before is safe. Try again; if it stays, give an admin the number below.',
    },
  },
  errorWords: {
    incident: 'Incident number',
    wait: (n: number) => `Try again in ${count(n, { one: 'second', other: 'seconds' })}.`,
  },
}
