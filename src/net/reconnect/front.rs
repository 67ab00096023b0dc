//! What a program holds.

use super::builder::ReconnectBuilder;
use super::connection::Connection;
use super::error::ReadError;
use super::shared::Shared;
use super::state::{CloseReason, State};
use super::waiting::{Reading, Watching};
use super::writing::Writing;
use crate::error::BuildError;
use crate::net::inbox::{Found, Inbox};
use crate::progress::Drain;
use crate::sync::Arc;
use crate::task::Task;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;

/// A stream of bytes over connections of type `S`, which connects again by itself until it is closed on purpose.
///
/// It takes a connector, an async closure that makes one connection. From [`open`](Self::open) on, a task on the runtime
/// connects, whether anyone reads or not. Reads go on across a loss as if nothing had happened, writes wait for the next
/// connection, and a program that polls drains [`events`](Self::events), or looks at [`state`](Self::state).
///
/// A stream is open from the moment at which it exists: what is not open yet is a [`ReconnectBuilder`], which neither
/// reads nor writes. After [`close`](Self::close) every call is an error. Dropping it closes it.
///
/// # What a loss does
/// - **Received bytes** stay. The bytes of the next connection follow right after them, also in the middle of a line; where
///   a protocol does not go on like that, the handshake takes the [partial line](super::Fresh::take_partial) out.
/// - **Bytes on their way**, in either direction, are lost: in the network, and in the buffers of the system.
/// - **A [`write_all`](Self::write_all)** of which a part was handed over fails, and gives the rest back.
/// - **A [`send`](Self::send)** begins again with the next connection, so its message may arrive twice.
/// - **Writes that have not begun** wait.
///
/// A peer that vanishes without a word is a loss only when the system says so, which may take many minutes if nothing is
/// written. A program that must know sooner asks its peer now and then, and calls [`reconnect`](Self::reconnect) when there is no
/// answer.
///
/// # Threads
/// May be shared, and any number of tasks may read and write. Writes are carried out one after the other, whole, in the order
/// in which they began to wait. Of several readers whoever is first takes what is there; a line goes to one of them.
///
/// # Example
/// ```
/// use offtick::net::{Reconnecting, TcpListener, TcpStream};
/// use std::io;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
///     let address = listener.local_addr()?;
///     let link = Reconnecting::open(async move || TcpStream::connect(address).await)?;
///
///     let (server, _) = listener.accept().await?;
///     server.write_all(b"one\ntw").await?;
///     assert_eq!(link.read_line().await?, "one\n");
///     drop(server); // in the middle of a line
///
///     let (server, _) = listener.accept().await?;
///     server.write_all(b"o\n").await?;
///     assert_eq!(link.read_line().await?, "two\n");
///     for event in link.events() {
///         println!("{event}");
///     }
///     Ok::<_, offtick::BoxError>(())
/// });
/// task.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Before it is opened there is nothing to read from:
/// ```compile_fail,E0599
/// use offtick::net::{Reconnecting, TcpStream};
/// let link = Reconnecting::builder(async || TcpStream::connect("localhost:7000").await);
/// link.try_read_line();
/// ```
pub struct Reconnecting<S> {
    shared: Arc<Shared>,
    /// The engine. `None` only while this is dropped.
    task: Option<Task<(), State>>,
    /// The connections live in the engine.
    connections: PhantomData<fn() -> S>,
}

impl<S: Connection> Reconnecting<S> {
    /// Opens a stream with the default settings; see [`ReconnectBuilder::open`].
    ///
    /// # Errors
    /// Those of [`ReconnectBuilder::open`].
    pub fn open(connect: impl AsyncFnMut() -> io::Result<S> + Send + 'static) -> Result<Self, BuildError> {
        Self::builder(connect).open()
    }

    /// The settings of a stream whose connections `connect` makes.
    pub fn builder(connect: impl AsyncFnMut() -> io::Result<S> + Send + 'static) -> ReconnectBuilder<S> {
        ReconnectBuilder::new(Box::new(connect))
    }
}

impl<S> Reconnecting<S> {
    pub(super) fn new(shared: Arc<Shared>, task: Task<(), State>) -> Self {
        Self { shared, task: Some(task), connections: PhantomData }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Moves out the changes of state that nobody has read yet, oldest first. Never waits. Each of them, and received bytes
    /// as well, raise the [update flag](crate::Handle::take_update) of the runtime.
    pub fn events(&self) -> Drain<'_, State> {
        self.task.as_ref().map_or_else(Drain::empty, Task::progress)
    }

    /// How many events were dropped because nobody read them.
    pub fn events_dropped(&self) -> u64 {
        self.task.as_ref().map_or(0, Task::progress_dropped)
    }

    /// Waits for a connection; ready at once if there is one. It may be lost again at any time: nothing needs to wait for this
    /// before it writes. Dropping it changes nothing.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn connected(&self) -> impl Future<Output = Result<(), CloseReason>> + Send + Unpin + use<S> {
        Watching::new(&self.shared, |state: &State| match state {
            State::Connected => Some(Ok(())),
            State::Closed(reason) => Some(Err(reason.clone())),
            _ => None,
        })
    }

    /// Waits until the stream is closed, and says why. Dropping it changes nothing.
    pub fn closed(&self) -> impl Future<Output = CloseReason> + Send + Unpin + use<S> {
        Watching::new(&self.shared, |state: &State| match state {
            State::Closed(reason) => Some(reason.clone()),
            _ => None,
        })
    }

    /// Gives the connection up, as if it had been lost, and makes another; in a wait between two tries, makes the next one
    /// now. Does nothing while a try is under way.
    pub fn reconnect(&self) {
        self.shared.renew();
    }

    /// Closes the stream for good, and does not wait. Everyone who waits is woken with an error; bytes that wait to be written
    /// come back to those who wrote them, and received ones can be read no more. The connection itself says good-bye in
    /// the background. To have all written first, wait for the writes.
    pub fn close(&self) {
        self.shared.set_state(State::Closed(CloseReason::Requested));
    }

    /// Reads what is there, at most a buffer full; waits until something is. Zero only for an empty buffer: a peer that sends no
    /// more is a loss. Dropping it takes nothing.
    ///
    /// # Errors
    /// [`ReadError::Closed`]. After an end that was not asked for, once all that was received is read.
    pub async fn read(&self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        Reading::new(&self.shared, |inbox: &mut Inbox| Ok(some_bytes(inbox, buffer))).await
    }

    /// Does what [`read`](Self::read) does, without waiting: `None` if nothing is there.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>, ReadError> {
        self.shared.read(&mut |inbox| Ok(some_bytes(inbox, buffer)), None)
    }

    /// Fills the buffer, from as many connections as it takes. All is taken at once: dropping it takes nothing.
    ///
    /// # Errors
    /// [`ReadError::TooLong`] if the buffer is longer than [`read_limit`](ReconnectBuilder::read_limit);
    /// [`ReadError::Closed`].
    pub async fn read_exact(&self, buffer: &mut [u8]) -> Result<(), ReadError> {
        Reading::new(&self.shared, |inbox: &mut Inbox| {
            if buffer.len() > inbox.len() {
                let limit = inbox.limit();
                return if buffer.len() > limit { Err(ReadError::TooLong { limit }) } else { Ok(None) };
            }
            inbox.take_into(buffer);
            Ok(Some(()))
        })
        .await
    }

    /// Reads up to a delimiter, which is included, from as many connections as it takes. Dropping it takes nothing.
    ///
    /// # Errors
    /// [`ReadError::TooLong`] if it does not come within [`read_limit`](ReconnectBuilder::read_limit);
    /// [`ReadError::Closed`].
    pub async fn read_until(&self, delimiter: u8) -> Result<Vec<u8>, ReadError> {
        let mut searched = 0;
        Reading::new(&self.shared, move |inbox: &mut Inbox| up_to(inbox, delimiter, &mut searched)).await
    }

    /// Reads a line, its end included, from as many connections as it takes. Dropping it takes nothing.
    ///
    /// # Errors
    /// Those of [`read_until`](Self::read_until); [`ReadError::NotUtf8`] has the line inside.
    pub async fn read_line(&self) -> Result<String, ReadError> {
        Ok(String::from_utf8(self.read_until(b'\n').await?)?)
    }

    /// Does what [`read_line`](Self::read_line) does, without waiting: `None` if there is no whole line. For programs that poll.
    ///
    /// # Errors
    /// Those of [`read_line`](Self::read_line).
    pub fn try_read_line(&self) -> Result<Option<String>, ReadError> {
        let line = self.shared.read(&mut |inbox| up_to(inbox, b'\n', &mut 0), None)?;
        Ok(line.map(String::from_utf8).transpose()?)
    }

    /// How many bytes wait to be read.
    pub fn unread(&self) -> usize {
        self.shared.unread()
    }

    /// Writes all, once it is its turn and there is a connection. Ready when the connection has taken and flushed all. If it is
    /// lost in between, this fails and is not begun again.
    ///
    /// # Errors
    /// [`Unsent`](super::Unsent) says how many bytes were handed over, and gives the rest back.
    ///
    /// # Example
    /// ```
    /// # use offtick::net::{Reconnecting, TcpStream};
    /// async fn resume(link: &Reconnecting<TcpStream>, file: Vec<u8>) -> Result<(), offtick::net::reconnect::Unsent> {
    ///     let mut rest = file;
    ///     while let Err(unsent) = link.write_all(rest).await {
    ///         if link.state().is_closed() {
    ///             return Err(unsent);
    ///         }
    ///         eprintln!("{unsent}");
    ///         rest = unsent.into_rest();
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn write_all(&self, bytes: impl Into<Vec<u8>>) -> Writing {
        Writing::new(&self.shared, bytes.into(), false)
    }

    /// Does what [`write_all`](Self::write_all) does, but sent again, whole, each time the connection is lost in the middle of it: the
    /// peer gets the message at least once, and may get a part of it, or all of it, more than once.
    ///
    /// At least once holds as far as this end can know: a message that was handed over to its last byte counts as sent, also if
    /// the connection is lost before it arrives.
    ///
    /// # Errors
    /// [`Unsent`](super::Unsent) gives the message back: the stream is closed, or the queue is full.
    pub fn send(&self, message: impl Into<Vec<u8>>) -> Writing {
        Writing::new(&self.shared, message.into(), true)
    }

    /// How many writes wait for their turn.
    pub fn waiting_writes(&self) -> usize {
        self.shared.waiting_writes()
    }
}

fn some_bytes(inbox: &mut Inbox, buffer: &mut [u8]) -> Option<usize> {
    match inbox.take_into(buffer) {
        0 if !buffer.is_empty() => None,
        n => Some(n),
    }
}

fn up_to(inbox: &mut Inbox, delimiter: u8, searched: &mut u64) -> Result<Option<Vec<u8>>, ReadError> {
    match inbox.find(delimiter, searched) {
        Found::Within(n) => Ok(Some(inbox.take(n))),
        Found::NotYet => Ok(None),
        Found::Full => Err(ReadError::TooLong { limit: inbox.limit() }),
    }
}

impl<S> Drop for Reconnecting<S> {
    fn drop(&mut self) {
        self.close();
        if let Some(task) = self.task.take() {
            // It ends by itself, once the connection has said good-bye.
            task.detach();
        }
    }
}

impl<S> fmt::Debug for Reconnecting<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting").field("state", &self.state()).finish_non_exhaustive()
    }
}
