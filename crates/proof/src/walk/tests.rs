use super::*;
use crate::hash::empty_root;
use alloc::format;
use alloc::string::String;

fn hinge(note: &str) -> String {
    let mut out = Vec::new();
    let proof = [empty_root(), Hash([9; 32])];
    let key = (
        b"{}".as_slice(),
        [b'5'; 32].as_slice(),
        b"{\"key\":1}".as_slice(),
    );
    encode_hinge(note, &proof, &proof[..1], key, &mut out);
    let line = String::from_utf8(out).unwrap();
    line.strip_suffix('\n').unwrap().into()
}

#[test]
fn a_hinge_line_is_read_as_it_was_written() {
    for note in ["a\nb\n", "with \"quotes\" and \\ too\n", ""] {
        let line = hinge(note);
        let Step::Hinge(read) = Step::parse(line.as_bytes()).unwrap() else {
            panic!("not a hinge: {line}");
        };
        assert_eq!(read.note, note.as_bytes());
        assert_eq!(read.consistency, [empty_root(), Hash([9; 32])]);
        assert_eq!(read.inclusion, [empty_root()]);
        assert_eq!(read.key.content.unwrap().event, b"{\"key\":1}");
    }
}

#[test]
fn a_line_that_is_cut_anywhere_is_malformed_and_never_unsupported() {
    let line = hinge("x\n");
    for end in "{\"walk\":{\"hinge\":".len()..line.len() - 1 {
        let cut = Step::parse(&line.as_bytes()[..end]);
        assert_eq!(cut, Err(LineError::Malformed), "{end}");
    }
    for other in ["{\"walk\":{\"erasure\":1}}", "{\"walk\":{\"\":1}}"] {
        assert_eq!(Step::parse(other.as_bytes()), Err(LineError::Unsupported));
    }
}

#[test]
fn a_walk_file_begins_with_its_log_and_size() {
    let origin = Origin::parse("acme.example/orders/00112233445566ff").unwrap();
    let header = Header {
        origin,
        id: Hash([3; 32]),
        size: 7,
    };
    let mut line = Vec::new();
    header.encode(&mut line);
    let line = String::from_utf8(line).unwrap();
    let line = line.strip_suffix('\n').unwrap();
    assert_eq!(Header::parse(line.as_bytes()), Ok(header));
    let later = line.replacen("\"walk\":1", "\"walk\":2", 1);
    assert_eq!(Header::parse(later.as_bytes()), Err(LineError::Unsupported));
    for wrong in ["\"size\":07", "\"size\":9007199254740992"] {
        let wrong = line.replace("\"size\":7", wrong);
        assert_eq!(
            Header::parse(wrong.as_bytes()),
            Err(LineError::Malformed),
            "{wrong}"
        );
    }
    assert!(Header::parse(format!("{line} ").as_bytes()).is_err());
}
