//! What a caller hears of a write that failed: that nobody knows where a byte may be on the disk, that nothing was recorded where none is.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{BY, Bed, append, caller, create, event, open, settings};
use indelible_ledger::{Caller, Founding, Ledger, Log, OpenError, Refusal, SealError, Settings};
use indelible_proof::head::Own;
use indelible_store::{FaultInjector, WriteFate, WriteKind};
use std::sync::{Arc, Mutex};

/// The ways by which a batch comes to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Append,
    Group,
    CreateLog,
    Seal,
}

const WAYS: [Way; 4] = [Way::Append, Way::Group, Way::CreateLog, Way::Seal];

/// What becomes of the next write into the tail, once it is set.
type Next = Arc<Mutex<Option<WriteFate>>>;

fn faults(next: &Next) -> FaultInjector {
    let next = Arc::clone(next);
    Arc::new(move |op| {
        let tail = op.kind == WriteKind::Write && op.path.parent().unwrap().ends_with("tail");
        let fate = tail.then(|| next.lock().unwrap().take()).flatten();
        fate.unwrap_or(WriteFate::Proceed)
    })
}

fn go(ledger: &Ledger, log: &Arc<Log>, caller: &mut Caller, way: Way) -> Result<(), Refusal> {
    match way {
        Way::Append => {
            let prepared = caller.prepare(log, &BY, &Own::default(), &event(100));
            ledger.append(log, prepared.unwrap()).map(drop)
        }
        Way::Group => {
            let mut prepare = |number| caller.prepare(log, &BY, &Own::default(), &event(number));
            let events = (100..105).map(|number| prepare(number).unwrap());
            let ticket = ledger.submit_all(log, events.collect())?;
            ledger.turn();
            ticket.wait().map(drop)
        }
        Way::CreateLog => {
            let founding = Founding {
                origin: bed::ORIGIN,
                creator: "unix:1000",
            };
            match ledger.create_log("second", &founding, [2; 8]) {
                Err(OpenError::Refused(refusal)) => Err(refusal),
                other => other.map(drop).map_err(|error| panic!("{error}")),
            }
        }
        Way::Seal => match ledger.seal() {
            Err(SealError::Refused(refusal)) => Err(refusal),
            other => other.map(drop).map_err(|error| panic!("{error}")),
        },
    }
}

#[test]
fn a_batch_whose_write_fails_may_be_there_and_is_not_told_as_not_recorded() {
    let fates = [
        WriteFate::Lost,
        WriteFate::Torn(512),
        WriteFate::StoredButLost,
    ];
    for (fate, way) in fates.iter().flat_map(|fate| WAYS.map(|way| (*fate, way))) {
        let (bed, next) = (Bed::new(), Next::default());
        let store = bed.store_with(Some(faults(&next))).unwrap();
        let settings = Settings {
            threads: false,
            ..settings()
        };
        let ledger = open(store, &bed.clock, 3, settings).unwrap();
        let log = create(&ledger, "payments", 1);
        let mut caller = caller(&ledger, &log, 5);
        append(&ledger, &log, &mut caller, 0..3);
        *next.lock().unwrap() = Some(fate);
        let refusal = go(&ledger, &log, &mut caller, way).unwrap_err();
        // With what the disk said, for who has to see to it.
        assert!(
            matches!(&refusal, Refusal::Unknown(why) if why.contains("tail/") && why.contains(": ")),
            "{fate:?}, {way:?}: {refusal:?}"
        );
        let later = go(&ledger, &log, &mut caller, Way::Append).unwrap_err();
        assert!(matches!(later, Refusal::Stopped(_)), "{later:?}");
        let told = log.size();
        drop(ledger);
        let ledger = bed.open();
        let found = ledger.books().log("payments").unwrap().size() - told;
        let more = match (fate, way) {
            (WriteFate::StoredButLost, Way::Append) => 1,
            (WriteFate::StoredButLost, Way::Group) => 5,
            _ => 0,
        };
        assert_eq!(found, more, "{fate:?}, {way:?}");
    }
}
