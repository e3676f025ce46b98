/** What a listener is given to show: renewed in time, from files too, and what an event may not do to it. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AppError } from '../../src/base/errors.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import { asBranchId, type EventId } from '../../src/base/ids.ts'
import { DAY, HOUR } from '../../src/base/units.ts'
import { Parked } from '../../src/eventlog/events.ts'
import { tlsKinds } from '../../src/tls/events.ts'
import { makeIntermediate, makeRoot, makeSelfSigned, newTlsKey } from '../../src/tls/making.ts'
import { OWN_NAMES } from '../../src/tls/names.ts'
import { createFileTls, createOwnTls } from '../../src/tls/served.ts'
import { keyPemOf, pemOf, publicPoint } from '../../src/tls/x509.ts'
import type { ServerCertificate } from '../../src/web/listen.ts'
import { realDisk } from '../../src/world/disk.ts'
import { realRandom } from '../../src/world/random.ts'
import { temporaryFolder, temporaryStore } from '../db/store.ts'
import { run } from '../scenarios/servers.ts'
import { type HandClock, handClock, keptLog, type Line } from '../web/support.ts'

const START = Date.UTC(2026, 10, 22)
const random = realRandom()
const randomBytes = random.bytes
const dovira = (name: string) => ({ organisation: 'Dovira', name })

function grantAt(now: number, names: readonly string[] = [...OWN_NAMES, 'chat.kyiv.lan']) {
  const made = { now, randomBytes }
  const [rootKey, key] = [newTlsKey(randomBytes), newTlsKey(randomBytes)]
  const root = makeRoot(rootKey, dovira('Root'), made)
  const wish = { point: publicPoint(key), names, subject: dovira('Kyiv') }
  const certificate = makeIntermediate({ certificate: root, key: rootKey }, wish, made)
  return { intermediate: { certificate, key }, root, names, organisation: 'Dovira' }
}

/** Hour by hour: what is done every hour takes a turn to be planned again. */
async function passDays(clock: HandClock, days: number): Promise<void> {
  for (let hours = 0; hours < days * 24; hours++) {
    clock.pass(HOUR)
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
  }
}

const endOf = ({ cert }: ServerCertificate) => Date.parse(new X509Certificate(cert).validTo)

test('a server certificate is renewed after two thirds of its life, and again', async () => {
  const clock = handClock(START)
  const tls = createOwnTls({ clock, random, log: keptLog([]) }, ['chat.kyiv.lan'])
  tls.grant(grantAt(START))
  const seen: ServerCertificate[] = []
  tls.onChange((certificate) => void seen.push(certificate))
  await passDays(clock, 19)
  assert.equal(seen.length, 0)
  await passDays(clock, 2)
  assert.equal(seen.length, 1)
  await passDays(clock, 200)
  assert.ok(seen.length >= 10)
  assert.ok(endOf(tls.current()) > clock.now() + 8 * DAY)
  tls.stop()
})

test('when the intermediate has ended a temporary certificate serves', async () => {
  const clock = handClock(START)
  const tls = createOwnTls({ clock, random, log: keptLog([]) }, ['chat.kyiv.lan'])
  tls.grant(grantAt(START - 396 * DAY))
  assert.match(new X509Certificate(tls.current().cert).subject, /Branchline server/)
  await passDays(clock, 2)
  assert.match(new X509Certificate(tls.current().cert).subject, /temporary/)
  tls.stop()
})

function pairOfFiles(t: TestContext, days = 0) {
  const folder = temporaryFolder(t)
  const paths = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const key = newTlsKey(randomBytes)
  const made = { now: START + days * DAY, randomBytes }
  const certificate = makeSelfSigned({ key, names: OWN_NAMES, subject: dovira('x') }, made)
  writeFileSync(paths.certificate, pemOf(certificate))
  writeFileSync(paths.key, keyPemOf(key))
  return { ...paths, read: realDisk('').read, folder }
}

test('files serve, are read again when both have changed, and their end is announced', async (t) => {
  const clock = handClock(START)
  const lines: Line[] = []
  const [files, later] = [pairOfFiles(t), pairOfFiles(t, 17)]
  const tls = createFileTls({ clock, log: keptLog(lines) }, files)
  const seen: ServerCertificate[] = []
  tls.onChange((certificate) => void seen.push(certificate))
  await passDays(clock, 17)
  assert.ok(lines.some(({ name }) => name === 'tls.files-lapse'))
  const text = (path: string) => new TextDecoder().decode(files.read(path))
  writeFileSync(files.certificate, text(later.certificate))
  await passDays(clock, 1)
  assert.equal(seen.length, 0, 'a certificate without its key is not shown')
  assert.ok(lines.some(({ name }) => name === 'tls.files-unusable'))
  writeFileSync(files.key, text(later.key))
  await passDays(clock, 1)
  assert.deepEqual(seen, [{ cert: text(later.certificate), key: text(later.key) }])
  assert.equal(tls.trust(), undefined)
  tls.stop()
})

test('files that cannot serve are one sentence, and status 2', { timeout: 60_000 }, async (t) => {
  const [files, others] = [pairOfFiles(t), pairOfFiles(t)]
  const empty = join(files.folder, 'empty.pem')
  writeFileSync(empty, '')
  const unreadable = join(files.folder, 'secret.pem')
  writeFileSync(unreadable, 'x')
  chmodSync(unreadable, 0)
  for (const [certificate, key, sentence] of [
    [join(files.folder, 'none.pem'), files.key, /--tls: cannot read .*none\.pem/],
    [empty, files.key, /--tls: .*empty\.pem holds no certificate in PEM/],
    [files.certificate, empty, /--tls: .*empty\.pem holds no private key in PEM/],
    [files.certificate, others.key, /--tls: the key in .* is not the one of the certificate in/],
    [unreadable, files.key, /--tls: /],
  ] as const) {
    const parts = { clock: handClock(START), log: keptLog([]) }
    const start = () => createFileTls(parts, { certificate, key, read: files.read })
    assert.throws(start, (error) => error instanceof AppError && sentence.test(error.message))
  }
  const place = ['--data', join(files.folder, 'data'), '--listen', '127.0.0.1:0']
  const { status, err } = await run('serve', ...place, '--tls', `${files.certificate},${empty}`)
  assert.equal(status, 2)
  assert.match(err, /^branchline: --tls: .*empty\.pem holds no private key in PEM, [^\n]*\n$/)
  assert.equal(existsSync(join(files.folder, 'data')), false, 'nothing was written')
})

const KYIV = asBranchId('aa'.repeat(16))
const LVIV = asBranchId('bb'.repeat(16))

function issued(granted: ReturnType<typeof grantAt>, root = granted.root) {
  return {
    ...{ branch: LVIV, answers: HLC_ZERO, names: [...granted.names] },
    intermediate: granted.intermediate.certificate.toBase64(),
    root: root.toBase64(),
  }
}

test('an event cannot put another root in the place of the one people trust', async (t) => {
  const { read, writer } = await temporaryStore(t)
  const kinds = tlsKinds(async (_tx, { origin }) => {
    if (origin !== KYIV) throw new Parked('waits-for-issuer')
  })
  const eventOf = (body: unknown, origin = KYIV) => ({
    ...{ position: 1, id: 'cc'.repeat(16) as EventId, origin, kind: 'tls.issued' },
    ...{ hlc: HLC_ZERO, arrivedAt: START, to: [], conversationId: undefined },
    body: kinds.issued.parse(body),
  })
  const [ours, theirs] = [grantAt(START), grantAt(START)]
  assert.equal(await kinds.issued.refusal(read, eventOf(issued(ours))), undefined)
  await writer.write((tx) => kinds.issued.apply(tx, eventOf(issued(ours))))
  const refusal = (body: unknown, origin = KYIV) =>
    kinds.issued.refusal(read, eventOf(body, origin))
  assert.equal(await refusal(issued(ours)), undefined)
  await assert.rejects(refusal(issued(ours), LVIV), { reason: 'waits-for-issuer' })
  assert.equal(await refusal(issued(theirs)), 'other-root')
  assert.equal(await refusal(issued(theirs, ours.root)), 'not-signed')
  assert.throws(() => kinds.issued.parse({ ...issued(ours), names: ['*.lan'] }))
  assert.throws(() => kinds.request.parse({ key: 'AAAA', names: [] }))
})
