//! One suite for every backend.
//!
//! Owns what the contract in the crate's root says, as calls and expected answers. Knows no backend: it is given a way to
//! make empty places and to open a place for writing as often as it likes.

use crate::{Found, Outcome, Put, Slot, Store, StoreError, WriterId};

/// Opens the same place again, as a new process would.
pub type Opener = Box<dyn Fn() -> Box<dyn Store>>;

const WRITER: WriterId = *b"conformance test";

/// Runs everything. `make` gives an opener for a new, empty place with a register.
///
/// # Panics
/// Where the backend breaks the contract.
pub fn run(make: &dyn Fn() -> Opener) {
    let checks: [fn(&Opener); 13] = [
        nothing_is_written_without_the_right_to,
        the_right_to_write_is_exclusive,
        a_new_store_has_no_slots,
        slots_come_back_as_they_were_submitted,
        slots_are_submitted_in_order_and_once,
        a_second_opening_goes_on_behind_the_last_slot,
        parts_of_slots_are_read_by_number,
        released_slots_are_gone_and_the_last_one_stays,
        sealed_objects_are_never_replaced,
        a_pair_has_both_its_names_or_says_which_is_taken,
        objects_are_listed_in_pages_by_name,
        orphans_are_set_aside_under_their_digest,
        the_register_is_swapped_only_from_what_it_holds,
    ];
    for check in checks {
        check(&make());
    }
}

fn nothing_is_written_without_the_right_to(open: &Opener) {
    let store = open();
    refused(store.open_tail(None));
    refused(store.submit(0, &[b"x"]));
    refused(store.put_new("sealed/a", &[b"x"], None));
    refused(store.put_derived("derived/a", b"x"));
    refused(store.register_swap(None, b"x"));
    refused(store.release(0));
    refused(store.quarantine_slot(0));
    assert_eq!(
        store
            .list("", None, 100)
            .expect("listing")
            .iter()
            .filter(|(name, _)| name.contains("/a"))
            .count(),
        0
    );
}

fn the_right_to_write_is_exclusive(open: &Opener) {
    let store = open();
    store.acquire(WRITER).expect("first to ask");
    store.acquire(WRITER).expect("the same writer again");
    assert!(matches!(store.acquire([0; 16]), Err(StoreError::Busy)));
    assert!(store.writer_active().expect("looking"));
    drop(store);
    let next = open();
    next.acquire([0; 16]).expect("free again");
}

fn a_new_store_has_no_slots(open: &Opener) {
    let store = open();
    assert_eq!(store.first_slot().expect("looking"), None);
    let mut scan = store.slots(0).expect("scanning");
    for _ in 0..2 {
        assert_eq!(
            scan.next().expect("scanning"),
            Found::End {
                number: 0,
                unused: Vec::new()
            }
        );
    }
    drop(scan);
    let far = store.slots(u64::MAX).expect("scanning").next();
    assert!(matches!(far, Ok(Found::End { .. })));
    store.acquire(WRITER).expect("nobody else");
    refused(store.open_tail(Some(0)));
    store.open_tail(None).expect("an empty tail");
    refused(store.open_tail(None));
    assert!(matches!(
        store.read_slot(0, 0, 1),
        Err(StoreError::NotFound)
    ));
}

fn slots_come_back_as_they_were_submitted(open: &Opener) {
    let store = writer(open);
    let payloads = [
        b"".to_vec(),
        b"a".to_vec(),
        vec![1; 4032],
        vec![2; 4033],
        vec![3; 100_000],
        vec![0; 5000],
    ];
    for (number, payload) in (0..).zip(&payloads) {
        let (front, back) = payload.split_at(payload.len() / 3);
        let ticket = store
            .submit(number, &[front, b"", back])
            .expect("submitting");
        assert_eq!(ticket.slot(), number);
        assert!(matches!(store.wait(ticket), Outcome::Durable));
    }
    assert_eq!(store.first_slot().expect("looking"), Some(0));
    let slots = scan(&*store, 0);
    assert_eq!(
        slots
            .iter()
            .map(|slot| slot.bytes.clone())
            .collect::<Vec<_>>(),
        payloads
    );
    assert_eq!(scan(&*store, 4).len(), 2);
    let mut again = store.slots(0).expect("scanning");
    for slot in &slots {
        // What a buffer that is given back holds, and how much of it, says nothing of the next slot.
        again.reuse(vec![0xEE; 5001]);
        assert_eq!(again.next().expect("scanning"), Found::Good(slot.clone()));
    }
    drop(again);
    drop(store);
    assert_eq!(scan(&*open(), 0), slots);
}

fn slots_are_submitted_in_order_and_once(open: &Opener) {
    let store = writer(open);
    refused(store.submit(1, &[b"x"]));
    let ticket = store.submit(0, &[b"first"]).expect("submitting");
    refused(store.submit(0, &[b"second"]));
    assert!(matches!(store.wait(ticket), Outcome::Durable));
    refused(store.submit(0, &[b"second"]));
    refused(store.submit(2, &[b"x"]));
    let huge = vec![0; 1 << 20];
    let parts = vec![huge.as_slice(); 33];
    assert!(matches!(
        store.submit(1, &parts),
        Err(StoreError::TooLarge { .. })
    ));
    put(&*store, 1, b"second");
    let slots = scan(&*store, 0);
    assert_eq!(
        slots
            .iter()
            .map(|slot| slot.bytes.as_slice())
            .collect::<Vec<_>>(),
        [b"first".as_slice(), b"second"]
    );
}

fn a_second_opening_goes_on_behind_the_last_slot(open: &Opener) {
    let store = writer(open);
    put(&*store, 0, b"zero");
    put(&*store, 1, b"one");
    drop(store);
    let store = open();
    store.acquire([2; 16]).expect("free again");
    assert_eq!(scan(&*store, 0).len(), 2);
    refused(store.open_tail(None));
    refused(store.open_tail(Some(0)));
    store.open_tail(Some(1)).expect("the last one");
    refused(store.submit(1, &[b"again"]));
    put(&*store, 2, b"two");
    assert_eq!(scan(&*store, 0).len(), 3);
}

fn parts_of_slots_are_read_by_number(open: &Opener) {
    let store = writer(open);
    put(&*store, 0, b"zero");
    put(&*store, 1, b"0123456789");
    assert_eq!(store.read_slot(1, 3, 4).expect("reading"), b"3456");
    assert_eq!(store.read_slot(1, 8, 100).expect("reading"), b"89");
    assert_eq!(store.read_slot(1, 10, 1).expect("reading"), b"");
    assert!(matches!(
        store.read_slot(2, 0, 1),
        Err(StoreError::NotFound)
    ));
    drop(store);
    let reader = open();
    assert_eq!(
        reader.read_slot(1, 0, 100).expect("found without a scan"),
        b"0123456789"
    );
}

fn released_slots_are_gone_and_the_last_one_stays(open: &Opener) {
    let store = writer(open);
    let payload = vec![7; 30_000];
    for number in 0..20 {
        put(&*store, number, &payload);
    }
    refused(store.release(20));
    store.release(15).expect("releasing");
    let first = store
        .first_slot()
        .expect("looking")
        .expect("a store always has a tail");
    assert!(
        (1..=15).contains(&first),
        "some slots were released: {first}"
    );
    assert!(matches!(store.read_slot(0, 0, 1), Err(StoreError::Gone)));
    assert!(matches!(store.slots(0).map(|_| ()), Err(StoreError::Gone)));
    assert_eq!(
        scan(&*store, first).last().map(|slot| slot.number),
        Some(19)
    );
    put(&*store, 20, &payload);
    drop(store);
    let store = open();
    assert_eq!(store.first_slot().expect("looking"), Some(first));
    assert_eq!(
        scan(&*store, first).last().map(|slot| slot.number),
        Some(20)
    );
}

fn sealed_objects_are_never_replaced(open: &Opener) {
    let store = writer(open);
    let put = |bytes: &[&[u8]]| {
        store
            .put_new("sealed/one.ent", bytes, Some(1))
            .expect("putting")
    };
    assert_eq!(put(&[b"ab", b"", b"c"]), Put::Created);
    assert_eq!(put(&[b"a", b"bc"]), Put::Same);
    assert_eq!(put(&[b"abd"]), Put::Differs);
    assert_eq!(put(&[b"abcd"]), Put::Differs);
    assert_eq!(put(&[b"ab"]), Put::Differs);
    assert_eq!(store.size_of("sealed/one.ent").expect("there"), 3);
    assert_eq!(
        store
            .read_at("sealed/one.ent", 1, 100, true)
            .expect("reading"),
        b"bc"
    );
    assert_eq!(
        store
            .read_at("sealed/one.ent", 9, 1, false)
            .expect("reading"),
        b""
    );
    store.extend("sealed/one.ent", 5).expect("there");
    assert!(matches!(
        store.extend("sealed/two.ent", 5),
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        store.read_at("sealed/two.ent", 0, 1, true),
        Err(StoreError::NotFound)
    ));
    for name in [
        "sealed/",
        "sealed/../x",
        "sealed/a/b",
        "derived/x",
        "tail/x",
        "x",
        "",
        "sealed/.x",
        "sealed/ä",
    ] {
        refused(store.put_new(name, &[b"x"], None));
    }
    for bytes in [b"old".as_slice(), b"newer"] {
        store
            .put_derived("derived/heads", bytes)
            .expect("replacing");
        assert_eq!(
            store
                .read_at("derived/heads", 0, 100, true)
                .expect("reading"),
            bytes
        );
    }
    refused(store.put_derived("sealed/one.ent", b"x"));
}

fn a_pair_has_both_its_names_or_says_which_is_taken(open: &Opener) {
    let store = writer(open);
    let put = |first: &[u8], second: &[u8]| {
        let pair: [(&str, &[&[u8]]); 2] = [("sealed/a.rec", &[first]), ("sealed/a.ent", &[second])];
        store.put_pair(pair).expect("putting")
    };
    let held = |name| store.read_at(name, 0, 9, true).expect("there");
    store
        .put_new("sealed/a.rec", &[b"12"], None)
        .expect("putting");
    assert_eq!(put(b"1", b"2"), [Put::Differs; 2]);
    assert!(matches!(
        store.size_of("sealed/a.ent"),
        Err(StoreError::NotFound)
    ));
    assert_eq!(put(b"12", b"3"), [Put::Same, Put::Created]);
    assert_eq!(put(b"12", b"3"), [Put::Same; 2]);
    assert_eq!(put(b"12", b"4"), [Put::Same, Put::Differs]);
    assert_eq!(
        (held("sealed/a.rec"), held("sealed/a.ent")),
        (b"12".to_vec(), b"3".to_vec())
    );
    for name in ["derived/x", "quarantine/x", "sealed/../x"] {
        refused(store.put_pair([(name, &[b"x"]), ("sealed/b", &[b"x"])]));
        refused(store.put_pair([("sealed/b", &[b"x"]), (name, &[b"x"])]));
    }
    assert!(matches!(
        store.size_of("sealed/b"),
        Err(StoreError::NotFound)
    ));
}

fn objects_are_listed_in_pages_by_name(open: &Opener) {
    let store = writer(open);
    for name in ["sealed/c", "sealed/a", "derived/b", "sealed/bb", "sealed/b"] {
        if name.starts_with("derived") {
            store.put_derived(name, b"12").expect("putting");
        } else {
            store.put_new(name, &[b"1"], None).expect("putting");
        }
    }
    let list = |prefix, after, limit| -> Vec<String> {
        store
            .list(prefix, after, limit)
            .expect("listing")
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(
        list("sealed/", None, 100),
        ["sealed/a", "sealed/b", "sealed/bb", "sealed/c"]
    );
    assert_eq!(
        list("sealed/", Some("sealed/a"), 2),
        ["sealed/b", "sealed/bb"]
    );
    assert_eq!(list("sealed/b", None, 100), ["sealed/b", "sealed/bb"]);
    assert_eq!(list("sealed/x", None, 100), Vec::<String>::new());
    assert!(list("", None, 1000).contains(&"derived/b".to_owned()));
    assert_eq!(
        store.list("derived/", None, 1).expect("listing"),
        [("derived/b".to_owned(), 2)]
    );
}

fn orphans_are_set_aside_under_their_digest(open: &Opener) {
    let store = writer(open);
    store
        .put_new("sealed/one.rec", &[b"abc"], None)
        .expect("putting");
    let name = store.quarantine_object("sealed/one.rec").expect("there");
    // FIPS 180-4, the digest of "abc".
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(name, format!("quarantine/one.rec-{digest}"));
    assert_eq!(store.read_at(&name, 0, 10, true).expect("kept"), b"abc");
    assert!(matches!(
        store.size_of("sealed/one.rec"),
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        store.quarantine_object("sealed/one.rec"),
        Err(StoreError::NotFound)
    ));
    refused(store.quarantine_object("derived/x"));
}

fn the_register_is_swapped_only_from_what_it_holds(open: &Opener) {
    let store = writer(open);
    assert_eq!(store.register_read().expect("empty"), None);
    assert!(matches!(
        store.register_swap(Some(b"x"), b"y"),
        Err(StoreError::Conflict)
    ));
    store.register_swap(None, b"one").expect("from nothing");
    assert!(matches!(
        store.register_swap(None, b"two"),
        Err(StoreError::Conflict)
    ));
    store
        .register_swap(Some(b"one"), b"two")
        .expect("from what it holds");
    drop(store);
    assert_eq!(
        open().register_read().expect("there").as_deref(),
        Some(b"two".as_slice())
    );
}

fn writer(open: &Opener) -> Box<dyn Store> {
    let store = open();
    store.acquire(WRITER).expect("nobody else");
    store.open_tail(None).expect("an empty tail");
    store
}

fn put(store: &dyn Store, number: u64, bytes: &[u8]) {
    let ticket = store.submit(number, &[bytes]).expect("submitting");
    assert!(
        matches!(store.wait(ticket), Outcome::Durable),
        "slot {number} is durable"
    );
}

/// All good slots from a number on; what follows them must be the end.
fn scan(store: &dyn Store, from: u64) -> Vec<Slot> {
    let mut scan = store.slots(from).expect("scanning");
    let mut slots = Vec::new();
    loop {
        match scan.next().expect("scanning") {
            Found::Good(slot) => slots.push(slot),
            Found::End { .. } => return slots,
            other => panic!("a whole tail holds {other:?}"),
        }
    }
}

fn refused<T>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Refused(_)) => {}
        Err(other) => panic!("refused, but with {other:?}"),
        Ok(_) => panic!("the contract forbids this"),
    }
}
