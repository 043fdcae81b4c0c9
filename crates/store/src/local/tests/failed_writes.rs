//! Each write of a whole history fails once, in each way. Afterwards the directory is opened without faults, and what was
//! acknowledged must be there. Where a disk was only full the same handle goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::{Put, WriteFate, WriteKind, WriteOp};

/// What the history was told is durable.
#[derive(Default)]
struct Acknowledged {
    slots: u64,
    /// The slot whose outcome is unknown may be there too.
    tried: u64,
    released: u64,
    sealed: Vec<String>,
    /// The register's content, and what it may be instead.
    register: Option<Vec<u8>>,
    register_tried: Option<Vec<u8>>,
    /// The one failure was the register's.
    register_failed: bool,
    /// How often the disk was full and nothing stopped.
    without_room: u64,
}

const LENGTHS: [usize; 9] = [100, 30_000, 6000, 30_000, 100, 0, 70_000, 30_000, 5000];

/// A store's life in short. Stops at the first error.
fn history(bed: &Bed, faults: &FaultInjector, done: &mut Acknowledged) -> Result<(), StoreError> {
    LocalStore::create(
        &bed.root(),
        CreateOptions {
            faults: Some(Arc::clone(faults)),
            ..bed.create_options()
        },
    )?;
    let store = LocalStore::open_write(&bed.root(), open_options(Some(Arc::clone(faults))))?;
    store.acquire([1; 16])?;
    let result = live(&store, done);
    if result.is_err() {
        stopped(&store);
    }
    result
}

/// What found no room once finds it the second time, through the same handle.
fn with_room<T>(
    done: &mut Acknowledged,
    call: impl Fn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match call() {
        Err(StoreError::NoRoom { .. }) => {
            done.without_room += 1;
            call()
        }
        other => other,
    }
}

fn live(store: &LocalStore, done: &mut Acknowledged) -> Result<(), StoreError> {
    with_room(done, || store.open_tail(None))?;
    for (number, &length) in (0..).zip(&LENGTHS) {
        done.tried = number + 1;
        let bytes = payload(number, length);
        let ticket = with_room(done, || store.submit(number, &[&bytes]))?;
        match store.wait(ticket) {
            Outcome::Durable => done.slots = number + 1,
            Outcome::Unknown(error) => return Err(error),
            Outcome::Taken(_) => panic!("there is no other writer"),
        }
        done.register_tried = Some(number.to_be_bytes().to_vec());
        // A failure of the register stops nothing: it is looked at again and the history goes on.
        let swapped = store.register_swap(done.register.as_deref(), &number.to_be_bytes());
        done.register = match swapped {
            Ok(()) => done.register_tried.clone(),
            Err(_) => {
                done.register_failed = true;
                store.register_read()?
            }
        };
        if number % 3 == 2 {
            with_room(done, || store.prepare_next(0))?;
            let name = format!("sealed/{number}.ent");
            let bytes = payload(number, 3000);
            let put = with_room(done, || store.put_new(&name, &[&bytes], None))?;
            assert_eq!(put, Put::Created);
            done.sealed.push(name);
            with_room(done, || {
                store.put_derived("derived/heads", &number.to_be_bytes())
            })?;
            done.released = number;
            store.release(number)?;
        }
    }
    Ok(())
}

/// Nothing is written through a handle after its first failure.
fn stopped(store: &LocalStore) {
    assert!(matches!(
        store.submit(LENGTHS.len().try_into().unwrap(), &[b"x"]),
        Err(StoreError::Stopped(_))
    ));
    assert!(matches!(store.open_tail(None), Err(StoreError::Stopped(_))));
    assert!(matches!(
        store.put_new("sealed/late", &[b"x"], None),
        Err(StoreError::Stopped(_))
    ));
    assert!(matches!(
        store.put_derived("derived/late", b"x"),
        Err(StoreError::Stopped(_))
    ));
    assert!(matches!(
        store.register_swap(None, b"x"),
        Err(StoreError::Stopped(_))
    ));
    assert!(matches!(store.prepare_next(0), Err(StoreError::Stopped(_))));
    assert!(matches!(store.release(0), Err(StoreError::Stopped(_))));
}

/// An injector that gives one operation its fate, and the list of operations it saw.
type Seen = Arc<Mutex<Vec<(WriteKind, u64)>>>;

fn injector(at: usize, fate: WriteFate) -> (FaultInjector, Seen) {
    let seen = Seen::default();
    let inner = Arc::clone(&seen);
    let faults = move |op: &WriteOp<'_>| {
        let mut seen = inner.lock().unwrap();
        seen.push((op.kind, op.length));
        if seen.len() - 1 == at {
            fate
        } else {
            WriteFate::Proceed
        }
    };
    (Arc::new(faults), seen)
}

/// The fates worth trying for one operation: a short write is torn at every sector, a long one at some.
fn fates(kind: WriteKind, length: u64) -> Vec<WriteFate> {
    let mut fates = vec![WriteFate::Lost, WriteFate::StoredButLost, WriteFate::NoRoom];
    if kind == WriteKind::Write {
        let step = if length <= 8192 {
            512
        } else {
            length.next_multiple_of(512) / 4 / 512 * 512 + 512
        };
        fates.extend(
            (1..)
                .map(|part| part * step)
                .take_while(|&torn| torn < length)
                .map(WriteFate::Torn),
        );
    }
    fates
}

#[test]
fn what_was_acknowledged_survives_every_single_failed_write() {
    let (faults, seen) = injector(usize::MAX, WriteFate::Proceed);
    let mut done = Acknowledged::default();
    history(&Bed::quick(), &faults, &mut done).unwrap();
    assert_eq!(done.slots, 9);
    let operations = seen.lock().unwrap().clone();
    let mut kinds = BTreeMap::new();
    let mut without_room = BTreeMap::new();
    for (at, &(kind, length)) in operations.iter().enumerate() {
        *kinds.entry(format!("{kind:?}")).or_insert(0) += 1;
        for fate in fates(kind, length) {
            let times = check(at, kind, fate);
            *without_room.entry(format!("{kind:?}")).or_insert(0) += times;
        }
    }
    without_room.retain(|_, times| *times > 0);
    let sorts: Vec<_> = without_room.keys().map(String::as_str).collect();
    // Whatever makes a draft. Names, directories and commits that find no room stop the handle as any other failure does.
    assert_eq!(sorts, ["Create", "Seal", "Sync", "Write"]);
    assert_eq!(
        kinds.len(),
        8,
        "the history does every sort of operation: {kinds:?}"
    );
}

/// Gives how often the handle went on without room.
fn check(at: usize, kind: WriteKind, fate: WriteFate) -> u64 {
    let bed = Bed::quick();
    let (faults, _) = injector(at, fate);
    let mut done = Acknowledged::default();
    let what = format!("operation {at}, {kind:?}, {fate:?}");
    let ended = history(&bed, &faults, &mut done);
    let goes_on = done.register_failed || done.without_room > 0;
    match goes_on {
        true => assert!(ended.is_ok() && done.slots == 9, "{what}: {ended:?}"),
        false => assert!(matches!(ended, Err(StoreError::Io { .. })), "{what}"),
    }
    assert!(
        fate == WriteFate::NoRoom || done.without_room == 0,
        "{what}"
    );
    if !bed.path("FORMAT").exists() {
        assert_eq!(done.tried, 0, "{what}");
        LocalStore::create(&bed.root(), bed.create_options()).unwrap();
    }
    let store = bed.open();
    let next = recover(&store, &done, &what);
    for name in &done.sealed {
        let number = name
            .trim_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap();
        assert_eq!(
            store.read_at(name, 0, 10_000, true).unwrap(),
            payload(number, 3000),
            "{what}"
        );
    }
    let register = store.register_read().unwrap();
    assert!(
        register == done.register || register == done.register_tried,
        "{what}"
    );
    put(&store, next, b"and on it goes");
    store.register_swap(register.as_deref(), b"new").unwrap();
    assert!(fs::read_dir(bed.path("build")).unwrap().all(|entry| {
        entry
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .starts_with("spare-")
    }));
    done.without_room
}

/// As the ledger does: scan, set aside what is torn, open. Gives the next number.
fn recover(store: &LocalStore, done: &Acknowledged, what: &str) -> u64 {
    let (slots, end) = try_scan(store).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    for slot in &slots {
        assert!(
            slot.bytes == payload(slot.number, LENGTHS[usize::try_from(slot.number).unwrap()]),
            "{what}"
        );
    }
    let first = slots.first().map_or(0, |slot| slot.number);
    let next = slots.last().map_or(0, |slot| slot.number + 1);
    assert!(first <= done.released, "{what}: the tail begins at {first}");
    assert!(
        (done.slots..=done.tried).contains(&next),
        "{what}: the tail ends at {next}, {} were durable",
        done.slots
    );
    match end {
        Found::End { number, .. } => assert_eq!(number, next, "{what}"),
        Found::Bad {
            number,
            later: None,
            ..
        } => {
            assert_eq!((number, number + 1), (next, done.tried), "{what}");
            store.quarantine_slot(number).unwrap();
        }
        other => panic!("{what}: {other:?}"),
    }
    store.open_tail(next.checked_sub(1)).unwrap();
    next
}
