//! The events that come with the program; where they are from stands in `samples/README.md`.

use std::io;

/// A log to make, and its events.
pub struct Sample {
    /// The log's name.
    pub log: &'static str,
    zstd: &'static [u8],
}

/// In the order they are shown. The first holds the record that is looked at.
pub const SAMPLES: [Sample; 3] = [
    Sample {
        log: "cloudtrail",
        zstd: include_bytes!("../../../samples/cloudtrail.jsonl.zst"),
    },
    Sample {
        log: "kubernetes",
        zstd: include_bytes!("../../../samples/kubernetes.jsonl.zst"),
    },
    Sample {
        log: "github",
        zstd: include_bytes!("../../../samples/github.jsonl.zst"),
    },
];

/// Line of `cloudtrail.jsonl`, and so its seq: an intruder tries to delete the trail.
pub const SHOWN_SEQ: u64 = 788;

/// The largest sample has 2 MB.
const BYTES_MAX: usize = 4 << 20;

impl Sample {
    /// JSON lines.
    pub fn lines(&self) -> io::Result<Vec<u8>> {
        zstd::bulk::decompress(self.zstd, BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_that_is_shown_is_the_intruders() {
        let lines = SAMPLES[0].lines().unwrap();
        let line = lines
            .split(|byte| *byte == b'\n')
            .nth(usize::try_from(SHOWN_SEQ).unwrap() - 1)
            .unwrap();
        let line = std::str::from_utf8(line).unwrap();
        assert!(
            line.contains("\"eventName\":\"DeleteTrail\"")
                && line.contains("\"userName\":\"bert-jan\"")
        );
    }
}
