/**
 * Every table and column, as TypeScript sees them: the only place for columns besides the migrations, which a test
 * holds against this file. Ids are hexadecimal text; times are Unix milliseconds; flags are 0 or 1.
 */
import type { Generated } from 'kysely'
import type { Hlc } from '../base/hlc.ts'
import type {
  BlobId,
  BranchId,
  ConversationId,
  EventId,
  FeedId,
  FileId,
  Incarnation,
  MessageId,
  PhotoHash,
  SignInId,
  UserId,
} from '../base/ids.ts'
import type { Millis } from '../base/units.ts'

type Flag = 0 | 1

/** Single values of this branch: `storeEpoch`, `selfBranchId`, `organisation`, `rootPublicKey`, `hlc` ... */
interface MetaTable {
  name: string
  value: string
}

/** Branches of the organisation, ourselves among them. */
interface BranchTable {
  n: Generated<number>
  id: BranchId
  name: string
  status: 'active' | 'retired'
  /** The signed BranchIdentity as received: proof for ever. */
  identity: Uint8Array
  signPublicKey: Uint8Array
  boxPublicKey: Uint8Array
  /** JSON list of `host:port` where its relay listens, from its own `branch.address` event. */
  addresses: string
  /** Clock value of that event; null: none came yet. */
  addressesHlc: Hlc | null
  /** When we last had a link to it; null: never. */
  heardAt: Millis | null
  /** When the link that is now missing was lost; null while linked or never linked. */
  lostAt: Millis | null
}

/** Issuer certificates of the organisation (root signs issuer, issuer signs branches). */
interface IssuerTable {
  serial: string
  branchId: BranchId
  certificate: Uint8Array
}

/** Branches that are none any more. */
interface RevocationTable {
  branchId: BranchId
  /** By its name in RFC 5280. */
  reason: string
  note: string
  revokedAt: Millis
  /** The signed Revocation as received. */
  statement: Uint8Array
  issuerSerial: string
}

/** Where other branches may be reached besides their own records. */
interface PeerAddressTable {
  address: string
  source: 'invitation' | 'setting'
  /** The branch first met there; null until met. */
  branchId: BranchId | null
}

/** Branches that have shown a stronger suite than the first (src/relay/peer-suites.ts). */
interface PeerSuiteTable {
  branchId: BranchId
  suite: number
  shownAt: Millis
}

/** Invitations made here. The psk is derived from the secret; the secret itself is not kept. */
interface InvitationTable {
  joinId: string
  /** Sealed to this branch's own box key: whoever has the database alone cannot join. */
  sealedPsk: Uint8Array
  branchName: string
  createdBy: UserId | null
  createdAt: Millis
  expiresAt: Millis
  redeemedAt: Millis | null
  /** Signing key of the branch that redeemed it: the same key asking again gets the same answer. */
  redeemedBy: Uint8Array | null
  /** JOIN_RES with zeros in the place of the link key, which is put in when it is given. */
  answer: Uint8Array | null
}

/** A single-writer sequence of events: (origin, incarnation, scope). docs/protocol.md. */
interface FeedTable {
  n: Generated<number>
  id: FeedId
  origin: BranchId
  incarnation: Incarnation
  scope: 'all' | 'to' | 'self'
  destination: BranchId | null
  /** FEED_OPEN as signed by the origin. */
  opening: Uint8Array
  /** The key bodies are sealed with, where we are origin or destination of a `to` feed. */
  bodyKey: Uint8Array | null
  openedAt: Hlc
  /** Lowest seq still held is floor + 1. */
  floor: number
  /** Highest seq held, contiguous: our cursor. */
  head: number
  /** Hash chain at `head`. */
  chain: Uint8Array
  /** Highest seq that stands in a signed batch; below `head` only inside a transaction. */
  batched: number
  /** Of mail that is carried for others: what its batches take here. */
  carriedBytes: Generated<number>
  /** The branch that brought the newest of it, where that was not its origin. */
  via: BranchId | null
  /** Up to there it was looked through for bodies that nobody needs any more. */
  prunedTo: Generated<number>
  /** Of records: the last seq that nobody must wait for behind mail. */
  urgentTo: Generated<number>
}

/** A batch of mail between two other branches, as its origin signed it: it is passed on, and cannot be read here. */
interface CarriedBatchTable {
  feedN: number
  firstSeq: number
  count: number
  bytes: Uint8Array
  arrivedAt: Millis
}

/** The newest ACKVEC of a branch about the mail of an origin. */
interface AckVectorTable {
  branchId: BranchId
  origin: BranchId
  hlc: Hlc
  bytes: Uint8Array
}

/** The newest HEAD of a feed of mail: how much of it there is, by its origin's signature. */
interface SignedHeadTable {
  feedId: FeedId
  origin: BranchId
  destination: BranchId
  seq: number
  hlc: Hlc
  bytes: Uint8Array
}

/** A signed run of a feed: what one group commit wrote to it. Event headers stand in `event`. */
interface BatchTable {
  feedN: number
  firstSeq: number
  count: number
  header: Uint8Array
  signature: Uint8Array
}

/** Up to where feeds of a revoked branch are believed; feedId '' stands for all that are not named. */
interface FeedCutTable {
  origin: BranchId
  feedId: FeedId | ''
  upTo: number
}

/** Which event stands at which seq. */
interface FeedEntryTable {
  feedN: number
  seq: number
  position: number
}

/** The event log: every event that concerns this branch, in order of arrival. */
interface EventTable {
  /** Order of arrival here; what streams and unread counts use. */
  position: Generated<number>
  /** branch.n of the origin. */
  originN: number
  /** Event id, 16 bytes; unique per origin. */
  id: Uint8Array
  kind: number
  hlc: Hlc
  arrivedAt: Millis
  state: 'applied' | 'parked' | 'refused' | 'erased'
  /** Why it is parked or refused, as a code. */
  reason: string | null
  /** EventHeader as signed. */
  header: Uint8Array
  /** salt16 + JSON body; null when erased. */
  body: Uint8Array | null
  conversationId: ConversationId | null
}

/** What a peer says it holds durably of a feed. */
interface PeerAckTable {
  feedN: number
  branchId: BranchId
  durable: number
  stable: number
  at: Millis
  /** The branch that carried it there; null: by direct link. */
  via: BranchId | null
}

/** History of `durable` per destination: when a seq became stored there, for the delivery story. */
interface StoredMarkTable {
  feedN: number
  branchId: BranchId
  upTo: number
  at: Millis
  via: BranchId | null
}

/** A copy of this database was made then, and may be put back until it expires. */
interface BackupMarkTable {
  id: Generated<number>
  madeAt: Millis
  expiresAt: Millis
}

/** What a copy holds of a feed; none: nothing. */
interface BackupPositionTable {
  markId: number
  feedN: number
  upTo: number
}

/** `evt.refused`: a branch stored an event of ours and will not apply it. Shows in the delivery story. */
interface RefusalTable {
  position: number
  branchId: BranchId
  /** A code, such as `malformed`. */
  reason: string
  at: Millis
}

/** People: the record of `user.put`, owned by the home branch, plus state other records decide. */
interface UserTable {
  id: UserId
  home: BranchId
  /** Lower case; unique within its home branch, never given away again. */
  login: string
  firstName: string
  lastName: string
  /** firstName and lastName, lower case, for finding. */
  searchName: string
  photo: PhotoHash | null
  post: string
  department: string
  phone: string
  room: string
  language: string | null
  theme: 'auto' | 'light' | 'dark'
  role: 'employee' | 'auditor' | 'branch-admin' | 'organisation-admin'
  /** role.grant in force: the highest (roleRev, roleHlc, roleBranch) wins. */
  roleRev: number
  roleHlc: Hlc
  roleBranch: BranchId
  rev: number
  hlc: Hlc
  /** user.block: (generation, blocked); block beats unblock in the same generation. */
  blockGeneration: number
  disabled: Flag
  createdAt: Millis
  /** When this branch made the person nobody (user.erase); null: not deleted. The login stays taken. */
  erasedAt: Generated<Millis | null>
  /** Name, login, department, post, phone and room in lower case, a line each; empty when deleted. */
  searchText: Generated<string>
  /** JSON: of own fields the clock value of the word that set each; null: none known. */
  asOf: Generated<string | null>
}

/** What guests of this branch want changed in their records, until their home branches have answered. */
interface WishTable {
  userId: UserId
  field: 'firstName' | 'lastName' | 'photo' | 'language' | 'theme'
  value: string | null
  hlc: Hlc
  /** Of the event that asks. */
  position: number
}

/** Every role that was ever given: who was an admin when, for what stands on it. */
interface RolePastTable {
  userId: UserId
  rev: number
  hlc: Hlc
  branchId: BranchId
  role: UserTable['role']
}

/** Every user.block: which of them count follows from all of them, and from roles. */
interface BlockRecordTable {
  userId: UserId
  generation: number
  blocked: Flag
  /** The branch that wrote it. */
  branchId: BranchId
  byId: UserId | null
  hlc: Hlc
}

/** The newest act of administrators of each kind with a person, for the receipts of branches. */
interface PersonActTable {
  userId: UserId
  kind: string
  eventId: EventId
  branchId: BranchId
  byId: UserId | null
  hlc: Hlc
}

/** Deleted people (user.erase). */
interface ErasureTable {
  userId: UserId
  eventId: EventId
  branchId: BranchId
  byId: UserId | null
  messages: 'keep' | 'erase'
  hlc: Hlc
  /** When this branch had destroyed all it had to; null: not yet. */
  doneAt: Millis | null
}

/** Texts of people who are not disabled, for the full-text tables `person_parts` and `person_words`. */
interface PersonTextTable {
  n: Generated<number>
  userId: UserId
  text: string
}

/** Branches that say they have erased a person. */
interface EraseDoneTable {
  userId: UserId
  branchId: BranchId
  at: Millis
}

/** People of this branch who ask to be deleted. Local: an administrator here decides. */
interface EraseRequestTable {
  userId: UserId
  at: Millis
}

/** What a password is checked against: salt and cost, and the public key its bcrypt output leads to. */
interface CredentialTable {
  userId: UserId
  epoch: number
  rev: number
  hlc: Hlc
  /** The branch that wrote it. */
  branchId: BranchId
  /** bcrypt salt string with version and cost: `$2b$10$` and 22 characters. */
  salt: string
  publicKey: Uint8Array
  mustChange: Flag
  /** The second factor, sealed under the password (src/accounts/factor-box.ts); null: there is none. */
  factor: Generated<Uint8Array | null>
  /** user.factor in force: the highest (factorN, factorHlc, factorBranch). */
  factorN: Generated<number>
  factorHlc: Generated<Hlc>
  factorBranch: Generated<string>
  /** One bit for each recovery code that was used. */
  factorUsed: Generated<number>
  /** JSON: the place of the credential that its writer knew; null: not said. */
  replaces: Generated<string | null>
}

/** A password that was set while another branch, cut off, set the one that holds; the last one of each person. */
interface PasswordLostTable {
  userId: UserId
  hlc: Hlc
  branchId: BranchId
  salt: string
  publicKey: Uint8Array
}

/** The newest time step whose code was taken here: no code serves twice at a branch (RFC 6238, 5.2). */
interface FactorStepTable {
  userId: UserId
  step: number
}

/** user.out: the sign-ins of a person at a branch that began before are over. */
interface SignInsEndedTable {
  userId: UserId
  branchId: BranchId
  hlc: Hlc
}

/**
 * Credentials that were replaced, or lost against a better one: a branch that was cut off may still bring what was
 * proved by them while they were in force.
 */
interface CredentialPastTable {
  userId: UserId
  epoch: number
  rev: number
  branchId: BranchId
  publicKey: Uint8Array
  hlc: Hlc
  replaces: Generated<string | null>
}

/** user.at: a person signed in at a branch that is not the home branch, proved by the credential's key. */
interface LocationTable {
  userId: UserId
  branchId: BranchId
  /** Of the credential that proved it, together with `rev`. */
  epoch: number
  rev: Generated<number>
  until: Millis
  hlc: Hlc
}

/** Sign-ins at this branch; local only, never replicated. */
interface SignInTable {
  id: SignInId
  /** SHA-256 of the token: the token itself is stored nowhere. */
  tokenHash: Uint8Array
  userId: UserId
  kind: 'browser' | 'api'
  device: string
  formToken: string
  createdAt: Millis
  usedAt: Millis
  expiresAt: Millis
  /** The machine it was made from; empty: not known. */
  address: Generated<string>
  /** Made at a terminal that several people share (src/accounts/terminals.ts). */
  shared: Generated<Flag>
  /** bcrypt salt and hash of the PIN that opens it again; null: only the password does. */
  pin: Generated<string | null>
  /** Wrong PINs and passwords since the last right one. */
  pinTries: Generated<number>
}

/** Photos as WebP; from other branches they are fetched after the record that names them. */
interface PhotoTable {
  hash: PhotoHash
  bytes: Uint8Array
}

/** When a person was last seen at a branch; leases live in memory. */
interface PresenceTable {
  userId: UserId
  branchId: BranchId
  lastSeenAt: Millis
}

/** What a person says of himself, the newest by (hlc, branchId). */
interface UserStatusTable {
  userId: UserId
  text: string
  until: Millis | null
  doNotDisturb: 0 | 1
  hlc: Hlc
  branchId: BranchId
}

/** Somebody in my list. */
interface ContactTable {
  ownerId: UserId
  contactId: UserId
  /** The place of the last decision among all. */
  hlc: Hlc
  /** When it was made: what was written from then on is newer. */
  since: Hlc
  removed: Flag
}

/** What a person decided about messages of another, each time; the latest one holds. */
interface ContactBlockTable {
  ownerId: UserId
  blockedId: UserId
  /** Its place among the decisions. */
  at: Hlc
  /** What was written from then on is judged by it. */
  since: Hlc
  isOn: Flag
}

/** What somebody hid from himself: of a chat, everything that a branch wrote up to that clock value. */
interface ClearedTable {
  ownerId: UserId
  conversationId: ConversationId
  origin: BranchId
  upTo: Hlc
}

/** A report to the auditors. */
interface ReportTable {
  id: string
  reporterId: UserId
  conversationId: ConversationId
  origin: BranchId
  at: Hlc
  /** What the chat was called. */
  title: string
  note: string
  /** How many messages belong to it. */
  count: number
}

/** A message of a report with its proof, as it stood in the event log. */
interface ReportItemTable {
  reportId: string
  n: number
  evidence: string
}

/** What auditors decided about a report, each time; the latest one holds. */
interface ReportNoteTable {
  reportId: string
  at: Hlc
  byId: UserId
  isClosed: Flag
  note: string
}

export interface ConversationTable {
  id: ConversationId
  kind: 'direct' | 'group'
  title: string
  /** Keeps the membership of a group; null for a direct chat, whose id follows from its two members. */
  home: BranchId | null
  term: number
  rev: number
  hlc: Hlc
  createdAt: Millis
  /** Newest message by timeline, for the order and preview of the list; null: none yet. */
  lastPosition: number | null
  lastTimeKey: Hlc | null
}

interface MembershipTable {
  conversationId: ConversationId
  userId: UserId
  role: 'owner' | 'member'
  joinedAt: Hlc
  leftAt: Hlc | null
  /** Position up to which all messages were read (here or elsewhere). */
  readPosition: number
  /** Position up to which all messages were on an open page. */
  shownPosition: number
  /** Of a guest: what is older may be here in part only, and is not shown. */
  wholeFrom: Generated<Hlc>
  /** Nothing above this in the timeline is shown to this member, who cleared it; empty: nothing was cleared. */
  shownFrom: Generated<string>
}

/** What a person saw at another of his branches, by the clock of who wrote it. */
interface SeenBeforeTable {
  userId: UserId
  conversationId: ConversationId
  origin: BranchId
  mark: 'shown' | 'read'
  upTo: Hlc
}

/** Of a guest's chat: a branch has sent what it wrote there since `wholeFrom`, for the stay that began then. */
interface HistoryPartTable {
  userId: UserId
  conversationId: ConversationId
  branchId: BranchId
  stay: Hlc
  wholeFrom: Hlc
}

/** Guests whose chats were erased here some time after they had left. */
interface ForgottenGuestTable {
  userId: UserId
  at: Millis
}

/** user.left: when a guest has left a branch for the last time. */
interface DepartureTable {
  userId: UserId
  branchId: BranchId
  hlc: Hlc
}

/** What somebody has begun to write. The highest (hlc, branchId) holds; an empty one is none. */
interface DraftTable {
  userId: UserId
  conversationId: ConversationId
  body: string
  hlc: Hlc
  branchId: BranchId
}

export interface MessageTable {
  /** The position of its event. */
  position: number
  id: MessageId
  conversationId: ConversationId
  authorId: UserId
  /** The branch where it was written. */
  origin: BranchId
  body: string
  sentAt: Millis
  arrivedAt: Millis
  /** hlc, at most 60 s after arrival: fixed at first apply. History is sorted by (timeKey, id). */
  timeKey: Hlc
  clientId: string | null
  /** 1: a later message was already here when it arrived. */
  late: Flag
  /** 1: of a direct chat, and the other one had blocked the author when it was written: he is not shown it. */
  refused: Generated<Flag>
  /** The latest decision to block that its branch knew, where clocks do not tell; else HLC_ZERO. */
  decided: Generated<Hlc>
  /** How many attachments it came with. */
  files: Generated<number>
}

/** Bytes by hash, as they are stored and sent. */
interface BlobTable {
  id: BlobId
  /** Bytes of the file itself. */
  size: number
  manifest: Uint8Array | null
  /** A bit for every chunk that is here; null unless some are. */
  have: Uint8Array | null
  state: BlobState
  addedAt: Millis
  openedAt: Millis
  /** Of the file itself, when it was made here. */
  sha256: string | null
  key: Uint8Array | null
  /** When somebody opened what was elsewhere: it is fetched until it is here. */
  wantedAt: Generated<Millis | null>
  /** Not asked for again. */
  refused: Generated<'too-large' | 'no-list' | null>
  /** What the scanner says; nobody asks where there is none. */
  verdict: Generated<BlobVerdict>
  /** What was found, or why nothing can be said. */
  threat: string | null
  scanTries: Generated<number>
  scannedAt: Millis | null
  /** Of the key it was opened with for the scanner. */
  scannedKey: Uint8Array | null
}

export type BlobState = 'here' | 'partial' | 'elsewhere'
type BlobVerdict = 'waiting' | 'clean' | 'infected' | 'failed'

/** What a branch takes of files, as it announced it itself. */
interface FileLimitTable {
  branchId: BranchId
  sizeMax: number
  hlc: Hlc
}

/** A file was taken out of its message. */
interface FileRemovalTable {
  fileId: FileId
  messageId: MessageId
  branchId: BranchId
  byId: UserId
  hlc: Hlc
  /** The bytes are gone from this branch. */
  doneAt: Millis | null
}

/** A branch has said so. */
interface FileRemovedTable {
  fileId: FileId
  branchId: BranchId
  at: Millis
}

/** What somebody uploaded and has not sent yet. */
export interface FileTable {
  id: FileId
  ownerId: UserId
  /** The id follows from the owner and it. */
  seed: Generated<string>
  name: string
  type: string
  /** Null until it is whole, when nobody said it. */
  size: number | null
  sizeMax: number
  key: Uint8Array
  addedAt: Millis
  changedAt: Millis
  /** Null: still arriving. */
  blobId: BlobId | null
  sha256: string | null
  width: number | null
  height: number | null
  thumbId: BlobId | null
  thumbKey: Uint8Array | null
}

/** A file in a message. */
interface AttachmentTable {
  id: FileId
  messageId: MessageId
  conversationId: ConversationId
  n: number
  /** The id follows from the author and it. */
  seed: Generated<string>
  blobId: BlobId
  /** Null once it was removed. */
  key: Uint8Array | null
  sha256: string
  size: number
  name: string
  type: string
  width: number | null
  height: number | null
  thumbId: BlobId | null
  thumbKey: Uint8Array | null
  /** Of its message. */
  timeKey: Hlc
  removedAt: Millis | null
}

/** History of read marks: all messages of `feedN` up to seq `upTo` (feedN 0: own branch, up to that position). */
interface SeenTable {
  conversationId: ConversationId
  userId: UserId
  feedN: number
  mark: 'shown' | 'read'
  upTo: number
  at: Millis
}

/** The newest tls.request of a branch: its intermediate's public key, and names its server is used by. */
interface TlsRequestTable {
  branchId: BranchId
  /** Uncompressed point of P-256. */
  publicPoint: Uint8Array
  /** JSON list. */
  names: string
  hlc: Hlc
}

/** The newest tls.issued for a branch. The root stands in meta `tlsRoot`. */
interface TlsCertificateTable {
  branchId: BranchId
  /** DER. */
  intermediate: Uint8Array
  /** JSON list: what was granted. */
  names: string
  /** Clock value of the request it answers. */
  answers: Hlc
  hlc: Hlc
}

/** What was done at this branch, for ever: append-only, each entry chained to the one before. */
interface AuditTable {
  /** From 1 on, without gaps. */
  n: number
  at: Millis
  action: string
  /** Who did it; null: an operator at the server, or nobody known. */
  userId: UserId | null
  /** As typed, of sign-ins that failed. */
  login: string | null
  /** Of the machine it came from; empty: none. */
  address: string
  /** Done at that branch and heard of here; null: done here. */
  branch: BranchId | null
  subjectKind: string | null
  subjectId: string | null
  /** Of a person the login; before release 0.2 the name of that time too. */
  subjectName: string | null
  /** JSON of what changed only. */
  before: string | null
  after: string | null
  /** SHA-256 over the hash before and all other columns. */
  hash: Uint8Array
}

/** Second factors of people of LDAP under a key of this branch: their passwords change elsewhere. */
interface LdapFactorTable {
  userId: UserId
  box: Uint8Array
}

/** What entries say of people and what goes with them; the entry holds a salted hash of it. */
interface AuditToldTable {
  n: number
  userId: UserId
  salt: Uint8Array
  /** JSON: before and after. */
  text: string
}

/** Anchors: how far a branch's audit log was at a time, as another branch holds it. */
interface AuditHeadTable {
  branchId: BranchId
  heldBy: BranchId
  number: number
  hash: Uint8Array
  /** By the clock of the branch whose log it is. */
  at: Millis
}

/** People of this branch whose passwords and records come from LDAP. */
interface LdapPersonTable {
  userId: UserId
  /** Of the block the nightly import made: only that one it takes back. */
  blockGeneration: number | null
}

/** What came of the last import from LDAP. */
interface LdapRunTable {
  id: 1
  at: Millis
  state: 'done' | 'stopped' | 'failed'
  counts: string
}

export interface Database {
  meta: MetaTable
  branch: BranchTable
  issuer: IssuerTable
  revocation: RevocationTable
  peer_address: PeerAddressTable
  peer_suite: PeerSuiteTable
  invitation: InvitationTable
  feed: FeedTable
  batch: BatchTable
  feed_cut: FeedCutTable
  carried_batch: CarriedBatchTable
  ack_vector: AckVectorTable
  signed_head: SignedHeadTable
  feed_entry: FeedEntryTable
  event: EventTable
  peer_ack: PeerAckTable
  stored_mark: StoredMarkTable
  backup_mark: BackupMarkTable
  backup_position: BackupPositionTable
  refusal: RefusalTable
  user: UserTable
  role_past: RolePastTable
  block_record: BlockRecordTable
  person_act: PersonActTable
  person_text: PersonTextTable
  wish: WishTable
  password_lost: PasswordLostTable
  erasure: ErasureTable
  erase_done: EraseDoneTable
  erase_request: EraseRequestTable
  credential: CredentialTable
  credential_past: CredentialPastTable
  location: LocationTable
  sign_in: SignInTable
  factor_step: FactorStepTable
  sign_ins_ended: SignInsEndedTable
  photo: PhotoTable
  presence: PresenceTable
  user_status: UserStatusTable
  contact: ContactTable
  contact_block: ContactBlockTable
  cleared: ClearedTable
  report: ReportTable
  report_item: ReportItemTable
  report_note: ReportNoteTable
  conversation: ConversationTable
  membership: MembershipTable
  message: MessageTable
  blob: BlobTable
  file: FileTable
  attachment: AttachmentTable
  file_limit: FileLimitTable
  file_removal: FileRemovalTable
  file_removed: FileRemovedTable
  seen: SeenTable
  seen_before: SeenBeforeTable
  history_part: HistoryPartTable
  forgotten_guest: ForgottenGuestTable
  departure: DepartureTable
  draft: DraftTable
  ldap_person: LdapPersonTable
  ldap_run: LdapRunTable
  tls_request: TlsRequestTable
  tls_certificate: TlsCertificateTable
  audit: AuditTable
  audit_told: AuditToldTable
  ldap_factor: LdapFactorTable
  audit_head: AuditHeadTable
}
