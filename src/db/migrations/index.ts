/** All migrations, in order, listed by hand: a file that is not named here does not run. Never edited after release. */
import type { Kysely } from 'kysely'
import { up as init } from './001-init.ts'
import { up as tls } from './002-tls.ts'
import { up as stays } from './003-stays.ts'
import { up as waiting } from './004-waiting.ts'
import { up as invitations } from './005-invitations.ts'
import { up as revocations } from './006-revocations.ts'
import { up as carrying } from './007-carrying.ts'
import { up as peerSuites } from './008-peer-suites.ts'
import { up as backupMarks } from './009-backup-marks.ts'
import { up as audit } from './010-audit.ts'
import { up as accountsInBulk } from './011-accounts-in-bulk.ts'
import { up as secondFactor } from './012-second-factor.ts'
import { up as contacts } from './013-contacts.ts'
import { up as guests } from './014-guests.ts'
import { up as status } from './015-status.ts'
import { up as leavers } from './016-leavers.ts'
import { up as roaming } from './017-roaming.ts'
import { up as lateErasure } from './018-late-erasure.ts'
import { up as files } from './019-files.ts'
import { up as shared } from './020-shared.ts'
import { up as fetching } from './021-fetching.ts'
import { up as filePolicies } from './022-file-policies.ts'
import { up as decidedSince } from './023-decided-since.ts'

export type Migration = { name: string; up(db: Kysely<unknown>): Promise<void> }

export const MIGRATIONS: readonly Migration[] = [
  { name: '001-init', up: init },
  { name: '002-tls', up: tls },
  { name: '003-stays', up: stays },
  { name: '004-waiting', up: waiting },
  { name: '005-invitations', up: invitations },
  { name: '006-revocations', up: revocations },
  { name: '007-carrying', up: carrying },
  { name: '008-peer-suites', up: peerSuites },
  { name: '009-backup-marks', up: backupMarks },
  { name: '010-audit', up: audit },
  { name: '011-accounts-in-bulk', up: accountsInBulk },
  { name: '012-second-factor', up: secondFactor },
  { name: '013-contacts', up: contacts },
  { name: '014-guests', up: guests },
  { name: '015-status', up: status },
  { name: '016-leavers', up: leavers },
  { name: '017-roaming', up: roaming },
  { name: '018-late-erasure', up: lateErasure },
  { name: '019-files', up: files },
  { name: '020-shared', up: shared },
  { name: '021-fetching', up: fetching },
  { name: '022-file-policies', up: filePolicies },
  { name: '023-decided-since', up: decidedSince },
]
