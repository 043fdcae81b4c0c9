use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::{Format, FormatFault, Identity, digest, parse_path, render_path};

fn format() -> Format {
    Format {
        store_id: [0xab; 16],
        node_id: [1; 16],
        origin: "example.org/node".to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
        tail_size: 1 << 20,
        incompatible: 0,
        read_only: 0,
        volatile: true,
        keys: None,
        register: None,
        identity: Identity {
            inode: 12,
            born: None,
        },
    }
}

#[test]
fn more_or_fewer_bytes_are_refused() {
    let text = format().render();
    assert_eq!(Format::parse(text.as_bytes()), Ok(format()));
    for end in 0..text.len() {
        assert!(
            Format::parse(&text.as_bytes()[..end]).is_err(),
            "cut at {end}"
        );
    }
    let text = text + "\n";
    assert_eq!(Format::parse(text.as_bytes()), Err(FormatFault::Damaged));
}

#[test]
fn another_version_and_an_unknown_feature_are_told_apart_from_damage() {
    let other = Format {
        incompatible: 1 << 40,
        ..format()
    };
    assert_eq!(
        Format::parse(other.render().as_bytes()),
        Err(FormatFault::Incompatible)
    );
    let newer = format().render().replace("store v1", "store v2");
    assert_eq!(Format::parse(newer.as_bytes()), Err(FormatFault::Damaged));
    let whole = format!(
        "indelible-store v2\nsha256 {}\n",
        digest(b"indelible-store v2\n")
    );
    assert_eq!(Format::parse(whole.as_bytes()), Err(FormatFault::Version));
    for neither in [
        "",
        "indelible-store v",
        "indelible-store v00",
        "indelible-store vx",
        "another file",
    ] {
        let fault = Format::parse(neither.as_bytes());
        assert_eq!(fault, Err(FormatFault::Damaged), "{neither}");
    }
}

#[test]
fn a_birth_time_keeps_its_leading_zeros() {
    let identity = Identity {
        inode: 1,
        born: Some((5, 7)),
    };
    let text = Format {
        identity,
        ..format()
    }
    .render();
    assert!(text.contains("\nborn 5.000000007\n"));
    assert_eq!(Format::parse(text.as_bytes()).unwrap().identity, identity);
}

proptest! {
    #[test]
    fn any_absolute_path_comes_back(bytes in prop::collection::vec(1_u8.., 0..40)) {
        let path = PathBuf::from(OsString::from_vec([b"/".as_slice(), &bytes].concat()));
        let text = render_path(Some(&path));
        prop_assert!(text.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
        prop_assert_eq!(parse_path(&text), Some(Some(path)));
    }

    #[test]
    fn no_text_breaks_the_parser(text in ".*", cut in 0_usize..400) {
        let whole = format().render();
        let mixed = whole.get(..cut).unwrap_or(&whole).to_owned() + &text;
        prop_assert!(Format::parse(mixed.as_bytes()).is_err() || mixed == whole);
    }
}
