/**
 * The API's operations as data: each feature states what its routes take and answer, the routes validate with the same
 * schemas, and the OpenAPI document is made of them, so that none of the three can lie about the others.
 */
import type * as v from 'valibot'

type Schema = v.GenericSchema<unknown, unknown>

export type ApiOperation = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below /api/v1, parameters in braces: `/people/{login}`. */
  path: string
  /** One sentence, a verb first. */
  summary: string
  /** Parameters in the query: an object of optional texts. */
  query?: Schema
  /** The JSON body. */
  request?: Schema
  /** The JSON answer; absent when there is none. */
  response?: Schema
  /** What an answer that is no JSON is, such as `text/event-stream`. */
  responseType?: string
  /** Of success. */
  status: number
  /** Answers without a token. */
  isOpen?: boolean
}
