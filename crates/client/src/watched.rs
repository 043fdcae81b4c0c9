//! A TLS stream that remembers why TLS ended it: what speaks HTTP above it keeps only the words of an error, or less.
//!
//! In TLS 1.3 a node refuses a certificate after the handshake is over for its client. The alert that says so may then lie unread while
//! a write already fails, so after a failed write what came is read first.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Why TLS ended a stream, if it did.
pub(crate) type Fault = Arc<OnceLock<String>>;

pub(crate) struct Watched<S> {
    stream: S,
    fault: Fault,
    /// A write failed, and what came is being read.
    failed: Option<io::Error>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    pub(crate) fn new(stream: S) -> (Watched<S>, Fault) {
        let fault = Fault::default();
        let watched = Watched {
            stream,
            fault: Arc::clone(&fault),
            failed: None,
        };
        (watched, fault)
    }

    fn note(&self, error: &io::Error) {
        if is_of_certificates(error) {
            // The first reason is the one that counts.
            self.fault.get_or_init(|| error.to_string());
        }
    }

    /// What a write came to. After a failed one all that came is read, to its end, before the failure is told.
    fn after_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: io::Result<T>,
    ) -> Poll<io::Result<T>> {
        match written {
            Ok(written) => Poll::Ready(Ok(written)),
            Err(error) => {
                self.note(&error);
                self.failed = Some(error);
                self.read_out(context).map(Err)
            }
        }
    }

    fn read_out(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let mut scratch = [0; 1_024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => continue,
                Ok(()) => break,
                Err(read) => {
                    self.note(&read);
                    break;
                }
            }
        }
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        Poll::Ready(self.failed.take().unwrap_or_else(gone))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = ready!(Pin::new(&mut this.stream).poll_read(context, buffer));
        Poll::Ready(read.inspect_err(|error| this.note(error)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.failed.is_some() {
            return this.read_out(context).map(Err);
        }
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, bytes));
        this.after_write(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.failed.is_some() {
            return this.read_out(context).map(Err);
        }
        let flushed = ready!(Pin::new(&mut this.stream).poll_flush(context));
        this.after_write(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.failed.is_some() {
            return this.read_out(context).map(Err);
        }
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(context, pieces));
        this.after_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Whether the other side does not take our certificate, or we don't take theirs: trying again changes nothing.
pub(crate) fn is_of_certificates(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(
        tls,
        Some(
            rustls::Error::AlertReceived(_)
                | rustls::Error::InvalidCertificate(_)
                | rustls::Error::PeerIncompatible(_)
                | rustls::Error::NoApplicationProtocol
        )
    )
}
