/** Branches and the lines to them: map, table, and the invitation for a new branch. */
import { html } from 'hono/html'
import { type ClockProblem, clockProblemText } from '../language/clocks.ts'
import { byteWords } from '../language/times.ts'
import type { Frame } from '../layout.ts'
import { choiceField, field, formTokenField, type Html, momentTime } from '../parts.ts'
import { type KeysProps, keysSection } from './keys.ts'
import { branchMap, type LinkState, type MapLink } from './map.ts'
import { backupSection, type RecoveryProps, recoverySection } from './recovery.ts'
import { adminPage } from './shell.ts'
import { type ZeroTierProps, zeroTierSection } from './zerotier.ts'

type BranchRow = {
  id: string
  name: string
  isSelf: boolean
  /** Of the line from here; the own row has `self`. */
  state: LinkState | 'self'
  since?: number | null | undefined
  address?: string | undefined
  /** Events that wait here for that branch. */
  queue: number
  /** Names of the branches that carry to it while the line is down. */
  over?: readonly string[] | undefined
  lastError?: string | null | undefined
  /** Dates of a certificate that do not fit the clock, and whose clock that probably is. */
  clockProblem?: ClockProblem | undefined
  bytesSent: number
  bytesReceived: number
  /** Their clock minus ours. */
  clockOffsetMs?: number | null | undefined
  /** Of the link that is up. */
  protection?: 'classical' | 'post-quantum' | undefined
  certificateDaysLeft?: number | null | undefined
  /** Its last announcement on the relay's network, if that is fresh. */
  announced?: { address: string; at: number } | undefined
}

export type BranchesProps = {
  branches: readonly BranchRow[]
  mayIssue: boolean
  /** When the newest copy was made that may still be put back. */
  lastBackup?: number | undefined
  /** After the database was put back or lost, until somebody has read it. */
  recovery?: RecoveryProps | undefined
  /** Of the service on this server; absent without its token. */
  zeroTier?: ZeroTierProps | undefined
  /** Shown once, after it was made. */
  invitation?: { branch: string; line: string; expiresAt: number } | undefined
  /** Mail between two others that is carried here. */
  carried?: readonly { from: string; to: string; events: number; bytes: number }[] | undefined
  /** Mail for this branch that was written and not handed over, since when that is known. */
  missing?: readonly { from: string; events: number; since: number }[] | undefined
  /** Branches that are none any more, the last first. */
  revoked?: readonly Revoked[] | undefined
  /** Certificates and keys. */
  keys?: KeysProps | undefined
  values?:
    | Partial<Record<'branch' | 'revokedBranch' | 'reason' | 'note' | 'issuer', string>>
    | undefined
  errors?:
    | Partial<Record<'branch' | 'revokedBranch' | 'note' | 'issuer' | 'confirm', string>>
    | undefined
}

type Revoked = { name: string; reason: string; note: string; revokedAt: number }

const CERTIFICATE_DAYS_SOON = 3 // renewal happens at half of ten days: three days left means that it fails
const CLOCK_MS_WRONG = 30_000 // half of what the event log tolerates

/** `/admin/branches`. */
export function branchesPage(frame: Frame, p: BranchesProps): string {
  const t = frame.t.admin
  const isAlone = p.branches.length < 2
  const body = html`<header class="admin-head"><h1>${t.branches}</h1></header>
<p class="lead">${t.branchesText}</p>
${p.invitation && invitationResult(frame, p.invitation)}
${p.recovery && recoverySection(frame, p.recovery)}
${isAlone ? !p.invitation && html`<section class="card"><h2>${t.noBranches}</h2><p>${t.noBranchesText}</p></section>` : html`${branchMap(p.branches, linksOf(p), frame)}${table(frame, p.branches)}`}
${p.missing && p.missing.length > 0 && missingList(frame, p.missing)}
${p.carried && p.carried.length > 0 && carriedList(frame, p.carried)}
${backupSection(frame, p.lastBackup)}
${p.zeroTier && zeroTierSection(frame, p.zeroTier)}
${p.revoked && p.revoked.length > 0 && revokedList(frame, p.revoked)}
${p.keys && !p.invitation && keysSection(frame, p.keys, p)}
${p.mayIssue && !p.invitation && invitationForm(frame, p)}
${p.mayIssue && !p.invitation && !isAlone && revocationForm(frame, p)}`
  return adminPage(frame, { title: t.branches, place: 'branches', body })
}

function linksOf(p: BranchesProps): MapLink[] {
  const self = p.branches.find((b) => b.isSelf)
  const links: MapLink[] = []
  for (const b of p.branches) {
    if (self && b.state !== 'self') links.push({ from: self.id, to: b.id, state: b.state })
  }
  return links
}

function table(frame: Frame, branches: readonly BranchRow[]): Html {
  const t = frame.t.admin
  const heads = [t.branch, t.line, t.since, t.queue, t.traffic, t.clock, t.certificate, t.lastError]
  return html`<div class="table" tabindex="0" role="region" aria-label="${t.branches}"><table>
<thead><tr>${heads.map((h) => html`<th scope="col">${h}</th>`)}</tr></thead>
<tbody>${branches.map((b) => branchRow(frame, b))}</tbody></table></div>
${branches.some((b) => b.protection) && html`<p class="hint">${t.protectionText}</p>`}`
}

/** What an administrator can do something about has words; the rest is as the log has it. */
function lastErrorWords(frame: Frame, lastError: string | null | undefined) {
  return lastError === 'wrong-chunk' ? frame.t.admin.wrongChunk : lastError
}

const TONES: Record<BranchRow['state'], 'ok' | 'wait' | 'off'> = {
  up: 'ok',
  self: 'off',
  down: 'wait',
}

function branchRow(frame: Frame, b: BranchRow): Html {
  const t = frame.t.admin
  return html`<tr><th scope="row">${b.name}${b.address && html` <span class="sub">${b.address}</span>`}</th>
<td><span class="state ${TONES[b.state]}">${t.states[b.state]}</span>${b.over && b.over.length > 0 && html` <span class="sub">${t.over(b.over.join(', '))}</span>`}${b.protection && html` <span class="sub">${t.protections[b.protection]}</span>`}${b.state === 'down' && b.announced && announced(frame, b.announced)}</td>
<td>${b.since && momentTime(b.since, frame)}</td>
<td>${b.state !== 'self' && t.queued(b.queue)}</td>
<td>${b.state !== 'self' && html`<span class="amounts">${t.sent(byteWords(b.bytesSent, frame.t.language))}<br>${t.received(byteWords(b.bytesReceived, frame.t.language))}</span>`}</td>
<td>${clockOffset(b.clockOffsetMs)}</td>
<td>${certificate(frame, b.certificateDaysLeft)}</td>
<td>${b.clockProblem ? clockProblemText(frame.t.clocks, b.clockProblem) : (lastErrorWords(frame, b.lastError) ?? (b.state === 'self' ? '' : t.none))}</td></tr>`
}

/** Heard but not linked is worth a word: something lets datagrams pass and calls not, or a key is wrong. */
function announced(frame: Frame, { address, at }: NonNullable<BranchRow['announced']>): Html {
  const t = frame.t.network
  const seconds = Math.max(0, Math.round((frame.now - at) / 1000))
  return html` <span class="sub">${t.announced(seconds, address)}</span> <span class="sub">${t.announcedHint}</span>`
}

function clockOffset(ms: number | null | undefined): Html {
  if (ms === undefined || ms === null) return html``
  const sign = ms > 0 ? '+' : ms < 0 ? '−' : ''
  const size = Math.abs(ms)
  const text = size < 1000 ? `${Math.round(size)} ms` : `${(size / 1000).toFixed(1)} s`
  return html`<span${size >= CLOCK_MS_WRONG && html` class="state bad"`}>${sign}${text}</span>`
}

function certificate(frame: Frame, days: number | null | undefined): Html {
  if (days === undefined || days === null) return html``
  const isSoon = days <= CERTIFICATE_DAYS_SOON
  return html`<span${isSoon && html` class="state bad"`}>${frame.t.admin.days(days)}</span>`
}

function invitationForm(frame: Frame, p: BranchesProps): Html {
  const t = frame.t.admin
  return html`<form class="card" method="post" action="/admin/invitations">${formTokenField(frame)}
<h2>${t.invitation}</h2><p>${t.invitationText}</p>
${field({ name: 'branch', label: t.invitationBranch, value: p.values?.branch, error: p.errors?.branch, required: true, maxlength: 60 })}
<p class="actions"><button class="button primary">${t.invitationButton}</button></p></form>`
}

function missingList(frame: Frame, missing: NonNullable<BranchesProps['missing']>): Html {
  const t = frame.t
  const item = (m: (typeof missing)[number]) =>
    html`<li>${t.admin.missingItem(m.from, m.events, t.moment(m.since, frame.now, frame.timeZone))}</li>`
  return html`<section class="card"><h2>${t.admin.missing}</h2><p>${t.admin.missingText}</p><ul>${missing.map(item)}</ul></section>`
}

function carriedList(frame: Frame, carried: NonNullable<BranchesProps['carried']>): Html {
  const t = frame.t.admin
  const item = (c: (typeof carried)[number]) =>
    html`<li>${t.carriedItem(`${c.from} → ${c.to}`, c.events, byteWords(c.bytes, frame.t.language))}</li>`
  return html`<section class="card"><h2>${t.carried}</h2><p>${t.carriedText}</p><ul>${carried.map(item)}</ul></section>`
}

function revokedList(frame: Frame, revoked: readonly Revoked[]): Html {
  const t = frame.t.admin
  const item = (r: Revoked) =>
    html`<li><b>${r.name}</b>, ${momentTime(r.revokedAt, frame)}: ${reasonText(t, r.reason)}${r.note && html` <span class="sub">${r.note}</span>`}</li>`
  return html`<section class="card"><h2>${t.revoked}</h2><ul>${revoked.map(item)}</ul></section>`
}

function reasonText(t: Frame['t']['admin'], reason: string): string {
  const reasons: Record<string, string> = t.revocationReasons
  return reasons[reason] ?? reason
}

function revocationForm(frame: Frame, p: BranchesProps): Html {
  const t = frame.t.admin
  const choices = Object.entries(t.revocationReasons).map(([value, label]) => ({ value, label }))
  return html`<form class="card" method="post" action="/admin/revocations">${formTokenField(frame)}
<h2>${t.revocation}</h2><p>${t.revocationText}</p>
${field({ name: 'revokedBranch', label: t.revocationBranch, value: p.values?.revokedBranch, error: p.errors?.revokedBranch, required: true, maxlength: 80 })}
${choiceField({ name: 'reason', label: t.revocationReason, value: p.values?.reason ?? 'keyCompromise', choices })}
${field({ name: 'note', label: t.revocationNote, value: p.values?.note, error: p.errors?.note, hint: t.revocationNoteHint, maxlength: 200 })}
<p class="actions"><button class="button danger">${t.revocationButton}</button></p></form>`
}

function invitationResult(frame: Frame, i: NonNullable<BranchesProps['invitation']>): Html {
  const t = frame.t
  const until = t.moment(i.expiresAt, frame.now, frame.timeZone)
  return html`<section class="card invitation" aria-labelledby="invitation-title"><h2 id="invitation-title">${t.admin.invitationMade(i.branch)}</h2>
<p>${t.admin.invitationUse} ${t.admin.invitationExpires(until)}</p>
<p class="secret" tabindex="0"><code id="invitation-line">${i.line}</code></p>
<p class="hint">${t.admin.invitationText}</p>
<p class="actions" data-copy="invitation-line" data-label="${t.admin.copy}" data-done="${t.admin.copied}" data-by-hand="${t.admin.copyByHand}"></p></section>`
}
