//! What somebody with the disk and without a key may try where nothing is signed: every checksum is made right again.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::surgery::{edit, packs, tail};
use bed::truth::{Told, count_said, is_true, node_events, read};
use bed::{BY, Bed, append, caller, create, event, files, settings};
use indelible_ledger::SealError;
use indelible_ledger::format::batch::BatchView;
use indelible_ledger::format::frame::{Content, FrameBuilder, FrameScratch};
use indelible_ledger::format::pack::{EntView, PackHeader, RecHeader, pack_names};
use indelible_ledger::verify::{Damage, StoreReport};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::Own;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::verdict::{Completeness, Integrity};
use indelible_store::{LocalStore, OpenOptions, WriteFate, WriteKind, WriteOp};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[track_caller]
fn finds(report: &StoreReport, damage: &Damage) {
    assert_eq!(report.verdict.exit_code(), 1, "{}", report.verdict);
    let found = report
        .findings
        .iter()
        .any(|finding| finding.damage == *damage);
    assert!(found, "{:#?}", report.findings);
}

/// The same store in another directory, opened as moved.
fn twin(bed: &Bed) -> (Bed, indelible_ledger::Ledger) {
    let twin = Bed::new();
    fs::remove_dir_all(twin.path()).unwrap();
    for directory in ["build", "derived", "quarantine", "sealed", "tail"] {
        fs::create_dir_all(twin.path().join(directory)).unwrap();
    }
    for (path, bytes) in files(&bed.path()) {
        fs::write(
            twin.path().join(path.strip_prefix(bed.path()).unwrap()),
            bytes,
        )
        .unwrap();
    }
    let mut random = bed::random(77);
    let options = OpenOptions {
        moved: true,
        random: Box::new(move |out| random(out)),
        faults: None,
    };
    let store = Arc::new(LocalStore::open_write(&twin.path(), options).unwrap());
    let ledger = bed::open(store, &twin.clock, 78, settings()).unwrap();
    (twin, ledger)
}

#[test]
fn a_pack_that_nobody_named_does_not_outweigh_the_signed_batches_of_the_tail() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "one", 1);
    let mut ours = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut ours, 0..5);
    ledger.close("test").unwrap();

    // Another history of the same store, sealed.
    let (other, forger) = twin(&bed);
    let log = forger.books().log("one").unwrap();
    let mut theirs = caller(&forger, &log, 6);
    append(&forger, &log, &mut theirs, 100..103);
    forger.seal().unwrap();
    drop(forger);

    // The true one goes on as far and further.
    let ledger = bed.open();
    let log = ledger.books().log("one").unwrap();
    let mut ours = caller(&ledger, &log, 7);
    let told: Vec<_> = (5..15)
        .zip(append(&ledger, &log, &mut ours, 5..15))
        .map(|(number, recorded)| Told::new(&log, &recorded, event(number)))
        .collect();
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &told);

    // The other's pack, its last batch said to be the true one.
    let forged = packs(&other).pop().unwrap();
    let slot = tail(&bed)
        .into_iter()
        .find(|slot| slot.number == forged.header.last)
        .unwrap();
    let header = PackHeader {
        last_digest: BatchView::parse(&slot.bytes).unwrap().digest(),
        ..forged.header.clone()
    };
    forged.write_header(&header);
    let (ent, rec) = pack_names(header.first, header.last);
    fs::copy(&forged.ent, bed.path().join(ent)).unwrap();
    fs::copy(&forged.rec, bed.path().join(rec)).unwrap();
    let report = bed.verify();
    finds(&report, &Damage::RootMismatch(log.size().min(9)));
    assert!(
        bed.try_open().is_err(),
        "a start takes the forged pack for evidence"
    );
}

#[test]
fn packs_cant_claim_more_batches_than_the_tail_reaches() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "one", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..5);
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    let pack = packs(&bed).pop().unwrap();
    let header = PackHeader {
        last: pack.header.last + 1_000,
        ..pack.header.clone()
    };
    pack.write_header(&header);
    edit(&pack.rec, |file| {
        let rec = RecHeader {
            last: header.last,
            ..RecHeader::decode(file).unwrap()
        };
        file[..128].copy_from_slice(&rec.encode());
    });
    let (ent, rec) = pack_names(header.first, header.last);
    fs::rename(&pack.ent, bed.path().join(ent)).unwrap();
    fs::rename(&pack.rec, bed.path().join(rec)).unwrap();
    assert_eq!(bed.verify().verdict.exit_code(), 1);
    assert!(bed.try_open().is_err());
}

/// The bytes of a batch whose last log's first frame lacks the event of its first record.
fn without_an_event(bytes: &[u8]) -> Vec<u8> {
    let batch = BatchView::parse(bytes).unwrap();
    let part = batch.parts().last().unwrap();
    let (at, frame) = part.frames().next().unwrap().unwrap();
    let mut scratch = FrameScratch::default();
    let columns = frame.columns(&mut scratch).unwrap();
    let mut builder = FrameBuilder::new();
    for (place, record) in columns.records().enumerate() {
        let Content::Present { salt, event } = record.content else {
            panic!("it is here")
        };
        let text: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
        match place {
            0 => {
                let digest: Hash = hash::digest(text.as_bytes(), event);
                builder.push_absent(record.time, record.shared, record.own, &digest);
            }
            _ => builder.push(record.time, record.shared, record.own, salt, event),
        }
    }
    let at = usize::try_from(at).unwrap();
    let mut out = bytes[..at].to_vec();
    builder.finish_raw(frame.first_seq(), &mut out);
    out.extend_from_slice(&bytes[at + frame.bytes().len()..]);
    out
}

#[test]
fn an_event_taken_out_of_a_batch_is_erased_without_record() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "one", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..3);
    ledger.close("test").unwrap();
    let slot = tail(&bed)
        .into_iter()
        .find(|slot| {
            BatchView::parse(&slot.bytes)
                .unwrap()
                .parts()
                .any(|part| part.row.log == log.id() && part.row.first == 2)
        })
        .unwrap();
    slot.replace_by(&without_an_event(&slot.bytes));
    let report = bed.verify();
    finds(&report, &Damage::Erased);
    assert_eq!(
        report.verdict.completeness.to_string(),
        "erased without record(2)"
    );
    assert!(bed.try_open().is_err());
}

#[test]
fn a_tail_changed_before_it_is_sealed_is_not_signed() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "one", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..5);
    let slots = tail(&bed);
    let slot = slots
        .iter()
        .find(|slot| {
            BatchView::parse(&slot.bytes)
                .unwrap()
                .parts()
                .any(|part| part.row.log == log.id() && part.row.first == 3)
        })
        .unwrap();
    let mut bytes = slot.bytes.clone();
    let entries_at = usize::try_from(
        BatchView::parse(&slot.bytes)
            .unwrap()
            .parts()
            .next()
            .unwrap()
            .entries_at,
    )
    .unwrap();
    bytes[entries_at] ^= 1;
    slot.replace(&bytes);
    let sealed = ledger.seal();
    assert!(
        matches!(&sealed, Err(SealError::NotAsCommitted(number)) if *number == slot.number),
        "{sealed:?}"
    );
    assert!(packs(&bed).is_empty());
    slot.replace(&slot.bytes);
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    assert_eq!(bed.verify().verdict.exit_code(), 0);
}

#[test]
fn bytes_behind_the_last_frame_of_a_pack_are_noticed() {
    let bed = Bed::new();
    let ledger = bed.open();
    create(&ledger, "one", 1);
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    edit(&packs(&bed)[0].rec, |file| {
        file.extend_from_slice(b"something else");
        let rec = RecHeader {
            length: file.len().try_into().unwrap(),
            ..RecHeader::decode(file).unwrap()
        };
        file[..128].copy_from_slice(&rec.encode());
    });
    finds(&bed.verify(), &Damage::Unreadable);
}

#[test]
fn a_format_that_no_longer_names_the_register_is_noticed() {
    let bed = Bed::new();
    let ledger = bed.open();
    create(&ledger, "one", 1);
    ledger.close("test").unwrap();
    let path = bed.path().join("FORMAT");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text
        .lines()
        .take(14)
        .map(|line| {
            if line.starts_with("register ") {
                "register none"
            } else {
                line
            }
        })
        .collect();
    let body = lines.join("\n") + "\n";
    // Written in place: the inode and its birth time stay.
    fs::write(
        &path,
        format!("{body}sha256 {}\n", hash::sha256(body.as_bytes())),
    )
    .unwrap();
    let report = bed.verify();
    finds(&report, &Damage::Unreadable);
    assert!(
        report.findings[0].what.contains("register"),
        "{}",
        report.findings[0]
    );
}

#[test]
fn a_pack_that_was_never_read_back_is_set_aside_if_it_cant_be_and_the_tail_goes_on_holding_its_records()
 {
    let bed = Bed::new();
    let sealed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&sealed);
    // The writer stops for good once the pack has its name.
    let faults = move |op: &WriteOp<'_>| {
        let gone = seen.load(Ordering::SeqCst);
        let names_pack = op.kind == WriteKind::Rename
            && op
                .to
                .is_some_and(|to| to.extension().is_some_and(|end| end == "ent"));
        seen.fetch_or(names_pack, Ordering::SeqCst);
        if gone && op.kind == WriteKind::Write {
            WriteFate::Lost
        } else {
            WriteFate::Proceed
        }
    };
    let store = bed.store_with(Some(Arc::new(faults))).unwrap();
    let ledger = bed::open(store, &bed.clock, 1, settings()).unwrap();
    let log = create(&ledger, "one", 1);
    let recorded = append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..5);
    let told: Vec<_> = (0..5)
        .zip(&recorded)
        .map(|(number, recorded)| Told::new(&log, recorded, event(number)))
        .collect();
    assert!(ledger.seal().is_err());
    drop(ledger);
    let pack = packs(&bed).pop().expect("it was sealed and not named");
    edit(&pack.rec, |file| {
        let last = file.len() - 1;
        file[last] ^= 1;
    });
    fs::set_permissions(&pack.rec, fs::Permissions::from_mode(0o444)).unwrap();
    bed.open().close("test").unwrap();
    assert!(packs(&bed).is_empty());
    is_true(&bed.reader(), &told);
    let set_aside = count_said(
        &read(bed.reader()),
        |event| matches!(event, NodeEvent::RepairOrphan { quarantine } if quarantine.len() == 2),
    );
    assert_eq!(set_aside, 1, "{:?}", node_events(&read(bed.reader())).len());
}

/// A sealed log of 300 records, the store closed.
fn sealed(bed: &Bed) {
    let ledger = bed.open();
    let log = create(&ledger, "one", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..300);
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
}

#[test]
fn a_run_that_names_another_root_is_a_root_mismatch_and_no_list_of_nothing() {
    let bed = Bed::new();
    sealed(&bed);
    let pack = packs(&bed).pop().unwrap();
    let bytes = fs::read(&pack.ent).unwrap();
    let view = EntView::parse(&bytes, true).unwrap();
    let (run, _) = view
        .parts()
        .find(|(run, _)| run.origin.contains("/one/"))
        .unwrap();
    let root = run.root.0;
    pack.edit_section(0, |runs| {
        let at = runs.windows(32).rposition(|bytes| bytes == root).unwrap();
        runs[at] ^= 1;
    });
    let report = bed.verify();
    assert_eq!(
        report.verdict.integrity,
        Integrity::RootMismatch(301),
        "{:#?}",
        report.findings
    );
}

#[test]
fn a_list_of_a_pack_that_is_wrong_loses_no_record() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "one", 1);
    let mut sender = caller(&ledger, &log, 5);
    let own = Own {
        key: Some("order-1"),
        ..Own::default()
    };
    let prepared = sender.prepare(&log, &BY, &own, &event(1)).unwrap();
    ledger.append(&log, prepared).unwrap();
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    // The tag of its key, every digest of the pack made right.
    packs(&bed)
        .pop()
        .unwrap()
        .edit_section(6, |keys| keys[0] ^= 1);
    let report = bed.verify();
    finds(&report, &Damage::Unreadable);
    assert_eq!(
        report.verdict.completeness,
        Completeness::AsCommitted,
        "{:#?}",
        report.findings
    );
}
