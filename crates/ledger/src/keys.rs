//! The keys of each log over time, read back from its genesis and its `key` records.
//!
//! What is read is what was committed; that a hinge is good, verifiers judge. Knows no secret.

use crate::books::{Books, Hinge, HingeNote, Log};
use crate::view::ReadError;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::{self, Hash};
use indelible_proof::key_event::KeyEvent;
use indelible_proof::key_set::KeySet;
use indelible_proof::note::Note;
use indelible_proof::tree::{consistency, inclusion};
use indelible_proof::walk;

/// A handing over of keys with all that proves it, as a walk tells it.
pub struct HingeProof {
    /// Tree size, one more than the seq of the `key` record.
    pub size: u64,
    /// The root that its note signs.
    pub root: Hash,
    /// The line of a walk, with its LF.
    pub line: Vec<u8>,
}

/// The keys that a log has since some record.
#[derive(Clone, Debug)]
pub struct LogKeys {
    /// The record that names them: 0 or a `key` record.
    pub seq: u64,
    /// Generation of the node secret; `None` for those of the genesis, which does not say.
    pub generation: Option<u64>,
    /// They came by recovery keys, without the old ones.
    pub is_recovery: bool,
    /// The keys.
    pub set: KeySet,
    /// The verifier keys as written.
    pub keys: Vec<String>,
    /// The recovery keys as written.
    pub recovery: (u64, Vec<String>),
    /// The batch key, in `_node`.
    pub batch_key: Option<[u8; 32]>,
}

impl Books {
    /// The keys that a log had, the genesis' first; the last are today's. A `key` record whose hinge is open counts.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn key_sets(&self, log: &Log) -> Result<Vec<LogKeys>, ReadError> {
        let mut sets = vec![self.genesis_keys(log)?];
        for seq in key_records(log) {
            sets.push(self.record_keys(log, seq)?);
        }
        Ok(sets)
    }

    /// The keys that a log has today.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn keys(&self, log: &Log) -> Result<LogKeys, ReadError> {
        match key_records(log).pop() {
            Some(seq) => self.record_keys(log, seq),
            None => self.genesis_keys(log),
        }
    }

    fn genesis_keys(&self, log: &Log) -> Result<LogKeys, ReadError> {
        let (_, event) = self
            .record(log, 0)?
            .content
            .ok_or_else(|| ReadError::no_genesis(log))?;
        let genesis = Genesis::parse(&event).ok_or_else(|| ReadError::no_genesis(log))?;
        Ok(LogKeys {
            seq: 0,
            generation: None,
            is_recovery: false,
            set: genesis.key_set(),
            keys: owned(&genesis.keys),
            recovery: (genesis.recovery.threshold, owned(&genesis.recovery.keys)),
            batch_key: genesis.batch_key,
        })
    }

    fn record_keys(&self, log: &Log, seq: u64) -> Result<LogKeys, ReadError> {
        let none = || ReadError::no_keys(log, seq);
        let (_, event) = self.record(log, seq)?.content.ok_or_else(none)?;
        let event = KeyEvent::parse(&event, log.origin()).ok_or_else(none)?;
        Ok(LogKeys {
            seq,
            generation: Some(event.generation),
            is_recovery: event.is_recovery,
            set: event.key_set(),
            keys: owned(&event.keys),
            recovery: (event.recovery.threshold, owned(&event.recovery.keys)),
            batch_key: event.batch_key,
        })
    }

    /// Does the log's last record name keys whose hinge is not durable?
    #[must_use]
    pub fn has_open_hinge(&self, log: &Log) -> bool {
        log.read().open_hinge.is_some()
    }

    /// Each handing over up to a size, as the lines of a walk. What is stored was compared: each proof leads from the hinge before.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn hinge_proofs(&self, log: &Log, size: u64) -> Result<Vec<HingeProof>, ReadError> {
        let hinges: Vec<Hinge> = log.read().hinges.clone();
        let (mut before, mut root_before) = (1, hash::leaf(&log.id()));
        let mut proofs = Vec::new();
        for hinge in hinges.iter().filter(|hinge| hinge.size <= size) {
            let seq = hinge.size - 1;
            let record = self.record(log, seq)?;
            let (salt, event) = record.content.ok_or_else(|| ReadError::no_keys(log, seq))?;
            let note = self.hinge_note(log, hinge)?;
            let root = root_of(&note).ok_or_else(|| ReadError::no_keys(log, seq))?;
            let leads = self.consistency_to(log, (before, &root_before), (hinge.size, &root))?;
            let inclusion = self.inclusion(log, seq, hinge.size)?;
            let leaf = hash::leaf(&hash::entry(&record.head));
            if !inclusion::verify(&leaf, seq, hinge.size, &inclusion, &root) {
                return Err(ReadError::unproven(log, seq));
            }
            let mut line = Vec::new();
            let record = (&record.head[..], &salt[..], &event[..]);
            walk::encode_hinge(&note, &leads, &inclusion, record, &mut line);
            (before, root_before) = (hinge.size, root);
            proofs.push(HingeProof {
                size: hinge.size,
                root,
                line,
            });
        }
        Ok(proofs)
    }

    /// The consistency proof between two trees that are known, compared with both of them.
    ///
    /// # Errors
    /// [`ReadError`], also if what is stored does not lead from the one to the other.
    pub fn consistency_to(
        &self,
        log: &Log,
        (from, from_root): (u64, &Hash),
        (to, to_root): (u64, &Hash),
    ) -> Result<Vec<Hash>, ReadError> {
        let proof = self.consistency(log, from, to)?;
        match consistency::verify(from, from_root, to, to_root, &proof) {
            true => Ok(proof),
            false => Err(ReadError::misled(log, from..to)),
        }
    }

    /// The text of a hinge's note.
    pub(crate) fn hinge_note(&self, log: &Log, hinge: &Hinge) -> Result<String, ReadError> {
        match &hinge.note {
            HingeNote::Text(text) => Ok(text.to_string()),
            HingeNote::Sealed { pack, at, length } => {
                let bytes = self.store().read_at(&pack.ent, *at, *length, false)?;
                String::from_utf8(bytes).map_err(|_| ReadError::no_keys(log, hinge.size - 1))
            }
        }
    }
}

/// The root that a note signs.
fn root_of(note: &str) -> Option<Hash> {
    let note = Note::parse(note.as_bytes()).ok()?;
    Some(Checkpoint::parse(note.text).ok()?.root)
}

/// Where `key` records of a log stand.
fn key_records(log: &Log) -> Vec<u64> {
    let state = log.read();
    let hinges = state.hinges.iter().map(|hinge| hinge.size - 1);
    hinges.chain(state.open_hinge).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
