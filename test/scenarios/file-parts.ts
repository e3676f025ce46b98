/** Files over the API of real branches. */
import assert from 'node:assert/strict'
import type { Client } from './servers.ts'

/** A message, as far as its files are concerned. */
export type Sent = { id: string; files: { id: string; state: string }[] }

/** Uploads bytes; answers the id of the file. */
export async function upload({ origin, token }: Client, bytes: Uint8Array): Promise<string> {
  const answer = await fetch(`${origin}/api/v1/files`, {
    method: 'POST',
    body: Buffer.from(bytes),
    headers: {
      authorization: `Bearer ${token}`,
      'content-disposition': 'attachment; filename="plan.bin"',
    },
  })
  assert.equal(answer.status, 201)
  return ((await answer.json()) as { id: string }).id
}

/** What a branch answers to who opens a file. */
export async function opened({ origin, token }: Client, file: string) {
  const answer = await fetch(`${origin}/api/v1/files/${file}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) }
}
