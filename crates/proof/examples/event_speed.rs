//! How fast events are judged and minified: `cargo run --release --example event_speed [FILE]`, one event a line.
//!
//! Without a file a made-up audit event of about 800 bytes is read again and again. One thread, warm, best of ten rounds.

use indelible_proof::event::EventReader;
use indelible_proof::limits::EVENT_BYTES_MAX;
use std::time::Instant;

const ROUND_BYTES: usize = 64 << 20;
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
    let mut reader = EventReader::new(EVENT_BYTES_MAX);
    let mut out = Vec::new();
    let rounds = (ROUND_BYTES / text.len()).max(1);
    let best = (0..10)
        .map(|_| round(&mut reader, &lines, rounds, &mut out))
        .fold(f64::INFINITY, f64::min);
    let bytes: usize = lines.iter().map(|line| line.len()).sum();
    println!(
        "{} events of {} bytes on average: {:.0} MB/s, {:.0} ns each",
        lines.len(),
        bytes / lines.len(),
        to_f64(bytes * rounds) / best / 1e6,
        best / to_f64(lines.len() * rounds) * 1e9
    );
}

/// Seconds for reading all lines so many times.
fn round(reader: &mut EventReader, lines: &[&[u8]], rounds: usize, out: &mut Vec<u8>) -> f64 {
    let begin = Instant::now();
    for _ in 0..rounds {
        for line in lines {
            out.clear();
            if let Err(error) = reader.minify(line, out) {
                panic!("{error}: {}", String::from_utf8_lossy(line));
            }
        }
    }
    begin.elapsed().as_secs_f64()
}

fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
