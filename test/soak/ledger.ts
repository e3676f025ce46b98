/**
 * What the load wrote, as its writers know it: which messages were acknowledged, in which chats, and what went wrong in
 * a way no trouble explains.
 */
import type { Client } from '../scenarios/servers.ts'

export type Person = { login: string; branch: string; client: Client }
export type Chat = { id: string; members: readonly Person[] }

export type Written = {
  chat: string
  author: string
  isAcknowledged: boolean
  tries: number
  /** When its writer had the answer, in milliseconds of this process. */
  at?: number
}

/** Faults beyond this many are counted only. */
const FAULTS_TOLD_MAX = 50

export class Ledger {
  readonly chats = new Map<string, Chat>()
  /** `BRANCH CHAT`: what one branch has the other may not have yet. */
  readonly #opened = new Set<string>()
  readonly #direct = new Map<string, string>()
  /** By their text, which is unlike every other. */
  readonly messages = new Map<string, Written>()
  readonly faults: string[] = []
  readonly counts: Record<string, number> = {}
  faultCount = 0

  /** A chat, and that this branch has it. */
  know(chat: Chat, branch: string): void {
    if (!this.chats.has(chat.id)) this.chats.set(chat.id, chat)
    if (chat.members.length === 2) this.#direct.set(pairKey(chat.members), chat.id)
    this.#opened.add(`${branch} ${chat.id}`)
  }

  isAt(branch: string, chat: string): boolean {
    return this.#opened.has(`${branch} ${chat}`)
  }

  /** The direct chat of two people, when one of their branches has it. */
  directOf(two: readonly Person[]): string | undefined {
    return this.#direct.get(pairKey(two))
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by
  }

  fault(text: string): void {
    this.faultCount++
    if (this.faults.length < FAULTS_TOLD_MAX) this.faults.push(text)
  }

  get acknowledged(): number {
    return [...this.messages.values()].filter(({ isAcknowledged }) => isAcknowledged).length
  }
}

const pairKey = (two: readonly Person[]) =>
  two
    .map(({ login }) => login)
    .sort()
    .join()

/** Whether trying again is what a client does: nobody answered, or the server said "later". */
function isForLater(error: unknown): boolean {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : undefined
  return status === undefined || status === 429 || status >= 500
}

/** Tries again and again until it is done or `mayGoOn` says no; undefined when it never was. */
export async function insist<T>(
  ledger: Ledger,
  work: () => Promise<T>,
  { mayGoOn, wait }: { mayGoOn(): boolean; wait(): Promise<void> },
): Promise<T | undefined> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isForLater(error)) {
        ledger.fault(String(error))
        return undefined
      }
      ledger.count('tries in vain')
      if (!mayGoOn()) return undefined
      await wait()
    }
  }
}
