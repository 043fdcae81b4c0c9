//! What a sealing takes out of the tail, and what it refuses there: only what this process committed becomes a pack.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::forged::{Edge, batch, header};
use bed::surgery::{Slot, packs, tail};
use bed::truth::is_true;
use bed::{BY, Bed, SECRET, append, by_hand, caller, create, event};
use indelible_ledger::format::batch::{BatchHeader, HEADER_BYTES, signed_message};
use indelible_ledger::format::pack::EntView;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Caller, Ledger, Log, SealError};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::head::{Kind, Own};
use indelible_proof::note::Note;
use std::ops::Range;
use std::sync::Arc;

/// Records so many events in one batch.
fn together(ledger: &Ledger, log: &Arc<Log>, caller: &mut Caller, numbers: Range<u64>) {
    let prepare = |number| caller.prepare(log, &BY, &Own::default(), &event(number));
    let events = numbers.map(prepare).collect::<Result<_, _>>();
    let ticket = ledger.submit_all(log, events.unwrap()).unwrap();
    ledger.turn();
    ticket.wait().unwrap();
}

/// The same rows and notes under another header, signed by the node's key.
fn under(slot: &Slot, header: &BatchHeader) -> Vec<u8> {
    let key = NodeSecret::new(SECRET).batch_key(&header.store);
    let header = header.encode();
    let signature = key.sign(&signed_message(&header));
    let rest = &slot.bytes[HEADER_BYTES + signature.len()..];
    [&header[..], &signature, rest].concat()
}

#[test]
fn a_batch_that_is_no_longer_the_one_committed_is_not_sealed() {
    let bed = Bed::new();
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    let before = Edge::of(ledger.books(), &log);
    append(&ledger, &log, &mut caller, 1..3);
    let slots = tail(&bed);
    let slot = &slots[slots.len() - 2];
    let good = header(slot);
    let with = |change: &dyn Fn(&mut BatchHeader)| {
        let mut header = good;
        change(&mut header);
        under(slot, &header)
    };
    let mut unsigned = slot.bytes.clone();
    unsigned[190] ^= 1;
    let part = before.clone().part(good.time, &[(Kind::Event, b"{}")]);
    let ways = [
        ("signature", unsigned),
        ("batch before", with(&|header| header.prev.0[0] ^= 1)),
        ("number", with(&|header| header.number += 1)),
        ("record", batch(&good, &[part], &[])),
    ];
    for (what, bytes) in ways {
        slot.replace_by(&bytes);
        match ledger.seal().unwrap_err() {
            SealError::NotAsCommitted(number) => assert_eq!(number, slot.number, "{what}"),
            error => panic!("{what}: {error}"),
        }
        assert!(packs(&bed).is_empty());
        slot.replace_by(&slot.bytes);
    }
    assert_eq!(ledger.seal().unwrap().len(), 1);
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &[]);
}

#[test]
fn a_pack_says_behind_which_records_a_batch_ended() {
    let bed = Bed::new();
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut number = 0;
    // The genesis is a batch of its own.
    for (counts, ends) in [
        (&[3, 1, 2, 9, 20][..], &[0, 3, 4, 6, 15, 35][..]),
        (&[1, 30, 8], &[0, 30, 38]),
    ] {
        for count in counts {
            together(&ledger, &log, &mut caller, number..number + count);
            number += count;
        }
        ledger.seal().unwrap();
        let pack = packs(&bed).pop().unwrap();
        let bytes = std::fs::read(&pack.ent).unwrap();
        let view = EntView::parse(&bytes, true).unwrap();
        let (run, part) = view.parts().find(|(run, _)| run.log == log.id()).unwrap();
        let ended = (0..run.count)
            .zip(
                part.commit_bits
                    .iter()
                    .flat_map(|bits| (0..8).map(move |at| bits >> at & 1)),
            )
            .filter_map(|(record, bit)| (bit == 1).then_some(record));
        assert_eq!(ended.collect::<Vec<_>>(), ends);
    }
}

#[test]
fn a_run_ends_where_65_536_records_are_full_and_a_note_goes_to_the_run_that_has_its_size() {
    let bed = Bed::with_tail(4 << 20);
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut number = 0;
    let mut add = |count| {
        together(&ledger, &log, &mut caller, number..number + count);
        number += count;
    };
    (0..8).for_each(|_| add(8_000));
    ledger.seal().unwrap();
    // Sizes 64,101 to 66,101, each noted with the batch behind it.
    for count in [100, 1_000, 900, 100] {
        bed.clock.pass(61);
        add(count);
    }
    bed.clock.pass(61);
    ledger.seal().unwrap();
    let pack = packs(&bed).pop().unwrap();
    let bytes = std::fs::read(&pack.ent).unwrap();
    let view = EntView::parse(&bytes, true).unwrap();
    let runs: Vec<(u64, u64, Vec<u64>)> = view
        .parts()
        .filter(|(run, _)| run.log == log.id())
        .map(|(run, part)| {
            let size = |text: &[u8]| {
                Checkpoint::parse(Note::parse(text).unwrap().text)
                    .unwrap()
                    .size
            };
            let sizes = part.notes.iter().map(|note| size(note.text)).collect();
            (run.first, run.end(), sizes)
        })
        .collect();
    assert_eq!(
        runs,
        [
            (64_001, 65_536, vec![64_101, 65_101]),
            (65_536, 66_101, vec![66_001, 66_101])
        ]
    );
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &[]);
}
