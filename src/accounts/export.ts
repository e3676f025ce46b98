/** Accounts as a table with the columns an import reads, page by page, so that nobody waits for a large one. */
import { csvLine } from '../base/csv.ts'
import type { Db } from '../db/open.ts'
import { type AccountFilter, accountsPage } from './accounts-list.ts'
import { COLUMNS } from './import-lines.ts'
import type { Separator } from './import-text.ts'

/** Tells spreadsheets that it is UTF-8 (RFC 3629, 6). */
const MARK = '\ufeff'

/** The table in parts: names of columns first, then a page of accounts each. */
export async function* exportedCsv(
  db: Db,
  of: { filter: Omit<AccountFilter, 'page'>; separator: Separator },
): AsyncGenerator<string> {
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
