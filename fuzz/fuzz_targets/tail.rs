//! The store's own framing: `FORMAT`, tail files, slots and registers, as they come and with checksums that are right.

#![no_main]

use std::io::Cursor;

use indelible_fuzz::stored::{with_last_check, with_tail_checks};
use indelible_store::inspect::{
    Masks, SLOT_FILE_MAX, TailWalk, format_fault, is_slot, register_content, slot_alone,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&with_tail_checks(input.to_vec()));
    format(input);
    register(input);
    let mut checked = input.to_vec();
    with_last_check(&mut checked);
    register(&checked);
    let alone = slot_alone(input);
    assert!(alone.bytes.is_err() || is_slot(input));
});

/// Every byte of the file is passed once: in a slot, as left over, or as empty.
fn check(file: &[u8]) {
    let Some(mut walk) = TailWalk::open(Cursor::new(file)).expect("memory is read") else {
        return;
    };
    let masks = Masks::of(file).expect("a whole block has masks");
    let later = masks.version != 1 || masks.incompatible != 0;
    assert!(!later || walk.header.fault.is_some(), "no header of ours");
    let (mut end, mut good) = (0, 0_u64);
    while let Some(slot) = walk.next_slot().expect("memory is read") {
        assert!(slot.offset >= end, "no place is passed twice");
        let Ok(bytes) = &slot.bytes else {
            end = slot.offset + 1;
            continue;
        };
        let (_, length) = slot.said.expect("a good slot says what it is");
        assert_eq!(u64::try_from(bytes.len()), Ok(length));
        assert!(length <= SLOT_FILE_MAX);
        end = slot.offset + length;
        good += 1;
    }
    assert!(good.saturating_mul(4096) <= walk.length());
}

/// A `FORMAT` in order is text, and stands for itself: any change to it is seen.
fn format(text: &[u8]) {
    if format_fault(text).is_some() {
        return;
    }
    assert!(text.is_ascii());
    for at in [0, text.len() / 2, text.len() - 2] {
        let mut changed = text.to_vec();
        changed[at] ^= 1;
        assert!(format_fault(&changed).is_some(), "byte {at} changed");
    }
}

fn register(file: &[u8]) {
    if let Ok(content) = register_content(file) {
        assert!(content.len() < file.len());
    }
}
