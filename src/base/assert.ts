/** Statements that must hold: a failure is a bug, not an expected error. */

/** Throws when `condition` is false. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`)
}

/** Ends a `switch` over a closed set: a new member fails to compile here. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${String(value)}`)
}
