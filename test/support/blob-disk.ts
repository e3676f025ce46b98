/** Large files in memory: for the simulator, and for tests of what happens when a disk fails. */
import type { BlobDisk, BlobFile } from '../../src/world/blob-disk.ts'

type Kept = { bytes: Uint8Array; length: number; changedAt: number }

export type BlobMemory = Map<string, Kept>

/** What the system says. */
function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** A disk of `room` bytes over files that outlive it. */
export function memoryBlobDisk(
  files: BlobMemory = new Map(),
  { room = Number.POSITIVE_INFINITY, now = () => 0 }: { room?: number; now?: () => number } = {},
): BlobDisk {
  const used = () => [...files.values()].reduce((sum, { length }) => sum + length, 0)
  const opened = (kept: Kept): BlobFile => ({
    read: async (at, length) => kept.bytes.slice(at, Math.min(kept.length, at + length)),
    async write(at, bytes) {
      const end = at + bytes.length
      if (used() + Math.max(0, end - kept.length) > room) throw failure('ENOSPC')
      if (end > kept.bytes.length) {
        const larger = new Uint8Array(Math.max(end, kept.bytes.length * 2))
        larger.set(kept.bytes)
        kept.bytes = larger
      }
      kept.bytes.set(bytes, at)
      kept.length = Math.max(kept.length, end)
      kept.changedAt = now()
    },
    sync: async () => {},
    async cut(bytes) {
      kept.length = Math.min(kept.length, bytes)
    },
    close: async () => {},
  })
  return {
    async open(name, how) {
      const known = files.get(name)
      if (known !== undefined && how !== 'make') return opened(known)
      if (how !== 'make') throw failure('ENOENT')
      const made = { bytes: new Uint8Array(0), length: 0, changedAt: now() }
      files.set(name, made)
      return opened(made)
    },
    async rename(from, to) {
      const known = files.get(from)
      if (known === undefined) throw failure('ENOENT')
      files.delete(from)
      files.set(to, known)
    },
    async remove(name) {
      files.delete(name)
    },
    async find(name) {
      const known = files.get(name)
      return known && { bytes: known.length, changedAt: known.changedAt }
    },
    list: async (folder) =>
      [...files.keys()]
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1).split('/')[0] ?? '')
        .filter((name, i, all) => all.indexOf(name) === i)
        .sort(),
    free: async () => room - used(),
  }
}
