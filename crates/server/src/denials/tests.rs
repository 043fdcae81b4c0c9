use super::*;
use std::time::Duration;

fn denial(by: &str, log: &str) -> Denial {
    Denial {
        by: by.to_owned(),
        action: Action::Append,
        log: Some(log.to_owned()),
        is_there: true,
        from: None,
        policy: Some(3),
    }
}

fn counts(said: &[Denied<'_>]) -> Vec<(Option<String>, Option<String>, u64)> {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    said.iter()
        .map(|said| (text(&said.by), text(&said.log), said.count))
        .collect()
}

fn of(by: &str, log: Option<&str>, count: u64) -> (Option<String>, Option<String>, u64) {
    (Some(by.to_owned()), log.map(str::to_owned), count)
}

#[test]
fn the_first_of_a_kind_is_said_at_once_and_the_rest_once_a_minute() {
    let (mut denials, start) = (Denials::default(), Instant::now());
    assert_eq!(denials.due(), None);
    let first = denials.add(denial("dns:a", "orders"), start);
    assert_eq!(first.map(|said| said.count), Some(1));
    for number in 0..999 {
        let now = start + Duration::from_millis(number);
        assert_eq!(denials.add(denial("dns:a", "orders"), now), None);
    }
    let other = denials.add(denial("dns:a", "tills"), start);
    assert_eq!(other.map(|said| said.count), Some(1));
    assert_eq!(denials.due(), Some(start + DENIALS_EVERY));

    let minute = start + DENIALS_EVERY;
    assert_eq!(
        counts(&denials.turn(minute)),
        [of("dns:a", Some("orders"), 999)]
    );
    // It goes on: nothing at once, one record the next minute.
    assert_eq!(denials.add(denial("dns:a", "orders"), minute), None);
    // The other was quiet for a minute, and is a first again.
    assert!(denials.add(denial("dns:a", "tills"), minute).is_some());
    let later = minute + DENIALS_EVERY;
    assert_eq!(
        counts(&denials.turn(later)),
        [of("dns:a", Some("orders"), 1)]
    );
    assert_eq!(denials.due(), Some(later + DENIALS_EVERY));
    assert_eq!(counts(&denials.turn(later)), []);
    assert_eq!(denials.due(), None);
}

#[test]
fn names_of_logs_that_are_not_there_are_one_kind() {
    let (mut denials, now) = (Denials::default(), Instant::now());
    let asks = |name: &str| Denial {
        is_there: false,
        ..denial("dns:a", name)
    };
    let first = denials.add(asks("x0"), now).expect("the first");
    assert_eq!(first.log.as_deref(), Some("x0"));
    for number in 1..5_000 {
        assert_eq!(denials.add(asks(&format!("x{number}")), now), None);
    }
    assert_eq!(
        counts(&denials.turn(now)),
        [of("dns:a", Some("x4999"), 4_999)]
    );
}

#[test]
fn a_flood_from_one_or_from_many_is_a_bounded_number_of_records_and_none_is_uncounted() {
    let (mut denials, now) = (Denials::default(), Instant::now());
    let mut said = Vec::new();
    for number in 0..1_000 {
        said.extend(denials.add(denial("dns:one", &format!("l{number}")), now));
    }
    assert_eq!(said.len(), DENIALS_OF_ONE_MAX);
    for number in 0..100_000 {
        said.extend(denials.add(denial(&format!("dns:h{number}"), "orders"), now));
    }
    assert!(said.len() <= DENIALS_MAX);
    let counted = denials.turn(now);
    assert!(counted.len() <= DENIALS_MAX + 1);
    said.extend(counted);
    let all: u64 = said.iter().map(|said| said.count).sum();
    assert_eq!(all, 101_000);
    let of_one: u64 = said
        .iter()
        .filter(|said| said.by.as_deref() == Some("dns:one"))
        .map(|said| said.count)
        .sum();
    assert_eq!(of_one, 1_000);
    // Whoever was quiet makes room.
    assert_eq!(denials.of.len(), 2);
    assert_eq!(denials.kinds.len(), 0);
    assert!(denials.add(denial("dns:late", "orders"), now).is_some());
}
