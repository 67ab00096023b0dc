//! The settings of a job.

use super::core::Core;
use super::error::ScheduleError;
use super::event::JobEvent;
use super::grid::Grid;
use super::job::Job;
use super::launch::{self, Launch};
use super::settings::{Overlap, Settings, nanos};
use super::timetable::{Frame, Timetable};
use crate::error::BoxError;
use crate::retry::RetryPolicy;
use crate::schedule::Period;
use crate::spawn::TaskContext;
use crate::sync::Arc;
use crate::time::wall::wall_nanos;
use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

/// Where a [`JobBuilder`] gets the slots of its job from. Sealed: made by [`Scheduler::every`](super::Scheduler::every) and its
/// sisters.
#[expect(private_bounds, reason = "sealed")]
pub trait JobSource: Source {}

impl<S: Source> JobSource for S {}

/// Makes the slots of a job.
pub(super) trait Source {
    /// The slots, and how to name them.
    fn timetable(&self, frame: Frame) -> Result<(Box<dyn Timetable>, String), ScheduleError>;
}

/// Where the slots of a job come from: a length of time. For [`JobBuilder`].
#[derive(Clone, Debug)]
pub struct Every {
    pub(super) period: Result<Period, ScheduleError>,
    pub(super) at_once: bool,
}

impl Source for Every {
    fn timetable(&self, frame: Frame) -> Result<(Box<dyn Timetable>, String), ScheduleError> {
        let period = self.period.clone()?;
        Ok((Box::new(Grid::new(period.nanos(), self.at_once, frame)), format!("every {period}")))
    }
}

/// Settings of a job; made by [`Scheduler::every`](super::Scheduler::every) and its sisters.
///
/// The job is added by one of the verbs, which are those of [`TaskBuilder`](crate::TaskBuilder): `spawn*` takes a body that
/// returns a value, `run*` one that returns a `Result`, and each body gets a [`TaskContext`]. Every run is an ordinary task,
/// named after the job, submitted through the scheduler's manager.
///
/// - The body of `spawn` and `run` is a closure that makes a future, called for each run on the reactor thread: it may
///   keep state, and the future need not be `Send`.
/// - The body of `spawn_blocking` and `run_blocking` is the work itself, on a pool thread. Two runs may overlap, so it is
///   `Fn` and `Sync`.
///
/// With [`retry`](Self::retry), which is `R` then, the verbs are `run` and `run_blocking`.
///
/// Nothing is checked before the verb, which adds the job or says what is wrong.
///
/// | setting | default |
/// |---|---|
/// | [`id`](Self::id) | `job-1`, `job-2` ... |
/// | [`replace_existing`](Self::replace_existing) | yes |
/// | [`start`](Self::start), [`end`](Self::end), [`max_runs`](Self::max_runs), [`timeout`](Self::timeout), [`quiet`](Self::quiet) | none |
/// | [`retry`](Self::retry), [`jitter`](Self::jitter) | none |
/// | [`misfire_grace`](Self::misfire_grace) | 1 second |
/// | [`coalesce`](Self::coalesce) | yes |
/// | [`overlap`](Self::overlap), [`max_instances`](Self::max_instances) | `Skip`, 1 |
/// | [`wait_for_closures`](Self::wait_for_closures) | yes |
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
/// let mut count = 0;
/// let job = scheduler
///     .every(Duration::from_millis(1))
///     .id("count")
///     .now()
///     .max_runs(3)
///     .misfire_grace(None)
///     .spawn(move |_cx| {
///         count += 1;
///         async move { count }
///     })?;
/// while job.counts().runs < 3 {
///     std::thread::yield_now(); // a tick
/// }
/// assert_eq!(job.latest::<i32>()?.expect("it ran").wait().ok(), Some(&3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a job is added by one of the verbs: `spawn`, `run`, `spawn_blocking`, `run_blocking`"]
pub struct JobBuilder<S = Every, R = ()> {
    core: Arc<Core>,
    pub(super) source: S,
    settings: Settings,
    retry: R,
}

impl<R> JobBuilder<Every, R> {
    /// The first run at once (at [`start`](Self::start), if that lies ahead), not one period later.
    pub fn now(mut self) -> Self {
        self.source.at_once = true;
        self
    }
}

impl<S: JobSource> JobBuilder<S> {
    pub(super) fn new(core: &Arc<Core>, source: S) -> Self {
        Self { core: Arc::clone(core), source, settings: Settings::new(), retry: () }
    }
}

impl<S: JobSource, R> JobBuilder<S, R> {
    /// What the job is found by. Default: one is generated.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.settings.id = Some(id.into().into_boxed_str());
        self
    }

    /// Whether a job of the same id makes way (the default). Otherwise it stays, and the verb fails with
    /// [`ScheduleError::Duplicate`].
    ///
    /// The runs of a job that makes way go on; its counts stay with its own handles.
    pub fn replace_existing(mut self, replace: bool) -> Self {
        self.settings.replace = replace;
        self
    }

    /// The first reading of the wall clock at which a run may be due. The grid of an interval begins there; a start that is
    /// over changes nothing. With the feature `cron`, a `chrono::DateTime` is accepted as well.
    pub fn start(mut self, start: impl Into<SystemTime>) -> Self {
        self.settings.start = Some(wall_nanos(start.into()));
        self
    }

    /// The last reading of the wall clock at which a run may be due; then the job is over.
    pub fn end(mut self, end: impl Into<SystemTime>) -> Self {
        self.settings.end = Some(wall_nanos(end.into()));
        self
    }

    /// The job is over once it has run so often, at least 1. Slots that were missed or overlapped do not count.
    pub fn max_runs(mut self, most: u64) -> Self {
        self.settings.max_runs = Some(most);
        self
    }

    /// A limit for each run, counted from its submission; see [`TaskBuilder::timeout`](crate::TaskBuilder::timeout).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Never raises the update flag for its runs; see [`TaskBuilder::quiet`](crate::TaskBuilder::quiet).
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// Each run is later than its slot by a random time, at most this. The slots themselves do not move.
    pub fn jitter(mut self, most: Duration) -> Self {
        self.settings.jitter = nanos(most);
        self
    }

    /// Makes the random times of [`jitter`](Self::jitter) the same in each run of the program.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// How late a run may be: a slot that is seen later than this is missed and counted. `None`: it runs however late.
    pub fn misfire_grace(mut self, grace: impl Into<Option<Duration>>) -> Self {
        self.settings.lateness.grace = grace.into().map(nanos);
        self
    }

    /// Whether one run stands for all slots that were due meanwhile and are within the grace (the default). Otherwise each of
    /// them runs, the oldest 1,000 at most.
    pub fn coalesce(mut self, coalesce: bool) -> Self {
        self.settings.lateness.coalesce = coalesce;
        self
    }

    /// What happens to a slot that is due while [`max_instances`](Self::max_instances) runs are active.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.settings.overlap = overlap;
        self
    }

    /// The most runs that are active at once, at least 1. Default 1; for [`Overlap::Allow`], no limit.
    pub fn max_instances(mut self, most: usize) -> Self {
        self.settings.max_instances = Some(most);
        self
    }

    /// Whether a run stays active until its closure has returned (the default), or only until its task has ended.
    ///
    /// The two differ for a closure that goes on after it was cancelled or ran out of time. With `false` such a closure may run
    /// beside later runs of the job, more than [`max_instances`](Self::max_instances) at once.
    /// [`JobCounts::left_running`](super::JobCounts::left_running) counts these closures in both cases.
    pub fn wait_for_closures(mut self, wait: bool) -> Self {
        self.settings.wait_for_closures = wait;
        self
    }

    /// Called after each run was submitted. As all hooks of a job it runs on the reactor thread, so it should not take long;
    /// a panic in it is caught and dropped.
    pub fn on_run(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.settings.on_run = Some(Arc::new(hook));
        self
    }

    /// Called when slots were missed: once for all that were found at the same moment.
    pub fn on_missed(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.settings.on_missed = Some(Arc::new(hook));
        self
    }

    /// Called when a slot was given up because earlier runs, or a newer slot, left no room for it.
    pub fn on_overlapped(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.settings.on_overlapped = Some(Arc::new(hook));
        self
    }

    /// Tries the body of each run again when it fails, as `policy` says; see
    /// [`TaskBuilder::retry`](crate::TaskBuilder::retry). All tries are one run, and one task: it is over, and has failed,
    /// after the last of them.
    ///
    /// A policy that is not valid is an error of the verb.
    ///
    /// # Example
    /// ```
    /// use offtick::RetryPolicy;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let job = scheduler
    ///     .every(3600.0)
    ///     .now()
    ///     .retry(RetryPolicy::exponential(Duration::from_millis(1)).max_attempts(3))
    ///     .run(|cx| async move { if cx.attempt() < 3 { Err("refused") } else { Ok(cx.attempt()) } })?;
    /// while job.latest_finished::<u32>()?.is_none() {
    ///     std::thread::yield_now(); // a tick
    /// }
    /// assert_eq!(job.latest::<u32>()?.expect("it ran").wait().ok(), Some(&3));
    /// assert_eq!((job.counts().runs, job.counts().failed), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry<E>(self, policy: RetryPolicy<E>) -> JobBuilder<S, RetryPolicy<E>> {
        let Self { core, source, settings, retry: _ } = self;
        JobBuilder { core, source, settings, retry: policy }
    }

    fn add(self, launch: impl FnOnce(R) -> Launch) -> Result<Job, ScheduleError> {
        let Self { core, source, settings, retry } = self;
        settings.check()?;
        let now = core.now();
        let frame = Frame { now, start: settings.start, end: settings.end };
        let (table, trigger) = source.timetable(frame)?;
        let first = table.next(now);
        let in_time = |age| settings.lateness.grace.is_none_or(|grace| age <= grace);
        if !first.is_some_and(|slot| in_time(slot.age(now))) {
            return Err(ScheduleError::NeverFires { trigger });
        }
        let cell = core.add(settings, trigger, table, launch(retry))?;
        Ok(Job::new(core, cell))
    }
}

impl<S: JobSource> JobBuilder<S> {
    /// Adds a job whose body makes a future that returns a value.
    ///
    /// # Errors
    /// [`ScheduleError`]: a setting or the schedule is wrong, the id is taken, or the scheduler is shut down.
    pub fn spawn<M, F>(self, make: M) -> Result<Job, ScheduleError>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + Sync + 'static,
    {
        self.add(|()| launch::spawn(make))
    }

    /// Adds a job whose body makes a future that returns a `Result`: `Err` ends the run in `Status::Error`.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn).
    pub fn run<M, F, T, E>(self, make: M) -> Result<Job, ScheduleError>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.add(|()| launch::run(make))
    }

    /// Adds a job whose body may block and returns a value: it runs on a pool thread.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn).
    pub fn spawn_blocking<F, T>(self, closure: F) -> Result<Job, ScheduleError>
    where
        F: Fn(&mut TaskContext) -> T + Send + Sync + 'static,
        T: Send + Sync + 'static,
    {
        self.add(|()| launch::spawn_blocking(closure))
    }

    /// Adds a job whose body may block and returns a `Result`: `Err` ends the run in `Status::Error`.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn).
    pub fn run_blocking<F, T, E>(self, closure: F) -> Result<Job, ScheduleError>
    where
        F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.add(|()| launch::run_blocking(closure))
    }
}

impl<S: JobSource, E> JobBuilder<S, RetryPolicy<E>> {
    /// Adds a job whose body makes a future for each try.
    ///
    /// # Errors
    /// Those of [`spawn`](JobBuilder::spawn); [`ScheduleError::Invalid`].
    pub fn run<M, F, T>(self, make: M) -> Result<Job, ScheduleError>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.retry.check()?;
        self.add(|policy| launch::retry(policy, make))
    }

    /// Adds a job whose body may block, called for each try on a pool thread. None is held between the tries.
    ///
    /// # Errors
    /// Those of [`spawn`](JobBuilder::spawn); [`ScheduleError::Invalid`].
    pub fn run_blocking<F, T>(self, closure: F) -> Result<Job, ScheduleError>
    where
        F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.retry.check()?;
        self.add(|policy| launch::retry_blocking(policy, closure))
    }
}

impl<S: fmt::Debug, R> fmt::Debug for JobBuilder<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobBuilder")
            .field("source", &self.source)
            .field("id", &self.settings.id)
            .finish_non_exhaustive()
    }
}
