/**
 * What comes late of somebody who was deleted: records about him, and where the deletion says so what he wrote, lose
 * their bodies in the transaction that takes them in, whatever became of them (applied, refused, parked). So nobody
 * ever sees them, and no later round has to look for them.
 */
import type { BranchId, UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { overwriting } from '../db/overwriting.ts'
import { prepared } from '../db/prepared.ts'
import type { Kinds } from './apply.ts'
import { AUTHOR, destroy, PERSON, undelivered } from './erasing.ts'

type Late = { userId: UserId; messages: 'keep' | 'erase' }

const erasureOf = (whose: typeof PERSON) =>
  prepared<{ position: number }, Late>((db, value) =>
    db
      .selectFrom('event')
      .innerJoin('erasure', (join) => join.on('erasure.userId', '=', whose))
      .where('event.position', '=', value('position'))
      .where('event.body', 'is not', null)
      .select(['erasure.userId', 'erasure.messages']),
  )
const erasureOfPerson = erasureOf(PERSON)
const erasureOfAuthor = erasureOf(AUTHOR)

/** Destroys the body of an event just stored, if it is of a kind, and of a person, of which nothing may stay. */
export async function destroyLate(
  { self, kinds }: { self: BranchId; kinds: Kinds },
  tx: Db,
  { position, code }: { position: number; code: number },
): Promise<void> {
  const kind = kinds.get(code)
  if (!kind?.isPersonal && !kind?.isWritten) return
  const find = kind.isWritten ? erasureOfAuthor : erasureOfPerson
  const [late] = await find(tx, { position })
  if (late === undefined || (kind.isWritten && late.messages === 'keep')) return
  await overwriting(tx, async () => {
    if (kind.isWritten) {
      await tx.updateTable('message').set({ body: '' }).where('position', '=', position).execute()
    }
    const open = await undelivered(tx, { self, positions: [position] })
    await destroy(tx, open.size > 0 ? [] : [position])
    if (open.size === 0) return
    // Mail of ours that came back, and not all have it: the job waits for it as for any other.
    const erasure = tx.updateTable('erasure').set({ doneAt: null })
    await erasure.where('userId', '=', late.userId).execute()
  })
}
