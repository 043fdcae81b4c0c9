//! What recovery knows while it reads: first packs, then the tail, then the register.

use super::{RecoverError, Recovered, Torn, damaged, format_error};
use crate::batch_keys::BatchKeys;
use crate::books::{Books, HingeNote, Log, SignedNote};
use crate::format::batch::{HEADER_BYTES, signed_message};
use crate::format::frame::FrameScratch;
use crate::format::register::{Register, UNKNOWN_SIGNER};
use crate::resend::Known;
use crate::scan;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::key::verify_ed25519;
use indelible_proof::note::Note;
use indelible_proof::time::Time;
use std::collections::HashMap;
use std::sync::Arc;

/// A batch's header whose signature is still to be checked.
pub(super) struct SignedHeader {
    pub(super) number: u64,
    pub(super) header: [u8; HEADER_BYTES],
    pub(super) signature: [u8; 64],
    /// Where it lies, for messages.
    pub(super) place: String,
}

pub(super) struct Reading {
    pub(super) books: Books,
    pub(super) next: u64,
    pub(super) prev: Hash,
    pub(super) epoch: u64,
    pub(super) time: Option<Time>,
    /// Of the last batch of the tail that is not sealed.
    pub(super) writer: Option<[u8; 16]>,
    pub(super) signed_header: Vec<u8>,
    pub(super) tail_bytes: u64,
    pub(super) last_sealed: Option<u64>,
    pub(super) register: Option<Register>,
    /// Who signed which batch of the tail.
    pub(super) batch_keys: BatchKeys,
    pub(super) grown: HashMap<usize, Arc<Log>>,
    pub(super) torn: Option<Torn>,
    pub(super) orphans: Vec<String>,
    /// A pack with things that this version would not keep.
    pub(super) read_only: Option<String>,
    /// Headers of the tail whose signatures are checked together at the end.
    pub(super) signatures: Vec<SignedHeader>,
    pub(super) scratch: FrameScratch,
    /// Whoever only reads needs not know what may be sent twice.
    pub(super) for_writing: bool,
    pub(super) known: Known,
    /// Streams of packs up to this batch are known already.
    pub(super) streams_until: Option<u64>,
}

impl Reading {
    pub(super) fn new(books: Books, for_writing: bool) -> Reading {
        Reading {
            books,
            next: 0,
            prev: Hash::ZERO,
            epoch: 0,
            time: None,
            writer: None,
            signed_header: Vec::new(),
            tail_bytes: 0,
            last_sealed: None,
            register: None,
            batch_keys: BatchKeys::default(),
            grown: HashMap::new(),
            torn: None,
            orphans: Vec::new(),
            read_only: None,
            signatures: Vec::new(),
            scratch: FrameScratch::default(),
            for_writing,
            known: Known::default(),
            streams_until: None,
        }
    }

    pub(super) fn new_log(&self, id: Hash, origin: &str) -> Arc<Log> {
        let log = Arc::new(Log::new(self.books.next_index(), origin.to_owned()));
        log.id_or(id);
        self.books.add_log(&log);
        log
    }

    /// A note of ours that lies in a batch or a pack. Whether it is right, `scan` says; a note that names no size we have is ignored.
    pub(super) fn learn_note(&mut self, text: &[u8]) {
        let Some(log) = scan::note_log(&self.books, text) else {
            return;
        };
        let (Ok(note), Ok(text)) = (Note::parse(text), str::from_utf8(text)) else {
            return;
        };
        let Ok(checkpoint) = Checkpoint::parse(note.text) else {
            return;
        };
        let mut state = log.write();
        if checkpoint.size > state.size {
            return;
        }
        if state.open_hinge == checkpoint.size.checked_sub(1) && state.open_hinge.is_some() {
            state.add_hinge(checkpoint.size, HingeNote::Text(text.into()));
        }
        state.noted = state.noted.max(checkpoint.size);
        state.learn_note(SignedNote {
            size: checkpoint.size,
            root: checkpoint.root,
            text: text.to_owned(),
        });
        if state.noted == state.size {
            drop(state);
            self.grown.remove(&log.index());
        }
    }

    /// What the register remembers, before anything is read that it may contradict.
    pub(super) fn read_register(&mut self) -> Result<(), RecoverError> {
        let Some(bytes) = self.books.store().register_read()? else {
            return Ok(());
        };
        let register =
            Register::decode(&bytes).map_err(|error| format_error("register", 0, error))?;
        if register.header.store != self.books.store().describe().store_id {
            return Err(damaged("register", 0, "it belongs to another store"));
        }
        self.register = Some(register);
        Ok(())
    }

    /// Is this batch the one the register remembers, if it remembers that number?
    pub(super) fn compare_batch(&self, number: u64, digest: Hash) -> Result<(), RecoverError> {
        match &self.register {
            Some(register) if register.header.number == number && register.digest() != digest => {
                self.check_signed(register)?;
                Err(RecoverError::Forked(number))
            }
            _ => Ok(()),
        }
    }

    /// A register that anybody could have written says nothing about the store.
    fn check_signed(&self, register: &Register) -> Result<(), RecoverError> {
        let message = signed_message(&register.header.encode());
        let signed = |key: &[u8; 32]| verify_ed25519(key, &message, &register.signature);
        let mut keys = self.batch_keys.all().peekable();
        match keys.peek().is_none() || keys.any(signed) {
            true => Ok(()),
            false => Err(damaged("register", 0, UNKNOWN_SIGNER)),
        }
    }

    /// Does the store reach as far as the register remembers?
    pub(super) fn compare_end(&self) -> Result<(), RecoverError> {
        let Some(register) = &self.register else {
            return Ok(());
        };
        self.check_signed(register)?;
        let remembered = register.header.number;
        match &self.torn {
            Some(torn) if torn.number <= remembered => Err(damaged(
                &torn.place.file,
                torn.place.offset,
                &format!(
                    "batch {}, which was acknowledged (the register remembers batch {remembered}), is damaged: {}",
                    torn.number, torn.reason
                ),
            )),
            _ if remembered >= self.next => Err(RecoverError::RolledBack {
                remembered,
                held: self.next,
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Recovered {
        let mut unnoted: Vec<Arc<Log>> = self.grown.into_values().collect();
        unnoted.sort_by_key(|log| log.index());
        Recovered {
            books: self.books,
            next: self.next,
            prev: self.prev,
            epoch: self.epoch,
            time: self.time,
            signed_header: self.signed_header,
            tail_bytes: self.tail_bytes,
            last_sealed: self.last_sealed,
            register: self.register.map(|register| register.bytes),
            batch_keys: self.batch_keys,
            unnoted,
            torn: self.torn,
            orphans: self.orphans,
            read_only: self.read_only,
            known: self.known,
        }
    }
}
