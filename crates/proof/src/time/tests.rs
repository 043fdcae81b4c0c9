use super::*;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use proptest::prelude::*;

fn known(secs: u64, nanos: u32, text: &str) {
    let time = Time::new(secs, nanos).unwrap();
    assert_eq!(time.to_string(), text);
    assert_eq!(Time::parse(text.as_bytes()), Some(time));
}

/// The seconds were computed with GNU date (`date -u -d … +%s`).
#[test]
fn known_moments_have_their_text() {
    known(946_684_800, 0, "2000-01-01T00:00:00.000000000Z");
    known(951_782_400, 1, "2000-02-29T00:00:00.000000001Z");
    known(951_868_800, 999_999_999, "2000-03-01T00:00:00.999999999Z");
    known(1_795_428_123, 123_456_789, "2026-11-23T10:02:03.123456789Z");
    known(4_107_542_399, 0, "2100-02-28T23:59:59.000000000Z");
    known(4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z");
    known(
        253_402_300_799,
        999_999_999,
        "9999-12-31T23:59:59.999999999Z",
    );
}

#[test]
fn what_is_not_a_real_moment_is_refused() {
    for text in [
        "1999-12-31T23:59:59.999999999Z",
        "2026-00-23T10:02:03.123456789Z",
        "2026-13-23T10:02:03.123456789Z",
        "2026-11-00T10:02:03.123456789Z",
        "2026-11-31T10:02:03.123456789Z",
        "2026-02-29T10:02:03.123456789Z",
        "2100-02-29T10:02:03.123456789Z",
        "2026-11-23T24:02:03.123456789Z",
        "2026-11-23T10:60:03.123456789Z",
        "2026-11-23T10:02:60.123456789Z",
        "2026-11-23t10:02:03.123456789Z",
        "2026-11-23T10:02:03.123456789z",
        "2026-11-23 10:02:03.123456789Z",
        "2026-11-23T10:02:03,123456789Z",
        "2026-11-23T10:02:03.12345678Z",
        "2026-11-23T10:02:03.1234567890Z",
        "+026-11-23T10:02:03.123456789Z",
        "2026-11-23T10:02:03.12345678/Z",
        "",
    ] {
        assert_eq!(Time::parse(text.as_bytes()), None, "{text}");
    }
    assert_eq!(Time::new(946_684_799, 0), None);
    assert_eq!(Time::new(253_402_300_800, 0), None);
    assert_eq!(Time::new(1_000_000_000, 1_000_000_000), None);
}

#[test]
fn every_day_reads_back_and_has_a_text_of_its_own() {
    let mut last = Vec::new();
    for day in SECS_MIN / SECS_PER_DAY..=SECS_MAX / SECS_PER_DAY {
        let time = Time::new(day * SECS_PER_DAY, 0).unwrap();
        let text = time.text();
        assert_eq!(Time::parse(&text), Some(time));
        assert!(last.as_slice() < text.as_slice());
        last = text.to_vec();
    }
}

#[test]
fn sums_stop_at_the_year_9999() {
    let last = Time::new(SECS_MAX, 999_999_999).unwrap();
    assert_eq!(last.plus_nanos(1), None);
    assert_eq!(last.plus_nanos(u128::MAX), None);
    assert_eq!(last.plus_nanos(0), Some(last));
    let first = Time::new(SECS_MIN, 0).unwrap();
    assert_eq!(
        first.plus_nanos(last.nanos_since(&first).unwrap()),
        Some(last)
    );
    assert_eq!(first.nanos_since(&last), None);
}

proptest! {
    #[test]
    fn text_and_number_agree(secs in SECS_MIN..=SECS_MAX, nanos in 0..NANOS_PER_SEC, more in 0_u128..1 << 50) {
        let time = Time::new(secs, nanos).unwrap();
        prop_assert_eq!(Time::parse(&time.text()), Some(time));
        if let Some(later) = time.plus_nanos(more) {
            prop_assert_eq!(later.nanos_since(&time), Some(more));
            prop_assert!(later.text() >= time.text());
        }
    }

    #[test]
    fn whatever_is_read_is_written_the_same(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{9}Z") {
        if let Some(time) = Time::parse(text.as_bytes()) {
            prop_assert_eq!(time.to_string(), text);
        }
    }
}

#[test]
fn a_time_written_within_a_second_is_the_same_text() {
    for (one, other) in [
        (0, 999_999_999),
        (123_456_789, 0),
        (7, 100_000_000),
        (0, 123_456_789),
        (0, 987_654_321),
    ] {
        let (one, other) = (
            Time::new(1_790_000_000, one).unwrap(),
            Time::new(1_790_000_000, other).unwrap(),
        );
        assert_eq!(other.text_within(&one.text()), other.text());
    }
}

#[test]
fn a_moment_is_its_seconds_and_its_nanoseconds_and_is_shown_as_its_text() {
    let text = "2026-11-23T10:02:03.123456789Z";
    let time = Time::parse(text.as_bytes()).unwrap();
    assert_eq!((time.secs(), time.nanos()), (1_795_428_123, 123_456_789));
    assert_eq!(alloc::format!("{time:?}"), text);
}
