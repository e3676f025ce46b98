/**
 * The secret keys of a branch, in small files below `keys/` that only their owner may read (the
 * disk door writes them 0600 in a folder 0700, whole or not at all). They are never in the
 * database, in a log or in a backup without a passphrase. Public keys are derived, never stored
 * beside their secret.
 */
import { equal, fromHex, fromUtf8, hex, utf8 } from '../base/bytes.ts'
import { asBranchId, type BranchId } from '../base/ids.ts'
import type { Millis } from '../base/units.ts'
import { branchIdOf } from './certificate.ts'
import { signingPublicKeyOf } from './signing.ts'
import { nodeX25519 } from './x25519.ts'

/** What this needs of the disk door; paths are relative to the data folder. */
type KeyDisk = {
  read(path: string): Uint8Array | undefined
  write(path: string, bytes: Uint8Array): void
  remove(path: string): void
}

export type KeyPair = { secretKey: Uint8Array; publicKey: Uint8Array }

/**
 * Who a branch is: its signing key (and so its id), the key its mail is sealed to, its link key
 * pair.
 */
export type BranchKeys = { branch: BranchId; sign: KeyPair; box: KeyPair; noise: KeyPair }

/** The organisation's link key (psk) of one epoch. */
export type LinkKey = { epoch: number; key: Uint8Array }
/**
 * `since`: when this branch learned it. `isForRevocation`: the ones before open no link any more. `issuer`: who drew
 * it, none for the first one. `below`: its issuer was revoked, and the key of that epoch ranks above it (link-key.ts).
 */
export type StoredLinkKey = LinkKey & {
  since: Millis
  isForRevocation?: boolean
  issuer?: BranchId
  below?: number
}

/** The root key was brought back at `from` and goes at `until`. */
type RootLoan = { from: Millis; until: Millis }

const KEY_BYTES = 32
const FOLDER = 'keys'
/**
 * The key in use and the one a renewal was asked for: a crash between the two must lose neither.
 */
const NOISE_KEYS_MAX = 2
/** A revocation a week for more than a year. */
const LINK_KEYS_MAX = 64

/** What else a branch needs to come back when its database is lost, and no secret. */
export type MembershipCard = {
  /** What it shows on links, as in HELLO (chain.ts). */
  chain: Uint8Array
  /** The other branches as signed, with the certificate of who signed it, and where they listen. */
  branches: { identity: Uint8Array; issuer: Uint8Array; addresses: string[] }[]
  /** Where others listen by settings and invitations. */
  addresses: { address: string; branch: BranchId | undefined }[]
}

/** The files of a branch by their names, as a bundle holds them. */
export type KeyBundle = Record<string, string>

/** In the order in which they are written. The root key has a file of its own (authority-file.ts). */
const BUNDLED = [
  ...['link', 'tls-root', 'tls', 'issuer', 'noise', 'box', 'sign', 'membership'],
] as const

/** A file that is not what this program wrote: keys are never guessed or made anew over it. */
export class KeyFileDamaged extends Error {
  override name = 'KeyFileDamaged'

  constructor(path: string, options?: ErrorOptions) {
    super(`Cannot read the key file ${path}: it is damaged`, options)
  }
}

/** A signing key pair (Ed25519), from 32 random bytes. */
export function signKeyPair(secretKey: Uint8Array): KeyPair {
  return { secretKey, publicKey: signingPublicKeyOf(secretKey) }
}

/** A key pair for links or sealed boxes (X25519), from 32 random bytes. */
export function x25519KeyPair(secretKey: Uint8Array): KeyPair {
  return { secretKey, publicKey: nodeX25519.publicKeyOf(secretKey) }
}

/** The keys of a branch that did not exist before. */
export function generateBranchKeys(randomBytes: (length: number) => Uint8Array): BranchKeys {
  return branchKeys({
    sign: randomBytes(KEY_BYTES),
    box: randomBytes(KEY_BYTES),
    noise: randomBytes(KEY_BYTES),
  })
}

function branchKeys(secrets: { sign: Uint8Array; box: Uint8Array; noise: Uint8Array }): BranchKeys {
  const sign = signKeyPair(secrets.sign)
  return {
    branch: branchIdOf(sign.publicKey),
    sign,
    box: x25519KeyPair(secrets.box),
    noise: x25519KeyPair(secrets.noise),
  }
}

/** The key files of one branch: each read is fresh, each write is durable when it returns. */
export function keyFiles(disk: KeyDisk) {
  const path = (name: string) => `${FOLDER}/${name}.json`
  const find = (name: string) => readSecrets(disk, path(name))
  const put = (name: string, secrets: readonly Uint8Array[]) =>
    disk.write(path(name), utf8(`${JSON.stringify({ [name]: secrets.map(hex) })}\n`))

  return {
    /**
     * The branch's own keys; undefined before its first start. `noise` is the newest key that was
     * put there.
     */
    findBranchKeys(): BranchKeys | undefined {
      const [sign, box, noise] = [find('sign')[0], find('box')[0], find('noise')[0]]
      if (!sign && !box && !noise) return undefined
      // Half a set is no reason to make another one: the branch's id hangs on it.
      if (!sign || !box || !noise)
        throw new KeyFileDamaged(path(sign ? (box ? 'noise' : 'box') : 'sign'))
      return branchKeys({ sign, box, noise })
    },
    saveBranchKeys(keys: BranchKeys): void {
      put('sign', [keys.sign.secretKey])
      put('box', [keys.box.secretKey])
      put('noise', [keys.noise.secretKey])
    },
    /** Keeps a new Noise key beside the one in use, before a certificate for it is asked for. */
    addNoiseKey(secretKey: Uint8Array): void {
      put('noise', [secretKey, ...find('noise')].slice(0, NOISE_KEYS_MAX))
    },
    /** Keeps these Noise keys and no other, the newest first: what was copied from here is of no use any more. */
    setNoiseKeys(secretKeys: readonly Uint8Array[]): void {
      put('noise', secretKeys.slice(0, NOISE_KEYS_MAX))
    },
    /** The Noise key that a certificate speaks of; undefined when it is not (or no longer) here. */
    findNoiseKey(publicKey: Uint8Array): KeyPair | undefined {
      const wanted = hex(publicKey)
      return find('noise')
        .map(x25519KeyPair)
        .find((pair) => hex(pair.publicKey) === wanted)
    },
    /** The issuer key of an issuing branch. */
    findIssuerKey: (): KeyPair | undefined => optional(find('issuer')[0]),
    saveIssuerKey: (pair: KeyPair): void => put('issuer', [pair.secretKey]),
    /** The root key, while it is still on this server. */
    findRootKey: (): KeyPair | undefined => optional(find('root')[0]),
    saveRootKey: (pair: KeyPair): void => put('root', [pair.secretKey]),
    /** Once it is kept elsewhere: issuers go on for a year without it. */
    removeRootKey(): void {
      disk.remove(path('root'))
      disk.remove(path('root-loan'))
    },
    /** The root key for a while: when it ends lies on the disk first, so no crash makes it stay. */
    lendRootKey(pair: KeyPair, loan: RootLoan): void {
      disk.write(path('root-loan'), utf8(`${JSON.stringify({ 'root-loan': [loan] })}\n`))
      put('root', [pair.secretKey])
    },
    /** For how long the root key is here; undefined: for good, or it is not here. Damaged: it is over. */
    findRootLoan: (): RootLoan | undefined => readLoan(disk, path('root-loan')),
    /** P-256 key of this branch's X.509 intermediate (src/tls). */
    findTlsKey: (): Uint8Array | undefined => find('tls')[0],
    saveTlsKey: (secretKey: Uint8Array): void => put('tls', [secretKey]),
    /** P-256 key of the organisation's X.509 root, while it is on this server; it is never sent. */
    findTlsRootKey: (): Uint8Array | undefined => find('tls-root')[0],
    saveTlsRootKey: (secretKey: Uint8Array): void => put('tls-root', [secretKey]),
    findCard: (): MembershipCard | undefined => readRows(disk, path('membership'), cardOf)[0],
    /** Written when it says something new alone. */
    saveCard({ chain, branches, addresses }: MembershipCard): void {
      const others = branches.map(({ identity, issuer, ...rest }) => {
        return { identity: identity.toBase64(), issuer: issuer.toBase64(), ...rest }
      })
      const rows = [{ chain: chain.toBase64(), branches: others, addresses }]
      const text = utf8(`${JSON.stringify({ membership: rows })}\n`)
      const before = disk.read(path('membership'))
      if (before === undefined || !equal(before, text)) disk.write(path('membership'), text)
    },
    /** All key files as they are, to be kept elsewhere. */
    bundle(): KeyBundle {
      const rows = BUNDLED.flatMap((name) => {
        const bytes = disk.read(path(name))
        return bytes === undefined ? [] : [[name, fromUtf8(bytes)] as const]
      })
      return Object.fromEntries(rows)
    },
    /** Writes the files of a bundle, the card last: before that they are not whole, and it can be done again. */
    unbundle(bundle: KeyBundle): void {
      for (const name of BUNDLED) {
        const text = bundle[name]
        if (text !== undefined) disk.write(path(name), utf8(text))
      }
    },
    /** All link keys known, in the order in which they were written: the newest first. */
    linkKeys: (): StoredLinkKey[] => readLinkKeys(disk, path('link')),
    /** Keeps one more beside those that `kept` lets stay, in its order, all in one write. */
    saveLinkKey(added: StoredLinkKey, kept: typeof newestFirst = newestFirst): void {
      const others = readLinkKeys(disk, path('link')).filter(({ epoch }) => epoch !== added.epoch)
      const rows = kept([added, ...others])
        .slice(0, LINK_KEYS_MAX)
        .map((row) => ({ ...row, key: hex(row.key) }))
      disk.write(path('link'), utf8(`${JSON.stringify({ link: rows })}\n`))
    },
  }
}

export type KeyFiles = ReturnType<typeof keyFiles>

function cardOf(row: unknown): MembershipCard {
  const { chain, branches, addresses } = row as Record<string, unknown>
  if (!Array.isArray(branches) || !Array.isArray(addresses)) throw new TypeError('lists')
  return {
    chain: Uint8Array.fromBase64(String(chain)),
    branches: branches.map((each: Record<string, unknown>) => ({
      identity: Uint8Array.fromBase64(String(each.identity)),
      issuer: Uint8Array.fromBase64(String(each.issuer)),
      addresses: Array.isArray(each.addresses) ? each.addresses.map(String) : [],
    })),
    addresses: addresses.map(({ address, branch }: Record<string, unknown>) => ({
      address: String(address),
      branch: branch === undefined ? undefined : asBranchId(String(branch)),
    })),
  }
}

function optional(secretKey: Uint8Array | undefined): KeyPair | undefined {
  return secretKey && signKeyPair(secretKey)
}

function readSecrets(disk: KeyDisk, path: string): Uint8Array[] {
  return readRows(disk, path, (row) => secretOf(row))
}

function readLinkKeys(disk: KeyDisk, path: string): StoredLinkKey[] {
  return readRows(disk, path, (row) => {
    const { epoch, key, since, isForRevocation, issuer, below } = row as Record<string, unknown>
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(since)) throw new TypeError('numbers')
    return {
      ...{ epoch: epoch as number, key: secretOf(key), since: since as number },
      ...(isForRevocation === true && { isForRevocation }),
      ...(issuer !== undefined && { issuer: asBranchId(String(issuer)) }),
      ...(Number.isSafeInteger(below) && { below: below as number }),
    }
  })
}

const newestFirst = (keys: readonly StoredLinkKey[]): readonly StoredLinkKey[] =>
  keys.toSorted((a, b) => b.epoch - a.epoch)

function readLoan(disk: KeyDisk, path: string): RootLoan | undefined {
  try {
    return readRows(disk, path, (row) => {
      const { from, until } = row as Record<string, unknown>
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(until)) throw new TypeError('times')
      return { from: from as number, until: until as number }
    })[0]
  } catch {
    return { from: 0, until: 0 }
  }
}

/** The rows of a key file: one list under the file's own name; none when the file is not there. */
function readRows<T>(disk: KeyDisk, path: string, rowOf: (row: unknown) => T): T[] {
  const bytes = disk.read(path)
  if (bytes === undefined) return []
  try {
    const whole = JSON.parse(fromUtf8(bytes)) as Record<string, unknown>
    const name = path.slice(FOLDER.length + 1, -'.json'.length)
    const rows = whole[name]
    if (!Array.isArray(rows)) throw new TypeError('no list')
    return rows.map(rowOf)
  } catch {
    // DANGER: a parser's message quotes what it read; the cause stays out of the error.
    throw new KeyFileDamaged(path)
  }
}

function secretOf(text: unknown): Uint8Array {
  const bytes = fromHex(String(text))
  if (bytes.length !== KEY_BYTES) throw new TypeError('length')
  return bytes
}
