/**
 * What the tidy tests read: the project's own files and their syntax trees. The trees come from
 * the compiler that checks the types, so a rule never guesses where a string or a comment ends.
 * The compiler's interface is young (typescript/unstable): only this file knows it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteralLikeNode,
} from 'typescript/unstable/ast/is'
import { createVirtualFileSystem } from 'typescript/unstable/fs'
import { API } from 'typescript/unstable/sync'

/** The root of the checkout. */
export const ROOT = join(import.meta.dirname, '..', '..')

/** Paths are relative to the root and have forward slashes. */
export type SourceText = { path: string; text: string }
export type Source = SourceText & { tree: SourceFile }

/** What is wrong, where, and why it matters: the reason is for whoever wrote the line. */
export type Fault = { path: string; line: number; reason: string }

/** All files below `folders` (or those files themselves) whose name ends in one of `endings`. */
export function projectFiles(folders: readonly string[], endings = ['.ts']): SourceText[] {
  return folders
    .flatMap((folder) => pathsBelow(folder))
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

function pathsBelow(path: string): string[] {
  const stat = statSync(join(ROOT, path), { throwIfNoEntry: false })
  if (stat === undefined) return []
  if (stat.isFile()) return [path]
  return readdirSync(join(ROOT, path)).flatMap((name) => pathsBelow(`${path}/${name}`))
}

/** Syntax trees of `files`; nothing outside them is read. */
export function parse(files: readonly SourceText[]): Source[] {
  const config = {
    compilerOptions: {
      noLib: true,
      noResolve: true,
      types: [],
      allowJs: true,
      allowImportingTsExtensions: true,
      noEmit: true,
    },
    files: files.map((file) => `./${file.path}`),
  }
  const contents = Object.fromEntries(files.map((file) => [`/tree/${file.path}`, file.text]))
  contents['/tree/tsconfig.json'] = JSON.stringify(config)
  const api = new API({ cwd: '/tree', fs: createVirtualFileSystem(contents) })
  try {
    const snapshot = api.updateSnapshot({ openProjects: ['/tree/tsconfig.json'] })
    const program = snapshot.getProject('/tree/tsconfig.json')?.program
    return files.map((file) => {
      const tree = program?.getSourceFile(`/tree/${file.path}`)
      if (tree === undefined) throw new Error(`The compiler did not read ${file.path}`)
      return { ...file, tree }
    })
  } finally {
    api.close()
  }
}

/** One source of a text: what the tests of the tests feed to a check. */
export function sample(path: string, text: string): Source[] {
  return parse([{ path, text }])
}

/** Calls `visit` for every node below `node`, itself included, in order of the text. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  node.forEachChild((child) => {
    walk(child, visit)
    return undefined
  })
}

/** The line of an offset in the text, counted from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1))
    line++
  return line
}

/** A fault at a node. */
export function faultAt(source: Source, node: Node, reason: string): Fault {
  return { path: source.path, line: lineAt(source.text, node.getStart(source.tree)), reason }
}

/** Faults as the lines a failing test prints. */
export function told(faults: readonly Fault[]): string[] {
  return faults.map((fault) => `${fault.path}:${fault.line} ${fault.reason}`)
}

export type Import = { target: string; node: Node }

/** What a file imports or re-exports, types included: `import`, `export from`, `import()`. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = []
  const add = (specifier: Node | undefined, node: Node) => {
    if (specifier && isStringLiteralLikeNode(specifier)) {
      found.push({ target: specifier.text, node })
    }
  }
  walk(source.tree, (node) => {
    if (isImportDeclaration(node) || isExportDeclaration(node)) add(node.moduleSpecifier, node)
    if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
      add(node.arguments[0], node)
    }
    if (isImportTypeNode(node) && isLiteralTypeNode(node.argument)) add(node.argument.literal, node)
  })
  return found
}
