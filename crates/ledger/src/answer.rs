//! What happens after the commit, by whoever takes the answer: a receipt.
//!
//! The signature is made once for a size and shared; the inclusion proof comes from what is in memory.

use crate::books::{Books, Log, SignedNote};
use crate::view::ReadError;
use indelible_proof::hash::{self, Hash};
use indelible_proof::tree::inclusion;
use indelible_proof::{batch_receipt, receipt};

impl Books {
    /// The receipt of a record under a note that covers it: a C2SP `tlog-proof@v1`.
    ///
    /// # Errors
    /// [`ReadError::NoSuchRecord`] if the note's size does not cover `seq`; [`ReadError::Damaged`] if what is stored does not lead from the
    /// head to the signed root.
    pub fn receipt(
        &self,
        log: &Log,
        seq: u64,
        head: &[u8],
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        let proof = self.inclusion(log, seq, note.size)?;
        // The proof is made of what lies on the disk: a receipt that would not verify is never handed out.
        let leaf = hash::leaf(&hash::entry(head));
        if !inclusion::verify(&leaf, seq, note.size, &proof, &note.root) {
            return Err(ReadError::unproven(log, seq));
        }
        Ok(receipt::encode(head, seq, &proof, &note.text))
    }

    /// That the log has some entry at `seq`, without its head: a `tlog-proof@v1` without extra data.
    ///
    /// # Errors
    /// As [`Books::receipt`].
    pub fn inclusion_text(
        &self,
        log: &Log,
        seq: u64,
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        let proof = self.inclusion(log, seq, note.size)?;
        let leaf = self.leaf(log, seq)?;
        match inclusion::verify(&leaf, seq, note.size, &proof, &note.root) {
            true => Ok(receipt::encode_without_head(seq, &proof, &note.text)),
            false => Err(ReadError::unproven(log, seq)),
        }
    }

    /// The hashes that lead from the entry at `seq` to the root of an earlier size, which begins the note's tree.
    ///
    /// # Errors
    /// As [`Books::receipt`].
    pub fn inclusion_before(
        &self,
        log: &Log,
        seq: u64,
        size: u64,
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        let (proof, root) = (self.inclusion(log, seq, size)?, self.root_at(log, size)?);
        let leaf = self.leaf(log, seq)?;
        if !inclusion::verify(&leaf, seq, size, &proof, &root) {
            return Err(ReadError::unproven(log, seq));
        }
        self.consistency_to(log, (size, &root), (note.size, &note.root))?;
        Ok(receipt::hash_lines(&proof))
    }

    fn leaf(&self, log: &Log, seq: u64) -> Result<Hash, ReadError> {
        let entries = self.entries(log, seq..seq + 1)?;
        let entry = entries
            .first()
            .ok_or_else(|| ReadError::unproven(log, seq))?;
        Ok(hash::leaf(entry))
    }

    /// One receipt for the `count` records from `first` on, under a note that covers them.
    ///
    /// # Errors
    /// As [`Books::receipt`].
    pub fn batch_receipt(
        &self,
        log: &Log,
        first: u64,
        count: u64,
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        let (left, right) = self.subtree(log, first, count, note.size)?;
        // What lies between the two sides comes from the same nodes: each leaf is hashed once for all batches of a commit.
        let root = self.span(log, first, count)?.root(note.size, &left, &right);
        if root != Some(note.root) {
            return Err(ReadError::unproven(log, first));
        }
        Ok(batch_receipt::encode(
            first, count, &left, &right, &note.text,
        ))
    }
}
