/** Where the relay listens: the ZeroTier interface that comes late, moves and goes, and who is kept out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configOf, UsageError } from '../../src/config.ts'
import { broadcastOf } from '../../src/relay/addresses.ts'
import { Listener, type RelaySetting } from '../../src/relay/listener.ts'
import { temporaryFolder } from '../db/store.ts'
import { handClock, keptLog } from '../eventlog/fixture.ts'
import { memoryNetwork } from '../support/transport.ts'
import { isLinked, openOffice, organisation, twoOffices } from './company.ts'

type Interface = { name: string; address: string; cidr?: string }

const LAN = { name: 'eth0', address: '192.168.1.2' }
const at = (address: string, name = 'ztabcdef01', bits = 24) => {
  return { name, address, cidr: `${address}/${bits}` }
}

function listening(setting: RelaySetting) {
  const { clock, advance } = handClock()
  const log = keptLog()
  const bound: string[] = []
  const moves: boolean[] = []
  const taken: string[] = []
  const own = { interfaces: [] as Interface[], failures: 0 }
  let accept = (_remote: string) => {}
  const listener = new Listener({
    ...{ setting, clock, log },
    network: {
      ...memoryNetwork(),
      interfaces: () => own.interfaces,
      async listen(address, onTransport) {
        bound.push(address.host)
        if (own.failures-- > 0) throw Object.assign(new Error('not yet'), { code: 'EADDRNOTAVAIL' })
        accept = (remote) => onTransport({ remote, close: () => {} } as never)
        return { address, close: () => {} }
      },
    },
    onTransport: ({ remote }) => void taken.push(remote),
    onBound: (isMoved) => void moves.push(isMoved),
  })
  /** The next look, with these interfaces. */
  const pass = async (...interfaces: Interface[]) => {
    own.interfaces = interfaces
    advance(2000)
    for (let n = 0; n < 4; n++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { listener, own, bound, moves, taken, log, pass, accept: (from: string) => accept(from) }
}

const ZT: RelaySetting = { kind: 'zt', interfaceName: undefined }

test('the listener waits for the ZeroTier address, follows it, and keeps the LAN out', async () => {
  const { listener, own, bound, moves, taken, pass, accept } = listening(ZT)
  own.failures = 1
  await listener.start()
  assert.equal(listener.state.lastError, 'no ZeroTier interface')
  await pass(LAN, at('10.147.17.9'))
  assert.equal(listener.state.lastError, 'EADDRNOTAVAIL')
  await pass(LAN, at('10.147.17.9'))
  assert.equal(listener.state.address, '10.147.17.9:7900')
  accept('192.168.1.77')
  accept('10.147.17.4')
  assert.deepEqual(taken, ['10.147.17.4'])
  await pass(LAN) // the interface goes and comes back: the listener outlives that
  assert.equal(listener.state.lastError, 'no ZeroTier interface', 'the page says that it is away')
  await pass(LAN, at('10.147.17.9'))
  assert.equal(listener.state.lastError, undefined)
  await pass(LAN, at('10.147.17.50'))
  assert.equal(listener.state.address, '10.147.17.50:7900')
  assert.deepEqual(bound, ['10.147.17.9', '10.147.17.9', '10.147.17.50'])
  assert.deepEqual(moves, [false, true])
  listener.stop()
})

test('a second address beside the one in use is no reason to move', async () => {
  const { listener, bound, pass } = listening(ZT)
  await listener.start()
  await pass(at('10.147.17.9'))
  await pass(at('10.147.17.3'), at('10.147.17.9'), at('10.99.0.1', 'zt00000000'))
  assert.deepEqual(bound, ['10.147.17.9'])
  await pass(at('10.99.0.1', 'zt00000000'))
  assert.deepEqual(bound, ['10.147.17.9', '10.99.0.1'])
  listener.stop()
})

test('a subnet that grew lets in who lies in it now', async () => {
  const { listener, taken, pass, accept } = listening(ZT)
  await listener.start()
  await pass(at('10.147.17.9'))
  accept('10.147.99.1')
  await pass(at('10.147.17.9', 'ztabcdef01', 16))
  accept('10.147.99.1')
  assert.deepEqual(taken, ['10.147.99.1'])
  listener.stop()
})

test('at the fixed address of a ZeroTier interface the LAN is kept out too, elsewhere nobody is', async () => {
  const address = { host: '10.147.17.9', port: 7900 }
  for (const [name, expected] of [
    ['ztabcdef01', ['10.147.17.4']],
    ['eth0', ['192.168.1.77', '10.147.17.4']],
  ] as const) {
    const { listener, own, taken, accept } = listening({ kind: 'address', address })
    own.interfaces = [at('10.147.17.9', name)]
    await listener.start()
    accept('192.168.1.77')
    accept('10.147.17.4')
    assert.deepEqual(taken, expected, name)
    listener.stop()
  }
})

test('a branch that moved ends its dead links at once and calls from the new address', async (t) => {
  const org = organisation()
  const { kyivOptions, lvivOptions } = await twoOffices(org, temporaryFolder(t))
  const door = org.network.door('10.0.0.2')
  let own = at('10.0.0.2')
  const network = { ...door, interfaces: () => [own] }
  const kyiv = await openOffice(kyivOptions)
  const lviv = await openOffice({ ...lvivOptions, setting: ZT, network })
  t.after(() => kyiv.stop())
  t.after(() => lviv.stop())
  await kyiv.relay.start()
  await lviv.relay.start()
  await org.until(() => isLinked(lviv, kyiv), 'they are linked')
  const opened = () => lviv.lines.filter(({ name }) => name === 'relay.link.opened').length
  const [before, since] = [opened(), org.clock.now()]
  own = at('10.0.0.22')
  await org.until(() => opened() > before && isLinked(kyiv, lviv), 'a new link')
  assert.ok(org.clock.now() - since < 3000, `${org.clock.now() - since} ms`)
  assert.equal(lviv.relay.listening().address, '10.0.0.22:7900')
})

test('the broadcast address of a subnet', () => {
  assert.equal(broadcastOf('10.147.17.5/24'), '10.147.17.255')
  assert.equal(broadcastOf('10.147.17.5/16'), '10.147.255.255')
  assert.equal(broadcastOf('10.147.17.5/22'), '10.147.19.255')
  assert.equal(broadcastOf('192.168.1.9/30'), '192.168.1.11')
  for (const none of ['10.0.0.1/31', '10.0.0.1/32', '10.0.0.1/0', 'fd00::1/64', '10.0.0.1', '']) {
    assert.equal(broadcastOf(none), undefined, none)
  }
})

const settingsOf = (flags: Record<string, string>) =>
  configOf({ flags, environment: {}, readFile: () => '  the token\n' })

test('the settings of the relay say what they mean', () => {
  assert.deepEqual(settingsOf({}).announce, { kind: 'interface' })
  assert.deepEqual(settingsOf({ announce: 'off' }).announce, { kind: 'off' })
  const address = { host: '10.147.20.255', port: 7901 }
  assert.deepEqual(settingsOf({ announce: '10.147.20.255:7901' }).announce, {
    kind: 'address',
    address,
  })
  for (const wrong of [
    '10.147.20.256:7901',
    '10.147.20.255',
    'lviv:7901',
    '[fd00::1]:1',
    '1.2.3.4:0',
  ]) {
    assert.throws(() => settingsOf({ announce: wrong }), UsageError, wrong)
  }
  // By the network's id or by the interface's name.
  for (const value of ['zt:a93ff3afb15cb6d7', 'zt:zta2hk6glg']) {
    assert.deepEqual(settingsOf({ relay: value }).relay, {
      kind: 'zt',
      interfaceName: 'zta2hk6glg',
    })
  }
  assert.equal(settingsOf({ 'zerotier-token-file': '/x' }).zerotierToken, 'the token')
  assert.equal(settingsOf({}).zerotierToken, undefined)
})
