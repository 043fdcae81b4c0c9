//! One flipped bit in any byte of evidence is noticed: the whole store, byte by byte.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::truth::is_clean;
use bed::{BY, Bed, append, caller, create, files, group, verify};
use indelible_ledger::{Caller, Ledger, Log};
use indelible_proof::head::Own;
use indelible_store::{FaultInjector, LocalStore, WriteFate, WriteKind};
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Two logs in two packs and in the tail, a torn batch set aside, a clean stop.
fn store() -> Bed {
    let bed = Bed::new();
    let ledger = bed.open();
    let (one, two) = (create(&ledger, "one", 1), create(&ledger, "two", 2));
    let (mut first, mut second) = (caller(&ledger, &one, 5), caller(&ledger, &two, 6));
    long(&ledger, &one, &mut first, 0);
    group(&ledger, &two, &mut second, 0..2).unwrap();
    ledger.seal().unwrap();
    long(&ledger, &one, &mut first, 4);
    ledger.seal().unwrap();
    ledger.close("first").unwrap();
    tear_a_batch(&bed);
    let ledger = bed.open();
    let (one, two) = ["one", "two"]
        .map(|name| ledger.books().log(name).unwrap())
        .into();
    append(&ledger, &one, &mut caller(&ledger, &one, 7), 12..13);
    append(&ledger, &two, &mut caller(&ledger, &two, 8), 2..3);
    ledger.close("second").unwrap();
    bed
}

/// A few events that fill most of a tail file and little of a pack: so the tail ahead of them is released, and what is left is small
/// enough to be flipped byte by byte.
fn long(ledger: &Ledger, log: &Arc<Log>, caller: &mut Caller, first: u64) {
    let long = |number| format!(r#"{{"n":{number},"note":"{}"}}"#, "z".repeat(14_000));
    let events = (first..first + 4)
        .map(|number| {
            caller
                .prepare(log, &BY, &Own::default(), long(number).as_bytes())
                .unwrap()
        })
        .collect();
    ledger.submit_all(log, events).unwrap().wait().unwrap();
}

/// A start whose first batch gets no further than its first sector.
fn tear_a_batch(bed: &Bed) {
    let armed = Arc::new(AtomicBool::new(false));
    let faults: FaultInjector = {
        let armed = Arc::clone(&armed);
        Arc::new(move |op| {
            let into_tail =
                op.kind == WriteKind::Write && op.path.to_string_lossy().contains("/tail/");
            // The first write into the tail repeats the last slot; the second is the new batch.
            if into_tail && armed.swap(true, Ordering::SeqCst) {
                return WriteFate::Torn(512);
            }
            WriteFate::Proceed
        })
    };
    let store = bed.store_with(Some(faults)).unwrap();
    assert!(bed::open(store, &bed.clock, 77, bed::settings()).is_err());
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
    for directory in ["tail", "build", "sealed", "derived", "quarantine"] {
        fs::create_dir_all(to.join(directory)).unwrap();
    }
}

/// What is told of the store: an exit code, or that it can't even be opened.
fn exit_code(root: &Path) -> u8 {
    match LocalStore::open_read(root) {
        Ok(store) => verify(&store).verdict.exit_code(),
        Err(_) => 1,
    }
}

/// Every byte that isn't zero: file and offset.
fn bytes_of(root: &Path) -> Vec<(PathBuf, usize, u8)> {
    let mut all = Vec::new();
    for (path, bytes) in files(root) {
        let name = path.strip_prefix(root).unwrap().to_owned();
        if !name.starts_with("derived") {
            let some = bytes
                .iter()
                .copied()
                .enumerate()
                .filter(|(_, byte)| *byte != 0);
            all.extend(some.map(|(offset, byte)| (name.clone(), offset, byte)));
        }
    }
    all
}

#[test]
fn a_flipped_bit_in_any_byte_of_any_file_is_noticed() {
    let bed = store();
    is_clean(&verify(&*bed.reader()));
    let all = bytes_of(&bed.path());
    let kinds = ["FORMAT", "tail", "sealed", "quarantine"];
    assert!(
        kinds
            .iter()
            .all(|kind| all.iter().any(|(name, ..)| name.starts_with(kind)))
    );
    println!("{} bytes", all.len());
    let (next, missed) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let scratch = bed::scratch();
                copy(&bed.path(), scratch.path());
                assert_eq!(exit_code(scratch.path()), 0, "an untouched copy");
                while let Some((name, offset, byte)) = all.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    let path = scratch.path().join(name);
                    let bit = 1 << (offset % 8);
                    put(&path, *offset, byte ^ bit);
                    if !matches!(exit_code(scratch.path()), 1 | 3) {
                        missed.lock().unwrap().push((name.clone(), *offset, bit));
                    }
                    put(&path, *offset, *byte);
                }
                assert_eq!(exit_code(scratch.path()), 0, "everything was put back");
            });
        }
    });
    assert_eq!(missed.into_inner().unwrap(), []);
}

fn put(path: &Path, offset: usize, byte: u8) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[byte], u64::try_from(offset).unwrap())
        .unwrap();
}

#[test]
fn a_flipped_bit_in_any_byte_of_the_register_is_noticed() {
    let bed = store();
    let register = fs::read(bed.register()).unwrap();
    fs::set_permissions(bed.register(), fs::Permissions::from_mode(0o600)).unwrap();
    for (offset, byte) in register.iter().enumerate() {
        put(&bed.register(), offset, byte ^ (1 << (offset % 8)));
        assert!(matches!(exit_code(&bed.path()), 1 | 3), "byte {offset}");
        put(&bed.register(), offset, *byte);
    }
    is_clean(&verify(&*bed.reader()));
}
