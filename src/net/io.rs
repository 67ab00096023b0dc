//! Any source of the system's poll, watched by the reactor.

use super::refused::{Refused, watch_on_any};
use super::system::{System, check};
use crate::reactor::{Direction, Facts, Place, ReactorGone, Seen, Sockets, Source};
use crate::runtime::{Handle, spend};
use crate::sync::Arc;
use crate::util::slab::Key;
use mio::{Interest, Registry};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::task::{Context, Poll, ready};

/// What an operation did.
pub(super) enum Did<R> {
    /// It may do more at once.
    Some(R),
    /// It moved all that there was to move: the next one would block, unless the source is closed.
    All(R),
}

/// What sources are watched for, as a rule.
pub(super) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// How a source is taken out of the system's poll.
pub(super) type Deregister<S> = fn(&mut S, &Registry) -> io::Result<()>;

/// What a source needs that is not in non-blocking mode by itself; `false` if the step is an operation that would block.
pub(super) type Mode<S> = fn(&S, Step) -> io::Result<bool>;

/// Asks the system whether an operation of a direction would not block now.
pub(super) type Check<S> = fn(&S, Direction) -> io::Result<bool>;

/// A step in the life of a source with a [`Mode`].
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// An operation is about to be done.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only descriptors have a mode"))]
    Before(Direction),
    /// The source is no longer watched.
    Released,
}

/// A source that the reactor watches: what the sockets of this module are made of, and what makes a future of any other
/// descriptor that the system can poll.
///
/// [`Io::new`] takes a source of the `mio` crate, [`Io::from_fd`] (Unix) anything that has a descriptor: a pipe, a
/// terminal, an event or timer descriptor, a device, a socket of another library. Regular files and folders cannot be
/// polled: read them in a closure on the blocking pool.
///
/// An operation is a closure over the source, which [`io`](Io::io) and [`try_io`](Io::try_io) run. It returns
/// [`WouldBlock`](io::ErrorKind::WouldBlock) when it can do nothing now, and runs again when the source is ready.
///
/// # Which runtime
/// The one whose task makes it, else the process-wide default one. From then on it may be used from any thread and
/// any executor. When that runtime is shut down, waits and operations end with an error that holds [`ReactorGone`].
///
/// # Cancel safety
/// A wait that is dropped loses nothing. Any number of tasks may wait; an event wakes all of its direction.
///
/// # Example
/// ```
/// # #[cfg(unix)] {
/// use offtick::net::{Interest, Io};
/// use std::io::{PipeReader, Read, Write};
/// let rt = offtick::Runtime::new()?;
/// let (reader, mut writer) = std::io::pipe()?;
/// let mut task = rt.run(async move {
///     let reader = Io::from_fd(reader)?;
///     let mut text = [0; 16];
///     let n = reader.io(Interest::READABLE, |mut reader: &PipeReader| reader.read(&mut text)).await?;
///     Ok::<_, std::io::Error>(text[..n].to_vec())
/// });
/// writer.write_all(b"ready")?;
/// assert_eq!(task.wait()?, b"ready");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Io<S> {
    /// `None` only while it is taken apart.
    source: Option<S>,
    registration: Registration,
    deregister: Deregister<S>,
    /// `None`: the source is in non-blocking mode and stays so.
    pub(super) mode: Option<Mode<S>>,
    /// `None`: nothing is known of the source that the system could be asked by.
    check: Option<Check<S>>,
}

struct Registration {
    sockets: Arc<Sockets>,
    key: Key,
    state: Arc<Source>,
}

impl<S: mio::event::Source> Io<S> {
    /// Watches a source for both directions. It must be in non-blocking mode, as all of mio's are.
    ///
    /// # Errors
    /// [`Refused`] gives the source back: errors of the system, for one that is watched by this reactor already among
    /// them; [`ReactorGone`].
    pub fn new(source: S) -> Result<Self, Refused<S>> {
        watch_on_any(source, Self::new_on)
    }

    /// Does what [`Io::new`] does, on a given runtime.
    ///
    /// # Errors
    /// Those of [`Io::new`].
    pub fn new_on(handle: &impl AsRef<Handle>, source: S) -> Result<Self, Refused<S>> {
        Self::watch_by_mio(handle.as_ref(), source, BOTH, Facts::ASSUMED, None)
    }

    fn watch_by_mio(
        handle: &Handle,
        source: S,
        interest: Interest,
        facts: Facts,
        check: Option<Check<S>>,
    ) -> Result<Self, Refused<S>> {
        let register = |source: &mut S, sockets: &Sockets| sockets.register(source, interest, facts);
        Self::watch_by(handle, source, register, |source, registry| registry.deregister(source), check)
    }

    /// Watches a socket of this module. `facts` is what is known of it: an operation is tried at once in a direction
    /// that is ready or assumed to be.
    pub(super) fn watch(handle: &Handle, source: S, interest: Interest, facts: Facts) -> Result<Self, Refused<S>>
    where
        S: System,
    {
        Self::watch_by_mio(handle, source, interest, facts, check())
    }
}

impl<S> Io<S> {
    /// Watches a source by the given functions.
    pub(super) fn watch_by(
        handle: &Handle,
        mut source: S,
        register: impl FnOnce(&mut S, &Sockets) -> io::Result<(Key, Arc<Source>)>,
        deregister: Deregister<S>,
        check: Option<Check<S>>,
    ) -> Result<Self, Refused<S>> {
        let sockets = Arc::clone(&handle.shared().sockets);
        match register(&mut source, &sockets) {
            Ok((key, state)) => Ok(Self {
                source: Some(source),
                registration: Registration { sockets, key, state },
                deregister,
                mode: None,
                check,
            }),
            Err(error) => Err(Refused::new(source, error)),
        }
    }

    /// The source itself.
    pub fn get_ref(&self) -> &S {
        self.source.as_ref().expect("it is there until it is taken apart")
    }

    /// Returns the source, which is no longer watched. A descriptor has the mode that it had before.
    pub fn into_inner(mut self) -> S {
        self.unwatch().expect("it is there until it is taken apart")
    }

    fn unwatch(&mut self) -> Option<S> {
        let mut source = self.source.take()?;
        let Registration { sockets, key, .. } = &self.registration;
        sockets.deregister(|registry| (self.deregister)(&mut source, registry), *key);
        if let Some(mode) = self.mode {
            // Nothing can be done about a failure.
            let _restored = mode(&source, Step::Released);
        }
        Some(source)
    }

    /// Reads by `operation`, as soon as that does not block: [`io`](Self::io) with the interest `READABLE`.
    ///
    /// # Errors
    /// Those of the operation; [`ReactorGone`].
    pub async fn read_with<R>(&self, operation: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        self.io(Interest::READABLE, operation).await
    }

    /// Writes by `operation`, as soon as that does not block: [`io`](Self::io) with the interest `WRITABLE`.
    ///
    /// # Errors
    /// Those of the operation; [`ReactorGone`].
    pub async fn write_with<R>(&self, operation: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        self.io(Interest::WRITABLE, operation).await
    }

    /// Reads by `operation` if that is possible now, without waiting.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it is not; those of the operation; [`ReactorGone`].
    pub fn try_read_with<R>(&self, operation: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        self.try_io(Interest::READABLE, operation)
    }

    /// Writes by `operation` if that is possible now, without waiting.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it is not; those of the operation; [`ReactorGone`].
    pub fn try_write_with<R>(&self, operation: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        self.try_io(Interest::WRITABLE, operation)
    }

    /// Does what [`read_with`](Self::read_with) does, for futures written by hand. Every task that polls is woken.
    ///
    /// # Errors
    /// Those of the operation; [`ReactorGone`].
    pub fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_io(Interest::READABLE, cx, operation)
    }

    /// Does what [`write_with`](Self::write_with) does, for futures written by hand. Every task that polls is woken.
    ///
    /// # Errors
    /// Those of the operation; [`ReactorGone`].
    pub fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_io(Interest::WRITABLE, cx, operation)
    }

    /// Runs an operation of this crate that moves some of what there is. Its `WouldBlock` comes from the system.
    pub(super) async fn operate_some<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        self.operate(direction, |source| operation(source).map(Did::Some)).await
    }

    /// Does what [`operate_some`](Self::operate_some) does, without waiting.
    pub(super) fn try_operate_some<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        self.try_operate(direction, |source| operation(source).map(Did::Some))
    }

    /// Does what [`operate_some`](Self::operate_some) does, for the `poll_` calls.
    pub(super) fn poll_operate_some<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_operate(direction, cx, &mut Place::Polled, |source| operation(source).map(Did::Some))
    }

    /// Takes note that the reading side was shut here, and wakes the reads that wait. Windows reports no event for that.
    pub(super) fn note_read_closed(&self) {
        self.registration.state.notify(Facts::READ_CLOSED);
    }

    pub(super) fn operate<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<Did<R>>,
    ) -> impl Future<Output = io::Result<R>> {
        let mut wait = self.wait(Place::new());
        poll_fn(move |cx| self.poll_operate(direction, cx, &mut wait.place, &mut operation))
    }

    /// The state of a caller that may have to wait, more than once.
    pub(super) fn wait(&self, place: Place) -> Wait<'_> {
        Wait { state: self.state(), place }
    }

    pub(super) fn state(&self) -> &Arc<Source> {
        &self.registration.state
    }

    /// Returns whether the system says that an operation would not block now; `None` if it cannot be asked.
    pub(super) fn ask(&self, direction: Direction) -> Option<bool> {
        self.check.and_then(|check| check(self.get_ref(), direction).ok())
    }

    pub(super) fn poll_operate<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        place: &mut Place,
        mut operation: impl FnMut(&S) -> io::Result<Did<R>>,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = ready!(self.registration.state.poll_ready(direction, cx, place));
            if !spend() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.attempt(direction, seen, &mut operation) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    pub(super) fn try_operate<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<Did<R>>,
    ) -> io::Result<R> {
        match self.registration.state.look(direction) {
            Some(seen) => self.attempt(direction, seen, &mut operation),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// One operation, `seen` having been looked at before.
    fn attempt<R>(
        &self,
        direction: Direction,
        seen: Seen,
        operation: &mut impl FnMut(&S) -> io::Result<Did<R>>,
    ) -> io::Result<R> {
        if seen.is_gone() {
            return Err(ReactorGone.into());
        }
        self.registration.state.used(direction);
        loop {
            let done = match self.proceeds(direction) {
                Ok(true) => operation(self.get_ref()),
                Ok(false) => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => Err(error),
            };
            match done {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.registration.state.would_block(seen, direction);
                    return Err(error);
                }
                Ok(Did::Some(done)) => return Ok(done),
                Ok(Did::All(done)) => {
                    self.registration.state.drained(seen, direction);
                    return Ok(done);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// False if the source keeps its blocking mode and an operation would block.
    #[inline]
    pub(super) fn proceeds(&self, direction: Direction) -> io::Result<bool> {
        self.mode.map_or(Ok(true), |mode| mode(self.get_ref(), Step::Before(direction)))
    }
}

/// A place in the list of waiters of a source. Dropping it leaves the list.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    pub(super) state: &'a Source,
    pub(super) place: Place,
}

impl Drop for Wait<'_> {
    #[inline]
    fn drop(&mut self) {
        self.state.leave(&mut self.place);
    }
}

impl<S> Drop for Io<S> {
    fn drop(&mut self) {
        // Closed, if that is what dropping it does, after it is watched no more.
        drop(self.unwatch());
    }
}

impl<S: fmt::Debug> fmt::Debug for Io<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("source", &self.source).field("state", &self.registration.state).finish()
    }
}
