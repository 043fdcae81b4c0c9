use proptest::prelude::*;

use super::{Block, FileHeader, SlotHeader, classify, span};

#[test]
fn a_slot_takes_whole_blocks() {
    for (length, expected) in [
        (0, 4096),
        (1, 4096),
        (4032, 4096),
        (4033, 8192),
        (8128, 8192),
        (8129, 12_288),
    ] {
        assert_eq!(span(length), expected, "{length}");
    }
}

#[test]
fn a_short_block_is_nothing() {
    let header = SlotHeader {
        number: 1,
        length: 2,
        crc: 3,
    }
    .encode(&[4; 32]);
    for end in 0..64 {
        assert_eq!(classify(&header[..end], &[4; 32]), Block::Nothing);
    }
}

proptest! {
    #[test]
    fn a_slot_header_passes_only_whole_and_in_its_generation(
        number: u64, length in 0..super::SLOT_LENGTH_MAX, crc: u32, generation: [u8; 32], byte in 0_usize..64, change in 1_u8..,
    ) {
        let header = SlotHeader { number, length, crc };
        let mut bytes = header.encode(&generation);
        prop_assert_eq!(classify(&bytes, &generation), Block::Slot(header));
        bytes[byte] ^= change;
        prop_assert!(matches!(classify(&bytes, &generation), Block::Bad(_)));
        // Both signs gone: whoever wrote this doesn't know the generation.
        let mut other = generation;
        other[0] ^= 1;
        prop_assert_eq!(classify(&header.encode(&generation), &other), Block::Nothing);
    }

    #[test]
    fn a_file_header_passes_only_whole(byte in 0_usize..4096, change in 1_u8..) {
        let header = FileHeader { store_id: [1; 16], number: 2, length: 3, generation: [4; 32], read_only: 0 };
        let mut block = header.encode();
        block[byte] ^= change;
        prop_assert!(FileHeader::decode(&block).is_err());
    }
}
