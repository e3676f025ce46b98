/** The log as a file, as a page and over the API: exact, whole, to be checked by an outsider, and itself an entry. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { addAudit } from '../../src/audit/entries.ts'
import { castle, stopTime } from '../attacks/castle.ts'
import { added, entriesOf } from './support.ts'

type Line = Record<string, string | number | null> & { n: number; hash: string }

/** What docs/operating.md tells an outsider to compute, written without the program. */
function isWhole(lines: readonly Line[]): boolean {
  const names = [
    ...['n', 'at', 'action', 'userId', 'login', 'address', 'branch'],
    ...['subjectKind', 'subjectId', 'subjectName', 'before', 'after'],
  ]
  let previous = Buffer.alloc(32)
  return lines.every((line, i) => {
    const parts = [Buffer.from('branchline audit/1\0'), previous]
    for (const name of names) {
      const value = line[name]
      const bytes = Buffer.from(String(value))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(value === null ? 0xffffffff : bytes.length)
      parts.push(length, ...(value === null ? [] : [bytes]))
    }
    previous = createHash('sha256').update(Buffer.concat(parts)).digest()
    return line.n === i + 1 && previous.toString('hex') === line.hash
  })
}

test('JSON lines hold the whole log, and an outsider can check it', async (t) => {
  const at = await castle(t)
  await at.add('olya')
  const ada = await at.browser('ada')
  const answer = await ada.get('/admin/audit/export.jsonl?person=olya')
  assert.match(answer.headers.get('content-type') ?? '', /^application\/jsonl/)
  const text = await answer.text()
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const stored = await entriesOf(at)
  assert.equal(lines.length, stored.length)
  assert.equal(lines.at(-1)?.action, 'audit.exported', 'the export is the last entry in it')
  assert.ok(isWhole(lines))
  const changed = lines.map((line) => (line.n === 2 ? { ...line, address: '10.9.9.9' } : line))
  assert.ok(!isWhole(changed))
  assert.ok(!isWhole(lines.slice(1)))
})

test('CSV is quoted as RFC 4180 wants it, and runs nothing in a spreadsheet', async (t) => {
  const at = await castle(t)
  const names = ['=HYPERLINK("http://x")', '+1', '-1', '@SUM(A1)', 'a, "b"\r\nc', "O'Neil"]
  await at.core.store.writer.write(async (tx) => {
    for (const name of names) {
      await addAudit(at.world, tx, { action: 'invitation.made', subject: { kind: 'branch', name } })
    }
  })
  const ada = await at.browser('ada')
  const answer = await ada.get('/admin/audit/export.csv?action=invitation.made')
  assert.match(answer.headers.get('content-disposition') ?? '', /attachment; filename="audit.csv"/)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  const text = new TextDecoder().decode(bytes)
  assert.ok(text.startsWith('number,at,action,who,typedLogin,address,branch,subjectKind,subject,'))
  const cells = [
    `"'=HYPERLINK(""http://x"")"`,
    ...["'+1", "'-1", "'@SUM(A1)", `"a, ""b""\r\nc"`, "O'Neil"],
  ]
  for (const cell of cells) assert.ok(text.includes(`,branch,${cell},`), cell)
  const rows = text.replaceAll('"a, ""b""\r\nc"', '').split('\r\n')
  assert.equal(rows.length, 1 + names.length + 1)
  assert.equal(rows.at(-1), '')
})

test('a long log is exported in pieces, without an entry missing', async (t) => {
  const at = await castle(t)
  await at.core.store.writer.write(async (tx) => {
    for (let i = 0; i < 1234; i++) await addAudit(at.world, tx, { action: 'recovery.read' })
  })
  const ada = await at.browser('ada')
  const text = await (await ada.get('/admin/audit/export.jsonl')).text()
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  assert.ok(lines.length > 1234)
  assert.ok(isWhole(lines))
})

test('reading is an entry, once in a while for the same; exporting is one each time', async (t) => {
  const at = await castle(t)
  stopTime(at)
  await at.add('rita', 'auditor')
  const rita = await at.browser('rita')
  const actions = async (run: () => Promise<unknown>) =>
    (await added(at, run)).map(({ action, after }) => [action, after])
  const look = async () => {
    for (let i = 0; i < 3; i++) await rita.get('/admin/audit')
    await rita.get('/admin/audit?before=3')
    await rita.get('/admin/audit?failed=yes')
  }
  assert.deepEqual(await actions(look), [
    ['audit.read', null],
    ['audit.read', '{"filter":"failed=yes"}'],
  ])
  const twice = async () => {
    for (let i = 0; i < 2; i++) await (await rita.get('/admin/audit/export.csv')).text()
  }
  const exported = ['audit.exported', '{"form":"CSV"}']
  assert.deepEqual(await actions(twice), [exported, exported])
})

type Answer = { items: { number: number; action: string; who: { kind: string } }[]; next?: string }

test('the API pages back to the first entry, and filters like the page', async (t) => {
  const at = await castle(t)
  const { id } = await at.add('vic')
  await at.add('rita', 'auditor')
  const rita = await at.script('rita')
  const seen: number[] = []
  let next: string | undefined
  do {
    const cursor = next === undefined ? '' : `&cursor=${next}`
    const answer = await rita.json<Answer>('GET', `/admin/audit?limit=2${cursor}`)
    assert.ok(answer.items.length <= 2)
    seen.push(...answer.items.map(({ number }) => number))
    next = answer.next
  } while (next !== undefined)
  const [newest = 0] = seen
  assert.deepEqual(
    seen,
    Array.from({ length: newest }, (_, i) => newest - i),
  )
  const ofVic = await rita.json<Answer>('GET', '/admin/audit?person=vic')
  assert.deepEqual(
    ofVic.items.map(({ action, who }) => [action, who.kind]),
    [['account.created', 'operator']],
  )
  assert.ok(id)
  assert.equal((await rita.call('GET', '/admin/audit?action=no-such')).status, 422)
})

test('an auditor sees the log and nothing else of the admin area; the page reads in words', async (t) => {
  const at = await castle(t)
  await at.add('vic')
  await at.add('rita', 'auditor')
  const rita = await at.browser('rita')
  const page = await (await rita.get('/admin/audit')).text()
  assert.match(page, /<strong>Created an account<\/strong> vic Test \(vic\)/)
  assert.match(page, /Operator at the server/)
  assert.doesNotMatch(page, /href="\/admin\/users/)
  assert.equal((await rita.get('/admin/users')).status, 403)
  const chats = await (await rita.get('/chats')).text()
  assert.match(chats, /href="\/admin\/audit"/)
  const checked = await (await rita.get('/admin/audit?check=yes')).text()
  assert.match(checked, /Checked: each of \d+ entries follows on the one before/)
  const none = await (await rita.get('/admin/audit?from=2001-01-01&until=2001-01-02')).text()
  assert.match(none, /No entry matches this filter/)
  const other = await rita.get('/admin/audit?from=31.01.2026')
  assert.equal(other.status, 422)
  assert.match(await other.text(), /Write the day as 2026-01-31/)
})
