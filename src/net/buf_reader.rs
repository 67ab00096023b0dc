//! Reading by lines and other delimiters.

use super::inbox::{Found, Inbox};
use super::stream::too_short;
use super::{ByteStream, OwnedReadHalf, ReadHalf, TcpStream};
use crate::error::InvalidSetting;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

/// How many bytes wait in a buffer at most, unless it is said otherwise.
const LIMIT: usize = 64 * 1024;

/// The most bytes that are read at once.
const CHUNK: usize = 8 * 1024;

/// What a [`BufReader`] reads from: streams, the halves that read, and references to them. Sealed.
pub trait ByteReader: Read {}

impl<R: Read> ByteReader for R {}

use sealed::Read;

pub(super) mod sealed {
    use super::{Context, Poll, io};

    pub trait Read {
        fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    }
}

/// [`Read`] by the method of the same name.
macro_rules! byte_reader {
    ([$($generics:tt)*] $reader:ty) => {
        impl<$($generics)*> crate::net::buf_reader::sealed::Read for $reader {
            fn poll_read(
                &self,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                <$reader>::poll_read(self, cx, buffer)
            }
        }
    };
}

#[cfg_attr(not(unix), allow(unused_imports, reason = "for the streams of Unix"))]
pub(super) use byte_reader;

byte_reader!([T: ByteStream] ReadHalf<'_, T>);
byte_reader!([T: ByteStream] OwnedReadHalf<T>);
byte_reader!([] TcpStream);

impl<R: Read> Read for &R {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        R::poll_read(self, cx, buffer)
    }
}

/// Reads a stream by lines and other delimiters: what came behind them waits in a buffer for the next read.
///
/// Over a [`TcpStream`](super::TcpStream) or `UnixStream`, a half that reads, a [`SharedStream`](super::SharedStream), any
/// descriptor in an [`Io`](super::Io) (Unix), or a reference to one of them. What is written goes past it, by
/// [`get_ref`](Self::get_ref).
///
/// # Cancel safety
/// A read that is dropped has taken nothing out: all that was received is still there for the next one. Only
/// [`read_exact`](Self::read_exact) may have moved a part.
///
/// # Example
/// ```
/// use offtick::net::{BufReader, TcpListener, TcpStream};
/// use std::net::Ipv4Addr;
/// let rt = offtick::Runtime::new()?;
/// let mut lines = rt.run(async {
///     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _peer) = listener.accept().await?;
///     server.write_all(b"one\ntwo\nthe rest").await?;
///     drop(server);
///     let mut reader = BufReader::new(client);
///     let mut lines = Vec::new();
///     while let Some(line) = reader.read_line().await? {
///         lines.push(line);
///     }
///     Ok::<_, std::io::Error>(lines)
/// });
/// assert_eq!(lines.wait()?, ["one\n", "two\n", "the rest"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BufReader<R> {
    reader: R,
    inbox: Inbox,
}

impl<R> BufReader<R> {
    /// A buffer of 64 KiB at most, which is also the longest line.
    pub fn new(reader: R) -> Self {
        Self { reader, inbox: Inbox::new(LIMIT) }
    }

    /// A buffer of at most so many bytes, at least 1, which is also the longest line. It grows as they arrive.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0.
    pub fn with_limit(reader: R, bytes: usize) -> Result<Self, InvalidSetting> {
        InvalidSetting::require(bytes > 0, "limit", 0, "at least 1")?;
        Ok(Self { reader, inbox: Inbox::new(bytes) })
    }

    /// What it reads from. Bytes that are read from there directly come behind those in the buffer.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// What was received and not read yet.
    pub fn buffer(&self) -> &[u8] {
        self.inbox.unread()
    }

    /// What it reads from, and what was received and not read yet.
    pub fn into_parts(mut self) -> (R, Vec<u8>) {
        let unread = self.inbox.take(self.inbox.len());
        (self.reader, unread)
    }

    /// Takes bytes as read, as many of the buffer as there are at most.
    pub fn consume(&mut self, bytes: usize) {
        self.inbox.skip(bytes);
    }
}

/// Nothing is pinned: the reader is used by shared reference alone.
impl<R> Unpin for BufReader<R> {}

impl<R: ByteReader> BufReader<R> {
    /// What was received and not read yet; waits for something if that is nothing. Empty at the end.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.inbox.len() == 0 {
            self.receive().await?;
        }
        Ok(self.inbox.unread())
    }

    /// Does what [`fill_buf`](Self::fill_buf) does, for futures written by hand.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.inbox.len() == 0 {
            ready!(self.poll_receive(cx))?;
        }
        Poll::Ready(Ok(self.inbox.unread()))
    }

    /// Does what [`read`](Self::read) does, for futures written by hand.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !buffer.is_empty() {
            ready!(self.poll_fill_buf(cx))?;
        }
        Poll::Ready(Ok(self.inbox.take_into(buffer)))
    }

    /// Reads what is there, at most a buffer full; waits until something is. Zero is the end.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !buffer.is_empty() {
            self.fill_buf().await?;
        }
        Ok(self.inbox.take_into(buffer))
    }

    /// Fills the buffer.
    ///
    /// # Errors
    /// Those of the stream; `UnexpectedEof` if the peer sends less.
    pub async fn read_exact(&mut self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer).await? {
                0 => return Err(too_short()),
                n => buffer = &mut buffer[n..],
            }
        }
        Ok(())
    }

    /// Reads up to a delimiter, which is included; at the end of the stream, what is left. `None` if that is nothing.
    ///
    /// # Errors
    /// Those of the stream; `InvalidData` if the delimiter does not come within the [limit](Self::with_limit): the bytes
    /// stay in the buffer, to be taken by [`read`](Self::read).
    pub async fn read_until(&mut self, delimiter: u8) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            match self.inbox.find(delimiter, &mut searched) {
                Found::Within(n) => return Ok(Some(self.inbox.take(n))),
                Found::Full => {
                    let limit = self.inbox.limit();
                    let text = format!("what was to be read is longer than the limit of {limit} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                Found::NotYet => {}
            }
            if self.receive().await? == 0 {
                let left = self.inbox.take(self.inbox.len());
                return Ok(Some(left).filter(|left| !left.is_empty()));
            }
        }
    }

    /// Reads a line, its end included; at the end of the stream, what is left. `None` if that is nothing.
    ///
    /// # Errors
    /// Those of [`read_until`](Self::read_until); `InvalidData` for a line that is not UTF-8, which is inside.
    pub async fn read_line(&mut self) -> io::Result<Option<String>> {
        let line = self.read_until(b'\n').await?.map(String::from_utf8).transpose();
        line.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// There is room.
    async fn receive(&mut self) -> io::Result<usize> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { reader, inbox } = self;
        inbox.receive(CHUNK, |room| reader.poll_read(cx, room))
    }
}

impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufReader").field("reader", &self.reader).field("unread", &self.inbox.len()).finish()
    }
}
