//! The register's content: header and signature of the last durable batch. See `docs/spec/batch.md`, *Register*.

use super::FormatError;
use super::batch::{BatchHeader, HEADER_BYTES, SIGNATURE_BYTES, header_digest};
use super::cursor::{Cursor, Layout};
use indelible_proof::hash::Hash;

/// Header and signature.
pub const REGISTER_BYTES: usize = HEADER_BYTES + SIGNATURE_BYTES;

/// Said of a register that is signed, if at all, by none of the batch keys that the store names. An older copy of a store does not know
/// the key that came after it.
pub(crate) const UNKNOWN_SIGNER: &str = "what it holds is signed by no key that this store names: the store is from before a change of keys, or the register is another's";

/// What the register remembers. The signature is not checked here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The decoded header.
    pub header: BatchHeader,
    /// By the batch key.
    pub signature: [u8; SIGNATURE_BYTES],
    /// The whole content, for the next comparison.
    pub bytes: Vec<u8>,
    digest: Hash,
}

impl Register {
    /// The content for a batch.
    #[must_use]
    pub fn encode(
        header: &[u8; HEADER_BYTES],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> [u8; REGISTER_BYTES] {
        Layout::new().put(header).put(signature).done()
    }

    /// Reads exactly 248 bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode(bytes: &[u8]) -> Result<Register, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let header_bytes = cursor.array()?;
        let header = BatchHeader::decode(header_bytes)?;
        let signature = *cursor.array()?;
        cursor.end()?;
        Ok(Register {
            header,
            signature,
            bytes: bytes.to_vec(),
            digest: header_digest(header_bytes),
        })
    }

    /// The batch's header digest.
    #[must_use]
    pub fn digest(&self) -> Hash {
        self.digest
    }
}
