/** Certificates as TLS clients judge them: Node's OpenSSL is the second opinion on every byte. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { DAY } from '../../src/base/units.ts'
import {
  makeIntermediate,
  makeLeaf,
  makeRoot,
  makeSelfSigned,
  newTlsKey,
} from '../../src/tls/making.ts'
import { OWN_NAMES } from '../../src/tls/names.ts'
import {
  fingerprintOf,
  isIssuedBy,
  keyPemOf,
  pemOf,
  pointOf,
  publicPoint,
  validityOf,
} from '../../src/tls/x509.ts'
import { realRandom } from '../../src/world/random.ts'

const { bytes: randomBytes } = realRandom()
const made = { now: Date.now(), randomBytes }
const dovira = (name: string) => ({ organisation: 'Довіра', name })

function organisation(names: readonly string[]) {
  const [rootKey, key] = [newTlsKey(randomBytes), newTlsKey(randomBytes)]
  const root = { certificate: makeRoot(rootKey, dovira('Branchline root'), made), key: rootKey }
  const wish = { point: publicPoint(key), names: [...OWN_NAMES, ...names], subject: dovira('Kyiv') }
  const intermediate = { certificate: makeIntermediate(root, wish, made), key }
  return { root, intermediate }
}

type Shown = { cert: string; key: string }

/** Why a client that knows one root refuses a server of this name; undefined when it does not. */
async function refusal(shown: Shown, root: Uint8Array, name: string): Promise<string | undefined> {
  const server = createServer(shown, (socket) => socket.end())
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  try {
    return await new Promise((resolve) => {
      const servername = /[:]|^\d/.test(name) ? '' : name
      const options = { host: '127.0.0.1', port, ca: pemOf(root), servername }
      const socket: TLSSocket = connect({
        ...options,
        checkServerIdentity: (_host, certificate) =>
          new X509Certificate(certificate.raw)[/[:]|^\d/.test(name) ? 'checkIP' : 'checkHost'](name)
            ? undefined
            : new Error('OTHER_NAME'),
      })
      socket.once('secureConnect', () => {
        socket.destroy()
        resolve(undefined)
      })
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.message))
    })
  } finally {
    server.close()
  }
}

function leafOf(of: ReturnType<typeof organisation>, names: readonly string[]): Shown {
  const key = newTlsKey(randomBytes)
  const leaf = makeLeaf(of.intermediate, { key, names, subject: dovira(names[0] ?? '') }, made)
  return { cert: pemOf(leaf) + pemOf(of.intermediate.certificate), key: keyPemOf(key) }
}

test('a client that trusts the root takes the server for its names and no others', async () => {
  const names = ['chat.kyiv.lan', '10.1.2.3', 'fd00::7']
  const company = organisation(names)
  const shown = leafOf(company, [...names, ...OWN_NAMES])
  for (const name of [...names, 'localhost', '127.0.0.1', '::1']) {
    assert.equal(await refusal(shown, company.root.certificate, name), undefined, name)
  }
  assert.equal(await refusal(shown, company.root.certificate, 'bank.example'), 'OTHER_NAME')
  const other = organisation(names)
  const stranger = await refusal(shown, other.root.certificate, 'chat.kyiv.lan')
  assert.match(stranger ?? '', /unable to|self-signed/)
})

for (const name of [
  'bank.example',
  'kyiv.lan',
  'evil-chat.kyiv.lan',
  '10.1.2.4',
  '8.8.8.8',
  'fd00::8',
]) {
  test(`a branch's issuer cannot speak for ${name}`, async () => {
    const company = organisation(['chat.kyiv.lan', '10.1.2.3', 'fd00::7'])
    const shown = leafOf(company, [name])
    const code = await refusal(shown, company.root.certificate, name)
    assert.match(code ?? '', /permitted subtree violation/)
  })
}

test('a branch that has no address of its own can speak for none but loopback', async () => {
  const company = organisation(['chat.kyiv.lan'])
  const shown = leafOf(company, ['8.8.8.8'])
  const code = await refusal(shown, company.root.certificate, '8.8.8.8')
  assert.match(code ?? '', /permitted subtree violation/)
})

test("a branch's issuer makes no further issuers", async () => {
  const company = organisation(['chat.kyiv.lan'])
  const below = newTlsKey(randomBytes)
  const wish = { point: publicPoint(below), names: ['chat.kyiv.lan'], subject: dovira('Below') }
  const second = { certificate: makeIntermediate(company.intermediate, wish, made), key: below }
  const key = newTlsKey(randomBytes)
  const leaf = makeLeaf(second, { key, names: ['chat.kyiv.lan'], subject: dovira('x') }, made)
  const chain = [leaf, second.certificate, company.intermediate.certificate]
  const shown = { cert: chain.map(pemOf).join(''), key: keyPemOf(key) }
  const code = await refusal(shown, company.root.certificate, 'chat.kyiv.lan')
  assert.match(code ?? '', /path length/)
})

test('what a certificate says of itself is what was asked for', () => {
  const { root, intermediate } = organisation(['chat.kyiv.lan'])
  const shown = new X509Certificate(root.certificate)
  assert.equal(shown.subject, 'O=Довіра\nCN=Branchline root')
  assert.equal(shown.ca, true)
  assert.equal(
    fingerprintOf(root.certificate).replaceAll(' ', ''),
    shown.fingerprint256.replaceAll(':', ''),
  )
  assert.equal(isIssuedBy(intermediate.certificate, root.certificate), true)
  assert.equal(isIssuedBy(root.certificate, intermediate.certificate), false)
  assert.deepEqual(pointOf(intermediate.certificate), publicPoint(intermediate.key))
})

test('a server certificate lives thirty days, and never longer than what is above it', () => {
  const { root, intermediate } = organisation(['chat.kyiv.lan'])
  const wish = { key: newTlsKey(randomBytes), names: ['localhost'], subject: dovira('x') }
  const second = Math.floor(made.now / 1000) * 1000
  assert.equal(validityOf(makeLeaf(intermediate, wish, made)).notAfter, second + 30 * DAY)
  const late = { now: made.now + 390 * DAY, randomBytes }
  const end = validityOf(intermediate.certificate).notAfter
  assert.equal(validityOf(makeLeaf(intermediate, wish, late)).notAfter, end)
  assert.ok(end < validityOf(root.certificate).notAfter)
})

test('the temporary certificate is a server certificate and no issuer', async () => {
  const key = newTlsKey(randomBytes)
  const certificate = makeSelfSigned({ key, names: OWN_NAMES, subject: dovira('x') }, made)
  assert.equal(new X509Certificate(certificate).ca, false)
  const shown = { cert: pemOf(certificate), key: keyPemOf(key) }
  assert.equal(await refusal(shown, certificate, 'localhost'), undefined)
})
