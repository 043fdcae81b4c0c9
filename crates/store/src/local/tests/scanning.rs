//! What a scan makes of a tail that a crash, a disk or somebody with the disk in his hands has changed.

use proptest::prelude::*;

use super::*;
use crate::limits::SLOT_HEADER;
use crate::local::tail::{Generation, SlotHeader, span};

const FILE: &str = "tail/000000000000";

fn generation(bed: &Bed) -> Generation {
    bed.read(FILE)[64..96].try_into().unwrap()
}

fn zero(bed: &Bed, offset: u64, length: u64) {
    bed.overwrite(FILE, offset, &vec![0; usize::try_from(length).unwrap()]);
}

fn framed(number: u64, bytes: &[u8], generation: &Generation) -> Vec<u8> {
    let header = SlotHeader {
        number,
        length: u64::try_from(bytes.len()).unwrap(),
        crc: crc32c::crc32c(bytes),
    };
    [header.encode(generation).as_slice(), bytes].concat()
}

#[test]
fn a_slot_torn_at_any_sector_is_set_aside_and_its_number_used_again() {
    let lengths = [100, 5000, 9000];
    let whole = Bed::with_slots(&lengths).read(FILE);
    let start = usize::try_from(offset_of(&lengths, 2)).unwrap();
    for cut in (0..=12_288).step_by(512) {
        let bed = Bed::with_slots(&lengths);
        let kept = &bed.read(FILE)[start..start + cut];
        let mut torn = kept.to_vec();
        torn.resize(12_288, 0);
        bed.overwrite(FILE, offset_of(&lengths, 2), &torn);

        let store = bed.open();
        let (slots, end) = scan(&store);
        check_payloads(&slots, &lengths);
        if cut >= 9064 {
            assert_eq!(slots.len(), 3);
            continue;
        }
        assert_eq!(slots.len(), 2);
        if cut == 0 {
            assert_eq!(
                end,
                Found::End {
                    number: 2,
                    unused: Vec::new()
                }
            );
            assert!(store.quarantine_slot(2).is_err());
        } else {
            let Found::Bad {
                number: 2,
                place,
                later: None,
                ..
            } = end
            else {
                panic!("{end:?} at {cut}")
            };
            assert_eq!(
                (place.offset, place.length),
                (offset_of(&lengths, 2), 12_288)
            );
            assert!(store.open_tail(Some(1)).is_err(), "quarantine comes first");
            let name = store.quarantine_slot(2).unwrap();
            assert_eq!(
                name,
                format!("quarantine/000000000002-{}", crate::names::digest(&torn))
            );
            assert_eq!(bed.read(&name), torn);
            assert_eq!(
                scan(&store).1,
                Found::End {
                    number: 2,
                    unused: Vec::new()
                }
            );
        }
        store.open_tail(Some(1)).unwrap();
        put(&store, 2, b"after the crash");
        drop(store);
        assert_eq!(scan(&bed.open()).0[2].bytes, b"after the crash");
    }
    assert_eq!(whole.len(), 64 << 10);
}

#[test]
fn a_bad_slot_with_a_later_one_is_damage_that_is_never_repaired() {
    let lengths = [100, 5000, 100, 100];
    for (offset, what) in [
        (3, "magic"),
        (20, "generation"),
        (41, "number"),
        (50, "length"),
        (57, "bytes' checksum"),
        (61, "checksum"),
        (64, "bytes"),
        (5063, "last byte"),
        (5064, "padding"),
        (8191, "end of the padding"),
    ] {
        let bed = Bed::with_slots(&lengths);
        bed.flip(FILE, offset_of(&lengths, 1) + offset, 2);
        let store = bed.open();
        let (slots, end) = scan(&store);
        assert_eq!(slots.len(), 1, "{what}");
        assert!(
            matches!(
                end,
                Found::Bad {
                    number: 1,
                    later: Some(2),
                    ..
                }
            ),
            "{what}: {end:?}"
        );
        assert!(matches!(
            store.quarantine_slot(1),
            Err(StoreError::Refused(_))
        ));
        assert!(matches!(
            store.read_slot(1, 0, 1),
            Err(StoreError::Damaged { .. })
        ));
    }
}

#[test]
fn under_a_bad_slot_header_the_rest_of_the_file_is_set_aside() {
    let lengths = [100, 100];
    let bed = Bed::with_slots(&lengths);
    bed.flip(FILE, offset_of(&lengths, 1) + 48, 0);
    let store = bed.open();
    let (_, end) = scan(&store);
    let Found::Bad { place, .. } = &end else {
        panic!("{end:?}")
    };
    assert_eq!(place.offset + place.length, 64 << 10);
    let name = store.quarantine_slot(1).unwrap();
    assert_eq!(
        store.size_of(&name).unwrap(),
        (64 << 10) - offset_of(&lengths, 1)
    );
}

#[test]
fn a_missing_slot_before_a_later_one_is_a_hole() {
    let lengths = [100, 5000, 100, 100];
    for missing in 0..3 {
        let bed = Bed::with_slots(&lengths);
        zero(
            &bed,
            offset_of(&lengths, missing),
            span(u64::try_from(lengths[missing]).unwrap()),
        );
        let number = u64::try_from(missing).unwrap();
        let (slots, end) = scan(&bed.open());
        assert_eq!(slots.len(), missing);
        assert!(
            matches!(end, Found::Missing { number: n, later, .. } if n == number && later == number + 1),
            "{end:?}"
        );
    }
}

#[test]
fn behind_damage_a_verifier_goes_on_with_the_next_slot_in_order() {
    let lengths = [100, 5000, 100, 100, 5000, 100];
    let bed = Bed::with_slots(&lengths);
    bed.flip(FILE, offset_of(&lengths, 1) + 100, 2);
    zero(&bed, offset_of(&lengths, 3), 4096);
    bed.flip(FILE, offset_of(&lengths, 5) + 80, 2);
    let store = bed.open();
    let mut slots = store.slots(0).unwrap();
    let mut seen = Vec::new();
    for _ in 0..20 {
        match slots.next().unwrap() {
            Found::Good(slot) => seen.push((slot.number, "good")),
            Found::Bad { number, .. } => seen.push((number, "bad")),
            Found::Missing { number, .. } => seen.push((number, "missing")),
            Found::End { number, .. } => seen.push((number, "end")),
        }
        if !matches!(seen.last(), Some((_, "good"))) && !slots.skip_to_later() {
            break;
        }
    }
    assert_eq!(
        seen,
        [
            (0, "good"),
            (1, "bad"),
            (2, "good"),
            (3, "missing"),
            (4, "good"),
            (5, "bad")
        ]
    );
    assert!(matches!(
        slots.next().unwrap(),
        Found::Bad { number: 5, .. }
    ));
}

#[test]
fn a_missing_slot_before_a_torn_one_is_a_hole_too() {
    let lengths = [100, 100, 5000];
    let bed = Bed::with_slots(&lengths);
    zero(&bed, offset_of(&lengths, 1), 4096);
    bed.flip(FILE, offset_of(&lengths, 2) + 4000, 0);
    assert!(matches!(
        scan(&bed.open()).1,
        Found::Missing {
            number: 1,
            later: 2,
            ..
        }
    ));
}

#[test]
fn a_missing_file_is_a_hole() {
    let lengths = [30_000; 6];
    let bed = Bed::with_slots(&lengths);
    fs::remove_file(bed.path("tail/000000000001")).unwrap();
    let (slots, end) = scan(&bed.open());
    assert_eq!(slots.len(), 1);
    assert!(
        matches!(
            end,
            Found::Missing {
                number: 1,
                later: 2,
                ..
            }
        ),
        "{end:?}"
    );
}

#[test]
fn a_hole_or_tear_at_a_files_end_is_seen_through_the_next_file() {
    let lengths = [20_000; 5];
    for (missing, tear) in [(2, false), (2, true), (1, true)] {
        let bed = Bed::with_slots(&lengths);
        let offset = offset_of(&lengths, missing);
        if tear {
            zero(&bed, offset + 512, 4096);
        } else {
            zero(&bed, offset, span(20_000));
        }
        let number = u64::try_from(missing).unwrap();
        match scan(&bed.open()).1 {
            Found::Missing {
                number: n, later, ..
            } => assert_eq!((n, later, tear), (number, number + 1, false)),
            Found::Bad {
                number: n, later, ..
            } => assert_eq!((n, later, tear), (number, Some(number + 1), true)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_torn_first_slot_of_the_next_file_is_set_aside() {
    let lengths = [20_000; 4];
    let bed = Bed::with_slots(&lengths);
    bed.flip("tail/000000000001", 6000, 0);
    let store = bed.open();
    let (slots, end) = scan(&store);
    assert_eq!(slots.len(), 3);
    assert!(matches!(
        end,
        Found::Bad {
            number: 3,
            later: None,
            ..
        }
    ));
    assert!(
        matches!(store.open_tail(Some(2)), Err(StoreError::Refused(_))),
        "quarantine comes first"
    );
    store.quarantine_slot(3).unwrap();
    store.open_tail(Some(2)).unwrap();
    put(&store, 3, b"again");
    drop(store);
    assert_eq!(scan(&bed.writer()).0.len(), 4);
}

#[test]
fn a_torn_first_slot_of_all_is_set_aside() {
    let bed = Bed::with_slots(&[5000]);
    bed.flip(FILE, BLOCK + 50, 0);
    let store = bed.open();
    assert_eq!(store.first_slot().unwrap(), Some(0));
    assert!(matches!(
        scan(&store).1,
        Found::Bad {
            number: 0,
            later: None,
            ..
        }
    ));
    store.quarantine_slot(0).unwrap();
    assert_eq!(store.first_slot().unwrap(), None);
    store.open_tail(None).unwrap();
    put(&store, 0, b"again");
}

#[test]
fn a_slot_of_an_earlier_use_is_nothing_and_listed_as_unused() {
    let lengths = [100];
    let bed = Bed::with_slots(&lengths);
    let stale = framed(1, b"from an earlier life of this file", &[0x5a; 32]);
    bed.overwrite(FILE, offset_of(&lengths, 1) + 4096, &stale);
    let (slots, end) = scan(&bed.open());
    assert_eq!(slots.len(), 1);
    let Found::End { number: 1, unused } = end else {
        panic!("{end:?}")
    };
    assert_eq!(unused.len(), 1);
    assert_eq!(
        (unused[0].offset, unused[0].length),
        (offset_of(&lengths, 1) + 4096, 4096)
    );
}

#[test]
fn bytes_left_over_behind_the_last_slot_of_an_earlier_file_are_listed() {
    let bed = Bed::with_slots(&[30_000, 30_000]);
    bed.overwrite(FILE, BLOCK + 32_768 + 8192 + 5, b"left over");
    let (slots, end) = scan(&bed.open());
    assert_eq!(slots.len(), 2);
    assert!(
        matches!(&end, Found::End { unused, .. } if unused.len() == 1 && unused[0].file == FILE),
        "{end:?}"
    );
}

#[test]
fn a_slot_header_planted_inside_an_event_does_not_pass() {
    let bed = Bed::new();
    let store = bed.writer();
    // Somebody who can write events but can't read the disk must guess the generation.
    let planted = framed(7, b"never happened", &[0x11; 32]);
    let mut event = vec![b'x'; 4032];
    event.extend_from_slice(&planted);
    event.resize(9000, b'y');
    put(&store, 0, &event);
    drop(store);
    assert_eq!(scan(&bed.open()).0.len(), 1);
    // Even when the slot around it is torn or lost, what was planted is no slot.
    bed.flip(FILE, BLOCK + 70, 0);
    assert!(matches!(
        scan(&bed.open()).1,
        Found::Bad {
            number: 0,
            later: None,
            ..
        }
    ));
    zero(&bed, BLOCK, 512);
    assert!(matches!(scan(&bed.open()).1, Found::End { number: 0, .. }));
}

#[test]
fn one_sign_of_this_use_is_bad_and_none_is_nothing() {
    let bed = Bed::with_slots(&[]);
    let own = generation(&bed);
    let good = framed(0, b"bytes", &own);
    let mut other_generation = good.clone();
    other_generation[8..40].copy_from_slice(&[9; 32]);
    let mut other_checksum = good.clone();
    other_checksum[60] ^= 1;
    let mut neither = other_generation.clone();
    neither[60] ^= 1;
    for (bytes, expected) in [
        (good, "good"),
        (other_generation, "bad"),
        (other_checksum, "bad"),
        (neither, "end"),
    ] {
        bed.overwrite(FILE, BLOCK, &bytes);
        let (slots, end) = scan(&bed.open());
        let found = match end {
            _ if slots.len() == 1 => "good",
            Found::Bad { .. } => "bad",
            _ => "end",
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn a_header_that_promises_too_much_is_bad() {
    let bed = Bed::with_slots(&[]);
    let own = generation(&bed);
    for length in [61_441, 1 << 24, 1 << 40, u64::MAX] {
        let header = SlotHeader {
            number: 0,
            length,
            crc: 0,
        };
        bed.overwrite(FILE, BLOCK, &header.encode(&own));
        assert!(
            matches!(scan(&bed.open()).1, Found::Bad { number: 0, .. }),
            "{length}"
        );
    }
}

#[test]
fn a_lower_number_again_is_bad() {
    let lengths = [100, 100];
    let bed = Bed::with_slots(&lengths);
    let again = framed(0, b"again", &generation(&bed));
    bed.overwrite(FILE, offset_of(&lengths, 2), &again);
    assert!(matches!(
        scan(&bed.open()).1,
        Found::Bad {
            number: 2,
            later: None,
            ..
        }
    ));
}

#[test]
fn a_numbered_file_with_a_bad_header_is_damage() {
    let lengths = [30_000; 4];
    for name in [FILE, "tail/000000000001", "tail/000000000003"] {
        for offset in [0, 8, 12, 16, 24, 32, 48, 56, 64, 96, 4000, 4095] {
            let bed = Bed::with_slots(&lengths);
            bed.flip(name, offset, 1);
            assert!(
                matches!(try_scan(&bed.open()), Err(StoreError::Damaged { .. })),
                "{name} at {offset}"
            );
        }
    }
    let bed = Bed::with_slots(&lengths);
    fs::rename(bed.path("tail/000000000003"), bed.path("tail/000000000004")).unwrap();
    assert!(matches!(
        try_scan(&bed.open()),
        Err(StoreError::Damaged { .. })
    ));
    let bed = Bed::with_slots(&lengths);
    fs::OpenOptions::new()
        .write(true)
        .open(bed.path(FILE))
        .unwrap()
        .set_len(65_535)
        .unwrap();
    assert!(matches!(
        try_scan(&bed.open()),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn a_file_of_another_store_is_damage() {
    let bed = Bed::with_slots(&[100]);
    let other = Bed::empty();
    let options = CreateOptions {
        store_id: [7; 16],
        ..other.create_options()
    };
    LocalStore::create(&other.root(), options).unwrap();
    fs::copy(bed.path(FILE), other.path(FILE)).unwrap();
    assert!(matches!(
        try_scan(&other.open()),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn a_slot_too_large_for_a_tail_file_gets_one_made_to_its_size() {
    let lengths = [100, 3_000_000, 100, 100_000, 100];
    let bed = Bed::new();
    let store = bed.writer();
    for (number, &length) in (0..).zip(&lengths) {
        store.prepare_next(0).unwrap();
        put(&store, number, &payload(number, length));
    }
    drop(store);
    let (slots, end) = scan(&bed.open());
    check_payloads(&slots, &lengths);
    assert_eq!(
        (slots.len(), end),
        (
            5,
            Found::End {
                number: 5,
                unused: Vec::new()
            }
        )
    );
    put(&bed.writer(), 5, b"goes on");
}

#[test]
fn a_slot_of_many_parts_is_whole() {
    let bed = Bed::new();
    let store = bed.writer();
    let parts: Vec<Vec<u8>> = (0..3000)
        .map(|number| payload(number, usize::try_from(number % 7).unwrap()))
        .collect();
    let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let ticket = store.submit(0, &slices).unwrap();
    assert!(matches!(store.wait(ticket), Outcome::Durable));
    assert_eq!(scan(&bed_reader(&bed)).0[0].bytes, parts.concat());
}

fn bed_reader(bed: &Bed) -> LocalStore {
    LocalStore::open_read(&bed.root()).unwrap()
}

#[test]
fn a_slot_that_fills_its_file_to_the_last_byte_is_whole() {
    let room = (64 << 10) - 4096 - usize::try_from(SLOT_HEADER).unwrap();
    let lengths = [room, room, 1];
    let (slots, _) = scan(&Bed::with_slots(&lengths).open());
    check_payloads(&slots, &lengths);
    assert_eq!(slots.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_flipped_bit_is_never_read_as_a_good_slot(
        lengths in prop::collection::vec(0_usize..9000, 1..5),
        offset in 0_u64..(64 << 10),
        bit in 0_u8..8,
    ) {
        let bed = Bed::with_slots(&lengths);
        bed.flip(FILE, offset, bit);
        let used = offset_of(&lengths, lengths.len());
        match try_scan(&bed.open()) {
            Err(StoreError::Damaged { place, .. }) => prop_assert!(offset < BLOCK && place.offset == 0),
            Err(error) => prop_assert!(false, "{error:?}"),
            Ok((slots, end)) => {
                prop_assert!(offset >= BLOCK);
                check_payloads(&slots, &lengths);
                match end {
                    Found::Bad { place, later, .. } => {
                        prop_assert!((place.offset..place.offset + place.length).contains(&offset));
                        prop_assert_eq!(later.is_some(), slots.len() + 1 < lengths.len());
                    }
                    Found::End { unused, .. } => {
                        prop_assert!(offset >= used && slots.len() == lengths.len());
                        prop_assert_eq!(unused.len(), 1);
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }
}

#[test]
fn a_tail_that_does_not_begin_with_slot_0_or_what_was_released_is_damage() {
    let lengths = [30_000; 4];
    // Nothing was released, so slot 0 is missing, not another one the first.
    let bed = Bed::with_slots(&lengths);
    let second = framed(1, b"one", &generation(&bed));
    zero(&bed, BLOCK, 60_000);
    bed.overwrite(FILE, BLOCK, &second);
    assert_eq!(bed.open().first_slot().unwrap(), Some(0));
    assert!(matches!(
        scan(&bed.open()).1,
        Found::Missing {
            number: 0,
            later: 1,
            ..
        }
    ));

    // Three slots a file; file 0 is released.
    for (offset, length) in [(50, 16), (0, 4096)] {
        let bed = Bed::with_slots(&[20_000; 7]);
        bed.writer().release(4).unwrap();
        assert_eq!(bed.open().first_slot().unwrap(), Some(3));
        bed.overwrite("tail/000000000001", BLOCK + offset, &vec![0; length]);
        let first = bed.open().first_slot();
        assert!(
            matches!(first, Err(StoreError::Damaged { .. })),
            "{first:?}"
        );
    }
}

#[test]
fn a_commit_is_one_write_and_one_sync() {
    use std::sync::{Arc, Mutex};
    let bed = Bed::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inner = Arc::clone(&seen);
    let faults: FaultInjector = Arc::new(move |op| {
        inner.lock().unwrap().push((op.kind, op.length));
        crate::WriteFate::Proceed
    });
    let store = LocalStore::open_write(&bed.root(), open_options(Some(faults))).unwrap();
    store.acquire([1; 16]).unwrap();
    store.open_tail(None).unwrap();
    seen.lock().unwrap().clear();
    let ticket = store.submit(0, &[&[1; 3000], &[2; 3000]]).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(crate::WriteKind::Write, 8192)]);
    assert!(matches!(store.wait(ticket), Outcome::Durable));
    assert_eq!(
        seen.lock().unwrap().split_off(1),
        [(crate::WriteKind::Sync, 0)]
    );
}

#[test]
fn a_tail_is_opened_only_behind_its_last_slot() {
    // One slot a file, so that the next one is out of sight.
    let bed = Bed::with_slots(&[60_000; 3]);
    let store = bed.open();
    assert_eq!(store.read_slot(1, 0, 1).unwrap(), payload(1, 1));
    for wrong in [None, Some(0), Some(1), Some(3), Some(u64::MAX)] {
        let opened = store.open_tail(wrong);
        assert!(
            matches!(opened, Err(StoreError::Refused(_))),
            "{wrong:?}: {opened:?}"
        );
    }
    store.open_tail(Some(2)).unwrap();
    let ticket = store.submit(3, &[b"three"]).unwrap();
    assert!(matches!(
        store.submit(4, &[b"too early"]),
        Err(StoreError::Refused(_))
    ));
    assert!(matches!(store.wait(ticket), Outcome::Durable));
}
