//! The graceful end of a program: who is told, who waits for what, and when the signals are given back.

use super::claim::Claim;
use super::error::SignalError;
use super::exit_report::{Cause, ExitReport, StopFailed};
use super::handle::ShutdownHandle;
use super::install::{Active, ShutdownBuilder};
use super::request::Request;
use crate::error::{IntoBoxError, TaskError};
use crate::instant::Instant;
use crate::runtime::{Builder, Handle, Runtime, ShutdownReport};
use crate::sync::Arc;
use crate::sync::plain::Mutex;
use crate::sync::thread::JoinHandle;
use crate::task::Task;
use std::fmt;
use std::future::Future;
use std::io::PipeWriter;
use std::time::Duration;

/// What the runtime gets to stop even when the deadline has passed: enough for what is not stuck.
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// Ends a program gracefully: on a signal, on an error that nobody handles, or when the program asks. Unix, feature
/// `signal`.
///
/// - **The first** signal of `SIGINT`, `SIGTERM`, `SIGHUP`, `SIGQUIT` (or those given to the [builder](Self::builder)) asks the program
///   to stop: [`requested`](ShutdownHandle::requested) is true, [`wait`](ShutdownHandle::wait) is ready, and the functions given to
///   [`on_stop`](Self::on_stop) begin.
/// - **An unhandled error or panic** of a task of an [attached](Self::attach) runtime does the same, and is in the [`ExitReport`]. So does
///   [`trigger`](ShutdownHandle::trigger).
/// - **The next signal** after any of these ends the process at once with the status 128 + signal. The handler itself does that,
///   so it works when every thread of the program hangs; nothing is flushed, no destructor runs. Signals within 50 ms of a first
///   signal count as that one ([`merge`](ShutdownBuilder::merge)).
/// - Further errors are counted; the hooks of the program still see them.
/// - [`finish`](Self::finish) waits for the stop functions, shuts the runtime down, and says how it went.
///
/// It has the methods of its [`ShutdownHandle`].
///
/// # Threads
/// One, named `offtick-signal`, which sleeps until there is a signal: requests are told of even when a reactor hangs, and
/// whichever executor a waiter stands on.
///
/// # Afterwards
/// When it is dropped, or the [`ExitReport`] after it was finished, its signals do what they did before, with the limits named in the [module](super). A signal
/// that the process ignored when this was made (`nohup`) is left ignored.
///
/// # Example
/// ```
/// use offtick::signal::{ExitReport, Shutdown};
///
/// fn main() -> ExitReport {
/// #   fn inner() -> Result<ExitReport, Box<dyn std::error::Error>> {
///     let shutdown = Shutdown::new()?;
///     let rt = shutdown.attach(offtick::Builder::new()).build()?;
///     shutdown.on_stop(&rt, |cause| async move {
///         eprintln!("{cause}: saving");
///         Ok::<_, std::io::Error>(())
///     });
/// #   shutdown.trigger();
///     while !shutdown.requested() {
///         // One tick.
///         # std::thread::yield_now();
///     }
///     Ok(shutdown.finish(rt))
/// #   }
/// #   inner().expect("nothing else uses these signals")
/// }
/// ```
///
/// It is not `Clone`, its [`handle`](Self::handle) is:
/// ```compile_fail,E0599
/// let other = offtick::signal::Shutdown::new().unwrap().clone();
/// ```
#[must_use = "dropping it gives the signals back"]
pub struct Shutdown {
    pub(super) handle: ShutdownHandle,
    pub(super) deadline: Duration,
    pub(super) signals: Vec<i32>,
    pub(super) stops: Mutex<Vec<Task<()>>>,
    /// Dropped in this order: nobody can ring the bell any more, the attendant has gone, the next one may come.
    pub(super) claims: Vec<Claim>,
    pub(super) writer: Option<PipeWriter>,
    pub(super) attendant: Option<JoinHandle<()>>,
    pub(super) _active: Active,
}

impl Shutdown {
    /// Takes the four signals, with a deadline of 10 seconds.
    ///
    /// # Errors
    /// Those of [`ShutdownBuilder::install`].
    pub fn new() -> Result<Self, SignalError> {
        Self::builder().install()
    }

    /// Settings.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder::new()
    }

    /// Sees the unhandled errors and panics of a runtime, beside the hooks that its builder has or gets: those that nobody has
    /// read ([`on_unhandled_error`](crate::Builder::on_unhandled_error)). Any number of runtimes may be attached;
    /// one with a builder of another kind by [`ShutdownHandle::report`] in its hook.
    pub fn attach(&self, builder: Builder) -> Builder {
        let own = self.handle();
        builder.on_unhandled_error(move |task, error| own.report(task, error))
    }

    /// Returns a handle for the rest of the program.
    pub fn handle(&self) -> ShutdownHandle {
        self.handle.clone()
    }

    /// The signals that it took: those it was given but for the ones that the process ignores.
    pub fn signals(&self) -> &[i32] {
        &self.signals
    }

    /// Gives a stop function: a future that runs on this runtime once the program is to stop, at once if it is already. Any
    /// number may be given; they run side by side.
    ///
    /// Errors and panics of it are in the [`ExitReport`]. At the deadline it is cancelled.
    #[track_caller]
    pub fn on_stop<F, Fut, E>(&self, handle: &impl AsRef<Handle>, stop: F)
    where
        F: FnOnce(Cause) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: IntoBoxError + 'static,
    {
        let own = self.handle();
        let task = handle.as_ref().run(async move {
            let cause = own.wait().await;
            stop(cause).await
        });
        self.stops.lock().push(task);
    }

    /// As [`on_stop`](Self::on_stop), for a closure that may block: it runs on a pool thread. At the deadline it is left
    /// to itself and counted in the report.
    #[track_caller]
    pub fn on_stop_blocking<F, E>(&self, handle: &impl AsRef<Handle>, stop: F)
    where
        F: FnOnce(Cause) -> Result<(), E> + Send + 'static,
        E: IntoBoxError + 'static,
    {
        let (own, pool) = (self.handle(), handle.as_ref().clone());
        let task = handle.as_ref().run(async move {
            let cause = own.wait().await;
            pool.run_blocking(move || stop(cause)).await
        });
        self.stops.lock().push(task);
    }

    /// True once the stop functions are over, or the deadline has passed: from then on [`finish`](Self::finish) waits for
    /// nothing but the runtime. For a program that draws while it stops.
    pub fn is_stopped(&self) -> bool {
        self.requested() && (self.left() == Some(Duration::ZERO) || self.stops.lock().iter().all(Task::is_done))
    }

    /// Ends the program's work: waits for the stop functions and shuts the runtime down. The signals are given back when
    /// the [`ExitReport`] is dropped.
    ///
    /// If nobody has asked the program to stop, this does. All of it takes no longer than the deadline, counted from the
    /// moment when the first request was noticed, and 200 ms more for the runtime if the stop functions have used it up. Blocks
    /// this thread; call it where the main loop ends, not inside a task.
    pub fn finish(self, runtime: Runtime) -> ExitReport {
        let wait = |stop: &mut Task<()>| match self.left() {
            Some(left) => stop.wait_timeout(left),
            None => Some(stop.wait()),
        };
        self.trigger();
        let stops = self.outcomes(wait);
        self.end(stops, |patience| runtime.shutdown(patience))
    }

    /// As [`finish`](Self::finish), for a runtime that this thread drives, or for several: waits for no stop function, and
    /// leaves the shutdown to `end`, which is told how long it may take.
    ///
    /// Stop functions that are not over are cancelled and count as failed, so go on until
    /// [`is_stopped`](Self::is_stopped) first.
    ///
    /// # Example
    /// ```
    /// use offtick::signal::Shutdown;
    /// let shutdown = Shutdown::new()?;
    /// let rt = shutdown.attach(offtick::Builder::new()).build()?;
    /// shutdown.on_stop(&rt, |_cause| async { Ok::<_, std::io::Error>(()) });
    /// shutdown.trigger();
    /// while !shutdown.is_stopped() {
    ///     // One tick.
    ///     # std::thread::yield_now();
    /// }
    /// let outcome = shutdown.finish_with(|patience| rt.shutdown(patience));
    /// assert!(outcome.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish_with(self, end: impl FnOnce(Duration) -> ShutdownReport) -> ExitReport {
        self.trigger();
        let stops = self.outcomes(Task::take);
        self.end(stops, end)
    }

    /// Takes the stop functions out, in the order in which they were given, and says which did not do their work. One
    /// that is not over then is cancelled.
    fn outcomes(&self, mut outcome: impl FnMut(&mut Task<()>) -> Option<Result<(), TaskError>>) -> Vec<StopFailed> {
        let stops = std::mem::take(&mut *self.stops.lock());
        let failed = |mut stop: Task<()>| {
            let location = stop.cancel_handle().location();
            let error = match outcome(&mut stop) {
                Some(Ok(())) => return None,
                Some(Err(error)) => Some(error),
                None => None,
            };
            Some(StopFailed { location, error })
        };
        stops.into_iter().filter_map(failed).collect()
    }

    fn end(self, stops: Vec<StopFailed>, end: impl FnOnce(Duration) -> ShutdownReport) -> ExitReport {
        let patience = self.left().map_or(Duration::MAX, |left| left.max(LAST_PATIENCE));
        let report = end(patience);
        let request = Arc::clone(&self.handle.0);
        ExitReport {
            cause: request.cause().unwrap_or(Cause::Program),
            failure: request.take_failure(),
            further: request.further(),
            stops,
            report,
            _shutdown: Some(self),
        }
    }

    pub(super) fn request(&self) -> &Arc<Request> {
        &self.handle.0
    }

    /// What is left until the deadline. `None`: the clock does not reach that far.
    fn left(&self) -> Option<Duration> {
        let end = self.handle.0.begun().checked_add(self.deadline)?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// Gives the signals back and ends the attendant.
    fn release(&mut self) {
        self.claims.clear();
        // The last writer: the attendant reads the end of the pipe.
        self.writer = None;
        self.handle.0.release();
        let Some(attendant) = self.attendant.take() else { return };
        attendant.thread().unpark();
        // A waker may have dropped us on the attendant itself; it ends by itself then.
        if attendant.thread().id() != std::thread::current().id() {
            let _panic = attendant.join();
        }
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("signals", &self.signals)
            .field("deadline", &self.deadline)
            .field("cause", &self.cause())
            .finish_non_exhaustive()
    }
}
