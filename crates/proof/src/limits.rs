//! Every bound a verifier keeps, in one place, each with its reason. The page is `docs/spec/limits.md`.
//!
//! Bounds on bytes in memory are `usize`; bounds on numbers that a format writes are `u64`.

/// A head. A URI, a certificate digest and a key fit several times over, and everybody hashes heads.
pub const HEAD_BYTES_MAX: usize = 4_096;

/// A minified event unless the log says otherwise. Kubernetes, which writes the largest audit events known, caps objects at 1.5 MiB
/// and truncates audit events far below that.
pub const EVENT_BYTES_DEFAULT: usize = 1 << 20;

/// A minified event in any log. A verifier holds one event in memory.
pub const EVENT_BYTES_MAX: usize = 16 << 20;

/// An event as received: white space is removed while reading, so more than the event's own limit may arrive.
pub const EVENT_RECEIVED_BYTES_MAX: usize = 64 << 20;

/// Objects and arrays inside each other, the event itself counted. A recursive reader elsewhere must not overflow its stack.
pub const EVENT_DEPTH_MAX: usize = 64;

/// Members of one object. Equal names are found by sorting, so the bound keeps the time for one event small.
pub const EVENT_MEMBERS_MAX: usize = 10_000;

/// The bytes of a number in an event. Longer ones carry no meaning that any reader keeps.
pub const NUMBER_BYTES_MAX: usize = 128;

/// An integer in a head, a genesis or a verdict: 2^53 − 1, exact in every JSON reader (RFC 8259 §6).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// An origin. Leaves room in the one-byte length fields of C2SP (255) for what is put before it.
pub const ORIGIN_BYTES_MAX: usize = 200;

/// A log's name: what a file name and a DNS label take.
pub const LOG_NAME_BYTES_MAX: usize = 63;

/// A label or segment of a node origin, as in DNS (RFC 1035 §2.3.4).
pub const ORIGIN_PART_BYTES_MAX: usize = 63;

/// Each half of `via`, and `format`: words chosen by us, a few letters each.
pub const WORD_BYTES_MAX: usize = 32;

/// `src`, and `key` before its `#`: a UUID fits three times over.
pub const CLAIM_BYTES_MAX: usize = 128;

/// The number after `#` in `key` is below this: a batch has at most as many records.
pub const KEY_PART_END: u64 = 65_536;

/// Name and number lengths of the loose grammar by which a head of a later version is told from rubbish. 20 digits hold a 64-bit number.
pub const HEAD_NAME_BYTES_MAX: usize = 32;
/// See [`HEAD_NAME_BYTES_MAX`].
pub const HEAD_DIGITS_MAX: usize = 20;

/// Verifier keys in a genesis: two signature types during a change of both, with room.
pub const GENESIS_KEYS_MAX: usize = 8;

/// Recovery keys of a log: people who must be reached in an emergency.
pub const RECOVERY_KEYS_MAX: usize = 8;

/// A recovery key's name: a person's, or a department's.
pub const RECOVERY_NAME_BYTES_MAX: usize = 64;

/// Hinges in one walk: a rotation a week for twenty years.
pub const WALK_HINGES_MAX: usize = 1_024;

/// A walk file is read whole.
pub const WALK_FILE_BYTES_MAX: usize = 64 << 20;

/// A signed note: many post-quantum cosignatures (2,420 bytes each) fit.
pub const NOTE_BYTES_MAX: usize = 256 << 10;

/// A receipt. The largest note, head and proof take 265 KiB; what is longer is not worth looking at.
pub const RECEIPT_BYTES_MAX: usize = 512 << 10;

/// Records of one batch receipt: those of one batch. Whoever derives single receipts holds their entries in memory, 2 MiB.
pub const BATCH_RECEIPT_RECORDS_MAX: u64 = 65_536;

/// A policy, C2SP tlog-policy. Thousands of witnesses would fit; nobody has them.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// Lines of a policy. C2SP asks for 32 logs, witnesses and groups at least.
pub const POLICY_LINES_MAX: usize = 1_000;

/// A trust file: a pin and a policy.
pub const TRUST_BYTES_MAX: usize = POLICY_BYTES_MAX + (4 << 10);

/// A memory file: a checkpoint of each of tens of thousands of logs.
pub const MEMORY_BYTES_MAX: usize = 64 << 20;

/// Seconds by which the clocks of a log and its witnesses may differ before one contradicts the other. Ordinary machines keep well
/// within it; who backdates records by less gains nothing.
pub const WITNESS_CLOCK_SECS: u64 = 300;

/// Signature lines of a note. A log has a handful of witnesses; 64 keeps a hostile note cheap.
pub const NOTE_LINES_MAX: usize = 64;

/// Hashes in one inclusion, consistency or half of a subtree proof: tree sizes are below 2^63.
pub const PROOF_HASHES_MAX: usize = 63;

/// The largest tree: sizes are below 2^63, so that sums of two never overflow 64 bits.
pub const TREE_SIZE_MAX: u64 = (1 << 63) - 1;

/// One line of an export without its LF: one record of the largest size, its head, and what stands around them.
pub const EXPORT_LINE_BYTES_MAX: usize = EVENT_BYTES_MAX + (8 << 10);

/// An entries line stands after every so many records, at the tree's own borders, so that who verifies holds no more than one block.
pub const EXPORT_BLOCK_RECORDS: u64 = 256;

/// Seqs named in one verdict before only their count follows: a verdict is read by a person.
pub const VERDICT_SEQS_MAX: usize = 8;

/// The text of one axis in the node's record of a verdict: names a file, a log and eight seqs several times over.
pub const VERDICT_TEXT_BYTES_MAX: usize = 1_024;

/// Files of a directory of tiles that are named as damaged or missing before the rest is no longer looked at: a checkpoint may promise
/// 2^62 records, and nothing be there.
pub const TILES_FINDINGS_MAX: usize = 64;

/// Hashes in a full tile and entries in a full bundle: what C2SP tlog-tiles fixes.
pub const TILE_WIDTH: u64 = 256;
