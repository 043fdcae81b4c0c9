//! Signed notes (C2SP signed-note): a text and the lines of those who signed it.
//!
//! Owns the strict grammar of `docs/spec/checkpoint.md`, *Signed note*. A note that was read has a good form and nothing more; what
//! it says is worth something only after [`Note::verify`] under a key one trusts. Does not know what the text says.

use crate::key::{KeyType, VerifierKey};
use crate::limits::{NOTE_BYTES_MAX, NOTE_LINES_MAX};
use crate::strict_base64;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a signature line begins with: U+2014 and a space.
const LINE_START: &str = "\u{2014} ";

/// Bytes of a line's base64 before the signature itself.
const KEY_ID_BYTES: usize = 4;

/// A timestamp and an ML-DSA-44 signature (C2SP tlog-cosignature, type 0x06), as they follow a key id.
const ML_DSA_44_COSIGNATURE_BYTES: usize = 8 + 2_420;

/// A note of good form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// What is signed, with its last LF.
    pub text: &'a str,
    /// One to 64, no two with the same name and key id.
    pub signatures: Vec<SignatureLine<'a>>,
}

/// Somebody's signature, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine<'a> {
    /// Who claims to have signed.
    pub name: &'a str,
    /// With which key.
    pub key_id: [u8; 4],
    /// At least one byte.
    pub signature: Vec<u8>,
}

/// Why bytes are not a signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More than 256 KiB.
    #[error("the note is larger than 256 KiB")]
    TooLarge,
    /// Not UTF-8, or with control characters.
    #[error("the note is not plain UTF-8 text")]
    NotText,
    /// No empty line before the signatures.
    #[error("the note has no signatures")]
    NoSignatures,
    /// More than 64 signature lines.
    #[error("the note has more than 64 signature lines")]
    TooManyLines,
    /// A signature line of another form.
    #[error("a signature line has not its form: number {0}")]
    Line(usize),
    /// A name and key id stand there twice.
    #[error("the same key signed twice: line {0}")]
    Repeated(usize),
}

/// What a note says of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The key signed the text.
    Ok,
    /// No line names the key. Also for keys of a type this version does not check.
    NoLine,
    /// A line names the key and its signature is wrong.
    Invalid,
}

/// What a note says of one witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cosigned {
    /// It saw the checkpoint at this second since 1970.
    At(u64),
    /// No line names it.
    NoLine,
    /// A line names it and its signature is wrong.
    Invalid,
    /// A line names it and is of a type this version does not check.
    Unchecked,
}

impl<'a> Note<'a> {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`]; lines are counted from 1, at the first signature.
    pub fn parse(bytes: &'a [u8]) -> Result<Note<'a>, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        let note = core::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::NotText);
        }
        let (text, lines) = cut(note).ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (index, line) in lines.split('\n').enumerate() {
            let number = index + 1;
            if number > NOTE_LINES_MAX {
                return Err(NoteError::TooManyLines);
            }
            let line = SignatureLine::parse(line).ok_or(NoteError::Line(number))?;
            if signatures.iter().any(|other| line.is_same_key(other)) {
                return Err(NoteError::Repeated(number));
            }
            signatures.push(line);
        }
        Ok(Note { text, signatures })
    }

    /// The note's bytes again.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut note = String::from(self.text);
        note.push('\n');
        for line in &self.signatures {
            sign_line(line.name, line.key_id, &line.signature, &mut note);
        }
        note
    }

    /// Did this key sign the text? Lines of other keys don't matter.
    #[must_use]
    pub fn verify(&self, key: &VerifierKey) -> Signed {
        let line = self
            .signatures
            .iter()
            .find(|line| line.name == key.name() && line.key_id == key.id());
        match line {
            Some(line) if key.key_type() == KeyType::Ed25519 => {
                if key.verify(self.text.as_bytes(), &line.signature) {
                    Signed::Ok
                } else {
                    Signed::Invalid
                }
            }
            _ => Signed::NoLine,
        }
    }

    /// Did this witness cosign the text, and when? (C2SP tlog-cosignature, type 0x04.)
    #[must_use]
    pub fn cosigned(&self, key: &VerifierKey) -> Cosigned {
        let line = self
            .signatures
            .iter()
            .find(|line| line.name == key.name() && line.key_id == key.id());
        match (line, key.key_type()) {
            (None, _) => Cosigned::NoLine,
            (Some(line), KeyType::Ed25519Cosignature) => {
                cosigned_at(self.text, key, &line.signature).map_or(Cosigned::Invalid, Cosigned::At)
            }
            (Some(_), KeyType::Ed25519 | KeyType::MlDsa44) => Cosigned::Unchecked,
        }
    }

    /// How many lines have the shape of an ML-DSA-44 cosignature by the log of that origin. They are not verified.
    #[must_use]
    pub fn ml_dsa_shaped_lines(&self, origin: &str) -> usize {
        self.signatures
            .iter()
            .filter(|line| {
                line.name == origin && line.signature.len() == ML_DSA_44_COSIGNATURE_BYTES
            })
            .count()
    }
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Option<SignatureLine<'a>> {
        let (name, base64) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let bytes = strict_base64::decode(base64)?;
        let (key_id, signature) = bytes.split_at_checked(KEY_ID_BYTES)?;
        let good = is_name(name) && !signature.is_empty();
        Some(SignatureLine {
            name: good.then_some(name)?,
            key_id: key_id.try_into().ok()?,
            signature: signature.into(),
        })
    }

    fn is_same_key(&self, other: &SignatureLine<'_>) -> bool {
        (self.name, self.key_id) == (other.name, other.key_id)
    }
}

/// The timestamp, if it and the signature behind it are good.
fn cosigned_at(text: &str, key: &VerifierKey, signature: &[u8]) -> Option<u64> {
    let (timestamp, signature) = signature.split_first_chunk::<8>()?;
    let timestamp = u64::from_be_bytes(*timestamp);
    let message = format!("cosignature/v1\ntime {timestamp}\n{text}");
    let good = timestamp < 1 << 63 && key.verify(message.as_bytes(), signature);
    good.then_some(timestamp)
}

/// Appends a signature line. A note is its text, an LF, and these.
pub fn sign_line(name: &str, key_id: [u8; 4], signature: &[u8], out: &mut String) {
    out.push_str(LINE_START);
    out.push_str(name);
    out.push(' ');
    strict_base64::push(&[&key_id, signature].concat(), out);
    out.push('\n');
}

/// May a key have this name?
pub(crate) fn is_name(name: &str) -> bool {
    let is_refused = |letter: char| letter == '+' || letter < ' ' || letter.is_whitespace();
    !name.is_empty() && !name.contains(is_refused)
}

/// Cuts at the last empty line: the text with its LF, and the signature lines without the last LF.
fn cut(note: &str) -> Option<(&str, &str)> {
    let lines = note.strip_suffix('\n')?;
    let (_, signatures) = lines.rsplit_once("\n\n")?;
    let text_bytes = lines.len().checked_sub(signatures.len())?.checked_sub(1)?;
    let (text, _) = note.split_at_checked(text_bytes)?;
    Some((text, signatures))
}

#[cfg(test)]
mod tests;
