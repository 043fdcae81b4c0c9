//! What recovery makes of the notes in the batches of a tail, which somebody with the node's secret wrote by hand.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::forged::{Edge, Part, batch, header, next_keys};
use bed::surgery::{Slot, packs, tail};
use bed::{Bed, SECRET, append, by_hand, caller, create};
use indelible_ledger::format::batch::{BatchHeader, BatchView, HEADER_BYTES, header_digest};
use indelible_ledger::format::pack::EntView;
use indelible_ledger::recover::{self, Recovered};
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Books, RecoverError};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash;
use indelible_proof::head::Kind;
use indelible_proof::note::Note;
use indelible_proof::tree::Frontier;

/// A store whose writer was killed: a log with so many events, each in a batch of its own, and no note of it.
fn killed(events: u64) -> (Bed, Vec<Slot>) {
    slowly(events, 0)
}

/// The same with so many seconds before each event. Those a second old have notes.
fn slowly(events: u64, secs: u64) -> (Bed, Vec<Slot>) {
    let bed = Bed::new();
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    for number in 0..events {
        bed.clock.pass(secs);
        append(&ledger, &log, &mut caller, number..number + 1);
    }
    drop(ledger);
    let slots = tail(&bed);
    (bed, slots)
}

/// The log's note of a size that it has had.
fn note(books: &Books, size: u64) -> String {
    let log = books.log("payments").unwrap();
    let mut frontier = Frontier::new();
    for entry in books.entries(&log, 0..size).unwrap() {
        frontier.push(hash::leaf(&entry));
    }
    let key = NodeSecret::new(SECRET).log_key(log.origin());
    key.sign(size, frontier.root())
}

/// The size of a note.
fn size(text: &[u8]) -> u64 {
    let note = Note::parse(text).unwrap();
    Checkpoint::parse(note.text).unwrap().size
}

/// Replaces the last batches by others, each linked to the one before it.
fn replace_last(slots: &[Slot], batches: &[(&[Part], &[String])]) {
    let last = &slots[slots.len() - batches.len()..];
    let mut prev = header(&last[0]).prev;
    for (slot, (parts, notes)) in last.iter().zip(batches) {
        let header = BatchHeader {
            prev,
            ..header(slot)
        };
        let bytes = batch(&header, parts, notes);
        prev = header_digest(bytes.first_chunk::<HEADER_BYTES>().unwrap());
        slot.replace_by(&bytes);
    }
}

fn found(bed: &Bed) -> Result<Recovered, RecoverError> {
    recover::read(bed.reader())
}

/// Of the log's newest note, as whoever reads the store hands it out.
fn noted(bed: &Bed) -> Option<u64> {
    let books = found(bed).unwrap().books;
    let log = books.log("payments").unwrap();
    log.note().map(|note| note.size)
}

#[test]
fn a_note_of_a_size_that_a_log_has_or_had_is_kept_and_one_of_a_larger_size_is_passed_over() {
    let (bed, slots) = killed(3);
    let books = found(&bed).unwrap().books;
    assert_eq!(noted(&bed), None);
    let [earlier, now, later] = [2, 3, 4].map(|size| note(&books, size));
    // In the place of the last event, so that three records are left.
    for (notes, kept) in [
        (vec![earlier.clone()], Some(2)),
        (vec![now.clone()], Some(3)),
        (vec![later.clone()], None),
        (vec![earlier, now, later], Some(3)),
    ] {
        replace_last(&slots, &[(&[], &notes)]);
        assert_eq!(noted(&bed), kept);
    }
}

#[test]
fn a_log_that_grew_since_its_last_note_has_another_in_the_first_batch_of_the_next_start() {
    for (noted, published) in [(2, Some(3)), (3, None)] {
        let (bed, slots) = killed(3);
        let books = found(&bed).unwrap().books;
        replace_last(&slots, &[(&[], &[note(&books, noted)])]);
        let before = slots.len();
        std::fs::remove_file(bed.register()).unwrap_or_default();
        drop(by_hand(&bed));
        let first = &tail(&bed)[before];
        let batch = BatchView::parse(&first.bytes).unwrap();
        let log = books.log("payments").unwrap();
        let of_log = batch.notes().find_map(|text| {
            text.starts_with(log.origin().as_bytes())
                .then(|| size(text))
        });
        assert_eq!(of_log, published);
    }
}

#[test]
fn a_note_of_another_size_than_the_key_record_ends_is_no_hinge() {
    let (bed, slots) = killed(6);
    let books = found(&bed).unwrap().books;
    let log = books.log("payments").unwrap();
    // Records 0 to 3 stay; the next batches are a key record, a note, an event.
    let held = {
        let last = slots.len() - 3;
        let (bed, _) = killed(3);
        assert_eq!(tail(&bed).len(), last);
        let books = found(&bed).unwrap().books;
        Edge::of(&books, &books.log("payments").unwrap())
    };
    let mut edge = Edge {
        origin: log.origin().to_owned(),
        id: log.id(),
        ..held
    };
    let times: Vec<_> = slots.iter().map(|slot| header(slot).time).collect();
    let [.., first, _, third] = times[..] else {
        panic!("three batches")
    };
    let json = next_keys(log.origin());
    let key = edge.part(first, &[(Kind::Key, &json)]);
    let hinge = NodeSecret::new(SECRET)
        .log_key(log.origin())
        .sign(5, key.row.root);
    let event = edge.part(third, &[(Kind::Event, b"{}")]);
    let (key, event) = ([key], [event]);
    // With nothing behind it the rotation is under way, and nobody is told that it is over.
    let earlier = note(&books, 3);
    let walks = [(earlier.clone(), 0), (hinge.clone(), 1)];
    for (note, hinges) in walks {
        replace_last(&slots, &[(&key, &[]), (&[], &[note]), (&[], &[])]);
        let books = found(&bed).unwrap().books;
        let log = books.log("payments").unwrap();
        let proofs = books.hinge_proofs(&log, log.size()).unwrap();
        assert_eq!(proofs.len(), hinges);
    }
    for (note, is_hinge) in [(earlier, false), (hinge, true)] {
        replace_last(&slots, &[(&key, &[]), (&[], &[note]), (&event, &[])]);
        match found(&bed) {
            Ok(_) => assert!(is_hinge),
            Err(error) => {
                assert!(!is_hinge, "{error}");
                let why =
                    "payments has records after its key record, and not the hinge before them";
                assert!(error.to_string().contains(why), "{error}");
            }
        }
    }
}

#[test]
fn a_note_that_stands_in_two_batches_is_kept_once_in_their_pack() {
    // Longer apart than a pack goes without keeping a note.
    let (bed, slots) = slowly(4, 61);
    let books = found(&bed).unwrap().books;
    let twice = [note(&books, 2)];
    replace_last(&slots, &[(&[], &twice), (&[], &twice)]);
    std::fs::remove_file(bed.register()).unwrap_or_default();
    let ledger = by_hand(&bed);
    ledger.seal().unwrap();
    let log = ledger.books().log("payments").unwrap();
    let pack = packs(&bed).pop().unwrap();
    let bytes = std::fs::read(&pack.ent).unwrap();
    let view = EntView::parse(&bytes, true).unwrap();
    let (_, part) = view.parts().find(|(run, _)| run.log == log.id()).unwrap();
    let sizes: Vec<u64> = part.notes.iter().map(|note| size(note.text)).collect();
    assert_eq!(sizes, [1, 2, 3]);
}
