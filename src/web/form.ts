/**
 * Form fields and JSON to typed values through valibot schemas, or `InvalidForm`, which keeps what is wrong with
 * which field and what was typed, so that a route can render the form again. A message in a schema
 * (`v.minLength(1, 'required')`) is the key of its sentence in the language files' `problems`.
 */
import type { Context } from 'hono'
import * as v from 'valibot'
import { AppError } from '../base/errors.ts'
import { bodyText, FORM_BYTES_MAX, JSON_BYTES_MAX, mediaType } from './body.ts'

/** More fields than any form of ours has; each costs memory before a schema sees it. */
const FIELDS_MAX = 1000

type AnySchema = v.GenericSchema<unknown, unknown>
type Values = Record<string, string | number>

/** What is wrong with one field: `detail` is the key of its sentence, `values` what the sentence needs. */
type FieldProblem = { field: string; detail: string; values: Values }
/** What was typed, by field; a field that came several times has a list. Passwords are not in it. */
export type Typed = Record<string, string | string[]>

/** Input that cannot be used: the form again, with what was typed and a sentence at each field. */
export class InvalidForm extends AppError {
  override name = 'InvalidForm'
  readonly problems: readonly FieldProblem[]
  readonly typed: Typed

  constructor(problems: readonly FieldProblem[], typed: Typed) {
    const first = problems[0] ?? { field: '', detail: 'invalid', values: {} }
    super('invalid-input', `Cannot use the field ${first.field}: ${first.detail}`, {
      field: first.field,
      detail: first.detail,
      values: first.values,
    })
    this.problems = problems
    this.typed = withoutSecrets(typed)
  }

  /** The problem of a field, for the view that shows it. */
  problemOf(field: string): FieldProblem | undefined {
    return this.problems.find((problem) => problem.field === field)
  }

  /** What was typed into a field, to show it again. */
  typedOf(field: string): string {
    const value = this.typed[field]
    return (Array.isArray(value) ? value[0] : value) ?? ''
  }
}

/** A schema part for a field that may come several times: always a list. */
export const list = v.pipe(
  v.optional(v.union([v.string(), v.array(v.string())]), []),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
)

/** A schema part for a check box: true when it came at all. */
export const ticked = v.pipe(
  v.optional(v.string()),
  v.transform((value) => value !== undefined),
)

/** The fields of a urlencoded form as the values of `schema`; throws InvalidForm. */
export async function readForm<Schema extends AnySchema>(
  c: Context,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  return checked(schema, await formFields(c))
}

/** The fields of a urlencoded form as they came; empty for another kind of body. */
export async function formFields(c: Context): Promise<Typed> {
  if (mediaType(c) !== 'application/x-www-form-urlencoded') return {}
  return fieldsOf(new URLSearchParams(await bodyText(c, FORM_BYTES_MAX)))
}

/** The query as the values of `schema`; throws InvalidForm. */
export function readQuery<Schema extends AnySchema>(
  c: Context,
  schema: Schema,
): v.InferOutput<Schema> {
  return checked(schema, fieldsOf(new URL(c.req.url).searchParams))
}

/** A JSON body as the values of `schema`; throws InvalidForm, also for what is no JSON. */
export async function readJson<Schema extends AnySchema>(
  c: Context,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const text = await bodyText(c, JSON_BYTES_MAX)
  let value: unknown
  try {
    value = JSON.parse(text, (_key, part) => (typeof part === 'string' ? tidyText(part) : part))
  } catch (cause) {
    throw new AppError('invalid-input', 'Cannot read the body: it is no JSON', { cause })
  }
  return checked(schema, value)
}

/** The pairs as fields: a name that comes twice becomes a list. Throws too-large for a flood of fields. */
export function fieldsOf(pairs: Iterable<[string, string]>): Typed {
  const fields = new Map<string, string | string[]>()
  let count = 0
  for (const [name, value] of pairs) {
    if (++count > FIELDS_MAX) {
      throw new AppError('too-large', `Cannot read the form: the limit is ${FIELDS_MAX} fields`)
    }
    const known = fields.get(name)
    const text = tidyText(value)
    if (known === undefined) fields.set(name, text)
    else if (Array.isArray(known)) known.push(text)
    else fields.set(name, [known, text])
  }
  return Object.fromEntries(fields)
}

/** The values of a schema, or InvalidForm with the first problem of each field. */
export function checked<Schema extends AnySchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const problems = new Map<string, FieldProblem>()
  for (const issue of result.issues) {
    const field = v.getDotPath(issue) ?? ''
    if (!problems.has(field)) problems.set(field, problemOf(field, issue))
  }
  throw new InvalidForm([...problems.values()], typedOf(value))
}

function problemOf(field: string, issue: v.BaseIssue<unknown>): FieldProblem {
  const values: Values = {}
  const limit = issue.requirement
  if (typeof limit === 'number') values.max = limit
  if (typeof issue.input === 'string') values.length = issue.input.length
  return { field, detail: issue.message, values }
}

function typedOf(value: unknown): Typed {
  const typed: Typed = {}
  if (typeof value !== 'object' || value === null) return typed
  for (const [name, part] of Object.entries(value)) {
    if (typeof part === 'string') typed[name] = part
    else if (Array.isArray(part)) typed[name] = part.filter((item) => typeof item === 'string')
  }
  return typed
}

// A password must not come back in a page: it would lie in the browser's cache and on the screen.
function withoutSecrets(typed: Typed): Typed {
  const shown = Object.entries(typed).filter(([name]) => !/password|token|code|secret/i.test(name))
  return Object.fromEntries(shown)
}

// Browsers send line ends as CR LF (HTML 4.10.21.7); lengths count them as one. A lone surrogate has no UTF-8 and
// would change a text between here and another branch.
function tidyText(text: string): string {
  return text.replaceAll('\r\n', '\n').toWellFormed()
}
