//! A query gives what it says or is refused: no name twice, none unknown, no number that is written in two ways.

#![no_main]

use asked::Asked;
use indelible_proof::limits::INTEGER_MAX;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/server/src/http/reads/asked.rs"]
#[allow(dead_code, reason = "some of it is for paths")]
mod asked;

const KNOWN: [&str; 4] = ["from", "to", "after", "heads"];

fuzz_target!(|input: &[u8]| {
    let Ok(query) = str::from_utf8(input) else {
        return;
    };
    let given = pairs(query);
    let Ok(asked) = Asked::read(Some(query), &KNOWN) else {
        let good = given.is_some_and(|given| {
            let alone = |name: &str| given.iter().filter(|(other, _)| other == name).count() == 1;
            let known = |name: &str| KNOWN.contains(&name) && alone(name);
            let control = |text: &str| text.chars().any(char::is_control);
            given
                .iter()
                .all(|(name, value)| known(name) && !control(value))
        });
        assert!(!good, "a good query is refused");
        return;
    };
    let given = given.expect("what is taken is percent-encoded");
    for name in KNOWN {
        let values: Vec<&String> = given
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value)
            .collect();
        assert_eq!(asked.has(name), values.len() == 1);
        let value = values.first().map(|value| value.as_str());
        match asked.number(name) {
            Ok(number) => assert_eq!(number.map(|number| number.to_string()).as_deref(), value),
            Err(_) => {
                let number = value.and_then(|value| value.parse::<u64>().ok());
                let plain = number.map(|number| number.to_string()).as_deref() == value;
                assert!(!plain || number > Some(INTEGER_MAX), "{value:?}");
            }
        }
        if let Ok(Some(time)) = asked.time(name) {
            let value = value.expect("it was read from one");
            assert!(value.len() >= "2026-11-23T10:00:00Z".len(), "{value}");
            assert!(time.secs() >= 946_684_800, "2000 and later: {value}");
        }
    }
});

/// Names and values, percent-decoded by other means: every two digits after a `%` are a byte.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            if *first != b'%' {
                bytes.push(*first);
                continue;
            }
            let (high, low) = (*rest.first()?, *rest.get(1)?);
            let digit = |byte: u8| char::from(byte).to_digit(16);
            bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).expect("below 256"));
            rest = &rest[2..];
        }
        String::from_utf8(bytes).ok()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let both = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(name)?, decoded(value)?))
    });
    both.collect()
}
