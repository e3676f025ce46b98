/**
 * One file, large: a picture, a player, a PDF, the beginning of a text. A page of its own, and an overlay over the
 * chat for whoever has scripts; the pictures before and after it are links, and the keys left and right follow them.
 */
import { html } from 'hono/html'
import { byteWords } from '../language/times.ts'
import { type Frame, layout } from '../layout.ts'
import { replacement } from '../partials.ts'
import {
  aroundTime,
  attributes,
  type Html,
  hiddenWords,
  icon,
  lined,
  momentTime,
  type Reader,
} from '../parts.ts'
import { type AttachmentProps, isClosed, shownAs } from './attachment.ts'

/** Why a file is not here. */
export type Waiting = {
  /** How much has come. */
  percent: number
  /** The line to where it is, when that is down; `over`: branches that carry meanwhile. */
  down?: { since: number; over: readonly string[] } | undefined
  isDiskFull: boolean
  /** This branch takes none of this size. */
  isTooLarge: boolean
}

export type ViewerProps = {
  file: AttachmentProps
  chatId: string
  /** Ids of the pictures around it. */
  previous?: string | undefined
  next?: string | undefined
  /** Of a text file: its beginning. */
  text?: { words: string; isCut: boolean; bytes: number } | undefined
  /** Of a file that is not here. */
  waiting?: Waiting | undefined
  /** Whether the reader may take it out of its message. */
  mayRemove?: boolean | undefined
  /** Of one that was taken away: branches, and when each said that it holds it no more. */
  receipts?: readonly { branch: string; at: number | undefined }[] | undefined
}

/** The overlay: fetched by htmx into `#overlay`, opened by the script. */
export function viewerDialog(p: ViewerProps, reader: Reader): Html {
  return html`<dialog class="overlay viewer" data-dialog aria-labelledby="viewer-title">
<header class="viewer-head"><h2 id="viewer-title" dir="auto">${p.file.name}</h2>${facts(p, reader)}
<a class="icon-button" href="/chats/${p.chatId}" data-close autofocus title="${reader.t.common.close}">${icon('x', reader)}${hiddenWords(reader.t.common.close)}</a></header>
${shown(p, reader)}
${around(p, reader, true)}
</dialog>`
}

/** The same as a page. */
export function viewerPage(frame: Frame, p: ViewerProps): string {
  const body = html`<main id="main" class="plain-page viewer">
<p><a class="back-link" href="/chats/${p.chatId}">${icon('arrow-left', frame)} ${frame.t.common.back}</a></p>
<h1 dir="auto">${p.file.name}</h1>
${facts(p, frame)}
${around(p, frame, false)}
${shown(p, frame)}
</main>`
  return layout(frame, { title: p.file.name, page: 'viewer', body })
}

/** What is asked for every two seconds while it is not here, and takes the place of what was said before. */
export function viewerNow(p: ViewerProps, reader: Reader): Html {
  return html`${shown(p, reader)}${replacement('#viewer-facts', facts(p, reader))}`
}

function facts({ file, mayRemove }: ViewerProps, reader: Reader): Html {
  const { t } = reader
  const remove = `/files/${file.id}/remove`
  return html`<p id="viewer-facts" class="viewer-facts"><span class="file-facts">${byteWords(file.size, t.language)}</span>${
    file.state === 'here' &&
    html` <a class="button" href="/files/${file.id}" download>${icon('download', reader)} ${t.shared.save}</a>`
  }${mayRemove && file.state !== 'removed' && html` <a class="button" href="${remove}" hx-get="${remove}" hx-target="#overlay">${t.shared.remove}</a>`}</p>`
}

function shown(p: ViewerProps, reader: Reader): Html {
  const { id, state } = p.file
  if (state === 'here') return html`<div id="viewer-shown">${content(p, reader)}</div>`
  const isFinal = state === 'removed' || state === 'infected'
  const asked = html` hx-get="/files/${id}/now" hx-trigger="every 2s" hx-target="this" hx-swap="outerHTML"`
  return html`<div id="viewer-shown"${!isFinal && asked}>${closed(p, reader)}${
    !isFinal &&
    html`<p class="without-script"><a href="/files/${id}/view">${reader.t.shared.lookAgain}</a></p>`
  }</div>`
}

/** Why it is not shown. */
function closed(p: ViewerProps, reader: Reader): Html {
  const t = reader.t.shared
  const { state, percent } = p.file
  if (state === 'removed') return removed(p, reader)
  if (isClosed(state)) return html`<p>${t.closed[state]}</p>`
  const come = percent ?? p.waiting?.percent ?? 0
  return html`<p>${waitingWords(p, reader)}</p>${
    come > 0 &&
    html`<p class="viewer-way">${t.come(come)} <progress max="100" value="${come}" aria-hidden="true"></progress></p>`
  }`
}

function waitingWords({ file, waiting }: ViewerProps, reader: Reader): Html | string {
  const { shared: t } = reader.t
  const branch = file.branch ?? ''
  const place = t.place(branch)
  if (waiting?.isTooLarge) return `${place} ${t.tooLarge}`
  if (waiting?.isDiskFull) return `${place} ${t.diskFull}`
  const { down } = waiting ?? {}
  if (down === undefined || file.state === 'arriving') return `${place} ${t.comes}`
  if (down.since === 0) return `${place} ${t.noLine(branch)}`
  const since = (moment: string) =>
    down.over.length > 0
      ? t.lineDownOver(branch, moment, down.over.join(', '))
      : t.lineDown(branch, moment)
  return html`${place} ${aroundTime(since, momentTime(down.since, reader))}`
}

function removed({ receipts = [] }: ViewerProps, reader: Reader): Html {
  const t = reader.t.shared
  const one = ({ branch, at }: { branch: string; at: number | undefined }) =>
    html`<li><b>${branch}</b>: ${at === undefined ? t.notYetGone : momentTime(at, reader)}</li>`
  return html`<p>${t.closed.removed}</p>${
    receipts.length > 0 &&
    html`<h2 class="part-title">${t.receipts}</h2><ul>${receipts.map(one)}</ul>`
  }`
}

function content({ file, text }: ViewerProps, reader: Reader): Html {
  const t = reader.t
  const source = `/files/${file.id}/inline`
  switch (shownAs(file.type)) {
    case 'image':
      return html`<p class="viewer-picture"><img src="${source}"${attributes({ width: file.width, height: file.height })} alt="${file.name}"></p>`
    case 'audio':
      return html`<p><audio controls preload="metadata" src="${source}" aria-label="${file.name}"></audio></p>`
    case 'video':
      return html`<p><video controls preload="metadata" src="${source}" aria-label="${file.name}"></video></p>`
    case 'pdf':
      return html`<p><a href="${source}">${t.shared.alone}</a></p><iframe class="viewer-pdf" src="${source}" title="${file.name}"></iframe>`
    case 'text':
      return html`<pre class="viewer-text" dir="auto" tabindex="0">${text && lined(text.words)}</pre>${
        text?.isCut && html`<p class="hint">${t.shared.cut(byteWords(text.bytes, t.language))}</p>`
      }`
    case 'other':
      return html`<p class="hint">${t.shared.notShown}</p>`
  }
}

function around({ previous, next }: ViewerProps, reader: Reader, isOverlay: boolean): Html {
  const t = reader.t.shared
  const link = (id: string | undefined, rel: 'prev' | 'next', words: string) => {
    if (id === undefined) return html`<span></span>`
    const href = `/files/${id}/view`
    const over = isOverlay && html` hx-get="${href}" hx-target="#overlay"`
    return html`<a class="button" rel="${rel}" href="${href}"${over}>${words}</a>`
  }
  if (previous === undefined && next === undefined) return html``
  return html`<nav class="viewer-around" aria-label="${t.media}">${link(previous, 'prev', t.previous)}${link(next, 'next', t.next)}</nav>`
}
