use super::{Fault, MemoryDisk};
use crate::conformance::{self, Opener};
use crate::{Found, Outcome, Store, StoreError, WriteFate};

fn disk() -> MemoryDisk {
    MemoryDisk::new([1; 16], [2; 16], "example.org/log")
}

fn writer(disk: &MemoryDisk, last: Option<u64>) -> super::Memory {
    let store = disk.open();
    store.acquire([9; 16]).unwrap();
    store.open_tail(last).unwrap();
    store
}

fn put(store: &super::Memory, number: u64) -> Outcome {
    store.wait(
        store
            .submit(number, &[b"bytes of ", &number.to_be_bytes()])
            .unwrap(),
    )
}

fn found(store: &super::Memory, number: u64) -> Found {
    store.slots(number).unwrap().next().unwrap()
}

#[test]
fn memory_keeps_the_contract() {
    conformance::run(&|| -> Opener {
        let disk = disk();
        Box::new(move || Box::new(disk.open()))
    });
}

#[test]
fn an_unknown_outcome_stops_the_handle_and_the_next_one_sees_the_truth() {
    for (fault, stored) in [(Fault::Unknown, false), (Fault::StoredButUnknown, true)] {
        let disk = disk();
        disk.fault_at(1, fault.clone());
        let store = writer(&disk, None);
        assert!(matches!(put(&store, 0), Outcome::Durable));
        assert!(matches!(put(&store, 1), Outcome::Unknown(_)));
        assert!(matches!(
            store.submit(2, &[b"x"]),
            Err(StoreError::Stopped(_))
        ));
        assert!(matches!(
            store.put_new("sealed/x", &[], None),
            Err(StoreError::Stopped(_))
        ));
        drop(store);
        assert_eq!(
            matches!(found(&disk.open(), 1), Found::Good(_)),
            stored,
            "{fault:?}"
        );
    }
}

#[test]
fn a_taken_slot_gives_the_winners_bytes() {
    let disk = disk();
    disk.fault_at(0, Fault::Taken(b"winner".to_vec()));
    let store = writer(&disk, None);
    assert!(matches!(put(&store, 0), Outcome::Taken(bytes) if bytes == b"winner"));
    assert_eq!(store.read_slot(0, 0, 100).unwrap(), b"winner");
    assert!(matches!(put(&store, 1), Outcome::Durable));
}

#[test]
fn a_late_write_lands_when_the_next_writer_has_come() {
    let disk = disk();
    disk.fault_at(0, Fault::LateLanding);
    let store = writer(&disk, None);
    assert!(matches!(put(&store, 0), Outcome::Unknown(_)));
    drop(store);
    let next = disk.open();
    assert!(matches!(found(&next, 0), Found::End { .. }));
    next.acquire([3; 16]).unwrap();
    assert!(matches!(found(&next, 0), Found::Good(_)));
}

#[test]
fn a_vanished_slot_is_a_hole() {
    let disk = disk();
    disk.fault_at(2, Fault::Vanish(1));
    let store = writer(&disk, None);
    for number in 0..3 {
        assert!(matches!(put(&store, number), Outcome::Durable));
    }
    assert!(matches!(
        found(&store, 1),
        Found::Missing {
            number: 1,
            later: 2,
            ..
        }
    ));
}

#[test]
fn every_write_can_be_lost_torn_or_stored_and_reported_lost() {
    for fate in [
        WriteFate::Lost,
        WriteFate::Torn(512),
        WriteFate::Torn(0),
        WriteFate::StoredButLost,
    ] {
        let disk = disk();
        let store = writer(&disk, None);
        assert!(matches!(put(&store, 0), Outcome::Durable));
        disk.fate_of(disk.writes(), fate);
        assert!(matches!(put(&store, 1), Outcome::Unknown(_)));
        drop(store);
        let next = disk.open();
        next.acquire([3; 16]).unwrap();
        match (fate, found(&next, 1)) {
            (WriteFate::StoredButLost, Found::Good(_)) => {}
            (WriteFate::Lost | WriteFate::Torn(0), Found::End { .. }) => {}
            (WriteFate::Torn(_), Found::Bad { later: None, .. }) => {
                let name = next.quarantine_slot(1).unwrap();
                assert!(next.size_of(&name).unwrap() > 0);
                next.open_tail(Some(0)).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}
