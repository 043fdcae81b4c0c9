//! What a request for reading asks for: numbers, times and flags of its query. Each name stands once, and an unknown one is refused, so
//! that a misspelt bound never gives more than was meant.

use indelible_api::occurred::time;
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
        assert!(asked.time("from").is_err(), "it is no time");
        let asked = Asked::read(Some("from=2026-11-23t10:00:00%2B01:00"), &known).expect("good");
        let same = Time::parse(b"2026-11-23T09:00:00.000000000Z");
        assert_eq!(asked.time("from").expect("a time"), same);
    }
}
