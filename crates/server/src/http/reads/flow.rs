//! Answers that flow: made piece by piece, the next when the one before was taken.
//!
//! A slow reader holds two pieces and no thread. The first piece is made before the answer begins, so that what can't be read at all
//! is refused as anything else is.

use crate::body::Body;
use crate::limits::READ_STALL_MAX;
use crate::reads::{Place, Reads};
use bytes::Bytes;
use indelible_api::Problem;
use indelible_ledger::Books;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Something to be sent in pieces.
pub(super) trait Source: Send + 'static {
    /// The next piece; none at the end. Runs on a thread that may wait.
    fn next(&mut self, books: &Books) -> Result<Option<Vec<u8>>, Problem>;

    /// Whether an answer that ends with the line of a problem has ended in order: its reader knows that there should be more. What is
    /// a whole or nothing is cut off.
    fn may_end_early(&self) -> bool;

    /// The problem, as it is told where it stopped.
    fn told(&self, problem: Problem) -> Problem {
        problem
    }
}

/// Begins to send.
pub(super) async fn body(
    reads: Arc<Reads>,
    place: Place,
    source: impl Source,
) -> Result<Body, Problem> {
    let (first, source) = step(&reads, source).await?;
    let first = first.map_err(|problem| source.told(problem))?;
    let (out, pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        send(&reads, first, source, &out).await;
        drop(place);
    });
    Ok(Body::Ended(pieces))
}

/// Makes the next piece.
async fn step<S: Source>(
    reads: &Reads,
    mut source: S,
) -> Result<(Result<Option<Vec<u8>>, Problem>, S), Problem> {
    reads
        .run(move |books| Ok((source.next(books), source)))
        .await
}

async fn send(
    reads: &Reads,
    mut piece: Option<Vec<u8>>,
    mut source: impl Source,
    out: &mpsc::Sender<Option<Bytes>>,
) {
    while let Some(bytes) = piece {
        if !give(out, Some(bytes.into()), READ_STALL_MAX).await {
            return;
        }
        let (problem, in_order) = match step(reads, source).await {
            Ok((Ok(made), back)) => {
                (piece, source) = (made, back);
                continue;
            }
            Ok((Err(problem), source)) => (source.told(problem), source.may_end_early()),
            Err(problem) => (problem, false),
        };
        if give(out, Some(line(&problem).into()), READ_STALL_MAX).await && in_order {
            give(out, None, READ_STALL_MAX).await;
        }
        return;
    }
    give(out, None, READ_STALL_MAX).await;
}

/// Hands a piece over; `false` if nobody takes it, or not in time.
pub(super) async fn give(
    out: &mpsc::Sender<Option<Bytes>>,
    piece: Option<Bytes>,
    patience: Duration,
) -> bool {
    let given = tokio::time::timeout(patience, out.send(piece)).await;
    matches!(given, Ok(Ok(())))
}

/// A problem as a line of its own.
pub(super) fn line(problem: &Problem) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(problem).expect("shapes of ours have text keys and no failing parts");
    line.push(b'\n');
    line
}
