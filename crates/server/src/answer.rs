//! What a producer is told: receipts, signed and proved once the batch is durable.

use crate::intake::Sender;
use crate::problem;
use indelible_api::answer::{Answer, Array, SharedFields, Single};
use indelible_api::{Code, Problem, Short};
use indelible_ledger::caller::salt_text;
use indelible_ledger::{Ledger, Log, Recorded};

/// Bytes of `"time":"…","prev":"…"}` at a head's end, and where in them the values begin.
const END: usize = 8 + 30 + 10 + 64 + 2;
const TIME_AT: usize = 8;
const PREV_AT: usize = 8 + 30 + 10;

/// The answer to one event.
///
/// # Errors
/// What is stored can't be read; the event is recorded all the same.
pub fn single(ledger: &Ledger, log: &Log, recorded: &Recorded) -> Result<Single, Problem> {
    let receipt = ledger.receipt(log, recorded);
    Ok(Single {
        log: log.origin().to_owned(),
        seq: recorded.seq,
        entry: recorded.entry.to_string(),
        salt: text(&salt_text(&recorded.salt)),
        receipt: receipt.map_err(|error| problem::of_read(&error))?,
        again: recorded.again,
    })
}

/// The answer to events that were recorded together.
///
/// # Errors
/// As for one.
pub fn array(
    ledger: &Ledger,
    sender: &Sender<'_>,
    recorded: &[Recorded],
) -> Result<Answer, Problem> {
    let log = sender.log();
    let (Some(first), false) = (recorded.first(), recorded.iter().any(|one| one.again)) else {
        let records: Result<_, _> = recorded
            .iter()
            .map(|one| single(ledger, log, one))
            .collect();
        return Ok(Answer::Each { records: records? });
    };
    let count = u64::try_from(recorded.len()).unwrap_or(u64::MAX);
    let receipt = ledger.batch_receipt(log, first.seq, count);
    let (_, prev) = end(first)?;
    let times: Result<Vec<Short>, Problem> = recorded
        .iter()
        .map(|one| end(one).map(|(time, _)| time))
        .collect();
    Ok(Answer::Array(Box::new(Array {
        log: log.origin().to_owned(),
        first: first.seq,
        count,
        shared: SharedFields::of(&sender.shared()),
        prev: text(prev),
        times: times?,
        salts: recorded
            .iter()
            .map(|one| short(&salt_text(&one.salt)))
            .collect(),
        receipt: receipt.map_err(|error| problem::of_read(&error))?,
    })))
}

/// Time and link of a head, which stand last in it and have always the same length.
fn end(recorded: &Recorded) -> Result<(Short, &[u8]), Problem> {
    let end = recorded.head.last_chunk::<END>();
    let end = end.ok_or_else(|| Problem::new(Code::Internal, "a head has no end"))?;
    Ok((
        short(&end[TIME_AT..TIME_AT + 30]),
        &end[PREV_AT..PREV_AT + 64],
    ))
}

/// Hex digits and times are plain text.
fn text(ascii: &[u8]) -> String {
    String::from_utf8(ascii.to_vec()).expect("hex digits and times are ASCII")
}

/// The same, of a salt or a time.
fn short(ascii: &[u8]) -> Short {
    Short::of_ascii(ascii).expect("a salt or a time is at most 32 ASCII characters")
}
