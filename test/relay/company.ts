/** Whole branches for tests of the relay: real databases, keys and event logs; time and network in memory. */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Incarnation } from '../../src/base/ids.ts'
import type { Millis } from '../../src/base/units.ts'
import type { Issuer } from '../../src/certificates/certificate.ts'
import type { Chain } from '../../src/certificates/chain.ts'
import { admit, foundOrganisation, keysShown } from '../../src/certificates/founding.ts'
import {
  type BranchKeys,
  generateBranchKeys,
  type KeyFiles,
  keyFiles,
  type LinkKey,
} from '../../src/certificates/keys.ts'
import { openBox, sealBox } from '../../src/certificates/sealed-box.ts'
import { signerOf, verifierOf } from '../../src/certificates/signing.ts'
import { openStore, type Store } from '../../src/db/open.ts'
import type { EventKind } from '../../src/eventlog/events.ts'
import { createEventLog, type EventLog } from '../../src/eventlog/log.ts'
import type { AnnounceSetting } from '../../src/relay/announcements.ts'
import type { BlobSource } from '../../src/relay/blobs.ts'
import type { FileRate } from '../../src/relay/ceiling.ts'
import { saveChain } from '../../src/relay/credentials.ts'
import { admitBranch, type RelayKinds, relayKinds } from '../../src/relay/events.ts'
import type { RelaySetting } from '../../src/relay/listener.ts'
import type { Relay } from '../../src/relay/parts.ts'
import type { SpokenSuites } from '../../src/relay/peer-suites.ts'
import { createRelay } from '../../src/relay/relay.ts'
import { createRevocations, type Revoked, revokeBranch } from '../../src/relay/revocations.ts'
import type { Network } from '../../src/world/network.ts'
import { realRandom } from '../../src/world/random.ts'
import { putEmptyDatabase, temporaryFolder } from '../db/store.ts'
import { handClock, keptLog, type Note, noteKind } from '../eventlog/fixture.ts'
import { memoryNetwork } from '../support/transport.ts'

export const PORT = 7900
const random = realRandom()

/** An organisation on paper: its issuer and link key, and the hand clock everybody lives by. */
export function organisation() {
  const { clock, advance } = handClock()
  const founderKeys = generateBranchKeys((length) => random.bytes(length))
  const founding = foundOrganisation(founderKeys, { name: 'Kyiv', now: clock.now() }, (length) =>
    random.bytes(length),
  )
  const network = memoryNetwork()
  const admitted = (name: string, keys = generateBranchKeys((length) => random.bytes(length))) => ({
    keys,
    chain: admit(founding.issuer, keysShown(keys), {
      name,
      now: clock.now(),
      serial: random.bytes(16),
    }),
  })
  /** Lets time and work go on in small steps until something is so. */
  const until = async (isSo: () => boolean | Promise<boolean>, what: string, step = 20) => {
    for (let turn = 0; turn < 3000; turn++) {
      if (await isSo()) return
      advance(step)
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error(`It never came true: ${what}`)
  }
  return {
    clock,
    advance,
    until,
    network,
    founding,
    founder: { keys: founderKeys, chain: founding.chain },
    admitted,
    issuer: founding.issuer,
    linkKey: founding.linkKey,
  }
}

export type Organisation = ReturnType<typeof organisation>

/** Key files in memory. */
export function memoryKeys(): KeyFiles {
  const files = new Map<string, Uint8Array>()
  return keyFiles({
    read: (path) => files.get(path),
    write: (path, bytes) => void files.set(path, bytes.slice()),
    remove: (path) => void files.delete(path),
  })
}

export type Office = {
  keys: BranchKeys
  files: KeyFiles
  store: Store
  eventLog: EventLog
  kinds: RelayKinds
  mail: ReturnType<typeof noteKind>
  record: ReturnType<typeof noteKind>
  relay: Relay
  lines: ReturnType<typeof keptLog>['lines']
  address: string
  post(text: string, to: Office): Promise<unknown>
  publish(text: string): Promise<unknown>
  revoke(name: string): Promise<Revoked>
  /** What others wrote to it, in order of arrival. */
  texts(): string[]
  stop(): Promise<void>
}

export type OfficeOptions = {
  org: Organisation
  host: string
  folder: string
  member: { keys: BranchKeys; chain: Chain }
  /** Branches whose identity it knows from the start. */
  knows: readonly Chain[]
  issuer?: Issuer
  linkKey?: LinkKey
  network?: Network
  setting?: RelaySetting
  /** Addresses of its settings. */
  peers?: readonly string[]
  announce?: AnnounceSetting
  files?: KeyFiles
  blobs?: Map<string, Uint8Array>
  blobOf?: BlobSource['blobOf']
  fileRate?: FileRate
  passesOn?: boolean
  carryBytesMax?: number
  suites?: SpokenSuites
  /** How far its clock is behind. */
  behind?: Millis
}

/** Opens (or opens again) a branch; its relay is built and not started. */
export async function openOffice(options: OfficeOptions): Promise<Office> {
  const { org, host, folder, member, peers = [], behind = 0 } = options
  const clock = { ...org.clock, now: () => org.clock.now() - behind }
  const log = keptLog()
  const path = join(folder, `${host}.db`)
  await putEmptyDatabase(path)
  const store = await openStore({ path, clock, log })
  const files = options.files ?? memoryKeys()
  await prepare({ ...options, store, files })
  const revocations = createRevocations()
  const { isRevoked } = revocations
  const kinds = relayKinds({
    organisation: org.issuer.certificate.organisation,
    now: clock.now,
    isRevoked,
  })
  const mail = noteKind('to', 0x0402)
  const isUrgent = ({ text }: Note) => text.startsWith('urgent')
  const record = noteKind('all', 0x0301, { isUrgent })
  const self = member.keys.branch
  const incarnation = random.id().slice(0, 16) as Incarnation
  const eventLog = await createEventLog({
    store,
    self,
    incarnation,
    sign: signerOf(member.keys.sign.secretKey),
    verifierOf,
    sealKey: (to, key) => sealBox(to, key, random.bytes(32)),
    openKey: (sealed) => openBox(member.keys.box, sealed),
    clock,
    random,
    log,
    carryBytesMax: options.carryBytesMax ?? 10_000_000,
    rolledBack: async () => {},
    kinds: () => [mail, record, ...Object.values(kinds)] as EventKind<unknown>[],
  })
  await revocations.load(store.read)
  eventLog.onCommitted(revocations.committed)
  const relay = createRelay({
    world: { clock, random, network: options.network ?? org.network.door(host), log },
    store,
    eventLog,
    kinds,
    keys: files,
    isRevoked,
    self,
    incarnation,
    release: 'test',
    setting: options.setting ?? { kind: 'address', address: { host, port: PORT } },
    peers: peers.map((text) => {
      const [name = '', port = ''] = text.split(':')
      return { host: name, port: Number(port) }
    }),
    announce: options.announce ?? { kind: 'off' },
    blobOf: options.blobOf ?? (async (file) => options.blobs?.get(file)),
    fileRate: options.fileRate ?? (() => undefined),
    passesOn: options.passesOn ?? true,
    suites: options.suites ?? { least: 1, strongest: 2 },
  })
  return {
    keys: member.keys,
    files,
    store,
    eventLog,
    kinds,
    mail,
    record,
    relay,
    lines: log.lines,
    address: `${host}:${PORT}`,
    post: (text, to) =>
      store.writer.write((tx) =>
        eventLog.append<Note>(tx, { kind: mail, body: { text }, to: [to.keys.branch] }),
      ),
    publish: (text) =>
      store.writer.write((tx) =>
        eventLog.append<Note>(tx, { kind: record, body: { text }, to: 'all' }),
      ),
    revoke: (name) => {
      const how = {
        store,
        append: eventLog.append,
        kind: kinds.branchRevoke,
        keys: files,
        self,
        clock,
      }
      return revokeBranch(how, { name, reason: 'keyCompromise', note: 'The van was broken into' })
    },
    texts: () => mail.seen.filter(({ origin }) => origin !== self).map((event) => event.body.text),
    async stop() {
      await relay.stop()
      await store.close()
    },
  }
}

async function prepare(options: OfficeOptions & { store: Store; files: KeyFiles }) {
  const { org, member, knows, store, files, issuer } = options
  if (!files.findBranchKeys()) files.saveBranchKeys(member.keys)
  const since: Millis = org.clock.now()
  if (files.linkKeys().length === 0) {
    files.saveLinkKey({ ...(options.linkKey ?? org.linkKey), since })
  }
  if (issuer)
    files.saveIssuerKey({
      secretKey: issuer.secretKey,
      publicKey: issuer.certificate.issuerPublicKey,
    })
  const own = await store.read.selectFrom('branch').select('id').execute()
  if (own.length > 0) return // opened before
  await store.writer.write(async (tx) => {
    for (const chain of [...knows, member.chain]) await admitBranch(tx, chain)
    await saveChain(tx, member.chain)
  })
}

/** Kyiv, which issues, and Lviv, which knows Kyiv's address; both know each other. */
export async function twoOffices(org: Organisation, folder: string) {
  const lvivMember = org.admitted('Lviv')
  const kyivOptions: OfficeOptions = {
    org,
    host: '10.0.0.1',
    folder,
    member: org.founder,
    knows: [lvivMember.chain],
    issuer: org.issuer,
  }
  const lvivOptions: OfficeOptions = {
    org,
    host: '10.0.0.2',
    folder,
    member: lvivMember,
    knows: [org.founder.chain],
    peers: [`10.0.0.1:${PORT}`],
  }
  return { kyivOptions, lvivOptions }
}

export const isLinked = (office: Office, to: Office) =>
  office.relay.links().some(({ branch, up }) => branch === to.keys.branch && up)

/** Three linked offices. Kyiv issues; Lviv and Odesa know its address and each other's; `more` is for Odesa. */
export async function threeOffices(t: TestContext, more: Partial<OfficeOptions> = {}) {
  const org = organisation()
  const folder = temporaryFolder(t)
  const members = { lviv: org.admitted('Lviv'), odesa: org.admitted('Odesa') }
  const optionsOf = {
    kyiv: {
      ...{ org, folder, host: '10.0.0.1', member: org.founder, issuer: org.issuer },
      knows: [members.lviv.chain, members.odesa.chain],
    },
    lviv: {
      ...{ org, folder, host: '10.0.0.2', member: members.lviv, peers: [`10.0.0.1:${PORT}`] },
      knows: [org.founder.chain, members.odesa.chain],
    },
    odesa: {
      ...{ org, folder, host: '10.0.0.3', member: members.odesa },
      ...{ knows: [org.founder.chain, members.lviv.chain] },
      peers: [`10.0.0.1:${PORT}`, `10.0.0.2:${PORT}`],
      ...more,
    },
  }
  const kyiv = await openOffice(optionsOf.kyiv)
  const lviv = await openOffice(optionsOf.lviv)
  const odesa = await openOffice(optionsOf.odesa)
  const all = [kyiv, lviv, odesa]
  for (const office of all) await office.relay.start()
  const isWhole = () => all.every((a) => all.every((b) => a === b || isLinked(a, b)))
  await org.until(isWhole, 'all are linked')
  /** Cuts the line between two of them, lets it swallow everything, or mends it; the third sees both. */
  const setCut = (a: Office, b: Office, cut: boolean | 'silent') => {
    const hosts = [a, b].map(({ address }) => address.replace(/:.*/, ''))
    org.network.onWay = (bytes, wire) => {
      if (cut === false || !wire.hosts.every((host) => hosts.includes(host))) return bytes
      return cut === 'silent' ? new Uint8Array(0) : undefined
    }
  }
  return { org, setCut, kyiv, lviv, odesa, optionsOf, odesaChain: members.odesa.chain }
}
