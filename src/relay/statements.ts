/** Statements of trust in events: bytes of docs/protocol.md, section 6, in base64. */
import * as v from 'valibot'

/** Longer than any identity or issuer certificate in base64. */
const STATEMENT_CHARS_MAX = 1024

/** A statement as signed. */
export const statement = (charsMax: number = STATEMENT_CHARS_MAX) =>
  v.pipe(v.string(), v.base64(), v.maxLength(charsMax))

/** The issuer's certificate beside what it signed: the chain to the root is whole in one event. */
export const besideIssuer = { issuer: statement() }
