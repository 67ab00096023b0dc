//! How a program ended.

use super::number::Shown;
use super::shutdown::Shutdown;
use crate::error::{TaskError, write_causes};
use crate::runtime::ShutdownReport;
use crate::sync::plain::Mutex;
use crate::task::TaskInfo;
use crate::util::catch::{catch, drop_quietly};
use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::process::{ExitCode, Termination};

/// Why a program is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A signal of this number.
    Signal(i32),
    /// A task failed or panicked and nobody held its handle.
    Unhandled,
    /// The program itself, by [`ShutdownHandle::trigger`](super::ShutdownHandle::trigger) or by coming to its end.
    Program,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => Shown(*signal).fmt(f),
            Self::Unhandled => f.write_str("an unhandled error"),
            Self::Program => f.write_str("the program"),
        }
    }
}

/// The task whose error stopped the program.
pub struct Failure {
    task: Box<TaskInfo>,
    message: String,
    panicked: bool,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Failure {
    pub(super) fn new(task: &TaskInfo, error: &TaskError) -> Self {
        let panic = if let TaskError::Panicked(panic) = error { Some(panic) } else { None };
        Self {
            task: Box::new(task.clone()),
            message: catch(|| format!("{error:#}")).unwrap_or_else(|payload| {
                drop_quietly(payload);
                "an error whose text cannot be had: its Display panicked".to_owned()
            }),
            panicked: panic.is_some(),
            // Nobody else is there to take it: the handle is gone.
            payload: Mutex::new(panic.and_then(|panic| panic.take_payload())),
        }
    }

    /// Which task.
    pub fn task(&self) -> &TaskInfo {
        &self.task
    }

    /// What its error said.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// True if it panicked.
    pub fn is_panic(&self) -> bool {
        self.panicked
    }

    /// Moves the payload of its panic out, for [`std::panic::resume_unwind`]. `None` if it did not panic, and the second
    /// time.
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.payload.lock().take()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.task.name() {
            write!(f, "{name}: ")?;
        }
        write!(f, "{} (spawned at {})", self.message, self.task.location())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("task", &self.task).field("message", &self.message).finish_non_exhaustive()
    }
}

impl std::error::Error for Failure {}

impl Drop for Failure {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.get_mut().take() {
            drop_quietly(payload);
        }
    }
}

/// A stop function that did not do its work. `{:#}` shows the error that it ended with as well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StopFailed {
    /// The line that gave it to [`Shutdown::on_stop`](super::Shutdown::on_stop).
    pub location: &'static Location<'static>,
    /// What it ended with. `None`: it was not over at the deadline, and was cancelled.
    pub error: Option<TaskError>,
}

impl fmt::Display for StopFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(_) => write!(f, "the stop function of {} failed", self.location),
            None => write!(f, "the stop function of {} was not over at the deadline", self.location),
        }?;
        if f.alternate() { write_causes(self, f) } else { Ok(()) }
    }
}

impl std::error::Error for StopFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

/// How a program ended; made by [`Shutdown::finish`](super::Shutdown::finish). `main` may return it.
///
/// # Exit status
/// | cause | status |
/// |---|---|
/// | signal N | 128 + N, as shells have it, clean or not |
/// | unhandled panic | 101, as the standard library has it |
/// | other unhandled error | 1 |
/// | the program itself | 0 if all stopped in time and every stop function did its work, else 1 |
///
/// Returned from `main`, it also prints what failed, one line each, to the standard error.
///
/// # Signals
/// They are given back when this is dropped. Until then the program is still stopping: the next signal ends it at once, with
/// the status of that signal, and is not taken for a new one.
///
/// # Example
/// ```
/// use offtick::signal::{Cause, Shutdown};
/// let shutdown = Shutdown::new()?;
/// let rt = shutdown.attach(offtick::Builder::new()).build()?;
/// let outcome = shutdown.finish(rt);
/// assert_eq!(outcome.cause(), Cause::Program);
/// assert_eq!(outcome.to_string(), "stopped by the program, clean");
/// assert_eq!(outcome.status(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "return it from `main`, or its exit code"]
pub struct ExitReport {
    pub(super) cause: Cause,
    pub(super) failure: Option<Failure>,
    pub(super) further: u64,
    pub(super) stops: Vec<StopFailed>,
    pub(super) report: ShutdownReport,
    /// Its signals, still taken.
    pub(super) _shutdown: Option<Shutdown>,
}

impl ExitReport {
    /// Who asked first.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The unhandled error that stopped the program.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Unhandled errors that came after the program was asked to stop.
    pub fn further_errors(&self) -> u64 {
        self.further
    }

    /// The stop functions that failed or were not over in time.
    pub fn stops_failed(&self) -> &[StopFailed] {
        &self.stops
    }

    /// What the shutdown of the runtime left behind.
    pub fn report(&self) -> &ShutdownReport {
        &self.report
    }

    /// True if everything stopped in time and every stop function did its work. An unhandled error that asked for the stop
    /// does not make it unclean.
    pub fn is_clean(&self) -> bool {
        self.stops.is_empty() && self.report.is_clean()
    }

    /// The exit status: see the table above.
    pub fn status(&self) -> u8 {
        match self.cause {
            Cause::Signal(signal) => status_of(signal),
            Cause::Unhandled if self.failure.as_ref().is_some_and(Failure::is_panic) => 101,
            Cause::Unhandled => 1,
            Cause::Program => u8::from(!self.is_clean()),
        }
    }

    /// [`status`](Self::status), for a `main` that returns an [`ExitCode`].
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status())
    }

    /// The error that stopped the program, for a `main` that returns a `Result`. A panic is resumed here, on the calling
    /// thread.
    ///
    /// # Errors
    /// The unhandled error.
    ///
    /// # Panics
    /// With the payload of the task's panic, if that was the error.
    pub fn reraise(mut self) -> Result<(), Failure> {
        let Some(failure) = self.failure.take() else { return Ok(()) };
        if let Some(payload) = failure.take_payload() {
            std::panic::resume_unwind(payload);
        }
        Err(failure)
    }
}

/// 128 and the number of the signal.
pub(super) fn status_of(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

impl fmt::Display for ExitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by {}", self.cause)?;
        if self.is_clean() {
            return f.write_str(", clean");
        }
        if !self.stops.is_empty() {
            write!(f, ", stop functions that failed: {}", self.stops.len())?;
        }
        if !self.report.reactor_stopped {
            f.write_str(", a task holds the reactor")?;
        }
        if self.report.blocking_left != 0 {
            write!(f, ", closures that still run: {}", self.report.blocking_left)?;
        }
        Ok(())
    }
}

impl Termination for ExitReport {
    fn report(self) -> ExitCode {
        use std::io::Write;
        // One that cannot be written to does not change how the program ended.
        let mut out = std::io::stderr().lock();
        for stop in &self.stops {
            let _written = writeln!(out, "Error: {stop:#}");
        }
        if let Some(failure) = &self.failure {
            let _written = writeln!(out, "Error: {failure}");
        }
        self.exit_code()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn outcome(cause: Cause) -> ExitReport {
        let report = ShutdownReport::clean();
        ExitReport { cause, failure: None, further: 0, stops: Vec::new(), report, _shutdown: None }
    }

    #[test]
    fn the_status_names_the_cause() {
        assert_eq!(outcome(Cause::Signal(15)).status(), 143);
        assert_eq!(outcome(Cause::Signal(2)).status(), 130);
        assert_eq!(outcome(Cause::Unhandled).status(), 1);
        assert_eq!(outcome(Cause::Program).status(), 0);
        assert_eq!(status_of(127), 255);
        assert_eq!(status_of(128), 255);
    }

    #[test]
    fn what_did_not_stop_makes_it_unclean() {
        let mut outcome = outcome(Cause::Program);
        assert_eq!(outcome.to_string(), "stopped by the program, clean");
        outcome.report.blocking_left = 2;
        assert_eq!(outcome.status(), 1);
        outcome.stops.push(StopFailed { location: Location::caller(), error: None });
        assert_eq!(
            outcome.to_string(),
            "stopped by the program, stop functions that failed: 1, closures that still run: 2"
        );
    }
}
