//! What the disk and the processor can do at best, measured in the same run.

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;

/// Median and 99th percentile of some durations, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub p50_us: f64,
    pub p99_us: f64,
}

impl Latency {
    /// Of at least one duration.
    pub fn of(mut durations: Vec<Duration>) -> Latency {
        durations.sort_unstable();
        let at = |part: usize| {
            durations[(durations.len() * part / 100).min(durations.len() - 1)].as_secs_f64() * 1e6
        };
        Latency {
            p50_us: at(50),
            p99_us: at(99),
        }
    }
}

/// A write of `length` bytes and one `fdatasync`, over and over, into a file that was written before.
pub fn write_and_sync(dir: &Path, length: usize, times: usize) -> anyhow::Result<Latency> {
    let length = length.next_multiple_of(BLOCK);
    let path = dir.join("raw");
    let room = (64 << 20).max(length);
    let file = raw_file(&path)?;
    file.write_all_at(&vec![0; room], 0)?;
    file.sync_all()?;
    let bytes = random(length)?;
    let mut durations = Vec::with_capacity(times);
    let mut offset = 0;
    for _ in 0..times {
        let start = Instant::now();
        file.write_all_at(&bytes, u64::try_from(offset)?)?;
        file.sync_data()?;
        durations.push(start.elapsed());
        offset = (offset + length) % (room - length).max(1) / BLOCK * BLOCK;
    }
    std::fs::remove_file(&path)?;
    Ok(Latency::of(durations))
}

/// Bytes a second of sequential 4 MiB writes, each synced, into a file that was written before.
pub fn sequential_bandwidth(dir: &Path, seconds: u64) -> anyhow::Result<f64> {
    let path = dir.join("raw");
    let chunk = random(4 << 20)?;
    let chunks = 128;
    let file = raw_file(&path)?;
    for place in 0..chunks {
        file.write_all_at(&chunk, u64::try_from(place * chunk.len())?)?;
    }
    file.sync_all()?;
    let start = Instant::now();
    let mut written = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        file.write_all_at(&chunk, u64::try_from(written % (chunks * chunk.len()))?)?;
        file.sync_data()?;
        written += chunk.len();
    }
    let rate = to_f64(u64::try_from(written)?) / start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// Bytes a second of SHA-256 on one core, in pieces of 16 KiB.
pub fn sha256_rate(seconds: u64) -> anyhow::Result<f64> {
    let piece = random(16 << 10)?;
    let start = Instant::now();
    let (mut hashed, mut last) = (0_u64, 0_u8);
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..64 {
            last ^= Sha256::digest(&piece)[0];
        }
        hashed += 64 * (16 << 10);
    }
    std::hint::black_box(last);
    Ok(to_f64(hashed) / start.elapsed().as_secs_f64())
}

fn raw_file(path: &Path) -> anyhow::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .context("make a raw file")
}

fn random(length: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).context("random bytes")?;
    Ok(bytes)
}

/// A count as a figure.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures in a table have a few digits"
)]
pub fn to_f64(count: u64) -> f64 {
    count as f64
}
