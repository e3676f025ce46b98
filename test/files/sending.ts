/** What tests of files do again and again: upload, send, open. */
import { hash } from 'node:crypto'
import type { Castle, Script } from '../attacks/castle.ts'
import { PASSWORD } from '../attacks/castle.ts'

export type Shape = {
  id: string
  name: string
  type: string
  size?: number
  offset: number
  sha256?: string
}

type Message = { id: string; body: string; files: (Shape & { state: string })[] }

export const sha256 = (bytes: Uint8Array) => hash('sha256', bytes)

/** A script that sends raw bytes too. */
export async function sender(at: Castle, login: string) {
  const script: Script = await at.script(login, PASSWORD)
  const raw = (
    method: string,
    path: string,
    body?: Uint8Array | ReadableStream<Uint8Array>,
    headers: Record<string, string> = {},
  ) =>
    at.ask(`/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body, duplex: 'half' }),
      headers: { authorization: `Bearer ${script.token}`, ...headers },
    } as RequestInit)
  return {
    ...script,
    raw,
    async upload(name: string, bytes: Uint8Array): Promise<Shape> {
      const answer = await raw('POST', '/files', bytes, {
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      })
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
      return (await answer.json()) as Shape
    },
    begin: (name: string, size: number) => script.json<Shape>('POST', '/uploads', { name, size }),
    send: (chat: string, files: readonly string[], body = '') =>
      script.json<Message>('POST', `/conversations/${chat}/messages`, { body, files }),
    async chatWith(login: string): Promise<string> {
      const wish = { kind: 'direct', with: login }
      return (await script.json<{ id: string }>('POST', '/conversations', wish)).id
    },
    async lastMessage(chat: string): Promise<Message | undefined> {
      const page = await script.json<{ items: Message[] }>('GET', `/conversations/${chat}/messages`)
      return page.items.at(-1)
    },
    async open(id: string, headers: Record<string, string> = {}): Promise<Response> {
      return await raw('GET', `/files/${id}`, undefined, headers)
    },
  }
}

/** The bytes of an answer. */
export async function bytesIn(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer())
}
