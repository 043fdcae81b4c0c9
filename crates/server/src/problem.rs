//! What a refusal of the ledger, or of one of our own rules, becomes on the wire. The only place that decides it.

use crate::limits::RETRY_AFTER_SECONDS;
use indelible_api::problem::Expected;
use indelible_api::{Code, Problem};
use indelible_ledger::caller::PrepareError;
use indelible_ledger::{ReadError, Refusal};

/// An event that can't be recorded as it is.
pub(crate) fn of_event(error: &PrepareError) -> Problem {
    Problem::new(Code::BadEvent, error.to_string())
}

/// A refusal of the ledger.
pub(crate) fn of_refusal(refusal: &Refusal) -> Problem {
    let (code, seq, expected) = match refusal {
        Refusal::Full => (Code::Full, None, None),
        Refusal::NoRoom(_) => (Code::NoRoom, None, None),
        Refusal::TooMany => (Code::TooMany, None, None),
        Refusal::Stopped(_) => (Code::Stopped, None, None),
        Refusal::Conflict { seq } => (Code::Conflict, Some(*seq), None),
        Refusal::Expected { epoch, n } => {
            let (epoch, n) = (*epoch, *n);
            (Code::Expected, None, Some(Expected { epoch, n }))
        }
        Refusal::Handed { .. } => (Code::Handed, None, None),
        Refusal::StreamTaken(_) | Refusal::Twice => (Code::BadRequest, None, None),
        Refusal::NoLook(_) => (Code::Damaged, None, None),
        Refusal::InFlight => (Code::InFlight, None, None),
        Refusal::NotCompared { seq, .. } => (Code::NotCompared, Some(*seq), None),
        Refusal::Unreadable { seq, .. } => (Code::Damaged, Some(*seq), None),
        Refusal::Unknown(_) => (Code::Unknown, None, None),
    };
    let mut problem = Problem::new(code, what_is_told(refusal));
    problem.seq = seq;
    problem.expected = expected;
    if matches!(
        code,
        Code::Full | Code::NoRoom | Code::Stopped | Code::InFlight
    ) {
        problem.retry_after = Some(RETRY_AFTER_SECONDS);
    }
    problem
}

/// Its own words, but for what lies in the node or was said by its disk: that is the operator's to know, not the sender's.
fn what_is_told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoRoom(_) => {
            "not recorded: the node's disk has no room for it; send again when it has".to_owned()
        }
        Refusal::Stopped(_) => "not recorded: the node has stopped".to_owned(),
        Refusal::NoLook(_) => {
            "not recorded: whether its key or number was used before can't be read; an operator runs indelible verify".to_owned()
        }
        Refusal::Unreadable { seq, .. } => {
            format!("recorded before, as record {seq}, which can't be read; an operator runs indelible verify")
        }
        Refusal::Unknown(_) => "unknown whether recorded: the commit broke".to_owned(),
        refusal => refusal.to_string(),
    }
}

/// A record or proof that can't be read. Where it lies is the operator's to know, not the asker's.
pub(crate) fn of_read(error: &ReadError) -> Problem {
    match error {
        ReadError::NoSuchRecord { .. } => Problem::new(Code::NotFound, error.to_string()),
        ReadError::Damaged { log, seqs, .. } => {
            let (first, last) = (seqs.start, seqs.end.saturating_sub(1));
            let what = format!(
                "damaged: records {first} to {last} of {log}; an operator runs indelible verify"
            );
            Problem::new(Code::Damaged, what)
        }
        ReadError::Store(_) => Problem::new(Code::Damaged, "the store can't be read"),
    }
}
