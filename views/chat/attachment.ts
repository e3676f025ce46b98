/**
 * A file in a message: pictures as they are, sound and video to play, everything else as a card with its kind, size
 * and where it is. The same for everybody who sees the message; each has the id `file-ID`, by which it is pushed.
 */
import { html } from 'hono/html'
import { byteWords } from '../language/times.ts'
import type { Words } from '../language/words.ts'
import { type Html, hiddenWords } from '../parts.ts'

/** Here, and opened by nobody: the scanner has not looked yet, could not say, or found something. */
type ClosedState = 'checking' | 'unchecked' | 'infected'

export type AttachmentProps = {
  id: string
  name: string
  type: string
  /** Bytes. */
  size: number
  /** Pixels, of pictures. */
  width?: number | undefined
  height?: number | undefined
  hasThumb: boolean
  state: 'here' | 'arriving' | 'elsewhere' | 'removed' | ClosedState
  percent?: number | undefined
  /** Somebody asked for it, and it has to wait: for its turn or the line, or for room on the disk. */
  waits?: 'line' | 'room' | undefined
  /** Where its message was written. */
  branch?: string | undefined
  /** It is here, and other branches take it now. */
  going?: readonly { branch: string; percent: number }[] | undefined
}

/** What browsers can do with a file; the rest is saved. */
type ShownAs = 'image' | 'audio' | 'video' | 'pdf' | 'text' | 'other'

/** Pixels of a single picture in a message, at most. */
const PICTURE_SIDE_MAX = 320
/** A sliver must still be seen and hit. */
const PICTURE_SIDE_MIN = 44

/** How a file of this type is shown. */
export function shownAs(type: string): ShownAs {
  if (/^image\/(jpeg|png|gif|webp|avif)$/.test(type)) return 'image'
  if (/^audio\/(mpeg|mp4|ogg|webm|wav|flac)$/.test(type)) return 'audio'
  if (/^video\/(mp4|ogg|webm|quicktime)$/.test(type)) return 'video'
  if (type === 'application/pdf') return 'pdf'
  return type === 'text/plain' ? 'text' : 'other'
}

/** The files of a message, below its text: pictures together, then the others. */
export function attachments(files: readonly AttachmentProps[], t: Words): Html {
  const pictures = files.filter(isPicture)
  const others = files.filter((file) => !isPicture(file))
  const grid = pictures.length > 1 ? 'pictures grid' : 'pictures'
  return html`${pictures.length > 0 && html`<ul class="files ${grid}">${pictures.map((file) => html`<li>${attachment(file, t)}</li>`)}</ul>`}${
    others.length > 0 &&
    html`<ul class="files">${others.map((file) => html`<li>${attachment(file, t)}</li>`)}</ul>`
  }`
}

/** `isStill`: the page has no stream, so a card that comes looks by itself how far it is. */
type CardOptions = { isStill?: boolean; isPart?: boolean }

/** One file; pushed by its own id when something about it changes. */
export function attachment(f: AttachmentProps, t: Words, options: CardOptions = {}): Html {
  if (isPicture(f)) return picture(f, t, `file-${f.id}`)
  const kind = shownAs(f.type)
  if (f.state !== 'here' || (kind !== 'audio' && kind !== 'video')) return card(f, t, options)
  const source = `/files/${f.id}/inline`
  const player =
    kind === 'audio'
      ? html`<audio controls preload="none" src="${source}" aria-label="${f.name}"></audio>`
      : html`<video controls preload="metadata" src="${source}" aria-label="${f.name}"></video>`
  return html`<div id="file-${f.id}" class="played">${player}${card(f, t, { isPart: true })}</div>`
}

/** On a page without a stream: while it comes it asks every two seconds how far it is, as the viewer does. */
export function stillAttachment(f: AttachmentProps, t: Words): Html {
  const card = attachment(f, t, { isStill: true })
  if (f.state !== 'arriving' && f.waits === undefined) return card
  return html`<div hx-get="/files/${f.id}/now?as=card" hx-trigger="every 2s" hx-target="this" hx-swap="outerHTML">${card}</div>`
}

/** A picture once more, beside the chat it stands in: under an id of its own. */
export function tile(f: AttachmentProps, t: Words): Html {
  return picture(f, t, `tile-${f.id}`)
}

/** Whether it is kept from everybody. */
export function isClosed(state: AttachmentProps['state']): state is ClosedState {
  return state === 'checking' || state === 'unchecked' || state === 'infected'
}

/** Whether it is a picture with a place of its own: its measures are known, and nobody took it away. */
function isPicture(f: AttachmentProps): boolean {
  const isOpen = f.state !== 'removed' && !isClosed(f.state)
  return isOpen && f.width !== undefined && f.height !== undefined && shownAs(f.type) === 'image'
}

// Its place is as large before it has come as after: nothing below it jumps. An empty drawing keeps the place while
// the small picture is on its way.
function picture(f: AttachmentProps, t: Words, id: string): Html {
  const href = `/files/${f.id}/view`
  const { width, height } = fitted(f)
  const box = f.hasThumb
    ? html`<img src="/files/${f.id}/thumb" width="${width}" height="${height}" alt="${f.name}" loading="lazy" decoding="async">`
    : html`<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${f.name}"></svg>`
  const words = factsOf(f, t)
  const facts =
    f.state === 'here' && !f.going
      ? hiddenWords(` ${words}`)
      : html`<span class="file-facts">${words}</span>`
  return html`<a id="${id}" class="file picture" data-state="${f.state}" href="${href}" hx-get="${href}" hx-target="#overlay">${box}${facts}${bar(f)}</a>`
}

/** The measures it is shown with: its own proportions, within the limits. */
function fitted({ width = 1, height = 1 }: AttachmentProps): { width: number; height: number } {
  const scale = Math.min(1, PICTURE_SIDE_MAX / Math.max(width, height))
  const side = (pixels: number) => Math.max(PICTURE_SIDE_MIN, Math.round(pixels * scale))
  return { width: side(width), height: side(height) }
}

/** `isPart`: the id is at what is around it. */
function card(
  f: AttachmentProps,
  t: Words,
  { isStill = false, isPart = false }: CardOptions,
): Html {
  const id = isPart ? html`` : html` id="file-${f.id}"`
  const inside = html`<span class="file-kind" data-kind="${shownAs(f.type)}" data-ending="${endingOf(f.name)}" aria-hidden="true"></span><span class="file-name" dir="auto">${f.name}</span>
<span class="file-facts">${factsOf(f, t)}</span>${bar(f)}`
  if (isClosed(f.state)) {
    return html`<span${id} class="file" data-state="${f.state}">${inside}</span>`
  }
  const isComing = f.state === 'elsewhere' || f.state === 'arriving'
  // It stays where it is: the pushes move its bar, or it asks itself, and it opens when it is here.
  const source = `/files/${f.id}/card${isStill ? '?still=yes' : ''}`
  const here = isComing && html` hx-get="${source}" hx-target="this" hx-swap="outerHTML"`
  return html`<a${id} class="file" data-state="${f.state}" href="${hrefOf(f)}"${here}>${inside}</a>`
}

/** What is here and nothing for a browser is saved at once; everything else has a page that says more. */
function hrefOf(f: AttachmentProps): string {
  const isSaved = f.state === 'here' && shownAs(f.type) === 'other'
  return isSaved ? `/files/${f.id}` : `/files/${f.id}/view`
}

function bar(f: AttachmentProps): Html | false {
  const slowest = Math.min(...(f.going ?? []).map(({ percent }) => percent))
  const percent = f.state === 'arriving' ? f.percent : f.state === 'here' ? slowest : undefined
  if (percent === undefined || !Number.isFinite(percent)) return false
  return html`<progress max="100" value="${percent}" aria-hidden="true"></progress>`
}

/** Size, and where it is when it is not here. */
function factsOf(f: AttachmentProps, t: Words): string {
  return [byteWords(f.size, t.language), stateWords(f, t)].filter(Boolean).join(' · ')
}

function stateWords(f: AttachmentProps, t: Words): string {
  if (f.state === 'here') {
    return (f.going ?? []).map(({ branch, percent }) => t.shared.going(branch, percent)).join(', ')
  }
  if (f.state === 'arriving' && f.percent !== undefined) return t.shared.arriving(f.percent)
  if (f.state === 'elsewhere' || f.state === 'arriving') {
    const place = t.uploads.elsewhere(f.branch ?? '')
    return f.waits === undefined ? place : `${place}, ${t.shared.waits[f.waits]}`
  }
  return t.uploads[f.state]
}

/** What stands on the sign of a card: `PDF`, `DOCX`; nothing for a name without a short ending. */
function endingOf(name: string): string {
  return /\.([\p{L}\p{N}]{1,4})$/u.exec(name)?.[1]?.toUpperCase() ?? ''
}
