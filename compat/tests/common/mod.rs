//! What the tests share.
#![allow(dead_code, reason = "each test binary uses its own part")]

#[cfg(feature = "hyper-util")]
pub(crate) mod server;
pub(crate) mod tls;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use offtick::net::{TcpListener, TcpStream};
use offtick::{BoxError, Handle, Runtime};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

pub(crate) const MEGABYTE: usize = 1 << 20;

/// Runs a test's body as a task of a new runtime; its errors fail the test.
pub(crate) fn run<T, F>(body: impl FnOnce(Handle) -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = Result<T, BoxError>> + Send + 'static,
{
    let rt = Runtime::new().expect("a runtime");
    rt.run(body(rt.handle().clone())).wait().expect("the test's body")
}

/// Both ends of one connection.
pub(crate) async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _peer) = listener.accept().await?;
    Ok((client, server))
}

/// A body of unknown length, made while it is sent: the next bytes of [`pattern`].
pub(crate) struct Made {
    left: usize,
    size: usize,
    /// Bytes that were asked for so far.
    pub(crate) made: Arc<AtomicUsize>,
}

impl Made {
    /// `length` bytes, in pieces of `size`, the last one shorter.
    pub(crate) fn new(length: usize, size: usize) -> Self {
        Self { left: length, size, made: Arc::default() }
    }
}

impl Body for Made {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let size = self.left.min(self.size);
        if size == 0 {
            return Poll::Ready(None);
        }
        self.left -= size;
        let start = self.made.fetch_add(size, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(pattern(start, size)))))
    }
}

/// Bytes that say where they stand: a piece lost, doubled or swapped shows.
pub(crate) fn pattern(start: usize, size: usize) -> Bytes {
    (start..start + size).map(byte).collect::<Vec<u8>>().into()
}

fn byte(at: usize) -> u8 {
    // 251 is prime, so it does not go round with the buffers.
    (at % 251) as u8
}

/// Reads a body to its end, looks at each byte, and says how many there were.
pub(crate) async fn read_pattern(mut body: Incoming) -> Result<usize, BoxError> {
    let mut at = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if let Some(wrong) = data.iter().enumerate().position(|(nth, found)| *found != byte(at + nth)) {
            return Err(format!("byte {} is wrong", at + wrong).into());
        }
        at += data.len();
    }
    Ok(at)
}
