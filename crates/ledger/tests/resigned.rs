//! A batch that somebody with the node's secret signed anew: where its header does not continue the batch before, no start goes on with it.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::forged::{Edge, batch, header, next_keys};
use bed::surgery::{Slot, tail};
use bed::{Bed, SECRET, append, caller, create, open, settings};
use indelible_ledger::format::batch::{BatchHeader, HEADER_BYTES, SIGNATURE_BYTES, signed_message};
use indelible_ledger::recover::{self, Recovered};
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::verify::{Damage, Finding};
use indelible_ledger::{RecoverError, Settings};
use indelible_proof::hash::Hash;
use indelible_proof::head::Kind;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use indelible_proof::verdict::Rule;

/// A store of two runs that nobody remembers. Its last batch is a mark.
fn store() -> (Bed, Vec<Slot>) {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..3);
    ledger.close("test").unwrap();
    bed.clock.pass(10);
    bed.open().close("test").unwrap();
    std::fs::remove_file(bed.register()).unwrap();
    let slots = tail(&bed);
    assert!(header(slots.last().unwrap()).mark);
    (bed, slots)
}

/// Reads the store with another header in this slot, signed by the node's key.
fn read_with(
    bed: &Bed,
    slot: &Slot,
    change: impl FnOnce(&mut BatchHeader),
) -> Result<Recovered, RecoverError> {
    let mut header = header(slot);
    let key = NodeSecret::new(SECRET).batch_key(&header.store);
    change(&mut header);
    let mut bytes = slot.bytes.clone();
    bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    let signature = key.sign(&signed_message(&header.encode()));
    bytes[HEADER_BYTES..HEADER_BYTES + SIGNATURE_BYTES].copy_from_slice(&signature);
    slot.replace(&bytes);
    let found = recover::read(bed.reader());
    slot.replace(&slot.bytes);
    found
}

#[track_caller]
fn is_refused(found: Result<Recovered, RecoverError>, slot: &Slot, why: &str) {
    match found {
        Err(RecoverError::Damaged { file, offset, what }) => {
            // Behind the header of its slot.
            assert!(what.ends_with(why), "{what}");
            assert_eq!((file, offset), (slot.file.clone(), slot.offset + 64));
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn a_signed_batch_of_another_store_or_number_is_refused() {
    let (bed, slots) = store();
    let last = slots.last().unwrap();
    let why = "it belongs to another store or place";
    is_refused(
        read_with(&bed, last, |header| header.store[0] ^= 1),
        last,
        why,
    );
    is_refused(
        read_with(&bed, last, |header| header.number += 1),
        last,
        why,
    );
    is_refused(
        read_with(&bed, last, |header| header.number -= 1),
        last,
        why,
    );
}

#[test]
fn a_signed_batch_that_names_another_before_it_or_an_earlier_epoch_or_time_is_refused() {
    let (bed, slots) = store();
    let last = slots.last().unwrap();
    let before = header(&slots[slots.len() - 2]).time;
    let why = "it does not continue the batch before";
    is_refused(
        read_with(&bed, last, |header| header.prev.0[7] ^= 1),
        last,
        why,
    );
    is_refused(read_with(&bed, last, |header| header.epoch -= 1), last, why);
    let earlier = Time::new(before.secs(), before.nanos() - 1).unwrap();
    is_refused(
        read_with(&bed, last, |header| header.time = earlier),
        last,
        why,
    );
    // The same time is none that is earlier.
    read_with(&bed, last, |header| header.time = before).unwrap();
}

#[test]
fn an_epoch_has_one_writer_and_a_writer_may_have_several_epochs() {
    let (bed, slots) = store();
    let last = slots.last().unwrap();
    is_refused(
        read_with(&bed, last, |header| header.writer[3] ^= 1),
        last,
        "another writer goes on in the same epoch",
    );
    read_with(&bed, last, |header| header.epoch += 1).unwrap();
    let both = |header: &mut BatchHeader| {
        header.epoch += 1;
        header.writer[3] ^= 1;
    };
    read_with(&bed, last, both).unwrap();
}

#[test]
fn a_signed_batch_is_not_earlier_than_its_records() {
    let (bed, slots) = store();
    // The `stop` record, ten seconds and more after the first run's batches.
    let stop = &slots[slots.len() - 2];
    let before = header(&slots[slots.len() - 3]).time;
    is_refused(
        read_with(&bed, stop, |header| header.time = before),
        stop,
        "records of _node are later than their batch",
    );
}

#[test]
fn a_key_record_that_is_not_alone_in_its_batch_is_a_log_fault_with_which_no_start_goes_on() {
    let (bed, slots) = store();
    let last = slots.last().unwrap();
    let books = recover::read(bed.reader()).unwrap().books;
    let log = books.log("payments").unwrap();
    let json = next_keys(log.origin());
    let before = header(last).time;
    let header = BatchHeader {
        time: before.plus_nanos(9).unwrap(),
        ..header(last)
    };
    let replace_by = |records: &[(Kind, &[u8])]| {
        let part = Edge::of(&books, &log).part(before, records);
        last.replace_by(&batch(&header, &[part], &[]));
    };
    let (key, event) = ((Kind::Key, json.as_slice()), (Kind::Event, &b"{}"[..]));
    // Alone it is a rotation that the next start finishes.
    replace_by(&[key]);
    assert_eq!(bed.verify().verdict.exit_code(), 0);
    recover::read(bed.reader()).unwrap();
    for records in [&[key, event][..], &[event, key], &[event, key, event]] {
        replace_by(records);
        let why = "a key record is not alone in its batch";
        is_refused(recover::read(bed.reader()), last, why);
        let fault = Damage::LogFault(Rule::Key);
        let report = bed.verify();
        assert_eq!(report.verdict.exit_code(), 1, "{}", report.verdict);
        let found = |finding: &Finding| finding.damage == fault;
        assert!(report.findings.iter().any(found), "{:#?}", report.findings);
    }
}

#[test]
fn a_row_of_a_log_that_nobody_knows_is_refused_unless_it_founds_it() {
    let (bed, slots) = store();
    let last = slots.last().unwrap();
    let time = header(last).time;
    // As another store founded it.
    let aside = Bed::new();
    let elsewhere = aside.open();
    let log = create(&elsewhere, "payslips", 1);
    let genesis = elsewhere
        .books()
        .record(&log, 0)
        .unwrap()
        .content
        .unwrap()
        .1;
    let records = [(Kind::Genesis, genesis.as_slice())];
    let mut new = Edge {
        origin: log.origin().to_owned(),
        id: Hash::ZERO,
        prev: Hash::ZERO,
        frontier: Frontier::new(),
    };
    let mut founding = new.clone().part(time, &records);
    founding.row.log = founding.entries[0];
    let mut named = founding.clone();
    named.row.log.0[0] ^= 1;
    new.frontier.push(Hash::ZERO);
    let mut later = new.part(time, &records);
    later.row.log = later.entries[0];
    last.replace_by(&batch(&header(last), &[later], &[]));
    is_refused(recover::read(bed.reader()), last, "a row of an unknown log");
    last.replace_by(&batch(&header(last), &[named], &[]));
    let error = recover::read(bed.reader()).err().unwrap().to_string();
    assert!(
        error.starts_with("a log's id is not its first entry"),
        "{error}"
    );
    last.replace_by(&batch(&header(last), &[founding], &[]));
    let found = recover::read(bed.reader()).unwrap().books;
    assert_eq!(found.log("payslips").unwrap().size(), 1);
}

/// A store whose tail has batches still that a pack holds too: the last has a record of `quiet`, the one
/// before of `payments`.
fn sealed() -> (Bed, Vec<Slot>, Edge) {
    let bed = Bed::new();
    let by_hand = Settings {
        threads: false,
        ..settings()
    };
    let ledger = open(bed.store(), &bed.clock, 3, by_hand).unwrap();
    let log = create(&ledger, "payments", 1);
    let other = create(&ledger, "quiet", 2);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    let edge = Edge::of(ledger.books(), &log);
    append(&ledger, &log, &mut caller, 1..2);
    append(&ledger, &other, &mut caller, 0..1);
    let packed = ledger.seal().unwrap().pop().unwrap().batches;
    ledger.close("test").unwrap();
    std::fs::remove_file(bed.register()).unwrap();
    let mut slots = tail(&bed);
    slots.retain(|slot| packed.contains(&slot.number));
    (bed, slots, edge)
}

#[test]
fn a_batch_that_a_pack_holds_must_have_the_records_of_the_pack() {
    let (bed, slots, edge) = sealed();
    let [.., of_log, last] = &slots[..] else {
        panic!("batches of the pack are still in the tail")
    };
    let part = |records: &[(Kind, &[u8])]| edge.clone().part(header(of_log).time, records);
    let event: (Kind, &[u8]) = (Kind::Event, b"{}");
    // Another record where the packs' end, and one more than they hold.
    for part in [part(&[event]), part(&[event, event])] {
        of_log.replace_by(&batch(&header(of_log), &[part], &[]));
        let why = "the packs hold other records of payments";
        is_refused(recover::read(bed.reader()), of_log, why);
        of_log.replace_by(&of_log.bytes);
    }
    let mut unknown = part(&[event]);
    unknown.row.log.0[0] ^= 1;
    of_log.replace_by(&batch(&header(of_log), &[unknown], &[]));
    let why = "the packs have not the log of a row";
    is_refused(recover::read(bed.reader()), of_log, why);
    of_log.replace_by(&of_log.bytes);

    let why = "it is not the one the pack names";
    is_refused(read_with(&bed, last, |header| header.epoch += 1), last, why);
    recover::read(bed.reader()).unwrap();
}
