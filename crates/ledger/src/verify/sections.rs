//! The sections of an `.ent` file, and which of them are what its header says.

pub(super) use crate::format::pack::SECTION_NAMES;
use crate::format::pack::{PackHeader, SECTIONS};
use indelible_proof::hash;

pub(super) const RUNS: usize = 0;
pub(super) const ENTRIES: usize = 1;
pub(super) const NODES: usize = 2;
pub(super) const BITS: usize = 3;
pub(super) const FRAMES: usize = 4;
pub(super) const NOTES: usize = 5;
pub(super) const KEYS: usize = 6;
pub(super) const STREAMS: usize = 7;
pub(super) const PLACES: usize = 8;

/// The `.ent` file cut into sections, and which of them have the digest the header names.
pub(super) struct Sections {
    pub(super) bytes: Vec<u8>,
    pub(super) header: PackHeader,
    pub(super) sound: [bool; SECTIONS],
}

impl Sections {
    /// Cuts the file and hashes each section.
    pub(super) fn cut(bytes: Vec<u8>, header: PackHeader) -> Sections {
        let mut sections = Sections {
            bytes,
            header,
            sound: [false; SECTIONS],
        };
        sections.sound = std::array::from_fn(|index| {
            hash::sha256(sections.section(index)) == sections.header.sections[index].sha256
        });
        sections
    }

    pub(super) fn section(&self, index: usize) -> &[u8] {
        let section = &self.header.sections[index];
        let range = usize::try_from(section.offset)
            .ok()
            .zip(usize::try_from(section.offset + section.length).ok());
        range
            .and_then(|(from, to)| self.bytes.get(from..to))
            .unwrap_or_default()
    }

    pub(super) fn offset(&self, index: usize) -> u64 {
        self.header.sections[index].offset
    }
}
