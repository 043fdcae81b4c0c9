//! What happens after the commit, by whoever takes the answer: a receipt.
//!
//! The signature is made once for a size and shared; the inclusion proof comes from what is in memory.

use crate::books::{Books, Log, SignedNote};
use crate::view::ReadError;
use indelible_proof::receipt;

impl Books {
    /// The receipt of a record under a note that covers it: a C2SP `tlog-proof@v1`.
    ///
    /// # Errors
    /// [`ReadError::NoSuchRecord`] if the note's size does not cover `seq`.
    pub fn receipt(
        &self,
        log: &Log,
        seq: u64,
        head: &[u8],
        note: &SignedNote,
    ) -> Result<String, ReadError> {
        let proof = self.inclusion(log, seq, note.size)?;
        Ok(receipt::encode(head, seq, &proof, &note.text))
    }
}
