/**
 * LINK_KEY, the frame that brings a caller with an older link key the newest one (docs/protocol.md, section 6):
 *   link key 32 | statement u16 + n | issuer certificate u16 + n
 * What follows is ignored: it belongs to later releases.
 */
import { Reader, Writer } from '../base/bytes.ts'
import { type IssuerCertificate, parseIssuerCertificate } from '../certificates/certificate.ts'
import {
  LINK_KEY_BYTES,
  type LinkKeyStatement,
  parseLinkKeyStatement,
} from '../certificates/link-key.ts'
import { decoded, FRAME, ProtocolClose } from './frames.ts'

type LinkKeyTold = { key: Uint8Array; statement: LinkKeyStatement; issuer: IssuerCertificate }

export function encodeLinkKey({ key, statement, issuer }: LinkKeyTold): Uint8Array {
  const writer = new Writer().bytes(key)
  for (const { bytes } of [statement, issuer]) writer.u16(bytes.length).bytes(bytes)
  return writer.done()
}

/** Throws ProtocolClose for what has not its form. Nothing in it is verified yet. */
export function decodeLinkKey(payload: Uint8Array): LinkKeyTold {
  return decoded(FRAME.LINK_KEY, () => {
    const from = new Reader(payload)
    const key = from.bytes(LINK_KEY_BYTES).slice()
    const statement = parseLinkKeyStatement(from.bytes(from.u16()))
    const issuer = parseIssuerCertificate(from.bytes(from.u16()))
    if (statement && issuer) return { key, statement, issuer }
    throw new ProtocolClose('bad-frame', 'The statement of a link key is malformed')
  })
}
