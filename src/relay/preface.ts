/**
 * The 16 clear bytes with which an initiator begins, and the prologue that binds them into the handshake: whoever
 * changes a bit of them makes the handshake fail (Noise rev 34, section 14, "Rollback").
 *
 *   magic "BRL1" 4 | version u8 = 1 | suite u8 = 1 or 2 | flags u16 | psk_epoch u32 | reserved u32 = 0
 *   flags: bit0 JOIN (the last 8 bytes are then the invitation's join id), bit1 RENEW (only a renewal is asked for)
 */
import { concat, fromHex, hex, Reader, utf8, Writer } from '../base/bytes.ts'
import type { Suite } from './suites.ts'

export const PREFACE_BYTES = 16

const MAGIC = '42524c31' // "BRL1"
const VERSION = 1
const FLAG_JOIN = 0b1
const FLAG_RENEW = 0b10
const LINK_DOMAIN = 'branch-link/1\0'

export type Preface = { suite: Suite } & (
  | { kind: 'link' | 'renew'; epoch: number }
  | { kind: 'join'; joinId: string }
)

/** The bytes an initiator sends first. */
export function encodePreface(preface: Preface): Uint8Array {
  const writer = new Writer(PREFACE_BYTES).hex(MAGIC).u8(VERSION).u8(preface.suite)
  if (preface.kind === 'join') return writer.u16(FLAG_JOIN).hex(preface.joinId).done()
  return writer
    .u16(preface.kind === 'renew' ? FLAG_RENEW : 0)
    .u32(preface.epoch)
    .u32(0)
    .done()
}

/** What an initiator wants, or undefined: a stranger, or a version or suite nobody speaks here. */
export function decodePreface(bytes: Uint8Array): Preface | undefined {
  const reader = new Reader(bytes)
  if (reader.hex(4) !== MAGIC || reader.u8() !== VERSION) return undefined
  const suite = reader.u8()
  if (suite !== 1 && suite !== 2) return undefined
  const flags = reader.u16()
  if (flags === FLAG_JOIN) return { suite, kind: 'join', joinId: reader.hex(8) }
  if (flags !== 0 && flags !== FLAG_RENEW) return undefined
  const epoch = reader.u32()
  if (reader.u32() !== 0) return undefined
  return { suite, kind: flags === FLAG_RENEW ? 'renew' : 'link', epoch }
}

/** The Noise prologue, 62 bytes: domain, the preface as sent, the organisation's id. */
export function prologue(preface: Uint8Array, organisation: string): Uint8Array {
  return concat(utf8(LINK_DOMAIN), preface, fromHex(organisation))
}

/** A join id as text, the key of table `invitation`. */
export function joinIdText(joinId: Uint8Array): string {
  return hex(joinId)
}
