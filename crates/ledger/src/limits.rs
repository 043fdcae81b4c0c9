//! Every bound of the engine, with its reason. Bounds of the formats themselves stand in `indelible_proof::limits` and `format`.

use indelible_store::limits::{BLOCK, SLOT_HEADER};
use std::time::Duration;

/// A batch's bytes: what a disk takes in a few milliseconds, so that one commit never holds up the next caller for long.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// Records in a batch: bounds the work between two syncs and the length of one answer round.
pub const BATCH_RECORDS_MAX: usize = 65_536;
/// Logs in a batch: bounds the rows that a verifier holds.
pub const BATCH_LOGS_MAX: usize = 4_096;
/// Logs that a rotation takes in one batch: a key record takes about two kilobytes at most with eight recovery keys.
pub const ROTATE_LOGS_MAX: usize = 1_024;
/// What a batch of a rotation takes in the tail beside its records and notes: headers, and the block that it begins and does not fill.
pub const ROTATE_BATCH_BYTES: usize = 5 << 10;
/// What a log takes of a rotation in all, about: its key record, and hinges by the old keys and the new.
pub const ROTATE_LOG_BYTES: usize = 4 << 10;
/// Logs founded in one batch: a genesis takes as much as a key record, and its naming in `_node` 400 bytes more.
pub const CREATE_LOGS_MAX: usize = 1_024;
/// Notes published with one ordinary batch: signing costs about 20 µs each, and callers wait for it.
pub const BATCH_NOTES_MAX: usize = 32;
/// Notes in one mark: at most 562 B each (an origin twice, a root, a signature), so that a mark stays within a batch.
pub const MARK_NOTES_MAX: usize = 7_000;
/// Records that are recorded together or not at all: half a batch, so that any two groups can share one.
pub const GROUP_RECORDS_MAX: usize = BATCH_RECORDS_MAX / 2;
/// Bytes of such records, likewise.
pub const GROUP_BYTES_MAX: usize = BATCH_BYTES_MAX / 2;
/// Bytes waiting in the queue. Enough to fill several batches while one syncs; beyond it callers wait, then are refused.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes that a lane of the queue sends in its turn: a batch has room for the turns of sixty-four.
pub const LANE_QUANTUM: usize = 64 << 10;
/// Lanes that keep their place while they are empty: making one anew costs as much as ordering an event.
pub const LANES_KEPT: usize = 256;
/// How long a caller may wait for room in the queue before it is told *not recorded, safe to resend*.
pub const QUEUE_WAIT: Duration = Duration::from_secs(10);
/// Silence after which a mark is written, so that proofs need no secret and the end of the tail is signed.
pub const MARK_AFTER: Duration = Duration::from_millis(50);
/// How often a growing log's checkpoint is published in a batch.
pub const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How late the register may be.
pub const REGISTER_EVERY: Duration = Duration::from_secs(1);
/// Silence after which the writer looks whether its last batch is still there before it acknowledges anything: in a bucket a
/// deleted slot can be created again.
pub const REOPEN_AFTER_NANOS: u64 = 3_600_000_000_000;
/// Tail bytes that make a pack, if an operator sets nothing else: making one takes some 50 MB of memory.
pub const SEAL_BYTES: u64 = 64 << 20;
/// Batches come in a burst when they come as fast as this: sealing them meanwhile takes a good part of a processor from whoever commits.
pub const BURST_BYTES_A_SECOND: u64 = 32 << 20;
/// In a burst a pack is made of the tail only when it is as long as so many, or half as long as it may get: it takes the burst in, and
/// is sealed behind it. A start after a kill re-hashes it in 0.4 s where the disk gives it as fast.
pub const BURST_PACKS: u64 = 8;
/// How long a stop seals what a burst left, at most: a supervisor waits half a minute. The rest is found by the next start.
pub const SEAL_AT_STOP_MAX: Duration = Duration::from_secs(5);
/// Pause after a sealing that failed for want of something that may come back: space, a readable disk.
pub const SEAL_RETRY: Duration = Duration::from_secs(1);
/// Pause after a tail file that found no room on the disk: a try writes zeros up to where the disk is full.
pub const ROOM_RETRY: Duration = Duration::from_secs(5);
/// Kept of the last tail file, while the disk has no room for another, for what the node itself records: the name of a pack, whose
/// sealing makes room, a mark and a stop, a block of the tail each, and as much again for a mark with the notes of twenty logs.
pub const NODE_ROOM: usize = 24 << 10;
/// Room that is known of the tail below which the store is asked again: two batches, one that is being written and one that fills.
pub const ROOM_LOOK_BYTES: u64 = 8 << 20;
/// What a slot takes in a tail file beside its bytes, at most: its header, and what is left of its last block.
pub const SLOT_FRAMING_MAX: u64 = SLOT_HEADER + BLOCK;
/// A signed checkpoint of ours: an origin twice, a root, a signature, and the length before it.
pub const NOTE_BYTES_MAX: usize = 566;
/// Bytes of both files of a pack that merging makes: it is held in memory while it is made, and 10⁸ records of 450 bytes are some
/// fifty of them.
pub const MERGE_BYTES_MAX: u64 = 256 << 20;
/// Packs up to this are merged: a byte is copied a few times until its pack is larger, and then no more.
pub const MERGE_PART_BYTES_MAX: u64 = MERGE_BYTES_MAX / 4;
/// Fewer are not worth a copy.
pub const MERGE_PACKS_MIN: usize = 4;
/// More would make a record of `_node` long: each takes 120 bytes.
pub const MERGE_PACKS_MAX: usize = 256;
/// How often packs are merged that were merged before: by their sizes twice or three times.
pub const MERGE_DEPTH_MAX: usize = 16;
/// Tail bytes at which commits wait for sealing: memory holds 32 bytes for each unsealed record.
pub const TAIL_BYTES_MAX: u64 = 1 << 30;
/// A run never crosses a multiple of this, so that level-16 nodes and index units align with files.
pub const RUN_RECORDS: u64 = 65_536;
/// Records under one stored node (level 8).
pub const BLOCK_RECORDS: u64 = 256;
/// Notes kept of a run: one a minute and the closing one; a run that took a week would still be small.
pub const NOTE_EVERY_SECONDS: u64 = 60;
/// Parts of the memory for proofs, each behind a lock of its own: who proves for one log seldom waits for who proves for another.
pub const PROOF_CACHE_PARTS: usize = 8;
/// Roots of smaller subtrees than this are not remembered: of a full run's nodes each proof needs as many as it would have to compute
/// for one root of this width, which takes 25 µs.
pub const KEPT_WIDTH: u64 = 65_536;
/// Roots that a part remembers (about 60 B each): of larger perfect subtrees one log of 10⁸ records has 3,000, of blocks that begin in
/// one run and end in the next 1,500.
pub const NODE_CACHE_MAX: usize = 16_384;
/// Decoded blocks of 256 leaves that a part remembers (16 KiB each, 4 MiB in all parts).
pub const BLOCK_CACHE_MAX: usize = 32;
/// Logs of one node. Each costs two to three kilobytes of memory, and about a hundred bytes more for each of its sealed runs.
pub const LOGS_MAX: usize = 65_536;
/// Frame builders that are kept whatever their buffers hold: as many as a batch of a few busy logs needs.
pub const SPARE_BUILDERS: usize = 16;
/// Builders that are kept beside those where their buffers are small: for many logs that add a few records each. A log that adds one
/// record to a batch needs none.
pub const SMALL_BUILDERS: usize = 1_024;
/// What the buffers of such a builder may hold: all of them 4 MiB.
pub const SMALL_BUILDER_BYTES: usize = 4 << 10;
/// Buffers for whole batches that are kept: two batches are under way at once, and each has its body and what is not laid out yet.
pub const SPARE_BUFFERS: usize = 4;
/// What such a buffer holds at most: a batch and half of one, since buffers grow by doubling. One event may be larger than a batch.
pub const SPARE_BUFFER_BYTES_MAX: usize = BATCH_BYTES_MAX + BATCH_BYTES_MAX / 2;
/// Bytes of a log's frames that sealing lets wait before it goes over them together: all that a quiet log has in a pack.
pub const SEAL_WAITING_BYTES: usize = 32 << 10;
/// Frames on their way into a pack lie in pieces of this: a long run in many, many short runs in one.
pub const SEAL_PIECE_BYTES: usize = 1 << 20;
/// Logs of a pack that one thread closes alone: of fewer there is too little to compress and sign to share it.
pub const SEAL_ALONE_LOGS: usize = 1_024;
/// How often a reader begins again because a writer sealed meanwhile. A start takes milliseconds, filling a pack longer.
pub const READ_ATTEMPTS: usize = 64;
/// Threads that re-hash the tail at a start. Each holds a batch and one more waits for it: 4 MiB each at most.
pub const REHASH_THREADS_MAX: usize = 8;
/// Slots read ahead of the walk over the tail, beside the one that is being read: the two take about as long.
pub const READ_AHEAD_SLOTS: usize = 1;
/// Idempotency keys, the newest of a node, that are exact whatever they look like. In tables of some 19 bits each they take 140 MB.
pub const HORIZON_KEYS: u64 = 57_000_000;
/// How often the large table of keys is written anew while as many keys come as the horizon has: each time a few hundred milliseconds
/// of a processor, and between two of them a share more than the horizon is held.
pub const HORIZON_MERGES: u64 = 16;
/// The horizon's share of one class of keys, which is what memory knows of where a key lies: the more, the fewer packs a look on disk
/// reads. There are a few more than these, and at most 64.
pub const HORIZON_CLASSES: u64 = 56;
/// Keys of packs learned at once at a start: 8 MB of memory.
pub const LEARN_KEYS: u64 = 1 << 20;
/// Bytes of a file under `derived/` that holds keys, about: it is held in memory while it is written or read.
pub const DERIVED_FILE_BYTES: usize = 4 << 20;
/// How far before the node's time a key's birth may lie behind it: a producer whose clock runs ahead makes keys from the future.
pub const BIRTH_AHEAD_SECONDS: u64 = 86_400;
/// Bytes of events read back at once when many are sent again: a few frames, whatever is in them.
pub const FRAME_READ_BYTES_MAX: usize = 1 << 20;
/// How often a look for a key begins again because a pack was sealed meanwhile. Sealing takes longer than looking.
pub const LOOK_ATTEMPTS: usize = 64;
/// Names in one listing request to the store.
pub const LIST_PAGE: usize = 1_000;
/// Days past the last record that the wall clock may stand at a start without an operator's word.
pub const START_JUMP_DAYS: u64 = 30;
