/** Answers in the shape of ZeroTier 1.14.1, with numbers of our own. */
import type { Answers } from '../../src/zerotier/answers.ts'

export const CLOCK = 1_795_297_168_000

export const network = {
  allowManaged: true,
  assignedAddresses: ['10.147.20.11/24'],
  id: 'a93ff3afb15cb6d7',
  mtu: 2800,
  name: 'offices',
  nwid: 'a93ff3afb15cb6d7',
  portDeviceName: 'zta2hk6glg',
  portError: 0,
  routes: [{ target: '10.147.20.0/24', via: null }],
  status: 'OK',
  type: 'PRIVATE',
}

export const path = {
  active: true,
  address: '45.81.2.2/9993',
  expired: false,
  lastReceive: CLOCK - 4000,
  lastSend: CLOCK - 4000,
  preferred: true,
}

/** A node in one network, with a root and two members: one straight, one through the root. */
export function answers(): Answers {
  const peer = (address: string, role: string, latency: number, paths: object[]) => {
    return { address, role, latency, paths, tunneled: false, version: '1.14.1' }
  }
  return {
    status: { address: 'a1b2c3d4e5', clock: CLOCK, online: true, version: '1.14.1', config: {} },
    networks: [network],
    peers: [
      peer('00000000aa', 'LEAF', 12, [path]),
      peer('0000000001', 'PLANET', 2, [path]),
      peer('00000000bb', 'LEAF', -1, []),
    ],
  }
}
