/**
 * The middle part and the whole chat page: header, banner, log, typing line, composer. Everything works with links
 * and forms alone; what only serves without the script has the class `without-script`.
 */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { replacement } from '../partials.ts'
import {
  aroundTime,
  attributes,
  avatar,
  called,
  type Face,
  formTokenField,
  groupAvatar,
  type Html,
  hiddenWords,
  icon,
  momentTime,
  placeTag,
  type Reader,
} from '../parts.ts'
import { type Presence, presence, typingLine } from '../presence/dot.ts'
import { type Line, lines } from './line.ts'
import { chatHead, chatList, type ListProps } from './list.ts'

export type Conversation = {
  id: string
  kind: 'direct' | 'group'
  title: string
  /** The other one of a direct chat. */
  person?:
    | (Face & {
        branch: string
        /** Department or post, shown behind the branch. */
        department?: string | undefined
        /** Whether this branch is the person's home: then nothing has to travel. */
        isHere: boolean
        presence: Presence
      })
    | undefined
  memberCount?: number | undefined
  /** Why this person cannot write here; absent when he can. */
  closed?: 'read-only' | 'blocked' | 'blocked-by-me' | 'disabled' | undefined
}

/** A line to another branch that is down and matters for this chat. */
/** `over`: branches that carry to it meanwhile. */
export type LinkDown = { branch: string; since: number; over: readonly string[] }

export type ConversationProps = {
  conversation: Conversation
  lines: readonly Line[]
  /** Id of the first message the reader has not seen. */
  newFrom?: string | undefined
  /** Cursor of the page before; absent at the beginning of the chat. */
  older?: string | undefined
  /** What is before lies at other branches that do not answer now. */
  isPartial?: boolean | undefined
  /** Whether this is an older page, with newer messages behind it. */
  isOld?: boolean | undefined
  typing?: readonly string[] | undefined
  linksDown?: readonly LinkDown[] | undefined
  /** Where the stream starts: EPOCH-POSITION. */
  after: string
  /** Where the long poll of text browsers starts. */
  position: number
  composer: Omit<ComposerProps, 'conversationId'>
  list: ListProps
  /** Unread in all chats, for the title. */
  unread?: number | undefined
  /** The right part, when it is open. */
  details?: Html | undefined
}

type ComposerProps = {
  conversationId: string
  /** A text that was written before and not sent; with an error it stands beside it. */
  draft?: string | undefined
  error?: string | undefined
  /** One input line instead of a box, for text browsers. */
  plain?: boolean | undefined
}

/** A cursor behind every line there can be (src/chat/cursors.ts): 24 bytes of ones. */
const END_OF_TIME = '_'.repeat(32)

const BODY_CHARS_MAX = 4000 // UTF-16 units, the limit of a message

/** The page of one chat. */
export function conversationPage(frame: Frame, p: ConversationProps): string {
  const { t } = frame
  const body = html`<div class="chat-page" data-part="conversation">
${chatHead(frame)}
<main id="main" class="conversation" data-chat="${p.conversation.id}">
${conversationHeader(p.conversation, frame)}
${linkBanner(p.linksDown ?? [], frame)}
${log(frame, p)}
<a class="jump" href="#composer" data-jump hidden title="${t.chat.latest}" aria-label="${t.chat.latest}">${icon('arrow-down', frame)}</a>
${typingLine(p.typing ?? [], frame)}
${p.conversation.closed ? closedNote(p.conversation, frame) : composer({ ...p.composer, conversationId: p.conversation.id }, frame)}
${withoutScript(frame, p)}
</main>
${chatList(frame, { ...p.list, current: p.conversation.id })}
<aside id="details" class="details" aria-label="${frame.t.chat.details}">${p.details}</aside>
</div>`
  return layout(frame, {
    title: titleOf(p.conversation, frame.t),
    page: 'chat',
    body,
    stream: { chatId: p.conversation.id, after: p.after },
    skip: { href: '#log', text: frame.t.common.skipToMessages },
    unread: p.unread,
  })
}

/** Who it is, where, and whether there: the top of the conversation. */
export function conversationHeader(c: Conversation, reader: Reader): Html {
  const t = reader.t
  const details = `/chats/${c.id}/details`
  return html`<header class="conversation-head">
<a class="icon-button back" href="/chats" title="${t.common.backToChats}">${icon('arrow-left', reader)}${hiddenWords(t.common.backToChats)}</a>
${c.person ? avatar(c.person) : groupAvatar(c, reader)}
<h1 class="who"><span class="name">${c.person ? html`<a class="card-link" href="/people/${c.person.id}">${titleOf(c, t)}</a>` : c.title}</span>${c.person && html` ${placeTag(c.person.branch, c.person.department)}`}</h1>
${c.person ? presence(c.person.id, c.person.presence, reader) : html`<span class="sub">${t.common.members(c.memberCount ?? 0)}</span>`}
<a class="icon-button" href="${details}" hx-get="${details}" hx-target="#details" title="${t.chat.details}">${icon('panel-right', reader)}${hiddenWords(t.chat.details)}</a>
</header>`
}

/** Which lines are down, in words; empty when none is. Pushed whole. */
export function linkBanner(down: readonly LinkDown[], reader: Reader): Html {
  const t = reader.t.chat
  const words = ({ branch, since, over }: LinkDown) =>
    aroundTime(
      (moment) =>
        over.length === 0
          ? t.lineDown(branch, moment)
          : t.lineDownOver(branch, moment, over.join(', ')),
      momentTime(since, reader),
    )
  return html`<div id="line-banner" class="banner" role="status">${down.map((d) => html`<p>${icon('wifi-off', reader)} <span>${words(d)}</span></p>`)}</div>`
}

function log(frame: Frame, p: ConversationProps): Html {
  const { t } = frame
  const c = p.conversation
  return html`<section id="log" role="log" tabindex="0" aria-label="${t.chat.messages}" data-kind="${c.kind}">
${p.lines.length === 0 && !p.isPartial ? html`${noOlder()}${emptyLog(frame, c)}` : olderLink(c.id, p, frame)}
${lines(p.lines, frame, { viewer: frame.me?.id ?? '', newFrom: p.newFrom })}
</section>`
}

/** The link to the page before, loaded by itself when it comes into view; at the beginning, a word about that. */
function olderLink(chatId: string, p: Older & { from?: string | undefined }, reader: Reader): Html {
  const { older: cursor, from } = p
  if (p.isPartial) return elsewhere(chatId, p, reader)
  if (cursor === undefined) {
    return html`<p id="older" class="older">${reader.t.chat.beginning}</p>`
  }
  const query = `before=${encodeURIComponent(cursor)}`
  return html`<p id="older" class="older"${attributes({ 'data-from': from })}><a class="button" href="/chats/${chatId}?${query}" hx-get="/chats/${chatId}/older?${query}" hx-trigger="intersect root:#log once, click" hx-target="#older" hx-swap="outerHTML">${reader.t.chat.older}</a></p>`
}

/** The place of that link in a chat in which nothing was written: of a guest's chat it may come later. */
function noOlder(): Html {
  return html`<p id="older" class="older" hidden></p>`
}

/**
 * More of a guest's chat has come than its open page shows: the link to the page before, which loads it where it is in
 * view. The script lets it begin at the first line of the page, and takes away lines before `from`: there may be holes.
 */
export function olderArrived(
  p: { chatId: string; from: string | undefined },
  reader: Reader,
): Html {
  const link = olderLink(p.chatId, { older: END_OF_TIME, from: p.from }, reader)
  // While an older page is being asked for, its answer brings the link.
  return replacement('#log:not([aria-busy]) > #older', link)
}

/** What was begun to be written in this chat at another branch: the script shows it where nothing was written since. */
export function draftNote(text: string): Html {
  return html`<span id="draft" hidden data-text="${text}"></span>`
}

type Older = Pick<ConversationProps, 'older' | 'isPartial'> & { before?: string | undefined }

/** Asked for by hand: coming into view it would ask again and again. */
function elsewhere(chatId: string, { before }: Older, reader: Reader): Html {
  const { t } = reader
  if (before === undefined) return html`<p id="older" class="older">${t.chat.elsewhere}</p>`
  const query = `before=${encodeURIComponent(before)}`
  return html`<p id="older" class="older">${t.chat.elsewhere} <a class="button" href="/chats/${chatId}?${query}" hx-get="/chats/${chatId}/older?${query}" hx-target="#older" hx-swap="outerHTML">${t.chat.askAgain}</a></p>`
}

/** An older page as a fragment: takes the place of the link that asked for it. */
export function olderLines(
  p: { chatId: string; lines: readonly Line[]; viewer: string } & Older,
  reader: Reader,
): Html {
  return html`${olderLink(p.chatId, p, reader)}${lines(p.lines, reader, { viewer: p.viewer })}`
}

function emptyLog(frame: Frame, c: Conversation): Html {
  const t = frame.t.chat
  const { person } = c
  const text = !person || person.isHere ? t.emptyHere : t.emptyDirectText(person.branch)
  return html`<div id="empty-log" class="empty">${person ? avatar(person, 'large') : groupAvatar(c, frame, 'large')}
<h2>${person ? t.emptyDirect(called({ ...person, name: c.title }, frame.t)) : t.emptyGroup}</h2><p>${text}</p></div>`
}

/** The box to write in. The answer to a sending is the line; the box was emptied when the request was built. */
function composer(p: ComposerProps, reader: Reader): Html {
  const t = reader.t.chat
  const base = `/chats/${p.conversationId}`
  return html`<form id="composer" class="composer" method="post" action="${base}/messages" hx-post="${base}/messages" hx-swap="none" hx-sync="this:queue all" hx-status:422="target:#composer-error swap:innerHTML">
${formTokenField(reader)}<input type="hidden" name="clientId" value="">
<ul id="outgoing" class="outgoing" hidden></ul>${draftNote('')}
${!p.plain && outgoingRow(reader.t)}
<div id="composer-error">${p.error && html`<p class="error" role="alert">${p.error}</p>`}</div>
<label class="hidden" for="body">${t.write}</label>
${!p.plain && attachLink(base, reader)}
${p.plain ? plainInput(p) : box(p, base, reader)}
<button class="button primary send">${icon('send-horizontal', reader)}<span>${t.send}</span></button>
${p.plain && attachLink(base, reader)}
</form>`
}

/** Behind the button where there is no script: there what stands next to the box is what is written into. */
function attachLink(base: string, reader: Reader): Html {
  const { t } = reader
  return html`<a class="icon-button attach" href="${base}/attach" title="${t.uploads.attach}"${attachWords(t)}>${icon('paperclip', reader)}${hiddenWords(t.uploads.attach)}</a>`
}

/** A file that is on its way to the server; the script fills in what it is. */
function outgoingRow({ uploads: t }: Reader['t']): Html {
  return html`<template id="outgoing-row"><li class="file"><bdi class="file-name"></bdi> <span class="file-facts"></span><progress></progress><button type="button" class="button again">${t.again}</button><button type="button" class="button remove">${t.remove}</button></li></template>`
}

/** What our script says: it knows no language. */
function attachWords({ uploads: t }: Reader['t']): Html {
  const { waiting, noLine, checkingFile, ready, sendsWhenReady, takeAwayFirst } = t
  const { dropHere, unfinished, chooseAgain } = t
  const words = {
    ...{ waiting, noLine, checkingFile, ready, sendsWhenReady, takeAwayFirst },
    ...{ dropHere, unfinished, chooseAgain },
  }
  return html` data-words="${JSON.stringify(words)}"`
}

/** What goes into `#composer-error` when a sending is refused. */
export function composerError(text: string): Html {
  return html`<p class="error" role="alert">${text}</p>`
}

// A line of its own: w3m passes over a button that was wrapped to the next one.
function plainInput(p: ComposerProps): Html {
  return html`<br><input id="body" name="body" size="72" value="${p.draft ?? ''}" required><br>`
}

// No maxlength: a browser cuts off what is pasted beyond it without a word. The script counts, and the server does.
function box(p: ComposerProps, base: string, { t }: Pick<Reader, 't'>): Html {
  const tooLong = t.problems['message-long']({ length: '{length}', max: BODY_CHARS_MAX })
  return html`<textarea id="body" name="body" rows="1" data-max="${BODY_CHARS_MAX}" data-too-long="${tooLong}" placeholder="${t.chat.write}" required hx-post="${base}/typing" hx-trigger="input throttle:3s" hx-swap="none" hx-sync="this:drop"${attributes({ autofocus: p.error !== undefined })}>${p.draft ?? ''}</textarea>
<span hx-post="${base}/draft" hx-include="#body" hx-trigger="input from:#body delay:2s, change from:#body" hx-swap="none"></span>`
}

function titleOf(c: Pick<Conversation, 'title' | 'person'>, t: Reader['t']): string {
  return c.person ? called({ ...c.person, name: c.title }, t) : c.title
}

/** Why nobody writes here now, in the place of the composer. */
export function closedNote(
  c: Pick<Conversation, 'id' | 'title' | 'closed' | 'person'>,
  reader: Reader,
): Html {
  const t = reader.t.chat
  const title = titleOf(c, reader.t)
  const texts = {
    'read-only': t.mayNotWrite,
    blocked: t.blocked(title),
    'blocked-by-me': t.youBlocked(title),
    disabled: t.disabled(title),
  }
  // A push has no token of the page: there the words stand alone.
  const opens = c.closed === 'blocked-by-me' && reader.formToken !== ''
  return html`<div class="closed">${icon('ban', reader)} <span>${texts[c.closed ?? 'read-only']}</span>
${opens && html`<form method="post" action="/chats/${c.id}/unblock">${formTokenField(reader)}<button class="button">${reader.t.contacts.unblock}</button></form>`}</div>`
}

function withoutScript(frame: Frame, p: ConversationProps): Html {
  const t = frame.t
  const base = `/chats/${p.conversation.id}`
  // `e` makes the address new for text browsers, and tells the server that the page is read as it is served.
  const anew = `${base}?e=${p.position}-${frame.now}`
  return html`<p class="without-script live-links">${p.isOld && html`<a href="${base}">${t.chat.latest}</a> `}
<a href="${base}/wait?after=${p.position}">${t.chat.waitForNew}</a>
<a href="${anew}">${t.common.refresh}</a></p>`
}
