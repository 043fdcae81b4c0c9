//! Pieces of answers over HTTP/2 that were handed to the library and that their client has not taken.
//!
//! A client that opens no window keeps an answer in the library for as long as it likes, and nothing on the wire stands still meanwhile.
//! So each piece says when the library is done with it, and one that is kept too long ends its connection.

use super::wire::Seen;
use crate::body::{Body, Broken};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The body of an answer, whose pieces are counted while they wait.
pub(super) struct Answer {
    pub(super) body: Body,
    /// None: HTTP/1.1, where a client that takes nothing keeps the socket from being written.
    pub(super) seen: Option<Arc<Seen>>,
}

/// A piece that waits; done with when it is dropped.
struct Piece {
    bytes: Bytes,
    number: u64,
    seen: Arc<Seen>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.seen.taken(self.number);
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        let Some(seen) = &this.seen else {
            return polled;
        };
        polled.map_ok(|frame| {
            frame.map_data(|bytes| match bytes.is_empty() {
                true => bytes,
                false => Bytes::from_owner(Piece {
                    bytes,
                    number: seen.given(),
                    seen: Arc::clone(seen),
                }),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
