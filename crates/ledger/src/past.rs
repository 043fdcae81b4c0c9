//! What a log was before, under a checkpoint of today: between two sizes, and at a time (`docs/spec/prove.md`).
//!
//! No proof leaves before it was checked: what was read of the tree may not be what the log signed.

use crate::books::{Books, Log, SignedNote};
use crate::times::Side;
use crate::view::ReadError;
use indelible_proof::prove::{TreeHead, encode_consistency, encode_head_at};
use indelible_proof::time::Time;
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::verify_proof;

impl Books {
    /// That the log of size `from` is the beginning of the log of size `to`, and both of the note's.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoSuchRecord`] also if `from` is 0, or the sizes don't rise up to the note's.
    pub fn consistency_text(
        &self,
        log: &Log,
        from: u64,
        to: u64,
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        if from == 0 || from > to || to > note.size {
            return Err(ReadError::NoSuchRecord {
                log: log.name().to_owned(),
                seq: from.max(to).saturating_sub(1),
                size: note.size,
            });
        }
        let text = encode_consistency(
            &self.tree_head(log, from)?,
            &self.tree_head(log, to)?,
            &self.consistency(log, from, to)?,
            &self.consistency(log, to, note.size)?,
            &note.text,
        );
        checked(text, log, note)
    }

    /// Size and root of the log at a time by its own clock, with the heads of the two records beside that border.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn head_at_text(
        &self,
        log: &Log,
        time: &Time,
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        let size = self.size_at(log, time, Side::UpTo, note.size)?;
        let first = size.saturating_sub(1);
        let head = |seq| self.record(log, seq).map(|stored| stored.head);
        let before = (size > 0).then(|| head(first)).transpose()?;
        let after = (size < note.size).then(|| head(size)).transpose()?;
        let count = [&before, &after].into_iter().flatten().map(|_| 1).sum();
        let (left, right) = self.subtree(log, first, count, note.size)?;
        let text = encode_head_at(
            time,
            &self.tree_head(log, size)?,
            before.as_deref(),
            after.as_deref(),
            &[left, right].concat(),
            &note.text,
        );
        checked(text, log, note)
    }

    fn tree_head(&self, log: &Log, size: u64) -> Result<TreeHead, ReadError> {
        let root = self.root_at(log, size)?;
        Ok(TreeHead { size, root })
    }
}

fn checked(text: String, log: &Log, note: &SignedNote) -> Result<String, ReadError> {
    match verify_proof(text.as_bytes(), None).verdict.integrity {
        Integrity::Ok => Ok(text),
        _ => Err(ReadError::misled(log, 0..note.size)),
    }
}
