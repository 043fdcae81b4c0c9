//! The register against old copies: what it remembers, what happens where it is gone, and who may write a copy.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and copies and removes files itself"
)]

mod bed;

use bed::truth::{count_said, is_clean, read};
use bed::{Bed, append, caller, create, files, random, settings};
use indelible_ledger::{Ledger, OpenError, RecoverError, Settings};
use indelible_proof::node_event::NodeEvent;
use indelible_proof::verdict::Completeness;
use indelible_store::{FaultInjector, LocalStore, OpenOptions, StoreError, WriteFate, WriteKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A log of some records, closed.
fn with_records(bed: &Bed, count: u64) {
    let ledger = bed.open();
    let log = match ledger.books().log("one") {
        Some(log) => log,
        None => create(&ledger, "one", 1),
    };
    let mut ours = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut ours, 0..count);
    ledger.close("test").unwrap();
}

/// A copy of the directory, with another inode for every file.
fn copy(bed: &Bed, name: &str) -> PathBuf {
    let copy = bed.path().parent().unwrap().join(name);
    for directory in ["build", "derived", "quarantine", "sealed", "tail"] {
        fs::create_dir_all(copy.join(directory)).unwrap();
    }
    for (path, bytes) in files(&bed.path()) {
        fs::write(copy.join(path.strip_prefix(bed.path()).unwrap()), bytes).unwrap();
    }
    copy
}

/// Puts the bytes of a copy back, file by file, each keeping its inode: a restore in place, or a snapshot.
fn put_back(bed: &Bed, copy: &Path) {
    for (path, bytes) in files(copy) {
        let name = path.strip_prefix(copy).unwrap();
        let place = bed.path().join(name);
        if name != Path::new("FORMAT") {
            fs::write(place, bytes).unwrap();
        }
    }
    for (path, _) in files(&bed.path()) {
        if !copy.join(path.strip_prefix(bed.path()).unwrap()).exists() {
            fs::remove_file(path).unwrap();
        }
    }
}

fn open_as(bed: &Bed, path: &Path, moved: bool, settings: Settings) -> Result<Ledger, OpenError> {
    let mut bytes = random(77);
    let options = OpenOptions {
        moved,
        random: Box::new(move |out| bytes(out)),
        faults: None,
    };
    let store = Arc::new(LocalStore::open_write(path, options)?);
    bed::open(store, &bed.clock, 78, settings)
}

fn lost_registers(bed: &Bed) -> usize {
    count_said(
        &read(bed.reader()),
        |event| matches!(event, NodeEvent::RegisterLost { by } if by == "unix:7"),
    )
}

#[test]
fn a_missing_register_refuses_the_start_until_an_operator_decides_which_is_recorded() {
    let bed = Bed::new();
    with_records(&bed, 5);
    fs::remove_file(bed.register()).unwrap();
    // The first run alone has written here, and a crash could have kept it from writing the register.
    with_records(&bed, 5);
    assert!(bed.register().exists());
    fs::remove_file(bed.register()).unwrap();
    let before = files(&bed.path());
    assert!(matches!(bed.try_open(), Err(OpenError::RegisterMissing)));
    assert_eq!(files(&bed.path()), before, "nothing was written");
    let decided = Settings {
        accept_register: Some("unix:7".to_owned()),
        ..settings()
    };
    let ledger = open_as(&bed, &bed.path(), false, decided.clone()).unwrap();
    ledger.close("test").unwrap();
    assert_eq!(lost_registers(&bed), 1);
    assert!(bed.register().exists());
    // Said again without need, it is not recorded.
    open_as(&bed, &bed.path(), false, decided)
        .unwrap()
        .close("test")
        .unwrap();
    assert_eq!(lost_registers(&bed), 1);
    assert_eq!(bed.verify().verdict.exit_code(), 0);
}

#[test]
fn an_old_state_put_back_in_place_is_refused_also_by_who_says_that_it_moved() {
    let bed = Bed::new();
    with_records(&bed, 5);
    let old = copy(&bed, "old");
    with_records(&bed, 5);
    put_back(&bed, &old);
    let format = fs::read(bed.path().join("FORMAT")).unwrap();
    for moved in [false, true] {
        let refused = open_as(&bed, &bed.path(), moved, settings());
        assert!(
            matches!(
                refused,
                Err(OpenError::Recover(RecoverError::RolledBack { .. }))
            ),
            "{:?}",
            refused.err()
        );
    }
    assert_eq!(fs::read(bed.path().join("FORMAT")).unwrap(), format);
}

#[test]
fn an_old_copy_is_compared_before_it_becomes_the_store() {
    let bed = Bed::new();
    with_records(&bed, 5);
    let old = copy(&bed, "old");
    let new = {
        with_records(&bed, 5);
        copy(&bed, "new")
    };
    let unchanged = files(&old);
    assert!(matches!(
        open_as(&bed, &old, false, settings()),
        Err(OpenError::Store(StoreError::Refused(_)))
    ));
    assert!(matches!(
        open_as(&bed, &old, true, settings()),
        Err(OpenError::Recover(RecoverError::RolledBack { .. }))
    ));
    assert_eq!(files(&old), unchanged, "FORMAT is bound to no new place");
    // The newest state may move, once: then it is in its place.
    open_as(&bed, &new, true, settings())
        .unwrap()
        .close("test")
        .unwrap();
    open_as(&bed, &new, false, settings())
        .unwrap()
        .close("test")
        .unwrap();
    // What stayed behind is now the old state.
    assert!(matches!(
        bed.try_open(),
        Err(OpenError::Recover(RecoverError::RolledBack { .. }))
    ));
}

#[test]
fn an_original_that_runs_beside_its_clone_is_stopped_by_the_register() {
    let bed = Bed::new();
    with_records(&bed, 5);
    let clone = copy(&bed, "clone");
    let original = bed.open();
    // The clone is opened while the original runs: both are the newest state, and the lock is not the same file.
    let moved = match open_as(&bed, &clone, true, settings()) {
        Ok(moved) => moved,
        Err(error) => {
            // The original was quicker: the register is ahead of the clone, which is refused.
            let refused = matches!(
                error,
                OpenError::Recover(RecoverError::RolledBack { .. } | RecoverError::Forked(_))
            );
            assert!(refused, "{error:?}");
            return;
        }
    };
    let ends = [original.close("test"), moved.close("test")];
    let troubles = ends.iter().filter(|end| !matches!(end, Ok(None))).count();
    assert_eq!(troubles, 1, "one of the two has the register: {ends:?}");
    // Whoever lost it is refused at its next start, and a verification of it says what the register remembers.
    let opened: Vec<bool> = [bed.path(), clone]
        .iter()
        .map(|path| open_as(&bed, path, false, settings()).is_ok())
        .collect();
    assert_eq!(
        opened.iter().filter(|is_open| **is_open).count(),
        1,
        "{opened:?}"
    );
}

#[test]
fn verify_says_what_a_register_remembers_of_an_old_copy() {
    let bed = Bed::new();
    with_records(&bed, 5);
    let old = copy(&bed, "old");
    with_records(&bed, 5);
    let report = bed::verify(&LocalStore::open_read(&old).unwrap());
    assert_eq!(report.verdict.exit_code(), 1, "{}", report.verdict);
    assert!(
        matches!(report.verdict.completeness, Completeness::BatchMissing(_)),
        "{}",
        report.verdict
    );
}

/// Found by the simulation: the second start sets the register of a first run that had no time to, hears that it was lost, and took what it had
/// set itself for another writer's.
#[test]
fn a_register_set_by_a_start_that_heard_it_was_lost_is_no_other_writers() {
    let bed = Bed::new();
    drop(bed.open());
    if bed.register().exists() {
        fs::remove_file(bed.register()).unwrap();
    }
    let (register, lied) = (bed.register(), AtomicBool::new(false));
    let faults: FaultInjector = Arc::new(move |op| {
        let sets = op.kind == WriteKind::Rename && op.to == Some(&register);
        match sets && !lied.swap(true, Ordering::SeqCst) {
            true => WriteFate::StoredButLost,
            false => WriteFate::Proceed,
        }
    });
    let store = bed.store_with(Some(faults)).unwrap();
    let ledger = bed::open(store, &bed.clock, 3, settings()).unwrap();
    let log = create(&ledger, "one", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..3);
    assert_eq!(ledger.close("test").unwrap(), None);
    is_clean(&bed.verify());
}
