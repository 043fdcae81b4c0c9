//! The worked example of `docs/spec/tail.md`, byte by byte.

use std::fmt::Write as _;

use crate::local::format::{Format, Identity};
use crate::local::register;
use crate::local::tail::{Block, FileHeader, SlotHeader, classify};

const PAGE: &str = include_str!("../../../../../docs/spec/tail.md");

/// 16 bytes a line; a line of zeros is left out.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        if chunk.iter().any(|&byte| byte != 0) {
            let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "    {:04x}  {}", line * 16, hex.join(" ")).unwrap();
        }
    }
    text
}

fn stands_in_the_page(example: &str) {
    assert!(
        PAGE.contains(example),
        "not in docs/spec/tail.md:\n{example}"
    );
}

fn example_file() -> (FileHeader, SlotHeader) {
    let header = FileHeader {
        store_id: std::array::from_fn(|at| 0xa0 + u8::try_from(at).unwrap()),
        number: 7,
        length: 65_536,
        generation: std::array::from_fn(|at| u8::try_from(at).unwrap()),
        read_only: 0,
    };
    let bytes = b"what the ledger wrote";
    let slot = SlotHeader {
        number: 258,
        length: 21,
        crc: crc32c::crc32c(bytes),
    };
    (header, slot)
}

#[test]
fn the_tail_file_header_is_the_one_in_the_specification() {
    let (header, _) = example_file();
    let block = header.encode();
    assert_eq!(block.len(), 4096);
    assert_eq!(FileHeader::decode(&block), Ok(header));
    stands_in_the_page(&dump(&block));
}

#[test]
fn the_slot_is_the_one_in_the_specification() {
    let (file, slot) = example_file();
    let mut bytes = slot.encode(&file.generation).to_vec();
    assert_eq!(classify(&bytes, &file.generation), Block::Slot(slot));
    bytes.extend_from_slice(b"what the ledger wrote");
    stands_in_the_page(&dump(&bytes));
}

#[test]
fn the_register_is_the_one_in_the_specification() {
    let bytes = register::encode(b"what the ledger wrote");
    assert_eq!(
        register::decode(&bytes).unwrap().content,
        b"what the ledger wrote"
    );
    stands_in_the_page(&dump(&bytes));
}

#[test]
fn the_format_file_is_the_one_in_the_specification() {
    let (file, _) = example_file();
    let format = Format {
        store_id: file.store_id,
        node_id: std::array::from_fn(|at| 0xb0 + u8::try_from(at).unwrap()),
        origin: "audit.example.org/node1".to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
        tail_size: 64 << 20,
        incompatible: 0,
        read_only: 0,
        volatile: false,
        keys: Some("/etc/indelible/the keys".into()),
        register: Some("/var/lib/indelible.register".into()),
        identity: Identity {
            inode: 1_048_577,
            born: Some((1_767_323_045, 60_000_000)),
        },
    };
    let text = format.render();
    assert_eq!(Format::parse(text.as_bytes()), Ok(format));
    stands_in_the_page(
        &text
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>(),
    );
}

#[test]
fn the_limits_are_those_in_the_specification() {
    use crate::limits;
    assert_eq!((limits::BLOCK, limits::SLOT_LENGTH_MAX), (4096, 33_554_432));
    for bound in ["33,554,432", "64 KiB", "1 GiB", "65,536 bytes"] {
        assert!(PAGE.contains(bound), "{bound}");
    }
}
