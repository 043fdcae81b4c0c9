//! Edits a store's files as somebody would who knows the formats and wants the checks to pass.

use super::Bed;
use indelible_ledger::format::frame::{Content, FrameBuilder, FrameScratch, FrameView};
use indelible_ledger::format::pack::{
    EntView, FrameRow, PackHeader, REC_HEADER_BYTES, RecHeader, parse_pack_name,
};
use indelible_proof::hash;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const BLOCK: usize = 4_096;
const SLOT_HEADER: usize = 64;

/// Changes a file, read-only or not.
pub fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A slot of the tail.
#[derive(Clone, Debug)]
pub struct Slot {
    pub path: PathBuf,
    /// As findings name it.
    pub file: String,
    /// Of its header.
    pub offset: u64,
    pub number: u64,
    pub bytes: Vec<u8>,
}

/// All slots of the tail in order.
pub fn tail(bed: &Bed) -> Vec<Slot> {
    let mut slots = Vec::new();
    for (path, bytes) in super::files(&bed.path().join("tail")) {
        let file = format!("tail/{}", path.file_name().unwrap().to_string_lossy());
        let generation = bytes[64..96].to_vec();
        for (place, block) in (0..).zip(bytes.chunks(BLOCK)) {
            if block.starts_with(b"INDLSLOT") && block[8..40] == generation {
                let start = place * BLOCK + SLOT_HEADER;
                let length = usize::try_from(number(&block[48..56])).unwrap();
                slots.push(Slot {
                    path: path.clone(),
                    file: file.clone(),
                    offset: u64::try_from(place * BLOCK).unwrap(),
                    number: number(&block[40..48]),
                    bytes: bytes[start..start + length].to_vec(),
                });
            }
        }
    }
    slots.sort_by_key(|slot| slot.number);
    slots
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

impl Slot {
    fn start(&self) -> usize {
        usize::try_from(self.offset).unwrap()
    }

    /// Bytes from the header to where the next slot may begin.
    pub fn span(&self) -> usize {
        (SLOT_HEADER + self.bytes.len()).next_multiple_of(BLOCK)
    }

    /// Other bytes of the same length, their checksums right.
    pub fn replace(&self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.bytes.len());
        edit(&self.path, |file| {
            let at = self.start();
            file[at + SLOT_HEADER..at + SLOT_HEADER + bytes.len()].copy_from_slice(bytes);
            let crc = crc32c::crc32c(bytes).to_le_bytes();
            file[at + 56..at + 60].copy_from_slice(&crc);
            let crc = crc32c::crc32c(&file[at..at + 60]).to_le_bytes();
            file[at + 60..at + 64].copy_from_slice(&crc);
        });
    }

    /// Other bytes that need as many blocks, their checksums right.
    pub fn replace_by(&self, bytes: &[u8]) {
        assert_eq!(
            (SLOT_HEADER + bytes.len()).next_multiple_of(BLOCK),
            self.span()
        );
        edit(&self.path, |file| {
            let at = self.start();
            file[at + SLOT_HEADER..at + self.span()].fill(0);
            file[at + 48..at + 56]
                .copy_from_slice(&u64::try_from(bytes.len()).unwrap().to_le_bytes());
        });
        let slot = Slot {
            bytes: bytes.to_vec(),
            ..self.clone()
        };
        slot.replace(bytes);
    }

    /// As if it had never been written.
    pub fn erase(&self) {
        self.keep(0);
    }

    /// As if only its first bytes had come to the disk, the header's counted.
    pub fn keep(&self, length: usize) {
        let (from, to) = (self.start() + length, self.start() + self.span());
        edit(&self.path, |file| file[from..to].fill(0));
    }

    /// One bit of its bytes.
    pub fn flip(&self, offset: usize) {
        edit(&self.path, |file| {
            file[self.start() + SLOT_HEADER + offset] ^= 0x10;
        });
    }
}

/// A sealed pack.
pub struct Pack {
    pub ent: PathBuf,
    pub rec: PathBuf,
    /// As findings name them.
    pub ent_name: String,
    pub rec_name: String,
    pub first: u64,
    pub header: PackHeader,
    /// The frames of each run, with the log's name.
    pub frames: Vec<(String, FrameRow)>,
}

/// All packs in order.
pub fn packs(bed: &Bed) -> Vec<Pack> {
    let mut packs = Vec::new();
    for (path, bytes) in super::files(&bed.path().join("sealed")) {
        let ent_name = format!("sealed/{}", path.file_name().unwrap().to_string_lossy());
        let Some((first, _, true)) = parse_pack_name(&ent_name) else {
            continue;
        };
        let view = EntView::parse(&bytes, true).unwrap();
        let name = |origin: &str| origin.rsplit('/').nth(1).unwrap().to_owned();
        let frames = view.parts().flat_map(|(run, view)| {
            view.frames
                .iter()
                .map(|row| (name(&run.origin), *row))
                .collect::<Vec<_>>()
        });
        packs.push(Pack {
            rec: path.with_extension("rec"),
            rec_name: ent_name.replace(".ent", ".rec"),
            first,
            header: view.header.clone(),
            frames: frames.collect(),
            ent: path,
            ent_name,
        });
    }
    packs.sort_by_key(|pack| pack.first);
    packs
}

/// A frame's place in its file.
pub fn range_of(row: &FrameRow) -> Range<usize> {
    let start = usize::try_from(row.offset).unwrap();
    start..start + usize::try_from(row.length).unwrap()
}

/// The records a frame holds.
pub fn seqs_of(row: &FrameRow) -> Range<u64> {
    row.first..row.first + u64::from(row.count)
}

impl Pack {
    /// Where a section lies: runs, entries, nodes, commit bits, frames, notes.
    pub fn section(&self, index: usize) -> Range<usize> {
        let section = &self.header.sections[index];
        let start = usize::try_from(section.offset).unwrap();
        start..start + usize::try_from(section.length).unwrap()
    }

    /// The frame of a log that holds a record.
    pub fn frame(&self, log: &str, seq: u64) -> FrameRow {
        let holds = |(name, row): &&(String, FrameRow)| name == log && seqs_of(row).contains(&seq);
        self.frames.iter().find(holds).unwrap().1
    }

    /// Changes a section and puts every digest of the pack right, in both files; only `_node` knows better.
    pub fn edit_section(&self, index: usize, change: impl FnOnce(&mut [u8])) {
        let mut header = self.header.clone();
        edit(&self.ent, |file| {
            let section = &mut file[self.section(index)];
            change(section);
            header.sections[index].sha256 = hash::sha256(section);
        });
        self.write_header(&header);
    }

    /// Writes a header, and what the `.rec` says of it.
    pub fn write_header(&self, header: &PackHeader) {
        edit(&self.ent, |file| {
            let bytes = header.encode();
            file[..bytes.len()].copy_from_slice(&bytes);
        });
        edit(&self.rec, |file| {
            let rec = RecHeader {
                ent: header.digest(),
                store: header.store,
                ..RecHeader::decode(file).unwrap()
            };
            file[..REC_HEADER_BYTES].copy_from_slice(&rec.encode());
        });
    }

    /// Makes another event of one record, the frame's check right and its length the same.
    pub fn alter_record(&self, log: &str, seq: u64) {
        let row = self.frame(log, seq);
        edit(&self.rec, |file| {
            let place = range_of(&row);
            let altered = (0..=u8::MAX)
                .filter_map(|salt| altered(&file[place.clone()], seq, salt))
                .find(|bytes| bytes.len() == place.len());
            file[place].copy_from_slice(&altered.expect("some salt compresses as well"));
        });
    }
}

/// The same frame with another salt at one record. `None`: it is the same.
fn altered(frame: &[u8], seq: u64, salt_byte: u8) -> Option<Vec<u8>> {
    let (frame, _) = FrameView::parse(frame).unwrap();
    let mut scratch = FrameScratch::default();
    let columns = frame.columns(&mut scratch).unwrap();
    let mut builder = FrameBuilder::new();
    let mut same = true;
    for (record, at) in columns.records().zip(frame.first_seq()..) {
        let Content::Present { salt, event } = record.content else {
            panic!("content is here");
        };
        let mut salt = *salt;
        if at == seq {
            same = salt[0] == salt_byte;
            salt[0] = salt_byte;
        }
        builder.push(record.time, record.shared, record.own, &salt, event);
    }
    let mut out = Vec::new();
    let mut zstd = zstd::bulk::Compressor::new(1).unwrap();
    builder.finish_zstd(frame.first_seq(), &mut zstd, &mut out);
    (!same).then_some(out)
}
