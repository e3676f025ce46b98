/** Links of the views and routes of the server, read from their syntax trees. */
import { type Node, SyntaxKind } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isFunctionDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isNoSubstitutionTemplateLiteral,
  isPropertyAccessExpression,
  isStringLiteral,
  isStringLiteralLikeNode,
  isTaggedTemplateExpression,
  isTemplateExpression,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is'
import { lineAt, type Source, walk } from './source.ts'

/** A path with `*` for each hole of the template, without query and fragment. */
export type Link = { method: string; path: string; source: Source; line: number }
export type Route = { method: string; path: string; pattern: RegExp }

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete', 'all'])

/** Every `app.get('/path', ...)`, with the prefix its sub-app is mounted at. */
export function routesOf(sources: readonly Source[]): Route[] {
  const prefixes = mountsOf(sources)
  const routes: Route[] = []
  for (const source of sources) {
    walk(source.tree, (node) => {
      const call = methodCall(node)
      if (call === undefined || !METHODS.has(call.name)) return
      for (const path of call.paths) {
        const whole = `${prefixes.get(builderOf(node)) ?? ''}${path}`
        const clean = whole.replace(/(.)\/$/, '$1')
        routes.push({ method: call.name.toUpperCase(), path: clean, pattern: patternOf(clean) })
      }
    })
  }
  return routes
}

/** `app.method('/path' or ['/a', '/b'], ...)`. */
function methodCall(node: Node): { name: string; paths: string[]; rest: Node[] } | undefined {
  if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return undefined
  const [first, ...rest] = node.arguments
  if (first === undefined || rest.length === 0) return undefined
  const paths: string[] = []
  walk(first, (part) => {
    if (isStringLiteralLikeNode(part) && part.text.startsWith('/')) paths.push(part.text)
  })
  if (paths.length === 0) return undefined
  return { name: node.expression.name.text, paths, rest }
}

/** `app.route('/admin', adminRoutes(...))`: the builder's name and its prefix. */
function mountsOf(sources: readonly Source[]): ReadonlyMap<string, string> {
  const prefixes = new Map<string, string>()
  for (const source of sources) {
    walk(source.tree, (node) => {
      const call = methodCall(node)
      const mounted = call?.name === 'route' ? call.rest[0] : undefined
      if (!mounted || !isCallExpression(mounted) || !isIdentifier(mounted.expression)) return
      const prefix = call?.paths[0] ?? '/'
      prefixes.set(mounted.expression.text, prefix === '/' ? '' : prefix)
    })
  }
  return prefixes
}

/** Name of the outermost function around a node: the builder of the routes. */
function builderOf(node: Node): string {
  let name = ''
  for (let at: Node | undefined = node; at; at = at.parent) {
    if (isFunctionDeclaration(at) && at.name) name = at.name.text
  }
  return name
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\/:\w+\\?\?/g, '(/[^/]+)?')
    .replace(/:\w+(\{[^}]*\})?/g, '[^/]+')
    .replace(/\*/g, '.*')
  return new RegExp(`^${source}$`)
}

/** Whether the server answers a link. A hole of the link stands for one id. */
export function leadsSomewhere(link: Link, routes: readonly Route[]): boolean {
  const path = link.path.replaceAll('*', 'x')
  return routes.some(
    (route) =>
      (route.method === link.method || route.method === 'ALL' || link.method === 'ANY') &&
      route.pattern.test(path),
  )
}

const ATTRIBUTE =
  /\s(href|src|action|formaction|hx-get|hx-post|hx-put|hx-patch|hx-delete|hx-sse:connect)="([^"]*)"/g
const TAG = /<(\w[\w-]*)((?:[^<>"]|"[^"]*")*)>/g

/** Every link, form action and htmx address in the HTML templates of a view. */
export function linksOf(source: Source): Link[] {
  const links: Link[] = []
  walk(source.tree, (node) => {
    if (!isTaggedTemplateExpression(node)) return
    const text = textOf(node.template, source)
    const line = lineAt(source.text, node.getStart(source.tree))
    for (const [, tag = '', attributes = ''] of text.matchAll(TAG)) {
      for (const [, name = '', value = ''] of attributes.matchAll(ATTRIBUTE)) {
        const path = value.replace(/[?#].*$/s, '')
        if (!path.startsWith('/') && !/^\*\//.test(path)) continue
        if (path.startsWith('*')) continue // an address handed in whole: judged where it is made
        links.push({ method: methodOf(name, tag, attributes), path, source, line })
      }
    }
  })
  return [...links, ...addressesOf(source)]
}

function methodOf(attribute: string, tag: string, attributes: string): string {
  if (attribute === 'action' || attribute === 'formaction') {
    if (tag === 'button') return 'POST'
    return /\smethod="post"/i.test(attributes) ? 'POST' : 'GET'
  }
  const verb = /^hx-(get|post|put|patch|delete)$/.exec(attribute)?.[1]
  return verb?.toUpperCase() ?? 'GET'
}

/** Addresses in values: `{ href: '/chats' }`, `const base = ...`: some method must answer them. */
function addressesOf(source: Source): Link[] {
  const links: Link[] = []
  walk(source.tree, (node) => {
    if (!isStringLiteral(node) && !isTemplateExpression(node) && !isPlainTemplate(node)) return
    if (isTaggedTemplateExpression(node.parent)) return
    const path = textOf(node, source).replace(/[?#].*$/s, '')
    if (!/^\/[a-z*]/.test(path) || /[\s<>]/.test(path) || isPrefix(node)) return
    const line = lineAt(source.text, node.getStart(source.tree))
    links.push({ method: 'ANY', path, source, line })
  })
  return links
}

const isPlainTemplate = isNoSubstitutionTemplateLiteral

/** `const base = ...` is completed where it is used; there the whole address is judged. */
function isPrefix(node: Node): boolean {
  return isVariableDeclaration(node.parent) && isIdentifier(node.parent.name)
}

/** The text of a template; holes are `*`, or the text of the constant they name. */
function textOf(node: Node, source: Source): string {
  if (isStringLiteralLikeNode(node)) return node.text
  if (!isTemplateExpression(node)) return '*'
  const spans = node.templateSpans.map((span) => hole(span.expression, source) + span.literal.text)
  return node.head.text + spans.join('')
}

function hole(expression: Node, source: Source): string {
  const isText = isTemplateExpression(expression) || isStringLiteralLikeNode(expression)
  if (isText) return textOf(expression, source)
  if (!isIdentifier(expression)) return '*'
  const value = constantOf(expression, source)
  return value === undefined ? '*' : textOf(value, source)
}

/** The initialiser of the nearest `const` of that name, if it is a text. */
function constantOf(name: Node & { text: string }, source: Source): Node | undefined {
  for (let scope: Node | undefined = name.parent; scope; scope = scope.parent) {
    let found: Node | undefined
    if (!isFunctionLikeDeclaration(scope) && scope.kind !== SyntaxKind.SourceFile) continue
    walk(scope, (node) => {
      if (!isVariableDeclaration(node) || node.name.getText(source.tree) !== name.text) return
      const value = node.initializer
      if (value && (isTemplateExpression(value) || isStringLiteralLikeNode(value))) found = value
    })
    if (found) return found
  }
  return undefined
}
