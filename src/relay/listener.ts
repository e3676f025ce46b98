/**
 * Where this branch's relay listens: at a given address, or at the ZeroTier interface, whose address may come late and
 * may change. It tries until it is bound, binds anew when the address changes and only then (a bound listener outlives
 * the interface), and never ends the process. It reads nothing: what it accepts goes on to the handshake.
 */
import { type Millis, SECOND } from '../base/units.ts'
import type { Cancel, Clock } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Address, Listening, Network, Transport } from '../world/network.ts'
import { addressText, isInSubnet } from './addresses.ts'

export type RelaySetting =
  | { kind: 'off' }
  | { kind: 'address'; address: Address }
  | { kind: 'zt'; interfaceName: string | undefined }

const ZEROTIER_PORT = 7900
/** ZeroTier gives no event; its address comes seconds after its interface. */
const POLL_MS: Millis = 2 * SECOND
const ZEROTIER_PREFIX = 'zt'
const ADDRESSES_TOLD_MAX = 8

type Place = { address: Address; cidr: string | undefined }

type ListenerParts = {
  setting: RelaySetting
  network: Network
  clock: Clock
  log: Log
  onTransport(transport: Transport): void
  /** It listens at other addresses than before; `isMoved`: it did listen before, elsewhere. */
  onBound(isMoved: boolean): void
}

export type ListenerState = {
  /** Where it listens, as `host:port`; undefined: not yet, or off. */
  address: string | undefined
  lastError: string | undefined
}

export class Listener {
  readonly #parts: ListenerParts
  #place: Place | undefined
  #listening: Listening | undefined
  #lastError: string | undefined
  #cancel: Cancel = () => {}
  #isStopped = true

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  get state(): ListenerState {
    const address = this.#listening && addressText(this.#listening.address)
    return { address, lastError: this.#lastError }
  }

  /** Where it listens; undefined: not yet, or off. */
  get bound(): Address | undefined {
    return this.#listening?.address
  }

  /** Addresses to tell other branches; of a listener on all interfaces those that are not loopback. */
  get addresses(): string[] {
    const bound = this.#listening?.address
    if (!bound) return []
    if (bound.host !== '0.0.0.0' && bound.host !== '::') return [addressText(bound)]
    return this.#parts.network
      .interfaces()
      .filter(({ address }) => !/^(127\.|::1$|fe80:)/i.test(address))
      .map(({ address }) => addressText({ host: address, port: bound.port }))
      .slice(0, ADDRESSES_TOLD_MAX)
  }

  /** Begins; resolves after the first try. */
  async start(): Promise<void> {
    if (this.#parts.setting.kind === 'off') return
    this.#isStopped = false
    await this.#look()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
    this.#listening?.close()
    this.#listening = undefined
  }

  async #look(): Promise<void> {
    const place = this.#wantedPlace()
    if (!place) this.#failed('no ZeroTier interface')
    else if (this.#isBoundTo(place)) this.#settled(place)
    else await this.#bind(place)
    if (this.#isStopped) return
    const isSettled = this.#parts.setting.kind === 'address' && this.#listening
    if (!isSettled) this.#cancel = this.#parts.clock.after(POLL_MS, () => void this.#look())
  }

  #wantedPlace(): Place | undefined {
    const { setting, network } = this.#parts
    if (setting.kind === 'off') return undefined
    if (setting.kind === 'address') {
      const own = network.interfaces().find(({ address }) => address === setting.address.host)
      const isZeroTier = own?.name.startsWith(ZEROTIER_PREFIX) === true
      return { address: setting.address, cidr: isZeroTier ? own?.cidr : undefined }
    }
    const found = network
      .interfaces()
      .filter(({ name }) =>
        setting.interfaceName ? name === setting.interfaceName : name.startsWith(ZEROTIER_PREFIX),
      )
      .filter(({ address }) => !/^fe80:/i.test(address))
      // IPv4 first: ZeroTier's IPv6 addresses may come and go with its settings.
      .sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')))
    // As long as the address in use is there, another one beside it is no reason to move.
    const kept = found.find(({ address }) => address === this.#place?.address.host)
    const best = kept ?? found[0]
    return best && { address: { host: best.address, port: ZEROTIER_PORT }, cidr: best.cidr }
  }

  /** Bound already: the interface is there, though its subnet may have changed. */
  #settled(place: Place): void {
    this.#place = place
    this.#lastError = undefined
  }

  #isBoundTo({ address }: Place): boolean {
    const bound = this.#listening && this.#place?.address
    return bound?.host === address.host && bound.port === address.port
  }

  async #bind(place: Place): Promise<void> {
    const { network, log, onBound } = this.#parts
    try {
      const listening = await network.listen(place.address, (transport) => this.#accept(transport))
      if (this.#isStopped) return listening.close()
      const isMoved = this.#listening !== undefined
      this.#listening?.close()
      this.#listening = listening
      this.#settled(place)
      log.info('relay.listening', { address: addressText(listening.address) })
      onBound(isMoved)
    } catch (error) {
      this.#failed(codeOf(error))
    }
  }

  /** Logged when it is news: it is tried every two seconds, for as long as it takes. */
  #failed(reason: string): void {
    if (this.#lastError === reason) return
    this.#lastError = reason
    this.#parts.log.warn('relay.not-listening', { reason })
  }

  #accept(transport: Transport): void {
    // A bound address does not keep the LAN out (weak host model): who comes from elsewhere is not even read.
    const cidr = this.#place?.cidr
    if (cidr && !isInSubnet(transport.remote, cidr)) transport.close(true)
    else this.#parts.onTransport(transport)
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  return error instanceof Error ? error.message : String(error)
}
