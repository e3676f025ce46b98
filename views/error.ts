/** What a person is told when something fails: what happened, that nothing was lost, what to do. One text per code. */
import { html } from 'hono/html'
import type { ErrorCode } from '../src/base/errors.ts'
import { cardPage, type Frame } from './layout.ts'
import { type Html, icon, type Reader } from './parts.ts'

export type Problem = {
  code: ErrorCode | 'bug'
  /** The sentence of this case; the code's own text if absent (`problemText` of language/words.ts makes it). */
  text?: string | undefined
  /** Of the log entry, for bugs. */
  incident?: string | undefined
  /** Seconds. */
  retryAfter?: number | undefined
}

/** The same as a fragment, for htmx: goes into a place beside what failed. */
export function errorBox(problem: Problem, reader: Pick<Reader, 't' | 'icons'>): Html {
  const words = reader.t.errors[problem.code]
  return html`<div class="problem" role="alert">${icon('triangle-alert', reader)}
<p><b>${problem.text ?? words.text}</b> ${words.next}${facts(problem, reader)}</p></div>`
}

/** A whole page about a failure. */
export function errorPage(frame: Frame, problem: Problem): string {
  const words = frame.t.errors[problem.code]
  const next =
    problem.code === 'not-signed-in' || frame.me === undefined
      ? { href: '/sign-in', text: frame.t.signIn.button }
      : { href: '/chats', text: frame.t.common.backToChats }
  const body = html`<h1>${words.title}</h1>
<p>${problem.text ?? words.text}</p>
<p>${words.next}${facts(problem, frame)}</p>
<p class="actions"><a class="button primary" href="${next.href}">${next.text}</a></p>`
  return cardPage(frame, { title: words.title, page: 'error', body })
}

function facts(problem: Problem, reader: Pick<Reader, 't'>): Html {
  const t = reader.t.errorWords
  return html`${problem.retryAfter !== undefined && html` ${t.wait(problem.retryAfter)}`}${
    problem.incident && html` ${t.incident}: <code>${problem.incident}</code>.`
  }`
}
