/** `report verify FILE`: checks a file of evidence by what stands in it. No server and no data folder are needed. */
import { verifiedEvidence } from '../admin/evidence.ts'
import { isoTime } from '../base/units.ts'
import { UsageError } from '../config.ts'
import type { Call } from './commands.ts'

/** The command `report`. The status is 0 when every message is proved. */
export async function report(call: Call): Promise<number> {
  const [verb, path, ...more] = call.words
  if (verb !== 'verify' || path === undefined || more.length > 0) {
    throw new UsageError('Say which: report verify FILE')
  }
  const { organisation, messages } = verifiedEvidence(fileOf(call, path))
  let unproved = 0
  for (const { signed, by, branch } of messages) {
    if (signed === undefined) {
      unproved += 1
      call.out(`NOT PROVED  ${by}: this is not what a branch of the organisation signed\n`)
      continue
    }
    const first = JSON.stringify(signed.body)
    call.out(
      `proved  ${isoTime(signed.at)} ${by} (${signed.author}), signed by ${branch}: ${first}\n`,
    )
  }
  call.out(`${messages.length} messages, ${unproved} not proved\n`)
  call.out(`organisation ${organisation}\n`)
  call.out('Compare this with the organisation on its page of reports: only then it is theirs.\n')
  return unproved === 0 && messages.length > 0 ? 0 : 1
}

function fileOf(call: Call, path: string): unknown {
  try {
    return JSON.parse(call.readFile(path))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`Cannot read ${path}: ${why}`)
  }
}
