/** The chat page before a chat is chosen: the list, and what this place is for. In the demo, five steps to try. */
import { html } from 'hono/html'
import { type Frame, layout } from '../layout.ts'
import { type Html, icon, type Reader } from '../parts.ts'
import { chatHead, chatList, type ListProps } from './list.ts'

export type WelcomeProps = {
  list: ListProps
  /** Where the stream starts: EPOCH-POSITION. */
  after: string
  unread?: number | undefined
  /** Present in demo mode: the chat with Olena, if there is one already. */
  demo?: { chatHref: string } | undefined
}

/** `/chats` without a chosen chat. On a phone it is the list alone. */
export function welcomePage(frame: Frame, p: WelcomeProps): string {
  const body = html`<div class="chat-page" data-part="list">
${chatHead(frame)}
${chatList(frame, p.list)}
<section class="welcome" aria-labelledby="welcome-title">${p.demo ? demoSteps(p.demo, frame) : invitation(frame, p)}</section>
</div>`
  return layout(frame, {
    title: frame.t.common.chats,
    page: 'chats',
    body,
    stream: { after: p.after },
    unread: p.unread,
  })
}

function invitation(frame: Frame, p: WelcomeProps): Html {
  const t = frame.t.welcome
  const isFirst = p.list.rows.length === 0 && !p.list.find
  const firstName = frame.me?.name.split(' ')[0] ?? ''
  return html`<div class="empty">${icon('message-circle', frame)}
<h2 id="welcome-title">${isFirst ? t.firstTitle(firstName) : t.title}</h2>
<p>${isFirst ? t.firstText : t.text}</p>
<p><a class="button${isFirst && ' primary'}" href="/people/add" hx-get="/people/add" hx-target="#overlay">${icon('user-plus', frame)} ${frame.t.list.addPerson}</a></p></div>`
}

function demoSteps(demo: { chatHref: string }, reader: Reader): Html {
  const t = reader.t.welcome
  const steps: [string, string, string?][] = [
    [t.stepWrite, t.stepWriteText, demo.chatHref],
    [t.stepCut, t.stepCutText],
    [t.stepAgain, t.stepAgainText],
    [t.stepStory, t.stepStoryText],
    [t.stepHeal, t.stepHealText],
  ]
  const step = ([title, text, href]: [string, string, string?]) =>
    html`<li><b>${href ? html`<a href="${href}">${title}</a>` : title}</b> <span>${text}</span></li>`
  return html`<div class="demo"><h2 id="welcome-title">${t.demoTitle}</h2><p>${t.demoText}</p><ol class="demo-steps">${steps.map(step)}</ol></div>`
}
