/** The door to files: small files written whole (temporary name, then rename), below one folder. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

export type Disk = {
  /** The folder all paths are relative to. */
  readonly root: string
  path(name: string): string
  exists(name: string): boolean
  read(name: string): Uint8Array | undefined
  /** Durable when it returns; owner-only (0600), its folder too (0700). */
  write(name: string, bytes: Uint8Array): void
  list(folder: string): string[]
  remove(name: string): void
}

/** The files below `root` on the real disk. */
export function realDisk(root: string): Disk {
  const path = (name: string) => join(root, name)
  return {
    root,
    path,
    exists: (name) => existsSync(path(name)),
    read: (name) => (existsSync(path(name)) ? new Uint8Array(readFileSync(path(name))) : undefined),
    write: (name, bytes) => writeWhole(path(name), bytes),
    list: (folder) => (existsSync(path(folder)) ? readdirSync(path(folder)).sort() : []),
    remove: (name) => rmSync(path(name), { force: true }),
  }
}

function writeWhole(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.new`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  chmodSync(temporary, 0o600)
  renameSync(temporary, path)
  syncFolder(dirname(path))
}

/** A name, and that it was changed, survives a power loss when its folder is synced. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
