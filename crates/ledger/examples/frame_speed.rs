//! How fast records become frames and come back: `cargo run --release -p indelible-ledger --example frame_speed`.
//!
//! Made-up audit events of about 450 bytes in frames of 256, from one source and from 64 that take turns. One thread, warm, best of
//! twenty rounds; nanoseconds for one record.

use indelible_ledger::format::frame::{FrameBuilder, FrameScratch, FrameView};
use indelible_proof::time::Time;
use std::hint::black_box;
use std::time::Instant;
use zstd::bulk::Compressor;

const RECORDS: u32 = 256 * 64;
const ROUNDS: usize = 20;

fn main() {
    for sources in [1, 64] {
        let records: Vec<Record> = (0..RECORDS).map(|number| record(number, sources)).collect();
        let bytes: usize = records.iter().map(|record| record.event.len()).sum();
        let mut compressor = Compressor::new(1).expect("zstd takes level 1");
        let (mut raw, mut packed) = (Vec::new(), Vec::new());
        let push = best(|| {
            frames(&records, &mut raw, |builder, first, out| {
                builder.finish_raw(first, out)
            })
        });
        let zstd = best(|| {
            frames(&records, &mut packed, |builder, first, out| {
                builder.finish_zstd(first, &mut compressor, out)
            })
        });
        let mut again = Vec::new();
        let recompress = best(|| {
            again.clear();
            each(&raw, |frame| frame.recompress(&mut compressor, &mut again));
        });
        let mut scratch = FrameScratch::default();
        let decode_raw = best(|| each(&raw, |frame| decode(frame, &mut scratch)));
        let decode_zstd = best(|| each(&packed, |frame| decode(frame, &mut scratch)));
        println!(
            "{sources:2} sources, events of {} bytes, frames {:.3} compressed: push and finish raw {push:.0} ns, zstd {zstd:.0} ns, \
             recompress {recompress:.0} ns, decode raw {decode_raw:.0} ns, zstd {decode_zstd:.0} ns",
            bytes / records.len(),
            ratio(packed.len(), raw.len()),
        );
    }
}

struct Record {
    time: Time,
    shared: Vec<u8>,
    own: Vec<u8>,
    salt: [u8; 16],
    event: Vec<u8>,
}

fn record(number: u32, sources: u32) -> Record {
    let mixed = number.wrapping_mul(2_654_435_761);
    let [a, b, c, d] = mixed.to_le_bytes();
    let source = number % sources;
    let event = format!(
        r#"{{"id":"{mixed:08x}-52c1-4f7e-9f39-{:012x}","action":"secrets.read","outcome":"success","actor":{{"name":"worker-{}","groups":["system:serviceaccounts","system:authenticated"]}},"target":{{"resource":"secrets","namespace":"payments","name":"db-{}"}},"request":{{"uri":"/api/v1/namespaces/payments/secrets/db?timeout=10s","agent":"client/v1.31.0 (linux/amd64)","address":"10.12.{a}.{b}"}},"duration_ms":{c},"annotations":{{"decision":"allow","reason":""}}}}"#,
        u64::from(mixed) * 40_503,
        mixed % 97,
        mixed % 13,
    );
    Record {
        time: Time::new(1_795_428_000 + u64::from(number / 1_000), number % 1_000 * 1_000_000).expect("a time in this century"),
        shared: format!(r#""kind":"event","by":"spiffe://acme/payments/{source}","via":"ingest/http","from":"10.0.0.{source}""#).into_bytes(),
        own: Vec::new(),
        salt: [a, b, c, d, d, c, b, a, a, c, b, d, d, b, c, a],
        event: event.into_bytes(),
    }
}

fn frames(
    records: &[Record],
    out: &mut Vec<u8>,
    mut finish: impl FnMut(&mut FrameBuilder, u64, &mut Vec<u8>),
) {
    let mut builder = FrameBuilder::new();
    out.clear();
    let mut first = 0;
    for (record, seq) in records.iter().zip(0..) {
        if !builder.takes(seq, record.event.len() + record.own.len()) {
            finish(&mut builder, first, out);
            first = seq;
        }
        builder.push(
            record.time,
            &record.shared,
            &record.own,
            &record.salt,
            &record.event,
        );
    }
    finish(&mut builder, first, out);
}

fn each(mut bytes: &[u8], mut with: impl FnMut(&FrameView<'_>)) {
    while !bytes.is_empty() {
        let (frame, rest) = FrameView::parse(bytes).expect("a frame of ours");
        with(&frame);
        bytes = rest;
    }
}

fn decode(frame: &FrameView<'_>, scratch: &mut FrameScratch) {
    let columns = frame.columns(scratch).expect("columns of ours");
    columns.records().for_each(|record| {
        black_box(record);
    });
}

/// Nanoseconds for one record.
fn best(mut round: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            round();
            begin.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
        * 1e9
        / f64::from(RECORDS)
}

fn ratio(part: usize, whole: usize) -> f64 {
    let float = |length: usize| f64::from(u32::try_from(length).unwrap_or(u32::MAX));
    float(part) / float(whole)
}
