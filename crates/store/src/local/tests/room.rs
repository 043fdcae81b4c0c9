//! A disk that is full: what was prepared still serves, what was being made is taken back, and with room again the same handle goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::{Put, WriteFate, WriteOp};

/// A writer on a disk that is full while the flag is set, its first tail file made.
fn writer_on_filling(bed: &Bed) -> (LocalStore, Arc<AtomicBool>) {
    writer_without_room(bed, |_| true)
}

/// The same where only those files find no room.
fn writer_without_room(bed: &Bed, which: fn(&Path) -> bool) -> (LocalStore, Arc<AtomicBool>) {
    let full = Arc::new(AtomicBool::new(false));
    let inner = Arc::clone(&full);
    let faults: FaultInjector = Arc::new(move |op: &WriteOp<'_>| {
        match inner.load(Ordering::Relaxed) && op.needs_room() && which(op.path) {
            true => WriteFate::NoRoom,
            false => WriteFate::Proceed,
        }
    });
    let store = LocalStore::open_write(&bed.root(), open_options(Some(faults))).unwrap();
    store.acquire([1; 16]).unwrap();
    store.open_tail(None).unwrap();
    (store, full)
}

fn building(bed: &Bed) -> usize {
    fs::read_dir(bed.path("build")).unwrap().count()
}

#[test]
fn a_full_disk_stops_nothing_while_the_present_tail_file_has_room() {
    let bed = Bed::new();
    let (store, full) = writer_on_filling(&bed);
    full.store(true, Ordering::Relaxed);
    let mut number = 0;
    loop {
        let prepared = store.prepare_next(0);
        assert!(matches!(prepared, Err(StoreError::NoRoom { .. })));
        assert_eq!(building(&bed), 0, "what was begun takes no room");
        if store.room().unwrap() < 5000 {
            break;
        }
        put(&store, number, &payload(number, 5000));
        number += 1;
    }
    // Fifteen blocks, two for each of these.
    assert_eq!(number, 7);
    let last = usize::try_from(store.room().unwrap()).unwrap();
    let too_large = payload(number, last + 1);
    let refused = store.submit(number, &[&too_large]);
    assert!(matches!(refused, Err(StoreError::NoRoom { .. })));
    put(&store, number, &payload(number, last));
    assert_eq!(store.room().unwrap(), 0);
    let refused = store.submit(number + 1, &[b""]);
    assert!(matches!(refused, Err(StoreError::NoRoom { .. })));
    full.store(false, Ordering::Relaxed);
    store.prepare_next(0).unwrap();
    assert_eq!(store.room().unwrap(), (60 << 10) - 64);
    put(&store, number + 1, &payload(number + 1, 5000));
    drop(store);
    let lengths = [5000, 5000, 5000, 5000, 5000, 5000, 5000, last, 5000];
    let (slots, end) = scan(&bed.open());
    check_payloads(&slots, &lengths);
    assert!(matches!(end, Found::End { number: 9, .. }), "{end:?}");
}

#[test]
fn a_pack_that_finds_no_room_is_taken_back_and_can_be_put_later() {
    let bed = Bed::new();
    let (store, full) = writer_on_filling(&bed);
    full.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let put = store.put_new("sealed/a.ent", &[b"entries"], None);
        assert!(matches!(put, Err(StoreError::NoRoom { .. })));
        let put = store.put_derived("derived/heads", b"heads");
        assert!(matches!(put, Err(StoreError::NoRoom { .. })));
        assert_eq!(building(&bed), 0);
    }
    assert!(matches!(
        store.size_of("sealed/a.ent"),
        Err(StoreError::NotFound)
    ));
    put(&store, 0, b"the tail goes on meanwhile");
    full.store(false, Ordering::Relaxed);
    let put = store.put_new("sealed/a.ent", &[b"entries"], None).unwrap();
    assert_eq!(put, Put::Created);
}

#[test]
fn room_that_was_made_ahead_counts() {
    let bed = Bed::new();
    let (store, _) = writer_on_filling(&bed);
    put(&store, 0, &payload(0, 50_000));
    assert!(store.room().unwrap() < 10_000);
    store.prepare_next(0).unwrap();
    assert_eq!(store.room().unwrap(), (60 << 10) - 64);
}

#[test]
fn of_a_pair_that_finds_no_room_for_one_of_its_files_nothing_is_made() {
    let pair: [(&str, &[&[u8]]); 2] = [
        ("sealed/a.rec", &[b"rec", b"ords"]),
        ("sealed/a.ent", &[b"entries"]),
    ];
    for which in [".rec", ".ent"] {
        let bed = Bed::new();
        let is_meant: fn(&Path) -> bool = match which {
            ".rec" => |path| path.extension().is_some_and(|end| end == "rec"),
            _ => |path| path.extension().is_some_and(|end| end == "ent"),
        };
        let (store, full) = writer_without_room(&bed, is_meant);
        full.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            let put = store.put_pair(pair);
            assert!(
                matches!(put, Err(StoreError::NoRoom { .. })),
                "{which}: {put:?}"
            );
            assert_eq!(building(&bed), 0, "{which}");
            assert_eq!(store.list("sealed/", None, 9).unwrap(), [], "{which}");
        }
        put(&store, 0, b"the tail goes on meanwhile");
        full.store(false, Ordering::Relaxed);
        assert_eq!(store.put_pair(pair).unwrap(), [Put::Created; 2]);
        full.store(true, Ordering::Relaxed);
        assert_eq!(store.put_pair(pair).unwrap(), [Put::Same; 2], "{which}");
    }
}
