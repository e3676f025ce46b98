/**
 * A door to a network whose lines are slow, by the clock of a test. The system takes 64 KiB at once from whoever sends,
 * as kernels do: what stands there cannot be overtaken any more.
 */
import type { Millis } from '../../src/base/units.ts'
import type { Clock } from '../../src/world/clock.ts'
import type { Network, Transport } from '../../src/world/network.ts'

const KERNEL_BYTES = 64 * 1024

type Slowness = { clock: Clock; bytesPerMs: number; delayMs: Millis }

export function slowNetwork(network: Network, slowness: Slowness): Network {
  return {
    ...network,
    listen: (address, onTransport) =>
      network.listen(address, (transport) => onTransport(slowed(transport, slowness))),
    dial: async (address, timeoutMs) => slowed(await network.dial(address, timeoutMs), slowness),
  }
}

/** What is sent leaves byte by byte; what comes was slowed at the other end. */
function slowed(inner: Transport, { clock, bytesPerMs, delayMs }: Slowness): Transport {
  let freeAt = 0
  let held = 0
  const draining: (() => void)[] = []
  const waiting = () => Math.max(0, held - KERNEL_BYTES)
  const left = (bytes: number) => {
    held -= bytes
    if (waiting() === 0) for (const fn of draining.splice(0)) fn()
  }
  return {
    remote: inner.remote,
    get waiting() {
      return waiting()
    },
    send(bytes) {
      const copy = bytes.slice()
      held += copy.length
      freeAt = Math.max(clock.now(), freeAt) + copy.length / bytesPerMs
      clock.after(freeAt - clock.now(), () => left(copy.length))
      clock.after(freeAt - clock.now() + delayMs, () => inner.send(copy))
    },
    onBytes: (fn) => inner.onBytes(fn),
    onDrain(fn) {
      draining.push(fn)
      if (waiting() === 0) clock.soon(() => left(0))
    },
    onClose: (fn) => inner.onClose(fn),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: (hard) => inner.close(hard),
  }
}
