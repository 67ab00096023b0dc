//! [`Periodic`]: a body that runs at once, and again whenever its interval has passed.

use crate::repeat::{Kind, Overlap, Rules, Table};
use crate::runtime::Handle;
use crate::schedule::Period;
pub use crate::scheduler::{ErrorPolicy, Repeat};
use crate::scheduler::{Frame, JobBuilder, Options, Owned, ScheduleError, Source, repeat_kind};

/// A body that runs at once, and again whenever an interval has passed since its last start. Never two runs at a time.
///
/// For what is kept fresh: a weather report, the length of a queue, a list of peers. It uses the runtime's clock.
///
/// - The interval is measured from start to start. A run that takes longer is followed at once by the next one, after the
///   other tasks had their turn; nothing is made up for.
/// - [`run_now`](Repeat::run_now) counts as a start. While a run is active, one more follows it, however often it is requested. After a
///   [`pause`](Repeat::pause) in which the interval passed, one run begins at once.
/// - A run that fails ends it ([`ErrorPolicy::Stop`]), unless [`on_error`](JobBuilder::on_error) sets another policy.
///
/// [`Repeat`] has its methods, [`JobBuilder`] the other options. For a fixed grid and several jobs, use a
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
/// let report = Periodic::every(&rt, Duration::from_secs(60)).on_error(ErrorPolicy::Ignore).run(move |_cx| {
///     asked += 1;
///     async move { if asked == 2 { Err("offline") } else { Ok(format!("report {asked}")) } }
/// })?;
/// let newer = loop {
///     // One tick. The last good value stays on the screen while a run is active or has failed.
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

/// The builder of a [`Periodic`].
pub type PeriodicBuilder = JobBuilder<StartToStart, (), Owned<Periodic<()>>>;

/// An interval from start to start: the source of a [`Periodic`].
#[derive(Clone, Debug)]
pub struct StartToStart(Result<Period, ScheduleError>);

impl Source for StartToStart {
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError> {
        let period = self.0.clone()?;
        Ok((frame.table(Kind::FromBegin { period: period.nanos() }, rules), format!("every {period}")))
    }
}

impl Periodic<()> {
    /// Begins the description of one whose runs are tasks of `handle`. The interval is a
    /// [`Duration`](std::time::Duration), or a [`Period`].
    ///
    /// A length of zero is an error of the verb.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::{ErrorPolicy, Periodic};
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let _size = Periodic::every(&rt, Duration::from_millis(2500))
    ///     .name("size of the log")
    ///     .on_error(ErrorPolicy::Continue)
    ///     .run_blocking(|_cx| std::fs::metadata("app.log").map(|file| file.len()))?;
    /// assert!(Periodic::every(&rt, Duration::ZERO).spawn(|_cx| async {}).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn every<P>(handle: &impl AsRef<Handle>, period: P) -> PeriodicBuilder
    where
        P: TryInto<Period>,
        P::Error: Into<ScheduleError>,
    {
        let mut options = Options::default();
        // The next run waits for the one before it; there is never more than one.
        (options.rules.overlap, options.rules.queue_limit) = (Overlap::Queue, 1);
        (options.rules.on_error, options.rules.restarts) = (ErrorPolicy::Stop, true);
        JobBuilder::new(Owned::new(handle.as_ref()), StartToStart(period.try_into().map_err(Into::into)), options)
    }
}

repeat_kind!(Periodic);
