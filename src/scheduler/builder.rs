//! The options of a job.

use super::catch_up::recorded;
use super::cell::{Hooks, Work};
use super::core::{NewJob, Phase};
use super::error::ScheduleError;
use super::event::JobEvent;
use super::job::Job;
use super::launch::{self, RunFactory};
use super::outlook::Outlook;
use super::owner::{JobOwner, Scheduled};
use crate::error::{BoxError, InvalidSetting};
use crate::repeat::{ErrorPolicy, Grace, Kind, Moment, Nanos, Now, Overlap, Rules, Table, nanos};
use crate::retry::RetryPolicy;
use crate::schedule::{JobStore, Period};
use crate::spawn::TaskContext;
use crate::sync::Arc;
use crate::time::wall::wall_nanos;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

/// The source of a job's slots, for a [`JobBuilder`].
///
/// Sealed: made by [`Scheduler::every`](super::Scheduler::every) and its sisters, and in [`toolkit`](crate::toolkit).
#[expect(private_bounds, reason = "sealed")]
pub trait JobSource: Source {}

impl<S: Source> JobSource for S {}

/// Makes the slots of a job.
pub(crate) trait Source {
    /// The slots, and their description. May adapt the rules of the job.
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError>;

    /// The slots as far as they can be known ahead. `now`: the reading of the wall clock.
    fn outlook(&self, _now: Nanos) -> Outlook {
        Outlook::Unknown
    }
}

/// What a table is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) now: Now,
    /// Readings of the wall clock: no slot lies before `start`, none after `end`.
    pub(crate) start: Option<Nanos>,
    pub(crate) end: Option<Nanos>,
    /// The last run of an earlier process: slots after it count.
    pub(crate) since: Option<Nanos>,
}

impl Frame {
    pub(crate) fn table(self, kind: Kind, rules: &Rules) -> Table {
        Table::new(kind, self.start, self.end, rules, self.now)
    }
}

/// A fixed interval: a source of slots for [`JobBuilder`].
#[derive(Clone, Debug)]
pub struct Every {
    pub(super) period: Result<Period, ScheduleError>,
    pub(super) at_once: bool,
}

impl Source for Every {
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError> {
        let period = self.period.clone()?;
        let (mut frame, mut at_once) = (frame, self.at_once);
        if let Some(last) = frame.since.filter(|last| *last <= frame.now.wall) {
            // The grid keeps its phase, and one run makes up for the slots since then.
            at_once |=
                frame.now.wall - last >= period.nanos() && frame.start.is_none_or(|start| start <= frame.now.wall);
            frame.start = frame.start.or(Some(last));
        }
        let kind = Kind::Grid { period: period.nanos(), at_once, origin: None };
        Ok((frame.table(kind, rules), format!("every {period}")))
    }

    fn outlook(&self, _now: Nanos) -> Outlook {
        self.period.clone().map_or(Outlook::Unknown, |period| Outlook::Every(period.get()))
    }
}

/// What a builder collects, apart from the slots.
pub(crate) struct Options {
    id: Option<Box<str>>,
    name: Option<Box<str>>,
    replace: bool,
    start: Option<Nanos>,
    end: Option<Nanos>,
    since: Option<Nanos>,
    store: Option<Arc<dyn JobStore>>,
    max_instances: Option<usize>,
    timeout: Option<Duration>,
    quiet: bool,
    hooks: Hooks,
    pub(crate) rules: Rules,
    /// False: it is idle until it is started.
    pub(crate) active: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            replace: true,
            start: None,
            end: None,
            since: None,
            store: None,
            max_instances: None,
            timeout: None,
            quiet: false,
            hooks: Hooks::default(),
            rules: Rules::default(),
            active: true,
        }
    }
}

/// The options of a job; made by [`Scheduler::every`](super::Scheduler::every) and its sisters, and by
/// [`Periodic`](crate::toolkit::Periodic), `OnTime` and [`Background`](crate::toolkit::Background).
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
/// Nothing is checked before the verb, which adds the job or returns the error.
///
/// | option | default |
/// |---|---|
/// | [`id`](Self::id), [`name`](Self::name) | `job-1`, `job-2` ...; the id |
/// | [`replace_existing`](Self::replace_existing) | yes |
/// | [`start`](Self::start), [`end`](Self::end), [`max_runs`](Self::max_runs), [`timeout`](Self::timeout), [`quiet`](Self::quiet) | none |
/// | [`retry`](Self::retry), [`jitter`](Self::jitter), [`since`](Self::since), [`store`](Self::store) | none |
/// | [`misfire_grace`](Self::misfire_grace) | the smaller of one period and one hour; one hour for a job that runs once |
/// | [`coalesce`](Self::coalesce) | yes |
/// | [`overlap`](Self::overlap), [`max_instances`](Self::max_instances) | `Skip`, 1 |
/// | [`wait_for_closures`](Self::wait_for_closures) | yes |
/// | [`on_error`](Self::on_error) | `Continue` |
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
///     .coalesce(false)
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
pub struct JobBuilder<S = Every, R = (), O = Scheduled> {
    pub(crate) owner: O,
    pub(crate) source: S,
    pub(crate) options: Options,
    retry: R,
}

impl<R, O> JobBuilder<Every, R, O> {
    /// Runs for the first time at once (at [`start`](Self::start), if that lies ahead), not one period later.
    pub fn now(mut self) -> Self {
        self.source.at_once = true;
        self
    }
}

impl<S, O> JobBuilder<S, (), O> {
    pub(crate) fn new(owner: O, source: S, options: Options) -> Self {
        Self { owner, source, options, retry: () }
    }
}

impl<S, R, O> JobBuilder<S, R, O> {
    /// Sets what the job is found by. Default: an id is generated.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.options.id = Some(id.into().into_boxed_str());
        self
    }

    /// Sets the name of each run. The manager knows the newest run as `latest:NAME`, and the newest one that is over as
    /// `finished:NAME`. Default: the id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into().into_boxed_str());
        self
    }

    /// Sets whether a job of the same id makes way (the default). Otherwise it stays, and the verb fails with
    /// [`ScheduleError::Duplicate`].
    ///
    /// The runs of a job that makes way go on; its counts stay with its own handles.
    pub fn replace_existing(mut self, replace: bool) -> Self {
        self.options.replace = replace;
        self
    }

    /// Sets the first reading of the wall clock at which a run may be due.
    ///
    /// The grid of an interval is anchored there, also if it has passed: with a start of 09:00, `every` hour runs at full hours.
    /// With the feature `cron`, a `chrono::DateTime` is accepted as well.
    pub fn start(mut self, start: impl Into<SystemTime>) -> Self {
        self.options.start = Some(wall_nanos(start.into()));
        self
    }

    /// Sets the last reading of the wall clock at which a run may be due; then the job is over.
    pub fn end(mut self, end: impl Into<SystemTime>) -> Self {
        self.options.end = Some(wall_nanos(end.into()));
        self
    }

    /// The job is over once it has run so often, at least 1. Slots that were missed or overlapped do not count.
    pub fn max_runs(mut self, most: u64) -> Self {
        self.options.rules.max_runs = Some(most);
        self
    }

    /// A limit for each run, counted from its submission; see [`TaskBuilder::timeout`](crate::TaskBuilder::timeout).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
        self
    }

    /// Never raises the update flag for its runs; see [`TaskBuilder::quiet`](crate::TaskBuilder::quiet).
    pub fn quiet(mut self) -> Self {
        self.options.quiet = true;
        self
    }

    /// Delays each run by a random time, at most this long. The slots themselves do not move, and no run is delayed beyond the slot
    /// after its own.
    pub fn jitter(mut self, most: Duration) -> Self {
        self.options.rules.jitter = nanos(most);
        self
    }

    /// Makes the random times of [`jitter`](Self::jitter) the same in each run of the program.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.rules.seed = Some(seed);
        self
    }

    /// Sets how late a slot may be after a step of the wall clock. `None`: it runs however late.
    ///
    /// A slot is late if the wall clock was set forward past it, or the machine was suspended: as late as the clock showed right after
    /// that. A slot that is later than the grace is missed and counted. A host or a reactor that is late itself never makes a run a
    /// missed one; so an interval, which does not go by the wall clock, misses none.
    ///
    /// Default: the smaller of one period and one hour, one hour for a job that runs once.
    pub fn misfire_grace(mut self, grace: impl Into<Option<Duration>>) -> Self {
        self.options.rules.grace = Grace::Given(grace.into().map(nanos));
        self
    }

    /// Sets whether one run stands for all slots that are due at once and are within the grace (the default). Otherwise each of
    /// them runs, the oldest 1,000 at most, one after the other under [`Overlap::Skip`].
    pub fn coalesce(mut self, coalesce: bool) -> Self {
        self.options.rules.coalesce = coalesce;
        self
    }

    /// What happens to a slot that is due while [`max_instances`](Self::max_instances) runs are active.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.options.rules.overlap = overlap;
        self
    }

    /// The most runs that are active at once, at least 1. Default 1; for [`Overlap::Allow`], no limit.
    pub fn max_instances(mut self, most: usize) -> Self {
        self.options.max_instances = Some(most);
        self
    }

    /// Whether a run stays active until its closure has returned (the default), or only until its task has ended.
    ///
    /// The two differ for a closure that goes on after it was cancelled or ran out of time. With `false` such a closure may run
    /// beside later runs of the job, more than [`max_instances`](Self::max_instances) at once.
    /// [`JobCounts::left_running`](super::JobCounts::left_running) counts these closures in both cases.
    pub fn wait_for_closures(mut self, wait: bool) -> Self {
        self.options.rules.wait_for_closures = wait;
        self
    }

    /// Sets what the job does after a run that fails. Default [`ErrorPolicy::Continue`].
    pub fn on_error(mut self, policy: ErrorPolicy) -> Self {
        self.options.rules.on_error = policy;
        self
    }

    /// Called after each run was submitted. As all hooks of a job it runs on the reactor thread, so it should not take long;
    /// a panic in it is caught and dropped.
    pub fn on_run(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.options.hooks.on_run = Some(Arc::new(hook));
        self
    }

    /// Called when a run is over, in whatever way; [`JobEvent::task`] has its status.
    ///
    /// # Example
    /// ```
    /// use offtick::Status;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let every = scheduler.every(Duration::from_secs(60)).now();
    /// let job = every
    ///     .on_finished(move |event| drop(tell.send(event.task().map(|task| task.status()))))
    ///     .run(|_cx| async { Err::<(), _>("offline") })?;
    /// assert_eq!(told.recv()?, Some(Status::Error));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_finished(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.options.hooks.on_finished = Some(Arc::new(hook));
        self
    }

    /// Called when slots were missed: once for all that were found at the same moment.
    pub fn on_missed(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.options.hooks.on_missed = Some(Arc::new(hook));
        self
    }

    /// Called when a slot was given up because earlier runs, or a newer slot, left no room for it.
    pub fn on_overlapped(mut self, hook: impl Fn(&JobEvent) + Send + Sync + 'static) -> Self {
        self.options.hooks.on_overlapped = Some(Arc::new(hook));
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
    ///     .every(Duration::from_secs(3600))
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
    pub fn retry<E>(self, policy: RetryPolicy<E>) -> JobBuilder<S, RetryPolicy<E>, O> {
        let Self { owner, source, options, retry: _ } = self;
        JobBuilder { owner, source, options, retry: policy }
    }
}

impl<S, R> JobBuilder<S, R> {
    /// Sets the last run before the restart, to catch up.
    ///
    /// It is the due time of that run.
    ///
    /// If a slot passed meanwhile, the job runs once, at once, however late that is: one run for all of them, or one for each with
    /// [`coalesce(false)`](Self::coalesce), the oldest 1,000 at most. `None`: the job never ran, and begins now. An interval keeps the
    /// phase of the last run.
    ///
    /// [`store`](Self::store) does this automatically.
    ///
    /// # Example
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let yesterday = SystemTime::now() - Duration::from_secs(30 * 3600);
    /// let daily = scheduler.every(Duration::from_secs(24 * 3600)).since(yesterday);
    /// let job = daily.spawn(|_cx| async { "caught up" })?;
    /// while job.counts().runs < 1 {
    ///     std::thread::yield_now(); // a tick
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn since(mut self, last_run: impl Into<Option<SystemTime>>) -> Self {
        self.options.since = last_run.into().map(wall_nanos);
        self
    }

    /// Keeps the last run of the job in a store, and catches up.
    ///
    /// When the job is added, its last run is read from the store; [`since`](Self::since) describes what follows.
    ///
    /// The job needs an [`id`](Self::id), by which the store knows it. A run is recorded on a pool thread once it has finished, unless it
    /// was cancelled: a program that stops in the middle of a run runs it again after the start. An error of the store is
    /// reported to [`on_unhandled_error`](crate::Builder::on_unhandled_error).
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::{JobStore, MemoryStore};
    /// use std::sync::Arc;
    /// use std::time::{Duration, SystemTime};
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let store = Arc::new(MemoryStore::new()); // a program uses a `FileStore`
    /// store.record("sync", SystemTime::now() - Duration::from_secs(7200))?;
    /// let hourly = scheduler.every(Duration::from_secs(3600)).id("sync").store(store.clone());
    /// let job = hourly.spawn(|_cx| async { "caught up" })?;
    /// while store.last_run("sync")?.is_none_or(|last| last.elapsed().is_ok_and(|age| age.as_secs() >= 7200)) {
    ///     std::thread::yield_now(); // a tick
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store(mut self, store: Arc<dyn JobStore>) -> Self {
        self.options.store = Some(store);
        self
    }
}

impl<S: JobSource, R, O: JobOwner> JobBuilder<S, R, O> {
    fn add<T: Send + Sync + 'static>(self, launch: impl FnOnce(R) -> RunFactory) -> Result<O::Made<T>, ScheduleError> {
        let Self { owner, source, options, retry } = self;
        let Options {
            id,
            name,
            replace,
            start,
            end,
            mut since,
            store,
            max_instances,
            timeout,
            quiet,
            mut hooks,
            mut rules,
            active,
        } = options;
        InvalidSetting::require(rules.max_runs != Some(0), "max_runs", 0, "at least 1; the default is no limit")?;
        InvalidSetting::require(max_instances != Some(0), "max_instances", 0, "at least 1")?;
        InvalidSetting::require_time("timeout", timeout)?;
        rules.max_instances = max_instances.and_then(NonZeroUsize::new);
        InvalidSetting::require(store.is_none() || id.is_some(), "store", "a job without an id", "a job with an `id`")?;
        if let (Some(store), Some(id)) = (&store, &id) {
            since = since.max(store.last_run(id)?.map(wall_nanos));
        }
        let core = owner.core();
        if let Some(store) = store {
            hooks.on_finished = Some(recorded(store, &core.handle, hooks.on_finished));
        }
        let now = core.now();
        let added = source.table(Frame { now, start, end, since }, &mut rules).and_then(|(table, trigger)| {
            if let Some(error) = table.failure() {
                return Err(error.into());
            }
            let grace = rules.grace.of(None);
            let in_time = |slot: Moment| grace.is_none_or(|grace| slot.age(now) <= grace);
            if !rules.restarts && !table.next(now).is_some_and(|slot| since.is_some() || in_time(slot)) {
                return Err(ScheduleError::NeverFires { trigger });
            }
            let outlook = source.outlook(now.wall);
            let work = Work { launch: launch(retry), timeout, quiet, hooks, outlook, end };
            core.add(NewJob { id, name, replace, rules, trigger, active }, table, work)
        });
        match added {
            Ok(cell) => Ok(O::made(Job::new(core, cell))),
            Err(error) => {
                if O::OWNS_DRIVER {
                    core.close(Phase::ShutDown);
                }
                Err(error)
            }
        }
    }
}

impl<S: JobSource, O: JobOwner> JobBuilder<S, (), O> {
    /// Adds a job whose body makes a future that returns a value.
    ///
    /// # Errors
    /// [`ScheduleError`]: an option or the schedule is wrong, the id is taken, or the scheduler is shut down.
    pub fn spawn<M, F, T>(self, make: M) -> Result<O::Made<T>, ScheduleError>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + Sync + 'static,
    {
        self.add(|()| launch::spawn(make))
    }

    /// Adds a job whose body makes a future that returns a `Result`: `Err` ends the run in `Status::Error`.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn).
    pub fn run<M, F, T, E>(self, make: M) -> Result<O::Made<T>, ScheduleError>
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
    pub fn spawn_blocking<F, T>(self, closure: F) -> Result<O::Made<T>, ScheduleError>
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
    pub fn run_blocking<F, T, E>(self, closure: F) -> Result<O::Made<T>, ScheduleError>
    where
        F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.add(|()| launch::run_blocking(closure))
    }
}

impl<S: JobSource, E, O: JobOwner> JobBuilder<S, RetryPolicy<E>, O> {
    /// Adds a job whose body makes a future for each attempt.
    ///
    /// # Errors
    /// Those of [`spawn`](JobBuilder::spawn); [`ScheduleError::Invalid`].
    pub fn run<M, F, T>(self, make: M) -> Result<O::Made<T>, ScheduleError>
    where
        M: FnMut(TaskContext) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.retry.check()?;
        self.add(|policy| launch::retry(policy, make))
    }

    /// Adds a job whose body may block, called for each attempt on a pool thread. None is held between the attempts.
    ///
    /// # Errors
    /// Those of [`spawn`](JobBuilder::spawn); [`ScheduleError::Invalid`].
    pub fn run_blocking<F, T>(self, closure: F) -> Result<O::Made<T>, ScheduleError>
    where
        F: Fn(&mut TaskContext) -> Result<T, E> + Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        self.retry.check()?;
        self.add(|policy| launch::retry_blocking(policy, closure))
    }
}

impl<S: fmt::Debug, R, O> fmt::Debug for JobBuilder<S, R, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobBuilder").field("source", &self.source).field("id", &self.options.id).finish_non_exhaustive()
    }
}
