//! The settings of a stream; it exists from `open` on, so there is no stream that is not open yet.

use super::connection::Connection;
use super::engine::{AtEnd, Connect, Engine, Settings};
use super::fresh::Fresh;
use super::front::Reconnecting;
use super::shared::Shared;
use crate::error::{BuildError, InvalidSetting};
use crate::retry::RetryPolicy;
use crate::runtime::{Handle, any_handle};
use crate::sync::Arc;
use std::fmt;
use std::io;
use std::time::Duration;

/// Settings of a [`Reconnecting`]; made by [`Reconnecting::builder`].
///
/// | setting | default | meaning |
/// |---|---|---|
/// | [`policy`](Self::policy) | 0.1 s, doubled up to 30 s, a fifth of jitter, without end | when to try again, how often, and how long a try may take |
/// | [`stable_after`](Self::stable_after) | 1 s | a connection that is lost sooner counts as a failed try |
/// | [`handshake`](Self::handshake) | none | what each new connection begins with |
/// | [`at_end`](Self::at_end) | reconnect | what the peer's end of its bytes means |
/// | [`read_limit`](Self::read_limit) | 64 KiB | how many bytes wait to be read |
/// | [`write_queue`](Self::write_queue) | 1024 | how many writes wait for their turn |
/// | [`event_capacity`](Self::event_capacity) | 64 | how many events wait to be drained |
/// | [`name`](Self::name) | `reconnecting` | of its task, in listings |
#[must_use = "the stream begins with `open`"]
pub struct ReconnectBuilder<S> {
    settings: Settings<S>,
    write_queue: usize,
    event_capacity: usize,
    name: String,
}

impl<S: Connection> ReconnectBuilder<S> {
    pub(super) fn new(connect: Box<dyn Connect<S>>) -> Self {
        let policy = RetryPolicy::exponential(Duration::from_millis(100))
            .max_delay(Duration::from_secs(30))
            .jitter(0.2)
            .max_attempts(u32::MAX);
        let settings = Settings {
            connect,
            handshake: None,
            policy,
            stable_after: Duration::from_secs(1),
            at_end: AtEnd::default(),
            read_limit: 64 * 1024,
        };
        Self { settings, write_queue: 1024, event_capacity: 64, name: "reconnecting".into() }
    }

    /// When to try again, and how often.
    ///
    /// Its tries are counted, and its `max_elapsed` measured, from the loss of the last connection that
    /// [held](Self::stable_after) (and from the start). The first try after such a loss is made at once; the waits come
    /// between tries. `attempt_timeout` is for one try, handshake included. Where no further try is made, the stream is
    /// closed: [`CloseReason::GaveUp`](super::CloseReason::GaveUp).
    pub fn policy(mut self, policy: RetryPolicy<io::Error>) -> Self {
        self.settings.policy = policy;
        self
    }

    /// A connection that is lost sooner than this has not held: it counts as a failed try, and the policy goes on where it
    /// was. So a server that accepts and hangs up at once is not connected to without pause, nor for ever where tries are
    /// limited. Zero: every connection holds.
    pub fn stable_after(mut self, time: Duration) -> Self {
        self.settings.stable_after = time;
        self
    }

    /// What each new connection begins with, before anyone reads or writes: to log in, to ask for what was missed.
    ///
    /// It is part of the try: an error is a failed one, and it is dropped where the try runs out of time.
    ///
    /// # Example
    /// ```
    /// use offtick::net::reconnect::Fresh;
    /// use offtick::net::{Reconnecting, TcpStream};
    /// use std::io;
    /// let builder = Reconnecting::builder(async || TcpStream::connect("localhost:7000").await)
    ///     .handshake(async |fresh: &mut Fresh<TcpStream>| {
    ///         fresh.connection().set_nodelay(true)?;
    ///         // The line that the old connection broke off in will not be continued.
    ///         fresh.take_partial(b'\n');
    ///         fresh.write_all(b"LOGIN me\n").await?;
    ///         match fresh.read_line().await?.as_str() {
    ///             "WELCOME\n" => Ok(()),
    ///             other => Err(io::Error::other(format!("not let in: {other}"))),
    ///         }
    ///     });
    /// # drop(builder);
    /// ```
    pub fn handshake(mut self, handshake: impl AsyncFnMut(&mut Fresh<S>) -> io::Result<()> + Send + 'static) -> Self {
        self.settings.handshake = Some(Box::new(handshake));
        self
    }

    /// What it means that the peer sends no more: by default that the connection is lost.
    pub fn at_end(mut self, at_end: AtEnd) -> Self {
        self.settings.at_end = at_end;
        self
    }

    /// How many bytes may wait to be read; at least 1. It is also the longest line. While that many wait, nothing is
    /// received, and a loss is noticed by writes only.
    pub fn read_limit(mut self, bytes: usize) -> Self {
        self.settings.read_limit = bytes;
        self
    }

    /// How many writes may wait for their turn; at least 1. The next one fails with
    /// [`UnsentReason::QueueFull`](super::UnsentReason::QueueFull).
    pub fn write_queue(mut self, writes: usize) -> Self {
        self.write_queue = writes;
        self
    }

    /// How many events wait to be drained; at least 1. The oldest is dropped, and counted, to make room for a new one.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// The name of the task behind the stream, in listings.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Opens the stream: connecting begins. On the runtime whose task calls this, else on the process-wide default one.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for an option out of its range, else why the default runtime could not be started. Nothing is connected
    /// then.
    pub fn open(self) -> Result<Reconnecting<S>, BuildError> {
        let handle = any_handle()?;
        self.open_on(&handle)
    }

    /// Does what [`open`](Self::open) does, on a given runtime. If that is shut down, the stream is closed from the beginning.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_on(self, handle: &impl AsRef<Handle>) -> Result<Reconnecting<S>, BuildError> {
        let Self { settings, write_queue, event_capacity, name } = self;
        settings.policy.check()?;
        let sizes =
            [("read_limit", settings.read_limit), ("write_queue", write_queue), ("event_capacity", event_capacity)];
        for (setting, given) in sizes {
            InvalidSetting::require(given > 0, setting, given, "at least 1")?;
        }
        let shared = Arc::new(Shared::new(settings.read_limit, write_queue));
        let engine = Engine::new(settings, handle.as_ref().clone(), Arc::clone(&shared));
        let task = handle.as_ref().task().name(name).progress(event_capacity).spawn(move |mut cx| {
            let events = cx.take_reporter();
            engine.run(events)
        });
        if let Some(refused) = task.error().and_then(|error| error.downcast_ref::<InvalidSetting>()) {
            let allowed = "small enough for its values to fit in memory";
            return Err(InvalidSetting::new("event_capacity", refused.given(), allowed).into());
        }
        Ok(Reconnecting::new(shared, task))
    }
}

impl<S> fmt::Debug for ReconnectBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, write_queue, event_capacity, name } = self;
        f.debug_struct("ReconnectBuilder")
            .field("name", name)
            .field("policy", &settings.policy)
            .field("stable_after", &settings.stable_after)
            .field("handshake", &settings.handshake.is_some())
            .field("at_end", &settings.at_end)
            .field("read_limit", &settings.read_limit)
            .field("write_queue", write_queue)
            .field("event_capacity", event_capacity)
            .finish_non_exhaustive()
    }
}
