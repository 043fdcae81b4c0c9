//! What makes a directory a store, and who may write to it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::Put;

fn copy_tree(from: &Path, to: &Path) {
    assert!(
        Command::new("cp")
            .arg("-a")
            .args([from, to])
            .status()
            .unwrap()
            .success()
    );
}

fn refuses_to_create(options: CreateOptions, root: &Path) {
    assert!(matches!(
        LocalStore::create(root, options),
        Err(StoreError::Refused(_))
    ));
}

#[test]
fn a_store_says_what_it_was_made_as() {
    let bed = Bed::empty();
    let keys = bed
        .directory
        .path()
        .join("keys with a space, a % and \u{e4}");
    let options = CreateOptions {
        keys: Some(keys.clone()),
        ..bed.create_options()
    };
    LocalStore::create(&bed.root(), options).unwrap();
    for store in [bed.open(), LocalStore::open_read(&bed.root()).unwrap()] {
        let info = store.describe();
        assert_eq!(info.store_id, STORE_ID);
        assert_eq!(info.origin, "example.org/node");
        assert_eq!(info.created, "2026-01-02T03:04:05Z");
        assert_eq!(info.keys.as_ref(), Some(&keys));
        assert!(info.register_configured && !info.copy && !info.moved);
    }
}

#[test]
fn a_directory_in_use_does_not_become_a_store() {
    let bed = Bed::new();
    refuses_to_create(bed.create_options(), &bed.root());
    let bed = Bed::empty();
    fs::create_dir(bed.root()).unwrap();
    fs::write(bed.path("notes.txt"), b"mine").unwrap();
    refuses_to_create(bed.create_options(), &bed.root());
    let bed = Bed::with_slots(&[100]);
    fs::remove_file(bed.path("FORMAT")).unwrap();
    refuses_to_create(bed.create_options(), &bed.root());
    assert!(matches!(
        LocalStore::open_read(&bed.root()),
        Err(StoreError::NotFound)
    ));
}

#[test]
fn options_out_of_bounds_are_refused_before_anything_is_made() {
    let bed = Bed::empty();
    let origins = ["", "a\nb", "\u{e4}", &"x".repeat(201)].map(str::to_owned);
    for origin in origins {
        refuses_to_create(
            CreateOptions {
                origin,
                ..bed.create_options()
            },
            &bed.root(),
        );
    }
    for tail_size in [0, 4096, (64 << 10) + 1, (1 << 30) + 4096] {
        refuses_to_create(
            CreateOptions {
                tail_size,
                ..bed.create_options()
            },
            &bed.root(),
        );
    }
    let inside = CreateOptions {
        register: Some(bed.path("register")),
        ..bed.create_options()
    };
    refuses_to_create(inside, &bed.root());
    assert!(!bed.root().exists());
}

#[test]
fn any_changed_byte_of_format_is_refused() {
    let bed = Bed::new();
    let whole = bed.read("FORMAT");
    for position in 0..whole.len() {
        for bit in [0, 5] {
            let mut changed = whole.clone();
            changed[position] ^= 1 << bit;
            bed.overwrite("FORMAT", 0, &changed);
            let opened = LocalStore::open_read(&bed.root());
            assert!(
                matches!(opened, Err(StoreError::Damaged { .. })),
                "byte {position} bit {bit}"
            );
        }
    }
    bed.overwrite("FORMAT", 0, &whole);
    LocalStore::open_read(&bed.root()).unwrap();
}

#[test]
fn empty_directories_that_a_copy_lacks_are_made_anew() {
    let bed = Bed::with_slots(&[100]);
    for name in ["build", "derived", "quarantine"] {
        fs::remove_dir_all(bed.path(name)).unwrap();
    }
    let reader = LocalStore::open_read(&bed.root()).unwrap();
    assert_eq!(scan(&reader).0.len(), 1);
    let store = bed.open();
    scan(&store);
    store.open_tail(Some(0)).unwrap();
    put(&store, 1, b"and on it goes");
}

#[test]
fn one_writer_holds_the_lock_and_readers_need_none() {
    let bed = Bed::with_slots(&[100]);
    let reader = LocalStore::open_read(&bed.root()).unwrap();
    assert!(!reader.writer_active().unwrap());
    let writer = bed.open();
    assert!(reader.writer_active().unwrap() && writer.writer_active().unwrap());
    assert!(matches!(
        LocalStore::open_write(&bed.root(), open_options(None)),
        Err(StoreError::Busy)
    ));
    assert_eq!(scan(&reader).0.len(), 1);
    assert!(matches!(reader.acquire([1; 16]), Err(StoreError::ReadOnly)));
    assert!(matches!(
        reader.open_tail(Some(0)),
        Err(StoreError::ReadOnly)
    ));
    assert!(matches!(
        reader.put_new("sealed/x", &[b"x"], None),
        Err(StoreError::ReadOnly)
    ));
    assert!(matches!(
        reader.register_swap(None, b"x"),
        Err(StoreError::ReadOnly)
    ));
    drop(writer);
    bed.open();
    assert!(bed.read("lock").is_empty());
    fs::remove_file(bed.path("lock")).unwrap();
    assert!(matches!(
        LocalStore::open_write(&bed.root(), open_options(None)),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn a_copy_is_read_with_a_warning_and_written_only_as_moved() {
    let bed = Bed::with_slots(&[100, 200]);
    let copy = Bed::empty();
    copy_tree(&bed.root(), &copy.root());
    fs::write(copy.path("build/left-over"), b"x").unwrap();
    let reader = LocalStore::open_read(&copy.root()).unwrap();
    assert!(reader.describe().copy);
    assert!(
        reader
            .describe()
            .warnings
            .iter()
            .any(|warning| warning.contains("copy"))
    );
    assert_eq!(scan(&reader).0.len(), 2);

    let before = copy.read("FORMAT");
    assert!(matches!(
        LocalStore::open_write(&copy.root(), open_options(None)),
        Err(StoreError::Refused(_))
    ));
    assert_eq!(copy.read("FORMAT"), before);
    assert!(
        copy.path("build/left-over").exists(),
        "a copy is left alone"
    );

    let store = LocalStore::open_write(
        &copy.root(),
        OpenOptions {
            moved: true,
            ..open_options(None)
        },
    )
    .unwrap();
    assert!(store.describe().moved && !store.describe().copy);
    // Whoever opens it may still turn away: nothing of the copy has changed, and nothing can be written.
    store.acquire([7; 16]).unwrap();
    assert!(matches!(
        store.open_tail(Some(1)),
        Err(StoreError::Refused(_))
    ));
    assert_eq!(copy.read("FORMAT"), before);
    store.bind().unwrap();
    assert_ne!(copy.read("FORMAT"), before);
    store.open_tail(Some(1)).unwrap();
    drop(store);
    let store = copy.writer();
    assert!(!store.describe().moved);
    put(&store, 2, b"in its new place");
    // Said again without need, it changes nothing.
    drop(store);
    let again = LocalStore::open_write(
        &copy.root(),
        OpenOptions {
            moved: true,
            ..open_options(None)
        },
    )
    .unwrap();
    assert!(!again.describe().moved);
}

/// Rewrites FORMAT in place, so that it keeps its inode.
fn with_format_line(bed: &Bed, old: &str, new: &str) {
    let text = String::from_utf8(bed.read("FORMAT"))
        .unwrap()
        .replace(old, new);
    let signed = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("sha256"))
        .collect::<String>();
    let digest = crate::names::digest(signed.as_bytes());
    bed.overwrite("FORMAT", 0, format!("{signed}sha256 {digest}\n").as_bytes());
}

#[test]
fn unknown_features_are_refused_or_only_read() {
    let bed = Bed::with_slots(&[100]);
    with_format_line(&bed, "read-only 0", "read-only 4");
    assert!(matches!(
        LocalStore::open_write(&bed.root(), open_options(None)),
        Err(StoreError::ReadOnly)
    ));
    let reader = LocalStore::open_read(&bed.root()).unwrap();
    assert!(
        reader
            .describe()
            .warnings
            .iter()
            .any(|warning| warning.contains("only read"))
    );
    assert_eq!(scan(&reader).0.len(), 1);
    with_format_line(&bed, "incompatible 0", "incompatible 1");
    assert!(matches!(
        LocalStore::open_read(&bed.root()),
        Err(StoreError::Unsupported { .. })
    ));
}

#[test]
fn a_register_of_a_newer_version_is_not_written_over() {
    let bed = Bed::new();
    let path = bed.directory.path().join("register");
    let store = bed.writer();
    store.register_swap(None, b"a batch header").unwrap();
    let mut newer = fs::read(&path).unwrap();
    newer[24] = 1;
    let covered = newer.len() - 4;
    let crc = crc32c::crc32c(&newer[..covered]).to_le_bytes();
    newer[covered..].copy_from_slice(&crc);
    fs::write(&path, &newer).unwrap();
    assert_eq!(
        store.register_read().unwrap().as_deref(),
        Some(b"a batch header".as_slice())
    );
    let swapped = store.register_swap(Some(b"a batch header"), b"another");
    assert!(matches!(swapped, Err(StoreError::ReadOnly)));
    assert_eq!(fs::read(&path).unwrap(), newer);
}

#[test]
fn a_line_that_could_be_written_otherwise_is_refused() {
    let bed = Bed::new();
    for (old, new) in [
        ("block 4096", "block 8192"),
        ("tail-size 65536", "tail-size 99999"),
        ("read-only 0", "read-only +"),
        ("inode ", "inode 0"),
        ("volatile ", "volatile  "),
        ("keys none", "keys None"),
    ] {
        let copy = Bed::empty();
        copy_tree(&bed.root(), &copy.root());
        with_format_line(&copy, old, new);
        assert!(
            matches!(
                LocalStore::open_read(&copy.root()),
                Err(StoreError::Damaged { .. })
            ),
            "{new}"
        );
    }
}

#[test]
fn memory_is_refused_as_a_disk_unless_accepted() {
    let Ok(directory) = TempDir::new_in("/dev/shm") else {
        println!("skipped: no /dev/shm to make a directory in");
        return;
    };
    let medium = crate::local::medium::medium(directory.path()).unwrap();
    if !matches!(medium, crate::local::medium::Medium::Volatile(_)) {
        println!("skipped: /dev/shm is not in memory here");
        return;
    }
    let bed = Bed { directory };
    let options = CreateOptions {
        accept_volatile: false,
        ..bed.create_options()
    };
    assert!(matches!(
        LocalStore::create(&bed.root(), options),
        Err(StoreError::Volatile(_))
    ));
    fs::remove_dir(bed.root()).unwrap();
    LocalStore::create(&bed.root(), bed.create_options()).unwrap();
    assert!(bed.open().describe().volatile);
    with_format_line(&bed, "volatile yes\n", "volatile no\n");
    // One byte shorter: what is left of the old text goes too.
    let length = u64::try_from(bed.read("FORMAT").len()).unwrap() - 1;
    fs::OpenOptions::new()
        .write(true)
        .open(bed.path("FORMAT"))
        .unwrap()
        .set_len(length)
        .unwrap();
    assert!(matches!(
        LocalStore::open_write(&bed.root(), open_options(None)),
        Err(StoreError::Volatile(_))
    ));
}

#[test]
fn sealed_and_quarantined_files_are_read_only_on_disk() {
    let bed = Bed::new();
    let store = bed.writer();
    store.put_new("sealed/a.ent", &[b"one"], None).unwrap();
    let mode = |name: &str| fs::metadata(bed.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("sealed/a.ent"), 0o444);
    assert_eq!(
        store.put_new("sealed/a.ent", &[b"two"], None).unwrap(),
        Put::Differs
    );
    let aside = store.quarantine_object("sealed/a.ent").unwrap();
    assert_eq!(mode(&aside), 0o444);
    store.put_derived("derived/heads", b"x").unwrap();
    assert_ne!(mode("derived/heads") & 0o200, 0);
    assert!(
        fs::read_dir(bed.path("build")).unwrap().next().is_none(),
        "nothing is left in build/"
    );
}

#[test]
fn an_orphan_that_comes_again_is_set_aside_again() {
    let bed = Bed::new();
    let store = bed.writer();
    let names: Vec<_> = (0..3)
        .map(|_| {
            store.put_new("sealed/a.rec", &[b"abc"], None).unwrap();
            store.quarantine_object("sealed/a.rec").unwrap()
        })
        .collect();
    let digest = crate::names::digest(b"abc");
    assert_eq!(
        names,
        ["", "2-", "3-"].map(|time| format!("quarantine/a.rec-{time}{digest}"))
    );
}

#[test]
fn the_listing_shows_what_nobody_knows() {
    let bed = Bed::with_slots(&[100]);
    fs::write(bed.path("sealed/strange name"), b"12").unwrap();
    fs::write(bed.path("core"), b"123").unwrap();
    fs::create_dir(bed.path("lost+found")).unwrap();
    let listed = LocalStore::open_read(&bed.root())
        .unwrap()
        .list("", None, 100)
        .unwrap();
    let names: Vec<_> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "FORMAT",
            "core",
            "lock",
            "lost+found/",
            "sealed/strange name",
            "tail/000000000000"
        ]
    );
}

#[test]
fn a_changed_register_is_damaged_and_a_missing_one_empty() {
    let bed = Bed::new();
    let path = bed.directory.path().join("register");
    let store = bed.writer();
    assert_eq!(store.register_read().unwrap(), None);
    store.register_swap(None, b"a batch header").unwrap();
    let whole = fs::read(&path).unwrap();
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(
            matches!(store.register_read(), Err(StoreError::Damaged { .. })),
            "byte {position}"
        );
        assert!(matches!(
            store.register_swap(None, b"x"),
            Err(StoreError::Damaged { .. })
        ));
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(
        store.register_read(),
        Err(StoreError::Damaged { .. })
    ));
    fs::write(&path, [&whole[..], b"\0"].concat()).unwrap();
    assert!(matches!(
        store.register_read(),
        Err(StoreError::Damaged { .. })
    ));
    fs::write(&path, &whole).unwrap();
    assert_eq!(store.register_read().unwrap().unwrap(), b"a batch header");
}

#[test]
fn without_a_register_the_store_says_so() {
    let bed = Bed::empty();
    LocalStore::create(
        &bed.root(),
        CreateOptions {
            register: None,
            ..bed.create_options()
        },
    )
    .unwrap();
    let store = bed.writer();
    assert!(!store.describe().register_configured);
    assert!(
        store
            .describe()
            .warnings
            .iter()
            .any(|warning| warning.contains("no register"))
    );
    assert_eq!(store.register_read().unwrap(), None);
    assert!(matches!(
        store.register_swap(None, b"x"),
        Err(StoreError::Refused(_))
    ));
}

#[test]
fn a_directory_that_can_not_be_looked_at_is_not_called_empty() {
    let bed = Bed::new();
    let store = LocalStore::open_read(&bed.root()).unwrap();
    fs::remove_dir(bed.path("sealed")).unwrap();
    assert!(store.list("sealed/", None, 10).unwrap().is_empty());
    std::os::unix::fs::symlink("sealed", bed.path("sealed")).unwrap();
    assert!(matches!(
        store.list("sealed/", None, 10),
        Err(StoreError::Io { .. })
    ));
}

/// Everything that a look at the store reads, by whoever does not write.
fn look(root: &Path) -> Result<(), StoreError> {
    let store = LocalStore::open_read(root)?;
    store.writer_active()?;
    let mut slots = store.slots(0)?;
    while !matches!(slots.next()?, Found::End { .. }) {}
    store.read_at("sealed/pack", 0, 1, false)?;
    store.register_read().map(|_| ())
}

#[test]
fn a_pipe_in_the_place_of_a_file_holds_up_nobody() {
    for name in [
        "FORMAT",
        "lock",
        "tail/000000000000",
        "sealed/pack",
        "../register",
    ] {
        let bed = Bed::with_slots(&[100]);
        let store = bed.open();
        store.acquire([1; 16]).unwrap();
        store.put_new("sealed/pack", &[b"bytes"], None).unwrap();
        store.register_swap(None, b"content").unwrap();
        drop(store);
        look(&bed.root()).unwrap();
        let path = bed.path(name);
        fs::remove_file(&path).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let (root, (told, heard)) = (bed.root(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let opened = LocalStore::open_write(&root, open_options(None));
            told.send((look(&root), opened.map(|_| ()))).unwrap();
        });
        let heard = heard.recv_timeout(std::time::Duration::from_secs(60));
        let (looked, _) = heard.unwrap_or_else(|_| panic!("{name} is waited for"));
        let error = looked.unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("not a file"), "{name}: {error}");
    }
}
