//! Verifier keys: the public half of what signs notes, under the name it signs for.
//!
//! Owns the C2SP signed-note text form `<name>+<key id>+<base64>`, the key id and the strict check of Ed25519 signatures
//! (`docs/spec/keys.md`). Does not know which key to trust: a pin or a genesis says that. Nothing here signs.

use crate::hash::{HEX_PAIRS, hex_digit};
use crate::note::is_name;
use crate::strict_base64;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// How a key signs; its byte in a verifier key and in what a key id is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Byte 0x01, a 32-byte key.
    Ed25519,
    /// Byte 0x04, a 32-byte key of a witness, which signs what it saw and when (C2SP tlog-cosignature).
    Ed25519Cosignature,
    /// Byte 0x06, a 1,312-byte key: recognised, and not checked by this version.
    MlDsa44,
}

impl KeyType {
    /// The byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            KeyType::Ed25519 => 0x01,
            KeyType::Ed25519Cosignature => 0x04,
            KeyType::MlDsa44 => 0x06,
        }
    }

    fn from_byte(byte: u8) -> Option<KeyType> {
        match byte {
            0x01 => Some(KeyType::Ed25519),
            0x04 => Some(KeyType::Ed25519Cosignature),
            0x06 => Some(KeyType::MlDsa44),
            _ => None,
        }
    }

    /// Bytes of a public key.
    fn public_bytes(self) -> usize {
        match self {
            KeyType::Ed25519 | KeyType::Ed25519Cosignature => 32,
            KeyType::MlDsa44 => 1_312,
        }
    }
}

/// Why a text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `<name>+<8 hex>+<base64>`.
    #[error("a verifier key has the form <name>+<8 hex digits>+<base64>")]
    Form,
    /// Not a type that can be here, or not the length of its type.
    #[error("the verifier key is of a type that is not known here")]
    Type,
    /// The key id belongs to another name or key: a letter is wrong, or the parts were put together from two keys.
    #[error("the key id of the verifier key does not fit its name and key")]
    Id,
}

/// A name and a public key that signs under it. Its text form is unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key_type: KeyType,
    /// As long as its type says.
    public: Vec<u8>,
}

impl VerifierKey {
    /// The Ed25519 key of a name, which for a log is its origin.
    #[must_use]
    pub fn ed25519(name: &str, public: [u8; 32]) -> VerifierKey {
        VerifierKey {
            name: name.into(),
            id: key_id(name, KeyType::Ed25519, &public),
            key_type: KeyType::Ed25519,
            public: public.into(),
        }
    }

    /// Reads the text form of a key that signs checkpoints. Whether the bytes are a point that can sign is judged with the first
    /// signature.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<VerifierKey, KeyError> {
        VerifierKey::parse_of(&[KeyType::Ed25519, KeyType::MlDsa44], text)
    }

    /// Reads the text form of a key that cosigns what others signed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse_cosigner(text: &str) -> Result<VerifierKey, KeyError> {
        VerifierKey::parse_of(&[KeyType::Ed25519Cosignature, KeyType::MlDsa44], text)
    }

    fn parse_of(types: &[KeyType], text: &str) -> Result<VerifierKey, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
        let id = parse_id(id)
            .filter(|_| is_name(name))
            .ok_or(KeyError::Form)?;
        let key = strict_base64::decode(key).ok_or(KeyError::Form)?;
        let (type_byte, public) = key.split_first().ok_or(KeyError::Form)?;
        let key_type = KeyType::from_byte(*type_byte)
            .filter(|key_type| types.contains(key_type) && key_type.public_bytes() == public.len())
            .ok_or(KeyError::Type)?;
        if key_id(name, key_type, public) != id {
            return Err(KeyError::Id);
        }
        Ok(VerifierKey {
            name: name.into(),
            id,
            key_type,
            public: public.into(),
        })
    }

    /// The name it signs under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes by which a signature line names it.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// How it signs.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The public key's bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Is this a good signature of the message? Always `false` for a type this version does not check.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.key_type {
            KeyType::Ed25519 | KeyType::Ed25519Cosignature => {
                verify_ed25519(&self.public, message, signature)
            }
            KeyType::MlDsa44 => false,
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = Vec::with_capacity(1 + self.public.len());
        key.push(self.key_type.byte());
        key.extend_from_slice(&self.public);
        write!(f, "{}+", self.name)?;
        for byte in self.id {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "+{}", strict_base64::encode(&key))
    }
}

/// The key id: SHA-256(name ‖ LF ‖ type ‖ public key)[0..4].
#[must_use]
pub fn key_id(name: &str, key_type: KeyType, public: &[u8]) -> [u8; 4] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', key_type.byte()])
        .chain_update(public)
        .finalize()
        .into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// Is this a good Ed25519 signature under this public key? S below L, canonical encodings, neither point of small order, and the
/// equation without the cofactor (`docs/spec/keys.md`).
#[must_use]
pub fn verify_ed25519(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(public), Ok(signature)) = (public.try_into(), Signature::from_slice(signature)) else {
        return false;
    };
    let Ok(key) = VerifyingKey::from_bytes(public) else {
        return false;
    };
    // The library compares R by its encoding, which refuses other encodings of the same point, but reads the key loosely.
    let canonical = key.to_edwards().compress().as_bytes() == public;
    canonical && key.verify_strict(message, &signature).is_ok()
}

/// Writes a key id as 8 hex characters.
#[must_use]
pub fn id_hex(id: [u8; 4]) -> String {
    id.iter()
        .filter_map(|byte| HEX_PAIRS.get(usize::from(*byte)))
        .flatten()
        .map(|digit| char::from(*digit))
        .collect()
}

fn parse_id(hex: &str) -> Option<[u8; 4]> {
    let hex: &[u8; 8] = hex.as_bytes().try_into().ok()?;
    let mut id = [0; 4];
    for (byte, pair) in id.iter_mut().zip(hex.chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = hex_digit(high)? << 4 | hex_digit(low)?;
    }
    Some(id)
}

#[cfg(test)]
mod tests;
