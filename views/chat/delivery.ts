/** The way of a message in words: written, waited, stored, shown, read. Never a step that has not happened. */
import { html } from 'hono/html'
import { clockSeconds, isSameDay } from '../language/times.ts'
import { type Frame, layout } from '../layout.ts'
import {
  aroundTime,
  called,
  type Html,
  hiddenWords,
  icon,
  momentTime,
  type Reader,
  timeAs,
} from '../parts.ts'

export type Step =
  | { kind: 'written'; branch: string; at: number }
  /** Still not there. `ahead` counts what goes before it. */
  | {
      kind: 'waiting'
      branch: string
      linkDownSince?: number | undefined
      ahead?: number | undefined
      /** Branches that hold it to carry it there. */
      carriers?: readonly string[] | undefined
    }
  /** It waited longer than a moment and then went. */
  | { kind: 'waited'; branch: string; from: number; to: number; linkWasDown?: boolean | undefined }
  /** Durable there; `via` is the branch that carried it. */
  | { kind: 'stored'; branch: string; at: number; via?: string | undefined }
  /** On an open page of the person, or of `n` of `of` recipients. */
  | {
      kind: 'shown' | 'read'
      at: number
      person?: string | undefined
      user?: string
      n?: number
      of?: number
    }
  | { kind: 'refused'; branch: string; at: number; reason?: string | undefined }
  /** The one it was for takes no messages from its author. */
  | { kind: 'blocked'; person: string; user: string; at: number }

export type Story = {
  messageId: string
  chatId: string
  /** The message itself, shown on the page of its own. */
  body: string
  steps: readonly Step[]
}

/** The story as a list, for the place under the message; a `details` element closes it without a script. */
export function storyFragment(story: Story, reader: Reader): Html {
  const t = reader.t
  return html`<details class="story" open><summary title="${t.common.close}"><span>${t.story.title}</span>${icon('x', reader)}${hiddenWords(t.common.close)}</summary>
${steps(story, reader)}</details>`
}

/** The story as a page. */
export function storyPage(frame: Frame, story: Story): string {
  const t = frame.t
  const back = `/chats/${story.chatId}#m-${story.messageId}`
  const body = html`<main id="main" class="plain-page">
<p><a class="back-link" href="${back}">${icon('arrow-left', frame)} ${t.common.back}</a></p>
<h1>${t.story.title}</h1>
<blockquote class="quoted" hx-ignore>${story.body}</blockquote>
<div class="story">${steps(story, frame)}</div>
</main>`
  return layout(frame, { title: t.story.title, page: 'delivery', body })
}

function steps(story: Story, reader: Reader): Html {
  return html`<ol class="steps">${story.steps.map((s) => step(s, reader))}</ol>`
}

const TONES: Record<Step['kind'], 'done' | 'waited' | 'open' | 'bad'> = {
  written: 'done',
  waiting: 'open',
  waited: 'waited',
  stored: 'done',
  shown: 'done',
  read: 'done',
  refused: 'bad',
  blocked: 'bad',
}

function step(s: Step, reader: Reader): Html {
  return html`<li class="step ${TONES[s.kind]}">${stepWords(s, reader)} ${stepTime(s, reader)}</li>`
}

/** A step in words, without its time. */
export function stepWords(s: Step, reader: Reader): Html | string {
  const t = reader.t.story
  if (s.kind === 'written') return t.written(s.branch)
  if (s.kind === 'waiting') return waitingWords(s, reader)
  if (s.kind === 'waited') return joined(t.waited(s.branch), [s.linkWasDown ? t.lineWasDown : ''])
  if (s.kind === 'stored') return joined(t.stored(s.branch), [s.via ? t.via(s.via) : ''])
  if (s.kind === 'blocked') return reader.t.contacts.storyBlocked(personOf(s.person, s, reader))
  if (s.kind === 'refused') return joined(t.refused(s.branch), [s.reason ?? ''])
  if (s.person !== undefined) {
    const person = personOf(s.person, s, reader)
    return s.kind === 'shown' ? t.shown(person) : t.read(person)
  }
  const [n, of] = [s.n ?? 0, s.of ?? 0]
  return s.kind === 'shown' ? t.shownCount(n, of) : t.readCount(n, of)
}

const personOf = (name: string, { user = '' }: { user?: string }, { t }: Reader) =>
  called({ id: user, name }, t)

function waitingWords(s: Extract<Step, { kind: 'waiting' }>, reader: Reader): Html | string {
  const t = reader.t.story
  const down = s.linkDownSince
  const words = (since: string) =>
    joined(t.waiting(s.branch), [
      since,
      s.carriers?.length ? t.handedTo(s.carriers.join(', ')) : '',
      s.ahead ? t.ahead(s.ahead) : '',
    ])
  if (down === undefined) return words('')
  return aroundTime((moment) => words(t.lineDownSince(moment)), momentTime(down, reader))
}

function joined(words: string, facts: readonly string[]): string {
  return [words, ...facts.filter((fact) => fact !== '')].join(', ')
}

function stepTime(s: Step, reader: Reader): Html {
  if (s.kind === 'waiting') return html``
  if (s.kind !== 'waited') return exactTime(s.at, reader)
  return html`<span class="range">${exactTime(s.from, reader)}–${exactTime(s.to, reader)}</span>`
}

function exactTime(ms: number, reader: Reader): Html {
  const clock = clockSeconds(ms, reader.timeZone)
  const isToday = isSameDay(ms, reader.now, reader.timeZone)
  const text = isToday ? clock : `${reader.t.moment(ms, reader.now, reader.timeZone)}`
  return timeAs(ms, text, isToday ? 'seconds' : 'moment')
}
