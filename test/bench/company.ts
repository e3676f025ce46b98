/**
 * Kyiv with 1,200 accounts and Lviv with 100, linked and at rest. Accounts are written through the event log in the
 * stopped branch's folder, all with the same credential (one bcrypt hash instead of 1,300), and each gets a sign-in
 * there: what the API would answer, without a minute of hashing.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newCredential } from '../../src/accounts/credentials.ts'
import { userCred, userPut } from '../../src/accounts/events.ts'
import { createHasher } from '../../src/accounts/hasher.ts'
import { hashOf } from '../../src/accounts/tokens.ts'
import { hex } from '../../src/base/bytes.ts'
import type { SignInId, UserId } from '../../src/base/ids.ts'
import { DAY } from '../../src/base/units.ts'
import { keyFiles } from '../../src/certificates/keys.ts'
import { buildCore, type Core } from '../../src/core.ts'
import { DATABASE_FILE, openStore } from '../../src/db/open.ts'
import { findMembership } from '../../src/organisation/membership.ts'
import { cookieName } from '../../src/web/cookies.ts'
import { realWorld } from '../../src/world/world.ts'
import { freePort, PASSWORD, run } from '../scenarios/servers.ts'
import { Pool } from './http.ts'
import { copyOf, removeCopy, type Server, type Site, start, stop } from './servers.ts'
import { until } from './wait.ts'

export { PASSWORD }

/** Somebody with a script's token and a browser's cookie. */
export type Person = { id: UserId; login: string; token: string; cookie: string }

export type Company = {
  folder: string
  kyiv: Site
  lviv: Site
  atKyiv: readonly Person[]
  atLviv: readonly Person[]
}

export const KYIV_PEOPLE = 1200
export const LVIV_PEOPLE = 100
const PEOPLE_PER_COMMIT = 100

async function newSite(folder: string, name: string): Promise<Site> {
  const data = join(mkdtempSync(join(folder, 'home-')), name)
  mkdirSync(data)
  return { name, data, port: await freePort(), relayPort: await freePort() }
}

/** Founds Kyiv (ada) and lets Lviv join (lev) with the operator's commands; both run. */
export async function foundTwo(
  folder: string,
  [kyiv, lviv]: readonly [Site, Site],
  nodeFlagsOf: (site: Site) => readonly string[] = () => [],
): Promise<[Server, Server]> {
  const password = join(folder, 'password')
  writeFileSync(password, PASSWORD, { mode: 0o600 })
  const admin = (login: string) => ['--admin-login', login, '--admin-password-file', password]
  const first = await start(kyiv, {
    more: ['--org', 'Dovira', '--branch', 'Kyiv', ...admin('ada')],
    nodeFlags: nodeFlagsOf(kyiv),
  })
  const { out, err } = await run('invite', '--branch', 'Lviv', '--data', kyiv.data)
  if (out === '') throw new Error(`No invitation: ${err}`)
  const more = ['--join', out.trim(), ...admin('lev')]
  return [first, await start(lviv, { more, nodeFlags: nodeFlagsOf(lviv) })]
}

/** Founds both branches and fills them. */
export async function foundCompany(folder: string): Promise<Company> {
  const [kyiv, lviv] = [await newSite(folder, 'kyiv'), await newSite(folder, 'lviv')]
  const servers = await foundTwo(folder, [kyiv, lviv])
  for (const { process } of servers) await stop(process)
  const atKyiv = await hire(kyiv, 'k', KYIV_PEOPLE)
  const atLviv = await hire(lviv, 'v', LVIV_PEOPLE)
  const company = { folder, kyiv, lviv, atKyiv, atLviv }
  await settle(company)
  return company
}

/** Both know all people of both, and are stopped again. */
async function settle({ kyiv, lviv, atKyiv, atLviv }: Company): Promise<void> {
  const servers = [await start(kyiv), await start(lviv)]
  await knows(kyiv, atKyiv[0], `${atLviv.at(-1)?.login}@Lviv`)
  await knows(lviv, atLviv[0], `${atKyiv.at(-1)?.login}@Kyiv`)
  for (const { process } of servers) await stop(process)
}

async function knows(site: Site, who: Person | undefined, login: string): Promise<void> {
  const pool = new Pool(site, 1)
  const path = `/api/v1/people/${login}`
  await until(`${site.name} knows ${login}`, async () => {
    return (await pool.ask({ method: 'GET', path, token: who?.token })).status === 200
  })
  pool.close()
}

/** Opens the core of a stopped branch, for work through the functions that the server itself calls. */
export async function withCore<T>(site: Site, work: (core: Core) => Promise<T>): Promise<T> {
  const world = realWorld(site.data, (line) => void process.stderr.write(line), 'warn')
  const { clock, log, disk } = world
  const store = await openStore({ path: disk.path(DATABASE_FILE), clock, log })
  const hasher = createHasher()
  try {
    const membership = await findMembership(store.read)
    const keys = keyFiles(disk).findBranchKeys()
    if (membership === undefined || keys === undefined) throw new Error('Not set up')
    return await work(await buildCore({ world, store, keys, membership, hasher, carryMib: 64 }))
  } finally {
    await hasher.close()
    await store.close()
  }
}

/** People with the same password. */
function hire(site: Site, prefix: string, count: number): Promise<Person[]> {
  return withCore(site, async (core) => {
    const { hasher, random } = core.accounts
    const { credential } = await newCredential({ hasher, random }, PASSWORD)
    const proof = { salt: credential.salt, publicKey: hex(credential.publicKey) }
    const people: Person[] = []
    while (people.length < count) {
      await core.store.writer.write(async (tx) => {
        const end = Math.min(count, people.length + PEOPLE_PER_COMMIT)
        while (people.length < end)
          people.push(await newPerson(core, tx, { prefix, people, proof }))
      })
    }
    return people
  })
}

type Tx = Parameters<Parameters<Core['store']['writer']['write']>[0]>[0]

async function newPerson(
  core: Core,
  tx: Tx,
  of: { prefix: string; people: readonly Person[]; proof: { salt: string; publicKey: string } },
): Promise<Person> {
  const { self, random, clock } = core.accounts
  const { append } = core.eventLog
  const login = `${of.prefix}${String(of.people.length + 2222).padStart(4, '0')}`
  const user = random.id() as UserId
  const body = {
    ...{ user, home: self, rev: 1, login, firstName: 'Person', lastName: login, photo: null },
    ...{ post: 'Clerk', department: 'Office', phone: '', room: '', language: null },
    ...{ theme: 'auto' as const, createdAt: clock.now() },
  }
  await append(tx, { kind: userPut, to: 'all', body })
  const credential = { user, epoch: 1, rev: 0, ...of.proof, mustChange: false }
  await append(tx, { kind: userCred, to: 'all', body: credential })
  const token = await signedIn(core, tx, user, 'api')
  const cookie = `${cookieName(self)}=${await signedIn(core, tx, user, 'browser')}`
  return { id: user, login, token, cookie }
}

async function signedIn(core: Core, tx: Tx, userId: UserId, kind: 'api' | 'browser') {
  const { random, clock } = core.accounts
  const token = Buffer.from(random.bytes(32)).toString('base64url')
  const now = clock.now()
  await tx
    .insertInto('sign_in')
    .values({
      ...{ id: random.id() as SignInId, tokenHash: hashOf(token), userId, kind },
      ...{ device: 'bench', formToken: random.id() },
      ...{ createdAt: now, usedAt: now, expiresAt: now + 30 * DAY },
    })
    .execute()
  return token
}

export type Pair = { kyiv: Server; lviv: Server; end(): Promise<void> }

/** Both branches on a fresh copy, linked. */
export async function bothRunning(
  company: Company,
  nodeFlags: readonly string[] = [],
): Promise<Pair> {
  const sites = [company.kyiv, company.lviv].map((site) => copyOf(site, company.folder))
  const [first, second] = sites
  if (first === undefined || second === undefined) throw new Error('Two sites')
  const servers: Server[] = []
  const end = async () => {
    await Promise.all(servers.map(({ process }) => stop(process)))
    for (const site of sites) removeCopy(site)
  }
  try {
    for (const site of [second, first]) servers.push(await start(site, { nodeFlags }))
    const [lviv, kyiv] = servers
    if (lviv === undefined || kyiv === undefined) throw new Error('Two servers')
    await linked(company)
    return { kyiv, lviv, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** A message crosses: the link is up. */
async function linked({ kyiv, lviv, atKyiv, atLviv }: Company): Promise<void> {
  const [from, to] = [atKyiv.at(-1), atLviv.at(-1)]
  if (from === undefined || to === undefined) throw new Error('Nobody is there')
  const [a, b] = [new Pool(kyiv, 1), new Pool(lviv, 1)]
  const id = await directChat(a, from, `${to.login}@Lviv`)
  const path = `/conversations/${id}/messages`
  await a.call({ method: 'POST', path, token: from.token, body: { body: 'Is the line up?' } })
  await until('the link is up', async () => {
    const answer = await b.ask({ method: 'GET', path: `/api/v1${path}`, token: to.token })
    return answer.status === 200 && answer.body.includes('Is the line up?')
  })
  a.close()
  b.close()
}

/** The direct chat of somebody with `login`. */
export async function directChat(pool: Pool, from: Person, login: string): Promise<string> {
  const body = { kind: 'direct', with: login }
  const asked = { method: 'POST', path: '/conversations', token: from.token, body }
  return (await pool.call<{ id: string }>(asked)).id
}
