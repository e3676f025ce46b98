/** An id of a file belongs to whoever uploaded it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import type { ConversationId, MessageId, UserId } from '../../src/base/ids.ts'
import { keepAttachments } from '../../src/chat/attachments.ts'
import { fileIdOf } from '../../src/files/file-ids.ts'
import { idOf, warehouse } from './warehouse.ts'

const [ada, ihor] = [idOf('ada') as UserId, idOf('ihor') as UserId]

test('an id follows from its owner and a seed, as docs/protocol.md says', () => {
  assert.equal(
    fileIdOf('00'.repeat(16) as UserId, 'ff'.repeat(16)),
    'a0d4da373bb56bf82d4948f96e2d9c87',
  )
  assert.notEqual(fileIdOf(ada, idOf('seed')), fileIdOf(ihor, idOf('seed')))
})

test('only a message that its owner writes here takes an upload', async (t) => {
  const at = await warehouse(t)
  const made = await at.keep(new Uint8Array(9))
  const id = await at.upload('plan', made)
  const file = { id, seed: '', blob: made.blob, key: 'ab'.repeat(32), sha256: made.sha256, size: 9 }
  const sent = async (owner: UserId | undefined) => {
    await at.store.writer.write((tx) =>
      keepAttachments(tx, [{ ...file, name: 'plan', type: 'text/plain' }], {
        ...{ message: idOf('m') as MessageId, conversation: idOf('c') as ConversationId },
        ...{ timeKey: HLC_ZERO, arrivedAt: 1, owner },
      }),
    )
    return (await at.store.read.selectFrom('file').select('id').execute()).length
  }
  assert.deepEqual([await sent(undefined), await sent(ihor), await sent(ada)], [1, 1, 0])
})
