//! Work that is started, stopped and started again, while others go on waiting for its result.
//!
//! # States
//! ```text
//!            start            the attempt ends, or is completed from outside
//!   idle ------------> running ------------------------------------------------> completed
//!    ^                 |     ^                                                       |
//!    |          cancel |     | start (the next attempt)                              |
//!    |                 v     |                                                       |
//!    |                 stopped                                                       |
//!    +------------------------------------------------------------------------- cancel
//! ```
//! Waiters belong to the way from idle to completed, not to an attempt: one promise is made on leaving idle and kept until
//! the end of that way. An attempt has a number, and only the number that runs now can complete it.
//!
//! The lock guards the phase. Bodies are made, tasks dropped and waiters woken outside of it.

use super::promise::{Outcome, Promise, Settled, SharedOutcome};
use super::run::{Options, Owner, Run, RunFuture};
use crate::error::{BoxError, InvalidSetting, TaskError};
use crate::runtime::Handle;
use crate::sync::{Arc, Mutex, Weak};
use std::fmt;
use std::future::{Future, pending};
use std::time::Duration;

/// Work that can be started, stopped and started again, and those who wait for its result stay waiting all the while.
///
/// For what may have to begin anew before it is done: a handshake over a connection that breaks, a download after a
/// change of network, a pairing that waits for a button. The body runs in the background on each
/// [`start`](Self::start), as one *attempt*. The result comes from the body ([`new`](Self::new)), or from outside, by
/// [`set_result`](Self::set_result) or the body's [`Attempt`]. A result of an attempt that was cancelled never counts.
///
/// | call | idle | running | stopped | completed |
/// |---|---|---|---|---|
/// | [`start`](Self::start) | attempt begins | nothing | attempt begins | nothing |
/// | [`cancel`](Self::cancel) | nothing | attempt ends, waiters stay | nothing | idle again, result forgotten |
/// | [`set_result`](Self::set_result), [`set_error`](Self::set_error) | ignored | completes | ignored | error |
/// | [`wait`](Self::wait) | error | waits | waits | the result |
///
/// Clones are one thing. Dropping the last one cancels the attempt; whoever waits then gets [`TaskError::Cancelled`]. Should
/// the body need its own `Restartable`, it takes the [`Attempt`]: a clone inside of the body would keep both for ever.
///
/// # Example
/// ```
/// use offtick::toolkit::Restartable;
/// let rt = offtick::Runtime::new()?;
/// // The answer comes over another way than the question.
/// let pairing = Restartable::completed_outside(&rt, |_attempt| async { Ok::<(), std::io::Error>(()) });
/// pairing.start();
/// let waiter = pairing.wait()?;
/// pairing.cancel(); // The device went away ...
/// pairing.start(); // ... and is back: the waiter knows nothing of it.
/// pairing.set_result("paired")?;
/// assert_eq!(*offtick::block_on(waiter)??, "paired");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Restartable<T: Send + Sync + 'static>(Arc<Front<T>>);

/// Gone with the last clone.
struct Front<T: Send + Sync + 'static>(Arc<Inner<T>>);

struct Inner<T> {
    handle: Handle,
    body: Arc<dyn Fn(Attempt<T>) -> RunFuture<T> + Send + Sync>,
    state: Mutex<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    attempts: u64,
    /// Of each attempt.
    limit: Option<Duration>,
    /// Of each attempt's task.
    name: Option<Arc<str>>,
    quiet: bool,
}

enum Phase<T> {
    Idle,
    /// `run` is missing for the moment between the decision to start and the start.
    Running {
        promise: Arc<Promise<T>>,
        run: Option<Arc<Run<T, Inner<T>>>>,
    },
    Stopped(Arc<Promise<T>>),
    Completed(Arc<Promise<T>>),
}

/// Where a [`Restartable`] stands.
///
/// # Example
/// ```
/// use offtick::toolkit::{RestartStatus, Restartable};
/// let rt = offtick::Runtime::new()?;
/// let work = Restartable::new(&rt, |_attempt| async { Ok::<_, std::io::Error>(1) });
/// assert_eq!(work.status(), RestartStatus::Idle);
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartStatus {
    /// Never started, or reset after it was completed.
    Idle,
    /// An attempt runs.
    Running,
    /// The attempt was cancelled, and the next one is not started.
    Stopped,
    /// There is a result or an error.
    Completed,
}

impl fmt::Display for RestartStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
        })
    }
}

/// It was not started, so there is nothing to wait for; answer of [`Restartable::wait`].
///
/// # Example
/// ```
/// use offtick::toolkit::{NotStarted, Restartable};
/// let rt = offtick::Runtime::new()?;
/// let work = Restartable::new(&rt, |_attempt| async { Ok::<_, std::io::Error>(1) });
/// assert_eq!(work.wait().err(), Some(NotStarted));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was not started, or was reset since: call `start` before waiting")]
pub struct NotStarted;

/// There is an outcome already; what was given comes back. Answer of [`Restartable::set_result`] and
/// [`Restartable::set_error`].
///
/// # Example
/// ```
/// use offtick::toolkit::{AlreadyCompleted, Restartable};
/// let rt = offtick::Runtime::new()?;
/// let work = Restartable::completed_outside(&rt, |_attempt| async { Ok::<(), std::io::Error>(()) });
/// work.start();
/// work.set_result(1)?;
/// let AlreadyCompleted(two) = work.set_result(2).expect_err("there is one");
/// assert_eq!(two, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was completed before; `cancel` resets it")]
pub struct AlreadyCompleted<V>(pub V);

impl<V> fmt::Debug for AlreadyCompleted<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlreadyCompleted(..)")
    }
}

/// The attempt is no longer the one that runs; what was given comes back. Answer of [`Attempt::complete`] and
/// [`Attempt::fail`]; see [`Attempt`] for an example.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this attempt is over: it was cancelled, timed out or completed")]
pub struct Stale<V>(pub V);

impl<V> fmt::Debug for Stale<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stale(..)")
    }
}

impl<T: Send + Sync + 'static> Restartable<T> {
    /// An idle one, whose attempts are completed by what `body` returns.
    ///
    /// `body` is called once an attempt, where futures of the runtime run; its future need not be `Send`.
    pub fn new<M, F, E>(handle: &impl AsRef<Handle>, body: M) -> Self
    where
        M: Fn(Attempt<T>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        E: Into<BoxError>,
    {
        Self::build(handle.as_ref(), move |attempt| {
            let future = body(attempt);
            Box::pin(async { future.await.map_err(Into::into) })
        })
    }

    /// An idle one, whose attempts are completed from outside, by [`set_result`](Self::set_result) or
    /// [`Attempt::complete`]. `body` only sets them going: when its future is over the attempt goes on, unless that is an
    /// error, which completes it.
    pub fn completed_outside<M, F, E>(handle: &impl AsRef<Handle>, body: M) -> Self
    where
        M: Fn(Attempt<T>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + 'static,
        E: Into<BoxError>,
    {
        Self::build(handle.as_ref(), move |attempt| {
            let future = body(attempt);
            Box::pin(async {
                future.await.map_err(Into::into)?;
                pending().await
            })
        })
    }

    fn build(handle: &Handle, body: impl Fn(Attempt<T>) -> RunFuture<T> + Send + Sync + 'static) -> Self {
        let state = Mutex::new(State { phase: Phase::Idle, attempts: 0, limit: None, name: None, quiet: false });
        Self(Arc::new(Front(Arc::new(Inner { handle: handle.clone(), body: Arc::new(body), state }))))
    }

    /// Gives each attempt at most `limit`, counted from its start on the runtime's clock; one that takes longer completes it
    /// with [`TaskError::TimedOut`].
    ///
    /// It counts from the next attempt on.
    ///
    /// # Errors
    /// [`InvalidSetting`] for a limit of zero.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::Restartable;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let work = Restartable::<u8>::new(&rt, |_attempt| std::future::pending::<Result<_, std::io::Error>>())
    ///     .attempt_timeout(Duration::from_millis(1))?;
    /// work.start();
    /// let error = offtick::block_on(work.wait()?)?.expect_err("it never ends by itself");
    /// assert!(error.is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn attempt_timeout(self, limit: Duration) -> Result<Self, InvalidSetting> {
        InvalidSetting::require_time("attempt_timeout", Some(limit))?;
        self.0.0.state.lock().limit = Some(limit);
        Ok(self)
    }

    /// Never raises the update flag, from the next attempt on; see [`TaskBuilder::quiet`](crate::TaskBuilder::quiet).
    #[must_use = "it gives the same one back"]
    pub fn quiet(self) -> Self {
        self.0.0.state.lock().quiet = true;
        self
    }

    /// The name of each attempt's task, for listings and hooks, from the next attempt on.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::Restartable;
    /// let rt = offtick::Runtime::new()?;
    /// let pairing = Restartable::<u8>::new(&rt, |_attempt| std::future::pending::<Result<_, std::io::Error>>()).name("pairing");
    /// pairing.start();
    /// while !rt.tasks().iter().any(|task| task.name() == Some("pairing")) {
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    #[must_use = "it gives the same one back"]
    pub fn name(self, name: impl Into<String>) -> Self {
        let before = self.0.0.state.lock().name.replace(Arc::from(name.into()));
        drop(before);
        self
    }

    /// Begins an attempt, unless one runs or there is an outcome. True if it did.
    ///
    /// Never waits. If the runtime is gone, the attempt completes at once with [`TaskError::RuntimeGone`].
    pub fn start(&self) -> bool {
        self.0.0.start()
    }

    /// Ends the attempt that runs; its waiters stay. Of one that is completed, forgets the outcome. False if there was
    /// neither.
    pub fn cancel(&self) -> bool {
        let mut state = self.0.0.state.lock();
        let before = std::mem::replace(&mut state.phase, Phase::Idle);
        let (changed, ended) = match before {
            Phase::Idle => (false, None),
            Phase::Stopped(promise) => {
                state.phase = Phase::Stopped(promise);
                (false, None)
            }
            Phase::Running { promise, run } => {
                state.phase = Phase::Stopped(promise);
                (true, run.map(Ended::Run))
            }
            Phase::Completed(promise) => (true, Some(Ended::Outcome(promise))),
        };
        drop(state);
        // After the lock: it may drop what is the user's.
        drop(ended);
        changed
    }

    /// Ends what there is, an attempt or an outcome, and begins the next attempt; waiters stay.
    pub fn restart(&self) {
        self.cancel();
        self.start();
    }

    /// Completes the attempt that runs: all waiters get `value`, and the body is dropped. False, and `value` dropped, if
    /// none runs.
    ///
    /// # Errors
    /// [`AlreadyCompleted`] gives the value back.
    pub fn set_result(&self, value: T) -> Result<bool, AlreadyCompleted<T>> {
        self.complete(value, |value| Settled::Done(Arc::new(value)))
    }

    /// Completes the attempt that runs with an error, which waiters get as [`TaskError::Failed`]. False if none runs.
    ///
    /// # Errors
    /// [`AlreadyCompleted`] gives the error back.
    pub fn set_error<E: Into<BoxError>>(&self, error: E) -> Result<bool, AlreadyCompleted<BoxError>> {
        self.complete(error.into(), |error| Settled::Error(TaskError::from_error(error)))
    }

    fn complete<V>(&self, value: V, outcome: impl FnOnce(V) -> Settled<T>) -> Result<bool, AlreadyCompleted<V>> {
        let inner = &*self.0.0;
        let state = inner.state.lock();
        match &state.phase {
            Phase::Completed(_) => Err(AlreadyCompleted(value)),
            Phase::Running { .. } => {
                inner.finish(state, outcome(value));
                Ok(true)
            }
            Phase::Idle | Phase::Stopped(_) => {
                drop(state);
                drop(value);
                Ok(false)
            }
        }
    }

    /// Waits for the outcome, across all attempts that it may take. What comes keeps nothing running, and giving it up
    /// changes nothing for others; see [`SharedOutcome`].
    ///
    /// # Errors
    /// [`NotStarted`] for an idle one.
    pub fn wait(&self) -> Result<SharedOutcome<T>, NotStarted> {
        match &self.0.0.state.lock().phase {
            Phase::Idle => Err(NotStarted),
            Phase::Running { promise, .. } | Phase::Stopped(promise) | Phase::Completed(promise) => {
                Ok(SharedOutcome::new(Arc::clone(promise)))
            }
        }
    }

    /// The outcome, for a tick: `None` until it is completed.
    pub fn result(&self) -> Option<Outcome<T>> {
        match &self.0.0.state.lock().phase {
            Phase::Completed(promise) => promise.get(),
            _ => None,
        }
    }

    /// Where it stands.
    pub fn status(&self) -> RestartStatus {
        match &self.0.0.state.lock().phase {
            Phase::Idle => RestartStatus::Idle,
            Phase::Running { .. } => RestartStatus::Running,
            Phase::Stopped(_) => RestartStatus::Stopped,
            Phase::Completed(_) => RestartStatus::Completed,
        }
    }

    /// How many attempts were started.
    pub fn attempts(&self) -> u64 {
        self.0.0.state.lock().attempts
    }
}

/// What a cancellation leaves, to be dropped outside of the lock.
#[expect(dead_code, reason = "held to be dropped")]
enum Ended<T> {
    Run(Arc<Run<T, Inner<T>>>),
    Outcome(Arc<Promise<T>>),
}

impl<T: Send + Sync + 'static> Inner<T> {
    fn start(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        let promise = match &state.phase {
            Phase::Running { .. } | Phase::Completed(_) => return false,
            Phase::Idle => Promise::new(),
            Phase::Stopped(promise) => Arc::clone(promise),
        };
        state.attempts += 1;
        let (number, limit, quiet, name) = (state.attempts, state.limit, state.quiet, state.name.clone());
        state.phase = Phase::Running { promise, run: None };
        drop(state);
        let (body, attempt) = (Arc::clone(&self.body), Attempt { inner: Arc::downgrade(self), number });
        let options = Options { name: name.as_deref(), limit, quiet };
        let started = Run::start(&self.handle, options, move || body(attempt), self, number);
        let mut state = self.state.lock();
        let current = state.attempts == number;
        match &mut state.phase {
            Phase::Running { run, .. } if current => *run = Some(started),
            // Cancelled or completed meanwhile.
            _ => {
                drop(state);
                drop(started);
            }
        }
        true
    }

    /// From running to completed.
    fn finish(&self, mut state: crate::sync::MutexGuard<'_, State<T>>, outcome: Settled<T>) {
        let Phase::Running { promise, run } = std::mem::replace(&mut state.phase, Phase::Idle) else { return };
        state.phase = Phase::Completed(Arc::clone(&promise));
        let quiet = state.quiet;
        drop(state);
        promise.set(outcome);
        // The outcome may have come from outside of every task.
        if !quiet {
            self.handle.shared().updated();
        }
        drop(run);
    }

    /// As [`finish`](Self::finish), if the attempt of that number runs.
    fn finish_attempt<V>(&self, number: u64, value: V, outcome: impl FnOnce(V) -> Settled<T>) -> Result<(), V> {
        let state = self.state.lock();
        if state.attempts != number || !matches!(state.phase, Phase::Running { .. }) {
            return Err(value);
        }
        self.finish(state, outcome(value));
        Ok(())
    }
}

impl<T: Send + Sync + 'static> Owner<T> for Inner<T> {
    fn ended(self: Arc<Self>, number: u64, outcome: Settled<T>) {
        let stale = self.finish_attempt(number, outcome, |outcome| outcome);
        drop(stale);
    }
}

/// One attempt of a [`Restartable`], for its body and whoever completes it from elsewhere. It keeps nothing running.
///
/// # Example
/// ```
/// use offtick::toolkit::{Restartable, Stale};
/// use std::sync::mpsc::channel;
/// let rt = offtick::Runtime::new()?;
/// let (attempts, seen) = channel();
/// let work = Restartable::completed_outside(&rt, move |attempt| {
///     let sent = attempts.send(attempt);
///     async move { sent }
/// });
/// work.start();
/// let first = seen.recv()?;
/// work.restart();
/// let second = seen.recv()?;
/// assert_eq!(first.complete("late"), Err(Stale("late")));
/// assert_eq!(second.complete("in time"), Ok(()));
/// assert_eq!(*offtick::block_on(work.wait()?)??, "in time");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Attempt<T> {
    inner: Weak<Inner<T>>,
    number: u64,
}

impl<T: Send + Sync + 'static> Attempt<T> {
    /// Its number, counted from 1 over all attempts.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// True while it is the one that runs.
    pub fn is_current(&self) -> bool {
        self.inner.upgrade().is_some_and(|inner| {
            let state = inner.state.lock();
            state.attempts == self.number && matches!(state.phase, Phase::Running { .. })
        })
    }

    /// Completes the [`Restartable`] with a value; the body is dropped, if it still runs.
    ///
    /// # Errors
    /// [`Stale`] gives the value back.
    pub fn complete(&self, value: T) -> Result<(), Stale<T>> {
        match self.inner.upgrade() {
            Some(inner) => {
                inner.finish_attempt(self.number, value, |value| Settled::Done(Arc::new(value))).map_err(Stale)
            }
            None => Err(Stale(value)),
        }
    }

    /// Completes the [`Restartable`] with an error.
    ///
    /// # Errors
    /// [`Stale`] gives the error back.
    pub fn fail<E: Into<BoxError>>(&self, error: E) -> Result<(), Stale<BoxError>> {
        let error = error.into();
        let outcome = |error| Settled::Error(TaskError::from_error(error));
        match self.inner.upgrade() {
            Some(inner) => inner.finish_attempt(self.number, error, outcome).map_err(Stale),
            None => Err(Stale(error)),
        }
    }
}

impl<T> Clone for Attempt<T> {
    fn clone(&self) -> Self {
        Self { inner: Weak::clone(&self.inner), number: self.number }
    }
}

impl<T> fmt::Debug for Attempt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Drop for Front<T> {
    fn drop(&mut self) {
        let phase = std::mem::replace(&mut self.0.state.lock().phase, Phase::Idle);
        if let Phase::Running { promise, .. } | Phase::Stopped(promise) = &phase {
            promise.set(Settled::Error(TaskError::Cancelled));
        }
    }
}

impl<T: Send + Sync + 'static> Clone for Restartable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Restartable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restartable")
            .field("status", &self.status())
            .field("attempts", &self.attempts())
            .finish_non_exhaustive()
    }
}
