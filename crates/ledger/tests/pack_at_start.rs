//! What a start makes of a pack whose lists somebody wrote anew: digests and checks right, and what they say wrong.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::surgery::{Pack, edit, packs};
use bed::{Bed, append, caller, create};
use indelible_ledger::format::pack::{PackHeader, Run};
use indelible_ledger::recover::{self, Recovered};
use indelible_ledger::{OpenError, RecoverError};

use indelible_proof::tree::Frontier;
use std::fs;

/// A store of two packs, each with records 0 to 4 and 5 to 8 of a log. No register remembers it.
fn store() -> (Bed, Vec<Pack>) {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..4);
    ledger.seal().unwrap();
    append(&ledger, &log, &mut caller, 4..8);
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    fs::remove_file(bed.register()).unwrap();
    let packs = packs(&bed);
    assert_eq!(packs.len(), 2);
    (bed, packs)
}

/// Reads the store with a pack changed so, and puts the pack back.
fn read_with(
    bed: &Bed,
    pack: &Pack,
    change: impl FnOnce(&Pack),
) -> Result<Recovered, RecoverError> {
    let held = [&pack.ent, &pack.rec].map(|path| (path, fs::read(path).unwrap()));
    change(pack);
    let found = recover::read(bed.reader());
    for (path, bytes) in held {
        drop(fs::remove_file(path));
        fs::write(path, bytes).unwrap();
    }
    found
}

#[track_caller]
fn is_refused(found: Result<Recovered, RecoverError>, place: (&str, u64), why: &str) {
    match found {
        Err(RecoverError::Damaged { file, offset, what }) => {
            assert_eq!((file.as_str(), offset), place, "{what}");
            assert!(what.starts_with(why), "{what}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn a_pack_of_another_store_or_other_batches_is_refused_at_its_header() {
    let (bed, packs) = store();
    let pack = &packs[1];
    let PackHeader { first, last, .. } = pack.header;
    let others = [
        PackHeader {
            store: [0xcc; 16],
            ..pack.header.clone()
        },
        PackHeader {
            first: first + 1,
            ..pack.header.clone()
        },
        PackHeader {
            last: last + 1,
            ..pack.header.clone()
        },
    ];
    for other in others {
        let found = read_with(&bed, pack, |pack| pack.write_header(&other));
        let place = (pack.ent_name.as_str(), 32);
        is_refused(found, place, "it belongs to another store or place");
    }
    recover::read(bed.reader()).unwrap();
}

/// Reads the store with the second pack's run of `payments` changed, its digests right.
fn read_with_run(
    bed: &Bed,
    pack: &Pack,
    change: impl FnOnce(&mut Run),
) -> Result<Recovered, RecoverError> {
    read_with(bed, pack, |pack| {
        pack.edit_section(0, |section| {
            let mut at = 0;
            loop {
                let (mut run, length) = Run::read(&section[at..]).unwrap();
                if run.origin.contains("/payments/") {
                    change(&mut run);
                    let mut bytes = Vec::new();
                    run.encode(&mut bytes);
                    section[at..at + length].copy_from_slice(&bytes);
                    return;
                }
                at += length;
            }
        });
    })
}

#[test]
fn a_run_that_does_not_continue_its_log_in_every_respect_is_refused() {
    let (bed, packs) = store();
    let pack = &packs[1];
    let refused = |change: &dyn Fn(&mut Run)| {
        let found = read_with_run(&bed, pack, change);
        is_refused(found, (&pack.ent_name, 580), "run ");
    };
    let other = |frontier: &Frontier, size: u64| {
        let mut hashes = frontier.hashes().to_vec();
        hashes[0].0[5] ^= 1;
        Frontier::from_parts(size, hashes).unwrap()
    };
    refused(&|run| run.prev_entry.0[3] ^= 1);
    refused(&|run| run.frontier_first = other(&run.frontier_first, run.first));
    refused(&|run| run.root.0[3] ^= 1);
    refused(&|run| run.frontier_after = other(&run.frontier_after, run.end()));
    refused(&|run| run.origin = run.origin.replace("example.org", "example.net"));
    // One record further behind, and the tree as large as that says.
    refused(&|run| {
        let (first, after) = (run.frontier_first.hashes(), run.frontier_after.hashes());
        run.frontier_first = Frontier::from_parts(run.first + 1, first.to_vec()).unwrap();
        run.frontier_after = Frontier::from_parts(run.end() + 1, after.to_vec()).unwrap();
        run.root = run.frontier_after.root();
        run.first += 1;
    });
    read_with_run(&bed, pack, |_| {}).unwrap();
}

#[test]
fn a_list_whose_digest_is_wrong_or_that_ends_behind_its_file_is_refused_where_it_lies() {
    let (bed, packs) = store();
    let pack = &packs[1];
    // The runs and the notes; frames and entries are read when somebody wants them.
    for index in [0, 5] {
        let place = pack.section(index);
        let found = read_with(&bed, pack, |pack| {
            edit(&pack.ent, |file| file[place.end - 1] ^= 1);
        });
        let offset = pack.header.sections[index].offset;
        is_refused(
            found,
            (&pack.ent_name, offset),
            "a section's digest is wrong",
        );

        let found = read_with(&bed, pack, |pack| {
            edit(&pack.ent, |file| file.truncate(place.end - 1));
        });
        let why = "a section lies outside the file";
        is_refused(found, (&pack.ent_name, offset), why);
    }
}

#[test]
fn packs_between_which_one_is_missing_are_refused_and_the_batches_named() {
    let (bed, packs) = store();
    let [one, two] = &packs[..] else {
        panic!("two packs")
    };
    fs::remove_file(&one.ent).unwrap();
    fs::remove_file(&one.rec).unwrap();
    let why = format!("batches 0 to {} are in no pack", two.first - 1);
    is_refused(recover::read(bed.reader()), (&two.ent_name, 0), &why);
}

#[test]
fn a_pack_whose_records_are_missing_or_of_a_later_version_is_named() {
    let (bed, packs) = store();
    let pack = &packs[1];
    let found = read_with(&bed, pack, |pack| fs::remove_file(&pack.rec).unwrap());
    let why = "its .rec file is missing";
    is_refused(found, (&pack.ent_name, 0), why);

    // A version that this program does not know, its check right.
    let found = read_with(&bed, pack, |pack| {
        edit(&pack.rec, |file| {
            file[8..12].copy_from_slice(&2_u32.to_le_bytes())
        })
    });
    match found {
        Err(RecoverError::Unsupported { file, .. }) => assert_eq!(file, pack.rec_name),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
    // What is only damaged there is for the verifier to name: frames have checks of their own.
    read_with(&bed, pack, |pack| edit(&pack.rec, |file| file[60] ^= 1)).unwrap();
}

#[test]
fn a_list_of_streams_that_is_damaged_stops_who_writes_and_nobody_who_reads() {
    let (bed, packs) = store();
    let pack = &packs[1];
    let mut header = pack.header.clone();
    header.sections[7].sha256.0[9] ^= 1;
    pack.write_header(&header);
    recover::read(bed.reader()).unwrap();
    // The next number of a stream is known from it, if a stop has not left it elsewhere.
    fs::remove_dir_all(bed.path().join("derived")).unwrap();
    fs::create_dir(bed.path().join("derived")).unwrap();
    match bed.try_open() {
        Err(OpenError::Recover(error)) => {
            let place = (pack.ent_name.as_str(), header.sections[7].offset);
            is_refused(Err(error), place, "a section's digest is wrong");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
}
