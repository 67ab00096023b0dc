//! Waiting until a source is ready, and what was reported of it.

use super::io::Io;
use crate::reactor::{Direction, Place, ReactorGone, Seen};
use crate::runtime::spend;
use crate::sync::Arc;
use mio::Interest;
use sealed::Watched;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A source that the reactor watches: [`Io`] and every socket of this module. Sealed.
pub trait Watch: Watched {}

impl<T: Watched> Watch for T {}

pub(super) mod sealed {
    use super::Io;

    pub trait Watched {
        type Source;

        fn watched(&self) -> &Io<Self::Source>;
    }
}

impl<S> Watched for Io<S> {
    type Source = S;

    fn watched(&self) -> &Self {
        self
    }
}

/// Returns the directions of an interest; all that is not writing is a kind of reading.
pub(super) fn directions(interest: Interest) -> impl Iterator<Item = Direction> {
    let write = interest.is_writable().then_some(Direction::Write);
    let read = (interest.is_readable() || interest.is_priority() || write.is_none()).then_some(Direction::Read);
    read.into_iter().chain(write)
}

/// The operations that a source is ready for; returned by [`Io::ready`] and the same method of each socket.
///
/// A direction that is closed or has an error is ready as well: the operation returns the end or the error.
///
/// # Example
/// See [`Io::ready`].
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Ready([Option<Seen>; 2]);

impl Ready {
    fn any(self, test: impl Fn(Seen) -> bool) -> bool {
        self.0.into_iter().flatten().any(test)
    }

    /// True if a read should be tried.
    pub fn is_readable(self) -> bool {
        self.0[Direction::Read as usize].is_some()
    }

    /// True if a write should be tried.
    pub fn is_writable(self) -> bool {
        self.0[Direction::Write as usize].is_some()
    }

    /// True if the peer sends no more, or reading was shut.
    pub fn is_read_closed(self) -> bool {
        self.any(Seen::is_read_closed)
    }

    /// True if nothing more can be written.
    pub fn is_write_closed(self) -> bool {
        self.any(Seen::is_write_closed)
    }

    /// True if the source has an error, which the next operation returns.
    pub fn is_error(self) -> bool {
        self.any(Seen::is_error)
    }

    /// True if the peer sent urgent data (Linux).
    pub fn is_priority(self) -> bool {
        self.any(Seen::is_urgent)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [read, write] = self.0;
        f.debug_struct("Ready").field("read", &read).field("write", &write).finish()
    }
}

impl<S> Io<S> {
    /// Waits until a read should be tried.
    ///
    /// The source stays readable until a read would block. Operations of this crate, and closures run by
    /// [`try_io`](Self::try_io) and [`io`](Self::io), take note of that; system calls on the descriptor itself do not. After
    /// 8 waits without such an operation the system is asked whether the source is still readable, so a loop of waits and
    /// calls of its own does not spin. Sources given to [`Io::new`] cannot be asked about: use `try_io`.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing. Any number of tasks may wait.
    ///
    /// # Errors
    /// [`ReactorGone`].
    pub async fn readable(&self) -> io::Result<()> {
        self.wait_for(Direction::Read).await
    }

    /// Waits until a write should be tried. As [`readable`](Self::readable).
    ///
    /// # Errors
    /// [`ReactorGone`].
    pub async fn writable(&self) -> io::Result<()> {
        self.wait_for(Direction::Write).await
    }

    /// Waits until one of several operations should be tried.
    ///
    /// Returns which. See [`readable`](Self::readable).
    ///
    /// # Errors
    /// [`ReactorGone`].
    ///
    /// # Example
    /// ```
    /// use offtick::net::{Interest, TcpListener, TcpStream};
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let stream = TcpStream::connect(listener.local_addr()?).await?;
    ///     let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
    ///     Ok::<_, std::io::Error>((ready.is_readable(), ready.is_writable()))
    /// });
    /// assert_eq!(task.wait()?, (false, true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        let mut waits = [self.wait(Place::new()), self.wait(Place::new())];
        let found = poll_fn(|cx| {
            let mut found = Ready::default();
            for direction in directions(interest) {
                let place = &mut waits[direction as usize].place;
                if let Poll::Ready(seen) = self.poll_wait(direction, cx, place) {
                    found.0[direction as usize] = Some(seen);
                }
            }
            if found == Ready::default() { Poll::Pending } else { Poll::Ready(found) }
        });
        let found = found.await;
        if found.any(Seen::is_gone) { Err(ReactorGone.into()) } else { Ok(found) }
    }

    /// Waits until a read should be tried, for futures written by hand. Every task that polls is woken.
    ///
    /// The wakers of up to 1,024 tasks are kept. Beyond that the one that asked first is woken, and asks again.
    /// [`OwnedReadiness`] has no such limit.
    ///
    /// # Errors
    /// [`ReactorGone`].
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_wait(Direction::Read, cx, &mut Place::Polled).map(alive)
    }

    /// Waits until a write should be tried, for futures written by hand. As [`poll_readable`](Self::poll_readable).
    ///
    /// # Errors
    /// [`ReactorGone`].
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_wait(Direction::Write, cx, &mut Place::Polled).map(alive)
    }

    async fn wait_for(&self, direction: Direction) -> io::Result<()> {
        let mut wait = self.wait(Place::new());
        alive(poll_fn(|cx| self.poll_wait(direction, cx, &mut wait.place)).await)
    }

    pub(super) fn poll_wait(&self, direction: Direction, cx: &Context<'_>, place: &mut Place) -> Poll<Seen> {
        loop {
            let seen = ready!(self.state().poll_told(direction, cx, place));
            // Else a task that waits, and then operates without waiting, never gives way to others.
            if !spend() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let doubtful = !seen.is_gone() && self.state().count_unused(direction);
            if !doubtful || self.ask(direction) != Some(false) {
                return Poll::Ready(seen);
            }
            self.state().would_block(seen, direction);
        }
    }
}

fn alive(seen: Seen) -> io::Result<()> {
    if seen.is_gone() { Err(ReactorGone.into()) } else { Ok(()) }
}

/// An owned wait for one direction of a socket; made by `readable_owned` and `writable_owned`.
///
/// A future without a lifetime and without a box: a struct can hold it beside the socket, and poll it again after each
/// result. Any number of them may wait for one socket, on any executor.
///
/// # Cancel safety
/// Dropping it loses nothing.
///
/// # Errors
/// [`ReactorGone`] once the runtime of the socket is shut down.
///
/// # Example
/// ```
/// use offtick::net::{OwnedReadiness, UdpSocket};
/// use std::sync::Arc;
///
/// struct Receiver {
///     socket: Arc<UdpSocket>,
///     readable: OwnedReadiness<UdpSocket>,
/// }
///
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
///     let mut receiver = Receiver { readable: socket.readable_owned(), socket };
///     receiver.socket.send_to(b"hello", receiver.socket.local_addr()?).await?;
///     (&mut receiver.readable).await?;
///     receiver.socket.try_recv(&mut [0; 16])
/// });
/// assert_eq!(task.wait()?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a wait does nothing until it is polled"]
pub struct OwnedReadiness<T: Watch> {
    socket: Arc<T>,
    direction: Direction,
    place: Place,
}

impl<T: Watch> OwnedReadiness<T> {
    pub(super) fn new(socket: &Arc<T>, direction: Direction) -> Self {
        Self { socket: Arc::clone(socket), direction, place: Place::new() }
    }

    /// The socket that is waited for.
    pub fn get_ref(&self) -> &Arc<T> {
        &self.socket
    }

    /// Waits, for futures written by hand. It may be polled again after each result.
    ///
    /// # Errors
    /// [`ReactorGone`].
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.watched().poll_wait(self.direction, cx, &mut self.place).map(alive)
    }
}

impl<T: Watch> Unpin for OwnedReadiness<T> {}

impl<T: Watch> Future for OwnedReadiness<T> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx)
    }
}

impl<T: Watch> Drop for OwnedReadiness<T> {
    fn drop(&mut self) {
        self.socket.watched().state().leave(&mut self.place);
    }
}

impl<T: Watch> fmt::Debug for OwnedReadiness<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedReadiness").field("direction", &self.direction).finish_non_exhaustive()
    }
}

impl<S> Io<S> {
    /// Does what [`readable`](Self::readable) does, in a future that a struct can hold.
    pub fn readable_owned(self: &Arc<Self>) -> OwnedReadiness<Self> {
        OwnedReadiness::new(self, Direction::Read)
    }

    /// Does what [`writable`](Self::writable) does, in a future that a struct can hold.
    pub fn writable_owned(self: &Arc<Self>) -> OwnedReadiness<Self> {
        OwnedReadiness::new(self, Direction::Write)
    }
}
