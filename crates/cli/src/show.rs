//! Numbers, sizes, times and digests as people read them.

use crate::output::{misleads, one_line};
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use std::ffi::OsStr;
use std::time::Duration;

/// `1234567` as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `2 records`.
pub fn counted(number: u64, one: &str) -> String {
    let many = match one {
        "batch" => "batches".to_owned(),
        "entry" => "entries".to_owned(),
        one => format!("{one}s"),
    };
    format!(
        "{} {}",
        count(number),
        if number == 1 { one } else { &many }
    )
}

/// Bytes, in the unit that leaves one to four digits.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut unit, mut scale) = (0, 1_u64);
    while unit + 1 < UNITS.len() && number / scale >= 1_024 {
        (unit, scale) = (unit + 1, scale << 10);
    }
    if unit == 0 {
        return format!("{number} B");
    }
    let tenths = u128::from(number) * 10 / u128::from(scale);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// So many per second, rounded to three digits.
pub fn per_second(number: u64, elapsed: Duration) -> String {
    let rate = u128::from(number) * 1_000_000_000 / elapsed.as_nanos().max(1);
    let mut scale = 1;
    while rate / scale >= 1_000 {
        scale *= 10;
    }
    count(u64::try_from(rate / scale * scale).unwrap_or(u64::MAX))
}

/// Bytes per second as `1.23 GB/s`: decimal units, as disks and hashes are measured.
pub fn gigabytes_per_second(number: u64, elapsed: Duration) -> String {
    let hundredths = u128::from(number) * 100 / elapsed.as_nanos().max(1);
    format!("{}.{:02} GB/s", hundredths / 100, hundredths % 100)
}

/// `0.42 s`, `12 s`.
pub fn seconds(elapsed: Duration) -> String {
    if elapsed.as_secs() < 10 {
        format!(
            "{}.{:02} s",
            elapsed.as_secs(),
            elapsed.subsec_millis() / 10
        )
    } else {
        format!("{} s", elapsed.as_secs())
    }
}

/// A time to the second: `2026-11-23T10:00:00Z`.
pub fn to_second(time: Time) -> String {
    let text = time.to_string();
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

/// The first 12 characters of a digest, enough to see whether two are the same.
pub fn short(hash: &Hash) -> String {
    format!("{}…", hash.to_string().get(..12).unwrap_or_default())
}

/// `seq 5`, `seq 5 to 9`.
pub fn seqs(first: u64, last: u64) -> String {
    if first == last {
        format!("seq {}", count(first))
    } else {
        format!("seq {} to {}", count(first), count(last))
    }
}

/// A string as JSON writes it.
pub fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            char if misleads(char) => out.push_str(&one_line(char)),
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// A word of a suggested command as the shell reads it back.
pub fn shell(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_./:@%+,=-".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            (counted(1, "batch"), counted(2, "batch")),
            ("1 batch".to_owned(), "2 batches".to_owned())
        );
    }

    #[test]
    fn sizes_have_at_most_four_digits() {
        assert_eq!(
            [0, 1_023, 1_024, 1_536, 67_108_864].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "64.0 MiB"]
        );
        assert_eq!(bytes(u64::MAX), "16777215.9 TiB");
    }

    #[test]
    fn rates_keep_three_digits() {
        assert_eq!(per_second(123_456, Duration::from_secs(1)), "123,000");
        assert_eq!(per_second(5, Duration::ZERO), "5,000,000,000");
        assert_eq!(
            gigabytes_per_second(1_234_567_890, Duration::from_secs(1)),
            "1.23 GB/s"
        );
        assert_eq!(seconds(Duration::from_millis(1_239)), "1.23 s");
    }

    #[test]
    fn text_from_outside_stays_one_json_string() {
        assert_eq!(
            json("a\"\\\n\u{1}é\u{9b}\u{e0041}"),
            r#""a\"\\\n\u0001é\u009b\udb40\udc41""#
        );
    }

    #[test]
    fn a_suggested_word_can_be_pasted_into_a_shell() {
        for (word, quoted) in [
            ("store", "store"),
            ("/a/b-c.d", "/a/b-c.d"),
            ("my store", "'my store'"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("", "''"),
            ("~", "'~'"),
        ] {
            assert_eq!(shell(word), quoted);
        }
    }
}
