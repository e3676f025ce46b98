/** A peer broke the protocol: its link is closed with GOAWAY(protocol). Never shown to people. */
import type { Feed } from './feeds.ts'

export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** A fault of a batch that whoever passes it on cannot see: only its origin is to blame for it on its own link. */
export class HiddenFault extends ProtocolError {
  readonly feed: Feed

  constructor(message: string, feed: Feed) {
    super(message)
    this.feed = feed
  }
}
