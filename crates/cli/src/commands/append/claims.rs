//! What events claim, so that sending them again records nothing twice: a key of their own, or their number in a stream.

use super::belt::Bad;
use crate::exit::Exit;
use crate::node::{self, Writing};
use crate::say::{self, Failure};
use indelible_api::member;
use indelible_ledger::{Caller, Log, Prepared, Refusal};
use indelible_proof::event::EventReader;
use indelible_proof::head::{self, Head, Own, Shared, Stream};
use std::sync::Arc;

/// What all events of a run claim.
pub enum Claims {
    /// Nothing beyond themselves.
    None,
    /// The key in the member of this name.
    Key {
        /// Of the event's object.
        field: String,
        /// The log's limit on an event.
        event_bytes_max: usize,
    },
    /// Their number in a stream.
    Stream {
        /// As it was given.
        name: String,
        /// As it stands in a head.
        src: String,
        /// The stream's epoch.
        epoch: u64,
        /// Number of the input's first event.
        first: u64,
    },
}

impl Claims {
    /// By what was typed.
    pub fn new(
        writing: &Writing,
        log: &Arc<Log>,
        key_field: Option<&str>,
        stream: Option<&str>,
        first_number: u64,
    ) -> Result<Claims, Failure> {
        if let Some(field) = key_field {
            let event_bytes_max = writing
                .ledger
                .books()
                .event_bytes_max(log)
                .map_err(|error| say::read(&error, &writing.directory))?;
            let field = field.to_owned();
            return Ok(Claims::Key {
                field,
                event_bytes_max,
            });
        }
        let Some(name) = stream else {
            return Ok(Claims::None);
        };
        let mut src = String::new();
        head::percent_encode(name.as_bytes(), &mut src);
        if !head::is_source(&src) {
            return Err(Failure::usage(format!(
                "a stream's name has 1 to 128 characters, those that a head can't hold counted as three: {name:?}"
            )));
        }
        let now = writing.ledger.stream(log, &node::user(), &src);
        Ok(Claims::Stream {
            name: name.to_owned(),
            src,
            epoch: now.next.epoch,
            first: first_number,
        })
    }

    /// Whether each event is answered for itself.
    pub fn are_single(&self) -> bool {
        matches!(self, Claims::Key { .. })
    }

    /// Prepares an event, which is the `number`-th of the input, from 0.
    pub fn prepare(
        &self,
        caller: &mut Caller,
        log: &Arc<Log>,
        shared: &Shared<'_>,
        number: u64,
        event: &[u8],
    ) -> Result<Prepared, String> {
        let said = |error| say::event(&error);
        match self {
            Claims::None => caller
                .prepare(log, shared, &Own::default(), event)
                .map_err(said),
            Claims::Key {
                field,
                event_bytes_max,
            } => {
                let mut minified = Vec::with_capacity(event.len());
                EventReader::new(*event_bytes_max)
                    .minify(event, &mut minified)
                    .map_err(|error| said(error.into()))?;
                let key = member::key(&minified, field)?;
                let own = Own {
                    key: Some(&key),
                    ..Own::default()
                };
                caller.prepare(log, shared, &own, &minified).map_err(said)
            }
            Claims::Stream {
                src, epoch, first, ..
            } => {
                let stream = Stream {
                    src,
                    epoch: *epoch,
                    n: first.saturating_add(number),
                };
                let own = Own {
                    stream: Some(stream),
                    ..Own::default()
                };
                caller.prepare(log, shared, &own, event).map_err(said)
            }
        }
    }

    /// What is said of a group that was not recorded for what it claims. `None`: it was for something else.
    pub fn failure(
        &self,
        writing: &Writing,
        log: &str,
        line: u64,
        refusal: &Refusal,
    ) -> Option<Failure> {
        let failed = |text| Failure::new(Exit::NotAllRecorded, text);
        match (self, refusal) {
            (Claims::Key { .. }, _) => claim_of_key(refusal).map(|what| {
                failed(format!("line {line}: {what}")).hint(
                    "lines after it may be recorded: correct it and send all again, what is recorded is not recorded twice",
                )
            }),
            (Claims::Stream { name, first, .. }, Refusal::Conflict { seq }) => {
                let number = number_of(writing, log, *seq);
                let at = number.map_or_else(String::new, |number| format!("number {number} of "));
                let failure = failed(format!(
                    "{at}stream {name:?} belongs to another event, record {seq}"
                ));
                Some(match number {
                    Some(number) if number == *first => failure.hint(
                        "the input does not begin as what was sent first; if it goes on where that ends, say so with --first-number N",
                    ),
                    _ => failure.hint("the input is not what was sent first under this name"),
                })
            }
            (Claims::Stream { name, .. }, Refusal::Expected { n, .. }) => Some(
                failed(format!("stream {name:?} goes on with number {n}"))
                    .hint(format!("the input must not begin behind it: --first-number {n}")),
            ),
            (Claims::Stream { .. } | Claims::None, _) => None,
        }
    }

    /// What is said of a line that was passed over for what it claims.
    pub fn bad(&self, line: u64, refusal: &Refusal) -> Option<Bad> {
        let what = self.are_single().then(|| claim_of_key(refusal)).flatten()?;
        Some(Bad { line, what })
    }
}

fn claim_of_key(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::Conflict { seq } => {
            Some(format!("its key belongs to another event, record {seq}"))
        }
        Refusal::NotCompared { .. } => Some(refusal.to_string()),
        _ => None,
    }
}

/// The number of a record in its stream.
fn number_of(writing: &Writing, log: &str, seq: u64) -> Option<u64> {
    let books = writing.ledger.books();
    let stored = books.record(&*books.log(log)?, seq).ok()?;
    Some(Head::parse(&stored.head).ok()?.own.stream?.n)
}
