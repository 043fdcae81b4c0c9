//! Writes an export (`docs/spec/export.md`), some lines at a time: whoever asks for the next ones says when there is room for them.
//!
//! Promises that no record leaves that was not compared with its entry, and, unless damage is to be exported as found, that an export
//! is whole only if all entries lead to the signed root. What goes where the lines go is not known here.

use crate::books::{Books, Log, SignedNote};
use crate::proved::Anchor;
use crate::view::{ReadError, Stored};
use indelible_proof::export::{self, Content, Header};
use indelible_proof::hash::{self, Hash, Hasher};
use indelible_proof::origin::Origin;
use indelible_proof::tree::subtree::Span;
use std::ops::Range;
use std::sync::Arc;

/// Records of one step at most: of ordinary ones some hundred kilobytes.
const STEP_RECORDS: u64 = 1_024;
/// Bytes of records after which a step ends.
const STEP_BYTES: usize = 1 << 20;

/// What is handed out, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Heads alone: who and when, not what.
    pub heads: bool,
    /// Go on where records can't be read, and name them.
    pub as_found: bool,
    /// Hold all records of a step against the root before any of them leaves. Without it the last lines alone say whether they lead
    /// there, which is enough for a file that has no name before that.
    pub at_once: bool,
}

/// Why an export can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What was read of the tree is not what the log signed; the records of the export.
    #[error("the stored tree does not lead to the signed root")]
    Unrooted(Range<u64>),
}

impl ExportError {
    /// As a failed read of the log.
    #[must_use]
    pub fn of(self, log: &Log) -> ReadError {
        match self {
            ExportError::Read(error) => error,
            ExportError::Unrooted(seqs) => ReadError::misled(log, seqs),
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Header and walk.
    Front,
    /// The record due, or, after the last, what lies beside the range, and the checkpoint.
    Records(u64),
    /// The last line.
    End,
    /// Nothing: the export is whole.
    Nothing,
}

/// An export on its way.
pub struct Export {
    log: Arc<Log>,
    note: Arc<SignedNote>,
    seqs: Range<u64>,
    options: ExportOptions,
    part: Part,
    /// Entries whose line is not written yet.
    entries: Vec<Hash>,
    /// All entries as a tree: with what lies beside them they have to give the signed root.
    span: Span,
    hasher: Hasher,
    lost: u64,
}

impl Export {
    /// The records of a range, not empty, under a note that covers it.
    #[must_use]
    pub fn new(
        log: Arc<Log>,
        note: Arc<SignedNote>,
        seqs: Range<u64>,
        options: ExportOptions,
    ) -> Export {
        Export {
            log,
            note,
            span: Span::new(seqs.start),
            seqs,
            options,
            part: Part::Front,
            entries: Vec::new(),
            hasher: Hasher::new(),
            lost: 0,
        }
    }

    /// Records that could not be read, and are named.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether the last line was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.part == Part::Nothing
    }

    /// Appends the next lines, about a megabyte of them. Also where this fails, `out` has whole lines.
    ///
    /// # Errors
    /// [`ExportError`]; the export is not whole then, and a verifier of what was written sees that.
    pub fn step(&mut self, books: &Books, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let before = out.len();
        let done = match self.part {
            Part::Front => self.front(books, out),
            Part::Records(next) if next < self.seqs.end => self.records(books, next, out),
            Part::Records(_) => self.back(books, out),
            Part::End => {
                // Made of the digest of all lines before it.
                export::encode_end(&self.hasher.clone().finish(), out);
                self.part = Part::Nothing;
                Ok(())
            }
            Part::Nothing => Ok(()),
        };
        self.hasher.update(out.get(before..).unwrap_or_default());
        done
    }

    /// Header and walk.
    fn front(&mut self, books: &Books, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let origin = Origin::parse(self.log.origin());
        let header = Header {
            origin: origin.ok_or_else(|| ReadError::no_genesis(&self.log))?,
            id: self.log.id(),
            first: self.seqs.start,
            count: self.seqs.end - self.seqs.start,
            size: self.note.size,
            content: match self.options.heads {
                true => Content::Heads,
                false => Content::All,
            },
        };
        header.encode(out);
        books.walk::<ReadError>(&self.log, &self.note, &mut |line| {
            out.extend_from_slice(line);
            Ok(())
        })?;
        self.part = Part::Records(self.seqs.start);
        Ok(())
    }

    fn records(&mut self, books: &Books, next: u64, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let end = self.seqs.end.min(next + STEP_RECORDS);
        if self.options.as_found {
            return self.as_found(books, next..end, out);
        }
        let anchor = Anchor::from(&*self.note);
        let records = match self.options.at_once {
            true => books.proved(&self.log, next..end, anchor, STEP_BYTES)?,
            false => books.read_some(&self.log, next..end, STEP_BYTES)?,
        };
        for stored in &records {
            self.record(stored, hash::entry(&stored.head), out);
        }
        Ok(())
    }

    /// What can be read of a range, and the names of what can't.
    fn as_found(
        &mut self,
        books: &Books,
        seqs: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), ExportError> {
        let entries = books.entries(&self.log, seqs.clone())?;
        let entry = |seq: u64| {
            let place = usize::try_from(seq - seqs.start).unwrap_or(usize::MAX);
            entries.get(place).copied().unwrap_or(Hash::ZERO)
        };
        let log = Arc::clone(&self.log);
        let mut next = seqs.start;
        while next < seqs.end {
            let read = books.records(&log, next..seqs.end, &mut |stored| {
                self.record(&stored, entry(next), out);
                next += 1;
                Ok(())
            });
            match read {
                Ok(()) => {}
                Err(ReadError::Damaged { seqs: damaged, .. }) if damaged.contains(&next) => {
                    while next < damaged.end.min(seqs.end) {
                        export::encode_lost(next, out);
                        self.lost += 1;
                        self.after(next, entry(next), out);
                        next += 1;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn record(&mut self, stored: &Stored, entry: Hash, out: &mut Vec<u8>) {
        let content = stored.content.as_ref().filter(|_| !self.options.heads);
        let content = content.map(|(salt, event)| (&salt[..], &event[..]));
        export::encode_record(&stored.head, content, out);
        self.after(stored.seq, entry, out);
    }

    /// What follows a record: the entries, where they are due.
    fn after(&mut self, seq: u64, entry: Hash, out: &mut Vec<u8>) {
        self.span.push(hash::leaf(&entry));
        self.entries.push(entry);
        if export::entries_follow(seq, self.seqs.end - 1) {
            export::encode_entries(&self.entries, out);
            self.entries.clear();
        }
        self.part = Part::Records(seq + 1);
    }

    fn back(&mut self, books: &Books, out: &mut Vec<u8>) -> Result<(), ExportError> {
        let (count, size) = (self.seqs.end - self.seqs.start, self.note.size);
        let (left, right) = books.subtree(&self.log, self.seqs.start, count, size)?;
        let leads = self.span.root(size, &left, &right) == Some(self.note.root);
        if !leads && !self.options.as_found {
            return Err(ExportError::Unrooted(self.seqs.clone()));
        }
        export::encode_left(&left, out);
        export::encode_right(&right, out);
        export::encode_checkpoint(&self.note.text, out);
        self.part = Part::End;
        Ok(())
    }
}
