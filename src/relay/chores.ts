/** Work beside the links that `stop` waits for; it is logged when it fails. Owns what is under way. */

export class Chores {
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  run(work: () => Promise<void>): void {
    const done = work().catch(this.#onError)
    this.#underWay.add(done)
    void done.finally(() => this.#underWay.delete(done))
  }

  /** Resolves when everything that was begun is done. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay])
  }
}
