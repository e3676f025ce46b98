/**
 * The answers of ZeroTier's local API (`/status`, `/network`, `/peer` at 127.0.0.1:9993), taken apart. Fields are those
 * of version 1.14.1; what is not needed is not looked at, so that other versions may say more.
 */
import * as v from 'valibot'
import { tidied } from '../base/text.ts'
import { type Millis, TIME_MS_MAX } from '../base/units.ts'

/** As parsed from JSON; nothing of it is believed yet. */
export type Answers = { status: unknown; networks: unknown; peers: unknown }

export type ZeroTierNode = {
  /** Ten hexadecimal digits: the node in its networks' lists of members. */
  address: string
  version: string
  /** Its own word: whether it reaches a root. */
  isOnline: boolean
  networks: ZeroTierNetwork[]
  /** Those it has spoken with that are no roots. */
  peers: ZeroTierPeer[]
}

type ZeroTierNetwork = {
  id: string
  name: string
  /** `OK`, `ACCESS_DENIED`, `REQUESTING_CONFIGURATION`, `NOT_FOUND` ... */
  status: string
  device: string
  addresses: string[]
}

type ZeroTierPeer = {
  address: string
  /** Where it is reached straight; undefined: through a root. */
  path: string | undefined
  /** Since something came by that path. */
  heardMs: Millis | undefined
  latencyMs: Millis | undefined
}

/** Joined by one server; more would not fit a page. */
const NETWORKS_MAX = 16
const ADDRESSES_MAX = 16
const PEERS_SHOWN_MAX = 100
const TEXT_CHARACTERS_MAX = 128

const text = v.pipe(v.string(), v.transform(tidied), v.maxLength(TEXT_CHARACTERS_MAX))
const nodeAddress = v.pipe(v.string(), v.regex(/^[0-9a-f]{10}$/))
const time = v.pipe(v.number(), v.minValue(0), v.maxValue(TIME_MS_MAX))

const status = v.object({
  address: nodeAddress,
  clock: time,
  online: v.boolean(),
  version: v.pipe(v.string(), v.regex(/^[\w.-]{1,20}$/)),
})

const networks = v.pipe(
  v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
      name: text,
      status: v.pipe(v.string(), v.regex(/^[A-Z_]{1,40}$/)),
      portDeviceName: text,
      assignedAddresses: v.pipe(v.array(text), v.maxLength(ADDRESSES_MAX)),
    }),
  ),
  v.maxLength(NETWORKS_MAX),
)

const peers = v.array(
  v.object({
    address: nodeAddress,
    latency: v.number(),
    role: v.string(),
    paths: v.array(
      v.object({ address: text, expired: v.boolean(), preferred: v.boolean(), lastReceive: time }),
    ),
  }),
)

/** Throws ValiError when an answer is not what ZeroTier says. */
export function parseAnswers(answers: Answers): ZeroTierNode {
  const node = v.parse(status, answers.status)
  return {
    address: node.address,
    version: node.version,
    isOnline: node.online,
    networks: v.parse(networks, answers.networks).map((network) => ({
      ...{ id: network.id, name: network.name, status: network.status },
      ...{ device: network.portDeviceName, addresses: network.assignedAddresses },
    })),
    peers: v
      .parse(peers, answers.peers)
      .filter(({ role }) => role === 'LEAF')
      .slice(0, PEERS_SHOWN_MAX)
      .map((peer) => peerOf(peer, node.clock)),
  }
}

/** The same path may be there twice, by two sockets: the preferred one counts, or else the one heard last. */
function peerOf(
  { address, latency, paths }: v.InferOutput<typeof peers>[number],
  clock: Millis,
): ZeroTierPeer {
  const [best] = paths
    .filter(({ expired }) => !expired)
    .sort((a, b) => Number(b.preferred) - Number(a.preferred) || b.lastReceive - a.lastReceive)
  const last = Math.max(0, ...paths.map(({ lastReceive }) => lastReceive))
  return {
    address,
    path: best && pathText(best.address),
    heardMs: last === 0 ? undefined : Math.max(0, clock - last),
    latencyMs: latency < 0 ? undefined : latency,
  }
}

/** `45.81.2.2/9993` as everybody else writes it. */
function pathText(address: string): string {
  const slash = address.lastIndexOf('/')
  const [host, port] = [address.slice(0, slash), address.slice(slash + 1)]
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
