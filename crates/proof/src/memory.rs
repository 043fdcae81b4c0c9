//! What a verifier has seen: the newest checkpoint of each log that it believed, and what a later one has to do with it.
//!
//! Owns the memory file's form (`docs/spec/memory.md`) and the comparison. Knows no file: who keeps it makes it durable, and lets
//! nobody else write meanwhile.

use crate::checkpoint::Checkpoint;
use crate::export::{encode_checkpoint, parse_checkpoint};
use crate::hash::Hash;
use crate::key::VerifierKey;
use crate::limits::MEMORY_BYTES_MAX;
use crate::note::{Note, Signed};
use crate::prove::TreeHead;
use crate::verdict::{Consistency, Integrity};
use crate::verify::Report;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

const TITLE: &[u8] = b"indelible-memory-v1\n";

/// Signed notes by the origin of their log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    notes: BTreeMap<String, String>,
}

/// Why bytes are not a memory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// More than 64 MiB.
    #[error("the memory file is larger than 64 MiB")]
    TooLarge,
    /// A line, counted from 1.
    #[error("line {0} of the memory file has not its form")]
    Line(usize),
}

/// How the newest checkpoint and the remembered one are compared.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The keys that sign or signed for this log, as far as the evidence or a walk beside it shows.
    pub keys: &'a [VerifierKey],
    /// The new one.
    pub note: &'a str,
    /// Trees that the new one was shown to begin with.
    pub begins_with: &'a [TreeHead],
    /// Is a smaller size than the remembered one a step back? Not for a receipt, which stays as old as it is.
    pub is_current: bool,
}

/// The outcome, with what to tell beside the value of the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// For the verdict.
    pub consistency: Consistency,
    /// Why it could not be compared.
    pub why: Option<&'static str>,
    /// Of a fork of different sizes: the tree that the newer history has at the older size.
    pub other: Option<TreeHead>,
}

impl Memory {
    /// Reads a memory file.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn parse(bytes: &[u8]) -> Result<Memory, MemoryError> {
        if bytes.len() > MEMORY_BYTES_MAX {
            return Err(MemoryError::TooLarge);
        }
        let mut rest = bytes.strip_prefix(TITLE).ok_or(MemoryError::Line(1))?;
        let (mut notes, mut number) = (BTreeMap::new(), 1_usize);
        while !rest.is_empty() {
            number = number.saturating_add(1);
            let read = || {
                let (line, rest) = crate::find::split_after(b'\n', rest)?;
                let note = parse_checkpoint(line.strip_suffix(b"\n")?)?;
                let note = String::from_utf8(note).ok()?;
                let origin = head_of(&note)?.0;
                Some((origin, note, rest))
            };
            let (origin, note, after) = read().ok_or(MemoryError::Line(number))?;
            let is_next = notes
                .last_key_value()
                .is_none_or(|(last, _): (&String, _)| *last < origin);
            if !is_next {
                return Err(MemoryError::Line(number));
            }
            notes.insert(origin, note);
            rest = after;
        }
        Ok(Memory { notes })
    }

    /// Writes it. Every memory has one form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = TITLE.to_vec();
        for note in self.notes.values() {
            encode_checkpoint(note, &mut bytes);
        }
        bytes
    }

    /// The size and root remembered of a log.
    #[must_use]
    pub fn head(&self, origin: &str) -> Option<TreeHead> {
        head_of(self.notes.get(origin)?).map(|(_, head)| head)
    }

    /// The notes, by the origins of their logs.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.values().map(String::as_str)
    }

    /// How many logs it knows.
    #[must_use]
    pub fn logs(&self) -> usize {
        self.notes.len()
    }

    /// Remembers a checkpoint that was believed, if it is larger than the one remembered. `true`: something changed.
    pub fn learn(&mut self, note: &str) -> bool {
        let Some((origin, head)) = head_of(note) else {
            return false;
        };
        let is_larger = self.head(&origin).is_none_or(|old| old.size < head.size);
        if is_larger {
            self.notes.insert(origin, note.to_string());
        }
        is_larger
    }

    /// Brings what was seen before into a report on a file, which must have been judged by all else that is asked for. Of an export a
    /// smaller size is a step back.
    pub fn judge(&self, report: &mut Report, is_export: bool) -> Compared {
        let (verdict, checked) = (&mut report.verdict, &report.checked);
        if matches!(verdict.consistency, Consistency::Fork { .. }) {
            return plain(verdict.consistency.clone()); // A walk has shown it already.
        }
        let believed = checked.note.as_ref();
        let compared = match believed.filter(|_| verdict.authenticity.is_believed()) {
            None => unchecked("nothing in it is signed by whom you trust"),
            Some(note) => self.compare(&Seen {
                keys: &checked.believed,
                note,
                begins_with: match is_export || verdict.integrity == Integrity::Ok {
                    true => &checked.tree_heads,
                    false => &[],
                },
                is_current: is_export,
            }),
        };
        verdict.consistency = compared.consistency.clone();
        compared
    }

    /// Is this the history that was seen before? The new checkpoint must have been believed already.
    #[must_use]
    pub fn compare(&self, seen: &Seen<'_>) -> Compared {
        let Some((origin, new)) = head_of(seen.note) else {
            return unchecked("the checkpoint could not be read");
        };
        let Some(note) = self.notes.get(&origin) else {
            return plain(Consistency::Unchecked);
        };
        let Some((_, old)) = head_of(note) else {
            return unchecked("the remembered checkpoint can't be read");
        };
        if !is_signed(note, seen.keys) {
            return unchecked(
                "the remembered checkpoint is not signed by a key trusted now: if the log has others since or had others before, a walk shows them (--walk FILE)",
            );
        }
        let fork = || Consistency::Fork {
            one: note.clone(),
            other: seen.note.into(),
        };
        let at_old = match old.size == new.size {
            true => Some(new),
            false => seen
                .begins_with
                .iter()
                .copied()
                .find(|head| head.size == old.size),
        };
        match at_old {
            Some(head) if head.root == old.root => plain(Consistency::Ok),
            // Nobody signed what is here: that the signed tree is gone is all that can be shown.
            Some(_) if old.size > new.size => plain(Consistency::Rollback {
                newer: note.clone(),
            }),
            Some(head) => Compared {
                consistency: fork(),
                why: None,
                other: (old.size != new.size).then_some(head),
            },
            None if old.size > new.size && seen.is_current => plain(Consistency::Rollback {
                newer: note.clone(),
            }),
            None if old.size > new.size => unchecked(
                "it is older than what is remembered, and does not show that it leads there",
            ),
            None => unchecked("it does not show the tree of the remembered size"),
        }
    }
}

fn plain(consistency: Consistency) -> Compared {
    Compared {
        consistency,
        why: None,
        other: None,
    }
}

fn unchecked(why: &'static str) -> Compared {
    Compared {
        consistency: Consistency::UncheckedThoughAsked,
        why: Some(why),
        other: None,
    }
}

/// By one of the keys, and none of their lines is wrong.
fn is_signed(note: &str, keys: &[VerifierKey]) -> bool {
    let Ok(note) = Note::parse(note.as_bytes()) else {
        return false;
    };
    let mut signed = keys.iter().map(|key| note.verify(key));
    signed.clone().any(|line| line == Signed::Ok) && signed.all(|line| line != Signed::Invalid)
}

/// Origin, size and root of a signed note.
fn head_of(note: &str) -> Option<(String, TreeHead)> {
    let note = Note::parse(note.as_bytes()).ok()?;
    let Checkpoint { origin, size, root } = Checkpoint::parse(note.text).ok()?;
    let root: Hash = root;
    Some((origin.into(), TreeHead { size, root }))
}

#[cfg(test)]
mod tests;
