/**
 * What an operator may ask of a running branch from its own machine: the same actions as the pages, without a person.
 */
import { accountsPage } from './accounts/accounts-list.ts'
import { disableUser, setTemporaryPassword } from './accounts/actions.ts'
import { exportedCsv } from './accounts/export.ts'
import type { Encoding } from './accounts/import-text.ts'
import { createUser } from './accounts/new-person.ts'
import { type Person, personByLogin } from './accounts/queries.ts'
import type { Role } from './accounts/records.ts'
import { importedShape } from './admin/import-api.ts'
import { getTrace } from './admin/trace.ts'
import { addAudit, type NewEntry } from './audit/entries.ts'
import { AppError, notFound } from './base/errors.ts'
import type { BlobId, BranchId } from './base/ids.ts'
import { isoTime, type Millis } from './base/units.ts'
import { branchStates, renewedNow, tracedEvent } from './branch-facts.ts'
import type { DemoLinks } from './demo-links.ts'
import { findChain } from './relay/credentials.ts'
import { issuingBranches } from './relay/issuers.ts'
import { revokedBranches } from './relay/revocations.ts'
import type { Running } from './running.ts'

type KeyAction = 'key.exported' | 'key.removed' | 'key.imported'

export type Operations = ReturnType<typeof createOperations>

/** The operations of a running branch. */
export function createOperations(
  { core, relay, imports, keeping, ldap, names, revoke }: Running,
  demo?: DemoLinks,
) {
  const { accounts, store, membership } = core
  const person = async (login: string): Promise<Person> => {
    const found = await personByLogin(store.read, membership.self, login)
    if (found === undefined) throw notFound(`person ${login}`)
    return found
  }
  const note = (entry: NewEntry) => store.writer.write((tx) => addAudit(accounts, tx, entry))
  return {
    branchName: names().branch,
    async users() {
      const everybody: (Pick<Person, 'login' | 'name' | 'role' | 'disabled'> & {
        branch: string
      })[] = []
      for (let page = 1, pages = 1; page <= pages; page++) {
        const found = await accountsPage(store.read, { text: '', state: '', page })
        pages = found.pages
        for (const { login, name, role, disabled, branch } of found.accounts) {
          everybody.push({ login, name, role, disabled, branch: branch.name })
        }
      }
      return everybody
    },
    async addUser(wish: {
      login: string
      firstName: string
      lastName: string
      password?: string | undefined
      role?: Role | undefined
    }) {
      const { password } = await createUser(accounts, undefined, wish)
      return { login: wish.login, password }
    },
    /** Accounts from a CSV file, or what it would do; the operator may give every role the branch may. */
    async importUsers(wish: {
      bytes: Uint8Array
      isDryRun: boolean
      renews: boolean
      encoding?: Encoding | undefined
    }) {
      const { bytes, encoding, isDryRun: isDry } = wish
      const done = await imports.now(
        { by: undefined, renews: wish.renews },
        { bytes, encoding, isDry },
      )
      return importedShape(done, isDry)
    },
    /** People from LDAP, now or as a dry run; `isForced`: however many have left. */
    async importFromLdap(how: { isDry: boolean; isForced: boolean }) {
      if (ldap === undefined) throw new AppError('conflict', 'This branch has no --ldap-url')
      return await ldap.now(how)
    },
    async exportUsers(): Promise<string> {
      const of = { filter: { text: '', state: '' }, separator: ',' } as const
      const parts = await exportedCsv(accounts, undefined, of)
      let csv = ''
      for await (const part of parts) csv += part
      return csv
    },
    async setPassword(login: string, password: string | undefined) {
      const { id } = await person(login)
      return setTemporaryPassword(accounts, undefined, { id, password })
    },
    async disable(login: string) {
      await disableUser(accounts, undefined, (await person(login)).id)
    },
    async invite(wish: { branch: string; validMs: Millis; address?: string | undefined }) {
      const made = await relay.createInvitation({
        branchName: wish.branch,
        createdBy: undefined,
        validMs: wish.validMs,
        ...(wish.address === undefined ? {} : { addresses: [wish.address] }),
      })
      return { invitation: made.line, expiresAt: made.expiresAt }
    },
    async trace(text: string) {
      return await getTrace((event) => tracedEvent(core, relay, event), text)
    },
    /** Of a stored file how many chunks are damaged: they come again. */
    recheckFile: (blob: BlobId) => keeping.recheck(blob),
    /** A round of the collector now, as every hour. */
    collectFiles: () => keeping.collect(),
    async peers() {
      const states = await branchStates(core, relay)
      return states.filter(({ isSelf }) => !isSelf)
    },
    /** The branch went back to a release without the suite it has shown: it may be called with a weaker one again. */
    async forgetSuite(name: string) {
      const states = await branchStates(core, relay)
      const peer = states.find((one) => !one.isSelf && one.name === name)
      if (!peer) throw notFound(`branch ${name}`)
      await note({
        action: 'suite.forgotten',
        subject: { kind: 'branch', id: peer.id, name: peer.name },
      })
      await relay.forgetSuite(peer.id)
    },
    /** Every branch with its certificate, as far as it is known here, and those that are none any more. */
    async certificates() {
      const own = await findChain(store.read)
      const states = await branchStates(core, relay)
      const links = relay.links()
      const issuing = new Map(
        (await issuingBranches(store.read)).map(({ branch, notAfter }) => [branch, notAfter]),
      )
      const nameOf = (id: BranchId | undefined) => states.find((one) => one.id === id)?.name ?? id
      const branches = states.map(({ id, name, isSelf, up, certificateNotAfter }) => {
        const issuer = links.find(({ branch }) => branch === id)?.certificateIssuer
        return {
          ...{ name, isSelf, up },
          notAfter: isSelf ? own?.link.notAfter : certificateNotAfter,
          signedBy: nameOf(isSelf ? own?.issuer.branch : issuer),
          issuesUntil: issuing.get(id),
        }
      })
      return { branches, revoked: await revokedBranches(store.read) }
    },
    /** The organisation, and until when this branch may issue its certificates. */
    async authority() {
      const issuing = await issuingBranches(store.read)
      const own = issuing.find(({ branch }) => branch === membership.self)
      return { organisation: membership.organisation, mayIssueUntil: own?.notAfter }
    },
    renewCertificate: (how: { newKey: boolean }) => renewedNow(core, relay, how),
    /** Lets another branch issue, by the root key on this server. */
    nameIssuer: (name: string) => relay.authority().nameIssuer(name),
    rotateLinkKey: () => relay.authority().rotateLinkKey(),
    revokeBranch: revoke,
    /** The entry first: the copy holds it. */
    async markBackup(keptMs: Millis) {
      const until = isoTime(accounts.clock.now() + keptMs)
      await note({ action: 'backup.made', after: { keptUntil: until } })
      return await core.eventLog.markBackup(keptMs)
    },
    async removeBackupMark(id: number) {
      await core.eventLog.removeBackupMark(id)
      await note({ action: 'backup.dropped' })
    },
    /** Before a command does it with the key files, which no transaction holds. */
    noteKey(action: KeyAction, after: { key: string; file: string; until?: string | undefined }) {
      return note({ action, after })
    },
    /** A path that signs somebody in, once; of the demo only. */
    signInLink(login: string): string {
      if (demo === undefined) throw notFound('sign-in link')
      return demo.linkFor(login)
    },
    setCut(isCut: boolean) {
      relay.setCut(isCut)
    },
    /** How many browsers are signed in as somebody. */
    async browsersOf(login: string): Promise<number> {
      const { id } = await person(login)
      const row = await store.read
        .selectFrom('sign_in')
        .where('userId', '=', id)
        .where('kind', '=', 'browser')
        .where('expiresAt', '>', accounts.clock.now())
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return row.count
    },
  }
}
