//! Records: one, or a range by seq or time, as lines.

use super::asked::{Asked, bad, seq};
use super::flow::{self, Source};
use super::{Answered, Call, asked, permit_to_read, private, reads};
use crate::body::Body;
use crate::http::set;
use crate::limits::{READ_BYTES, READ_RECORDS};
use crate::problem;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderName};
use indelible_api::{Code, Problem, header, path};
use indelible_ledger::{Anchor, Books, Log, ReadError, Side, Stored};
use indelible_proof::hash;
use indelible_proof::record::encode_line;
use indelible_proof::time::Time;
use std::ops::Range;
use std::sync::Arc;

/// `GET /v1/logs/{log}/records/{seq}`
pub(super) async fn one(call: &Call, log: &str, at: &str) -> Answered {
    let asked = asked(call, &["heads"])?;
    let heads = asked.flag("heads")?;
    let permit = permit_to_read(call, heads, log)?;
    let (log, at) = (Arc::clone(permit.log()), seq(at)?);
    let stored = reads(call)
        .read(move |books| {
            if at >= log.size() {
                return Err(no_such(&log, at));
            }
            let anchor = log.anchor(at + 1);
            let records = books.proved(&log, at..at + 1, anchor, 1)?;
            records.into_iter().next().ok_or_else(|| no_such(&log, at))
        })
        .await?;
    let mut line = Vec::new();
    push_line(&stored, heads, &mut line);
    let is_whole = stored.content.is_some() && !heads;
    let sort = if is_whole { "record" } else { "head" };
    let mut response = Response::new(Body::of(line));
    set(&mut response, CONTENT_TYPE, path::JSON);
    let tag = format!("\"{}-{sort}\"", hash::entry(&stored.head));
    set(&mut response, ETAG, &tag);
    Ok(private(response))
}

/// The line of a record, or of its head, without an end.
pub(super) fn push_line(stored: &Stored, heads: bool, out: &mut Vec<u8>) {
    let content = stored.content.as_ref().filter(|_| !heads);
    let content = content.map(|(salt, event)| (&salt[..], &event[..]));
    encode_line(&stored.head, content, out);
}

fn no_such(log: &Log, seq: u64) -> ReadError {
    ReadError::NoSuchRecord {
        log: log.name().to_owned(),
        seq,
        size: log.size(),
    }
}

/// `GET /v1/logs/{log}/records`
pub(super) async fn many(call: &Call, log: &str) -> Answered {
    let known = ["from", "to", "count", "after", "before", "heads"];
    let asked = asked(call, &known)?;
    let heads = asked.flag("heads")?;
    let permit = permit_to_read(call, heads, log)?;
    let log = Arc::clone(permit.log());
    let bounds = Bounds::read(&asked)?;
    let place = reads(call).flow(&call.peer.principal)?;
    let size = log.size();
    let seqs = {
        let log = Arc::clone(&log);
        let find = move |books: &Books| bounds.within(books, &log, size);
        reads(call).run(find).await?
    };
    let end = seqs.end;
    let lines = Lines {
        anchor: log.anchor(end),
        next: seqs.start,
        end,
        log,
        heads,
    };
    let body = flow::body(Arc::clone(reads(call)), place, lines).await?;
    let mut response = Response::new(body);
    set(&mut response, CONTENT_TYPE, path::NDJSON);
    for (name, number) in [(header::NEXT, end), (header::SIZE, size)] {
        let name = HeaderName::from_static(name);
        set(&mut response, name, &number.to_string());
    }
    Ok(private(response))
}

/// Which records of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    from: Option<u64>,
    to: Option<u64>,
    count: Option<u64>,
    after: Option<Time>,
    before: Option<Time>,
}

impl Bounds {
    pub(super) fn read(asked: &Asked) -> Result<Bounds, Problem> {
        for (one, other) in [
            ("from", "after"),
            ("to", "count"),
            ("to", "before"),
            ("to", "after"),
            ("count", "before"),
            ("from", "before"),
        ] {
            asked.not_both(one, other)?;
        }
        Ok(Bounds {
            from: asked.number("from")?,
            to: asked.number("to")?,
            count: asked.number("count")?,
            after: asked.time("after")?,
            before: asked.time("before")?,
        })
    }

    /// The records of a log of `size`, maybe none.
    pub(super) fn within(
        &self,
        books: &Books,
        log: &Log,
        size: u64,
    ) -> Result<Range<u64>, Problem> {
        let at = |time: Option<Time>| {
            let found = time.map(|time| books.size_at(log, &time, Side::Before, size));
            found.transpose().map_err(|error| problem::of_read(&error))
        };
        let first = self.from.or(at(self.after)?).unwrap_or(0);
        let beyond = |seq: u64| {
            let what = format!("no record {seq} in {}: it has {size}", log.name());
            Problem::new(Code::NotFound, what)
        };
        if first > size {
            return Err(beyond(first));
        }
        let end = match (self.to, self.count, at(self.before)?) {
            (Some(last), ..) if last >= size => return Err(beyond(last)),
            (Some(last), ..) if last < first => {
                return Err(bad(format!("from {first} is after to {last}")));
            }
            (Some(last), ..) => last + 1,
            (None, Some(count), _) => first.saturating_add(count).min(size),
            (None, None, Some(end)) => end.max(first),
            (None, None, None) => size,
        };
        Ok(first..end)
    }
}

/// A range as lines.
struct Lines {
    log: Arc<Log>,
    next: u64,
    end: u64,
    anchor: Anchor,
    heads: bool,
}

impl Source for Lines {
    fn next(&mut self, books: &Books) -> Result<Option<Vec<u8>>, Problem> {
        if self.next >= self.end {
            return Ok(None);
        }
        let end = self.end.min(self.next + READ_RECORDS);
        let records = books.proved(&self.log, self.next..end, self.anchor, READ_BYTES);
        let records = records.map_err(|error| problem::of_read(&error))?;
        let mut lines = Vec::new();
        for stored in &records {
            push_line(stored, self.heads, &mut lines);
            lines.push(b'\n');
            self.next = stored.seq + 1;
        }
        Ok(Some(lines))
    }

    fn may_end_early(&self) -> bool {
        true
    }

    /// Where reading goes on.
    fn told(&self, mut problem: Problem) -> Problem {
        problem.seq = Some(self.next);
        problem
    }
}
