use super::*;
use std::fs;
use std::os::unix::fs::FileExt as _;
use tempfile::TempDir;

/// A disk of one file of four sectors, durable and full of ones.
struct Bed {
    dir: TempDir,
    disk: Disk,
}

impl Bed {
    fn new(seed: u64) -> Bed {
        let dir = TempDir::new().unwrap();
        for name in ["site", "attic"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let (site, attic) = (dir.path().join("site"), dir.path().join("attic"));
        let clock = Arc::new(SimClock::at(1_000));
        let disk = Disk::new(&site, &attic, Dice::new(seed), clock);
        let bed = Bed { dir, disk };
        fs::write(bed.path("file"), [1; 2_048]).unwrap();
        bed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("site").join(name)
    }

    /// Announces it and does what its fate allows.
    fn op(&self, kind: WriteKind, name: &str, to: Option<&str>, content: Option<u8>) -> WriteFate {
        let (path, to) = (self.path(name), to.map(|to| self.path(to)));
        let op = WriteOp {
            kind,
            path: &path,
            to: to.as_deref(),
            offset: 0,
            length: content.map_or(0, |_| 2_048),
        };
        let fate = self.disk.injector()(&op);
        if !matches!(fate, WriteFate::Proceed | WriteFate::StoredButLost) {
            return fate;
        }
        match (kind, content, to) {
            (WriteKind::Write, Some(content), _) => {
                let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.write_all_at(&[content; 2_048], 0).unwrap();
            }
            (WriteKind::Create, ..) => drop(fs::File::create(&path).unwrap()),
            (WriteKind::Rename, _, Some(to)) => fs::rename(&path, to).unwrap(),
            (WriteKind::Remove, ..) => fs::remove_file(&path).unwrap(),
            _ => {}
        }
        fate
    }

    fn sectors(&self) -> Vec<u8> {
        fs::read(self.path("file"))
            .unwrap()
            .chunks(512)
            .map(|sector| sector[0])
            .collect()
    }
}

#[test]
fn a_power_loss_leaves_each_unsynced_sector_as_it_was_at_some_moment_since_the_last_sync() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let bed = Bed::new(seed);
        bed.op(WriteKind::Write, "file", None, Some(2));
        bed.op(WriteKind::Sync, "file", None, None);
        bed.op(WriteKind::Write, "file", None, Some(3));
        bed.op(WriteKind::Write, "file", None, Some(4));
        bed.disk.power_loss().unwrap();
        let sectors = bed.sectors();
        assert!(
            sectors.iter().all(|content| (2..=4).contains(content)),
            "seed {seed}: {sectors:?}"
        );
        seen.insert(sectors);
    }
    assert!(seen.contains(&vec![2; 4]) && seen.contains(&vec![4; 4]));
    assert!(seen.len() > 60, "only {} outcomes", seen.len());
}

#[test]
fn what_a_failed_sync_gave_up_reads_as_written_until_the_power_goes_however_often_it_is_synced() {
    let (mut lost, mut kept) = (false, false);
    for seed in 0..100 {
        let bed = Bed::new(seed);
        bed.op(WriteKind::Write, "file", None, Some(2));
        bed.disk.plan(0, Event::Fail);
        let fate = bed.op(WriteKind::Sync, "file", None, None);
        bed.op(WriteKind::Sync, "file", None, None);
        assert_eq!(bed.sectors(), [2; 4]);
        bed.disk.power_loss().unwrap();
        let survived = bed.sectors() == [2; 4];
        assert!(survived || fate == WriteFate::Lost, "seed {seed}: {fate:?}");
        (lost, kept) = (lost || !survived, kept || survived);
        // Written once more it is durable.
        bed.op(WriteKind::Write, "file", None, Some(5));
        bed.op(WriteKind::Sync, "file", None, None);
        bed.disk.power_loss().unwrap();
        assert_eq!(bed.sectors(), [5; 4]);
    }
    assert!(lost && kept);
}

#[test]
fn of_names_that_no_directory_sync_made_durable_a_prefix_survives() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let bed = Bed::new(seed);
        bed.op(WriteKind::Create, "one", None, None);
        bed.op(WriteKind::Rename, "one", Some("two"), None);
        bed.op(WriteKind::Remove, "file", None, None);
        bed.disk.power_loss().unwrap();
        let there = ["file", "one", "two"].map(|name| bed.path(name).exists());
        seen.insert(there);
        let synced = Bed::new(seed);
        synced.op(WriteKind::Rename, "file", Some("other"), None);
        synced.op(WriteKind::SyncDirectory, ".", None, None);
        synced.disk.power_loss().unwrap();
    }
    let prefixes = [
        [true, false, false],
        [true, true, false],
        [true, false, true],
        [false, false, true],
    ];
    assert_eq!(seen, prefixes.into());
}

#[test]
fn a_killed_process_writes_nothing_more() {
    let bed = Bed::new(1);
    bed.disk.plan(0, Event::Kill);
    bed.op(WriteKind::Sync, "file", None, None);
    assert!(bed.disk.is_dead());
    assert_eq!(
        bed.op(WriteKind::Write, "file", None, Some(9)),
        WriteFate::Lost
    );
    assert_eq!(bed.sectors(), [1; 4]);
}
