//! Writes frames, and batches and packs of them, for fuzzing to begin with. The vectors have none.
//!
//!     cargo run --example seeds -- CORPUS

use std::fs;
use std::path::Path;

use indelible_ledger::format::batch::{
    BatchHeader, ENTRY_BYTES, HEADER_BYTES, Row, SIGNATURE_BYTES, rows_root,
};
use indelible_ledger::format::frame::{FrameBuilder, FrameView};
use indelible_ledger::format::pack::{FrameRow, RecHeader, Run, RunData, encode_ent};
use indelible_proof::hash::{self, Hash};
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use zstd::bulk::Compressor;

fn main() {
    let corpus = std::env::args().nth(1).expect("usage: seeds CORPUS");
    for (target, bytes) in seeds() {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(hash::sha256(&bytes).to_string()), bytes).expect("a file");
    }
}

/// Target and bytes of each.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let raw = frame();
    let mut packed = Vec::new();
    let mut compressor = Compressor::new(1).expect("a compressor");
    FrameView::parse(&raw)
        .expect("a frame")
        .0
        .recompress(&mut compressor, &mut packed);
    let (ent, digest) = encode_ent(&[1; 16], 9, 9, &Hash([2; 32]), &[run(&raw)]);
    let rec = RecHeader {
        store: [1; 16],
        first: 9,
        last: 9,
        ent: digest,
        length: 128,
    };
    vec![
        ("batch", batch(&raw)),
        ("batch", batch(&packed)),
        (
            "batch",
            batch(&raw)[..HEADER_BYTES + SIGNATURE_BYTES].to_vec(),
        ),
        ("frame", raw),
        ("frame", packed),
        ("pack", ent),
        ("pack", encode_ent(&[1; 16], 0, 7, &Hash([2; 32]), &[]).0),
        ("pack", rec.encode().to_vec()),
        ("pack", b"sealed/000000000009-000000000010.rec".to_vec()),
    ]
}

fn time(nanos: u32) -> Time {
    Time::new(1_795_428_000, nanos).expect("a time")
}

/// Four records from seq 4 on, of two senders, one without its event.
fn frame() -> Vec<u8> {
    let shared = |uid: u32| format!(r#""kind":"event","by":"unix:{uid}","via":"cli/file""#);
    let event = format!(r#"{{"text":"{}"}}"#, "x".repeat(200));
    let mut builder = FrameBuilder::new();
    builder.push(
        time(5),
        shared(1000).as_bytes(),
        b"",
        &[1; 16],
        br#"{"a":1}"#,
    );
    builder.push_absent(
        time(6),
        shared(1001).as_bytes(),
        br#","key":"k""#,
        &Hash([7; 32]),
    );
    builder.push(
        time(900),
        shared(1000).as_bytes(),
        b"",
        &[3; 16],
        event.as_bytes(),
    );
    builder.push(time(901), shared(1000).as_bytes(), b"", &[4; 16], b"{}");
    let mut frame = Vec::new();
    builder.finish_raw(4, &mut frame);
    frame
}

/// A batch of that frame and a note.
fn batch(frame: &[u8]) -> Vec<u8> {
    let row = Row {
        log: Hash([10; 32]),
        first: 4,
        count: 4,
        root: Hash([11; 32]),
    };
    let notes = [&7_u32.to_be_bytes()[..], b"a note\n"].concat();
    let header = BatchHeader {
        mark: false,
        store: [1; 16],
        number: 9,
        epoch: 2,
        writer: [3; 16],
        rows: 1,
        notes_len: 11,
        prev: Hash([2; 32]),
        rows_root: rows_root(&[row]),
        notes_sha: hash::sha256(&notes),
        time: time(7),
    };
    [
        &header.encode()[..],
        &[7; SIGNATURE_BYTES],
        &row.encode(),
        &notes,
        &[5; 4 * ENTRY_BYTES],
        frame,
    ]
    .concat()
}

/// A run of that frame.
fn run(frame: &[u8]) -> RunData {
    let length = u32::try_from(frame.len()).expect("a short frame");
    let frontier = |size, hashes: &[u8]| {
        Frontier::from_parts(size, hashes.iter().map(|byte| Hash([*byte; 32])).collect())
            .expect("an edge")
    };
    let run = Run {
        origin: "log.example.org/orders/00112233445566ff".to_owned(),
        log: Hash([10; 32]),
        first: 4,
        count: 4,
        first_time: time(5),
        last_time: time(901),
        prev_entry: Hash([9; 32]),
        frontier_first: frontier(4, &[1]),
        last_entry: Hash([5; 32]),
        frontier_after: frontier(8, &[2]),
        root: Hash([11; 32]),
        frames: 1,
        rec_at: 128,
        rec_len: u64::from(length),
        notes: 1,
    };
    RunData {
        run,
        entries: vec![Hash([5; 32]); 4],
        nodes: Vec::new(),
        commit_bits: vec![0b1000],
        frames: vec![FrameRow {
            offset: 128,
            length,
            count: 4,
            first: 4,
            time: time(5),
        }],
        notes: vec![b"a note\n".to_vec()],
    }
}
