//! Audit events as real systems write them pass the profile and lose nothing.
//!
//! `real-events.jsonl` holds lines of public data sets, unchanged: AWS CloudTrail from invictus-ir/aws_dataset (MIT), Kubernetes
//! audit from codenotary/immudb-log-audit (Apache-2.0), native shapes of several services from panther-labs/panther-analysis
//! (Apache-2.0), Windows Security and Sysmon from OTRF/Security-Datasets (MIT).

use indelible_proof::event::EventReader;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use serde_json::Value;

const LINES: &str = include_str!("real-events.jsonl");

/// The line with `around` on both sides of what stands between strings, and without the white space that stood there.
fn spaced(line: &str, around: &str) -> String {
    let mut out = String::new();
    let (mut inside, mut escaped) = (false, false);
    for character in line.chars() {
        if inside {
            inside = character != '"' || escaped;
            escaped = character == '\\' && !escaped;
        } else {
            if character.is_ascii_whitespace() {
                continue;
            }
            inside = character == '"';
        }
        let structural = !inside && "{}[]:,".contains(character);
        out += if structural { around } else { "" };
        out.push(character);
        out += if structural { around } else { "" };
    }
    out
}

#[test]
fn real_events_pass_and_keep_their_value() {
    let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
    assert!(LINES.lines().count() >= 12);
    for line in LINES.lines() {
        let plain = spaced(line, "");
        for input in [line, &plain, &spaced(line, " "), &spaced(line, "\r\n\t")] {
            let mut kept = Vec::new();
            reader
                .minify(input.as_bytes(), &mut kept)
                .unwrap_or_else(|error| panic!("{error}: {input}"));
            assert_eq!(String::from_utf8(kept).unwrap(), plain);
        }
        reader.check_stored(plain.as_bytes()).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(line).unwrap(),
            serde_json::from_str::<Value>(&plain).unwrap()
        );
    }
}
