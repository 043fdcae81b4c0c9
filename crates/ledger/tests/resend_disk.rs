//! What is known of streams and keys comes from packs and tail; what lies under `derived/` only saves time.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::surgery::{Pack, edit, packs};
use bed::{BY, Bed, caller, create, event, files, open, random, settings};
use indelible_ledger::verify::Damage;
use indelible_ledger::{
    Caller, Ledger, Log, OpenError, Place, Prepared, Recorded, Refusal, Settings,
};
use indelible_proof::hash;
use indelible_proof::head::{Own, Stream};
use indelible_proof::tree::inclusion;
use indelible_store::{LocalStore, OpenOptions, Retirer, Store};
use std::path::PathBuf;
use std::sync::Arc;

struct Node {
    ledger: Ledger,
    log: Arc<Log>,
    caller: Caller,
}

impl Node {
    fn on(bed: &Bed, horizon: u64) -> Node {
        Node::with(bed.store(), bed, horizon)
    }

    fn with(store: Arc<dyn Store>, bed: &Bed, horizon: u64) -> Node {
        Node::set(store, bed, horizon, settings())
    }

    fn set(store: Arc<dyn Store>, bed: &Bed, horizon: u64, settings: Settings) -> Node {
        let settings = Settings {
            key_horizon: Some(horizon),
            ..settings
        };
        let ledger = open(store, &bed.clock, 5, settings).unwrap();
        let log = match ledger.books().log("payments") {
            Some(log) => log,
            None => create(&ledger, "payments", 1),
        };
        let caller = caller(&ledger, &log, 6);
        Node {
            ledger,
            log,
            caller,
        }
    }

    fn send(&mut self, own: &Own<'_>, content: u64) -> Result<Recorded, Refusal> {
        let prepared = self
            .caller
            .prepare(&self.log, &BY, own, &event(content))
            .unwrap();
        self.ledger.append(&self.log, prepared)
    }

    fn key(&mut self, key: &str, content: u64) -> Recorded {
        let own = Own {
            key: Some(key),
            ..Own::default()
        };
        self.send(&own, content).unwrap()
    }

    fn prepare_key(&mut self, at: u64) -> Prepared {
        let key = format!("key-{at}");
        let own = Own {
            key: Some(&key),
            ..Own::default()
        };
        let prepared = self.caller.prepare(&self.log, &BY, &own, &event(at));
        prepared.unwrap()
    }

    fn number(&mut self, src: &str, n: u64) -> Result<Recorded, Refusal> {
        let stream = Some(Stream { src, epoch: 0, n });
        let own = Own {
            stream,
            ..Own::default()
        };
        self.send(&own, n)
    }

    /// Packs of `keys` keys each, and 20 numbers of one stream and of another.
    fn fill(&mut self, packs: std::ops::Range<u64>, keys: u64) {
        for pack in packs {
            for at in pack * keys..pack * keys + keys {
                self.key(&format!("key-{at}"), at);
            }
            for n in pack * 20..pack * 20 + 20 {
                self.number("till", n).unwrap();
                self.number(&format!("once-{n}"), 0).unwrap();
            }
            self.ledger.seal().unwrap();
        }
    }
}

/// Everything that was sent is known, and what comes next.
fn is_all_known(node: &mut Node, packs: u64, keys: u64) {
    let size = node.log.size();
    for at in (0..packs * keys).step_by(7) {
        assert!(node.key(&format!("key-{at}"), at).again, "key {at}");
    }
    for n in (0..packs * 20).step_by(3) {
        assert!(node.number("till", n).unwrap().again, "number {n}");
        assert!(node.number(&format!("once-{n}"), 0).unwrap().again, "{n}");
    }
    assert_eq!(node.log.size(), size);
    let next = node.ledger.stream(&node.log, BY.by, "till").next;
    let expected = Place {
        epoch: 0,
        n: packs * 20,
    };
    assert_eq!(next, expected);
}

fn derived(bed: &Bed) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(bed.path().join("derived"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

const WIDE: u64 = 1_000_000;

/// Merges what can be merged, and looks with the books that were open meanwhile.
fn merge(bed: &Bed, horizon: u64, look: impl FnOnce(&mut Node)) {
    let mut bytes = random(77);
    let options = OpenOptions {
        moved: false,
        random: Box::new(move |out| bytes(out)),
        faults: None,
    };
    let store = Arc::new(LocalStore::open_write(&bed.path(), options).unwrap());
    let mut node = Node::with(store.clone(), bed, horizon);
    let retirer = Retirer::new(&store);
    let merged = node.ledger.merge(&|name| retirer.retire(name)).unwrap();
    assert!(!merged.is_empty());
    look(&mut node);
    node.ledger.close("test").unwrap();
}

fn kept(bed: &Bed, directory: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(bed.path().join(directory)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn put_back(files: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in files {
        drop(std::fs::remove_file(path));
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn what_was_sent_is_found_in_merged_packs_too() {
    for (horizon, packs) in [(WIDE, 6), (WIDE, 9), (WIDE, 14), (400, 9)] {
        let bed = Bed::new();
        let mut node = Node::on(&bed, horizon);
        node.fill(0..packs, 60);
        node.ledger.close("test").unwrap();
        // Of a narrow horizon the newest are looked for alone: older keys here do not say when they were made.
        let known = |node: &mut Node, packs: u64| match horizon {
            WIDE => is_all_known(node, packs, 60),
            _ => {
                let newest = packs * 60 - 350..packs * 60;
                newest
                    .step_by(7)
                    .for_each(|at| assert!(node.key(&format!("key-{at}"), at).again, "{at}"));
            }
        };
        merge(&bed, horizon, |node| known(node, packs));
        assert!(bed.verify().findings.is_empty());
        // Twice: with what the merging saved, and with what this start saved.
        for _ in 0..2 {
            let mut node = Node::on(&bed, horizon);
            known(&mut node, packs);
            node.ledger.close("test").unwrap();
        }
        // The writer goes on; its filters become larger ones, and a merged pack is merged again.
        let mut node = Node::on(&bed, horizon);
        node.fill(packs..packs + 6, 60);
        known(&mut node, packs + 6);
        node.ledger.close("test").unwrap();
        merge(&bed, horizon, |node| known(node, packs + 6));
        known(&mut Node::on(&bed, horizon), packs + 6);
        let report = bed.verify();
        assert!(report.findings.is_empty(), "{report:?}");
    }
}

/// Filters and streams of packs that were merged, and such a pack itself, lie where they lay.
#[test]
fn what_was_made_of_packs_that_were_merged_is_not_believed() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, WIDE);
    node.fill(0..4, 60);
    node.ledger.close("test").unwrap();
    let (saved, packs) = (kept(&bed, "derived"), kept(&bed, "sealed"));
    let mut node = Node::on(&bed, WIDE);
    node.fill(4..9, 60);
    node.ledger.close("test").unwrap();
    let later = kept(&bed, "derived");
    merge(&bed, WIDE, |_| {});
    let merged = kept(&bed, "derived");
    for files in [&saved, &later, &merged] {
        derived(&bed)
            .iter()
            .for_each(|file| std::fs::remove_file(file).unwrap());
        put_back(files);
        put_back(&packs);
        let mut node = Node::on(&bed, WIDE);
        is_all_known(&mut node, 9, 60);
        assert!(node.number("till", 181).is_err());
        drop(node);
    }
    assert!(bed.verify().findings.is_empty());
}

/// Epochs and streams that were handed on, each in another pack than what follows.
#[test]
fn epochs_and_handed_streams_are_found_in_merged_packs() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, WIDE);
    let claim = |node: &mut Node, epoch, n| {
        let stream = Some(Stream {
            src: "till",
            epoch,
            n,
        });
        let own = Own {
            stream,
            ..Own::default()
        };
        node.send(&own, epoch * 100 + n)
    };
    let mut seqs = Vec::new();
    for epoch in 0..5 {
        for n in 0..3 {
            seqs.push((epoch, n, claim(&mut node, epoch, n).unwrap().seq));
            node.ledger.seal().unwrap();
        }
        let opened = node
            .ledger
            .open_epoch(&node.log, BY.by, "till", epoch, Some(2));
        opened.unwrap();
        node.ledger.seal().unwrap();
    }
    let handed = node
        .ledger
        .hand_on(&node.log, (BY.by, "till"), "unix:7", 5, None);
    handed.unwrap();
    node.ledger.seal().unwrap();
    node.number("other", 0).unwrap();
    node.ledger.seal().unwrap();
    node.ledger.close("test").unwrap();
    let known = |node: &mut Node| {
        for (epoch, n, seq) in &seqs {
            let again = claim(node, *epoch, *n).unwrap();
            assert!(again.again && again.seq == *seq, "{epoch} {n}");
        }
        let past = claim(node, 2, 3);
        assert!(past.is_err(), "{past:?}");
        let now = node.ledger.stream(&node.log, BY.by, "till");
        assert_eq!(now.handed_to.as_deref(), Some("unix:7"));
        let next = node.ledger.stream(&node.log, "unix:7", "till").next;
        assert_eq!(next, Place { epoch: 5, n: 0 });
    };
    merge(&bed, WIDE, known);
    known(&mut Node::on(&bed, WIDE));
    derived(&bed)
        .iter()
        .for_each(|file| std::fs::remove_file(file).unwrap());
    known(&mut Node::on(&bed, WIDE));
    assert!(bed.verify().findings.is_empty());
}

#[test]
fn classes_become_old_and_forget_nothing() {
    let bed = Bed::new();
    // A sixteenth of it is a pack and a bit.
    let mut node = Node::on(&bed, 1_000);
    node.fill(0..9, 60);
    let known = node.ledger.known();
    assert_eq!(known.keys_sealed, 9 * 60, "{known:?}");
    is_all_known(&mut node, 9, 60);
}

#[test]
fn a_clean_stop_keeps_what_is_known_and_its_loss_costs_only_time() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, WIDE);
    node.fill(0..4, 60);
    node.ledger.close("test").unwrap();
    let files = derived(&bed);
    assert!(files.len() >= 2, "{files:?}");
    for round in 0..3 {
        // All there; all gone; one of them gone.
        match round {
            0 => {}
            1 => derived(&bed)
                .iter()
                .for_each(|file| std::fs::remove_file(file).unwrap()),
            _ => std::fs::remove_file(&derived(&bed)[0]).unwrap(),
        }
        let mut node = Node::on(&bed, WIDE);
        is_all_known(&mut node, 4, 60);
        node.ledger.close("test").unwrap();
    }
    assert!(bed.verify().findings.is_empty());
}

/// Three packs of 60 keys: two in the large table, one in the small one.
const BOTH_TABLES: u64 = 1_000;

/// A changed bit anywhere in a file under `derived/` is never believed.
#[test]
fn damaged_files_are_made_anew() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, BOTH_TABLES);
    node.fill(0..3, 60);
    node.ledger.close("test").unwrap();
    assert_eq!(derived(&bed).len(), 3, "two tables and streams");
    for file in derived(&bed) {
        let sound = std::fs::read(&file).unwrap();
        for at in (0..sound.len()).step_by(sound.len() / 12 + 1) {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x20;
            std::fs::write(&file, &damaged).unwrap();
            let mut node = Node::on(&bed, BOTH_TABLES);
            is_all_known(&mut node, 3, 60);
        }
        for length in [0, 1, 80, sound.len() - 1] {
            std::fs::write(&file, &sound[..length]).unwrap();
            let mut node = Node::on(&bed, BOTH_TABLES);
            is_all_known(&mut node, 3, 60);
        }
        std::fs::write(&file, &sound).unwrap();
    }
}

/// Whatever lies under these names, the check of its bytes right or not: it is of other packs, or of none.
#[test]
fn files_that_are_something_else_are_not_believed() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, BOTH_TABLES);
    node.fill(0..3, 60);
    node.ledger.close("test").unwrap();
    let files: Vec<(PathBuf, Vec<u8>)> = kept(&bed, "derived");
    let other = Bed::new();
    let mut node = Node::on(&other, BOTH_TABLES);
    node.fill(0..3, 50);
    node.ledger.close("test").unwrap();
    let others: Vec<Vec<u8>> = kept(&other, "derived")
        .into_iter()
        .map(|file| file.1)
        .collect();
    let mut noise = random(9);
    for round in 0..6 {
        for (at, (path, _)) in files.iter().enumerate() {
            let bytes = match round {
                // Of another store; of this one under another name; noise; nothing; checked noise behind a sound head; a directory.
                0 => others[at].clone(),
                1 => files[(at + 1) % files.len()].1.clone(),
                2 => {
                    let mut bytes = vec![0; 5_000];
                    noise(&mut bytes);
                    bytes
                }
                3 => Vec::new(),
                4 => {
                    let mut bytes = files[at].1.clone();
                    noise(&mut bytes[80..]);
                    let end = bytes.len() - 4;
                    let crc = crc32c::crc32c(&bytes[..end]);
                    bytes[end..].copy_from_slice(&crc.to_le_bytes());
                    bytes
                }
                _ => {
                    std::fs::remove_file(path).unwrap();
                    std::fs::create_dir(path).unwrap();
                    continue;
                }
            };
            put_back(&[(path.clone(), bytes)]);
        }
        println!("round {round}");
        let mut node = Node::on(&bed, BOTH_TABLES);
        is_all_known(&mut node, 3, 60);
    }
}

/// A small table that was kept before the large one took it in.
#[test]
fn tables_of_two_stops_do_not_stand_for_each_other() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, BOTH_TABLES);
    node.fill(0..3, 60);
    node.ledger.close("test").unwrap();
    let earlier = kept(&bed, "derived");
    let mut node = Node::on(&bed, BOTH_TABLES);
    node.fill(3..6, 60);
    node.ledger.close("test").unwrap();
    let later = kept(&bed, "derived");
    for (path, bytes) in &earlier {
        put_back(&later);
        put_back(&[(path.clone(), bytes.clone())]);
        let mut node = Node::on(&bed, BOTH_TABLES);
        is_all_known(&mut node, 6, 60);
    }
    for (path, bytes) in &later {
        put_back(&earlier);
        put_back(&[(path.clone(), bytes.clone())]);
        let mut node = Node::on(&bed, BOTH_TABLES);
        is_all_known(&mut node, 6, 60);
    }
}

#[test]
fn another_key_horizon_than_the_store_was_founded_with_is_refused() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, 200);
    node.fill(0..1, 30);
    node.ledger.close("test").unwrap();
    let before = kept(&bed, "tail");
    for asked in [0, 199, 201, WIDE] {
        let settings = Settings {
            key_horizon: Some(asked),
            ..settings()
        };
        match open(bed.store(), &bed.clock, 5, settings) {
            Err(OpenError::OtherHorizon {
                stated: 200,
                asked: named,
            }) => assert_eq!(named, asked),
            other => panic!("{asked}: {:?}", other.map(|_| "opened")),
        }
    }
    assert!(before == kept(&bed, "tail"), "nothing was written");
    // Whoever asks for none gets what the genesis says.
    let ledger = open(bed.store(), &bed.clock, 5, settings()).unwrap();
    ledger.close("test").unwrap();
    let mut node = Node::on(&bed, 200);
    is_all_known(&mut node, 1, 30);
}

/// Then every key is older than it: those that say when they were made are found all the same.
#[test]
fn a_horizon_of_no_keys_leaves_those_with_a_birth_time() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, 0);
    for round in 0..3 {
        let born = |at| uuid7(1_790_000_000, at);
        for at in round * 20..round * 20 + 20 {
            assert!(!node.key(&born(at), at).again);
        }
        node.ledger.seal().unwrap();
        for at in 0..round * 20 + 20 {
            assert!(node.key(&born(at), at).again, "{at}");
        }
        assert_eq!(node.ledger.known().keys_sealed, 0);
        node.ledger.close("test").unwrap();
        node = Node::on(&bed, 0);
    }
}

/// What an earlier stop kept is of fewer packs.
#[test]
fn files_of_an_earlier_stop_are_completed() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, WIDE);
    node.fill(0..2, 60);
    node.ledger.close("test").unwrap();
    let kept: Vec<_> = derived(&bed)
        .into_iter()
        .map(|file| (file.clone(), std::fs::read(&file).unwrap()))
        .collect();
    let mut node = Node::on(&bed, WIDE);
    node.fill(2..5, 60);
    node.ledger.close("test").unwrap();
    derived(&bed)
        .iter()
        .for_each(|file| std::fs::remove_file(file).unwrap());
    for (file, bytes) in kept {
        std::fs::write(file, bytes).unwrap();
    }
    let mut node = Node::on(&bed, WIDE);
    is_all_known(&mut node, 5, 60);
}

/// The `at`-th UUID of version 7 of a second.
fn uuid7(secs: u64, at: u64) -> String {
    let milliseconds = secs * 1_000 + at;
    format!(
        "{:08x}-{:04x}-7abc-8def-{:012x}",
        milliseconds >> 16,
        milliseconds & 0xffff,
        at.wrapping_mul(0x9e37_79b9_7f4a) & 0xffff_ffff_ffff
    )
}

#[test]
fn behind_the_horizon_keys_with_a_birth_time_are_found_and_others_are_not() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, 200);
    let begin = 1_790_000_000;
    let born = |pack: u64, at: u64| uuid7(begin + pack * 86_400, at);
    for pack in 0..12 {
        for at in 0..60 {
            node.key(&born(pack, at), at);
            node.key(&format!("plain-{pack}-{at}"), at);
        }
        node.ledger.seal().unwrap();
        bed.clock.pass(86_400);
    }
    let known = node.ledger.known();
    assert!(
        (200..=340).contains(&known.keys_sealed),
        "{known:?}: the horizon is 200, and a pack has 120"
    );
    for round in 0..2 {
        for pack in 0..12 {
            for at in (0..60).step_by(11) {
                assert!(node.key(&born(pack, at), at).again, "{pack} {at}");
            }
        }
        for at in 0..60 {
            assert!(node.key(&format!("plain-11-{at}"), at).again, "{at}");
        }
        // Outside the promise, and so that nobody relies on it: recorded again.
        assert!(!node.key(&format!("plain-0-{round}"), round).again);
        node.ledger.close("test").unwrap();
        node = Node::on(&bed, 200);
    }
    assert!(bed.verify().findings.is_empty());
}

/// Sections *keys*, *streams* and *places*, every digest made right again but the one in `_node`.
#[test]
fn a_wrong_tag_stream_or_place_is_named() {
    for (section, what) in [
        (6, "key tags"),
        (7, "stream"),
        (8, "number of a stream lies elsewhere"),
    ] {
        let bed = Bed::new();
        let mut node = Node::on(&bed, WIDE);
        node.fill(0..1, 30);
        node.ledger.close("test").unwrap();
        let pack = &packs(&bed)[0];
        pack.edit_section(section, |bytes| {
            let at = match section {
                6 => 18 * 7 + 3,
                7 => bytes.len() - 10,
                _ => 40 - 2,
            };
            bytes[at] ^= 1;
        });
        let report = bed.verify();
        let found = report.findings.iter().find(|finding| {
            finding.damage == Damage::Unreadable
                && finding.file == pack.ent_name
                && finding.log.as_deref() == Some("payments")
        });
        let found = found.unwrap_or_else(|| panic!("{section}: {:?}", report.findings));
        assert!(
            found.what.contains(what) || found.what.contains("order"),
            "{section}: {found}"
        );
    }
}

/// With the pack's key tags as `rot` leaves them, each of these keys is refused and nothing is recorded; the file is as before afterwards.
fn is_not_taken_for_new(
    node: &mut Node,
    pack: &Pack,
    rot: fn(&mut [u8]),
    keys: impl Iterator<Item = (String, u64)>,
) {
    let (good, size) = (std::fs::read(&pack.ent).unwrap(), node.log.size());
    edit(&pack.ent, |file| rot(&mut file[pack.section(6)]));
    for (key, at) in keys {
        let own = Own {
            key: Some(&key),
            ..Own::default()
        };
        let refused = node.send(&own, at).unwrap_err();
        assert!(matches!(refused, Refusal::NoLook(_)), "{key}: {refused}");
    }
    edit(&pack.ent, |file| file.copy_from_slice(&good));
    assert_eq!(node.log.size(), size);
}

/// Found by the simulation: what rotted among a pack's key tags was taken for the absence of a key, and the event was recorded twice.
#[test]
fn a_key_whose_tag_rotted_is_not_taken_for_new() {
    const TAG: usize = 18;
    type Rot = fn(&mut [u8]);
    let ways: [Rot; 3] = [
        |tags| tags.fill(0),
        |tags| random(9)(tags),
        // The order stays as it was.
        |tags| tags.chunks_mut(TAG).for_each(|tag| tag[12] ^= 4),
    ];
    // Few are hashed, many are looked at.
    for keys in [1, 60, 5_000] {
        let bed = Bed::new();
        let mut node = Node::on(&bed, WIDE);
        let events: Vec<_> = (0..keys).map(|at| node.prepare_key(at)).collect();
        let all = node.ledger.submit_all(&node.log, events).unwrap();
        assert_eq!(all.wait().unwrap().len(), usize::try_from(keys).unwrap());
        node.ledger.seal().unwrap();
        let pack = packs(&bed).remove(0);
        let some = || (0..keys).step_by(7).map(|at| (format!("key-{at}"), at));
        for rot in ways {
            is_not_taken_for_new(&mut node, &pack, rot, some());
        }
        assert!(some().all(|(key, at)| node.key(&key, at).again));
        assert!(!node.key("another", keys).again);
    }
}

#[test]
fn a_number_whose_record_can_t_be_looked_for_is_not_recorded_and_not_unknown() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, WIDE);
    node.fill(0..2, 30);
    let pack = packs(&bed).remove(0);
    let (good, size) = (std::fs::read(&pack.ent).unwrap(), node.log.size());
    edit(&pack.ent, |file| file[pack.section(7)].fill(0xff));
    let refused = node.number("till", 3).unwrap_err();
    assert!(matches!(refused, Refusal::NoLook(_)), "{refused}");
    assert!(node.number("till", 23).unwrap().again, "of another pack");
    assert!(!node.number("till", 40).unwrap().again);
    edit(&pack.ent, |file| file.copy_from_slice(&good));
    assert!(node.number("till", 3).unwrap().again);
    assert_eq!(node.log.size(), size + 1);
}

#[test]
fn what_another_history_of_the_store_left_of_its_streams_is_not_believed() {
    let bed = Bed::new();
    let by_hand = |bed: &Bed| {
        let settings = Settings {
            threads: false,
            ..settings()
        };
        Node::set(bed.store(), bed, WIDE, settings)
    };
    // In both as many batches; in the first they are numbers, in the second no more than one.
    let history = |numbers: u64| {
        let mut node = by_hand(&bed);
        for n in 0..3 {
            if n < numbers {
                node.number("till", n).unwrap();
            } else {
                node.key(&format!("key-{n}"), n);
            }
        }
        node.ledger.seal().unwrap();
        node.ledger.close("test").unwrap();
        (
            kept(&bed, "derived"),
            packs(&bed).pop().unwrap().header.last,
        )
    };
    by_hand(&bed).ledger.close("test").unwrap();
    let before = files(&bed.path());
    let (others, last) = history(3);
    // In place: a directory of other files would be a copy of the store.
    for (path, _) in files(&bed.path()) {
        match before.iter().find(|(held, _)| *held == path) {
            Some((_, bytes)) => edit(&path, |file| file.clone_from(bytes)),
            None => std::fs::remove_file(path).unwrap(),
        }
    }
    std::fs::remove_file(bed.register()).unwrap();
    let (_, same) = history(1);
    assert_eq!(last, same);
    put_back(&others);
    let mut node = by_hand(&bed);
    assert!(!node.number("till", 1).unwrap().again);
}

#[test]
fn in_a_pack_of_several_logs_the_claims_and_proofs_of_each_are_found_after_a_start() {
    let bed = Bed::with_tail(1 << 20);
    let settings = || Settings {
        key_horizon: Some(WIDE),
        ..settings()
    };
    let ledger = open(bed.store(), &bed.clock, 5, settings()).unwrap();
    let names = ["one", "two", "three", "four"];
    let logs = names.map(|name| create(&ledger, name, 1));
    let claims = |ledger: &Ledger, log: &Arc<Log>, numbers: std::ops::Range<u64>| {
        let mut caller = caller(ledger, log, numbers.start);
        let events = numbers.map(|n| {
            let key = format!("key-{n}");
            let (src, epoch) = ("till", 0);
            let own = match n % 2 {
                0 => Own {
                    key: Some(&key),
                    ..Own::default()
                },
                _ => Own {
                    stream: Some(Stream {
                        src,
                        epoch,
                        n: n / 2,
                    }),
                    ..Own::default()
                },
            };
            caller.prepare(log, &BY, &own, &event(n)).unwrap()
        });
        let events: Vec<Prepared> = events.collect();
        let ticket = ledger.submit_all(log, events).unwrap();
        ticket.wait().unwrap()
    };
    for log in &logs {
        claims(&ledger, log, 0..600);
    }
    ledger.seal().unwrap();
    drop(ledger);
    let ledger = open(bed.store(), &bed.clock, 5, settings()).unwrap();
    for name in names {
        let log = ledger.books().log(name).unwrap();
        for n in [0, 1, 298, 299, 598, 599] {
            let again = claims(&ledger, &log, n..n + 1).remove(0);
            assert_eq!((again.again, again.seq), (true, n + 1), "{name}");
            let leaf = hash::leaf(&again.entry);
            let (size, root) = log.head();
            let proof = ledger.books().inclusion(&log, n + 1, size).unwrap();
            assert!(inclusion::verify(&leaf, n + 1, size, &proof, &root));
        }
        let new = claims(&ledger, &log, 600..602);
        assert!(!new[0].again && !new[1].again);
    }
}

#[test]
fn a_key_whose_place_rotted_is_unreadable_and_no_conflict() {
    const TAG: usize = 18;
    let bed = Bed::new();
    let mut node = Node::on(&bed, WIDE);
    (0..2).for_each(|at| assert!(!node.key(&format!("key-{at}"), at).again));
    node.ledger.seal().unwrap();
    let pack = packs(&bed).remove(0);
    let size = node.log.size();
    // Each is said to be where the other is.
    edit(&pack.ent, |file| {
        let (one, two) = file[pack.section(6)].split_at_mut(TAG);
        one[16..].swap_with_slice(&mut two[16..TAG]);
    });
    for at in 0..2 {
        let key = format!("key-{at}");
        let own = Own {
            key: Some(&key),
            ..Own::default()
        };
        match node.send(&own, at).unwrap_err() {
            Refusal::Unreadable { why, .. } => assert!(why.contains("the same tag"), "{why}"),
            refused => panic!("{refused}"),
        }
    }
    assert_eq!(node.log.size(), size);
}

/// Found by the simulation: the same behind the horizon, where no table names the pack.
#[test]
fn an_old_key_whose_tag_rotted_is_not_taken_for_new() {
    let bed = Bed::new();
    let mut node = Node::on(&bed, 0);
    let born = |at| uuid7(1_790_000_000, at);
    (0..60).for_each(|at| assert!(!node.key(&born(at), at).again));
    node.ledger.seal().unwrap();
    let pack = packs(&bed).remove(0);
    let all = (0..60).map(|at| (born(at), at));
    is_not_taken_for_new(&mut node, &pack, |tags| random(9)(tags), all);
    (0..60).for_each(|at| assert!(node.key(&born(at), at).again));
    assert!(!node.key(&born(60), 60).again);
}
