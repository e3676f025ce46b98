/** What a chat shares: its media, its files and the addresses in its messages, newest first. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { called, type Face, type Html, icon, momentTime, type Reader } from '../parts.ts'
import { type AttachmentProps, stillAttachment, tile } from './attachment.ts'

export const MEDIA_KINDS = ['media', 'files', 'links'] as const
type MediaKind = (typeof MEDIA_KINDS)[number]
const EMPTY_ICONS = { media: 'paperclip', files: 'paperclip', links: 'message-circle' } as const

/** By whom, and when. */
type Sent = { by: Face; at: number }
type SharedFile = Sent & { file: AttachmentProps }
type SharedLink = Sent & {
  href: string
  /** Of the address, as computers write it: no letters that look like others. */
  host: string
}

export type MediaProps = {
  chatId: string
  title: string
  /** Of one kind, both lists never at once. */
  kind: MediaKind
  files: readonly SharedFile[]
  links: readonly SharedLink[]
  /** Cursor of the page behind this one. */
  older?: string | undefined
}

/** The page of one kind. */
export function mediaPage(frame: Frame, p: MediaProps): string {
  const t = frame.t.shared
  const base = `/chats/${p.chatId}/media`
  const tab = (kind: MediaKind) =>
    html`<a href="${base}?kind=${kind}"${kind === p.kind && html` aria-current="page"`}>${t[kind]}</a> `
  const isEmpty = p.files.length === 0 && p.links.length === 0
  const body = html`<main id="main" class="plain-page media-page">
<p><a class="back-link" href="/chats/${p.chatId}">${icon('arrow-left', frame)} ${frame.t.common.back}</a></p>
<h1>${t.of(p.title)}</h1>
<nav class="kinds" aria-label="${t.title}">${MEDIA_KINDS.map(tab)}</nav>
${isEmpty && empty(frame, p)}
${p.files.length > 0 && html`<ul class="files ${p.kind === 'media' && 'tiles'}">${p.files.map((file) => sharedFile(file, frame))}</ul>`}
${p.links.length > 0 && html`<ul class="links">${p.links.map((link) => sharedLink(link, frame))}</ul>`}
${p.older && html`<p><a href="${base}?kind=${p.kind}&amp;before=${p.older}">${t.older}</a></p>`}
</main>`
  return layout(frame, { title: t.of(p.title), page: 'media', body })
}

/** What will stand here, and where it comes from. */
function empty(frame: Frame, { chatId, kind }: MediaProps): Html {
  const t = frame.t.shared
  return html`<div class="empty">${icon(EMPTY_ICONS[kind], frame)}<h2>${t.empty[kind].title}</h2><p>${t.empty[kind].text}</p>
<p><a class="button" href="/chats/${chatId}">${t.toChat}</a></p></div>`
}

/** The part of the details: the newest pictures, and the way to everything. */
export function sharedPart(
  chatId: string,
  newest: readonly AttachmentProps[],
  reader: Reader,
): Html {
  const t = reader.t.shared
  return html`<h2 class="part-title">${t.title}</h2>
${newest.length > 0 && html`<ul class="files tiles">${newest.map((file) => html`<li>${tile(file, reader.t)}</li>`)}</ul>`}
<p class="shared-links">${MEDIA_KINDS.map((kind) => html`<a href="/chats/${chatId}/media?kind=${kind}">${t[kind]}</a> `)}</p>`
}

function sharedFile({ file, ...sent }: SharedFile, reader: Reader): Html {
  return html`<li>${stillAttachment(file, reader.t)} ${sentBy(sent, reader)}</li>`
}

function sharedLink({ href, host, ...sent }: SharedLink, reader: Reader): Html {
  return html`<li><a href="${href}" rel="noreferrer"><b>${host}</b> <span class="address">${href}</span></a> ${sentBy(sent, reader)}</li>`
}

function sentBy({ by, at }: Sent, reader: Reader): Html {
  return html`<span class="sub"><bdi>${called(by, reader.t)}</bdi> · ${momentTime(at, reader)}</span>`
}
