/** Props for every view, with every optional part present, for tests that look at all of them. */

import { passwordPage } from '../../views/accounts/password.ts'
import { profilePage } from '../../views/accounts/profile.ts'
import { codePage, factorPage, recoveryCodesPage } from '../../views/accounts/second-factor.ts'
import { setupPage } from '../../views/accounts/setup.ts'
import { signInPage } from '../../views/accounts/sign-in.ts'
import { lockPage, pinPage } from '../../views/accounts/terminal.ts'
import { auditPage } from '../../views/admin/audit.ts'
import { branchesPage } from '../../views/admin/branches.ts'
import { filesPage } from '../../views/admin/files.ts'
import { leaversPage } from '../../views/admin/leavers.ts'
import type { ReceiptProps } from '../../views/admin/receipts.ts'
import { reportPage, reportsPage } from '../../views/admin/reports.ts'
import { rulesPage } from '../../views/admin/rules.ts'
import { type TraceProps, tracePage } from '../../views/admin/trace.ts'
import { userPage } from '../../views/admin/user.ts'
import { newUserPage, usersPage } from '../../views/admin/users.ts'
import { addPersonDialog, addPersonPage } from '../../views/chat/add-person.ts'
import { confirmDialog, confirmPage } from '../../views/chat/confirm.ts'
import { composerError, conversationPage, olderLines } from '../../views/chat/conversation.ts'
import { storyFragment, storyPage } from '../../views/chat/delivery.ts'
import { detailsPage, detailsPanel } from '../../views/chat/details.ts'
import { directoryPage, personCardPage } from '../../views/chat/directory.ts'
import { type Line, line } from '../../views/chat/line.ts'
import { allRows, chatRow } from '../../views/chat/list.ts'
import { chatMenu } from '../../views/chat/menu.ts'
import { newGroupDialog, newGroupPage } from '../../views/chat/new-group.ts'
import { reportFormPage } from '../../views/chat/report.ts'
import { welcomePage } from '../../views/chat/welcome.ts'
import { errorBox, errorPage } from '../../views/error.ts'
import { type Language, wordsOf } from '../../views/language/words.ts'
import type { Frame } from '../../views/layout.ts'
import type { Html } from '../../views/parts.ts'
import { statusPage } from '../../views/presence/status.ts'
import { trustPage } from '../../views/trust.ts'
import { auditProps } from './audit-samples.ts'
import { fileSamples } from './file-samples.ts'

const FILE_ID = 'ab'.repeat(16)
export const NOW = Date.parse('2026-11-21T14:12:00+02:00')
const HOUR = 3_600_000
const TIME_KEY = `${NOW.toString(16).padStart(12, '0')}0000`
const on = { isOnline: true, asOf: NOW - HOUR }

/** The frame and the props of every view; `text` is put wherever somebody's words or names may stand. */
export function samples(
  text: string,
  photo: string | null,
  language: Language = 'en',
): [name: string, html: Html | string][] {
  const t = wordsOf(language)
  const face = { id: text, name: text, photo }
  const frame: Frame = {
    t,
    timeZone: 'Europe/Kyiv',
    now: NOW,
    icons: text,
    formToken: text,
    assets: { css: text, js: text, icons: text },
    theme: 'auto',
    organisation: text,
    branch: text,
    me: { ...face, login: text, rights: ['administration', 'organisation', 'audit', 'reports'] },
    flash: { kind: 'problem', text },
    home: { branch: text, unreachableSince: NOW - HOUR, asOf: NOW },
  }
  return [
    ...chatSamples(frame, face, text),
    ...fileSamples(frame, text),
    ...otherSamples(frame, face, text),
  ]
}

type SampleFace = { id: string; name: string; photo: string | null }

function chatSamples(frame: Frame, face: SampleFace, text: string): [string, Html | string][] {
  const person = { ...face, branch: text, department: text, isHere: false, presence: on }
  const last = { at: NOW, text, author: text, isMine: false }
  const row = { id: text, title: text, tag: text, last, unread: 3, timeKey: TIME_KEY }
  const direct = { ...row, kind: 'direct', person } as const
  const other = `${text}-2`
  const rows = [direct, { ...row, id: other, kind: 'group', typing: [text] } as const]
  const list = { rows, current: text, find: text, myPresence: on }
  const recent = { ...list, find: undefined, total: 214, before: text }
  const m = { id: text, timeKey: TIME_KEY, author: face, body: text, sentAt: NOW } as const
  const own = { ...m, mark: 'read', kind: 'group', isLate: true } as const
  const conversation = { id: text, kind: 'direct', title: text, person } as const
  const details = { id: text, kind: 'direct', title: text } as const
  const question = { chatId: text, title: text, text, action: text, button: text }
  const facts = { ...person, login: text, post: text, phone: text, room: text }
  const members = [{ ...face, branch: text, isOwner: true, presence: on }]
  const more = { lines: [own], newFrom: text, older: text, typing: [text], after: text } as const
  const composer = { draft: text, error: text }
  const chat = { conversation, ...more, position: 7, list, unread: 3, composer } as const
  const linksDown = [
    { branch: text, since: NOW, over: [] },
    { branch: text, since: NOW, over: [text] },
  ]
  const story = { messageId: text, chatId: text, body: text, steps: steps(text) }
  const match = { ...face, login: text, branch: text, department: text, presence: on }
  const lookup = { q: text, matches: [{ ...match, isKnown: false }], hasMore: true, error: text }
  const group = { people: [match], title: text, chosen: [text], errors: { title: text } }
  const panel = detailsPanel({ ...details, person: facts }, frame)
  return [
    ['conversation', conversationPage(frame, { ...chat, linksDown, details: panel })],
    [
      'plain composer',
      conversationPage(frame, { ...chat, composer: { ...composer, plain: true } }),
    ],
    [
      'closed chat',
      conversationPage(frame, {
        ...chat,
        lines: [],
        conversation: { ...conversation, closed: 'blocked' },
      }),
    ],
    ['composer error', composerError(text)],
    ['line', line(own, frame.t, { timeZone: 'Europe/Kyiv', mine: true })],
    ['line of somebody else', line(own, frame.t, { timeZone: 'Europe/Kyiv', mine: false })],
    ['older lines', olderLines({ chatId: text, lines: [own], older: text, viewer: text }, frame)],
    ['row', chatRow(direct, frame, text)],
    ['welcome', welcomePage(frame, { list, after: text, demo: { chatHref: text } })],
    ['welcome with recent chats', welcomePage(frame, { list: recent, after: text })],
    ['all rows', allRows(list, frame)],
    ['nothing found', welcomePage(frame, { list: { ...list, rows: [] }, after: text })],
    ['story', storyFragment(story, frame)],
    ['story page', storyPage(frame, story)],
    ['add person', addPersonDialog(lookup, frame)],
    ['add person page', addPersonPage(frame, { ...lookup, matches: [] })],
    ['new group', newGroupDialog(group, frame)],
    ['new group page', newGroupPage(frame, { ...group, errors: { members: text } })],
    ['details page', detailsPage(frame, { ...details, kind: 'group', members, menu: {} })],
    ['chat menu', chatMenu(text, { contact: { isBlocked: false } }, frame)],
    ['menu of a blocked one', chatMenu(text, { contact: { isBlocked: true } }, frame)],
    ['confirm', confirmDialog({ ...question, isDangerous: true }, frame)],
    ['confirm page', confirmPage(frame, { ...question, isDangerous: false })],
    ['report form', reportFormPage(frame, reportForm(text, own))],
    ['nothing to report', reportFormPage(frame, { ...reportForm(text, own), lines: [] })],
    ['folded line', line({ ...own, isFolded: true }, frame.t, { timeZone: 'UTC', mine: false })],
  ]
}

function reportForm(text: string, own: Line) {
  const errors = { messages: text, note: text }
  const form = { chatId: text, id: text, lines: [own], older: text, most: 50 }
  return { ...form, chosen: [text], note: text, errors }
}

function reported(text: string) {
  const row = { id: text, by: text, branch: text, title: text, at: NOW, count: 3, arrived: 2 }
  const message = { by: text, branch: text, at: NOW, body: text }
  return {
    ...{ ...row, isClosed: false, note: text, error: text },
    messages: [
      { ...message, signature: { kind: 'verified', branch: text } },
      { ...message, signature: { kind: 'altered' } },
    ],
    decisions: [
      { by: text, at: NOW, isClosed: true, note: text },
      { by: text, at: NOW, isClosed: false, note: '' },
    ],
  } as const
}

function steps(text: string) {
  return [
    { kind: 'written', branch: text, at: NOW },
    { kind: 'waiting', branch: text, linkDownSince: NOW, ahead: 3 },
    { kind: 'waited', branch: text, from: NOW - HOUR, to: NOW, linkWasDown: true },
    { kind: 'stored', branch: text, at: NOW, via: text },
    { kind: 'shown', person: text, at: NOW },
    { kind: 'read', n: 1, of: 3, at: NOW },
    { kind: 'refused', branch: text, at: NOW, reason: text },
    { kind: 'blocked', person: text, user: 'ab', at: NOW },
  ] as const
}

function traced(text: string): NonNullable<TraceProps['found']> {
  const at = { kind: text, writtenAt: NOW, arrivedAt: NOW, reason: text, broughtBy: text }
  const waiting = { state: 'waiting', ahead: 2, carriers: [text], downSince: NOW } as const
  return {
    ...{ ...at, event: text, origin: text, isOwn: false, state: 'parked' },
    ways: [
      { to: text, state: 'stored', at: NOW, via: text },
      { to: text, ...waiting },
      { to: text, state: 'refused', at: NOW, reason: text },
    ],
  }
}

function otherSamples(frame: Frame, face: SampleFace, text: string): [string, Html | string][] {
  const receipts = leaverReceipts(text)
  const who = { id: text, name: text, login: text, branch: text }
  const places = { department: text, post: text, phone: text, room: text }
  const entry = { ...face, login: text, branch: text, ...places, presence: on }
  const nobody: Frame = { ...frame, me: undefined }
  const setup = { values: { branch: text, code: text }, errors: { code: text }, error: text }
  const signIn = { id: text, where: text, branch: text, address: text, lastUsedAt: NOW }
  const signIns = [
    { ...signIn, kind: 'browser', isThis: true, isShared: true },
    { ...signIn, kind: 'api', isThis: false, isShared: false },
  ] as const
  const qr = { size: 3, path: 'M0 0h1v1h-1z' }
  const factorErrors = { password: text, code: text }
  const names = { login: text, firstName: text, lastName: text }
  const errors = { current: text, password: text, repeat: text }
  const facts = { ...names, post: text, department: text, phone: text, room: text }
  const user = { ...face, login: text, branch: text, department: text } as const
  const account = { ...user, role: 'employee', isDisabled: false, lastSeenAt: NOW } as const
  const roles = ['employee', 'auditor'] as const
  const edited = { user: account, values: facts, errors: facts, roles, mayDisable: true }
  const issued = { name: text, login: text, password: text, address: text }
  const traffic = { queue: 1, bytesSent: 1, bytesReceived: 2, lastError: text, address: text }
  const near = { id: 'a', name: text, isSelf: true, state: 'self', ...traffic } as const
  const far = {
    id: 'b',
    name: text,
    isSelf: false,
    state: 'down',
    ...traffic,
  } as const
  const announced = { address: text, at: NOW - 3000 }
  const known = { since: NOW, clockOffsetMs: -40_000, certificateDaysLeft: 2, announced }
  const ahead = { of: 'link', when: 'not-yet', by: 3 * 3_600_000, clock: 'here' } as const
  const late = { ...far, id: 'c', clockProblem: ahead } as const
  const branches = [near, late, { ...far, ...known, protection: 'post-quantum' } as const]
  const invitation = { branch: text, line: text, expiresAt: NOW }
  const filter = { q: text, branch: text, state: '' } as const
  const found = { users: [account], filter, branches: [{ id: text, name: text }] }
  const problem = { code: 'bug', text, incident: text, retryAfter: 5 } as const
  return [
    ['trust', trustPage(nobody, { kind: 'organisation', fingerprint: text, isPlain: true })],
    ['no trust', trustPage(nobody, { kind: 'temporary', fingerprint: text, isPlain: false })],
    ['error', errorPage(frame, problem)],
    ['error box', errorBox(problem, frame)],
    ['set-up', setupPage(nobody, { choice: 'create', ...setup })],
    ['join', setupPage(nobody, { choice: 'join', ...setup })],
    [
      'sign-in',
      signInPage(nobody, {
        login: text,
        error: text,
        next: text,
        demo: [{ name: text, href: text }],
      }),
    ],
    ['password', passwordPage(frame, { errors })],
    [
      'profile',
      profilePage(frame, {
        ...names,
        language: 'uk',
        theme: 'dark',
        hasFactor: true,
        status: { text, until: NOW, doNotDisturb: true },
        signIns,
        elsewhere: [{ branch: text, id: text, until: NOW }],
        askedAt: NOW,
        errors: { firstName: text, photo: text },
        passwordErrors: errors,
      }),
    ],
    [
      'locked',
      lockPage(nobody, {
        people: [{ ...face, signIn: text }],
        chosen: text,
        next: text,
        error: text,
      }),
    ],
    ['pin', pinPage({ ...frame, lockSeconds: 301 }, { next: text, error: text })],
    ['code', codePage(nobody, { error: text })],
    [
      'second factor, off',
      factorPage(frame, { state: { kind: 'off' }, isDemanded: false, errors: factorErrors }),
    ],
    [
      'second factor, begun',
      factorPage(frame, {
        state: { kind: 'begun', key: text, qr },
        ...{ isDemanded: true, errors: factorErrors },
      }),
    ],
    [
      'second factor, on',
      factorPage(frame, {
        ...{ state: { kind: 'on', codesLeft: 3 }, isDemanded: false, errors: factorErrors },
      }),
    ],
    ['recovery codes', recoveryCodesPage(frame, { codes: [text] })],
    ...([true, false] as const).map((mayChange): [string, string] => [
      'files of the branch',
      filesPage(frame, {
        stored: {
          here: { files: 3, bytes: 1e9 },
          partial: { files: 0, bytes: 0 },
          elsewhere: { files: 1, bytes: 10 },
        },
        ...{
          free: 1e12,
          waitingForRoom: 3,
          people: [{ user: FILE_ID, name: text, files: 2, bytes: 5e6 }],
        },
        limits: [{ branch: text, sizeMax: 2e9 }],
        scanner: { isAsked: mayChange, waiting: 2, awaySince: mayChange ? NOW : undefined },
        closed: (['infected', 'failed'] as const).map((verdict) => ({
          ...{ blob: FILE_ID, file: FILE_ID, name: text, size: 10, verdict, threat: text, at: NOW },
        })),
        removals: [
          {
            ...{ file: FILE_ID, by: text, at: NOW },
            places: [
              { branch: text, at: NOW },
              { branch: text, at: undefined },
            ],
          },
        ],
        typed: { refused: text, days: '30' },
        errors: { refused: text },
        ...{ mayChange, mayRemove: mayChange },
      }),
    ]),
    ['rules', rulesPage(frame, { roles: [{ role: 'auditor', isOn: true }], mayChange: true })],
    [
      'status',
      statusPage(frame, { current: { text, until: NOW, doNotDisturb: true }, error: text }),
    ],
    [
      'leavers',
      leaversPage(frame, {
        requests: [{ ...who, at: NOW }],
        guests: [
          { ...who, silentSince: NOW - HOUR, endsAt: NOW, adminUntil: NOW },
          { ...who, silentSince: undefined, endsAt: NOW, adminUntil: undefined },
        ],
        deleted: [{ ...who, done: 1, of: 2 }],
        alike: [[who, who]],
      }),
    ],
    [
      'people',
      directoryPage(frame, {
        filter: { q: text, branch: text, department: text },
        branches: [{ id: text, name: text }],
        departments: [text],
        people: [entry],
        next: text,
        isLater: true,
        down: [{ branch: text, since: NOW }],
      }),
    ],
    [
      'card',
      personCardPage(frame, {
        person: entry,
        ...{ isErased: false, isDisabled: false, isSelf: false, isContact: false },
        chat: '/chats/1',
        down: { branch: text, since: NOW },
      }),
    ],
    ['users', usersPage(frame, { ...found, page: 2, pages: 3 })],
    ['new user', newUserPage(frame, { values: facts, errors: facts, roles })],
    [
      'user',
      userPage(frame, {
        ...edited,
        isEditable: true,
        hasFactor: true,
        issued,
        confirmError: text,
        passwordError: text,
        leaver: { receipts, askedAt: NOW, mayErase: true, eraseError: text, alike: [text] },
      }),
    ],
    [
      'foreign user',
      userPage(frame, {
        ...edited,
        isEditable: false,
        hasFactor: false,
        leaver: { receipts, mayErase: false, erased: 'erase', alike: [] },
      }),
    ],
    ['branches', branchesPage(frame, { branches, mayIssue: true, errors: { branch: text } })],
    [
      'revoked branches',
      branchesPage(frame, {
        ...{ branches, mayIssue: true, values: { revokedBranch: text, note: text } },
        ...{ errors: { revokedBranch: text, note: text } },
        revoked: [{ name: text, reason: text, note: text, revokedAt: 0 }],
        carried: [{ from: text, to: text, events: 3, bytes: 2000 }],
        missing: [{ from: text, events: 3, since: NOW }],
      }),
    ],
    ['reports', reportsPage(frame, { reports: [reported(text)], organisation: text })],
    ['no reports', reportsPage(frame, { reports: [], organisation: text })],
    ['report', reportPage(frame, reported(text))],
    ['closed report', reportPage(frame, { ...reported(text), isClosed: true, arrived: 3 })],
    ['trace', tracePage(frame, { id: text, problem: 'unknown' })],
    ['traced', tracePage(frame, { id: text, found: traced(text) })],
    ['ZeroTier', branchesPage(frame, { branches, mayIssue: false, zeroTier: zeroTier(text) })],
    [
      'no ZeroTier',
      branchesPage(frame, {
        ...{ branches, mayIssue: false, zeroTier: { kind: 'away', reason: 'wrong-token' } },
      }),
    ],
    [
      'keys',
      branchesPage(frame, {
        ...{ branches, mayIssue: true, keys: keys(text), values: { issuer: text } },
        errors: { issuer: text, confirm: text },
      }),
    ],
    [
      'keys elsewhere',
      branchesPage(frame, {
        ...{ branches, mayIssue: false },
        keys: { ...keys(text), hasRoot: false, mayChangeLinkKey: false, issuers: [text, text] },
      }),
    ],
    ['audit', auditPage(frame, auditProps(text))],
    ['invitation', branchesPage(frame, { branches, mayIssue: true, invitation })],
  ]
}

function keys(text: string) {
  return {
    ...{ certificateUntil: NOW, isLate: true, issuers: [text], mayName: true, hasRoot: true },
    ...{ linkKey: { number: 2, since: NOW }, mayChangeLinkKey: true },
  }
}

function zeroTier(text: string) {
  const network = { id: text, name: text, device: text }
  const networks = [
    { ...network, status: 'ACCESS_DENIED', addresses: [] },
    { ...network, status: text, addresses: [text, text] },
  ]
  const peers = [
    { address: text, path: text, heardMs: 4000, latencyMs: 12 },
    { address: text, path: undefined, heardMs: undefined, latencyMs: undefined },
  ]
  return { kind: 'answers', address: text, version: text, isOnline: true, networks, peers } as const
}

function leaverReceipts(text: string): ReceiptProps[] {
  const places: ReceiptProps['places'] = [
    { branch: text, state: 'done', at: NOW },
    { branch: text, state: 'waiting', downSince: NOW },
    { branch: text, state: 'waiting', downSince: undefined },
    { branch: text, state: 'working' },
    { branch: text, state: 'refused', reason: text },
  ]
  const facts = { at: NOW, origin: text, places }
  return [
    { ...facts, act: 'block', by: text, isWhole: true },
    { ...facts, act: 'role', by: undefined, isWhole: false },
    { ...facts, act: 'password', by: text, isWhole: true },
    { ...facts, act: 'erase', by: text, isWhole: true },
  ]
}
