/**
 * Accounts as a table with the columns an import reads, page by page, so that nobody waits for a large one. Who took
 * everybody's name and telephone along is an entry of the audit log, and stands there before the first line leaves.
 */
import { type AuditParts, addAudit, type Doer } from '../audit/entries.ts'
import { csvLine } from '../base/csv.ts'
import type { Db, Store } from '../db/open.ts'
import { type AccountFilter, accountsPage } from './accounts-list.ts'
import { COLUMNS } from './import-lines.ts'
import type { Separator } from './import-text.ts'

/** Tells spreadsheets that it is UTF-8 (RFC 3629, 6). */
const MARK = '\ufeff'

type Wish = { filter: Omit<AccountFilter, 'page'>; separator: Separator }

/** The table in parts: names of columns first, then a page of accounts each. `by`: undefined for the operator. */
export async function exportedCsv(
  deps: AuditParts & { store: Pick<Store, 'read' | 'writer'> },
  by: Doer | undefined,
  of: Wish,
): Promise<AsyncGenerator<string>> {
  const { text, state, branch } = of.filter
  const filter = [text, state, branch].filter(Boolean).join(', ')
  const after = { form: 'CSV', filter: filter === '' ? undefined : filter }
  await deps.store.writer.write((tx) =>
    addAudit(deps, tx, { action: 'account.exported', by, after }),
  )
  return partsOf(deps.store.read, of)
}

async function* partsOf(db: Db, of: Wish): AsyncGenerator<string> {
  yield MARK + csvLine(COLUMNS, of.separator)
  for (let page = 1, pages = 1; page <= pages; page++) {
    const found = await accountsPage(db, { ...of.filter, page })
    pages = found.pages
    const lines = found.accounts.map((account) => {
      const cells = { ...account, branch: account.branch.name }
      return csvLine(
        COLUMNS.map((column) => cells[column]),
        of.separator,
      )
    })
    yield lines.join('')
  }
}
