use super::*;
use crate::exit;
use crate::keys::KeyError;
use indelible_ledger::clock::StartJump;
use indelible_ledger::format::FormatError;
use indelible_ledger::{
    MergeError, OpenError, ReadError, RecoverError, Refusal, RotateError, SealError,
};
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use indelible_proof::verdict::{
    Authenticity, Completeness, Consistency, Integrity, Part, Rule, Seqs, Witnesses,
};
use indelible_store::{Place, StoreError};
use std::path::{Path, PathBuf};

/// The one entry of a text on an axis.
fn only(on: On, text: &str) -> &'static Entry {
    let found = find(&format!("{}: {text}", on.name()));
    assert_eq!(found.len(), 1, "{}: {text}: {found:?}", on.name());
    found[0]
}

#[test]
fn every_exit_code_is_explained() {
    for (_, code, _) in exit::TABLE {
        let entry = only(On::ExitCode, &code.to_string());
        assert_eq!(entry.exit, code);
    }
    let codes = table().filter(|entry| entry.on == On::ExitCode).count();
    assert_eq!(codes, exit::TABLE.len());
}

#[test]
fn every_value_in_the_table_of_the_specification_is_explained_with_its_exit_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/verdicts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let axes = [
        On::Integrity,
        On::Authenticity,
        On::Consistency,
        On::Witnesses,
        On::Completeness,
    ];
    let (mut on, mut met) = (None, 0);
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let &[_, axis, values, code, _] = cells.as_slice() else {
            continue;
        };
        on = axes.into_iter().find(|on| on.name() == axis).or(on);
        let (Some(on), Ok(code)) = (on, code.parse::<u8>()) else {
            continue;
        };
        let pieces: Vec<&str> = values.split('`').collect();
        for pair in pieces.chunks_exact(2) {
            // A word in the middle of a sentence is no value.
            let (before, value) = (pair[0].trim(), pair[1]);
            if !before.is_empty() && !before.ends_with(['·', ':']) {
                continue;
            }
            let entry = only(on, value);
            assert_eq!(entry.exit, code, "{value}");
            met += 1;
        }
    }
    assert!(met > 45, "the page has its table: {met}");
    let (_, rules) = page.split_once("Rules in `log fault`: `").unwrap();
    for rule in rules.split('`').next().unwrap().split(' ') {
        only(On::Rule, rule);
    }
}

/// Every value of the axes. A new one does not compile here until it is explained.
#[test]
fn every_value_a_verdict_can_have_is_explained_with_its_exit_code() {
    let mut seqs = Seqs::new();
    seqs.add_range(3..5);
    for value in integrity_values(seqs) {
        let entry = only(On::Integrity, &value.to_string());
        assert_eq!(entry.exit, value.exit_code(), "{value}");
        match value {
            Integrity::Ok
            | Integrity::OkByBatchKey { .. }
            | Integrity::EventAltered(_)
            | Integrity::HeadAltered(_)
            | Integrity::EntryAltered(_)
            | Integrity::RecordAltered(_)
            | Integrity::TileAltered { .. }
            | Integrity::Unreadable { .. }
            | Integrity::RootMismatch(_)
            | Integrity::Missing(_)
            | Integrity::MissingBatch(_)
            | Integrity::Malformed(Part::Line(_) | Part::Checkpoint | Part::Record)
            | Integrity::UnsupportedVersion
            | Integrity::Unchecked => {}
            Integrity::LogFault(_, rule) => match rule {
                Rule::Head
                | Rule::Log
                | Rule::Seq
                | Rule::Kind
                | Rule::Prev
                | Rule::Time
                | Rule::Event
                | Rule::Genesis
                | Rule::Key => drop(only(On::Rule, rule.as_str())),
            },
        }
    }
    for value in [
        Authenticity::Ok,
        Authenticity::OkNotYetPostQuantum,
        Authenticity::SelfKeyed,
        Authenticity::SelfKeyedOwnStore,
        Authenticity::UnknownKey,
        Authenticity::OkUpToItsHinge,
        Authenticity::RequiredAbsent,
        Authenticity::RequiredUnchecked,
        Authenticity::KeyRetired,
        Authenticity::KeyWalkBroken,
        Authenticity::SignatureInvalid,
        Authenticity::Unchecked,
    ] {
        let entry = only(On::Authenticity, &value.to_string());
        assert_eq!(entry.exit, value.exit_code(), "{value}");
        match value {
            Authenticity::Ok
            | Authenticity::OkNotYetPostQuantum
            | Authenticity::SelfKeyed
            | Authenticity::SelfKeyedOwnStore
            | Authenticity::UnknownKey
            | Authenticity::OkUpToItsHinge
            | Authenticity::RequiredAbsent
            | Authenticity::RequiredUnchecked
            | Authenticity::KeyRetired
            | Authenticity::KeyWalkBroken
            | Authenticity::SignatureInvalid
            | Authenticity::Unchecked => {}
        }
    }
    let (one, other, newer) = (String::new(), String::new(), String::new());
    for value in [
        Consistency::Ok,
        Consistency::Fork { one, other },
        Consistency::Rollback { newer },
        Consistency::Unchecked,
    ] {
        let entry = only(On::Consistency, &value.to_string());
        assert_eq!(entry.exit, value.exit_code(), "{value}");
        match value {
            Consistency::Ok
            | Consistency::Fork { .. }
            | Consistency::Rollback { .. }
            | Consistency::Unchecked
            | Consistency::UncheckedThoughAsked => {}
        }
    }
    for value in [
        Witnesses::NoneAsked,
        Witnesses::QuorumMet,
        Witnesses::QuorumMissing,
        Witnesses::Stale { age_secs: 7 },
        Witnesses::TimeContradicted,
        Witnesses::Unchecked,
    ] {
        let entry = only(On::Witnesses, &value.to_string());
        assert_eq!(entry.exit, value.exit_code(), "{value}");
        match value {
            Witnesses::NoneAsked
            | Witnesses::QuorumMet
            | Witnesses::QuorumMissing
            | Witnesses::Stale { .. }
            | Witnesses::TimeContradicted
            | Witnesses::Unchecked => {}
        }
    }
    for value in [
        Completeness::Population { first: 0, last: 9 },
        Completeness::Rederived,
        Completeness::AsCommitted,
        Completeness::Selective,
        Completeness::ContentWithheld,
        Completeness::TornBatch(4),
        Completeness::BatchInFlight(4),
        Completeness::Lost(4),
        Completeness::BatchMissing(4),
        Completeness::EndsEarly,
        Completeness::ErasedUnderRecord,
        Completeness::ErasedWithoutRecord(seqs),
        Completeness::Unchecked,
    ] {
        let entry = only(On::Completeness, &value.to_string());
        assert_eq!(entry.exit, value.exit_code(), "{value}");
        match value {
            Completeness::Population { .. }
            | Completeness::Rederived
            | Completeness::AsCommitted
            | Completeness::Selective
            | Completeness::ContentWithheld
            | Completeness::TornBatch(_)
            | Completeness::BatchInFlight(_)
            | Completeness::Lost(_)
            | Completeness::BatchMissing(_)
            | Completeness::EndsEarly
            | Completeness::ErasedUnderRecord
            | Completeness::ErasedWithoutRecord(_)
            | Completeness::Unchecked => {}
        }
    }
}

fn integrity_values(seqs: Seqs) -> Vec<Integrity> {
    let unreadable = |seqs: Seqs| Integrity::Unreadable {
        file: "sealed/x.ent".to_owned(),
        offset: 7,
        seqs,
    };
    let mut values = vec![
        Integrity::Ok,
        Integrity::OkByBatchKey {
            log: "payments".to_owned(),
            first: 3,
            last: 9,
        },
        Integrity::EventAltered(seqs),
        Integrity::HeadAltered(seqs),
        Integrity::EntryAltered(seqs),
        Integrity::RecordAltered(seqs),
        Integrity::TileAltered { level: 8, n: 2 },
        unreadable(Seqs::new()),
        unreadable(seqs),
        Integrity::RootMismatch(9),
        Integrity::Missing(seqs),
        Integrity::MissingBatch(9),
        Integrity::Malformed(Part::Line(4)),
        Integrity::Malformed(Part::Checkpoint),
        Integrity::Malformed(Part::Record),
        Integrity::UnsupportedVersion,
        Integrity::Unchecked,
    ];
    let rules = [
        Rule::Head,
        Rule::Log,
        Rule::Seq,
        Rule::Kind,
        Rule::Prev,
        Rule::Time,
        Rule::Event,
        Rule::Genesis,
        Rule::Key,
    ];
    values.extend(rules.map(|rule| Integrity::LogFault(4, rule)));
    values
}

/// A refusal by its text, whatever its label.
fn refused(text: &str) {
    let found = find(text);
    let refusal = found
        .iter()
        .any(|entry| entry.on == On::Refusal && entry.fits(text));
    assert!(refusal, "not explained: {text}");
}

#[test]
fn every_error_of_the_engine_and_the_store_is_explained() {
    let time = Time::new(1_800_000_000, 0).unwrap();
    let place = Place {
        file: "tail/000000000000".to_owned(),
        offset: 4_096,
        length: 4_096,
    };
    let text = || "the disk is full".to_owned();
    for error in [
        StoreError::Busy,
        StoreError::ReadOnly,
        StoreError::Gone,
        StoreError::NotFound,
        StoreError::Damaged {
            place,
            what: "slot is bad",
        },
        StoreError::Unsupported {
            file: "FORMAT".to_owned(),
            what: "store version",
        },
        StoreError::Refused(text()),
        StoreError::Volatile("tmpfs"),
        StoreError::Conflict,
        StoreError::TooLarge { length: 9, most: 8 },
        StoreError::Stopped(text()),
    ] {
        refused(&error.to_string());
        match error {
            StoreError::Busy
            | StoreError::ReadOnly
            | StoreError::Gone
            | StoreError::NotFound
            | StoreError::Damaged { .. }
            | StoreError::Unsupported { .. }
            | StoreError::Refused(_)
            | StoreError::Volatile(_)
            | StoreError::Conflict
            | StoreError::TooLarge { .. }
            | StoreError::Stopped(_)
            // Only ever shown behind `can't`.
            | StoreError::NoRoom { .. }
            | StoreError::Io { .. } => {}
        }
    }
    let (file, what) = ("sealed/x.ent".to_owned(), "a note is too long".to_owned());
    for error in [
        RecoverError::Damaged {
            file: file.clone(),
            offset: 7,
            what: what.clone(),
        },
        RecoverError::Hole {
            number: 3,
            later: 5,
            file: file.clone(),
        },
        RecoverError::RolledBack {
            remembered: 9,
            held: 3,
        },
        RecoverError::Forked(9),
        RecoverError::Unsupported { file, what },
    ] {
        refused(&error.to_string());
        match error {
            RecoverError::Damaged { .. }
            | RecoverError::Hole { .. }
            | RecoverError::RolledBack { .. }
            | RecoverError::Forked(_)
            | RecoverError::Unsupported { .. }
            | RecoverError::Store(_) => {}
        }
    }
    for error in [
        OpenError::Clock(StartJump {
            wall: time,
            last: time,
        }),
        OpenError::NoTime,
        OpenError::BadName("A".to_owned()),
        OpenError::LogExists("a".to_owned()),
        OpenError::NamedTwice("a".to_owned()),
        OpenError::WrongKeys,
        OpenError::RegisterMissing,
        OpenError::TooManyLogs,
        OpenError::OpenHinge(3),
        OpenError::NothingToRecover,
        OpenError::OtherHorizon {
            stated: 57,
            asked: 58,
        },
        OpenError::Rotate(RotateError::NoRecoveryKeys("a".to_owned())),
        OpenError::Rotate(RotateError::RecoveryKept("a".to_owned())),
        OpenError::Rotate(RotateError::BadRecovery),
        OpenError::Rotate(RotateError::Waiting(Vec::new())),
    ] {
        refused(&error.to_string());
        match error {
            OpenError::Clock(_)
            | OpenError::NoTime
            | OpenError::BadName(_)
            | OpenError::LogExists(_)
            | OpenError::NamedTwice(_)
            | OpenError::WrongKeys
            | OpenError::RegisterMissing
            | OpenError::TooManyLogs
            | OpenError::OpenHinge(_)
            | OpenError::NothingToRecover
            | OpenError::OtherHorizon { .. }
            | OpenError::Rotate(
                RotateError::NoRecoveryKeys(_)
                | RotateError::RecoveryKept(_)
                | RotateError::BadRecovery
                | RotateError::Waiting(_)
                | RotateError::Read(_)
                | RotateError::Refused(_),
            )
            | OpenError::Read(_)
            | OpenError::Recover(_)
            | OpenError::Store(_)
            | OpenError::Refused(_) => {}
        }
    }
    for error in [
        Refusal::Full,
        Refusal::NoRoom(text()),
        Refusal::TooMany,
        Refusal::Stopped(text()),
        Refusal::Unknown(text()),
        Refusal::Conflict { seq: 3 },
        Refusal::Expected { epoch: 1, n: 4 },
        Refusal::Handed {
            to: "unix:7".to_owned(),
        },
        Refusal::StreamTaken("unix:7".to_owned()),
        Refusal::NoLook(text()),
        Refusal::Twice,
        Refusal::InFlight,
        Refusal::NotCompared {
            seq: 3,
            entry: Hash::ZERO,
        },
        Refusal::Unreadable {
            seq: 3,
            why: text(),
        },
    ] {
        refused(&error.to_string());
        match error {
            Refusal::Full
            | Refusal::NoRoom(_)
            | Refusal::TooMany
            | Refusal::Stopped(_)
            | Refusal::Unknown(_)
            | Refusal::Conflict { .. }
            | Refusal::Expected { .. }
            | Refusal::Handed { .. }
            | Refusal::StreamTaken(_)
            | Refusal::NoLook(_)
            | Refusal::Twice
            | Refusal::InFlight
            | Refusal::NotCompared { .. }
            | Refusal::Unreadable { .. } => {}
        }
    }
    for error in [
        SealError::Damaged {
            number: 3,
            source: FormatError::Unsupported("batch version"),
        },
        SealError::NotAsCommitted(3),
        SealError::Missing(3),
        SealError::ReadBack(text()),
        SealError::NameTaken("sealed/x.ent".to_owned()),
    ] {
        refused(&error.to_string());
        match error {
            SealError::Damaged { .. }
            | SealError::NotAsCommitted(_)
            | SealError::Missing(_)
            | SealError::ReadBack(_)
            | SealError::NameTaken(_)
            | SealError::Store(_)
            | SealError::Refused(_) => {}
        }
    }
    for error in [
        MergeError::Damaged {
            name: "sealed/x.ent".to_owned(),
            what: text(),
        },
        MergeError::NotTheSame(text()),
    ] {
        refused(&error.to_string());
        match error {
            MergeError::Damaged { .. }
            | MergeError::NotTheSame(_)
            | MergeError::Store(_)
            | MergeError::Seal(_)
            | MergeError::Read(_)
            | MergeError::Refused(_) => {}
        }
    }
    let error = ReadError::NoSuchRecord {
        log: "payments".to_owned(),
        seq: 9,
        size: 3,
    };
    refused(&error.to_string());
}

#[test]
fn every_refusal_of_keys_is_explained() {
    let path = || PathBuf::from("store.keys/node-secret");
    for error in [
        KeyError::Exists(path()),
        KeyError::Wide(path(), 0o644),
        KeyError::Foreign(path(), 1_000),
        KeyError::Missing(path()),
        KeyError::NotASecret(path()),
        KeyError::Sealed(path()),
        KeyError::WrongPassphrase(path()),
        KeyError::NotAPassphrase(path()),
        KeyError::Credentials(path()),
    ] {
        refused(crate::say::keys(&error).text());
        match error {
            KeyError::Exists(_)
            | KeyError::Wide(..)
            | KeyError::Foreign(..)
            | KeyError::Missing(_)
            | KeyError::NotASecret(_)
            | KeyError::Sealed(_)
            | KeyError::WrongPassphrase(_)
            | KeyError::NotAPassphrase(_)
            | KeyError::Credentials(_)
            // Begins with the path.
            | KeyError::Io(..) => {}
        }
    }
}

#[test]
fn a_text_is_found_as_it_was_printed_and_by_its_beginning() {
    for text in [
        "event altered(41)",
        "integrity: event altered(1, 2, 3; 12 in all)",
        "event alt",
        "error: another process is writing to this store: store",
        "Another process",
        "unreadable(tail/000000000000, 4096; 3, 4)",
        "log fault(3, prev)",
        "prev",
    ] {
        assert_eq!(find(text).len(), 1, "{text}: {:?}", find(text));
    }
    assert_eq!(find("unchecked").len(), 5);
    assert_eq!(find("missing(batch 3)")[0].says, "missing(batch N)");
    assert!(find("no such thing at all").is_empty());
    assert!(find("{").is_empty());
}

#[test]
fn no_entry_is_empty_and_none_stands_twice() {
    let mut seen = std::collections::BTreeSet::new();
    for entry in table() {
        assert!(
            !entry.means.is_empty() && !entry.now.is_empty(),
            "{entry:?}"
        );
        assert!(seen.insert((entry.on.name(), entry.says)), "{entry:?}");
        assert!(!entry.means.ends_with('.'), "{entry:?}");
    }
}
