/**
 * The door to large files: written and read in parts without stopping anything else, below one folder. Small files that
 * are written whole have a door of their own (disk.ts).
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from './disk.ts'
import { youngBuffers } from './young-buffers.ts'

export type BlobFile = {
  /** At most `length` bytes from `at` on; fewer at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>
  write(at: number, bytes: Uint8Array): Promise<void>
  /** What was written survives a power loss once it resolves. */
  sync(): Promise<void>
  cut(bytes: number): Promise<void>
  close(): Promise<void>
}

export type BlobDisk = {
  /** Rejects with the system's error (`code` ENOENT, ENOSPC ...). `make`: owner-only (0600), with its folder (0700). */
  open(name: string, how: 'read' | 'change' | 'make'): Promise<BlobFile>
  /** The new name survives a power loss once it resolves; the file must have been synced before. */
  rename(from: string, to: string): Promise<void>
  remove(name: string): Promise<void>
  /** Bytes of a file and when it was written last; undefined when there is none. */
  find(name: string): Promise<{ bytes: number; changedAt: number } | undefined>
  list(folder: string): Promise<string[]>
  /** Bytes that may still be written. */
  free(): Promise<number>
}

/** The large files below `root` on the real disk. */
export function realBlobDisk(root: string): BlobDisk {
  const path = (name: string) => join(root, name)
  const bytesPassed = youngBuffers()
  const folderOf = async (name: string) => {
    await mkdir(dirname(path(name)), { recursive: true, mode: 0o700 })
  }
  return {
    async open(name, how) {
      if (how === 'make') await folderOf(name)
      const flags = { read: 'r', change: 'r+', make: 'w+' } as const
      return blobFile(await open(path(name), flags[how], 0o600), bytesPassed)
    },
    async rename(from, to) {
      await folderOf(to)
      await rename(path(from), path(to))
      syncFolder(dirname(path(to)))
    },
    remove: (name) => rm(path(name), { force: true }),
    async find(name) {
      const found = await orMissing(stat(path(name)))
      return found && { bytes: found.size, changedAt: found.mtimeMs }
    },
    list: async (folder) => ((await orMissing(readdir(path(folder)))) ?? []).sort(),
    async free() {
      const { bavail, bsize } = await statfs(root)
      return bavail * bsize
    },
  }
}

function blobFile(file: FileHandle, bytesPassed: (bytes: number) => void): BlobFile {
  return {
    async read(at, length) {
      const bytes = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, at + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      bytesPassed(filled)
      return bytes.subarray(0, filled)
    },
    async write(at, bytes) {
      let done = 0
      while (done < bytes.length) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
        done += bytesWritten
      }
      bytesPassed(done)
    },
    sync: () => file.datasync(),
    cut: (bytes) => file.truncate(bytes),
    close: () => file.close(),
  }
}

/** What is asked of a file; undefined when there is none. */
export async function orMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
