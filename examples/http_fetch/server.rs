//! A small server of HTTP/1.1 on loopback, so that the example runs anywhere; with faults, so that there is something to
//! be seen. One request a connection.

use crate::resources::{Kind, Resource};
use offtick::net::{TcpListener, TcpStream};
use offtick::time::sleep;
use offtick::{Handle, Task, TaskError, TaskGroup};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest request line that is read, in bytes.
const LINE: usize = 1024;

/// What is written at once, in bytes.
const PIECE: usize = 16 * 1024;

/// Pieces of a slow body, and the pause after each: two seconds altogether.
const SLOW_PIECES: usize = 40;
const SLOW_PAUSE: Duration = Duration::from_millis(50);

/// Requests for which a busy server has no time.
const BUSY: u32 = 2;

/// A server that runs in the background until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Dropping a task cancels it, and this one owns all the connections.
    _accepting: Task<()>,
}

/// How many requests there were for each path.
#[derive(Clone, Debug, Default)]
struct Visits(Arc<Mutex<HashMap<String, u32>>>);

impl Visits {
    /// One more; how many there are with it.
    fn count(&self, path: &str) -> u32 {
        let mut visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let visits = visits.entry(path.to_owned()).or_default();
        *visits += 1;
        *visits
    }
}

impl Server {
    /// Listens on loopback, at a port that the system chooses. Waits until it does: there is no loop yet that ticks.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn start(rt: &Handle) -> Result<Self, TaskError> {
        let mut listening = rt.run(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            Ok::<_, io::Error>((listener, address))
        });
        let (listener, address) = listening.wait()?;
        let connections = TaskGroup::new(rt);
        let accepting = rt.spawn(async move {
            let visits = Visits::default();
            let mut incoming = listener.incoming();
            while let Some(stream) = incoming.next().await {
                // After an error (no descriptor left) `next` waits a little by itself.
                let Ok(stream) = stream else { continue };
                let visits = visits.clone();
                // A client that goes away in the middle is its own business.
                connections.spawn(async move { serve(&stream, &visits).await.unwrap_or_default() }).detach();
            }
        });
        Ok(Self { address, _accepting: accepting })
    }
}

async fn serve(stream: &TcpStream, visits: &Visits) -> io::Result<()> {
    let line = request_line(stream).await?;
    let mut words = line.split(' ');
    let (Some("GET"), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        return head(stream, "400 Bad Request", "Content-Length: 0").await;
    };
    let resource = Resource::from_path(path).filter(|resource| resource.kind != Kind::Missing);
    let visit = visits.count(path);
    match resource {
        // A socket that is closed while it has something unread resets the connection: here, the rest of the request.
        Some(Resource { kind: Kind::Reset, size, .. }) if visit == 1 => {
            head(stream, "200 OK", &format!("Content-Length: {}", size.max(1))).await?;
            return content(stream, size / 2).await;
        }
        _ => rest_of_request(stream).await?,
    }
    let Some(Resource { kind, size, .. }) = resource else {
        return head(stream, "404 Not Found", "Content-Length: 0").await;
    };
    match kind {
        // Until the client has enough.
        Kind::Silent => while stream.read(&mut [0; 64]).await? > 0 {},
        Kind::Busy if visit <= BUSY => {
            head(stream, "503 Service Unavailable", "Content-Length: 0\r\nRetry-After: 1").await?;
        }
        Kind::Chunked => {
            head(stream, "200 OK", "Transfer-Encoding: chunked").await?;
            chunks(stream, size).await?;
        }
        Kind::Close => {
            head(stream, "200 OK", "Content-Type: application/octet-stream").await?;
            content(stream, size).await?;
        }
        _ => {
            head(stream, "200 OK", &format!("Content-Length: {size}")).await?;
            match kind {
                Kind::Slow => slowly(stream, size).await?,
                _ => content(stream, size).await?,
            }
        }
    }
    Ok(())
}

/// Byte by byte, so that nothing behind it is taken: see the reset.
async fn request_line(stream: &TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if line.len() == LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the request line is too long"));
        }
        stream.read_exact(&mut byte).await?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Headers do not matter here; a GET has no body.
async fn rest_of_request(stream: &TcpStream) -> io::Result<()> {
    let mut last = [b'\r', b'\n', 0, 0];
    let mut buffer = [0; 512];
    while last != *b"\r\n\r\n" {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for byte in &buffer[..length] {
            last.rotate_left(1);
            last[3] = *byte;
        }
    }
    Ok(())
}

async fn head(stream: &TcpStream, status: &str, headers: &str) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n\r\n").as_bytes()).await
}

/// Byte number `n` of any content is this of `n`: whoever downloads it can tell whether it is right.
pub(crate) fn byte_at(place: usize) -> u8 {
    (place % 251) as u8
}

fn bytes(from: usize, length: usize) -> Vec<u8> {
    (from..from + length).map(byte_at).collect()
}

async fn content(stream: &TcpStream, size: usize) -> io::Result<()> {
    for from in (0..size).step_by(PIECE) {
        stream.write_all(&bytes(from, PIECE.min(size - from))).await?;
    }
    Ok(())
}

async fn slowly(stream: &TcpStream, size: usize) -> io::Result<()> {
    let piece = size.div_ceil(SLOW_PIECES).max(1);
    for from in (0..size).step_by(piece) {
        stream.write_all(&bytes(from, piece.min(size - from))).await?;
        sleep(SLOW_PAUSE).await;
    }
    Ok(())
}

/// Chunks of all sizes, from a single byte on.
async fn chunks(stream: &TcpStream, size: usize) -> io::Result<()> {
    let (mut from, mut length) = (0, 1);
    while from < size {
        length = length.min(size - from);
        let mut chunk = format!("{length:X}\r\n").into_bytes();
        chunk.extend(bytes(from, length));
        chunk.extend_from_slice(b"\r\n");
        stream.write_all(&chunk).await?;
        from += length;
        length = (length * 3 + 1).min(PIECE);
    }
    stream.write_all(b"0\r\n\r\n").await
}

#[cfg(test)]
mod tests {
    use super::{Server, byte_at};
    use crate::fetch::{FetchError, SoFar, fetch};
    use crate::url::Url;
    use offtick::{Runtime, TaskError};

    /// Downloads from a new server, so many times: the outcome of the last time.
    fn download(path: &str, times: u32) -> Result<(Vec<u8>, SoFar), FetchError> {
        let rt = Runtime::new().unwrap();
        let server = Server::start(rt.handle()).unwrap();
        let url = Url::parse(&format!("http://{}{path}", server.address)).unwrap();
        let mut task = rt.spawn(async move {
            let mut last = None;
            for _ in 0..times {
                let (mut content, mut newest) = (Vec::new(), SoFar::default());
                let size = fetch(&url, |piece, so_far| {
                    content.extend_from_slice(piece);
                    newest = so_far;
                })
                .await;
                last = Some(size.map(|size| {
                    assert_eq!((size, newest.received), (content.len() as u64, size));
                    (content, newest)
                }));
            }
            last.expect("at least once")
        });
        task.wait().unwrap_or_else(|error: TaskError| panic!("{path}: {error}"))
    }

    #[test]
    fn content_arrives_as_it_was_sent() {
        for size in [0, 1, 2, 1000, 16 * 1024, 3_000_001] {
            for (kind, times) in [("plain", 1), ("chunked", 1), ("close", 1), ("busy", 3), ("reset", 2)] {
                let (content, newest) = download(&format!("/1/{kind}/{size}"), times).unwrap();
                assert_eq!(content.len(), size, "{kind}");
                assert!(content.iter().enumerate().all(|(place, byte)| *byte == byte_at(place)), "{kind} of {size}");
                let told = !matches!(kind, "chunked" | "close");
                assert!(size == 0 || newest.total == told.then_some(size as u64), "{kind}: {newest:?}");
            }
        }
    }

    #[test]
    fn faults_are_told_apart() {
        let busy = download("/1/busy/9", 2).unwrap_err();
        assert!(matches!(busy, FetchError::Status { status: 503, .. }) && busy.is_worth_a_retry(), "{busy}");
        assert_eq!(busy.retry_after().map(|after| after.as_secs()), Some(1));
        let reset = download("/1/reset/3000000", 1).unwrap_err();
        assert!(matches!(reset, FetchError::Broken { .. }) && reset.is_worth_a_retry(), "{reset}");
        for path in ["/1/missing/9", "/elsewhere"] {
            let missing = download(path, 1).unwrap_err();
            assert!(matches!(missing, FetchError::Status { status: 404, .. }), "{missing}");
            assert!(!missing.is_worth_a_retry());
        }
    }
}
