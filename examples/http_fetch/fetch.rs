//! A download: one GET in HTTP/1.1 over a connection of its own.
//!
//! It asks for one resource, takes the body out of its framing (a length, chunks, or the end of the connection) and
//! passes it on. It does no more than that: no TLS, no redirects (a 3xx is an error like any other), no proxies, no
//! cookies, no compression (it asks for none), no second request on a connection, no resuming in the middle. A whole HTTP
//! client is a library; this is as much as shows how sockets, timeouts and retries of this crate go together.
//!
//! Dropping the future closes the connection, which is all that a cancellation or a timeout has to do.

use crate::body::Body;
use crate::head::{self, Head, Malformed};
use crate::url::Url;
use offtick::net::{TcpStream, lookup};
use std::io;
use std::time::Duration;

/// What is read at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// How far a download has come, in bytes of content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SoFar {
    pub(crate) received: u64,
    /// Known if the server says so beforehand.
    pub(crate) total: Option<u64>,
}

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// Its text names the host.
    #[error(transparent)]
    Lookup(io::Error),
    /// Its text names the address.
    #[error(transparent)]
    Connect(io::Error),
    #[error("the connection broke after {received} bytes: {error}")]
    Broken { received: u64, error: io::Error },
    #[error("the connection ended after {received} bytes, before the answer did")]
    Short { received: u64 },
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the server says {status} {reason}")]
    Status { status: u16, reason: String, retry_after: Option<Duration> },
}

impl FetchError {
    /// True if the same request may do better in a while: the network's failures, and what servers say when they are
    /// busy or broken. A server that does not have it, or does not speak HTTP, will not have learned it by then.
    pub(crate) fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Lookup(_) | Self::Connect(_) | Self::Broken { .. } | Self::Short { .. } => true,
            Self::Malformed(_) => false,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
        }
    }

    /// When the server wants to be asked again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Downloads a resource; `content` gets each piece of the body, and how far it has come with that. Gives its size.
///
/// # Errors
/// [`FetchError`]; any status but 2xx is one.
pub(crate) async fn fetch(url: &Url, mut content: impl FnMut(&[u8], SoFar)) -> Result<u64, FetchError> {
    let addresses = lookup((url.host.as_str(), url.port)).await.map_err(FetchError::Lookup)?;
    let stream = TcpStream::connect(addresses).await.map_err(FetchError::Connect)?;
    let mut so_far = SoFar::default();
    let broken = |received| move |error| FetchError::Broken { received, error };

    stream.write_all(request(url).as_bytes()).await.map_err(broken(0))?;
    let (head, rest) = answer(&stream).await?;
    let Head { status, reason, framing, retry_after } = head;
    if !matches!(status, 200..=299) {
        return Err(FetchError::Status { status, reason, retry_after });
    }
    if let head::Framing::Length(length) = framing {
        so_far.total = Some(length);
    }

    let mut body = Body::new(framing);
    let mut take = |bytes: &[u8], body: &mut Body, so_far: &mut SoFar| {
        body.receive(bytes, &mut |piece| {
            so_far.received += piece.len() as u64;
            content(piece, *so_far);
        })
    };
    take(&rest, &mut body, &mut so_far)?;
    let mut buffer = vec![0; BUFFER];
    while !body.is_finished() {
        match stream.read(&mut buffer).await.map_err(broken(so_far.received))? {
            0 if body.is_over_at_the_end() => break,
            0 => return Err(FetchError::Short { received: so_far.received }),
            length => take(&buffer[..length], &mut body, &mut so_far)?,
        }
    }
    Ok(so_far.received)
}

fn request(url: &Url) -> String {
    let (target, host) = (&url.target, url.authority());
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: offtick-http_fetch\r\nAccept: */*\r\n\
         Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )
}

/// The head of the final answer, and what came in behind it.
async fn answer(stream: &TcpStream) -> Result<(Head, Vec<u8>), FetchError> {
    let mut bytes = Vec::with_capacity(1024);
    let mut buffer = [0; 1024];
    loop {
        if let Some(length) = head::length(&bytes) {
            let rest = bytes.split_off(length);
            let head = head::parse(&bytes)?;
            match head.status {
                101 => return Err(Malformed("a protocol that nobody asked for").into()),
                // Interim answers come before the one that counts.
                100..=199 => bytes = rest,
                _ => return Ok((head, rest)),
            }
            continue;
        }
        if bytes.len() >= head::MOST {
            return Err(Malformed("the head is too long").into());
        }
        match stream.read(&mut buffer).await {
            Ok(0) => return Err(FetchError::Short { received: 0 }),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(FetchError::Broken { received: 0, error }),
        }
    }
}
