/** The audit log, as `doctor` looks at it: its chain from the first entry on, and what other branches hold of it. */
import { en } from '../../../views/language/en.ts'
import { checkAnchors, checkChain, headsHeld } from '../../audit/check.ts'
import { isoTime } from '../../base/units.ts'
import type { Db } from '../../db/open.ts'
import type { Membership } from '../../organisation/membership.ts'
import { bad, type Finding, ok, warn } from './finding.ts'

const KEEP = 'keep a copy of the data folder as it is, and compare with backups and exports'

/** A line for the chain, and one for each branch that holds anchors of it, or whose anchors are held here. */
export async function auditFindings(db: Db, { self }: Membership): Promise<Finding[]> {
  const words = en.audit
  const { entries, brokenAt } = await checkChain(db)
  const chain =
    brokenAt === undefined
      ? ok('audit log', words.chainGood(entries))
      : bad('audit log', words.chainBroken(brokenAt), KEEP)
  const confirmations = await checkAnchors(db, self)
  const anchors = confirmations.flatMap(({ isSelf, upTo, ...of }) => {
    const name = isSelf ? words.thisBranch : of.name
    const { lost, wrong } = of
    const found: Finding[] = []
    if (wrong) {
      const says = words[wrong.why](name, String(wrong.number), isoTime(wrong.at))
      found.push(bad('audit log', says, KEEP))
    }
    if (lost) found.push(warn('audit log', words.lost(name, String(lost.number), isoTime(lost.at))))
    if (upTo !== undefined && !isSelf) {
      found.push(ok('audit log', words.confirmedByOne(name, String(upTo))))
    }
    return found
  })
  const isConfirmed = confirmations.some(({ isSelf }) => !isSelf)
  const nobody = isConfirmed ? [] : [warn('audit log', words.unconfirmed)]
  const others = (await headsHeld(db, self)).map(({ name, number, at, hash, wentBack }) => {
    const says = `${words.heldHead(name, String(number), isoTime(at))}, ${words.hash} ${hash}`
    return wentBack ? warn('held here', says, words.wentBack) : ok('held here', says)
  })
  return [chain, ...anchors, ...nobody, ...others]
}
