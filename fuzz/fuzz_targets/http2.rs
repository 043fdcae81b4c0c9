//! Where frames begin and end does not depend on the pieces in which they come, and is where RFC 9113 has them.

#![no_main]

use http2::{Flood, Frames};
use libfuzzer_sys::fuzz_target;
use std::time::Instant;

#[path = "../../crates/server/src/listen/http2.rs"]
mod http2;
#[path = "../../crates/server/src/limits.rs"]
#[allow(dead_code, reason = "the bounds of this module are a few of them")]
mod limits;

const PREFACE: usize = 24;
const FRAME_HEADER: usize = 9;

fuzz_target!(|input: &[u8]| {
    let whole = read(&[input]);
    assert_eq!(whole, Ok(is_inside(input)));
    let at = usize::from(input.first().copied().unwrap_or_default()).min(input.len());
    let (before, after) = input.split_at(at);
    assert_eq!(read(&[before, after]), whole, "in two pieces");
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read(&single), whole, "byte by byte");
    flood(input);
});

/// Whether something has begun when these have come.
fn read(pieces: &[&[u8]]) -> Result<bool, Flood> {
    let now = Instant::now();
    let mut frames = Frames::new(now);
    for piece in pieces {
        frames.read(piece, now)?;
    }
    Ok(frames.is_inside())
}

/// The same, read frame by frame. No input of a fuzzer is long enough for a flood.
fn is_inside(input: &[u8]) -> bool {
    let Some(mut rest) = input.get(PREFACE..) else {
        return !input.is_empty();
    };
    let mut block = false;
    while let Some((header, behind)) = rest.split_at_checked(FRAME_HEADER) {
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        // HEADERS or CONTINUATION, and whether END_HEADERS is set.
        if matches!(header[3], 1 | 9) {
            block = header[4] & 4 == 0;
        }
        match usize::try_from(length)
            .ok()
            .and_then(|length| behind.get(length..))
        {
            Some(next) => rest = next,
            None => return true,
        }
    }
    block || !rest.is_empty()
}

/// An input that is one header: that frame over and over is a flood, or it carries something.
fn flood(input: &[u8]) {
    let Ok(mut frame) = <[u8; FRAME_HEADER]>::try_from(input) else {
        return;
    };
    // Empty ones carry nothing, whatever their kind.
    frame[..3].fill(0);
    let now = Instant::now();
    let mut frames = Frames::new(now);
    frames.read(&[0; PREFACE], now).expect("the preface");
    let many = frame.repeat(100);
    let rounds = (0..=limits::CONTROL_FRAMES_MAX / 100).map(|_| frames.read(&many, now));
    let ended = rounds.collect::<Result<(), Flood>>().is_err();
    let (kind, flags) = (frame[3], frame[4]);
    let must = matches!(kind, 1 | 2 | 3 | 4 | 6 | 9) || (kind == 0 && flags & 1 == 0);
    assert_eq!(ended, must, "kind {kind}, flags {flags:#x}");
}
