//! A connection that reads no more than it should: the libraries above it would buffer whatever a server sends.

use super::stream::failed;
use crate::model::{Cause, Outcome};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Most bytes read from one connection.
pub const LARGEST: usize = 256 * 1024;

/// Whether the server sent more than [`LARGEST`]. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TooMuch(Arc<AtomicBool>);

impl TooMuch {
    /// Whether it did.
    pub fn happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The verdict of a failed conversation: this, if it was the reason.
    pub fn or(&self, failure: Box<Outcome>) -> Box<Outcome> {
        if !self.happened() {
            return failure;
        }
        failed(Cause::UnexpectedResponse, "the server sent more than 256 KiB", "this is not the service it should be")
    }
}

/// The connection.
#[derive(Debug)]
pub struct Capped {
    stream: TcpStream,
    left: usize,
    too_much: TooMuch,
}

impl Capped {
    /// Over an open connection.
    pub fn new(stream: TcpStream) -> Capped {
        Capped { stream, left: LARGEST, too_much: TooMuch::default() }
    }

    /// Our end's address.
    pub fn local(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }

    /// Tells later whether the server sent too much.
    pub fn too_much(&self) -> TooMuch {
        self.too_much.clone()
    }
}

impl AsyncRead for Capped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            self.too_much.0.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(io::Error::other("the server sent more than 256 KiB")));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        // One read may go over the limit by the reader's buffer; the next one ends it.
        self.left = self.left.saturating_sub(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Capped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
