/**
 * I15: somebody without the link key knocks, with bytes of chance or with a preface and a message 1 of the right length.
 * Not one byte may come back.
 */
import { concat } from '../../src/base/bytes.ts'
import { SECOND } from '../../src/base/units.ts'
import { encodePreface } from '../../src/relay/preface.ts'
import { message1Bytes } from '../../src/relay/suites.ts'
import type { Chance } from './chance.ts'
import { Broken, type Company } from './company.ts'
import { type Office, PORT } from './office.ts'

const HOST = '10.9.9.9'
const BYTES_MAX = 4000

/** Calls a branch and says something. */
export async function knock(company: Company, office: Office, chance: Chance): Promise<void> {
  const { network, timeline, failures } = company
  const door = network.door({ host: HOST, isAlive: true })
  const address = { host: office.host, port: PORT }
  // Nobody may be there.
  const transport = await door.dial(address, SECOND).catch(() => undefined)
  transport?.onBytes((bytes) => {
    failures.push(new Broken(`I15: ${office.name} sent ${bytes.length} bytes to a stranger`))
  })
  transport?.send(said(chance))
  timeline.after(chance.between(1, 20) * SECOND, () => transport?.close(true))
}

function said(chance: Chance): Uint8Array {
  const suite = chance.pick([1, 2] as const)
  const preface = chance.pick([
    encodePreface({ suite, kind: 'link', epoch: 1 }),
    encodePreface({ suite, kind: 'renew', epoch: 1 }),
    encodePreface({ suite, kind: 'join', joinId: Buffer.from(chance.bytes(8)).toString('hex') }),
  ])
  if (chance.isLucky(0.3)) return chance.bytes(chance.between(1, BYTES_MAX))
  return concat(preface, chance.bytes(message1Bytes(suite)))
}
