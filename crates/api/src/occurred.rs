//! When an event happened, by its own word: the member `occurred` of the event, RFC 3339, becomes the head's field of that name.
//!
//! Server and client both use this, so that a client can build the head again. Whatever is not such a time stands in the event all the
//! same and gives the head no field: a sender is never refused for it.

use indelible_proof::time::Time;
use memchr::memmem::Finder;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;

/// The member, whatever else there is.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    occurred: Option<Cow<'a, str>>,
}

static NAME: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("occurred\""));
static ESCAPE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\\u"));

/// The time that an event gives for itself.
#[must_use]
pub fn occurred(event: &[u8]) -> Option<Time> {
    // Most events have none, and a look for the word costs a tenth of reading them. The name may also be written with escapes.
    if NAME.find(event).is_none() && ESCAPE.find(event).is_none() {
        return None;
    }
    let event: Event<'_> = serde_json::from_slice(event).ok()?;
    time(&event.occurred?)
}

/// Reads a time of RFC 3339: with an offset, in the years 2000 to 9999; digits behind the ninth decimal are left out.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let (date, clock) = seconds.split_at_checked(10)?;
    let clock = clock.strip_prefix(['T', 't', ' '])?;
    let (decimals, zone) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit())?;
            let (decimals, zone) = rest.split_at_checked(end)?;
            (!decimals.is_empty()).then_some((decimals, zone))?
        }
    };
    let decimals = decimals.get(..9).unwrap_or(decimals);
    let as_utc = format!("{date}T{clock}.{decimals:0<9}Z");
    let local = Time::parse(as_utc.as_bytes())?;
    let behind = offset(zone)?;
    let seconds = i64::try_from(local.secs()).ok()?.checked_sub(behind)?;
    Time::new(u64::try_from(seconds).ok()?, local.nanos())
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let two = |text: &str, below: i64| {
        let is_two = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        let number: i64 = text.parse().ok().filter(|_| is_two)?;
        (number < below).then_some(number)
    };
    Some(sign * (two(hours, 24)? * 3_600 + two(minutes, 60)? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(input: &str) -> Option<String> {
        let time = time(input)?;
        Some(String::from_utf8_lossy(&time.text()).into_owned())
    }

    #[test]
    fn times_of_rfc_3339_are_read_in_every_zone() {
        for (input, output) in [
            ("2026-11-27T10:00:00Z", "2026-11-27T10:00:00.000000000Z"),
            ("2026-11-27t10:00:00.5z", "2026-11-27T10:00:00.500000000Z"),
            (
                "2026-11-27 10:00:00.123456789012Z",
                "2026-11-27T10:00:00.123456789Z",
            ),
            (
                "2026-01-01T00:30:00+01:00",
                "2025-12-31T23:30:00.000000000Z",
            ),
            (
                "2024-02-28T23:30:00-01:00",
                "2024-02-29T00:30:00.000000000Z",
            ),
            (
                "2026-11-27T10:00:00-00:00",
                "2026-11-27T10:00:00.000000000Z",
            ),
        ] {
            assert_eq!(text(input).as_deref(), Some(output), "{input}");
        }
    }

    #[test]
    fn what_is_no_such_time_is_none() {
        for input in [
            "",
            "2026-11-27",
            "2026-11-27T10:00:00",
            "2026-11-27T10:00Z",
            "2026-02-30T10:00:00Z",
            "2026-11-27T24:00:00Z",
            "2026-11-27T23:59:60Z",
            "2026-11-27T10:00:00.Z",
            "2026-11-27T10:00:00+0100",
            "2026-11-27T10:00:00+1:00",
            "2026-11-27T10:00:00+24:00",
            "2026-11-27T10:00:00+00:60",
            "1999-12-31T23:59:59Z",
            "2000-01-01T00:00:00+00:01",
            "2026-11-27T10:00:00Zx",
            "2026-11-27_10:00:00Z",
            "२०२६-11-27T10:00:00Z",
            "2026-11-27T10:00:00.५Z",
        ] {
            assert_eq!(text(input), None, "{input}");
        }
    }

    #[test]
    fn the_member_of_the_event_itself_counts_and_no_other() {
        let at = |event: &str| occurred(event.as_bytes()).map(|time| time.secs());
        let secs = time("2026-11-27T10:00:00Z").map(|time| time.secs());
        assert_eq!(at(r#"{"occurred":"2026-11-27T10:00:00Z"}"#), secs);
        assert_eq!(
            at(r#"{ "a" : 1 , "occ\u0075rred" : "2026-11-27T10:00:00Z" }"#),
            secs
        );
        assert_eq!(at(r#"{"a":{"occurred":"2026-11-27T10:00:00Z"}}"#), None);
        assert_eq!(
            at(r#"{"a":"occurred\"","b":[{"occurred":"2026-11-27T10:00:00Z"}]}"#),
            None
        );
        for other in ["7", "null", "true", "[]", "{}", "\"\"", "\"yesterday\""] {
            assert_eq!(at(&format!("{{\"occurred\":{other}}}")), None, "{other}");
        }
        assert_eq!(at("no event, occurred\""), None);
    }
}
