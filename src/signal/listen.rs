//! Signals as a stream.

use super::claim::{Claim, check};
use super::error::SignalError;
use super::number::{Shown, name};
use crate::net::Io;
use crate::runtime::{Handle, any_handle};
use std::fmt;
use std::io::{self, PipeReader, Read};
use std::task::{Context, Poll};

/// Deliveries that one read takes from a pipe.
const CHUNK: usize = 4096;

/// Listens to one signal. See [`Signals`].
///
/// # Errors
/// Those of [`listen_all_on`]; [`SignalError::System`] if the default runtime had to be started and could not.
///
/// # Example
/// ```
/// use offtick::signal::{self, SIGUSR1};
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let mut signals = signal::listen(SIGUSR1)?;
///     # signal_hook::low_level::raise(SIGUSR1)?;
///     let delivery = signals.next().await?; // kill -USR1 ...
///     Ok::<_, std::io::Error>((delivery.signal, delivery.count))
/// });
/// assert_eq!(task.wait()?, (SIGUSR1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn listen(signal: i32) -> Result<Signals, SignalError> {
    listen_all([signal])
}

/// Listens to several signals; one that is named twice counts once. See [`Signals`].
///
/// # Errors
/// Those of [`listen`].
///
/// # Example
/// A tick that looks and never waits:
/// ```
/// use offtick::signal::{self, SIGHUP, SIGUSR1};
/// let mut signals = signal::listen_all([SIGHUP, SIGUSR1])?;
/// # signal_hook::low_level::raise(SIGHUP)?;
/// let heard = loop {
///     // One tick.
///     match signals.try_next()? {
///         Some(delivery) => break delivery.signal,
///         None => std::thread::yield_now(), // draw, handle input ...
///     }
/// };
/// assert_eq!(heard, SIGHUP);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn listen_all(signals: impl IntoIterator<Item = i32>) -> Result<Signals, SignalError> {
    // Before a runtime is started for them.
    let signals = named(signals)?;
    let handle = any_handle().map_err(io::Error::other).map_err(SignalError::system("starting the default runtime"))?;
    listen_all_on(&handle, signals)
}

/// As [`listen_all`], on a given runtime.
///
/// # Errors
/// [`SignalError::Forbidden`], [`SignalError::Invalid`], [`SignalError::NoSignals`]; [`SignalError::System`] where a pipe
/// or its registration is refused, by a runtime that is shut down among others. Nothing is installed then.
pub fn listen_all_on(
    handle: &impl AsRef<Handle>,
    signals: impl IntoIterator<Item = i32>,
) -> Result<Signals, SignalError> {
    let wires =
        named(signals)?.into_iter().map(|signal| Wire::new(handle.as_ref(), signal)).collect::<Result<_, _>>()?;
    Ok(Signals {
        wires,
        first: 0,
        #[cfg(feature = "stream")]
        ended: false,
    })
}

/// The signals that were named, each once and at least one.
fn named(signals: impl IntoIterator<Item = i32>) -> Result<Vec<i32>, SignalError> {
    let mut named = Vec::new();
    for signal in signals {
        check(signal)?;
        if !named.contains(&signal) {
            named.push(signal);
        }
    }
    if named.is_empty() { Err(SignalError::NoSignals) } else { Ok(named) }
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Which.
    pub signal: i32,
    /// How many times the handler ran for it since it was last told of; at least 1. See [`Signals`] on how exact that is.
    pub count: u64,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", Shown(self.signal), self.count)
    }
}

/// A stream of signals; made by [`listen`] and [`listen_all`]. Unix, feature `signal`.
///
/// Every listener to a signal hears each of its deliveries, whichever thread the system chose for it. It never ends.
/// Several signals take turns, so that a flood of one does not hide another.
///
/// # What is counted
/// Each run of the handler writes one byte into a pipe of this listener and signal, and the bytes are the count: one that
/// is read is told of, one that is not stays. Nothing else is kept, so nothing can be lost between the two, and nothing
/// grows.
/// - The *system* merges a signal that is sent again before its handler ran. Deliveries are counted, not `kill` calls.
/// - A listener that does not look for long keeps what the pipe holds, 65,536 deliveries on Linux as a rule, 4,096 where the user
///   has used up all memory for pipes. Beyond that the count stays behind; it does not go back to zero. The handler
///   never waits.
/// - More than 4,096 waiting deliveries are told of in portions.
///
/// # Which runtime
/// The one whose task calls [`listen`], else the process-wide default one; [`listen_all_on`] names it. From then on it may be used
/// from any thread and any executor. It costs two descriptors a signal.
///
/// # Afterwards
/// Dropping it takes its actions out. When the last listener to a signal is gone the signal does what it did before, with the
/// limits named in the [module](super).
pub struct Signals {
    /// Never empty.
    wires: Vec<Wire>,
    /// Which wire is looked at first.
    first: usize,
    /// The stream has ended.
    #[cfg(feature = "stream")]
    ended: bool,
}

/// One signal's pipe. The claim goes first: a handler must not write where nobody can read.
struct Wire {
    signal: i32,
    _claim: Claim,
    pipe: Io<PipeReader>,
}

impl Wire {
    fn new(handle: &Handle, signal: i32) -> Result<Self, SignalError> {
        let (reader, writer) = io::pipe().map_err(SignalError::system("opening a pipe"))?;
        let pipe =
            Io::from_fd_on(handle, reader).map_err(io::Error::from).map_err(SignalError::system("watching a pipe"))?;
        let claim = Claim::new(signal, |actions| {
            actions.push(signal_hook::low_level::pipe::register(signal, writer)?);
            Ok(())
        })?;
        Ok(Self { signal, _claim: claim, pipe })
    }
}

impl Signals {
    /// Waits for the next signal.
    ///
    /// Cancel safe: dropped before it is ready, it has taken nothing.
    ///
    /// # Errors
    /// [`ReactorGone`](crate::net::ReactorGone) inside, once the runtime of this listener is shut down.
    pub async fn next(&mut self) -> io::Result<Delivery> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), for futures written by hand: the task that polled last is woken.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Delivery>> {
        let found = self.find(|pipe| match pipe.poll_read_with(cx, take) {
            Poll::Ready(done) => done.map(Some),
            Poll::Pending => Ok(None),
        });
        found.transpose().map_or(Poll::Pending, Poll::Ready)
    }

    /// The next signal, if one came and the runtime's reactor has seen it; never waits. Without news it costs one load a
    /// signal.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn try_next(&mut self) -> io::Result<Option<Delivery>> {
        self.find(|pipe| match pipe.try_read_with(take) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            done => done.map(Some),
        })
    }

    /// The signals that it listens to, in the order given.
    pub fn signals(&self) -> impl Iterator<Item = i32> + '_ {
        self.wires.iter().map(|wire| wire.signal)
    }

    /// Asks the wires, the one after the last that had something first.
    fn find(
        &mut self,
        mut ask: impl FnMut(&Io<PipeReader>) -> io::Result<Option<u64>>,
    ) -> io::Result<Option<Delivery>> {
        let wires = self.wires.len();
        for step in 0..wires {
            let at = (self.first + step) % wires;
            let wire = &self.wires[at];
            if let Some(count) = ask(&wire.pipe)? {
                self.first = (at + 1) % wires;
                return Ok(Some(Delivery { signal: wire.signal, count }));
            }
        }
        Ok(None)
    }
}

/// Takes what waits in a pipe: clearing it and counting it are one step.
fn take(mut pipe: &PipeReader) -> io::Result<u64> {
    match pipe.read(&mut [0; CHUNK])? {
        0 => Err(io::Error::new(io::ErrorKind::BrokenPipe, "somebody removed the handler of this signal")),
        count => Ok(count as u64),
    }
}

/// It ends after the error of a runtime that is shut down.
#[cfg(feature = "stream")]
impl futures_core::Stream for Signals {
    type Item = io::Result<Delivery>;

    fn poll_next(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let signals = self.get_mut();
        if signals.ended {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(Signals::poll_next(signals, cx));
        signals.ended = next.as_ref().is_err_and(crate::net::ReactorGone::caused);
        Poll::Ready(Some(next))
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.signals().map(|signal| name(signal).map_or_else(|| signal.to_string(), str::to_owned));
        f.debug_tuple("Signals").field(&names.collect::<Vec<_>>()).finish()
    }
}
