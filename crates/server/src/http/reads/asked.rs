//! What a request for reading asks for: numbers, times and flags of its query. Each name stands once, and an unknown one is refused, so
//! that a misspelt bound never gives more than was meant.

use indelible_api::{Code, Problem};
use indelible_proof::limits::INTEGER_MAX;
use indelible_proof::time::Time;

/// The parameters of one request.
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Reads a query, of which these names are known.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Asked, Problem> {
        let mut asked = Vec::new();
        for pair in query.unwrap_or_default().split('&') {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?;
            if !known.contains(&name.as_str()) {
                let known = match known {
                    [] => "it takes none".to_owned(),
                    known => format!("it takes {}", known.join(", ")),
                };
                let what = format!("no parameter of this path: {name}; {known}");
                return Err(Problem::new(Code::BadRequest, what));
            }
            if asked.iter().any(|(there, _)| *there == name) {
                return Err(bad(format!("{name} stands there twice")));
            }
            asked.push((name, decoded(value)?));
        }
        Ok(Asked(asked))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter();
        all.find_map(|(there, value)| (there == name).then_some(value.as_str()))
    }

    /// Whether it is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// `heads`, or `heads=true`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.value(name) {
            None => Ok(false),
            Some("" | "true" | "1") => Ok(true),
            Some(_) => Err(bad(format!("{name} is written without a value"))),
        }
    }

    /// A number of records, or of one.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let value = self.value(name);
        let number = value.map(|value| number(value).ok_or_else(|| not_a_number(name, value)));
        number.transpose()
    }

    /// A time.
    pub(super) fn time(&self, name: &str) -> Result<Option<Time>, Problem> {
        let read = |value| {
            time(value).ok_or_else(|| {
                bad(format!(
                    "{name} is no time from 2000 to 9999: write 2026-11-23T10:00:00Z; there came {value}"
                ))
            })
        };
        self.value(name).map(read).transpose()
    }

    /// Two that exclude each other.
    pub(super) fn not_both(&self, one: &str, other: &str) -> Result<(), Problem> {
        match self.has(one) && self.has(other) {
            true => Err(bad(format!("{one} and {other} exclude each other"))),
            false => Ok(()),
        }
    }
}

pub(super) fn bad(what: impl Into<String>) -> Problem {
    Problem::new(Code::BadRequest, what)
}

/// A seq in a path.
pub(super) fn seq(segment: &str) -> Result<u64, Problem> {
    number(segment).ok_or_else(|| not_a_number("seq", segment))
}

fn not_a_number(name: &str, value: &str) -> Problem {
    bad(format!(
        "{name} is a decimal number from 0 to {INTEGER_MAX}, without leading zeros; there came {value}"
    ))
}

fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (digits == "0" || !digits.starts_with('0'));
    let number = canonical.then(|| digits.parse().ok()).flatten();
    number.filter(|number| *number <= INTEGER_MAX)
}

/// A time as RFC 3339 has it: with up to nine decimals, in UTC or with an offset.
fn time(text: &str) -> Option<Time> {
    let (stem, rest) = text.split_at_checked(19)?;
    let zone = rest.find(['Z', 'z', '+', '-'])?;
    let (decimals, zone) = rest.split_at_checked(zone)?;
    let decimals = match decimals.strip_prefix('.') {
        Some(digits) if (1..=9).contains(&digits.len()) => digits,
        None if decimals.is_empty() => "0",
        _ => return None,
    };
    let stem = stem.replace('t', "T");
    let time = Time::parse(format!("{stem}.{decimals:0<9}Z").as_bytes())?;
    let (is_ahead, offset) = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(time),
        ("+", offset) => (true, offset),
        ("-", offset) => (false, offset),
        _ => return None,
    };
    let (hours, minutes) = offset.split_once(':')?;
    let part = |digits: &str, end: u64| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain
            .then(|| digits.parse::<u64>().ok())
            .flatten()
            .filter(|value| *value < end)
    };
    let offset = part(hours, 24)? * 3_600 + part(minutes, 60)? * 60;
    let secs = match is_ahead {
        true => time.secs().checked_sub(offset)?,
        false => time.secs().checked_add(offset)?,
    };
    Time::new(secs, time.nanos())
}

/// Percent-decoded text; `+` is itself.
fn decoded(text: &str) -> Result<String, Problem> {
    let wrong = || bad("the query is not percent-encoded text");
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2).ok_or_else(wrong)?;
        let plain = code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(code, 16).ok().filter(|_| plain);
        bytes.push(byte.ok_or_else(wrong)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    match text.chars().any(char::is_control) {
        true => Err(wrong()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_utc_and_with_an_offset() {
        for (text, same) in [
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000000000Z"),
            ("2026-11-23T10:00:00.5z", "2026-11-23T10:00:00.500000000Z"),
            (
                "2026-11-23t10:00:00+01:00",
                "2026-11-23T09:00:00.000000000Z",
            ),
            (
                "2026-11-23T10:00:00.123456789-02:30",
                "2026-11-23T12:30:00.123456789Z",
            ),
            (
                "2027-01-01T00:00:00+00:01",
                "2026-12-31T23:59:00.000000000Z",
            ),
        ] {
            assert_eq!(time(text), Time::parse(same.as_bytes()), "{text}");
            assert!(time(text).is_some(), "{text}");
        }
        for wrong in [
            "",
            "2026-11-23",
            "2026-11-23T10:00:00",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00.1234567890Z",
            "2026-11-23T10:00:00Zx",
            "2026-11-23T10:00:00+1:00",
            "2026-11-23T10:00:00+24:00",
            "2026-11-23T10:00:00+01:60",
            "2026-11-23T10:00:60Z",
            "2000-01-01T00:00:00+00:01",
            "äööäöüäöüäöüäöüäöü",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_parameter_that_is_unknown_twice_or_no_number_is_refused() {
        let known = ["from", "heads"];
        for wrong in [
            "form=1",
            "from=1&from=1",
            "from=%",
            "from=%zz",
            "%00",
            "from=%ff",
            "from=1%0a",
        ] {
            assert!(Asked::read(Some(wrong), &known).is_err(), "{wrong}");
        }
        for wrong in [
            "from=",
            "from=-1",
            "from=+1",
            "from=01",
            "from=9007199254740992",
            "from=1e3",
        ] {
            let asked = Asked::read(Some(wrong), &known).expect("it has its form");
            assert!(asked.number("from").is_err(), "{wrong}");
        }
        let asked = Asked::read(Some("from=9007199254740991&&heads"), &known).expect("good");
        assert_eq!(asked.number("from").expect("a number"), Some(INTEGER_MAX));
        assert!(asked.flag("heads").expect("a flag"));
        assert!(
            Asked::read(Some("heads=no"), &known)
                .expect("form")
                .flag("heads")
                .is_err()
        );
        let asked = Asked::read(Some("fr%6fm=%31"), &known).expect("good");
        assert_eq!(asked.number("from").expect("a number"), Some(1));
    }
}
