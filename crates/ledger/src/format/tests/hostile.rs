//! Bytes that no writer made must never stop a reader.

use super::super::batch::BatchView;
use super::super::frame::{FRAME_HEADER_BYTES, FrameScratch, FrameView};
use super::super::pack::{EntView, PackHeader, RecHeader, encode_ent, parse_pack_name};
use super::super::register::Register;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Gives bytes to every decoder; whatever they answer, they answer.
fn read_as_everything(bytes: &[u8]) {
    read_as_frame(bytes);
    if let Ok(batch) = BatchView::parse(bytes) {
        for (_, frame) in batch.parts().flat_map(|part| part.frames()).flatten() {
            read_as_frame(frame.bytes());
        }
    }
    if let Ok(header) = PackHeader::decode(bytes)
        && let Ok(runs) = header.parse_runs(bytes)
    {
        let notes = header.parse_notes(bytes, &runs);
        assert!(notes.is_err() || notes.is_ok_and(|notes| notes.len() == runs.len()));
    }
    for check_sections in [false, true] {
        if let Ok(view) = EntView::parse(bytes, check_sections) {
            assert_eq!(view.parts().count(), view.runs.len());
        }
    }
    if let Ok(rec) = RecHeader::decode(bytes) {
        assert!(rec.first <= rec.last);
    }
    if let Ok(register) = Register::decode(bytes) {
        assert_eq!(register.bytes, bytes);
    }
    if let Some((first, last, _)) = str::from_utf8(bytes).ok().and_then(parse_pack_name) {
        assert!(first <= last);
    }
}

fn read_as_frame(bytes: &[u8]) {
    let mut scratch = FrameScratch::default();
    if let Ok((frame, _)) = FrameView::parse(bytes)
        && let Ok(columns) = frame.columns(&mut scratch)
    {
        assert_eq!(columns.records().count() as u64, frame.records());
    }
}

/// The same bytes with every check of a frame at `at` made right.
fn with_frame_check(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    if bytes.len() >= at + FRAME_HEADER_BYTES {
        let covered = [&bytes[at..at + 20], &bytes[at + FRAME_HEADER_BYTES..]].concat();
        bytes[at + 20..at + 24].copy_from_slice(&crc32c::crc32c(&covered).to_le_bytes());
    }
    bytes
}

fn with_crc(mut bytes: Vec<u8>, covered: usize) -> Vec<u8> {
    if bytes.len() >= covered + 4 {
        let crc = crc32c::crc32c(&bytes[..covered]);
        bytes[covered..covered + 4].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}

/// A few bytes overwritten, then cut.
fn mangled(
    bytes: &[u8],
    changes: &[(prop::sample::Index, u8)],
    cut: Option<prop::sample::Index>,
) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
    bytes
}

proptest! {
    #[test]
    fn random_bytes_stop_no_reader(bytes in vec(any::<u8>(), 0..2_000)) {
        read_as_everything(&bytes);
        for magic in [b"INDLBTCH", b"INDLPENT", b"INDLPREC"] {
            read_as_everything(&[&magic[..], &[0; 4], &bytes].concat());
        }
    }

    #[test]
    fn random_columns_stop_no_reader(count in 0_u8..20, codec in 0_u8..2, bytes in vec(prop_oneof![0_u8..4, any::<u8>()], 0..300)) {
        let length = (bytes.len() as u32).to_le_bytes();
        let time = [&SECS.to_le_bytes()[..], &[0; 4]].concat();
        let header = [&[codec, 0, count, 0][..], &length, &length, &[0; 12]].concat();
        read_as_frame(&with_frame_check([&header[..], &bytes].concat(), 0));
        let length = ((bytes.len() + 12) as u32).to_le_bytes();
        let header = [&[codec, 0, count, 0][..], &length, &length, &[0; 12]].concat();
        read_as_frame(&with_frame_check([&header[..], &time, &bytes].concat(), 0));
    }

    #[test]
    fn mangled_files_stop_no_reader(
        changes in vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0xff), Just(0)]), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let frame = small_frame();
        let mut packed = Vec::new();
        FrameView::parse(&frame).unwrap().0.recompress(&mut zstd::bulk::Compressor::new(1).unwrap(), &mut packed);
        for whole in [&frame, &packed] {
            read_as_everything(&with_frame_check(mangled(whole, &changes, cut), 0));
        }
        read_as_everything(&mangled(&small_batch(), &changes, cut));
        let (ent, _) = encode_ent(&STORE, 9, 9, &filled(0xcc), &[small_run()]);
        read_as_everything(&with_crc(mangled(&ent, &changes, cut), 576));
    }
}

/// Counts and lengths of 32 bits all set, where nothing of that size follows.
#[test]
fn lengths_that_are_only_claimed_make_no_room() {
    let (ent, _) = encode_ent(&STORE, 9, 9, &filled(0xcc), &[small_run()]);
    for at in 0..572 {
        let mut changed = ent.clone();
        changed[at..at + 4].copy_from_slice(&[0xff; 4]);
        read_as_everything(&with_crc(changed, 576));
    }
    for good in [small_batch(), small_frame()] {
        for at in 0..good.len() - 4 {
            let mut changed = good.clone();
            changed[at..at + 4].copy_from_slice(&[0xff; 4]);
            read_as_everything(&with_frame_check(changed, 0));
        }
    }
}
