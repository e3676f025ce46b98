/** The OpenAPI document of the API, made from the operations of all features. OpenAPI Specification 3.1.0. */
import { toJsonSchema } from '@valibot/to-json-schema'
import type * as v from 'valibot'
import { STATUS_OF } from '../base/errors.ts'
import type { ApiOperation } from './api.ts'

type Json = Record<string, unknown>
type Schema = v.GenericSchema<unknown, unknown>

const BASE = '/api/v1'

/** The document as a value for `c.json`. */
export function openApiDocument(of: {
  version: string
  operations: readonly ApiOperation[]
}): Json {
  const paths: Record<string, Json> = {}
  for (const operation of of.operations) {
    paths[operation.path] ??= {}
    Object.assign(paths[operation.path] ?? {}, { [operation.method]: operationOf(operation) })
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Branchline',
      version: of.version,
      description: 'Times are ISO 8601 in UTC; ids are opaque texts.',
    },
    servers: [{ url: BASE }],
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: ERROR },
    },
    paths,
  }
}

const ERROR: Json = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string', enum: [...Object.keys(STATUS_OF), 'internal'] },
        message: { type: 'string' },
        field: { type: 'string' },
      },
    },
  },
}

function operationOf(operation: ApiOperation): Json {
  const parameters = [...pathParameters(operation.path), ...queryParameters(operation.query)]
  return {
    operationId: operationId(operation),
    summary: operation.summary,
    tags: [operation.path.split('/')[1] ?? ''],
    ...(operation.isOpen ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.request === undefined
      ? {}
      : { requestBody: { required: true, content: jsonContent(operation.request, 'input') } }),
    responses: {
      [operation.status]: { description: 'Done', ...answer(operation) },
      default: {
        description: 'Refused or failed',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  }
}

function answer({ response, responseType }: ApiOperation): Json {
  if (response !== undefined) return { content: jsonContent(response, 'output') }
  return responseType === undefined ? {} : { content: { [responseType]: {} } }
}

function jsonContent(schema: Schema, side: 'input' | 'output'): Json {
  return { 'application/json': { schema: jsonSchema(schema, side) } }
}

function jsonSchema(schema: Schema, side: 'input' | 'output'): Json {
  // A transformation has no JSON Schema; what goes in, or comes out, has.
  const { $schema: _dialect, ...rest } = toJsonSchema(schema as v.GenericSchema, {
    errorMode: 'ignore',
    typeMode: side,
  })
  return rest
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(query: Schema | undefined): Json[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(query, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

/** `get /people/{login}` as `getPeopleByLogin`: what generated clients call it. */
function operationId({ method, path }: ApiOperation): string {
  const words = path.split('/').filter((part) => part !== '')
  const named = words.map((part) => {
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1]
    const word = (parameter ?? part).replace(/-(\w)/g, (_all, letter: string) =>
      letter.toUpperCase(),
    )
    return `${parameter === undefined ? '' : 'By'}${word.charAt(0).toUpperCase()}${word.slice(1)}`
  })
  return `${method}${named.join('')}`
}
