//! The order of durable operations: bytes before names, names before answers.
//!
//! A model of what a power loss may undo. Bytes that were written and not synced may be gone; so may a name whose directory was not synced.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::limits::{BLOCK, ZEROS_UNSYNCED_MAX};
use crate::{WriteFate, WriteKind, WriteOp};

/// What a power loss at this moment could undo.
#[derive(Default)]
struct Unsynced {
    files: BTreeSet<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

impl Unsynced {
    fn take_note(&mut self, op: &WriteOp<'_>) {
        let parent = |path: &Path| path.parent().unwrap().to_owned();
        match op.kind {
            WriteKind::Write | WriteKind::Seal => {
                self.files.insert(op.path.to_owned());
            }
            WriteKind::Sync => {
                self.files.remove(op.path);
            }
            WriteKind::SyncDirectory => {
                self.directories.remove(op.path);
            }
            WriteKind::Create => {
                self.files.insert(op.path.to_owned());
                self.directories.insert(parent(op.path));
            }
            WriteKind::MakeDirectory => {
                self.directories.insert(parent(op.path));
            }
            WriteKind::Rename => {
                assert!(
                    !self.files.contains(op.path),
                    "{} gets a name before its bytes are durable",
                    op.path.display()
                );
                let named = op.to.unwrap();
                let too_early =
                    named.ends_with("FORMAT") && self.directories.contains(&parent(named));
                assert!(!too_early, "a store before its directories are durable");
                self.directories
                    .extend([parent(op.path), parent(op.to.unwrap())]);
            }
            WriteKind::Remove => {
                self.files.remove(op.path);
                assert!(
                    op.path.parent().unwrap().ends_with("build")
                        || op.path.extension().is_some_and(|end| end == "new")
                );
            }
        }
    }

    fn nothing(&self, after: &str) {
        assert!(
            self.files.is_empty(),
            "not durable after {after}: {:?}",
            self.files
        );
        assert!(
            self.directories.is_empty(),
            "names not durable after {after}: {:?}",
            self.directories
        );
    }
}

#[test]
fn nothing_has_a_name_or_an_answer_before_it_is_durable() {
    let bed = Bed::empty();
    let unsynced = Arc::new(Mutex::new(Unsynced::default()));
    let inner = Arc::clone(&unsynced);
    let faults: FaultInjector = Arc::new(move |op| {
        inner.lock().unwrap().take_note(op);
        WriteFate::Proceed
    });
    let durable_after = |what: &str| unsynced.lock().unwrap().nothing(what);
    let open = || {
        let options = OpenOptions {
            moved: true,
            ..open_options(Some(Arc::clone(&faults)))
        };
        let store = LocalStore::open_write(&bed.root(), options).unwrap();
        store.acquire([1; 16]).unwrap();
        store
    };

    LocalStore::create(
        &bed.root(),
        CreateOptions {
            faults: Some(Arc::clone(&faults)),
            ..bed.create_options()
        },
    )
    .unwrap();
    durable_after("create");
    let store = open();
    store.open_tail(None).unwrap();
    durable_after("opening an empty tail");
    for number in 0..8 {
        put(&store, number, &payload(number, 30_000));
        durable_after("a commit");
    }
    store.prepare_next(0).unwrap();
    durable_after("preparing");
    for _ in 0..2 {
        store.put_new("sealed/a.ent", &[b"abc"], None).unwrap();
        durable_after("putting");
    }
    store.quarantine_object("sealed/a.ent").unwrap();
    durable_after("setting an object aside");
    store.put_derived("derived/heads", b"abc").unwrap();
    durable_after("a derived object");
    store.register_swap(None, b"abc").unwrap();
    durable_after("the register");
    store.release(6).unwrap();
    durable_after("releasing");
    drop(store);

    bed.flip("tail/000000000007", BLOCK + 500, 1);
    let store = open();
    assert!(matches!(scan(&store).1, Found::Bad { number: 7, .. }));
    store.quarantine_slot(7).unwrap();
    durable_after("setting a slot aside");
    store.open_tail(Some(6)).unwrap();
    durable_after("opening the tail");
    drop(store);

    fs::copy(bed.path("FORMAT"), bed.path("copied")).unwrap();
    fs::rename(bed.path("copied"), bed.path("FORMAT")).unwrap();
    assert!(open().describe().moved);
    durable_after("binding a copy");
}

/// The operations of one call, each with the directory of the store it is done in.
fn operations(bed: &Bed, call: impl FnOnce(&LocalStore)) -> Vec<(WriteKind, String)> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let (inner, root) = (Arc::clone(&order), bed.root());
    let faults: FaultInjector = Arc::new(move |op| {
        let below = op.path.strip_prefix(&root).unwrap_or(op.path);
        let directory = below.iter().next().unwrap_or_default();
        inner
            .lock()
            .unwrap()
            .push((op.kind, directory.to_str().unwrap().to_owned()));
        WriteFate::Proceed
    });
    let store = LocalStore::open_write(&bed.root(), open_options(Some(faults))).unwrap();
    store.acquire([1; 16]).unwrap();
    // What opening did is not what is asked about.
    order.lock().unwrap().clear();
    call(&store);
    order.lock().unwrap().clone()
}

fn check(bed: &Bed, call: impl FnOnce(&LocalStore), expected: &[(WriteKind, &str)]) {
    let order = operations(bed, call);
    let order: Vec<_> = order
        .iter()
        .map(|(kind, directory)| (*kind, directory.as_str()))
        .collect();
    assert_eq!(order, expected);
}

#[test]
fn a_torn_slot_is_overwritten_only_after_its_copy_is_durable() {
    let lengths = [100, 5000];
    let bed = Bed::with_slots(&lengths);
    bed.flip("tail/000000000000", offset_of(&lengths, 1) + 100, 1);
    check(
        &bed,
        |store| {
            store.quarantine_slot(1).unwrap();
        },
        &[
            (WriteKind::Create, "build"),
            (WriteKind::Write, "build"),
            (WriteKind::Seal, "build"),
            (WriteKind::Sync, "build"),
            (WriteKind::Rename, "build"),
            (WriteKind::SyncDirectory, "quarantine"),
            (WriteKind::SyncDirectory, "build"),
            (WriteKind::Write, "tail"),
            (WriteKind::Sync, "tail"),
        ],
    );
}

#[test]
fn an_opened_tail_has_durable_names_and_a_durable_last_slot() {
    check(
        &Bed::with_slots(&[100, 5000]),
        |store| {
            scan(store);
            store.open_tail(Some(1)).unwrap();
        },
        &[
            (WriteKind::SyncDirectory, "tail"),
            (WriteKind::SyncDirectory, "sealed"),
            (WriteKind::Write, "tail"),
            (WriteKind::Sync, "tail"),
        ],
    );
}

/// Whoever wrote it may have stopped, or lost power, before it was durable.
#[test]
fn an_object_found_the_same_is_made_durable_again() {
    let bed = Bed::new();
    fs::write(bed.path("sealed/a.ent"), b"abc").unwrap();
    check(
        &bed,
        |store| {
            let put = store.put_new("sealed/a.ent", &[b"abc"], None).unwrap();
            assert_eq!(put, crate::Put::Same);
        },
        &[
            (WriteKind::Sync, "sealed"),
            (WriteKind::SyncDirectory, "sealed"),
            (WriteKind::SyncDirectory, "build"),
        ],
    );
}

#[test]
fn names_that_a_stopped_writer_left_are_durable_before_the_next_one_writes() {
    let bed = Bed::new();
    let seen: Arc<Mutex<Vec<(WriteKind, PathBuf)>>> = Arc::default();
    let faults: FaultInjector = {
        let seen = Arc::clone(&seen);
        Arc::new(move |op: &WriteOp<'_>| {
            seen.lock().unwrap().push((op.kind, op.path.to_owned()));
            WriteFate::Proceed
        })
    };
    let store = LocalStore::open_write(&bed.root(), open_options(Some(faults))).unwrap();
    let opened = seen.lock().unwrap().clone();
    drop(store);
    let root = bed.root();
    let around = root.parent().unwrap().to_owned();
    let directories = ["sealed", "quarantine"].map(|name| root.join(name));
    for directory in directories.into_iter().chain([root, around]) {
        assert!(
            opened.contains(&(WriteKind::SyncDirectory, directory.clone())),
            "{} was not synced",
            directory.display()
        );
    }
}

#[test]
fn a_commit_waits_behind_a_few_zeros_of_the_next_file_and_not_behind_all_of_them() {
    let bed = Bed::empty();
    let unsynced = Arc::new(Mutex::new((0, 0)));
    let counting = Arc::clone(&unsynced);
    let faults: FaultInjector = Arc::new(move |op: &WriteOp<'_>| {
        let mut counts = counting.lock().unwrap();
        let (now, most) = &mut *counts;
        if op.path.to_string_lossy().contains("/build/tail-") {
            match op.kind {
                WriteKind::Write => *now += op.length,
                WriteKind::Sync => *now = 0,
                _ => {}
            }
            *most = (*most).max(*now);
        }
        WriteFate::Proceed
    });
    LocalStore::create(
        &bed.root(),
        CreateOptions {
            tail_size: 18 << 20,
            ..bed.create_options()
        },
    )
    .unwrap();
    let store = LocalStore::open_write(&bed.root(), open_options(Some(faults))).unwrap();
    store.acquire([1; 16]).unwrap();
    store.open_tail(None).unwrap();
    store.prepare_next(0).unwrap();
    let (left, most) = *unsynced.lock().unwrap();
    assert_eq!(left, 0);
    // And the header, which is written over the first of them.
    assert!(
        (ZEROS_UNSYNCED_MAX..=ZEROS_UNSYNCED_MAX + BLOCK).contains(&most),
        "{most}"
    );
}
