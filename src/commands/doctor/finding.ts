/** What `doctor` says of one thing: whether it is well, and what to do when it is not. */

export type Finding = {
  state: 'ok' | 'warn' | 'bad'
  /** What was looked at, in a word or two. */
  of: string
  says: string
  /** What the operator does now. */
  todo?: string | undefined
}

export const ok = (of: string, says: string): Finding => ({ state: 'ok', of, says })
export const warn = (of: string, says: string, todo?: string): Finding => {
  return { state: 'warn', of, says, todo }
}
export const bad = (of: string, says: string, todo?: string): Finding => {
  return { state: 'bad', of, says, todo }
}

const OF_COLUMNS = 14

/** One line, and one below it with what to do. */
export function lineOf({ state, of, says, todo }: Finding): string {
  const first = `${state.padEnd(5)}${of.padEnd(OF_COLUMNS)}${says}\n`
  return todo === undefined ? first : `${first}${' '.repeat(5 + OF_COLUMNS)}To do: ${todo}\n`
}
