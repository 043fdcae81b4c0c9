//! Each kind of damage gets its name, its place and its exit code, and a store that lost what was acknowledged is not written to.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::surgery::{Pack, Slot, edit, packs, range_of, seqs_of, tail};
use bed::truth::{Told, count_said, is_clean, is_there, is_true, read};
use bed::{BY, Bed, append, caller, create, event, files, group};
use indelible_ledger::format::batch::{
    BatchHeader, BatchView, HEADER_BYTES, SIGNATURE_BYTES, signed_message,
};
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::verify::{Damage, Finding, StoreReport};
use indelible_ledger::{OpenError, ReadError, RecoverError};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::Own;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::verdict::{Integrity, Seqs};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// Two logs, two packs, a tail of several files, two clean stops.
struct Victim {
    bed: Bed,
    told: Vec<Told>,
    /// The register as it was after each stop.
    registers: Vec<Vec<u8>>,
    /// The whole directory as it was after the first stop.
    earlier: Vec<(PathBuf, Vec<u8>)>,
}

/// Records of `one` in the packs.
const SEALED: u64 = 701;
/// Records of `one` in a batch of the tail.
const IN_BATCH: u64 = 10;

/// An event that nearly fills a block.
fn big(number: u64) -> Vec<u8> {
    format!(r#"{{"big":{number},"note":"{}"}}"#, "y".repeat(3_000)).into_bytes()
}

fn victim() -> Victim {
    let bed = Bed::new();
    let mut told = Vec::new();
    let ledger = bed.open();
    let (one, two) = (create(&ledger, "one", 1), create(&ledger, "two", 2));
    let (mut first, mut second) = (caller(&ledger, &one, 5), caller(&ledger, &two, 6));
    for numbers in [0..600, 600..700] {
        append(&ledger, &two, &mut second, numbers.start..numbers.start + 3);
        let recorded = group(&ledger, &one, &mut first, numbers.clone()).unwrap();
        let pairs = numbers.zip(&recorded);
        told.extend(pairs.map(|(number, recorded)| Told::new(&one, recorded, event(number))));
        ledger.seal().unwrap();
    }
    for numbers in (0..6).map(|round| round * IN_BATCH..(round + 1) * IN_BATCH) {
        let mut prepare = |number| {
            first
                .prepare(&one, &BY, &Own::default(), &big(number))
                .unwrap()
        };
        let events = numbers.clone().map(&mut prepare).collect();
        let recorded = ledger.submit_all(&one, events).unwrap().wait().unwrap();
        let pairs = numbers.zip(&recorded);
        told.extend(
            pairs
                .map(|(number, recorded)| Told::with_receipt(&ledger, &one, recorded, big(number))),
        );
    }
    ledger.close("first").unwrap();
    let earlier = files(&bed.path());
    let mut registers = vec![fs::read(bed.register()).unwrap()];
    bed.open().close("second").unwrap();
    registers.push(fs::read(bed.register()).unwrap());
    let victim = Victim {
        bed,
        told,
        registers,
        earlier,
    };
    is_true(&victim.bed.reader(), &victim.told);
    victim
}

impl Victim {
    fn verify(&self) -> StoreReport {
        self.bed.verify()
    }

    fn without_register(self) -> Victim {
        fs::remove_file(self.bed.register()).unwrap();
        self
    }

    /// The batches of big records, in order.
    fn big_batches(&self) -> Vec<Slot> {
        let mut slots = tail(&self.bed);
        // A batch that is sealed may still stand before them.
        slots.retain(|slot| (30_000..40_000).contains(&slot.bytes.len()));
        assert_eq!(slots.len(), 6);
        slots
    }

    fn last(&self) -> Slot {
        tail(&self.bed).pop().unwrap()
    }

    /// What refuses to open it for writing; nothing may have changed by trying.
    #[track_caller]
    fn refusal(&self) -> RecoverError {
        let before = self.evidence();
        let error = match self.bed.try_open() {
            Ok(_) => panic!("it opens for writing"),
            Err(OpenError::Recover(error)) => error,
            Err(other) => panic!("{other}"),
        };
        assert!(
            before == self.evidence(),
            "a refused opening changed something"
        );
        error
    }

    fn evidence(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(&self.bed.path())
    }

    /// It opens, goes on, and is clean and complete afterwards.
    #[track_caller]
    fn goes_on(&self) {
        self.bed.open_without_register().close("third").unwrap();
        is_true(&self.bed.reader(), &self.told);
    }
}

/// The verdict, and one finding that says the same.
#[track_caller]
fn says(report: &StoreReport, exit: u8, integrity: &str) {
    let shown = format!("{}\n{:#?}", report.verdict, report.findings);
    assert_eq!(report.verdict.exit_code(), exit, "{shown}");
    assert_eq!(report.verdict.integrity.to_string(), integrity, "{shown}");
}

#[track_caller]
fn finds<'r>(report: &'r StoreReport, damage: &Damage) -> &'r Finding {
    let found = report
        .findings
        .iter()
        .find(|finding| finding.damage == *damage);
    found.unwrap_or_else(|| panic!("no {damage:?} in {:#?}", report.findings))
}

fn unreadable(file: &str, offset: u64, records: Range<u64>) -> String {
    let mut seqs = Seqs::new();
    seqs.add_range(records);
    let file = file.to_owned();
    Integrity::Unreadable { file, offset, seqs }.to_string()
}

fn pack_of(victim: &Victim, index: usize) -> Pack {
    packs(&victim.bed).remove(index)
}

#[test]
fn a_flip_in_an_old_frame_names_the_frame_and_exactly_its_records() {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    let row = pack.frame("one", 300);
    edit(&pack.rec, |file| file[range_of(&row).end - 7] ^= 1);
    let report = victim.verify();
    says(
        &report,
        1,
        &unreadable(&pack.rec_name, row.offset, seqs_of(&row)),
    );
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].log.as_deref(), Some("one"));
    assert_eq!(report.findings[0].seqs, [seqs_of(&row)]);
    let lost = row.count;
    assert_eq!(
        report.verdict.completeness.to_string(),
        format!("incomplete({lost} lost)")
    );
    // Who reads them is told so, and everything else is read as before.
    let books = read(victim.bed.reader());
    let log = books.log("one").unwrap();
    for told in &victim.told {
        if seqs_of(&row).contains(&told.seq) {
            let refused = books.record(&log, told.seq).unwrap_err();
            assert!(matches!(refused, ReadError::Damaged { seqs, .. } if seqs.contains(&told.seq)));
        } else if told.seq % 50 == 1 {
            is_there(&books, told);
        }
    }
}

#[test]
fn a_record_changed_under_a_right_check_is_named_alone() {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    pack.alter_record("one", 300);
    let report = victim.verify();
    says(&report, 1, "record altered(300)");
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].file, pack.rec_name);
    let books = read(victim.bed.reader());
    let log = books.log("one").unwrap();
    let refused = books.record(&log, 300).unwrap_err();
    assert!(matches!(refused, ReadError::Damaged { seqs, .. } if seqs == (300..301)));
    books.record(&log, 299).unwrap();
    books.record(&log, 301).unwrap();
}

/// Where the first entry of a log's records in a pack stands in the section *entries*, its seq taken as 0.
fn entry_place(pack: &Pack, victim: &Victim, seq: u64) -> usize {
    let told = victim
        .told
        .iter()
        .find(|told| (told.log.as_str(), told.seq) == ("one", seq))
        .unwrap();
    let file = fs::read(&pack.ent).unwrap();
    let entries = &file[pack.section(1)];
    let place = entries.chunks(32).position(|entry| entry == told.entry.0);
    place.unwrap() * 32
}

#[test]
fn an_entry_changed_under_right_digests_is_named_and_so_is_the_pack_that_is_no_longer_the_one_node_names()
 {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    let place = entry_place(&pack, &victim, 300);
    pack.edit_section(1, |entries| entries[place + 5] ^= 1);
    let report = victim.verify();
    says(&report, 1, "entry altered(300)");
    let altered = finds(&report, &Damage::EntryAltered);
    assert_eq!(
        (altered.log.as_deref(), altered.seqs.as_slice()),
        (Some("one"), [300..301].as_slice())
    );
    assert_eq!(
        altered.offset,
        (pack.section(1).start + place).try_into().unwrap()
    );
    assert!(
        finds(&report, &Damage::NotThePackNamed)
            .what
            .contains("is not the one that _node names")
    );
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_stored_node_changed_under_right_digests_is_named_and_so_is_the_pack() {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    pack.edit_section(2, |nodes| nodes[32 + 3] ^= 1);
    let report = victim.verify();
    says(&report, 1, "tile altered(8, 1)");
    finds(
        &report,
        &Damage::TileAltered {
            level: 8,
            number: 1,
        },
    );
    assert!(
        finds(&report, &Damage::NotThePackNamed)
            .what
            .contains("is not the one that _node names")
    );
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_node_changed_alone_is_a_tile_altered() {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    edit(&pack.ent, |file| file[pack.section(2).start + 3] ^= 1);
    let report = victim.verify();
    says(&report, 1, "tile altered(8, 0)");
    assert_eq!(report.findings.len(), 1);
}

#[test]
fn commit_bits_runs_and_frame_tables_changed_under_right_digests_are_noticed() {
    for (section, offset) in [(0, 90), (3, 4), (4, 0)] {
        let victim = victim();
        let pack = pack_of(&victim, 0);
        pack.edit_section(section, |bytes| bytes[offset] ^= 1);
        let report = victim.verify();
        assert_eq!(report.verdict.exit_code(), 1, "section {section}");
    }
}

#[test]
fn a_deleted_pack_is_a_missing_batch() {
    for index in [0, 1] {
        let victim = victim();
        let pack = pack_of(&victim, index);
        fs::remove_file(&pack.ent).unwrap();
        fs::remove_file(&pack.rec).unwrap();
        let report = victim.verify();
        says(&report, 1, &format!("missing(batch {})", pack.first));
        assert_eq!(
            report.verdict.completeness.to_string(),
            format!("incomplete(batch {} missing)", pack.first)
        );
        assert!(matches!(victim.refusal(), RecoverError::Damaged { .. }));
    }
}

#[test]
fn a_deleted_file_of_records_names_the_records_that_are_gone() {
    let victim = victim();
    let pack = pack_of(&victim, 1);
    fs::remove_file(&pack.rec).unwrap();
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 1);
    assert!(
        matches!(report.verdict.integrity, Integrity::Missing(_)),
        "{}",
        report.verdict
    );
    let of_one: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.log.as_deref() == Some("one"))
        .collect();
    assert_eq!(of_one.len(), 1, "{:#?}", report.findings);
    assert_eq!(of_one[0].seqs, [601..SEALED]);
    assert_eq!(of_one[0].file, pack.rec_name);
    assert!(matches!(victim.refusal(), RecoverError::Damaged { .. }));
}

#[test]
fn a_deleted_file_of_entries_is_a_missing_batch_and_its_records_are_listed() {
    let victim = victim();
    let pack = pack_of(&victim, 1);
    fs::remove_file(&pack.ent).unwrap();
    let report = victim.verify();
    says(&report, 1, &format!("missing(batch {})", pack.first));
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains(&pack.rec_name))
    );
    victim.refusal();
}

#[test]
fn two_packs_with_exchanged_names_are_refused_at_their_headers() {
    let victim = victim();
    let (one, two) = (pack_of(&victim, 0), pack_of(&victim, 1));
    let aside = victim.bed.path().join("build/aside");
    for (left, right) in [(&one.ent, &two.ent), (&one.rec, &two.rec)] {
        fs::rename(left, &aside).unwrap();
        fs::rename(right, left).unwrap();
        fs::rename(&aside, right).unwrap();
    }
    let report = victim.verify();
    says(&report, 1, &report.verdict.integrity.to_string());
    assert!(
        report
            .verdict
            .integrity
            .to_string()
            .starts_with(&format!("unreadable({}, 32", one.ent_name))
    );
    victim.refusal();
}

#[test]
fn the_pack_of_another_store_is_refused_at_its_header() {
    let victim = victim();
    let pack = pack_of(&victim, 1);
    let header = indelible_ledger::format::pack::PackHeader {
        store: [0xcc; 16],
        ..pack.header.clone()
    };
    pack.write_header(&header);
    let report = victim.verify();
    assert!(
        report
            .verdict
            .integrity
            .to_string()
            .starts_with(&format!("unreadable({}, 32", pack.ent_name))
    );
    assert_eq!(report.verdict.exit_code(), 1);
    victim.refusal();
}

#[test]
fn a_tail_file_deleted_in_the_middle_is_a_hole() {
    let victim = victim();
    let slots = tail(&victim.bed);
    let begins_a_file = |batch: &Slot| {
        let first = slots.iter().find(|slot| slot.path == batch.path);
        first.unwrap().number == batch.number
    };
    let first = victim
        .big_batches()
        .into_iter()
        .find(begins_a_file)
        .unwrap();
    assert_ne!(victim.last().path, first.path);
    fs::remove_file(&first.path).unwrap();
    let report = victim.verify();
    says(&report, 1, &format!("missing(batch {})", first.number));
    let refused = victim.refusal();
    assert!(
        matches!(refused, RecoverError::Hole { number, .. } if number == first.number),
        "{refused}"
    );
}

#[test]
fn a_tail_cut_between_batches_is_missing_to_whoever_remembers_and_whole_to_everybody_else() {
    let victim = victim();
    let last = victim.last();
    last.erase();
    says(
        &victim.verify(),
        1,
        &format!("missing(batch {})", last.number),
    );
    let refused = victim.refusal();
    let rolled_back = matches!(refused, RecoverError::RolledBack { remembered, held }
        if (remembered, held) == (last.number, last.number));
    assert!(rolled_back, "{refused}");
    let victim = victim.without_register();
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 0);
    assert!(
        report.notes.iter().any(|note| note.contains("register")),
        "{:?}",
        report.notes
    );
    victim.goes_on();
}

#[test]
fn a_tail_cut_inside_its_last_batch_is_torn_and_set_aside() {
    let victim = victim();
    let last = victim.last();
    last.keep(400);
    // The register remembers it, so it was acknowledged and is damaged; it is not merely torn.
    let report = victim.verify();
    let damaged = finds(&report, &Damage::Unreadable);
    assert!(damaged.what.contains("it was acknowledged"), "{damaged}");
    assert_eq!(report.verdict.exit_code(), 1);
    let refused = victim.refusal();
    assert!(matches!(refused, RecoverError::Damaged { .. }), "{refused}");
    let victim = victim.without_register();
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 3, "{}", report.verdict);
    let torn = format!(
        "incomplete(batch {} torn or damaged, no later trace of it)",
        last.number
    );
    assert_eq!(report.verdict.completeness.to_string(), torn);
    victim.goes_on();
    let set_aside = count_said(
        &read(victim.bed.reader()),
        |event| matches!(event, NodeEvent::RepairTorn { batch, .. } if *batch == last.number),
    );
    assert_eq!(set_aside, 1);
}

#[test]
fn a_flip_in_an_acknowledged_batch_names_its_records_by_the_batch_behind_it() {
    let victim = victim();
    let batch = victim.big_batches()[2].clone();
    batch.flip(9_000);
    let report = victim.verify();
    let first = SEALED + 2 * IN_BATCH;
    says(
        &report,
        1,
        &unreadable(&batch.file, batch.offset, first..first + IN_BATCH),
    );
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    assert_eq!(report.findings[0].log.as_deref(), Some("one"));
    let refused = victim.refusal();
    let named = matches!(&refused, RecoverError::Damaged { file, .. } if *file == batch.file);
    assert!(named, "{refused}");
}

#[test]
fn a_record_of_the_tail_changed_under_right_checks_is_named() {
    let victim = victim();
    let batch = victim.big_batches()[3].clone();
    let (entries, frames) = places(&batch);
    // An entry, its slot's checksum right.
    let mut bytes = batch.bytes.clone();
    bytes[entries + 4 * 32] ^= 1;
    batch.replace(&bytes);
    let first = SEALED + 3 * IN_BATCH;
    let report = victim.verify();
    says(&report, 1, &format!("entry altered({})", first + 4));
    assert_eq!(report.findings.len(), 1);
    victim.refusal();
    // A byte of an event, the checksums of frame and slot right: no single entry can be made of it, but one record differs.
    let mut bytes = batch.bytes.clone();
    let end = bytes.len();
    alter_last_event(&mut bytes[frames..end]);
    batch.replace(&bytes);
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 1);
    assert!(
        report
            .verdict
            .integrity
            .to_string()
            .starts_with("record altered("),
        "{}",
        report.verdict
    );
    victim.refusal();
}

/// Where the entries and the frames of a batch's only row begin.
fn places(batch: &Slot) -> (usize, usize) {
    let view = BatchView::parse(&batch.bytes).unwrap();
    let part = view.parts().next().unwrap();
    (
        part.entries_at.try_into().unwrap(),
        part.frames_at.try_into().unwrap(),
    )
}

/// Raw frames, one after the other: changes a byte in the events of the first and puts its check right.
fn alter_last_event(frames: &mut [u8]) {
    let stored = usize::try_from(u32::from_le_bytes(frames[8..12].try_into().unwrap())).unwrap();
    assert_eq!(frames[0], 0, "frames of the tail are not compressed");
    let text = frames[24..24 + stored]
        .windows(4)
        .rposition(|window| window == b"yyyy")
        .unwrap();
    frames[24 + text] = b'z';
    let crc = crc32c::crc32c_append(crc32c::crc32c(&frames[..20]), &frames[24..24 + stored]);
    frames[20..24].copy_from_slice(&crc.to_le_bytes());
}

/// Signs a changed batch anew with the key of some node.
fn sign(bytes: &mut [u8], secret: [u8; 32]) {
    let header: [u8; HEADER_BYTES] = bytes[..HEADER_BYTES].try_into().unwrap();
    let store = BatchHeader::decode(&header).unwrap().store;
    let signature = NodeSecret::new(secret)
        .batch_key(&store)
        .sign(&signed_message(&header));
    bytes[HEADER_BYTES..HEADER_BYTES + SIGNATURE_BYTES].copy_from_slice(&signature);
}

#[test]
fn a_batch_signed_with_another_key_is_not_this_nodes() {
    let victim = victim();
    for batch in [victim.last(), victim.big_batches().remove(1)] {
        let mut bytes = batch.bytes.clone();
        sign(&mut bytes, [8; 32]);
        batch.replace(&bytes);
        let report = victim.verify();
        assert_eq!(report.verdict.exit_code(), 1);
        assert_eq!(report.verdict.authenticity.to_string(), "signature invalid");
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].file, batch.file);
        victim.refusal();
        batch.replace(&batch.bytes);
    }
    is_clean(&victim.verify());
}

#[test]
fn a_note_changed_in_a_batch_breaks_the_batch_and_under_right_digests_its_signature() {
    let victim = victim();
    let batch = victim.last();
    assert!(BatchView::parse(&batch.bytes).unwrap().header.mark);
    let mut bytes = batch.bytes.clone();
    let end = bytes.len() - 10;
    bytes[end] = if bytes[end] == b'A' { b'B' } else { b'A' };
    batch.replace(&bytes);
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 1);
    assert!(
        report
            .verdict
            .integrity
            .to_string()
            .starts_with("unreadable(tail/"),
        "{}",
        report.verdict
    );
    victim.refusal();
    let notes = HEADER_BYTES + SIGNATURE_BYTES;
    let digest = hash::sha256(&bytes[notes..]).0;
    bytes[136..168].copy_from_slice(&digest);
    batch.replace(&bytes);
    let report = victim.verify();
    assert_eq!(report.verdict.authenticity.to_string(), "signature invalid");
    assert_eq!(report.verdict.exit_code(), 1);
    assert!(
        report
            .findings
            .iter()
            .filter(|finding| finding.damage == Damage::SignatureInvalid)
            .count()
            == 2
    );
    victim.refusal();
}

#[test]
fn a_note_changed_in_a_pack_under_right_digests_is_not_signed_by_its_log() {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    pack.edit_section(5, |notes| {
        let end = notes.len() - 10;
        notes[end] = if notes[end] == b'A' { b'B' } else { b'A' };
    });
    let report = victim.verify();
    assert_eq!(report.verdict.authenticity.to_string(), "signature invalid");
    assert_eq!(report.verdict.exit_code(), 1);
    finds(&report, &Damage::SignatureInvalid);
}

#[test]
fn an_older_register_is_a_memory_like_any_other() {
    let victim = victim();
    fs::write(victim.bed.register(), &victim.registers[0]).unwrap();
    is_clean(&victim.verify());
    victim.goes_on();
}

/// A register file with this header and signature.
fn register(content: &[u8]) -> Vec<u8> {
    let mut bytes = b"INDLREGI\x01\0\0\0".to_vec();
    bytes.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(content);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// What the register would say after another history: the batch of that number, with another content.
fn other_history(slot: &Slot, secret: [u8; 32]) -> Vec<u8> {
    let header = BatchView::parse(&slot.bytes).unwrap().header;
    let other = BatchHeader {
        rows_root: Hash([5; 32]),
        ..header
    };
    let mut content = other.encode().to_vec();
    content.extend_from_slice(&[0; SIGNATURE_BYTES]);
    sign(&mut content, secret);
    register(&content)
}

#[test]
fn a_register_that_remembers_another_batch_of_that_number_is_a_fork() {
    let victim = victim();
    for slot in [victim.last(), victim.big_batches().remove(4)] {
        fs::write(victim.bed.register(), other_history(&slot, bed::SECRET)).unwrap();
        let report = victim.verify();
        assert_eq!(report.verdict.exit_code(), 1, "{}", report.verdict);
        assert!(
            report.findings[0]
                .what
                .contains("is not the one that the register remembers")
        );
        let refused = victim.refusal();
        assert!(
            matches!(refused, RecoverError::Forked(number) if number == slot.number),
            "{refused}"
        );
    }
}

#[test]
fn a_forged_register_is_not_this_nodes_word() {
    let victim = victim();
    fs::write(
        victim.bed.register(),
        other_history(&victim.last(), [8; 32]),
    )
    .unwrap();
    let report = victim.verify();
    assert_eq!(report.verdict.authenticity.to_string(), "signature invalid");
    assert_eq!(report.verdict.exit_code(), 1);
    // No fork is shown by it, and no history that was rolled back.
    let refused = victim.refusal();
    let of_register = matches!(&refused, RecoverError::Damaged { file, .. } if file == "register");
    assert!(of_register, "{refused}");
}

#[test]
fn a_register_that_is_none_is_unreadable() {
    let victim = victim();
    fs::write(victim.bed.register(), b"not a register").unwrap();
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 1);
    assert!(
        report
            .verdict
            .integrity
            .to_string()
            .starts_with("unreadable("),
        "{}",
        report.verdict
    );
    assert!(matches!(victim.refusal(), RecoverError::Store(_)));
}

/// Everything but what makes the directory a store.
fn wipe(victim: &Victim) {
    for (path, _) in files(&victim.bed.path()) {
        if !path.ends_with("FORMAT") && !path.ends_with("lock") {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_wiped_directory_is_missing_all_that_the_register_remembers() {
    let victim = victim();
    let last = victim.last().number;
    wipe(&victim);
    says(&victim.verify(), 1, "missing(batch 0)");
    let refused = victim.refusal();
    let rolled_back = matches!(refused, RecoverError::RolledBack { remembered, held } if (remembered, held) == (last, 0));
    assert!(rolled_back, "{refused}");
}

#[test]
fn an_older_copy_of_the_whole_directory_is_refused_while_the_register_is_newer() {
    let victim = victim();
    let last = victim.last().number;
    wipe(&victim);
    for (path, bytes) in &victim.earlier {
        if !path.ends_with("FORMAT") {
            fs::write(path, bytes).unwrap();
        }
    }
    let held = victim.last().number + 1;
    says(&victim.verify(), 1, &format!("missing(batch {held})"));
    let refused = victim.refusal();
    let rolled_back = matches!(refused, RecoverError::RolledBack { remembered, held: ours } if (remembered, ours) == (last, held));
    assert!(rolled_back, "{refused}");
}

#[test]
fn a_file_that_nobody_knows_is_listed_and_stops_nobody() {
    let victim = victim();
    let strangers = ["README", "sealed/notes.txt", "tail/backup"];
    for name in strangers {
        fs::write(victim.bed.path().join(name), b"not evidence").unwrap();
    }
    let report = victim.verify();
    is_clean(&report);
    for name in strangers {
        let listed = report.notes.iter().any(|note| note.starts_with(name));
        assert!(listed, "{name} is not listed: {:?}", report.notes);
    }
    victim.goes_on();
}

#[test]
fn what_was_set_aside_is_evidence_too() {
    let victim = victim().without_register();
    victim.last().keep(400);
    victim.goes_on();
    let quarantined = files(&victim.bed.path().join("quarantine")).remove(0).0;
    let name = format!(
        "quarantine/{}",
        quarantined.file_name().unwrap().to_string_lossy()
    );
    let kept = fs::read(&quarantined).unwrap();
    edit(&quarantined, |file| file[100] ^= 1);
    says(&victim.verify(), 1, &format!("unreadable({name}, 0)"));
    fs::remove_file(&quarantined).unwrap();
    let report = victim.verify();
    assert_eq!(report.verdict.exit_code(), 1);
    assert_eq!(finds(&report, &Damage::Missing).file, name);
    fs::write(&quarantined, kept).unwrap();
    is_clean(&victim.verify());
}

/// Found by the simulation: under a flipped bit in a table of frames a read ended in an overflow instead of an answer.
#[test]
fn a_frame_said_to_begin_behind_its_run_is_damage_whoever_reads_it() {
    const ROW: usize = 36;
    for index in [0, 1] {
        let victim = victim();
        let books = read(victim.bed.reader());
        let log = books.log("one").unwrap();
        let (pack, size) = (pack_of(&victim, index), log.size());
        let rows = pack.section(4);
        for row in rows.clone().step_by(ROW) {
            for byte in [1, 4, 7] {
                edit(&pack.ent, |file| file[row + byte] ^= 0x40);
                for seq in 0..size {
                    if let Ok(stored) = books.record(&log, seq) {
                        let told = victim
                            .told
                            .iter()
                            .find(|told| told.log == "one" && told.seq == seq);
                        assert!(told.is_none_or(|told| told.head == stored.head));
                    }
                }
                edit(&pack.ent, |file| file[row + byte] ^= 0x40);
            }
        }
        is_true(&victim.bed.reader(), &victim.told);
    }
}

/// What is said of the record at `seq`.
fn blamed(books: &indelible_ledger::Books, seq: u64) -> (String, u64, Range<u64>) {
    match books.record(&books.log("one").unwrap(), seq) {
        Err(ReadError::Damaged {
            file, offset, seqs, ..
        }) => (file, offset, seqs),
        other => panic!("{seq}: {other:?}"),
    }
}

#[test]
fn a_damaged_entry_is_named_itself_and_not_the_record_behind_it() {
    let victim = victim();
    let books = read(victim.bed.reader());
    let pack = pack_of(&victim, 0);
    let start = pack.section(1).start;
    // In the middle of a frame, at both sides of its end, the first event, and a whole page of them.
    for (first, count) in [(10, 1), (255, 1), (256, 1), (1, 1), (30, 128)] {
        let last = first + count - 1;
        let places: Vec<usize> = (first..=last)
            .map(|seq| start + entry_place(&pack, &victim, seq))
            .collect();
        let flip = || {
            let each = |file: &mut Vec<u8>| places.iter().for_each(|at| file[at + 7] ^= 1);
            edit(&pack.ent, each);
        };
        flip();
        let place = u64::try_from(places[0]).unwrap();
        let (file, offset, seqs) = blamed(&books, last + 1);
        assert!(file.ends_with(".ent"), "{file}");
        assert_eq!((offset, seqs), (place, first..last + 1));
        // Whether the record or its entry was changed can't be told where both are looked at; that it is this one can.
        assert_eq!(blamed(&books, first).2, first..first + 1);
        let log = books.log("one").unwrap();
        books.record(&log, last + 2).unwrap();
        flip();
        books.record(&log, last + 1).unwrap();
    }
}

#[test]
fn an_altered_record_behind_a_damaged_entry_is_named_too() {
    let victim = victim();
    let books = read(victim.bed.reader());
    let pack = pack_of(&victim, 0);
    let start = pack.section(1).start;
    let places = [10, 11].map(|seq| start + entry_place(&pack, &victim, seq));
    edit(&pack.ent, |file| {
        places.iter().for_each(|at| file[at + 7] ^= 1)
    });
    // Behind the entry that record 10 gives, record 11 does not give what is stored of it either.
    assert_eq!(blamed(&books, 11).2, 11..12);
    assert_eq!(blamed(&books, 12).2, 10..12);
}

/// A node that runs has read the tables of its packs; what they lead to may go at any moment.
#[test]
fn a_pack_that_is_cut_under_a_reader_is_damage_wherever_it_is_cut() {
    let victim = victim();
    let pack = pack_of(&victim, 0);
    let whole = fs::read(&pack.ent).unwrap();
    let ends = (1..=8).flat_map(|section| [pack.section(section).start, pack.section(section).end]);
    let within = (0..whole.len()).step_by(whole.len() / 50);
    for at in ends.chain(within) {
        // What was proved before is remembered, so each cut has its own reader.
        let books = read(victim.bed.reader());
        let log = books.log("one").unwrap();
        let size = log.size();
        edit(&pack.ent, |file| file.truncate(at));
        let mut refused = 0;
        for seq in (0..size).step_by(37) {
            let proofs = [
                books.inclusion(&log, seq, size),
                books.consistency(&log, seq, size),
                books.entries(&log, seq..size),
            ];
            for error in proofs.into_iter().filter_map(Result::err) {
                let named = matches!(&error, ReadError::Damaged { .. } | ReadError::Store(_));
                assert!(named, "cut at {at}: {error}");
                refused += 1;
            }
            let _ = books.record(&log, seq);
        }
        let needed = pack.section(2).end;
        assert_eq!(refused > 0, at < needed, "cut at {at}, of {needed} needed");
        edit(&pack.ent, |file| file.clone_from(&whole));
    }
}
