//! Where in a frame an HTTP/2 connection is, and how many frames came that ask for work and carry nothing (RFC 9113 §10.5).
//!
//! Reads frame headers only. Whether frames are right is the library's to judge; what it has no bound for is counted here.

use crate::limits::{CONTROL_FRAMES_MAX, CONTROL_FRAMES_SPAN, RESETS_MAX};
use std::time::Instant;

const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// More such frames came than anyone needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flood;

/// Follows the frames of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    preface: usize,
    header: [u8; HEADER_BYTES],
    have: usize,
    /// Bytes of the present frame that are still to come.
    left: usize,
    /// A block of header fields has begun and not ended.
    block: bool,
    counted: u32,
    since: Instant,
}

impl Frames {
    pub(super) fn new(now: Instant) -> Frames {
        Frames {
            preface: 0,
            header: [0; HEADER_BYTES],
            have: 0,
            left: 0,
            block: false,
            counted: 0,
            since: now,
        }
    }

    /// Something has begun and waits for the rest.
    pub(super) fn is_inside(&self) -> bool {
        let preface = self.preface > 0 && self.preface < PREFACE_BYTES;
        preface || self.have > 0 || self.left > 0 || self.block
    }

    /// Reads on.
    pub(super) fn read(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Flood> {
        let preface = (PREFACE_BYTES - self.preface).min(bytes.len());
        self.preface += preface;
        bytes = bytes.get(preface..).unwrap_or_default();
        while let Some((byte, after)) = bytes.split_first() {
            if self.left > 0 {
                let here = self.left.min(bytes.len());
                self.left -= here;
                bytes = bytes.get(here..).unwrap_or_default();
                continue;
            }
            bytes = after;
            if let Some(place) = self.header.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            if self.have == HEADER_BYTES {
                self.have = 0;
                self.frame(now)?;
            }
        }
        Ok(())
    }

    fn frame(&mut self, now: Instant) -> Result<(), Flood> {
        let [a, b, c, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.left = usize::try_from(length).unwrap_or(usize::MAX);
        let weight = match kind {
            PRIORITY | SETTINGS | PING => 1,
            RST_STREAM => CONTROL_FRAMES_MAX / RESETS_MAX,
            DATA => u32::from(length == 0 && flags & END_STREAM == 0),
            HEADERS | CONTINUATION => {
                self.block = flags & END_HEADERS == 0;
                u32::from(length == 0)
            }
            _ => 0,
        };
        if weight == 0 {
            return Ok(());
        }
        if now.duration_since(self.since) > CONTROL_FRAMES_SPAN {
            (self.since, self.counted) = (now, 0);
        }
        self.counted += weight;
        match self.counted > CONTROL_FRAMES_MAX {
            true => Err(Flood),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut out = length[1..].to_vec();
        out.extend([kind, flags, 0, 0, 0, 1]);
        out.extend(payload);
        out
    }

    #[test]
    fn silence_inside_a_frame_or_a_block_of_fields_is_told_from_silence_between() {
        let now = Instant::now();
        let mut frames = Frames::new(now);
        assert!(!frames.is_inside());
        let mut all = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let ends = [
            (frame(SETTINGS, 0, &[]), false),
            (frame(HEADERS, 0, b"abc"), true),
            (frame(CONTINUATION, 0, b"abc"), true),
            (frame(CONTINUATION, END_HEADERS, b"abc"), false),
            (frame(DATA, 0, b"abcd"), false),
        ];
        let mut between = vec![(all.len(), false)];
        for (frame, inside) in ends {
            all.extend(frame);
            between.push((all.len(), inside));
        }
        for (place, byte) in all.iter().enumerate() {
            assert_eq!(frames.read(&[*byte], now), Ok(()));
            let known = between.iter().find(|(end, _)| *end == place + 1);
            let inside = known.is_none_or(|(_, inside)| *inside);
            assert_eq!(frames.is_inside(), inside, "after {} bytes", place + 1);
        }
    }

    #[test]
    fn a_flood_of_frames_that_carry_nothing_ends_and_frames_that_carry_something_are_no_flood() {
        let now = Instant::now();
        let preface = [0; PREFACE_BYTES];
        for (kind, payload) in [
            (PING, &[0; 8][..]),
            (SETTINGS, &[]),
            (DATA, &[]),
            (PRIORITY, &[0; 5]),
        ] {
            let mut frames = Frames::new(now);
            frames.read(&preface, now).expect("the preface");
            let one = frame(kind, 0, payload);
            for _ in 0..CONTROL_FRAMES_MAX {
                assert_eq!(frames.read(&one, now), Ok(()));
            }
            assert_eq!(frames.read(&one, now), Err(Flood), "{kind}");
            let later = now + CONTROL_FRAMES_SPAN * 2;
            assert_eq!(frames.read(&one, later), Ok(()));
        }
        let mut frames = Frames::new(now);
        frames.read(&preface, now).expect("the preface");
        let taken_back = frame(RST_STREAM, 0, &[0; 4]);
        for _ in 0..RESETS_MAX {
            assert_eq!(frames.read(&taken_back, now), Ok(()));
        }
        assert_eq!(frames.read(&taken_back, now), Err(Flood));
        let mut frames = Frames::new(now);
        frames.read(&preface, now).expect("the preface");
        for _ in 0..CONTROL_FRAMES_MAX * 2 {
            assert_eq!(frames.read(&frame(DATA, 0, b"x"), now), Ok(()));
        }
    }
}
