/**
 * What a listener with TLS shows. Either files of the operator, read again when they change, or a certificate of ours:
 * signed by itself until the organisation's intermediate is there, and from then on one below it, renewed at two thirds
 * of its life. Nothing of it is stored: a start makes a new one.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { AppError } from '../base/errors.ts'
import { DAY, HOUR, type Millis } from '../base/units.ts'
import type { ServerCertificate } from '../web/listen.ts'
import { type Cancel, type Clock, every } from '../world/clock.ts'
import type { Log } from '../world/log.ts'
import type { Random } from '../world/random.ts'
import { makeLeaf, makeSelfSigned, newTlsKey, type Signer } from './making.ts'
import { OWN_NAMES } from './names.ts'
import { type Der, fingerprintOf, keyPemOf, pemOf, type TlsKey, validityOf } from './x509.ts'

/** How often dates and files are looked at. */
const CARE_MS: Millis = HOUR
/** An operator who renews by hand wants to know in time. */
const LAPSES_SOON_MS: Millis = 14 * DAY

/** What people are told to trust: the organisation's root, or for the moment one certificate. */
export type Trust =
  | { kind: 'temporary'; fingerprint: string }
  | { kind: 'organisation'; fingerprint: string; root: Der }

export type ServedTls = {
  current(): ServerCertificate
  /** Tells of every new certificate; one listener. */
  onChange(fn: (certificate: ServerCertificate) => void): Cancel
  /** Undefined with files: their root is the operator's. */
  trust(): Trust | undefined
  stop(): void
}

/** What a branch got from the organisation. */
type Granted = {
  intermediate: Signer
  root: Der
  names: readonly string[]
  organisation: string
}

/** Certificates of ours; `grant` is called when the organisation's word is there. */
export type OwnTls = ServedTls & { grant(granted: Granted): void }

type Parts = { clock: Clock; random: Random; log: Log }

/** Starts with a certificate signed by itself, for these names. */
export function createOwnTls({ clock, random, log }: Parts, names: readonly string[]): OwnTls {
  const made = () => ({ now: clock.now(), randomBytes: random.bytes })
  let granted: Granted | undefined
  let listener: ((certificate: ServerCertificate) => void) | undefined
  const all = [...new Set([...names, ...OWN_NAMES])]

  const make = () => {
    const key = newTlsKey(random.bytes)
    const isGood = granted && validityOf(granted.intermediate.certificate).notAfter > clock.now()
    const shown = granted && isGood ? below(granted, key) : temporary(key)
    const { notBefore, notAfter } = validityOf(shown.certificate)
    return { ...shown, renewAt: notBefore + ((notAfter - notBefore) * 2) / 3 }
  }
  const temporary = (key: TlsKey) => {
    const subject = { organisation: '', name: 'Branchline, temporary' }
    const certificate = makeSelfSigned({ key, names: all, subject }, made())
    return { certificate, pem: { cert: pemOf(certificate), key: keyPemOf(key) } }
  }
  const below = ({ intermediate, names: given, organisation }: Granted, key: TlsKey) => {
    // No name of a host: old clients judge the common name too, by the constraints above it.
    const subject = { organisation, name: 'Branchline server' }
    const certificate = makeLeaf(intermediate, { key, names: given, subject }, made())
    const cert = pemOf(certificate) + pemOf(intermediate.certificate)
    return { certificate, pem: { cert, key: keyPemOf(key) } }
  }

  let served = make()
  const renew = () => {
    served = make()
    listener?.(served.pem)
    const { notAfter } = validityOf(served.certificate)
    log.info('tls.certificate-made', { temporary: granted === undefined, notAfter })
  }
  const care = () => {
    if (clock.now() >= served.renewAt) renew()
  }
  const cancel = every(clock, CARE_MS, care, (error) => log.error('tls.care-failed', { error }))
  return {
    current: () => served.pem,
    onChange(fn) {
      listener = fn
      return () => {
        listener = undefined
      }
    },
    trust: () =>
      granted
        ? { kind: 'organisation', fingerprint: fingerprintOf(granted.root), root: granted.root }
        : { kind: 'temporary', fingerprint: fingerprintOf(served.certificate) },
    grant(fresh) {
      granted = fresh
      renew()
    },
    stop: cancel,
  }
}

/** How files are read: bytes, undefined when there is none of that name; throws what the system says. */
type ReadFile = (path: string) => Uint8Array | undefined

/** Certificates from files; throws a sentence when they cannot serve. */
export function createFileTls(
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  { certificate, key, read }: { certificate: string; key: string; read: ReadFile },
): ServedTls {
  const load = () => certificateOf({ certificate, key, read })
  let served = load()
  let listener: ((certificate: ServerCertificate) => void) | undefined
  const care = () => {
    const fresh = load()
    if (fresh.cert !== served.cert || fresh.key !== served.key) {
      served = fresh
      listener?.(fresh)
      log.info('tls.files-read', {})
    }
    const notAfter = Date.parse(new X509Certificate(served.cert).validTo)
    if (notAfter - clock.now() < LAPSES_SOON_MS) log.warn('tls.files-lapse', { notAfter })
  }
  // Files are written one after the other: what does not fit together now may fit an hour later.
  const cancel = every(clock, CARE_MS, care, (error) => log.error('tls.files-unusable', { error }))
  return {
    current: () => served,
    onChange(fn) {
      listener = fn
      return () => {
        listener = undefined
      }
    },
    trust: () => undefined,
    stop: cancel,
  }
}

function certificateOf(of: {
  certificate: string
  key: string
  read: ReadFile
}): ServerCertificate {
  const cert = textOf(of.certificate, of.read)
  const keyPem = textOf(of.key, of.read)
  const parsed = attempt(() => new X509Certificate(cert))
  if (!parsed) throw unusable(`${of.certificate} holds no certificate in PEM`)
  const key = attempt(() => createPrivateKey(keyPem))
  if (!key) throw unusable(`${of.key} holds no private key in PEM, or one under a passphrase`)
  if (!parsed.checkPrivateKey(key)) {
    throw unusable(`the key in ${of.key} is not the one of the certificate in ${of.certificate}`)
  }
  return { cert, key: keyPem }
}

function textOf(path: string, read: ReadFile): string {
  const bytes = attempt(() => read(path))
  if (bytes === undefined) throw unusable(`cannot read ${path}`)
  return new TextDecoder().decode(bytes)
}

function unusable(reason: string): AppError {
  return new AppError('invalid-input', `--tls: ${reason}`)
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn()
  } catch {
    return undefined
  }
}
