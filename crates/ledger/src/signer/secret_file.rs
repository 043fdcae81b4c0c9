//! The one line of a secret file: plain, or sealed under a passphrase (`docs/spec/keys.md`).
//!
//! Owns both forms. Where the file lies and who may read it is the caller's affair; salt and nonce come in.

use super::{FILE_LABEL, NodeSecret, NotASecret, parse_integer};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// RFC 9106, section 4, second recommended option: 64 MiB, three passes, four lanes.
const COST: Cost = Cost {
    memory: 65_536,
    passes: 3,
    lanes: 4,
};
/// What a reader is willing to spend: 1 GiB, 64 passes, 16 lanes.
const COST_MAX: Cost = Cost {
    memory: 1 << 20,
    passes: 64,
    lanes: 16,
};
const METHOD: &str = "argon2id";
/// A secret and its authentication tag.
const SEALED_BYTES: usize = 32 + 16;

/// What Argon2id takes: KiB of memory, passes, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// What a secret file holds.
pub enum SecretFile {
    /// The secret.
    Plain(NodeSecret),
    /// The secret under a passphrase.
    Sealed(SealedSecret),
}

/// A secret that a passphrase opens.
pub struct SealedSecret {
    generation: u64,
    cost: Cost,
    salt: [u8; 16],
    nonce: [u8; 24],
    sealed: [u8; SEALED_BYTES],
    /// The line up to and with the salt, which the seal covers.
    header: String,
}

/// The passphrase is another one, or the file was changed.
#[derive(Debug, thiserror::Error)]
#[error("the passphrase does not open the secret")]
pub struct WrongPassphrase;

impl SecretFile {
    /// Reads the line; one LF at its end is allowed.
    ///
    /// # Errors
    /// [`NotASecret`] for any other text.
    pub fn parse(text: &str) -> Result<SecretFile, NotASecret> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        if line.split(' ').nth(2) != Some(METHOD) {
            return NodeSecret::parse(text).map(SecretFile::Plain);
        }
        SealedSecret::parse(line)
            .map(SecretFile::Sealed)
            .ok_or(NotASecret)
    }
}

impl SealedSecret {
    fn parse(line: &str) -> Option<SealedSecret> {
        let parts: Vec<&str> = line.split(' ').collect();
        let [
            label,
            generation,
            _,
            memory,
            passes,
            lanes,
            salt,
            nonce,
            sealed,
        ] = *parts
        else {
            return None;
        };
        let cost = Cost {
            memory: u32::try_from(parse_integer(memory).ok()?).ok()?,
            passes: u32::try_from(parse_integer(passes).ok()?).ok()?,
            lanes: u32::try_from(parse_integer(lanes).ok()?).ok()?,
        };
        let within = cost.memory <= COST_MAX.memory
            && cost.passes <= COST_MAX.passes
            && cost.lanes <= COST_MAX.lanes;
        let end = line.len() - nonce.len() - sealed.len() - 2;
        (label == FILE_LABEL && within).then_some(SealedSecret {
            generation: parse_integer(generation).ok()?,
            cost,
            salt: from_hex(salt)?,
            nonce: from_hex(nonce)?,
            sealed: from_hex(sealed)?,
            header: line.get(..end)?.to_owned(),
        })
    }

    /// Which generation it is of.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What guessing one passphrase costs: KiB of memory, passes, lanes of Argon2id.
    #[must_use]
    pub fn cost(&self) -> (u32, u32, u32) {
        (self.cost.memory, self.cost.passes, self.cost.lanes)
    }

    /// Opens it. Takes a good part of a second and 64 MiB: that is what makes guessing dear.
    ///
    /// # Errors
    /// [`WrongPassphrase`].
    pub fn open(&self, passphrase: &[u8]) -> Result<NodeSecret, WrongPassphrase> {
        let cipher = cipher(self.cost, passphrase, &self.salt).ok_or(WrongPassphrase)?;
        let payload = Payload {
            msg: &self.sealed,
            aad: self.header.as_bytes(),
        };
        let opened = cipher.decrypt(&XNonce::from(self.nonce), payload);
        let secret = Zeroizing::new(opened.map_err(|_| WrongPassphrase)?);
        let secret: [u8; 32] = secret.as_slice().try_into().map_err(|_| WrongPassphrase)?;
        Ok(NodeSecret::of(self.generation, secret))
    }
}

impl NodeSecret {
    /// The line of a secret file under a passphrase.
    ///
    /// # Panics
    /// Never: the cost is a constant within Argon2's bounds.
    #[must_use]
    pub fn sealed_text(&self, passphrase: &[u8], salt: [u8; 16], nonce: [u8; 24]) -> String {
        let Cost {
            memory,
            passes,
            lanes,
        } = COST;
        let header = format!(
            "{FILE_LABEL} {} {METHOD} {memory} {passes} {lanes} {}",
            self.generation,
            hex(&salt)
        );
        let cipher = cipher(COST, passphrase, &salt).expect("Argon2 takes this cost");
        let payload = Payload {
            msg: self.secret.as_slice(),
            aad: header.as_bytes(),
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("32 bytes are within what the cipher takes");
        format!("{header} {} {}\n", hex(&nonce), hex(&sealed))
    }
}

fn cipher(cost: Cost, passphrase: &[u8], salt: &[u8]) -> Option<XChaCha20Poly1305> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, salt, key.as_mut_slice())
        .ok()?;
    XChaCha20Poly1305::new_from_slice(key.as_slice()).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly so many bytes in lower-case hex.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Vec<u8> = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cost that a test can pay a few hundred times.
    fn cheap(secret: &NodeSecret, passphrase: &[u8]) -> String {
        let cost = Cost {
            memory: 32,
            passes: 1,
            lanes: 1,
        };
        let header = format!(
            "{FILE_LABEL} {} {METHOD} 32 1 1 {}",
            secret.generation,
            hex(&[5; 16])
        );
        let payload = Payload {
            msg: secret.secret.as_slice(),
            aad: header.as_bytes(),
        };
        let sealed = cipher(cost, passphrase, &[5; 16]).unwrap();
        let sealed = sealed.encrypt(&XNonce::from([6; 24]), payload).unwrap();
        format!("{header} {} {}\n", hex(&[6; 24]), hex(&sealed))
    }

    fn sealed(text: &str) -> SealedSecret {
        match SecretFile::parse(text) {
            Ok(SecretFile::Sealed(sealed)) => sealed,
            _ => panic!("not a sealed secret: {text}"),
        }
    }

    #[test]
    fn a_sealed_secret_is_opened_by_its_passphrase_alone() {
        let secret = NodeSecret::of(3, [7; 32]);
        let text = secret.sealed_text(b"correct horse", [1; 16], [2; 24]);
        assert!(!text.contains(&hex(&[7; 32])));
        let read = sealed(&text);
        assert_eq!(read.generation(), 3);
        let opened = read.open(b"correct horse").unwrap();
        assert_eq!(*opened.file_text(), *secret.file_text());
        assert!(read.open(b"correct hors").is_err());
    }

    #[test]
    fn nothing_of_a_sealed_file_can_be_changed_unnoticed() {
        let text = cheap(&NodeSecret::of(3, [7; 32]), b"x");
        assert!(sealed(&text).open(b"x").is_ok());
        let line = text.trim_end();
        for at in 0..line.len() {
            for other in [b'0', b'1', b'f', b' ', b'A'] {
                let mut changed = line.as_bytes().to_vec();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap();
                let opens = match SecretFile::parse(&changed) {
                    Ok(SecretFile::Sealed(sealed)) if sealed.cost.memory <= 1_024 => {
                        sealed.open(b"x").is_ok()
                    }
                    Ok(SecretFile::Plain(_)) => true,
                    _ => false,
                };
                assert!(!opens, "{changed}");
            }
        }
    }

    #[test]
    fn a_cost_without_bound_is_refused_before_it_is_paid() {
        let text = cheap(&NodeSecret::new([7; 32]), b"x");
        for dear in [
            "1048577 1 1",
            "32 65 1",
            "32 1 17",
            "032 1 1",
            "4294967296 1 1",
        ] {
            let dear = text.replace("32 1 1", dear);
            assert!(SecretFile::parse(&dear).is_err(), "{dear}");
        }
    }
}
