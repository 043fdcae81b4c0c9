//! The walk from a log's first keys to those of today, as exports and walk files carry it (`docs/spec/walk.md`).
//!
//! Promises that each proof in it was compared with the roots it lies between.

use crate::books::{Books, Log, SignedNote};
use crate::view::ReadError;
use indelible_proof::export::{encode_checkpoint, encode_end};
use indelible_proof::hash::{self, Hasher};
use indelible_proof::origin::Origin;
use indelible_proof::walk;
use std::cell::RefCell;

impl Books {
    /// The lines of a walk up to a note, each with its LF: the genesis, each hinge, and the proof from the last of them.
    ///
    /// # Errors
    /// [`ReadError`], or what `take` gives.
    pub fn walk<E: From<ReadError>>(
        &self,
        log: &Log,
        note: &SignedNote,
        take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let genesis = self.record(log, 0)?;
        let content = genesis.content.as_ref();
        let (salt, event) = content.ok_or_else(|| ReadError::no_genesis(log))?;
        let mut line = Vec::new();
        walk::encode_genesis(&genesis.head, salt, event, &mut line);
        take(&line)?;
        let hinges = self.hinge_proofs(log, note.size)?;
        hinges.iter().try_for_each(|hinge| take(&hinge.line))?;
        let first = (1, hash::leaf(&log.id()));
        let (last, root) = hinges
            .last()
            .map_or(first, |hinge| (hinge.size, hinge.root));
        let leads = self.consistency_to(log, (last, &root), (note.size, &note.root))?;
        line.clear();
        walk::encode_consistency(&leads, &mut line);
        take(&line)
    }

    /// A walk file, line by line.
    ///
    /// # Errors
    /// As [`Books::walk`].
    pub fn walk_file<E: From<ReadError>>(
        &self,
        log: &Log,
        note: &SignedNote,
        take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let origin = Origin::parse(log.origin()).ok_or_else(|| ReadError::no_genesis(log))?;
        let header = walk::Header {
            origin,
            id: log.id(),
            size: note.size,
        };
        let hasher = RefCell::new(Hasher::new());
        let mut line = Vec::new();
        header.encode(&mut line);
        let mut take = |line: &[u8]| {
            hasher.borrow_mut().update(line);
            take(line)
        };
        take(&line)?;
        self.walk(log, note, &mut take)?;
        line.clear();
        encode_checkpoint(&note.text, &mut line);
        take(&line)?;
        let digest = hasher.borrow().clone().finish();
        line.clear();
        encode_end(&digest, &mut line);
        take(&line)
    }
}
