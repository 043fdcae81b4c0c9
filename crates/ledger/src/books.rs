//! What is durable, in memory: the logs of a store, where their sealed runs and their tail lie, and their last signed notes.
//!
//! One [`Books`] serves the writer and all readers. It only grows: a size read once stays valid, so whoever remembers a size has a
//! consistent view. Memory holds 32 bytes for each unsealed record and about 200 for each sealed run, nothing for a sealed
//! record. Reading bytes is `view`'s, proving `prove`'s.

mod growth;
mod unsealed;

use crate::format::pack::{NoteView, PackHeader, Run, pack_names};
use crate::prove::ProofCache;
use crate::view::ReadError;
use growth::Growth;
pub use growth::Listening;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::Hash;
use indelible_proof::head;
use indelible_proof::node_event::PackId;
use indelible_proof::note::Note;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use indelible_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use unsealed::Unsealed;

/// A checkpoint of ours with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    /// Tree size.
    pub size: u64,
    /// Root at that size.
    pub root: Hash,
    /// The signed note.
    pub text: String,
}

/// Where a sealed run lies.
#[derive(Clone, Debug)]
pub struct RunPlace {
    pub(crate) pack: Arc<PackPlace>,
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Offsets in `.ent`.
    pub(crate) entries_at: u64,
    pub(crate) nodes_at: u64,
    pub(crate) frames_at: u64,
    pub(crate) frames: u32,
    /// Frames in `.rec`.
    pub(crate) rec_at: u64,
    pub(crate) rec_len: u64,
    /// Its parts of the sections *keys*, *streams* and *places* in `.ent`.
    pub(crate) keys_at: u64,
    pub(crate) keys: u32,
    pub(crate) streams_at: u64,
    pub(crate) streams_len: u32,
    pub(crate) places_at: u64,
    pub(crate) places: u32,
    /// Second of its last record.
    pub(crate) last_secs: u64,
}

impl RunPlace {
    pub(crate) fn end(&self) -> u64 {
        self.first + self.count
    }

    /// First aligned block wholly in the run, and how many there are.
    pub(crate) fn blocks(&self) -> std::ops::Range<u64> {
        self.first.div_ceil(256)..(self.end() / 256).max(self.first.div_ceil(256))
    }
}

/// The section *keys* of `.ent`, and the bytes of one of its tags.
const KEYS: usize = 6;
const KEY_BYTES_U64: u64 = 18;

/// A sealed pack's names.
#[derive(Debug, PartialEq, Eq)]
pub struct PackPlace {
    pub(crate) ent: String,
    pub(crate) rec: String,
    pub(crate) first_batch: u64,
    pub(crate) last_batch: u64,
    pub(crate) digest: Hash,
    pub(crate) bytes: u64,
    /// Where its key tags begin in `.ent`, and how many there are.
    pub(crate) keys_at: u64,
    pub(crate) keys: u64,
    pub(crate) keys_digest: Hash,
}

impl PackPlace {
    /// The pack with this header, whose two files have so many bytes.
    pub(crate) fn new(header: &PackHeader, bytes: u64) -> PackPlace {
        let (ent, rec) = pack_names(header.first, header.last);
        let keys = &header.sections[KEYS];
        PackPlace {
            ent,
            rec,
            first_batch: header.first,
            last_batch: header.last,
            digest: header.digest(),
            bytes,
            keys_at: keys.offset,
            keys: keys.length / KEY_BYTES_U64,
            keys_digest: keys.sha256,
        }
    }

    /// As records of `_node` name it.
    pub(crate) fn id(&self) -> PackId {
        PackId {
            first: self.first_batch,
            last: self.last_batch,
            ent: self.digest,
        }
    }
}

/// Records of one log in one unsealed batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) slot: u64,
    /// Where its frames lie in the slot's bytes.
    pub(crate) frames_at: u64,
    pub(crate) frames_len: u64,
}

/// The changing part of a log. Written by whoever committed a batch, recovered, or sealed.
#[derive(Debug)]
pub struct LogState {
    /// Durable records.
    pub(crate) size: u64,
    pub(crate) last_entry: Hash,
    pub(crate) frontier: Frontier,
    pub(crate) first_time: Option<Time>,
    pub(crate) last_time: Option<Time>,
    /// Sealed runs, ascending and contiguous from 0.
    pub(crate) runs: Vec<RunPlace>,
    /// First seq that is only in the tail.
    pub(crate) tail_first: u64,
    /// Where the sealed records end: the last entry and the tree's edge. The next sealing goes on from here without a look at packs.
    pub(crate) sealed: (Hash, Frontier),
    /// Entries from `tail_first` on.
    pub(crate) unsealed: Unsealed,
    pub(crate) segments: Vec<Segment>,
    /// The newest note known, durable itself or signed just now.
    pub(crate) note: Option<Arc<SignedNote>>,
    /// Size of the newest note that lies in a batch or pack.
    pub(crate) noted: u64,
    /// Where the log's keys were handed over, ascending.
    pub(crate) hinges: Vec<Hinge>,
    /// Seq of a `key` record at the log's end whose hinge is not durable yet: nothing may be recorded before it is.
    pub(crate) open_hinge: Option<u64>,
}

/// A handing over of a log's keys.
#[derive(Clone, Debug)]
pub(crate) struct Hinge {
    /// One more than the seq of its `key` record.
    pub(crate) size: u64,
    pub(crate) note: HingeNote,
}

/// Where a hinge's note is.
#[derive(Clone, Debug)]
pub(crate) enum HingeNote {
    /// In an unsealed batch.
    Text(Arc<str>),
    /// In a pack.
    Sealed {
        pack: Arc<PackPlace>,
        at: u64,
        length: usize,
    },
}

/// A log of this node.
#[derive(Debug)]
pub struct Log {
    index: usize,
    origin: String,
    name: String,
    head_start: Vec<u8>,
    /// Set at founding, or read from the genesis when first asked for.
    event_bytes_max: OnceLock<usize>,
    /// Set once: at recovery, or when record 0 was ordered.
    id: OnceLock<Hash>,
    state: RwLock<LogState>,
    growth: Growth,
}

impl Log {
    pub(crate) fn new(index: usize, origin: String) -> Log {
        let name = origin.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let mut head_start = Vec::new();
        head::encode_start(&origin, &mut head_start);
        let state = LogState {
            size: 0,
            last_entry: Hash::ZERO,
            frontier: Frontier::new(),
            first_time: None,
            last_time: None,
            runs: Vec::new(),
            tail_first: 0,
            sealed: (Hash::ZERO, Frontier::new()),
            unsealed: Unsealed::default(),
            segments: Vec::new(),
            note: None,
            noted: 0,
            hinges: Vec::new(),
            open_hinge: None,
        };
        Log {
            index,
            origin,
            name,
            head_start,
            event_bytes_max: OnceLock::new(),
            id: OnceLock::new(),
            state: RwLock::new(state),
            growth: Growth::default(),
        }
    }

    /// Position among the node's logs; stable while the node runs.
    #[must_use]
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The whole origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The short name an operator uses.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn set_event_bytes_max(&self, limit: usize) {
        self.event_bytes_max.get_or_init(|| limit);
    }

    /// `{"indelible":1,"log":"ORIGIN",`
    pub(crate) fn head_start(&self) -> &[u8] {
        &self.head_start
    }

    /// The log id: the entry of record 0.
    ///
    /// # Panics
    /// For a log whose record 0 was never ordered; such a log is not handed out.
    #[must_use]
    pub fn id(&self) -> Hash {
        *self
            .id
            .get()
            .expect("a log is handed out only after its record 0 was ordered")
    }

    /// The log id, or, if this is the batch that founds the log, `first_entry`.
    pub(crate) fn id_or(&self, first_entry: Hash) -> Hash {
        *self.id.get_or_init(|| first_entry)
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, LogState> {
        self.state
            .read()
            .expect("no thread panics while it holds a log's state")
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, LogState> {
        self.state
            .write()
            .expect("no thread panics while it holds a log's state")
    }

    /// Durable records now.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.read().size
    }

    /// Size and root of what is durable now.
    #[must_use]
    pub fn head(&self) -> (u64, Hash) {
        let state = self.read();
        (state.size, state.frontier.root())
    }

    /// The entry of the last durable record.
    #[must_use]
    pub fn last_entry(&self) -> Hash {
        self.read().last_entry
    }

    /// Times of the first and last durable record.
    #[must_use]
    pub fn times(&self) -> Option<(Time, Time)> {
        let state = self.read();
        state.first_time.zip(state.last_time)
    }

    /// The newest signed note known without a secret.
    #[must_use]
    pub fn note(&self) -> Option<Arc<SignedNote>> {
        self.read().note.clone()
    }

    /// Bytes of this log's frames, sealed and in the tail, and 32 for each entry.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        let state = self.read();
        let sealed: u64 = state
            .runs
            .iter()
            .map(|run| run.rec_len + run.count * 32)
            .sum();
        let tail: u64 = state
            .segments
            .iter()
            .map(|segment| segment.frames_len + segment.count * 32)
            .sum();
        sealed + tail
    }
}

impl LogState {
    /// A run that continues the log, found in a pack.
    pub(crate) fn add_run(&mut self, place: RunPlace, run: &Run) {
        self.size = place.end();
        self.last_entry = run.last_entry;
        self.frontier = run.frontier_after.clone();
        self.first_time = self.first_time.or(Some(run.first_time));
        self.last_time = Some(run.last_time);
        self.tail_first = place.end();
        self.sealed = (run.last_entry, run.frontier_after.clone());
        self.runs.push(place);
    }

    /// A run that holds what until now only the tail held.
    pub(crate) fn seal_run(&mut self, place: RunPlace, run: &Run) {
        let end = place.end();
        self.runs.push(place);
        self.sealed = (run.last_entry, run.frontier_after.clone());
        self.trim_tail(end);
    }

    /// Records of one batch, durable now.
    pub(crate) fn add_segment(
        &mut self,
        segment: Segment,
        entries: impl Iterator<Item = Hash>,
        frontier: Frontier,
        times: (Time, Time),
    ) {
        let mut last = self.last_entry;
        let entries = entries.inspect(|entry| last = *entry);
        self.unsealed.extend(segment.first, entries);
        self.last_entry = last;
        self.size = segment.first + segment.count;
        self.frontier = frontier;
        self.first_time = self.first_time.or(Some(times.0));
        self.last_time = Some(times.1);
        self.segments.push(segment);
    }

    /// A merged pack stands for others: the runs that lie in it, in place of those of its batches.
    pub(crate) fn replace_runs(&mut self, batches: (u64, u64), mut places: Vec<RunPlace>) {
        self.runs
            .retain(|run| run.pack.first_batch < batches.0 || batches.1 < run.pack.last_batch);
        self.runs.append(&mut places);
        self.runs.sort_unstable_by_key(|run| run.first);
    }

    /// After sealing: what lies below `end` is no longer needed from the tail.
    fn trim_tail(&mut self, end: u64) {
        self.unsealed.release(end);
        self.segments
            .retain(|segment| segment.first + segment.count > end);
        self.tail_first = self.tail_first.max(end);
    }

    /// Remembers a note if it is newer than the one known.
    pub(crate) fn learn_note(&mut self, note: SignedNote) {
        if self
            .note
            .as_ref()
            .is_none_or(|known| known.size < note.size)
        {
            self.note = Some(Arc::new(note));
        }
    }

    /// The size below which today's key signs nothing.
    pub(crate) fn last_hinge(&self) -> u64 {
        self.hinges.last().map_or(0, |hinge| hinge.size)
    }

    /// The hinge of that size.
    pub(crate) fn hinge(&self, size: u64) -> Option<&Hinge> {
        self.hinges.iter().find(|hinge| hinge.size == size)
    }

    pub(crate) fn has_hinge(&self, size: u64) -> bool {
        self.hinge(size).is_some()
    }

    /// A note of a pack that is marked as a hinge. `None`: it is no checkpoint.
    pub(crate) fn seal_hinge(&mut self, pack: &Arc<PackPlace>, note: &NoteView<'_>) -> Option<()> {
        let parsed = Note::parse(note.text).ok()?;
        let size = Checkpoint::parse(parsed.text).ok()?.size;
        let note = HingeNote::Sealed {
            pack: Arc::clone(pack),
            at: note.at,
            length: note.text.len(),
        };
        self.add_hinge(size, note);
        Some(())
    }

    /// A hinge became durable.
    pub(crate) fn add_hinge(&mut self, size: u64, note: HingeNote) {
        if self.last_hinge() < size {
            self.hinges.push(Hinge { size, note });
        } else if let Some(known) = self.hinges.iter_mut().find(|known| known.size == size) {
            known.note = note;
        }
        self.open_hinge = self.open_hinge.filter(|seq| seq + 1 != size);
    }

    /// The run that holds a sealed seq.
    pub(crate) fn run_of(&self, seq: u64) -> Option<&RunPlace> {
        let after = self.runs.partition_point(|run| run.first <= seq);
        self.runs
            .get(after.checked_sub(1)?)
            .filter(|run| seq < run.end())
    }

    /// The unsealed batch that holds a seq.
    pub(crate) fn segment_of(&self, seq: u64) -> Option<Segment> {
        let after = self
            .segments
            .partition_point(|segment| segment.first <= seq);
        self.segments
            .get(after.checked_sub(1)?)
            .copied()
            .filter(|segment| seq < segment.first + segment.count)
    }
}

/// The name of a node's own log.
pub const NODE_LOG: &str = "_node";

/// The logs, and two ways to find one.
#[derive(Default)]
struct Lists {
    all: Vec<Arc<Log>>,
    by_name: HashMap<String, Arc<Log>>,
    by_id: HashMap<Hash, Arc<Log>>,
}

/// All that is known of a store's contents.
pub struct Books {
    store: Arc<dyn Store>,
    logs: RwLock<Lists>,
    packs: Mutex<Vec<Arc<PackPlace>>>,
    /// What was computed for proofs, of all logs together.
    pub(crate) proofs: ProofCache,
}

impl Books {
    pub(crate) fn new(store: Arc<dyn Store>) -> Books {
        Books {
            store,
            logs: RwLock::default(),
            packs: Mutex::default(),
            proofs: ProofCache::default(),
        }
    }

    /// The store these books describe.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The same, to keep.
    pub(crate) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// Every log, in the order this process met them: as they were founded, or, of packs, by log id.
    #[must_use]
    pub fn logs(&self) -> Vec<Arc<Log>> {
        self.lists().all.clone()
    }

    /// The newest log of that name.
    #[must_use]
    pub fn log(&self, name: &str) -> Option<Arc<Log>> {
        self.lists().by_name.get(name).cloned()
    }

    fn lists(&self) -> RwLockReadGuard<'_, Lists> {
        self.logs
            .read()
            .expect("no thread panics while it holds the lists of logs")
    }

    /// A log's limit on a minified event, in bytes: from its genesis.
    ///
    /// # Errors
    /// [`ReadError`] if the genesis can't be read.
    pub fn event_bytes_max(&self, log: &Log) -> Result<usize, ReadError> {
        if let Some(limit) = log.event_bytes_max.get() {
            return Ok(*limit);
        }
        let limit = self.genesis(log, |genesis| usize::try_from(genesis.event_bytes).ok())?;
        Ok(*log.event_bytes_max.get_or_init(|| limit))
    }

    /// How many of the newest idempotency keys a log's genesis says are exact.
    pub(crate) fn key_horizon(&self, log: &Log) -> Result<u64, ReadError> {
        self.genesis(log, |genesis| Some(genesis.key_horizon))
    }

    fn genesis<T>(
        &self,
        log: &Log,
        read: impl FnOnce(&Genesis<'_>) -> Option<T>,
    ) -> Result<T, ReadError> {
        let stored = self.record(log, 0)?;
        let (_, event) = stored.content.ok_or_else(|| ReadError::no_genesis(log))?;
        let genesis = Genesis::parse(&event);
        let read = genesis.as_ref().and_then(read);
        read.ok_or_else(|| ReadError::no_genesis(log))
    }

    /// The log with that id.
    pub(crate) fn log_by_id(&self, id: &Hash) -> Option<Arc<Log>> {
        self.lists().by_id.get(id).cloned()
    }

    /// The node's own log.
    ///
    /// # Panics
    /// Before recovery found it; every store has one from batch 0.
    #[must_use]
    pub fn node_log(&self) -> Arc<Log> {
        self.log(NODE_LOG).expect("batch 0 founds the node's log")
    }

    pub(crate) fn next_index(&self) -> usize {
        self.lists().all.len()
    }

    /// Makes a log known whose record 0 was ordered.
    pub(crate) fn add_log(&self, log: &Arc<Log>) {
        let mut lists = self
            .logs
            .write()
            .expect("no thread panics while it holds the lists of logs");
        lists.all.push(Arc::clone(log));
        lists.by_name.insert(log.name.clone(), Arc::clone(log));
        lists.by_id.insert(log.id(), Arc::clone(log));
    }

    pub(crate) fn packs(&self) -> MutexGuard<'_, Vec<Arc<PackPlace>>> {
        self.packs
            .lock()
            .expect("no thread panics while it holds the list of packs")
    }
}
