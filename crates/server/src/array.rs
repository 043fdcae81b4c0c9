//! Cuts a JSON array into its elements, without judging them.
//!
//! Each piece then goes before the one judge of events. The pieces with the commas between them and the brackets around them are the
//! whole body, so that a body all of whose pieces are events is an array of events and nothing else.

use memchr::memchr2;

/// Why a body is no array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArrayError {
    /// It does not begin with a bracket, or does not end with the one that closes it.
    #[error("the body is not one JSON array")]
    NotOne,
    /// More elements than allowed.
    #[error("the array has more than {0} events")]
    TooMany(usize),
}

/// The elements of an array, as they stand, white space around them included.
pub(crate) fn elements(body: &[u8], most: usize) -> Result<Vec<&[u8]>, ArrayError> {
    let inner = trimmed(body)
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"))
        .ok_or(ArrayError::NotOne)?;
    if trimmed(inner).is_empty() {
        return Ok(Vec::new());
    }
    let (mut pieces, mut depth, mut start, mut place) = (Vec::new(), 0_usize, 0, 0);
    while let Some(byte) = inner.get(place) {
        match byte {
            b'"' => place = string_end(inner, place + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1).ok_or(ArrayError::NotOne)?,
            b',' if depth == 0 => {
                pieces.push(inner.get(start..place).unwrap_or_default());
                start = place + 1;
                if pieces.len() >= most {
                    return Err(ArrayError::TooMany(most));
                }
            }
            _ => {}
        }
        place += 1;
    }
    pieces.push(inner.get(start..).unwrap_or_default());
    Ok(pieces)
}

/// Without the white space that JSON allows around a value (RFC 8259 §2): ASCII has a form feed besides.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_more = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = text.iter().position(is_more).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(is_more)
        .map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Where the string ends that begins at `place`: its closing quotation mark, or the end where it has none, which the judge will say.
/// Most of an event lies in its strings, and they are passed over many bytes at a time.
fn string_end(bytes: &[u8], mut place: usize) -> usize {
    loop {
        let rest = bytes.get(place..).unwrap_or_default();
        match memchr2(b'"', b'\\', rest) {
            None => return bytes.len(),
            Some(found) if rest.get(found) == Some(&b'"') => return place + found,
            // What is escaped is no end.
            Some(found) => place += found + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Result<Vec<&str>, ArrayError> {
        let pieces = elements(body.as_bytes(), 4)?;
        Ok(pieces
            .into_iter()
            .map(|piece| std::str::from_utf8(piece).expect("it was text"))
            .collect())
    }

    #[test]
    fn an_array_is_cut_at_its_own_commas() {
        assert_eq!(texts("[]"), Ok(vec![]));
        assert_eq!(texts(" [ ] \n"), Ok(vec![]));
        assert_eq!(
            texts(r#"[{"a":1},{"b":[1,{"c":","}]}]"#),
            Ok(vec![r#"{"a":1}"#, r#"{"b":[1,{"c":","}]}"#])
        );
        assert_eq!(
            texts(r#"[{"a":"\",]}"},{}]"#),
            Ok(vec![r#"{"a":"\",]}"}"#, "{}"])
        );
        assert_eq!(texts(r#"[{"a":"\\"},{}]"#), Ok(vec![r#"{"a":"\\"}"#, "{}"]));
    }

    #[test]
    fn pieces_that_are_no_events_are_left_to_the_judge() {
        assert_eq!(texts("[{},]"), Ok(vec!["{}", ""]));
        assert_eq!(texts("[1 2]"), Ok(vec!["1 2"]));
        assert_eq!(texts("[\u{c}]"), Ok(vec!["\u{c}"]));
        assert_eq!(texts("[{]"), Ok(vec!["{"]));
        assert_eq!(texts(r#"[{},{"a]"#), Ok(vec!["{}", r#"{"a"#]));
        assert_eq!(texts(r#"[{},"a\]"#), Ok(vec!["{}", r#""a\"#]));
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for body in ["", "{}", "[", "]", "[}]", "[{}", "{}]", "[{}]]x"] {
            assert_eq!(texts(body), Err(ArrayError::NotOne), "{body}");
        }
        for body in ["\u{c}[]", "[]\u{c}", "\u{b}[]", "[]\u{a0}"] {
            assert_eq!(texts(body), Err(ArrayError::NotOne), "{body:?}");
        }
        assert_eq!(texts("[1,2,3,4,5]"), Err(ArrayError::TooMany(4)));
        assert_eq!(texts("[1,2,3,4]").map(|all| all.len()), Ok(4));
    }
}
