//! How fast exports are verified: `cargo run --release --example export_speed [FILE]`, one event a line.
//!
//! Without a file a made-up audit event of about 800 bytes is exported again and again. One thread, warm, best of ten rounds, fed in
//! pieces of 1 MiB; beside it SHA-256 of the same bytes, which every verifier has to compute.
#![allow(clippy::unwrap_used, reason = "an example stops at the first surprise")]

#[path = "../tests/evidence/log.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod log;

use indelible_proof::hash::Hasher;
use indelible_proof::verify::ExportVerifier;
use log::Log;
use std::time::Instant;

const EVENTS_BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 1 << 20;
const EVENT: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"7b1f0a3c-52c1-4f7e-9f39-1d0a5e0c6b55","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/payments/secrets/db?timeout=10s","verb":"get","user":{"username":"system:serviceaccount:payments:worker","uid":"41f3","groups":["system:serviceaccounts","system:authenticated"]},"sourceIPs":["10.12.0.7"],"userAgent":"client/v1.31.0 (linux/amd64)","objectRef":{"resource":"secrets","namespace":"payments","name":"db","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-23T10:00:00.123456Z","stageTimestamp":"2026-11-23T10:00:00.125001Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}"#;

fn main() {
    let text = std::env::args().nth(1).map_or_else(
        || EVENT.as_bytes().to_vec(),
        |path| std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")),
    );
    let lines: Vec<&[u8]> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    let count = EVENTS_BYTES / text.len() * lines.len();
    let events = lines.iter().cycle().take(count).map(|line| line.to_vec());
    let log = Log::new(events);
    let (export, pin) = (log.whole(), log.pin());
    let verify = best(&export, || {
        let mut verifier = ExportVerifier::new(Some(&pin));
        export
            .chunks(PIECE_BYTES)
            .for_each(|piece| verifier.feed(piece));
        let report = verifier.finish();
        assert_eq!(report.verdict.exit_code(), 0, "{}", report.verdict);
    });
    let sha256 = best(&export, || {
        let mut hasher = Hasher::new();
        export
            .chunks(PIECE_BYTES)
            .for_each(|piece| hasher.update(piece));
        std::hint::black_box(hasher.finish());
    });
    println!(
        "{} records, {} bytes of export each: {verify:.0} MB/s; SHA-256 alone: {sha256:.0} MB/s",
        log.size(),
        export.len() / log.records.len(),
    );
}

/// MB/s of the best of ten rounds.
fn best(export: &[u8], mut round: impl FnMut()) -> f64 {
    let seconds = (0..10).map(|_| {
        let begin = Instant::now();
        round();
        begin.elapsed().as_secs_f64()
    });
    let bytes = u32::try_from(export.len()).unwrap();
    f64::from(bytes) / seconds.fold(f64::INFINITY, f64::min) / 1e6
}
