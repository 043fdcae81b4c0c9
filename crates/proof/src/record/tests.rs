use super::*;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;

const SALT: &[u8] = b"000102030405060708090a0b0c0d0e0f";

fn content(salt: &'static [u8], event: &'static [u8]) -> Option<Content<'static>> {
    Some(Content { salt, event })
}

#[test]
fn a_line_is_cut_by_position() {
    let line = br#"{"head":{"seq":1},"salt":"000102030405060708090a0b0c0d0e0f","event":{"a":{}}}"#;
    assert_eq!(
        Record::cut(line),
        Some(Record {
            head: br#"{"seq":1}"#,
            content: content(SALT, br#"{"a":{}}"#)
        })
    );
    assert_eq!(
        Record::cut(br#"{"head":{"seq":1}}"#),
        Some(Record {
            head: br#"{"seq":1}"#,
            content: None
        })
    );
    assert_eq!(
        Record::cut(br#"{"head":{}}"#),
        Some(Record {
            head: b"{}",
            content: None
        })
    );
}

#[test]
fn nothing_that_was_cut_out_is_judged() {
    let line = [
        b"{\"head\":{\xFF},\"salt\":\"".as_slice(),
        &[b'"'; 32],
        b"\",\"event\":}",
    ]
    .concat();
    assert_eq!(
        Record::cut(&line),
        Some(Record {
            head: b"{\xFF}",
            content: content(&[b'"'; 32], b"")
        })
    );
}

#[test]
fn a_line_of_another_form_is_malformed() {
    for line in [
        "",
        "{",
        "{\"head\":",
        "{\"head\":}",
        "{\"head\":}}",
        "{\"head\":{}",
        "{\"head\":1}",
        "{\"head\": {}}",
        "{\"head\":{}} ",
        "{\"head\":{},}",
        "{\"head\":{}}}",
        "{\"head\":{},\"salt\":\"000102030405060708090a0b0c0d0e0f\"}",
        "{\"head\":{},\"salt\":\"000102030405060708090a0b0c0d0e0\",\"event\":{}}",
        "{\"head\":{},\"salt\":\"000102030405060708090a0b0c0d0e0ff\",\"event\":{}}",
        "{\"head\":{},\"salt\":\"000102030405060708090a0b0c0d0e0f\",\"event\":{}",
        "{\"head\":{},\"event\":{},\"salt\":\"000102030405060708090a0b0c0d0e0f\"}",
        "{\"head\":{},\"salt\":\"\",\"event\":{}}",
        "{\"Head\":{}}",
    ] {
        // The event may be anything that ends before the last brace, so a missing brace shows only where the event is judged.
        let expected = (line.ends_with(":{}") && line.contains("salt")).then(|| b"{".as_slice());
        let event = Record::cut(line.as_bytes()).map(|record| {
            record
                .content
                .map_or(b"".as_slice(), |content| content.event)
        });
        assert_eq!(event, expected, "{line}");
    }
}

#[test]
fn a_salt_is_lower_case_hex() {
    let salt = Salt::from_random([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(salt.text().as_slice(), SALT);
    assert_eq!(Salt::parse(SALT), Some(salt));
    for text in [
        "",
        "000102030405060708090a0b0c0d0e0",
        "000102030405060708090A0B0C0D0E0F",
        "000102030405060708090a0b0c0d0e0g",
    ] {
        assert_eq!(Salt::parse(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_cut_again(head in "\\{[ -|]{0,30}\\}", salt: [u8; 16], event in ".{0,30}", whole: bool) {
        let salt = Salt::from_random(salt);
        let content = whole.then_some((salt.text().as_slice(), event.as_bytes()));
        let mut line = vec![];
        encode_line(head.as_bytes(), content, &mut line);
        let record = Record::cut(&line).unwrap();
        prop_assert_eq!(record.head, head.as_bytes());
        prop_assert_eq!(record.content.map(|content| (content.salt, content.event)), content);
    }

    #[test]
    fn whatever_is_cut_is_written_the_same(line in "\\{\"head\":\\{[a}]{0,2}\\}(,\"salt\":\"[0-9a-f]{31,33}\",\"event\":[{}]{0,3})?\\}?") {
        if let Some(record) = Record::cut(line.as_bytes()) {
            let mut again = vec![];
            encode_line(record.head, record.content.map(|content| (content.salt, content.event)), &mut again);
            prop_assert_eq!(String::from_utf8(again).unwrap(), line);
        }
    }
}
