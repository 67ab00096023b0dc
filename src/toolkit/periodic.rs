//! [`Periodic`]: a body that runs at once, and again whenever its interval has passed.

use super::body::{Body, Settings, verbs};
use super::repeat::{Due, ErrorPolicy, Plan, Repeat};
use crate::error::BoxError;
use crate::instant::Instant;
use crate::runtime::Handle;
use crate::schedule::{Period, PeriodError};
use crate::spawn::TaskContext;
use std::future::Future;
use std::ops::Deref;

/// A body that runs at once, and again whenever an interval has passed since its last start. Never two runs at a time.
///
/// For what is kept fresh: a weather report, the length of a queue, a list of peers. It goes by the runtime's clock.
///
/// - The interval is measured from start to start. A run that takes longer is followed at once by the next one, after the
///   other tasks had their turn; nothing is made up for.
/// - [`run_now`](Repeat::run_now) counts as a start. After a [`pause`](Repeat::pause) in which the interval passed, one
///   run begins at once.
/// - A run that fails, panics or is cancelled by itself stops it, or does not: [`ErrorPolicy`].
///
/// What it shows and how it is controlled is in [`Repeat`]. For a fixed grid, jitter and several jobs, take a
/// [`Scheduler`](crate::Scheduler).
///
/// # Example
/// ```
/// use offtick::time::Clock;
/// use offtick::toolkit::{ErrorPolicy, Periodic};
/// use std::time::Duration;
///
/// let clock = Clock::manual();
/// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
/// let mut asked = 0;
/// let report = Periodic::every(&rt, Duration::from_secs(60)).on_error(ErrorPolicy::GoOn).run(move |_cx| {
///     asked += 1;
///     async move { if asked == 2 { Err("offline") } else { Ok(format!("report {asked}")) } }
/// })?;
/// let newer = loop {
///     // One tick. The last good value stays on the screen while a run is under way or has failed.
///     if let Some(run) = report.latest_done()
///         && let Some(Ok(text)) = run.result()
///         && text != "report 1"
///     {
///         break text.clone();
///     }
///     clock.advance(Duration::from_secs(1));
///     std::thread::yield_now();
/// };
/// assert_ne!(newer, "report 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is not `Clone`:
/// ```compile_fail,E0599
/// use offtick::toolkit::Periodic;
/// let rt = offtick::Runtime::new().unwrap();
/// let report = Periodic::every(&rt, std::time::Duration::from_secs(60)).spawn(|_cx| async {}).unwrap();
/// let other = report.clone();
/// ```
#[derive(Debug)]
#[must_use = "dropping it cancels it"]
pub struct Periodic<T: Send + Sync + 'static>(Repeat<T>);

/// Settings of a [`Periodic`]; made by [`Periodic::every`].
///
/// # Example
/// ```
/// use offtick::toolkit::{ErrorPolicy, Periodic};
/// let rt = offtick::Runtime::new()?;
/// let _size = Periodic::every(&rt, 2.5)
///     .name("size of the log")
///     .on_error(ErrorPolicy::GoOn)
///     .run_blocking(|_cx| std::fs::metadata("app.log").map(|file| file.len()))?;
/// assert!(Periodic::every(&rt, 0.0).spawn(|_cx| async {}).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it begins with one of the verbs: `spawn`, `run`, `spawn_blocking`, `run_blocking`"]
pub struct PeriodicBuilder {
    settings: Settings,
    period: Result<Period, PeriodError>,
    policy: ErrorPolicy,
}

impl Periodic<()> {
    /// Begins the description of one whose runs are tasks of `handle`. The interval is a
    /// [`Duration`](std::time::Duration), a number of seconds, or a [`Period`].
    ///
    /// A length of zero, a negative one or no number at all is an error of the verb.
    pub fn every<P>(handle: &impl AsRef<Handle>, period: P) -> PeriodicBuilder
    where
        P: TryInto<Period>,
        P::Error: Into<PeriodError>,
    {
        let period = period.try_into().map_err(Into::into);
        PeriodicBuilder { settings: Settings::new(handle.as_ref()), period, policy: ErrorPolicy::default() }
    }
}

impl PeriodicBuilder {
    /// Never raises the update flag for its runs; see [`TaskBuilder::quiet`](crate::TaskBuilder::quiet).
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// The name of each run's task, for listings and hooks.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into().into_boxed_str());
        self
    }

    /// What is done about a run that goes wrong. Default [`ErrorPolicy::Stop`].
    pub fn on_error(mut self, policy: ErrorPolicy) -> Self {
        self.policy = policy;
        self
    }

    fn make<T>(self, body: impl FnOnce(Settings) -> Body<T>) -> Result<Periodic<T>, PeriodError>
    where
        T: Send + Sync + 'static,
    {
        let Self { settings, period, policy } = self;
        let period = period?;
        Ok(Periodic(Repeat::new(body(settings), policy, |_| StartToStart { period, next: None })))
    }
}

verbs!([] PeriodicBuilder => Result<Periodic<T>, PeriodError>, "Begins a repetition");

/// The plan.
struct StartToStart {
    period: Period,
    /// `None` beyond the end of the clock.
    next: Option<Instant>,
}

impl Plan for StartToStart {
    fn begin(&mut self, now: Instant) {
        self.next = Some(now);
    }

    fn next(&mut self, now: Instant) -> Due {
        match self.next {
            Some(next) if next <= now => Due::Now,
            Some(next) => Due::At(next),
            None => Due::Unknown,
        }
    }

    fn launched(&mut self, now: Instant, _asked: bool) {
        self.next = now.checked_add(self.period.get());
    }

    fn free_again(&mut self) {}
}

impl<T: Send + Sync + 'static> Deref for Periodic<T> {
    type Target = Repeat<T>;

    fn deref(&self) -> &Repeat<T> {
        &self.0
    }
}
