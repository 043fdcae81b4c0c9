use super::*;
use crate::hash::{empty_root, sha256};
use crate::walk::{encode_consistency, encode_genesis, parse_consistency, parse_genesis};
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";
const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn header() -> Header<'static> {
    Header {
        origin: Origin::parse(ORIGIN).unwrap(),
        id: Hash([0xAB; 32]),
        first: 1,
        count: 2,
        size: 3,
        content: Content::All,
    }
}

/// What an encoder wrote, without the LF it must end in.
fn line(encode: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = b"before".to_vec();
    encode(&mut out);
    let line = out
        .strip_prefix(b"before")
        .unwrap()
        .strip_suffix(b"\n")
        .unwrap();
    assert!(!line.contains(&b'\n'));
    String::from_utf8(line.to_vec()).unwrap()
}

#[test]
fn each_line_has_the_form_of_the_page() {
    let id = "ab".repeat(32);
    assert_eq!(
        line(|out| header().encode(out)),
        format!(
            r#"{{"export":1,"origin":"{ORIGIN}","id":"{id}","first":1,"count":2,"size":3,"content":"all"}}"#
        )
    );
    assert_eq!(
        line(|out| Header {
            content: Content::Heads,
            ..header()
        }
        .encode(out)),
        format!(
            r#"{{"export":1,"origin":"{ORIGIN}","id":"{id}","first":1,"count":2,"size":3,"content":"heads"}}"#
        )
    );
    assert_eq!(
        line(|out| encode_genesis(b"{}", &[b'5'; 32], b"{\"a\":1}", out)),
        format!(
            r#"{{"walk":{{"head":{{}},"salt":"{}","event":{{"a":1}}}}}}"#,
            "5".repeat(32)
        )
    );
    assert_eq!(
        line(|out| encode_consistency(&[empty_root(), empty_root()], out)),
        format!(r#"{{"walk":{{"consistency":["{EMPTY}","{EMPTY}"]}}}}"#)
    );
    assert_eq!(
        line(|out| encode_record(b"{}", None, out)),
        r#"{"head":{}}"#
    );
    assert_eq!(
        line(|out| encode_record(b"{}", Some((&[b'5'; 32], b"{}")), out)),
        format!(
            r#"{{"head":{{}},"salt":"{}","event":{{}}}}"#,
            "5".repeat(32)
        )
    );
    assert_eq!(line(|out| encode_lost(41, out)), r#"{"lost":41}"#);
    assert_eq!(
        line(|out| encode_entries(&[empty_root()], out)),
        format!(r#"{{"entries":"{EMPTY}"}}"#)
    );
    assert_eq!(line(|out| encode_left(&[], out)), r#"{"left":[]}"#);
    assert_eq!(
        line(|out| encode_right(&[empty_root()], out)),
        format!(r#"{{"right":["{EMPTY}"]}}"#)
    );
    assert_eq!(
        line(|out| encode_checkpoint("a\n\"b\\\u{2014}\n", out)),
        "{\"checkpoint\":\"a\\n\\\"b\\\\\u{2014}\\n\"}"
    );
    assert_eq!(
        line(|out| encode_end(&Hash([0xAB; 32]), out)),
        format!(r#"{{"end":1,"sha256":"{id}"}}"#)
    );
}

#[test]
fn a_header_is_refused_unless_its_numbers_fit() {
    let check = |first, count, size, good: bool| {
        let mut text = Vec::new();
        let header = Header {
            first,
            count,
            size,
            ..header()
        };
        header.encode(&mut text);
        let expected = if good {
            Ok(header)
        } else {
            Err(LineError::Malformed)
        };
        assert_eq!(Header::parse(text.strip_suffix(b"\n").unwrap()), expected);
    };
    let most = (1 << 53) - 1;
    check(0, 1, 1, true);
    check(0, most, most, true);
    check(most - 1, 1, most, true);
    check(0, 0, 1, false);
    check(1, 1, 1, false);
    check(0, 2, 1, false);
    check(0, 1, 1 << 53, false);
    check(most, most, most, false);
    check(u64::MAX, u64::MAX, u64::MAX, false);
}

#[test]
fn a_later_version_is_told_from_rubbish_by_how_it_begins() {
    for (text, error) in [
        ("{\"export\":2", LineError::Unsupported),
        ("{\"export\":27,\"anything\":[]}", LineError::Unsupported),
        ("{\"export\":1", LineError::Malformed),
        ("{\"export\":01", LineError::Malformed),
        ("{\"export\":\"1\"", LineError::Malformed),
        ("{\"Export\":1", LineError::Malformed),
        ("", LineError::Malformed),
    ] {
        assert_eq!(Header::parse(text.as_bytes()), Err(error), "{text}");
    }
    for (text, error) in [
        ("{\"walk\":{\"key\":1}}", LineError::Unsupported),
        ("{\"walk\":{", LineError::Unsupported),
        ("{\"walk\":{\"head\":{},", LineError::Unsupported),
        ("{\"walk\":{\"consistency\":[}}", LineError::Malformed),
        ("{\"walk\":[]}", LineError::Malformed),
        ("{\"head\":{}}", LineError::Malformed),
    ] {
        assert_eq!(parse_consistency(text.as_bytes()), Err(error), "{text}");
    }
}

#[test]
fn the_genesis_record_always_has_its_content() {
    assert!(
        parse_genesis(
            br#"{"walk":{"head":{},"salt":"00000000000000000000000000000000","event":{}}}"#
        )
        .is_some()
    );
    assert_eq!(parse_genesis(br#"{"walk":{"head":{}}}"#), None);
    assert_eq!(
        parse_genesis(
            br#"{"walk":{"head":{},"salt":"00000000000000000000000000000000","event":{}"#
        )
        .map(|record| record.head),
        None
    );
    assert_eq!(parse_genesis(br#"{"head":{}}"#), None);
}

#[test]
fn a_lost_record_is_named_by_one_number() {
    assert_eq!(
        RecordLine::parse(b"{\"lost\":0}"),
        Some(RecordLine::Lost(0))
    );
    for text in [
        "{\"lost\":}",
        "{\"lost\":01}",
        "{\"lost\":-1}",
        "{\"lost\":\"1\"}",
        "{\"lost\":1} ",
        "{\"lost\":1",
        "{\"lost\":9007199254740992}",
    ] {
        assert_eq!(RecordLine::parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn entries_follow_at_the_borders_of_blocks_and_at_the_end() {
    let after = |last| {
        (0..600)
            .filter(|seq| entries_follow(*seq, last))
            .collect::<Vec<u64>>()
    };
    assert_eq!(after(599), [255, 511, 599]);
    assert_eq!(after(511), [255, 511]);
    assert_eq!(after(10), [10, 255, 511]);
}

#[test]
fn an_entries_line_holds_as_many_as_are_due() {
    let entries = vec![sha256(b"a"), sha256(b"b")];
    let text = line(|out| encode_entries(&entries, out));
    let mut bytes = b"old".to_vec();
    assert!(parse_entries(text.as_bytes(), 2, &mut bytes));
    assert_eq!(bytes, [entries[0].0, entries[1].0].concat());
    for count in [0, 1, 3, usize::MAX] {
        assert!(!parse_entries(text.as_bytes(), count, &mut bytes));
    }
    assert!(!parse_entries(
        text.replace('=', "").as_bytes(),
        2,
        &mut bytes
    ));
    assert!(!parse_entries(
        text.replace("entries", "entry").as_bytes(),
        2,
        &mut bytes
    ));
}

#[test]
fn lists_of_hashes_have_one_form() {
    let good = format!("{{\"left\":[\"{EMPTY}\",\"{EMPTY}\"]}}");
    assert_eq!(parse_left(good.as_bytes()), Some(vec![empty_root(); 2]));
    assert_eq!(parse_left(b"{\"left\":[]}"), Some(vec![]));
    assert_eq!(parse_right(good.as_bytes()), None);
    for text in [
        good.replace("\",\"", "\", \""),
        good.replace("]}", ",]}"),
        good.replace("[\"", "[,\""),
        good.replace("U=", "V="),
        good.replace("\",\"", "\",,\""),
        good.replace(['[', ']'], ""),
        "{\"left\":[\"\"]}".into(),
    ] {
        assert_eq!(parse_left(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn of_a_list_longer_than_any_proof_little_is_kept() {
    let text = line(|out| encode_consistency(&vec![empty_root(); 10_000], out));
    assert_eq!(parse_consistency(text.as_bytes()).unwrap().len(), 64);
    assert_eq!(
        parse_consistency(format!("{},x]}}}}", &text[..text.len() - 3]).as_bytes()),
        Err(LineError::Malformed)
    );
}

#[test]
fn a_note_is_escaped_in_one_way() {
    for text in [
        "{\"checkpoint\":\"a\\tb\"}",
        "{\"checkpoint\":\"a\\/b\"}",
        "{\"checkpoint\":\"a\\u000ab\"}",
        "{\"checkpoint\":\"a\\\"}",
        "{\"checkpoint\":\"a\"b\"}",
        "{\"checkpoint\":\"a\"",
        "{\"checkpoint\": \"a\"}",
    ] {
        assert_eq!(parse_checkpoint(text.as_bytes()), None, "{text}");
    }
    let largest = "a".repeat(NOTE_BYTES_MAX);
    assert_eq!(
        parse_checkpoint(line(|out| encode_checkpoint(&largest, out)).as_bytes()),
        Some(largest.clone().into_bytes())
    );
    assert_eq!(
        parse_checkpoint(line(|out| encode_checkpoint(&format!("{largest}a"), out)).as_bytes()),
        None
    );
}

proptest! {
    #[test]
    fn a_header_read_is_written_the_same(at: prop::sample::Index, byte: u8) {
        let mut text = line(|out| header().encode(out)).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(header) = Header::parse(&text) {
            prop_assert_eq!(line(|out| header.encode(out)).into_bytes(), text);
        }
    }

    #[test]
    fn what_is_written_is_read_again(raw in prop::collection::vec(any::<[u8; 32]>(), 0..63), note in "[a\n\"\\\\\u{2014}]{0,40}", seq in 0_u64..1 << 53) {
        let hashes: Vec<Hash> = raw.into_iter().map(Hash).collect();
        prop_assert_eq!(parse_consistency(line(|out| encode_consistency(&hashes, out)).as_bytes()), Ok(hashes.clone()));
        prop_assert_eq!(parse_left(line(|out| encode_left(&hashes, out)).as_bytes()), Some(hashes.clone()));
        prop_assert_eq!(parse_right(line(|out| encode_right(&hashes, out)).as_bytes()), Some(hashes.clone()));
        let mut bytes = Vec::new();
        prop_assert!(parse_entries(line(|out| encode_entries(&hashes, out)).as_bytes(), hashes.len(), &mut bytes));
        prop_assert_eq!(parse_checkpoint(line(|out| encode_checkpoint(&note, out)).as_bytes()), Some(note.into_bytes()));
        let lost = line(|out| encode_lost(seq, out));
        prop_assert_eq!(RecordLine::parse(lost.as_bytes()), Some(RecordLine::Lost(seq)));
    }

    #[test]
    fn whatever_note_is_read_is_written_the_same(escaped in "[an\"\\\\]{0,12}") {
        let text = format!("{{\"checkpoint\":\"{escaped}\"}}");
        if let Some(note) = parse_checkpoint(text.as_bytes()) {
            let note = String::from_utf8(note).unwrap();
            prop_assert_eq!(line(|out| encode_checkpoint(&note, out)), text);
        }
    }
}
