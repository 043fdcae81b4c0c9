//! Bodies: what is read of a request, counted, and what is sent in pieces.

use crate::intake::Hold;
use crate::limits::{DISCARD_BYTES_MAX, SILENCE_MAX};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use indelible_api::{Code, Problem};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The body of an answer.
pub enum Body {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// Pieces come as they are made.
    Pieces(mpsc::Receiver<Bytes>),
    /// Pieces whose end is said, by `None`. Without that the answer is cut off, and its reader sees that it is.
    Ended(mpsc::Receiver<Option<Bytes>>),
}

/// An answer that was begun can't be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer was broken off")]
pub struct Broken;

impl Body {
    /// All of it.
    pub fn of(bytes: impl Into<Bytes>) -> Body {
        Body::Whole(Full::new(bytes.into()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Body::Whole(whole) => Pin::new(whole)
                .poll_frame(context)
                .map_err(|never| match never {}),
            Body::Pieces(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
            Body::Ended(pieces) => pieces.poll_recv(context).map(|piece| match piece {
                Some(Some(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(None) => None,
                None => Some(Err(Broken)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(whole) => whole.is_end_stream(),
            Body::Pieces(_) | Body::Ended(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(whole) => whole.size_hint(),
            Body::Pieces(_) | Body::Ended(_) => SizeHint::default(),
        }
    }
}

/// Reads a whole body of at most `most` bytes, counting it as it comes.
///
/// # Errors
/// It is longer, came too slowly, broke off, or there is no room for it.
pub async fn read(body: &mut Incoming, most: usize, hold: &mut Hold) -> Result<Bytes, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(too_long(most));
    }
    // What is announced is counted at once, so that many long bodies are not all begun and none finished.
    hold.grow(announced)?;
    let mut counted = announced;
    let mut whole = BytesMut::with_capacity(announced);
    while let Some(piece) = next(body).await? {
        if whole.len() + piece.len() > most {
            return Err(too_long(most));
        }
        if whole.len() + piece.len() > counted {
            let more = whole.len() + piece.len() - counted;
            hold.grow(more)?;
            counted += more;
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(piece);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Reads on what nobody wants any more, so that a client that sends first and reads then gets to see why: a connection that is closed
/// on unread bytes is reset, and the answer with it. Not for ever.
pub async fn discard(mut body: Incoming) {
    let mut left = DISCARD_BYTES_MAX;
    while let Ok(Some(piece)) = next(&mut body).await {
        match left.checked_sub(piece.len()) {
            Some(fewer) => left = fewer,
            None => return,
        }
    }
}

/// The next piece of a body; none at its end.
///
/// # Errors
/// Nothing came for too long, or the connection broke.
pub async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = tokio::time::timeout(SILENCE_MAX, body.frame()).await;
        let silent = |_| {
            let what = format!(
                "nothing came for {} s inside a request",
                SILENCE_MAX.as_secs()
            );
            Problem::new(Code::TooSlow, what)
        };
        match frame.map_err(silent)? {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                // Trailers say nothing here.
                Err(_) => continue,
            },
            Some(Err(error)) => {
                return Err(Problem::new(
                    Code::BadRequest,
                    format!("the body broke off: {error}"),
                ));
            }
        }
    }
}

fn too_long(most: usize) -> Problem {
    Problem::new(
        Code::TooLarge,
        format!("the body has more than {most} bytes"),
    )
}
