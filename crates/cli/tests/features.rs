//! Feature masks of every file kind: what a newer version may add, and what this one then does.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::{Bed, Ended};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where a file's two masks stand, and what keeps its checksum.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Format,
    Tail,
    Ent,
    Rec,
    Register,
}

const KINDS: [Kind; 5] = [
    Kind::Format,
    Kind::Tail,
    Kind::Ent,
    Kind::Rec,
    Kind::Register,
];

/// The lowest and the highest bit: each must count.
const BITS: [u32; 2] = [0, 63];

/// A store with a pack, a tail and a register, stopped cleanly.
fn store() -> Bed {
    let bed = Bed::empty();
    let register = bed.path("register");
    bed.ok([
        "init",
        "--origin",
        "audit.acme.internal",
        "--tail-size",
        "64KiB",
        "--register",
        register.to_str().unwrap(),
    ]);
    bed.ok(["log", "create", "payments"]);
    for sealed in [true, false] {
        let appended = bed.run_with(["append", "--log", "payments", "-"], b"{\"order\":1}\n");
        assert_eq!(appended.code, 0, "{appended:?}");
        if sealed {
            bed.ok(["seal"]);
        }
    }
    bed
}

fn first_in(directory: &Path, ending: &str) -> PathBuf {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    paths.first().unwrap().clone()
}

impl Kind {
    fn path(self, bed: &Bed) -> PathBuf {
        match self {
            Kind::Format => bed.path("store/FORMAT"),
            Kind::Tail => first_in(&bed.path("store/tail"), ""),
            Kind::Ent => first_in(&bed.path("store/sealed"), ".ent"),
            Kind::Rec => first_in(&bed.path("store/sealed"), ".rec"),
            Kind::Register => bed.path("register"),
        }
    }

    /// Sets a bit of the incompatible or of the read-only features; checksums are made right again.
    fn set(self, bed: &Bed, incompatible: bool, bit: u32) {
        let path = self.path(bed);
        let mut bytes = fs::read(&path).unwrap();
        let at = if incompatible { 16 } else { 24 };
        let covered = match self {
            Kind::Format => return set_in_text(&path, incompatible, bit),
            Kind::Tail => 4_092,
            Kind::Ent => fs::read(&path).unwrap()[12..16]
                .try_into()
                .map(u32::from_le_bytes)
                .map(|length| usize::try_from(length).unwrap() - 4)
                .unwrap(),
            Kind::Rec => 124,
            Kind::Register => bytes.len() - 4,
        };
        bytes[at..at + 8].copy_from_slice(&(1_u64 << bit).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..covered]).to_le_bytes();
        bytes[covered..covered + 4].copy_from_slice(&crc);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}

fn set_in_text(path: &Path, incompatible: bool, bit: u32) {
    let text = fs::read_to_string(path).unwrap();
    let name = if incompatible {
        "incompatible"
    } else {
        "read-only"
    };
    let (signed, _) = text.split_once("sha256 ").unwrap();
    let signed = signed.replace(
        &format!("\n{name} 0\n"),
        &format!("\n{name} {}\n", 1_u64 << bit),
    );
    assert_ne!(signed, text.split_once("sha256 ").unwrap().0);
    let digest: String = Sha256::digest(&signed)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(path, format!("{signed}sha256 {digest}\n")).unwrap();
}

fn append(bed: &Bed) -> Ended {
    bed.run_with(["append", "--log", "payments", "-"], b"{\"order\":2}\n")
}

#[test]
fn what_an_unknown_incompatible_feature_needs_is_said_to_be_of_a_newer_version() {
    for kind in KINDS {
        for bit in BITS {
            let bed = store();
            kind.set(&bed, true, bit);
            let verified = bed.run(["verify"]);
            assert_eq!(verified.code, 3, "{kind:?} {bit}: {verified:?}");
            assert!(
                verified.out.contains("integrity: unsupported version\n"),
                "{kind:?} {bit}: {verified:?}"
            );
            let appended = append(&bed);
            assert_eq!(appended.code, 3, "{kind:?} {bit}: {appended:?}");
            assert!(
                appended
                    .err
                    .contains("hint: use the version that wrote it, or a newer one"),
                "{kind:?} {bit}: {appended:?}"
            );
            // Who only reads records asks the register nothing.
            if matches!(kind, Kind::Register) {
                continue;
            }
            for command in [&["get", "--log", "payments"][..], &["log", "list"]] {
                let refused = bed.run(command);
                assert_eq!(refused.code, 3, "{kind:?} {bit}: {refused:?}");
                assert!(refused.out.is_empty(), "{kind:?} {bit}: {refused:?}");
                assert!(
                    refused.err.contains("was written by a newer version"),
                    "{kind:?} {bit}: {refused:?}"
                );
            }
        }
    }
}

#[test]
fn with_an_unknown_read_only_feature_a_store_is_read_and_not_written() {
    for kind in KINDS {
        for bit in BITS {
            let bed = store();
            let before = bed.ok(["get", "--log", "payments"]);
            kind.set(&bed, false, bit);
            assert_eq!(
                bed.ok(["get", "--log", "payments"]),
                before,
                "{kind:?} {bit}"
            );
            bed.ok(["export", "--log", "payments", "--out", "e"]);
            let pin = bed.ok(["pin", "--log", "payments"]);
            bed.ok(["verify", "--export", "e", "--pin", pin.trim()]);
            let verified = bed.run(["verify"]);
            // The mask of an .ent file is part of the digest that `_node` names: set afterwards, it is another pack.
            match kind {
                Kind::Ent => assert!(
                    verified.out.contains("its digest is not the one"),
                    "{verified:?}"
                ),
                _ => assert_eq!(verified.code, 0, "{kind:?} {bit}: {verified:?}"),
            }
            for command in [
                &["append", "--log", "payments", "-"][..],
                &["log", "create", "other"],
                &["seal"],
            ] {
                let files = names(&bed.path("store"));
                let refused = bed.run_with(command, b"{}\n");
                assert!(
                    [2, 3].contains(&refused.code),
                    "{kind:?} {bit}: {refused:?}"
                );
                assert!(
                    refused.err.contains("can only read it")
                        || refused.err.contains("was written by a newer version"),
                    "{kind:?} {bit}: {refused:?}"
                );
                assert_eq!(
                    names(&bed.path("store")),
                    files,
                    "{kind:?} {bit}: nothing was written"
                );
            }
        }
    }
}

/// All files below a directory, with their bytes.
fn names(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(names(&path));
        } else {
            found.push((path.clone(), fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}
