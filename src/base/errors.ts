/**
 * The expected failures: each has a code, a status and words for a person. Anything else that is thrown is
 * a bug. `detail` names the sentence of the language files that says it; `message` is English for logs and the API.
 */

export const STATUS_OF = {
  'invalid-input': 422,
  'not-signed-in': 401,
  'password-change-required': 403,
  'second-factor-required': 403,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'too-many': 429,
  unavailable: 503,
} as const

export type ErrorCode = keyof typeof STATUS_OF

type ErrorOptions = {
  /** The form field that is wrong. */
  field?: string
  /** Key of the language files' `problems`, for pages; without it the code's own text serves. */
  detail?: string
  /** Numbers and names the sentence needs. */
  values?: Record<string, string | number>
  /** Seconds until another try makes sense. */
  retryAfter?: number
  cause?: unknown
}

/** A failure that was foreseen: translated once, in `web/errors.ts` or by a command. */
export class AppError extends Error {
  override name = 'AppError'
  readonly code: ErrorCode
  readonly field: string | undefined
  readonly detail: string | undefined
  readonly values: Record<string, string | number>
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.field = options.field
    this.detail = options.detail
    this.values = options.values ?? {}
    this.retryAfter = options.retryAfter
  }

  get status(): (typeof STATUS_OF)[ErrorCode] {
    return STATUS_OF[this.code]
  }
}

/** A form field that cannot be used; `detail` is the key of its sentence in the language files. */
export function invalidInput(
  field: string,
  message: string,
  detail?: string,
  values?: Record<string, string | number>,
): AppError {
  return new AppError('invalid-input', message, {
    field,
    ...(detail === undefined ? {} : { detail }),
    ...(values === undefined ? {} : { values }),
  })
}

/** "Not there" and "not yours" are the same answer. */
export function notFound(what: string): AppError {
  return new AppError('not-found', `Cannot find the ${what}`)
}
