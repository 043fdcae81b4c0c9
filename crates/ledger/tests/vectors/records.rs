//! Heads put together again from what a frame holds, and the record lines of a run or row.

use crate::{Word, require};
use indelible_ledger::format::frame::{Content, FrameScratch, FrameView};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

/// Records of one log, collected frame by frame.
pub struct Records<'a> {
    origin: &'a str,
    next: u64,
    before: Hash,
    pub entries: Vec<Hash>,
    pub heads: Vec<String>,
    pub times: Vec<Time>,
    lines: hash::Hasher,
}

impl<'a> Records<'a> {
    pub fn new(origin: &'a str, first: u64, before: Hash) -> Records<'a> {
        Records {
            origin,
            next: first,
            before,
            entries: Vec::new(),
            heads: Vec::new(),
            times: Vec::new(),
            lines: hash::Hasher::new(),
        }
    }

    pub fn frame(&mut self, frame: &FrameView<'_>) -> Result<(), Word> {
        require(frame.first_seq() == self.next, Word::Damaged)?;
        let mut scratch = FrameScratch::default();
        for record in frame.columns(&mut scratch)?.records() {
            let (digest, rest) = match record.content {
                Content::Present { salt, event } => {
                    let salt = crate::hex(salt);
                    let event = String::from_utf8(event.to_vec()).unwrap();
                    let digest = hash::digest(salt.as_bytes(), event.as_bytes());
                    (digest, format!(",\"salt\":\"{salt}\",\"event\":{event}"))
                }
                Content::Absent { digest } => (digest, String::new()),
            };
            let mut made = Vec::new();
            head::encode_start(self.origin, &mut made);
            made.extend_from_slice(record.shared);
            made.extend_from_slice(record.own);
            head::encode_digest(&digest, &mut made);
            head::encode_end(self.next, &record.time.text(), &self.before, &mut made);
            self.before = hash::entry(&made);
            self.next += 1;
            self.entries.push(self.before);
            self.times.push(record.time);
            let made = String::from_utf8_lossy(&made).into_owned();
            self.lines
                .update(format!("{{\"head\":{made}{rest}}}\n").as_bytes());
            self.heads.push(made);
        }
        Ok(())
    }

    /// SHA-256 of the record lines.
    pub fn lines(self) -> Hash {
        self.lines.finish()
    }
}

/// The 32-byte pieces.
pub fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (pieces, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    pieces.iter().copied().map(Hash).collect()
}

pub fn grown(mut tree: Frontier, entries: &[Hash]) -> Frontier {
    entries
        .iter()
        .for_each(|entry| tree.push(hash::leaf(entry)));
    tree
}
