use super::*;
use alloc::format;
use proptest::prelude::*;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";
const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn a_checkpoint_is_three_lines() {
    let text = format!("{ORIGIN}\n12\n{EMPTY}\n");
    let checkpoint = Checkpoint {
        origin: ORIGIN,
        size: 12,
        root: hash::empty_root(),
    };
    assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
    assert_eq!(checkpoint.encode(), text);
}

#[test]
fn another_number_of_lines_is_refused() {
    for text in [
        String::new(),
        "\n".into(),
        format!("{ORIGIN}\n1\n{EMPTY}"),
        format!("{ORIGIN}\n1\n"),
        format!("{ORIGIN}\n1\n{EMPTY}\nextension\n"),
        format!("{ORIGIN}\n1\n{EMPTY}\n\n"),
    ] {
        assert_eq!(
            Checkpoint::parse(&text),
            Err(CheckpointError::Lines),
            "{text:?}"
        );
    }
}

#[test]
fn each_line_has_one_form() {
    let check = |origin: &str, size: &str, root: &str, error| {
        let text = format!("{origin}\n{size}\n{root}\n");
        assert_eq!(Checkpoint::parse(&text).err(), error, "{text:?}");
    };
    check("acme.example", "1", EMPTY, Some(CheckpointError::Origin));
    check("", "1", EMPTY, Some(CheckpointError::Origin));
    for size in [
        "",
        "01",
        "+1",
        "-1",
        "1 ",
        "0x1",
        "9223372036854775808",
        "18446744073709551616",
    ] {
        check(ORIGIN, size, EMPTY, Some(CheckpointError::Size));
    }
    check(ORIGIN, "9223372036854775807", EMPTY, None);
    for root in [
        "",
        "AAAA",
        &EMPTY[..43],
        &EMPTY.replace("U=", "V="),
        &format!("{EMPTY} "),
    ] {
        check(ORIGIN, "1", root, Some(CheckpointError::Root));
    }
}

#[test]
fn a_tree_without_leaves_has_one_root() {
    let checkpoint = |root| {
        Checkpoint {
            origin: ORIGIN,
            size: 0,
            root,
        }
        .encode()
    };
    assert!(Checkpoint::parse(&checkpoint(hash::empty_root())).is_ok());
    assert_eq!(
        Checkpoint::parse(&checkpoint(Hash::ZERO)),
        Err(CheckpointError::Root)
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(size in 1_u64..1 << 63, root: [u8; 32]) {
        let checkpoint = Checkpoint { origin: ORIGIN, size, root: Hash(root) };
        let text = checkpoint.encode();
        prop_assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
    }

    #[test]
    fn whatever_is_read_is_written_the_same(text in "[a./0-9\n=A]{0,80}") {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.encode(), text);
        }
    }
}
