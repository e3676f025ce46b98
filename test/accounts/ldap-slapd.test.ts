/**
 * The door to LDAP against a real server: Debian's slapd on loopback. A machine without it skips these tests and says
 * so; SLAPD_ROOT names a folder into which its package was unpacked.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type LdapSetting, realLdap } from '../../src/world/ldap.ts'
import { castle } from '../attacks/castle.ts'
import { temporaryFolder } from '../db/store.ts'
import { freePort } from '../scenarios/servers.ts'

const ROOT = process.env.SLAPD_ROOT ?? ''
const SLAPD = `${ROOT}/usr/sbin/slapd`
const SKIP = existsSync(SLAPD) ? false : 'no slapd on this machine'
const WAIT_MS_MAX = 10_000
const PASSWORD = 'чайка над портом (*)'
const env = { LD_LIBRARY_PATH: `${ROOT}/usr/lib/x86_64-linux-gnu`, PATH: process.env.PATH ?? '' }

const person = (uid: string, more = '') => `dn: uid=${uid},ou=people,dc=firm,dc=lan
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn:: ${Buffer.from('Коваль').toString('base64')}
userPassword:: ${Buffer.from(PASSWORD).toString('base64')}
${more}
`
const LDIF = `dn: dc=firm,dc=lan
objectClass: dcObject
objectClass: organization
dc: firm
o: Firm

dn: ou=people,dc=firm,dc=lan
objectClass: organizationalUnit
ou: people

dn: ou=elsewhere,dc=firm,dc=lan
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:1/dc=elsewhere

${person('ann', 'givenName: Ann\nroomNumber: 12')}
${person('ben', 'givenName: Ben')}
${Array.from({ length: 1200 }, (_, i) => person(`user${i}`, 'givenName: User')).join('\n')}`

type Server = { child: ChildProcess; setting: LdapSetting; plainPort: number }

async function slapd(folder: string): Promise<Server> {
  const [plainPort, tlsPort] = [await freePort(), await freePort()]
  const data = join(folder, 'data')
  mkdirSync(data)
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...made, ...subject], { stdio: 'ignore' })
  const schemas = ['core', 'cosine', 'inetorgperson']
  const settings = [
    ...schemas.map((name) => `include ${ROOT}/etc/ldap/schema/${name}.schema`),
    ...[`modulepath ${ROOT}/usr/lib/ldap`, 'moduleload back_mdb'],
    ...[`TLSCertificateFile ${certificate}`, `TLSCertificateKeyFile ${key}`],
    ...['database mdb', 'suffix "dc=firm,dc=lan"', 'rootdn "cn=reader,dc=firm,dc=lan"'],
    ...['rootpw secret', `directory ${data}`, 'sizelimit unlimited'],
  ]
  const [conf, ldif] = [join(folder, 'slapd.conf'), join(folder, 'people.ldif')]
  writeFileSync(conf, `${settings.join('\n')}\n`)
  writeFileSync(ldif, LDIF)
  execFileSync(SLAPD, ['-Ta', '-q', '-f', conf, '-l', ldif], { env, stdio: 'inherit' })
  const addresses = `ldap://127.0.0.1:${plainPort} ldaps://127.0.0.1:${tlsPort}`
  const child = spawn(SLAPD, ['-d', '0', '-h', addresses, '-f', conf], { env, stdio: 'ignore' })
  await listening(tlsPort)
  const attributes = { login: 'uid', firstName: 'givenName', lastName: 'sn', room: 'roomNumber' }
  const setting = {
    ...{ url: `ldaps://localhost:${tlsPort}`, isStartTls: false, base: 'dc=firm,dc=lan' },
    ...{ bindDn: 'cn=reader,dc=firm,dc=lan', bindPassword: 'secret', attributes },
    ...{ filter: '(objectClass=inetOrgPerson)', ca: readFileSync(certificate, 'utf8') },
  }
  return { child, setting, plainPort }
}

async function listening(port: number): Promise<void> {
  const endsAt = Date.now() + WAIT_MS_MAX
  while (Date.now() < endsAt) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () =>
        resolve(false),
      )
      socket.once('connect', () => socket.end())
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('slapd does not listen')
}

const DN = 'uid=ann,ou=people,dc=firm,dc=lan'

describe('with slapd', { skip: SKIP }, () => {
  const ending: (() => void | Promise<void>)[] = []
  let server: Server

  before(async () => {
    server = await slapd(temporaryFolder({ after: (fn) => void ending.push(fn) }))
  })
  after(async () => {
    server?.child.kill()
    for (const fn of ending.toReversed()) await fn()
  })

  test('every entry comes, page by page, and referrals are not followed', async () => {
    const { setting } = server
    const entries = await realLdap(setting).search(setting.filter, ['uid', 'sn'])
    assert.equal(entries.length, 1202)
    assert.deepEqual([...(entries.find(({ dn }) => dn === DN)?.values ?? [])].slice(-2), [
      ['uid', 'ann'],
      ['sn', 'Коваль'],
    ])
  })

  test('a bind tells a right password from a wrong one, and never takes an empty one', async () => {
    const { setting, plainPort } = server
    const plain = { ...setting, url: `ldap://localhost:${plainPort}`, isStartTls: true }
    for (const one of [setting, plain]) {
      const ldap = realLdap(one)
      assert.equal(await ldap.isRight(DN, PASSWORD), true)
      assert.equal(await ldap.isRight(DN, 'wrong'), false)
      assert.equal(await ldap.isRight(DN, ''), false)
      assert.equal(await ldap.isRight('uid=nobody,dc=firm,dc=lan', PASSWORD), false)
    }
  })

  test('a server nobody vouches for learns no password', async () => {
    const { setting, plainPort } = server
    const strange = { ...setting, ca: undefined }
    await assert.rejects(realLdap(strange).isRight(DN, PASSWORD))
    const startTls = { ...strange, url: `ldap://localhost:${plainPort}`, isStartTls: true }
    await assert.rejects(realLdap(startTls).isRight(DN, PASSWORD))
  })

  test('people are imported and sign in with the password of the directory', async (t) => {
    const at = await castle(t, { ldap: server.setting })
    const how = { isDry: false, isForced: false }
    const done = await at.branch.operations?.importFromLdap(how)
    assert.equal(done?.lines.filter(({ kind }) => kind === 'create').length, 1202)
    const headers = { 'sec-fetch-site': 'same-origin' }
    const enter = async (login: string, password: string) => {
      const body = new URLSearchParams({ login, password })
      return (await at.ask('/sign-in', { method: 'POST', body, headers })).status
    }
    assert.equal(await enter('ann', 'wrong'), 422)
    assert.equal(await enter('ann', PASSWORD), 303)
    server.child.kill()
    assert.equal(await enter('ann', PASSWORD), 303, 'kept here while the server is away')
    assert.equal(await enter('ben', PASSWORD), 422)
    assert.doesNotMatch(at.logged(), new RegExp(Buffer.from(PASSWORD).toString('hex')))
    assert.doesNotMatch(at.logged(), /чайка|secret/)
  })
})
