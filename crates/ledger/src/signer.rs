//! The node secret and the keys derived from it: one per log, one for batches.
//!
//! Knows how to derive and how to sign; never where the secret is kept. See `docs/spec/keys.md`.

use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use indelible_proof::{checkpoint::Checkpoint, hash::Hash, key::VerifierKey, note};
use sha2::Sha256;
use zeroize::Zeroizing;

const LOG_KEY_LABEL: &[u8] = b"indelible log key v1\n";
const BATCH_KEY_LABEL: &[u8] = b"indelible batch key v1\n";
const ED25519: u8 = 0x01;
const FILE_LABEL: &str = "indelible-node-secret-v0";

/// The one secret of a node. Wiped from memory when dropped.
pub struct NodeSecret {
    generation: u32,
    secret: Zeroizing<[u8; 32]>,
}

/// The text of a secret file is not what `docs/spec/keys.md` says.
#[derive(Debug, thiserror::Error)]
#[error("not a node secret: expected one line '{FILE_LABEL} 0 <64 hex>'")]
pub struct NotASecret;

impl NodeSecret {
    /// Generation 0 from 32 random bytes.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> NodeSecret {
        NodeSecret {
            generation: 0,
            secret: Zeroizing::new(secret),
        }
    }

    /// Reads the one line of a secret file.
    ///
    /// # Errors
    /// [`NotASecret`] for any other text.
    pub fn parse(text: &str) -> Result<NodeSecret, NotASecret> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let mut parts = line.split(' ');
        let (Some(FILE_LABEL), Some("0"), Some(hex), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotASecret);
        };
        Ok(NodeSecret::new(
            Hash::from_hex(hex.as_bytes()).ok_or(NotASecret)?.0,
        ))
    }

    /// The line of a secret file.
    #[must_use]
    pub fn file_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "{FILE_LABEL} {} {}\n",
            self.generation,
            Hash(*self.secret)
        ))
    }

    /// The key that signs the checkpoints of one log.
    #[must_use]
    pub fn log_key(&self, origin: &str) -> LogKey {
        let length = u32::try_from(origin.len()).expect("an origin has at most 200 bytes");
        let key = self.derive(&[
            LOG_KEY_LABEL,
            &length.to_be_bytes(),
            origin.as_bytes(),
            &[ED25519],
        ]);
        let verifier = VerifierKey::ed25519(origin, key.verifying_key().to_bytes());
        LogKey { key, verifier }
    }

    /// The key that signs batch headers of one store.
    #[must_use]
    pub fn batch_key(&self, store: &[u8; 16]) -> BatchKey {
        BatchKey(self.derive(&[BATCH_KEY_LABEL, store, &[ED25519]]))
    }

    fn derive(&self, info: &[&[u8]]) -> SigningKey {
        let mut seed = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.secret.as_slice())
            .expand_multi_info(info, seed.as_mut_slice())
            .expect("32 bytes are within what HKDF-SHA-256 gives");
        SigningKey::from_bytes(&seed)
    }
}

/// Signs checkpoints of one log and nothing else.
pub struct LogKey {
    key: SigningKey,
    verifier: VerifierKey,
}

impl LogKey {
    /// The public half, as verifiers keep it.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signed note of (size, root). The caller vouches that these records are durable.
    #[must_use]
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let origin = self.verifier.name();
        let mut text = Checkpoint { origin, size, root }.encode();
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        text.push('\n');
        note::sign_line(origin, self.verifier.id(), &signature, &mut text);
        text
    }
}

/// Signs batch headers and nothing else.
pub struct BatchKey(SigningKey);

impl BatchKey {
    /// The public half, as `_node`'s genesis names it.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The signature over a batch header's message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}
