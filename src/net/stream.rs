//! What the byte streams (TCP, Unix) and their halves have in common: reading and writing over a shared reference.

use super::io::{Did, Io};
use crate::reactor::{Direction, Place};
use sealed::Source;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll, ready};

/// A stream of bytes between two ends, which can be split into its directions: [`TcpStream`](super::TcpStream) and, on
/// Unix, `UnixStream`. For the types of the halves. Sealed.
pub trait ByteStream: sealed::Stream {}

impl<T: sealed::Stream> ByteStream for T {}

pub(super) mod sealed {
    use super::super::ready::sealed::Watched;
    use super::{IoSlice, IoSliceMut, io};
    use std::net::Shutdown;

    /// What the system gives.
    pub trait Source {
        /// True if a read or write that moved less than was asked for would block when repeated. So it is where the
        /// system fills a buffer as far as it can. Unix sockets do not, whose reads end where a descriptor was passed.
        /// TCP does, but for reads that end before a byte which the peer sent as urgent: so it counts only where the
        /// system tells of urgent data, and the readiness of the source minds that.
        const SHORT_IS_ALL: bool;

        fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
        fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
        fn peek(&self, buffer: &mut [u8]) -> io::Result<usize>;
        fn write(&self, bytes: &[u8]) -> io::Result<usize>;
        fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
        fn shutdown(&self, how: Shutdown) -> io::Result<()>;

        /// Done once it is connected: no error, and a peer.
        fn connected(&self) -> io::Result<()>;
    }

    /// What is made of it.
    pub trait Stream: Watched<Source: Source> {}

    impl<T: Watched<Source: Source>> Stream for T {}
}

/// [`Source`] by the calls of the system, and `$peek`.
macro_rules! stream_source {
    ($source:ty, SHORT_IS_ALL = $short:expr, peek = $peek:expr) => {
        impl crate::net::stream::sealed::Source for $source {
            const SHORT_IS_ALL: bool = $short;

            fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
                crate::net::calls::read(self, buffer)
            }

            fn read_vectored(&self, buffers: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                crate::net::calls::read_vectored(self, buffers)
            }

            fn peek(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
                $peek(self, buffer)
            }

            fn write(&self, bytes: &[u8]) -> std::io::Result<usize> {
                crate::net::calls::write(self, bytes)
            }

            fn write_vectored(&self, slices: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                crate::net::calls::write_vectored(self, slices)
            }

            fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
                self.shutdown(how)
            }

            fn connected(&self) -> std::io::Result<()> {
                use std::io::ErrorKind::{NotConnected, WouldBlock};
                if let Some(error) = self.take_error()? {
                    return Err(error);
                }
                match self.peer_addr() {
                    Err(error) if error.kind() == NotConnected => Err(WouldBlock.into()),
                    connected => connected.map(drop),
                }
            }
        }
    };
}

/// Every system takes as many slices in one call (POSIX). Of more it may leave some for the next call, so that only a call
/// that moved less than these hold is known to be short.
const SLICES: usize = 16;

/// What a call with these slices moves at least, unless it is short.
fn asked(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.take(SLICES).sum()
}

fn did<S: Source>(moved: usize, asked: usize) -> Did<usize> {
    // Zero is the end of the stream: it stays, and the system tells of it once.
    if S::SHORT_IS_ALL && moved > 0 && moved < asked { Did::All(moved) } else { Did::Some(moved) }
}

// What an operation is, and whether anything is asked for.

fn read<S: Source>(buffer: &mut [u8]) -> (bool, impl FnMut(&S) -> io::Result<Did<usize>>) {
    (!buffer.is_empty(), |source: &S| source.read(buffer).map(|n| did::<S>(n, buffer.len())))
}

fn read_vectored<S: Source>(buffers: &mut [IoSliceMut<'_>]) -> (bool, impl FnMut(&S) -> io::Result<Did<usize>>) {
    let asked = asked(buffers.iter().map(|buffer| buffer.len()));
    let wanted = buffers.iter().any(|buffer| !buffer.is_empty());
    (wanted, move |source: &S| source.read_vectored(buffers).map(|n| did::<S>(n, asked)))
}

fn write<S: Source>(bytes: &[u8]) -> (bool, impl FnMut(&S) -> io::Result<Did<usize>>) {
    (!bytes.is_empty(), |source: &S| source.write(bytes).map(|n| did::<S>(n, bytes.len())))
}

fn write_vectored<S: Source>(slices: &[IoSlice<'_>]) -> (bool, impl FnMut(&S) -> io::Result<Did<usize>>) {
    let asked = asked(slices.iter().map(|slice| slice.len()));
    let wanted = slices.iter().any(|slice| !slice.is_empty());
    (wanted, move |source: &S| source.write_vectored(slices).map(|n| did::<S>(n, asked)))
}

#[allow(private_bounds, reason = "so are the methods")]
impl<S: Source> Io<S> {
    pub(super) async fn connected(&self) -> io::Result<()> {
        self.operate_some(Direction::Write, S::connected).await
    }

    /// Nothing is waited for where nothing is asked for.
    fn transfer(
        &self,
        direction: Direction,
        (wanted, mut operation): (bool, impl FnMut(&S) -> io::Result<Did<usize>>),
    ) -> impl Future<Output = io::Result<usize>> {
        let mut wait = self.wait(Place::new());
        poll_fn(move |cx| {
            if wanted { self.poll_operate(direction, cx, &mut wait.place, &mut operation) } else { Poll::Ready(Ok(0)) }
        })
    }

    fn poll_transfer(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        (wanted, operation): (bool, impl FnMut(&S) -> io::Result<Did<usize>>),
    ) -> Poll<io::Result<usize>> {
        if wanted { self.poll_operate(direction, cx, &mut Place::Polled, operation) } else { Poll::Ready(Ok(0)) }
    }

    fn try_transfer(
        &self,
        direction: Direction,
        (wanted, operation): (bool, impl FnMut(&S) -> io::Result<Did<usize>>),
    ) -> io::Result<usize> {
        if wanted { self.try_operate(direction, operation) } else { Ok(0) }
    }

    pub(super) fn recv(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.transfer(Direction::Read, read(buffer))
    }

    pub(super) fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> impl Future<Output = io::Result<usize>> {
        self.transfer(Direction::Read, read_vectored(buffers))
    }

    pub(super) fn send(&self, bytes: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.transfer(Direction::Write, write(bytes))
    }

    pub(super) fn send_vectored(&self, slices: &[IoSlice<'_>]) -> impl Future<Output = io::Result<usize>> {
        self.transfer(Direction::Write, write_vectored(slices))
    }

    pub(super) fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_transfer(cx, Direction::Read, read(buffer))
    }

    pub(super) fn poll_recv_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_transfer(cx, Direction::Read, read_vectored(buffers))
    }

    pub(super) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_transfer(cx, Direction::Write, write(bytes))
    }

    pub(super) fn poll_send_vectored(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_transfer(cx, Direction::Write, write_vectored(slices))
    }

    pub(super) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_transfer(Direction::Read, read(buffer))
    }

    pub(super) fn try_recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.try_transfer(Direction::Read, read_vectored(buffers))
    }

    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_transfer(Direction::Write, write(bytes))
    }

    pub(super) fn try_send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_transfer(Direction::Write, write_vectored(slices))
    }

    pub(super) fn recv_exact(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<()>> {
        let (mut wait, mut filled) = (self.wait(Place::new()), 0);
        poll_fn(move |cx| {
            while filled < buffer.len() {
                let (_, operation) = read(&mut buffer[filled..]);
                match ready!(self.poll_operate(Direction::Read, cx, &mut wait.place, operation))? {
                    0 => return Poll::Ready(Err(too_short())),
                    n => filled += n,
                }
            }
            Poll::Ready(Ok(()))
        })
    }

    pub(super) fn send_all(&self, mut bytes: &[u8]) -> impl Future<Output = io::Result<()>> {
        let mut wait = self.wait(Place::new());
        poll_fn(move |cx| {
            while !bytes.is_empty() {
                match ready!(self.poll_operate(Direction::Write, cx, &mut wait.place, write(bytes).1))? {
                    0 => return Poll::Ready(Err(took_no_more())),
                    n => bytes = &bytes[n..],
                }
            }
            Poll::Ready(Ok(()))
        })
    }
}

pub(super) fn took_no_more() -> io::Error {
    io::Error::new(io::ErrorKind::WriteZero, "the socket took no more bytes")
}

/// The peer sends less than was asked for.
pub(super) fn too_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the peer closed before the buffer was full")
}

/// The reads of whatever has an `watched()`.
macro_rules! read_methods {
    () => {
        /// Reads what is there, at most a buffer full; waits until something is. Zero is the end: the peer sends no
        /// more.
        ///
        /// # Errors
        /// Those of the system, as `ConnectionReset`; [`ReactorGone`](crate::net::ReactorGone).
        pub async fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.watched().recv(buffer).await
        }

        /// Does what [`read`](Self::read) does, into several buffers, the first ones first.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub async fn read_vectored(&self, buffers: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
            self.watched().recv_vectored(buffers).await
        }

        /// Fills the buffer.
        ///
        /// # Errors
        /// Those of [`read`](Self::read); `UnexpectedEof` if the peer sends less.
        pub async fn read_exact(&self, buffer: &mut [u8]) -> std::io::Result<()> {
            self.watched().recv_exact(buffer).await
        }

        /// Reads what is there into the room behind the bytes of a vector, as much as its capacity allows.
        ///
        /// # Errors
        /// Those of [`read`](Self::read); `InvalidInput` for a vector without room: reserve some before.
        pub async fn read_buf(&self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
            use crate::net::{spare, stream::sealed::Source};
            spare::check(buffer)?;
            let read = |source: &_| spare::append(buffer, |room| Ok((Source::read(source, room)?, ())));
            Ok(self.watched().operate_some(crate::reactor::Direction::Read, read).await?.0)
        }

        /// Does what [`read_buf`](Self::read_buf) does, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if nothing is there; those of [`read_buf`](Self::read_buf).
        pub fn try_read_buf(&self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
            use crate::net::{spare, stream::sealed::Source};
            spare::check(buffer)?;
            let read = |source: &_| spare::append(buffer, |room| Ok((Source::read(source, room)?, ())));
            Ok(self.watched().try_operate_some(crate::reactor::Direction::Read, read)?.0)
        }

        /// Looks at what is there without taking it.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub async fn peek(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.watched()
                .operate_some(crate::reactor::Direction::Read, |source| {
                    crate::net::stream::sealed::Source::peek(source, buffer)
                })
                .await
        }

        crate::net::socket::readable_methods!();

        /// Reads what is there now.
        ///
        /// # Errors
        /// `WouldBlock` if nothing is; those of [`read`](Self::read).
        pub fn try_read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.watched().try_recv(buffer)
        }

        /// Does what [`try_read`](Self::try_read) does, into several buffers, the first ones first.
        ///
        /// # Errors
        /// Those of [`try_read`](Self::try_read).
        pub fn try_read_vectored(&self, buffers: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
            self.watched().try_recv_vectored(buffers)
        }

        /// Does what [`read`](Self::read) does, for futures written by hand. Every task that
        /// polls is woken.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub fn poll_read(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.watched().poll_recv(cx, buffer)
        }

        /// Does what [`read_vectored`](Self::read_vectored) does, in the manner of [`poll_read`](Self::poll_read).
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub fn poll_read_vectored(
            &self,
            cx: &mut std::task::Context<'_>,
            buffers: &mut [std::io::IoSliceMut<'_>],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.watched().poll_recv_vectored(cx, buffers)
        }
    };
}

/// The writes of whatever has an `watched()`.
macro_rules! write_methods {
    () => {
        /// Writes as much as there is room for, and says how much; waits until there is room for something.
        ///
        /// # Errors
        /// Those of the system, as `BrokenPipe`; [`ReactorGone`](crate::net::ReactorGone).
        pub async fn write(&self, bytes: &[u8]) -> std::io::Result<usize> {
            self.watched().send(bytes).await
        }

        /// Does what [`write`](Self::write) does, from several slices, the first ones first.
        ///
        /// # Errors
        /// Those of [`write`](Self::write).
        pub async fn write_vectored(&self, slices: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            self.watched().send_vectored(slices).await
        }

        /// Writes all.
        ///
        /// # Errors
        /// Those of [`write`](Self::write); how much was written before is not known.
        pub async fn write_all(&self, bytes: &[u8]) -> std::io::Result<()> {
            self.watched().send_all(bytes).await
        }

        crate::net::socket::writable_methods!();

        /// Writes what there is room for now.
        ///
        /// # Errors
        /// `WouldBlock` if there is none; those of [`write`](Self::write).
        pub fn try_write(&self, bytes: &[u8]) -> std::io::Result<usize> {
            self.watched().try_send(bytes)
        }

        /// Does what [`try_write`](Self::try_write) does, from several slices, the first ones first.
        ///
        /// # Errors
        /// Those of [`try_write`](Self::try_write).
        pub fn try_write_vectored(&self, slices: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            self.watched().try_send_vectored(slices)
        }

        /// Does what [`write`](Self::write) does, for futures written by hand. Every task that
        /// polls is woken.
        ///
        /// # Errors
        /// Those of [`write`](Self::write).
        pub fn poll_write(
            &self,
            cx: &mut std::task::Context<'_>,
            bytes: &[u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.watched().poll_send(cx, bytes)
        }

        /// Does what [`write_vectored`](Self::write_vectored) does, in the manner of [`poll_write`](Self::poll_write).
        ///
        /// # Errors
        /// Those of [`write`](Self::write).
        pub fn poll_write_vectored(
            &self,
            cx: &mut std::task::Context<'_>,
            slices: &[std::io::IoSlice<'_>],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.watched().poll_send_vectored(cx, slices)
        }
    };
}

/// What a half that writes has beside its writes.
macro_rules! shut_methods {
    () => {
        /// Sends no more: the peer reads what was written, then the end.
        ///
        /// # Errors
        /// `NotConnected` if the peer has reset the connection.
        pub fn shutdown(&self) -> std::io::Result<()> {
            crate::net::stream::sealed::Source::shutdown(self.watched().get_ref(), std::net::Shutdown::Write)
        }
    };
}

/// Taking a stream apart.
macro_rules! split_methods {
    () => {
        /// Its two directions, borrowed, each for one user. Nothing is shut when they go.
        pub fn split(&mut self) -> (crate::net::ReadHalf<'_, Self>, crate::net::WriteHalf<'_, Self>) {
            crate::net::half::split(self)
        }

        /// A stream with several owners, which may be cloned.
        pub fn into_shared(self) -> crate::net::SharedStream<Self> {
            crate::net::SharedStream::new(self)
        }

        /// Its two directions, each to be moved to a task of its own. Either gives the stream back:
        /// [`reunite`](crate::net::OwnedReadHalf::reunite).
        pub fn into_split(self) -> (crate::net::OwnedReadHalf<Self>, crate::net::OwnedWriteHalf<Self>) {
            crate::net::owned_half::into_split(self)
        }
    };
}

pub(super) use {read_methods, shut_methods, split_methods, stream_source, write_methods};
