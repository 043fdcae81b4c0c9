//! Bodies: what is sent, whole or in pieces, and what is read of an answer, bounded.

use crate::retry::Trouble;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The body of a request.
pub(crate) enum Body {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// Pieces come as they are made.
    Pieces(mpsc::Receiver<Bytes>),
}

impl Body {
    pub(crate) fn of(bytes: impl Into<Bytes>) -> Body {
        Body::Whole(Full::new(bytes.into()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Body::Whole(whole) => Pin::new(whole).poll_frame(context),
            Body::Pieces(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(whole) => whole.is_end_stream(),
            Body::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(whole) => whole.size_hint(),
            Body::Pieces(_) => SizeHint::default(),
        }
    }
}

/// Reads a whole answer of at most `most` bytes.
pub(crate) async fn read(mut body: Incoming, most: usize) -> Result<Bytes, Trouble> {
    let mut whole = BytesMut::new();
    while let Some(piece) = next(&mut body).await? {
        if whole.len() + piece.len() > most {
            return Err(Trouble::sent(format!(
                "the answer has more than {most} bytes"
            )));
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(piece);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece of an answer; none at its end.
pub(crate) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                // Trailers say nothing here.
                Err(_) => continue,
            },
            Some(Err(error)) => {
                let why = crate::pool::with_causes(&error);
                return Err(Trouble::sent(format!("the answer broke off: {why}")));
            }
        }
    }
}
