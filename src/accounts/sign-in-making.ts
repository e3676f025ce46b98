/** Writing a sign-in: inside the transaction that lets somebody in, after everything was proved. */
import { addAudit } from '../audit/entries.ts'
import { hex } from '../base/bytes.ts'
import type { SignInId, UserId } from '../base/ids.ts'
import { DAY, type Millis } from '../base/units.ts'
import type { Db } from '../db/open.ts'
import { personSubject } from './audited.ts'
import type { AccountDeps } from './authority.ts'
import { DEVICE_CHARACTERS_MAX } from './device.ts'
import { GUEST_MS_MAX } from './events.ts'
import { findPerson, type Person } from './queries.ts'

/** Without use, a browser's sign-in ends after two weeks of holiday, a script's after a quarter. */
const BROWSER_IDLE_MS_MAX = 14 * DAY
const API_IDLE_MS_MAX = 90 * DAY
/** Of one person; the ones unused for longest end: scripts sign in again and again. */
const SIGN_INS_PER_PERSON_MAX = 50
const FORM_TOKEN_BYTES = 16

/** What is written down of how somebody came in. */
type Made = {
  id: SignInId
  tokenHash: Uint8Array
  person: Person
  kind: 'browser' | 'api'
  device: string
  address: string
  isShared: boolean
  isGuest: boolean
}

/** Between hashing and writing an admin may have closed the account or set another password. */
export async function isStill(
  tx: Db,
  id: UserId,
  credential: { epoch: number; rev: number },
): Promise<boolean> {
  const person = await findPerson(tx, id)
  const same = await tx
    .selectFrom('credential')
    .where('userId', '=', id)
    .where('epoch', '=', credential.epoch)
    .where('rev', '=', credential.rev)
    .select('userId')
    .executeTakeFirst()
  return person !== undefined && !person.disabled && same !== undefined
}

/** Writes a sign-in; of too many of one person the ones unused for longest end. */
export async function insertSignIn(
  { clock, random }: Pick<AccountDeps, 'clock' | 'random'>,
  tx: Db,
  made: Made,
): Promise<void> {
  const now = clock.now()
  const { id, tokenHash, kind, device, address } = made
  const userId = made.person.id
  await tx
    .insertInto('sign_in')
    .values({
      ...{ id, tokenHash, userId, kind, address, shared: made.isShared ? 1 : 0 },
      device: device.slice(0, DEVICE_CHARACTERS_MAX),
      formToken: hex(random.bytes(FORM_TOKEN_BYTES)),
      createdAt: now,
      usedAt: now,
      expiresAt: now + (made.isGuest ? GUEST_MS_MAX : idleMsMax(kind)),
    })
    .execute()
  const tooMany = tx
    .selectFrom('sign_in')
    .where('userId', '=', userId)
    .select('id')
    .orderBy('usedAt', 'desc')
    .orderBy('id')
    .limit(-1)
    .offset(SIGN_INS_PER_PERSON_MAX)
  const { numDeletedRows } = await tx
    .deleteFrom('sign_in')
    .where('id', 'in', tooMany)
    .where('id', '!=', id)
    .executeTakeFirstOrThrow()
  const others = numDeletedRows === 0n ? {} : { ended: Number(numDeletedRows) }
  await addAudit({ clock }, tx, {
    action: 'sign-in',
    by: { id: userId, address },
    subject: personSubject(made.person),
    after: { kind, ...toldDevice(device), ...others },
  })
}

/** What the audit log says of a device. */
export const toldDevice = (device: string) =>
  device === '' ? {} : { device: device.slice(0, DEVICE_CHARACTERS_MAX) }

/** How long a sign-in lasts without use. */
export function idleMsMax(kind: 'browser' | 'api'): Millis {
  return kind === 'api' ? API_IDLE_MS_MAX : BROWSER_IDLE_MS_MAX
}
