//! The node secret and the keys derived from it: one per log, one for batches.
//!
//! Knows how to derive and how to sign; never where the secret is kept. See `docs/spec/keys.md`.

mod secret_file;

pub use secret_file::{SealedSecret, SecretFile, WrongPassphrase};

use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use indelible_proof::key_set::is_recovery_name;
use indelible_proof::limits::INTEGER_MAX;
use indelible_proof::{checkpoint::Checkpoint, hash::Hash, key::VerifierKey, note};
use sha2::Sha256;
use zeroize::Zeroizing;

const LOG_KEY_LABEL: &[u8] = b"indelible log key v1\n";
const BATCH_KEY_LABEL: &[u8] = b"indelible batch key v1\n";
const ED25519: u8 = 0x01;
const FILE_LABEL: &str = "indelible-node-secret-v1";
const RECOVERY_LABEL: &str = "indelible-recovery-key-v1";

/// The one secret of a node. Wiped from memory when dropped.
pub struct NodeSecret {
    generation: u64,
    secret: Zeroizing<[u8; 32]>,
}

/// The text of a secret file is not what `docs/spec/keys.md` says.
#[derive(Debug, thiserror::Error)]
#[error("not a node secret: expected one line '{FILE_LABEL} <generation> <64 hex>'")]
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

    /// The secret that follows this one, from 32 random bytes.
    #[must_use]
    pub fn next(&self, secret: [u8; 32]) -> NodeSecret {
        NodeSecret::of(self.generation + 1, secret)
    }

    /// A generation's secret.
    #[must_use]
    pub fn of(generation: u64, secret: [u8; 32]) -> NodeSecret {
        NodeSecret {
            generation,
            secret: Zeroizing::new(secret),
        }
    }

    /// How many rotations brought it.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Reads the one line of a secret file.
    ///
    /// # Errors
    /// [`NotASecret`] for any other text.
    pub fn parse(text: &str) -> Result<NodeSecret, NotASecret> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let mut parts = line.split(' ');
        let (Some(FILE_LABEL), Some(generation), Some(hex), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotASecret);
        };
        let secret = Hash::from_hex(hex.as_bytes()).ok_or(NotASecret)?;
        Ok(NodeSecret::of(parse_integer(generation)?, secret.0))
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

/// A canonical integer below 2^53.
fn parse_integer(text: &str) -> Result<u64, NotASecret> {
    let generation: u64 = text.parse().map_err(|_| NotASecret)?;
    let is_canonical = generation.to_string() == text && generation <= INTEGER_MAX;
    is_canonical.then_some(generation).ok_or(NotASecret)
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
        let text = Checkpoint { origin, size, root }.encode();
        let mut note = text.clone();
        note.push('\n');
        self.sign_too(&text, &mut note);
        note
    }

    /// Adds this key's line to a note of that text.
    pub fn sign_too(&self, text: &str, note: &mut String) {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        note::sign_line(self.verifier.name(), self.verifier.id(), &signature, note);
    }
}

/// Signs the hinges of recoveries and nothing else. Kept by a person, apart from the node.
pub struct RecoveryKey {
    key: SigningKey,
    verifier: VerifierKey,
    seed: Zeroizing<[u8; 32]>,
}

/// The text of a recovery key file is not what `docs/spec/keys.md` says.
#[derive(Debug, thiserror::Error)]
#[error("not a recovery key: expected one line '{RECOVERY_LABEL} <name> <64 hex>'")]
pub struct NotARecoveryKey;

impl RecoveryKey {
    /// From 32 random bytes. `None`: the name is not one for a recovery key.
    #[must_use]
    pub fn new(name: &str, seed: [u8; 32]) -> Option<RecoveryKey> {
        if !is_recovery_name(name) {
            return None;
        }
        let key = SigningKey::from_bytes(&seed);
        let verifier = VerifierKey::ed25519(name, key.verifying_key().to_bytes());
        let seed = Zeroizing::new(seed);
        Some(RecoveryKey {
            key,
            verifier,
            seed,
        })
    }

    /// Reads the one line of a recovery key file.
    ///
    /// # Errors
    /// [`NotARecoveryKey`] for any other text.
    pub fn parse(text: &str) -> Result<RecoveryKey, NotARecoveryKey> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let mut parts = line.split(' ');
        let (Some(RECOVERY_LABEL), Some(name), Some(hex), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotARecoveryKey);
        };
        let seed = Hash::from_hex(hex.as_bytes()).ok_or(NotARecoveryKey)?;
        RecoveryKey::new(name, seed.0).ok_or(NotARecoveryKey)
    }

    /// The line of a recovery key file.
    #[must_use]
    pub fn file_text(&self) -> Zeroizing<String> {
        let name = self.verifier.name();
        Zeroizing::new(format!("{RECOVERY_LABEL} {name} {}\n", Hash(*self.seed)))
    }

    /// The public half, as a genesis names it.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Adds this key's line to a note of that text.
    pub fn sign_too(&self, text: &str, note: &mut String) {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        note::sign_line(self.verifier.name(), self.verifier.id(), &signature, note);
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
