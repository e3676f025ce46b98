/**
 * Evidence as a file: messages with their proofs, and what is needed to check them without this program's database: the
 * identities of the branches that signed, and the certificates above them. Source: docs/evidence.md.
 */
import type { BranchId, UserId } from '../base/ids.ts'
import { isoTime, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import type { Evidence } from './report-records.ts'

const EVIDENCE_FORMAT = 'branchline-evidence/1'

export type EvidenceFile = {
  format: typeof EVIDENCE_FORMAT
  exportedAt: string
  exportedBy: { id: UserId; name: string }
  conversation: { id: string; title: string }
  report?: object
  /** A file holds the newest; the rest is behind this. */
  older?: string
  branches: { id: string; name: string; identity: string }[]
  issuers: string[]
  messages: Evidence[]
}

type Given = Pick<EvidenceFile, 'exportedBy' | 'conversation' | 'report' | 'older'> & {
  at: Millis
  messages: readonly Evidence[]
}

/** The file of these messages. */
export async function evidenceFile(db: Db, given: Given): Promise<EvidenceFile> {
  const { at, exportedBy, conversation, report, older, messages } = given
  const origins = [...new Set(messages.map(({ origin }) => origin))]
  return {
    format: EVIDENCE_FORMAT,
    exportedAt: isoTime(at),
    ...{ exportedBy, conversation },
    ...(report === undefined ? {} : { report }),
    ...(older === undefined ? {} : { older }),
    branches: await identitiesOf(db, origins),
    issuers: await issuersOf(db),
    messages: [...messages],
  }
}

async function identitiesOf(db: Db, origins: readonly BranchId[]) {
  if (origins.length === 0) return []
  const rows = await db
    .selectFrom('branch')
    .where('id', 'in', [...origins])
    .select(['id', 'name', 'identity'])
    .orderBy('name')
    .execute()
  return rows.map(({ identity, ...row }) => ({ ...row, identity: identity.toBase64() }))
}

/** There are few of them: which of them signed which identity is found when it is checked. */
async function issuersOf(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('issuer').select('certificate').orderBy('serial').execute()
  return rows.map(({ certificate }) => certificate.toBase64())
}

/** A file name of plain characters, whatever the chat is called. */
export function evidenceHeaders(file: EvidenceFile): Record<string, string> {
  const name = `evidence-${file.conversation.id.slice(0, 8)}-${file.exportedAt.slice(0, 10)}.json`
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Disposition': `attachment; filename="${name}"`,
  }
}
