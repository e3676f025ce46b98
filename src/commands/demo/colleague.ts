/**
 * Olena of the demo: a scripted colleague who uses the public API like any bot. She types, answers within three
 * seconds, and is silent as soon as a person signs in as her.
 */
import { DEMO_PASSWORD } from './company.ts'

const LOGIN = 'olena'
const TYPING_MS = 1200
const RETRY_MS = 1000

const ANSWERS: readonly ((name: string) => string)[] = [
  (name) =>
    `Hello ${name}! Good to hear from Kyiv. Now try the key c in the terminal: it cuts the line between us. Then write again.`,
  () =>
    'Your message is here, whole and in order. Click the mark under it to see which way it took.',
  () => 'I am only a small script, but you can be me: sign in as olena in Lviv and I fall silent.',
  () => 'Got it. Everything you write is signed by Kyiv and sealed for Lviv.',
  () => 'Noted, thank you!',
]

type ColleagueOptions = {
  /** Of the branch's pages: `http://127.0.0.1:8082`. */
  origin: string
  /** Whether a person is signed in as her in a browser. */
  isSomebodyElse(): Promise<boolean>
  signal: AbortSignal
}

type Message = {
  id: string
  conversation: string
  author: { login: string; name: string }
  position: number
}

/** Runs until the signal is aborted; a server that is away is tried again every second. */
export async function runColleague({ origin, isSomebodyElse, signal }: ColleagueOptions) {
  const said = new Map<string, number>()
  let token = ''
  let after = ''
  while (!signal.aborted) {
    try {
      if (token === '') token = await signIn(origin, signal)
      for await (const event of eventsOf({ origin, token, after, signal })) {
        after = event.id || after
        if (event.name !== 'message') continue
        const message = JSON.parse(event.data) as Message
        if (message.author.login === LOGIN || (await isSomebodyElse())) continue
        const turn = said.get(message.conversation) ?? 0
        const isDirect = await isDirectChat({ origin, token, signal }, message.conversation)
        if (!isDirect) continue
        said.set(message.conversation, turn + 1)
        const words = ANSWERS[Math.min(turn, ANSWERS.length - 1)] ?? ANSWERS[0]
        const firstName = message.author.name.split(' ')[0] ?? ''
        await answer({ origin, token, signal }, message, words?.(firstName) ?? '')
      }
    } catch (error) {
      if (error instanceof Refused && error.status === 401) token = ''
    }
    await pause(RETRY_MS, signal)
  }
}

class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  constructor(status: number) {
    super(`The server answered ${status}`)
    this.status = status
  }
}

type Session = { origin: string; token: string; signal: AbortSignal }

async function call<T>(
  { origin, token, signal }: Session,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(`${origin}/api/v1${path}`, {
    method,
    signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Refused(response.status)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

async function signIn(origin: string, signal: AbortSignal): Promise<string> {
  const { token } = await call<{ token: string }>(
    { origin, token: '', signal },
    'POST',
    '/sign-in',
    {
      login: LOGIN,
      password: DEMO_PASSWORD,
      device: 'demo colleague',
    },
  )
  return token
}

async function isDirectChat(session: Session, conversation: string): Promise<boolean> {
  type Conversations = { items: { id: string; kind: string }[] }
  const { items } = await call<Conversations>(session, 'GET', '/conversations')
  return items.some(({ id, kind }) => id === conversation && kind === 'direct')
}

async function answer(session: Session, message: Message, body: string) {
  const chat = `/conversations/${message.conversation}`
  await call(session, 'POST', `${chat}/read`, { upTo: message.id })
  await call(session, 'POST', `${chat}/typing`, {})
  await pause(TYPING_MS, session.signal)
  await call(session, 'POST', `${chat}/messages`, { body, clientId: `answer-${message.id}` })
}

type StreamEvent = { id: string; name: string; data: string }

/** Server-sent events of the API (WHATWG HTML 9.2.6), from `after` on or from now. */
async function* eventsOf({
  origin,
  token,
  after,
  signal,
}: Session & { after: string }): AsyncGenerator<StreamEvent> {
  const response = await fetch(`${origin}/api/v1/events`, {
    signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(after === '' ? {} : { 'last-event-id': after }),
    },
  })
  if (!response.ok || !response.body) throw new Refused(response.status)
  let waiting = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    waiting += chunk
    const blocks = waiting.split('\n\n')
    waiting = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parsed(block)
      if (event.data !== '') yield event
    }
  }
}

function parsed(block: string): StreamEvent {
  const event = { id: '', name: 'message', data: '' }
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) event.id = line.slice(4)
    else if (line.startsWith('event: ')) event.name = line.slice(7)
    else if (line.startsWith('data: ')) event.data += line.slice(6)
  }
  return event
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
