/** What a person's page shows of a file: its card, asked for as a browser does. */
import { PASSWORD } from '../scenarios/servers.ts'

export type Shown = { words: string; percent: number | undefined }

export class Card {
  readonly #origin: string
  readonly #cookie: string

  private constructor(origin: string, cookie: string) {
    this.#origin = origin
    this.#cookie = cookie
  }

  static async signIn(origin: string, login: string): Promise<Card> {
    const answer = await fetch(`${origin}/sign-in`, {
      ...{ method: 'POST', redirect: 'manual', headers: { origin } },
      body: new URLSearchParams({ login, password: PASSWORD }),
    })
    await answer.arrayBuffer()
    const cookie = answer.headers.getSetCookie().map((one) => one.split(';')[0])[0]
    if (cookie === undefined) throw new Error(`No sign-in: ${answer.status}`)
    return new Card(origin, cookie)
  }

  /** Undefined while nobody answers. */
  async of(file: string): Promise<Shown | undefined> {
    const page = await this.page(`/files/${file}/card`)
    if (page === undefined) return undefined
    const bar = /<progress max="100" value="(\d+)"/.exec(page)?.[1]
    const words = /class="file-facts">([^<]*)</.exec(page)?.[1] ?? ''
    return { words: words.trim(), percent: bar === undefined ? undefined : Number(bar) }
  }

  async page(path: string): Promise<string | undefined> {
    const headers = { cookie: this.#cookie, 'hx-request': 'true' }
    const answer = await fetch(this.#origin + path, { headers, redirect: 'manual' }).catch(
      () => undefined,
    )
    return answer?.status === 200 ? await answer.text() : undefined
  }
}
