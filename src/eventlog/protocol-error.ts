/** A peer broke the protocol: its link is closed with GOAWAY(protocol). Never shown to people. */

export class ProtocolError extends Error {
  override name = 'ProtocolError'
}
