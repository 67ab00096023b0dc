//! The runtime of a test.

use super::SEED;
use super::builder::TestBuilder;
use super::error::RunError;
use super::leaks::{Leaks, describe};
use crate::error::BuildError;
use crate::runtime::{Budget, Handle, LocalBuilder, LocalRuntime, TickError};
use crate::sync::{Arc, Mutex};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::time::Duration;

/// The rules of each call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) auto_advance: bool,
    pub(super) steps: u64,
}

/// A runtime for tests, driven only by its calls, with a clock that the test moves.
///
/// It dereferences to its [`LocalRuntime`], which spawns and ticks. The [module](super) explains the differences.
///
/// Dropping it checks nothing; [`finish`](Self::finish) does. If the test panics, the drop prints the seed.
///
/// # Example
/// ```
/// use offtick::testing::TestRuntime;
/// use offtick::time::sleep;
/// use std::time::Duration;
/// let rt = TestRuntime::new()?;
/// let task = rt.spawn(sleep(Duration::from_secs(60)));
/// rt.advance(Duration::from_secs(59))?;
/// assert!(!task.is_done());
/// rt.advance(Duration::from_secs(1))?;
/// assert!(task.is_done());
/// rt.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TestRuntime {
    rt: LocalRuntime,
    seed: u64,
    terms: Terms,
    unseen: Arc<Mutex<Vec<String>>>,
}

impl TestRuntime {
    /// Creates a runtime with the default options; [`TestBuilder`] has the others.
    ///
    /// # Errors
    /// [`BuildError::Poll`] if the system refuses its poll.
    pub fn new() -> Result<Self, BuildError> {
        TestBuilder::new().build()
    }

    pub(super) fn make(builder: LocalBuilder, seed: u64, terms: Terms) -> Result<Self, BuildError> {
        let unseen = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&unseen);
        let hook = move |task: &_, error: &_| theirs.lock().push(format!("task {}: {error:#}", describe(task)));
        let rt = builder.on_unhandled_error(hook).build()?;
        rt.count_references();
        Ok(Self { rt, seed, terms, unseen })
    }

    /// Returns the seed of all random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the time that has passed on the runtime's clock.
    pub fn elapsed(&self) -> Duration {
        self.rt.clock().as_manual().map(|clock| clock.elapsed()).unwrap_or_default()
    }

    /// Drives the runtime until `future` is ready. Never sleeps.
    ///
    /// If nothing is left to do, the clock moves to the next deadline, or the call returns an error.
    ///
    /// Like in [`LocalRuntime::run_until`], the future is polled here and need not be `Send` or `'static`, and each
    /// turn counts as a tick. It does not wait for other threads and sockets; a test that has some uses
    /// `LocalRuntime::run_until(&rt, ..)`.
    ///
    /// # Errors
    /// [`RunError::Stalled`]: nothing is left to do, and without [`auto_advance`](TestBuilder::auto_advance) timers do not
    /// count. [`RunError::Endless`] at the step limit. [`RunError::Tick`] inside a task. The future is dropped.
    ///
    /// # Panics
    /// If the future does.
    ///
    /// # Example
    /// ```
    /// use offtick::testing::{RunError, TestBuilder, TestRuntime};
    /// use offtick::time::sleep;
    /// use std::time::Duration;
    /// let day = Duration::from_secs(86_400);
    /// let rt = TestBuilder::new().auto_advance(true).build()?;
    /// rt.run_until(sleep(day))?;
    /// assert_eq!(rt.elapsed(), day);
    ///
    /// let rt = TestRuntime::new()?;
    /// let error = rt.run_until(sleep(day)).expect_err("time stands still");
    /// assert!(matches!(error, RunError::Stalled { next_timer: Some(left), .. } if left == day));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_until<F: Future>(&self, future: F) -> Result<F::Output, RunError> {
        let (mut steps, mut stalled) = (0_u64, None);
        let output = self.rt.drive(future, |polled, idle| {
            // A turn is a step as well.
            steps = steps.saturating_add(polled as u64 + 1);
            if steps > self.terms.steps {
                return false;
            }
            if idle && !(self.terms.auto_advance && self.rt.skip_ahead()) {
                stalled = Some(self.stalled());
                return false;
            }
            true
        })?;
        output.ok_or(stalled.unwrap_or(RunError::Endless { steps }))
    }

    fn stalled(&self) -> RunError {
        let now = self.rt.clock().now();
        RunError::Stalled {
            tasks: self.rt.tasks().len(),
            closures: self.blocking_jobs(),
            next_timer: self.rt.next_deadline().map(|next| next.saturating_duration_since(now)),
        }
    }

    /// Lets time pass from deadline to deadline, and runs everything ready at each.
    ///
    /// The clock's own [pause and scale](crate::time::ManualClock) hold, as for [`LocalRuntime::advance`].
    ///
    /// # Errors
    /// [`RunError::Endless`] and [`RunError::Tick`].
    pub fn advance(&self, by: Duration) -> Result<(), RunError> {
        let report = self.rt.advance(by, Budget::polls(self.budget()))?;
        self.go_on(report)
    }

    /// Runs everything that is ready, without moving the time.
    ///
    /// It is like [`LocalRuntime::run_until_stalled`], with a step limit.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    pub fn settle(&self) -> Result<(), RunError> {
        let report = self.rt.tick(Budget::polls(self.budget()))?;
        self.go_on(report)
    }

    fn budget(&self) -> usize {
        usize::try_from(self.terms.steps).unwrap_or(usize::MAX)
    }

    fn go_on(&self, first: crate::runtime::TickReport) -> Result<(), RunError> {
        let (mut report, mut steps) = (first, 0_u64);
        loop {
            steps = steps.saturating_add(report.polled as u64 + 1);
            let paused = self.rt.clock().as_manual().is_some_and(|clock| clock.is_paused());
            if report.left_ready == 0 && !report.left_due && (paused || report.behind.is_zero()) {
                return Ok(());
            }
            if steps > self.terms.steps {
                return Err(RunError::Endless { steps });
            }
            report = self.rt.tick(Budget::polls(self.budget()))?;
        }
    }

    /// Returns the number of closures that have not begun.
    pub fn blocking_jobs(&self) -> usize {
        self.rt.metrics().blocking_queued as usize
    }

    /// Runs up to `most` waiting closures on this thread, in order.
    ///
    /// Returns their number. Tasks that they wake run later.
    ///
    /// Use it in a test that [holds](TestBuilder::hold_blocking) them, to see what the program does meanwhile.
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime.
    ///
    /// # Example
    /// ```
    /// use offtick::testing::TestBuilder;
    /// let rt = TestBuilder::new().hold_blocking(true).build()?;
    /// let (first, second) = (rt.spawn_blocking(|| 1), rt.spawn_blocking(|| 2));
    /// rt.settle()?;
    /// assert_eq!((rt.blocking_jobs(), first.is_done()), (2, false)); // the disk is slow today
    /// assert_eq!(rt.run_blocking_jobs(1)?, 1);
    /// assert_eq!((first.is_done(), second.is_done()), (true, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_blocking_jobs(&self, most: usize) -> Result<usize, TickError> {
        self.rt.run_closures(most)
    }

    /// Returns what the program has left so far.
    ///
    /// Use it at the end of a test, when all its handles, sleeps and sockets are dropped, and cancelled tasks have
    /// [settled](Self::settle). Internal tasks count for the program that needs them: a [`Scheduler`](crate::Scheduler)
    /// that is not shut down is a task.
    pub fn leaks(&self) -> Leaks {
        Leaks::new(self.rt.remains(), self.unseen.lock().clone())
    }

    /// Ends the runtime, if nothing is left.
    ///
    /// # Errors
    /// [`Leaks`] lists what is left; all of it is dropped with the runtime.
    pub fn finish(self) -> Result<(), Leaks> {
        let leaks = self.leaks();
        if leaks.is_clean() { Ok(()) } else { Err(leaks) }
    }
}

impl AsRef<Handle> for TestRuntime {
    fn as_ref(&self) -> &Handle {
        self.rt.handle()
    }
}

impl Deref for TestRuntime {
    type Target = LocalRuntime;

    fn deref(&self) -> &LocalRuntime {
        &self.rt
    }
}

impl Drop for TestRuntime {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("offtick seed: {seed}; rerun with {SEED}={seed}", seed = self.seed);
        }
    }
}

impl fmt::Debug for TestRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRuntime").field("seed", &self.seed).field("terms", &self.terms).finish_non_exhaustive()
    }
}
