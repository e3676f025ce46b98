/** A QR code as the path of an SVG: no picture file, no script, sharp at every size. Encoding is `uqr`'s. */
import { encode } from 'uqr'

/** Quiet zone around the code (ISO/IEC 18004, 9.1: four modules). */
const BORDER = 4

type QrPath = { size: number; path: string }

/** One dark square per module, in units of modules. */
export function qrPath(text: string): QrPath {
  const { data, size } = encode(text, { ecc: 'M', border: BORDER })
  const squares = data.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])),
  )
  return { size, path: squares.join('') }
}
