//! Tail files come, go, and come again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;

fn names(bed: &Bed, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(bed.path(directory)).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn released_files_come_back_as_new_ones_without_old_bytes() {
    let bed = Bed::new();
    let store = bed.writer();
    let secret = b"an event that was sealed and then erased";
    for number in 0..12 {
        put(
            &store,
            number,
            &[secret.as_slice(), &payload(number, 30_000)].concat(),
        );
    }
    let before: Vec<_> = names(&bed, "tail");
    assert_eq!(before.len(), 12);
    store.release(11).unwrap();
    assert_eq!(names(&bed, "tail"), ["000000000011"]);
    assert_eq!(
        names(&bed, "build"),
        ["spare-000000000000", "spare-000000000001"]
    );
    for name in names(&bed, "build") {
        assert!(
            bed.read(&format!("build/{name}"))
                .iter()
                .all(|&byte| byte == 0)
        );
    }
    let old = bed.read("tail/000000000011")[64..96].to_vec();
    for number in 12..14 {
        put(&store, number, &payload(number, 30_000));
    }
    assert_eq!(
        names(&bed, "tail"),
        ["000000000011", "000000000012", "000000000013"]
    );
    assert!(
        names(&bed, "build").is_empty(),
        "the spares are in use again"
    );
    assert_ne!(bed.read("tail/000000000012")[64..96], old);
    drop(store);
    let store = bed.open();
    assert_eq!(store.first_slot().unwrap(), Some(11));
    let (slots, end) = scan(&store);
    assert_eq!(
        (slots.len(), end),
        (
            3,
            Found::End {
                number: 14,
                unused: Vec::new()
            }
        )
    );
}

#[test]
fn a_file_is_released_only_when_all_its_slots_are() {
    let bed = Bed::with_slots(&[20_000; 9]);
    let store = bed.writer();
    for (below, files) in [(0, 4), (2, 4), (3, 3), (5, 3), (6, 2), (7, 2), (7, 2)] {
        store.release(below).unwrap();
        // Three slots a file, and one file prepared ahead.
        store.prepare_next(0).unwrap();
        assert_eq!(names(&bed, "tail").len(), files, "below {below}");
    }
    assert!(matches!(store.release(9), Err(StoreError::Refused(_))));
    assert!(matches!(
        store.release(u64::MAX),
        Err(StoreError::Refused(_))
    ));
}

#[test]
fn an_interrupted_recycling_is_finished_at_the_next_opening() {
    let bed = Bed::with_slots(&[30_000; 5]);
    fs::rename(
        bed.path("tail/000000000000"),
        bed.path("build/released-000000000000"),
    )
    .unwrap();
    fs::write(bed.path("build/tail-000000000007"), b"half made").unwrap();
    fs::write(
        bed.path("build/3-000000000000-000000000001.ent"),
        b"half written",
    )
    .unwrap();
    let store = bed.open();
    assert_eq!(names(&bed, "build"), ["spare-000000000000"]);
    assert!(
        bed.read("build/spare-000000000000")
            .iter()
            .all(|&byte| byte == 0)
    );
    assert_eq!(store.first_slot().unwrap(), Some(1));
}

#[test]
fn a_prepared_file_is_used_and_no_second_one_made() {
    let bed = Bed::new();
    let store = bed.writer();
    for _ in 0..3 {
        store.prepare_next(0).unwrap();
    }
    assert_eq!(names(&bed, "tail"), ["000000000000", "000000000001"]);
    put(&store, 0, &payload(0, 60_000));
    put(&store, 1, &payload(1, 60_000));
    assert_eq!(names(&bed, "tail").len(), 2);
}

/// Readers beside a writer that writes, prepares and releases as fast as it can.
#[test]
fn readers_see_only_whole_slots_while_files_are_recycled_beneath_them() {
    let bed = Arc::new(Bed::with_slots(&[9000; 3]));
    let store = Arc::new(bed.writer());
    let done = Arc::new(AtomicBool::new(false));
    let lengths = |number: u64| 200 + usize::try_from(number * 7919 % 20_000).unwrap();
    let length = move |number: u64| if number < 3 { 9000 } else { lengths(number) };
    let readers: Vec<_> = (0..2)
        .map(|reader| {
            let (bed, done, own) = (Arc::clone(&bed), Arc::clone(&done), Arc::clone(&store));
            thread::spawn(move || {
                let other = LocalStore::open_read(&bed.root()).unwrap();
                let store = if reader == 0 { &*own } else { &other };
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    seen += follow(store, length);
                }
                seen
            })
        })
        .collect();
    for number in 3..400 {
        put(&store, number, &payload(number, length(number)));
        store.prepare_next(0).unwrap();
        if number % 8 == 0 {
            store.release(number.saturating_sub(6)).unwrap();
        }
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.join().unwrap() > 0, "each reader saw slots");
    }
}

/// One walk from the first slot to the end, each slot also read by number. Gives how many were good.
fn follow(store: &LocalStore, length: impl Fn(u64) -> usize) -> u64 {
    let mut seen = 0;
    let Ok(Some(first)) = store.first_slot() else {
        return 0;
    };
    let mut scan = match store.slots(first) {
        Ok(scan) => scan,
        Err(StoreError::Gone) => return 0,
        Err(error) => panic!("{error:?}"),
    };
    loop {
        match scan.next() {
            Ok(Found::Good(slot)) => {
                assert!(
                    slot.bytes == payload(slot.number, length(slot.number)),
                    "slot {}",
                    slot.number
                );
                match store.read_slot(slot.number, 100, 5000) {
                    Ok(bytes) => assert!(
                        bytes == slot.bytes[100..slot.bytes.len().min(5100)],
                        "slot {}",
                        slot.number
                    ),
                    Err(StoreError::Gone) => return seen,
                    Err(error) => panic!("{error:?}"),
                }
                seen += 1;
            }
            // The last slot may be in the making.
            Ok(Found::End { .. } | Found::Bad { later: None, .. }) | Err(StoreError::Gone) => {
                return seen;
            }
            other => panic!("{other:?}"),
        }
    }
}
