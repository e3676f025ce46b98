/**
 * The shell of every page: head, skip link, landmarks, flash, banner for a lost connection, the live stream.
 * It owns the htmx settings (docs of htmx 4.0.1; see the comments there) and no words of its own.
 */
import { html } from 'hono/html'
import { type Face, type Html, icon, type Reader } from './parts.ts'

export type Theme = 'auto' | 'light' | 'dark'
/** Addresses with the hash of the content, so that browsers may keep them for ever. */
export type Assets = { css: string; js: string; icons: string }
export type Me = Face & { login: string; rights: readonly string[] }
export type Flash = { kind: 'ok' | 'problem'; text: string }

/** What the shell needs of a request, made once per page by the web layer. `icons` is `assets.icons`. */
export type Frame = Reader & {
  assets: Assets
  theme: Theme
  /** Names; empty before the branch is set up. */
  organisation: string
  branch: string
  /** Whether `/trust` tells how to trust this server. */
  hasTrustPage?: boolean | undefined
  /** Who is signed in. */
  me?: Me | undefined
  flash?: Flash | undefined
  /** At a shared terminal: when a page nobody touches has to go, in seconds. */
  lockSeconds?: number | undefined
  /** Set for somebody whose home branch does not answer. */
  home?: { branch: string; unreachableSince: number; asOf: number } | undefined
}

type Page = {
  title: string
  /** Names the page for scripts and CSS, `<body data-page>`. */
  page: string
  body: Html
  /** Live updates: where the stream starts. */
  stream?: { chatId?: string | undefined; after: string } | undefined
  /** Where "skip" leads; the main part if not said. */
  skip?: { href: string; text: string } | undefined
  /** Unread messages in all, for the title. */
  unread?: number | undefined
  /** Without a script the page is loaded again after so long. */
  refreshSeconds?: number | undefined
}

// Failures never swap by themselves (noSwap), hidden tabs are handled by our script, and there is no history
// cache: pages are quick and must be fresh.
const HTMX =
  '{"extensions":"sse,upsert,trusted","prefix":"","noSwap":[204,304,"4xx","5xx"],"defaultTimeout":15000,' +
  '"history":false,"sse":{"reconnectDelay":1000,"reconnectMaxDelay":30000,"pauseOnBackground":false}}'

/** A whole page around `body`, as text: what hono's templates make is an object, which its server sends as a stream. */
export function layout(frame: Frame, page: Page): string {
  const { t, assets } = frame
  const skip = page.skip ?? { href: '#main', text: t.common.skipToContent }
  const whole = html`<!doctype html>
<html lang="${t.language}" data-theme="${frame.theme}">
<head>
<meta charset="utf-8">
<title>${titleOf(page, t.product)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${frame.theme === 'auto' ? 'light dark' : frame.theme}">
<meta name="htmx-config" content="${HTMX}">
<meta name="form-token" content="${frame.formToken}">
${frame.lockSeconds !== undefined && lockingPage(frame.lockSeconds, page.stream !== undefined)}
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${assets.css}">
<script src="${assets.js}" defer></script>
${page.refreshSeconds && html`<noscript><meta http-equiv="refresh" content="${page.refreshSeconds};url=?itself"></noscript>`}
</head>
<body data-page="${page.page}" data-user="${frame.me?.id ?? ''}" data-stream-id data-language="${t.language}">
<a class="skip" href="${skip.href}">${skip.text}</a>
<p id="offline" class="banner" role="status" data-offline="${t.common.offline}" data-online="${t.common.online}"></p>
${frame.home && homeNotice(frame, frame.home)}
${frame.flash && flash(frame.flash, frame)}
${page.body}
${page.stream && stream(page.stream, frame)}
<div id="overlay"></div>
</body>
</html>`
  return String(whole)
}

/** Leads to the lock when nobody did anything; where scripts run, the end of the page's stream does that. */
function lockingPage(seconds: number, hasStream: boolean): Html {
  const refresh = html`<meta http-equiv="refresh" content="${seconds};url=/lock">`
  return hasStream ? html`<noscript>${refresh}</noscript>` : refresh
}

function titleOf(page: Page, product: string): string {
  const unread = page.unread ? `(${page.unread}) ` : ''
  return `${unread}${page.title} · ${product}`
}

/** A message about what was just done. */
function flash(f: Flash, reader: Pick<Reader, 'icons'>): Html {
  return html`<p class="flash ${f.kind}" role="${f.kind === 'ok' ? 'status' : 'alert'}">${icon(
    f.kind === 'ok' ? 'circle-check' : 'triangle-alert',
    reader,
  )} <span>${f.text}</span></p>`
}

function homeNotice(frame: Frame, home: NonNullable<Frame['home']>): Html {
  const text = frame.t.common.homeNotice(
    home.branch,
    frame.t.moment(home.unreachableSince, frame.now, frame.timeZone),
    frame.t.moment(home.asOf, frame.now, frame.timeZone),
  )
  return html`<p id="home-notice" class="banner" role="status">${text}</p>`
}

// docs/decisions/016: a stream of htmx whose messages are partials; `bye` ends it for good.
function stream(
  s: { chatId?: string | undefined; after: string },
  { now }: Pick<Reader, 'now'>,
): Html {
  const query = new URLSearchParams({
    ...(s.chatId ? { chat: s.chatId } : {}),
    after: s.after,
    at: `${now}`,
  })
  const address = `/events/page?${query}`
  return html`<div id="stream" hx-sse:connect="${address}" hx-sse:close="bye" hx-swap="none" hidden></div>`
}

/** A quiet page with one card in the middle: sign-in, set-up, errors. */
export function cardPage(
  frame: Frame,
  card: { title: string; page: string; body: Html; wide?: boolean | undefined },
): string {
  const body = html`<main id="main" class="card-page${card.wide && ' wide'}">
<p class="brand">${brand()}<b>${frame.organisation || frame.t.product}</b>${
    frame.branch && html` <span>${frame.t.common.branchName(frame.branch)}</span>`
  }</p>
<div class="card">${card.body}</div>
</main>`
  return layout(frame, { title: card.title, page: card.page, body })
}

/** The sign of the product. */
export function brand(): Html {
  return html`<span class="sign" aria-hidden="true"></span>`
}
