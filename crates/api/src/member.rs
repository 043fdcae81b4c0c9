//! The idempotency key that an event carries in one of its own members.
//!
//! Looks at events that were judged and minified, so that it need not refuse anything but the key. Whoever records events from a file
//! and a node that gets them as lines use it alike.

use indelible_proof::head;

/// The key in the member of that name, as it stands in a head.
///
/// # Errors
/// A sentence, if there is none that can be one.
pub fn key(event: &[u8], name: &str) -> Result<String, String> {
    let value = member(event, name).ok_or_else(|| format!("it has no member {name:?}"))?;
    let text = match value {
        [b'"', inside @ .., b'"'] => unescaped(inside),
        [b'-' | b'0'..=b'9', ..] => String::from_utf8_lossy(value).into_owned(),
        _ => return Err(format!("{name:?} is neither a string nor a number")),
    };
    if text.contains('#') {
        return Err(format!("{name:?} has a '#', which no key may have"));
    }
    let mut key = String::new();
    head::percent_encode(text.as_bytes(), &mut key);
    match head::is_key(&key) {
        true => Ok(key),
        false if text.is_empty() => Err(format!("{name:?} is empty")),
        false => Err(format!(
            "{name:?} is longer than a key, which has at most 128 characters"
        )),
    }
}

/// The value of a member of a minified object, as it is written.
fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = object.strip_prefix(b"{")?;
    loop {
        let length = value_len(rest);
        let inside = rest.get(1..length.checked_sub(1)?)?;
        let value = rest.get(length..)?.strip_prefix(b":")?;
        let (value, after) = value.split_at_checked(value_len(value))?;
        if unescaped(inside) == name {
            return Some(value);
        }
        rest = after.strip_prefix(b",")?;
    }
}

/// Bytes of the value that stands at the beginning.
fn value_len(bytes: &[u8]) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => {
                in_string = !in_string;
                if !in_string && depth == 0 {
                    return at + 1;
                }
            }
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b':' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// The text of a JSON string, its quotes taken off.
fn unescaped(inside: &[u8]) -> String {
    let mut units: Vec<u16> = Vec::new();
    let text = String::from_utf8_lossy(inside);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let mut buffer = [0; 2];
        if letter != '\\' {
            units.extend_from_slice(letter.encode_utf16(&mut buffer));
            continue;
        }
        let plain = match letters.next() {
            Some('u') => {
                let digits: String = letters.by_ref().take(4).collect();
                units.extend(u16::from_str_radix(&digits, 16));
                continue;
            }
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(other) => other,
            None => continue,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_a_member_of_the_event_itself() {
        let event =
            br#"{"a":{"id":"inner"},"b":[1,{"id":2},"]}"],"c\"":"x\\","\u0069d":"o-41","z":null}"#;
        assert_eq!(key(event, "id"), Ok("o-41".to_owned()));
        assert_eq!(key(event, "c\""), Ok("x%5C".to_owned()));
        for (event, expected) in [
            (r#"{"id":41}"#, "41"),
            (r#"{"id":-1.5e3,"b":1}"#, "-1.5e3"),
            (r#"{"id":"a b"}"#, "a%20b"),
            (r#"{"id":"\ud83d\ude00"}"#, "%F0%9F%98%80"),
        ] {
            assert_eq!(key(event.as_bytes(), "id"), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn an_event_without_a_key_is_refused() {
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(129));
        for (event, part) in [
            ("{}", "no member"),
            (r#"{"a":{"id":1}}"#, "no member"),
            (r#"{"id":null}"#, "neither"),
            (r#"{"id":{"id":1}}"#, "neither"),
            (r#"{"id":""}"#, "empty"),
            (r#"{"id":"a#1"}"#, "'#'"),
            (&long, "longer"),
        ] {
            let refused = key(event.as_bytes(), "id").unwrap_err();
            assert!(refused.contains(part), "{event}: {refused}");
        }
    }
}
