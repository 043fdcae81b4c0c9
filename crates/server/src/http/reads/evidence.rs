//! What is kept and shown to others: receipts, proofs, walks, pins, exports.

use super::asked::{bad, seq};
use super::flow::{self, Source};
use super::records::Bounds;
use super::{Answered, Call, asked, note_over, permit, permit_to_read, private, reads};
use crate::grants::Action;
use crate::http::{set, text};
use crate::problem;
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use indelible_api::{Code, Problem, path};
use indelible_ledger::{Books, Export, ExportOptions, Log, ReadError};
use indelible_proof::limits::BATCH_RECEIPT_RECORDS_MAX;
use indelible_proof::pin::Pin;
use std::sync::Arc;

/// `GET /v1/logs/{log}/records/{seq}/receipt`
pub(super) async fn receipt(call: &Call, log: &str, at: &str) -> Answered {
    asked(call, &[])?;
    let log = Arc::clone(permit(call, Action::ReadHeads, log)?.log());
    let at = seq(at)?;
    let note = note_over(&log, at + 1).await?;
    let text = reads(call).read(move |books| {
        let stored = books.record(&log, at)?;
        books.receipt(&log, at, &stored.head, &note)
    });
    Ok(plain(text.await?))
}

/// `GET /v1/logs/{log}/receipt`
pub(super) async fn batch_receipt(call: &Call, log: &str) -> Answered {
    let asked = asked(call, &["from", "to", "count"])?;
    let log = Arc::clone(permit(call, Action::ReadHeads, log)?.log());
    let bounds = Bounds::read(&asked)?;
    let size = log.size();
    let seqs = {
        let log = Arc::clone(&log);
        let find = move |books: &Books| bounds.within(books, &log, size);
        reads(call).run(find).await?
    };
    let count = seqs.end - seqs.start;
    if count == 0 {
        return Err(bad(
            "the range is empty: a receipt is of one record at least",
        ));
    }
    if count > BATCH_RECEIPT_RECORDS_MAX {
        return Err(bad(format!(
            "{count} records are too many for one batch receipt: at most {BATCH_RECEIPT_RECORDS_MAX}; an export proves any number"
        )));
    }
    let note = note_over(&log, seqs.end).await?;
    let text = reads(call).read(move |books| books.batch_receipt(&log, seqs.start, count, &note));
    Ok(plain(text.await?))
}

/// `GET /v1/logs/{log}/export`
pub(super) async fn export(call: &Call, log: &str) -> Answered {
    let asked = asked(call, &["from", "to", "count", "after", "before", "heads"])?;
    let heads = asked.flag("heads")?;
    let log = Arc::clone(permit_to_read(call, heads, log)?.log());
    let bounds = Bounds::read(&asked)?;
    let place = reads(call).flow(&call.peer.principal)?;
    // Without an end it goes as far as a checkpoint does, and is proven by that one: so it shows itself that nothing is left out.
    let newest = match ["to", "count", "before"].iter().any(|end| asked.has(end)) {
        true => None,
        false => Some(note_over(&log, 1).await?),
    };
    let size = newest.as_ref().map_or(log.size(), |note| note.size);
    let seqs = {
        let log = Arc::clone(&log);
        let find = move |books: &Books| bounds.within(books, &log, size);
        reads(call).run(find).await?
    };
    if seqs.is_empty() {
        return Err(bad("the range is empty: an export has one record at least"));
    }
    let note = match newest {
        Some(note) => note,
        None => note_over(&log, seqs.end).await?,
    };
    let options = ExportOptions {
        heads,
        as_found: false,
        at_once: true,
    };
    let exporting = Exporting {
        export: Export::new(Arc::clone(&log), note, seqs, options),
        log,
    };
    let body = flow::body(Arc::clone(reads(call)), place, exporting).await?;
    let mut response = Response::new(body);
    set(&mut response, CONTENT_TYPE, path::NDJSON);
    Ok(private(response))
}

struct Exporting {
    export: Export,
    log: Arc<Log>,
}

impl Source for Exporting {
    fn next(&mut self, books: &Books) -> Result<Option<Vec<u8>>, Problem> {
        if self.export.is_whole() {
            return Ok(None);
        }
        let mut lines = Vec::new();
        match self.export.step(books, &mut lines) {
            Ok(()) => Ok(Some(lines)),
            Err(error) => Err(problem::of_read(&error.of(&self.log))),
        }
    }

    /// An export that is not whole is none.
    fn may_end_early(&self) -> bool {
        false
    }
}

/// `GET /v1/logs/{log}/proof` where records are read: for a time, or between sizes and for an entry.
pub(super) async fn proof_or_head_at(call: &Call, log: &str) -> Answered {
    let asked = asked(call, &["at", "from", "to", "seq", "size"])?;
    match asked.has("from") || asked.has("seq") {
        true => proof(call, log).await,
        false => head_at(call, log).await,
    }
}

/// `GET /v1/logs/{log}/proof?at=TIME`, which shows two heads.
async fn head_at(call: &Call, log: &str) -> Answered {
    let asked = asked(call, &["at"])?;
    let log = Arc::clone(permit(call, Action::ReadHeads, log)?.log());
    let time = asked.time("at")?;
    let time = time.ok_or_else(|| bad("at is missing: ?at=2026-11-23T10:00:00Z"))?;
    let note = note_over(&log, 1).await?;
    let text = reads(call).read(move |books| books.head_at_text(&log, &time, &note));
    Ok(plain(text.await?))
}

/// `GET /v1/logs/{log}/proof?from=SIZE&to=SIZE` and `?seq=SEQ&size=SIZE`: digests alone.
pub(super) async fn proof(call: &Call, log: &str) -> Answered {
    let asked = asked(call, &["from", "to", "seq", "size"])?;
    let log = Arc::clone(permit(call, Action::Verify, log)?.log());
    for (one, other) in [
        ("from", "seq"),
        ("from", "size"),
        ("to", "seq"),
        ("to", "size"),
    ] {
        asked.not_both(one, other)?;
    }
    match (asked.number("from")?, asked.number("seq")?) {
        (Some(0), _) => Err(bad(
            "a log of size 0 says nothing of what follows: from is 1 at least",
        )),
        (Some(from), _) => {
            let to = asked.number("to")?;
            if let Some(to) = to.filter(|to| *to < from) {
                return Err(bad(format!("from {from} is larger than to {to}")));
            }
            let note = note_over(&log, to.unwrap_or(from)).await?;
            let to = to.unwrap_or(note.size);
            let text = reads(call).read(move |books| books.consistency_text(&log, from, to, &note));
            Ok(plain(text.await?))
        }
        (None, Some(at)) => {
            let size = asked.number("size")?;
            if let Some(size) = size.filter(|size| *size <= at) {
                return Err(bad(format!("the log of {size} records has no record {at}")));
            }
            let note = note_over(&log, size.unwrap_or(at + 1)).await?;
            let text = reads(call).read(move |books| match size {
                Some(size) => books.inclusion_before(&log, at, size, &note),
                None => books.inclusion_text(&log, at, &note),
            });
            Ok(plain(text.await?))
        }
        (None, None) => Err(bad(
            "which proof: ?from=SIZE&to=SIZE that the log has only grown, or ?seq=SEQ that it has an entry",
        )),
    }
}

/// `GET /v1/logs/{log}/walk`
pub(super) async fn walk(call: &Call, log: &str) -> Answered {
    asked(call, &[])?;
    let log = Arc::clone(permit(call, Action::Verify, log)?.log());
    let note = note_over(&log, 1).await?;
    let file = reads(call).read(move |books| {
        let mut file = Vec::new();
        books.walk_file::<ReadError>(&log, &note, &mut |line| {
            file.extend_from_slice(line);
            Ok(())
        })?;
        Ok(file)
    });
    let mut response = Response::new(crate::body::Body::of(file.await?));
    set(&mut response, CONTENT_TYPE, path::NDJSON);
    Ok(private(response))
}

/// `GET /v1/logs/{log}/pin`
pub(super) async fn pin(call: &Call, log: &str) -> Answered {
    asked(call, &[])?;
    let log = Arc::clone(permit(call, Action::Verify, log)?.log());
    let line = reads(call).run(move |books| {
        let keys = books.keys(&log).map_err(|error| problem::of_read(&error))?;
        let mut keys = keys.set.keys.into_iter();
        let pin = keys.find_map(|key| Pin::new(log.id(), key));
        let none = || {
            let what = format!("damaged: no record of {} names a key of it", log.name());
            Problem::new(Code::Damaged, what)
        };
        pin.map(|pin| format!("{pin}\n")).ok_or_else(none)
    });
    Ok(plain(line.await?))
}

fn plain(body: String) -> Response<crate::body::Body> {
    private(text(StatusCode::OK, body))
}
