//! [`OnTime`]: a body that runs at a moment of the wall clock, once or in phase with it.

use crate::repeat::{Begin, ErrorPolicy, Grace, Overlap, Rules, Table};
use crate::runtime::Handle;
use crate::schedule::{Period, Trigger};
use crate::scheduler::{Frame, JobBuilder, Options, Owned, Repeat, ScheduleError, Source, calendar, repeat_kind};
use crate::time::WallClock;
use chrono::{DateTime, TimeZone};
use std::fmt;

/// A body that runs when the wall clock shows a moment: once, or at every whole number of intervals before and after it.
/// Never two runs at a time.
///
/// The moment is a [`DateTime`], which has its zone with it; one without a zone is not accepted.
///
/// - **Once** (without [`every`](JobBuilder::every)): at the moment, and [`Finished`](crate::scheduler::JobStatus::Finished) after
///   that. A moment at or before the start has passed under every clock: it does not run, or at once with
///   [`overdue`](JobBuilder::overdue).
/// - **In phase** with the moment, which may lie ahead or behind. The first run is later than the start. An interval of a
///   day or longer keeps the wall time of the moment in its zone, across daylight-saving time, with the rules of
///   [`schedule`](crate::schedule); a shorter one keeps the elapsed time.
/// - A slot that passes while a run is active is **overdue**: it is given up and counted, or it runs later, with
///   [`overdue`](JobBuilder::overdue). Slots of a [`pause`](Repeat::pause) never run.
/// - A run that fails ends it ([`ErrorPolicy::Stop`]), unless [`on_error`](JobBuilder::on_error) sets another policy.
///
/// What happens when the wall clock is set is in the rules of the [`scheduler`](mod@crate::scheduler). [`Repeat`] has the methods,
/// [`JobBuilder`] the other options.
///
/// # Example
/// ```
/// use chrono::{TimeZone, Utc};
/// use chrono_tz::Europe::Berlin;
/// use offtick::time::{Clock, WallClock};
/// use offtick::toolkit::OnTime;
/// use std::time::Duration;
///
/// let clock = Clock::manual();
/// let wall = WallClock::paced_by(clock.clone(), Utc.with_ymd_and_hms(2026, 10, 24, 0, 0, 0).unwrap());
/// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
/// let nine = Berlin.with_ymd_and_hms(2026, 1, 1, 9, 0, 0).unwrap();
/// let clock_of_run = wall.clone();
/// let backup = OnTime::at(&rt, nine)
///     .every(Duration::from_secs(86_400))
///     .wall_clock(wall)
///     .spawn_blocking(move |_cx| chrono::DateTime::<Utc>::from(clock_of_run.now()).with_timezone(&Berlin))?;
/// clock.advance(Duration::from_secs(7 * 3600));
/// let run = loop {
///     match backup.latest_done() {
///         Some(run) => break run,
///         None => std::thread::yield_now(), // a tick
///     }
/// };
/// assert_eq!(run.wait().ok(), Some(&Berlin.with_ymd_and_hms(2026, 10, 24, 9, 0, 0).unwrap()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A moment that has passed:
/// ```
/// use chrono::{TimeDelta, Utc};
/// use offtick::scheduler::JobStatus;
/// use offtick::toolkit::OnTime;
/// let rt = offtick::Runtime::new()?;
/// let yesterday = Utc::now() - TimeDelta::days(1);
/// // It has passed, but it counts.
/// let report = OnTime::at(&rt, yesterday).overdue(true).name("report").spawn(|_cx| async { "written" })?;
/// while report.status() != JobStatus::Finished {
///     std::thread::yield_now(); // a tick
/// }
/// assert_eq!(report.counts().runs, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it cancels it"]
pub struct OnTime<T: Send + Sync + 'static>(Repeat<T>);

/// The builder of an [`OnTime`].
pub type OnTimeBuilder<Tz> = JobBuilder<InPhase<Tz>, (), Owned<OnTime<()>>>;

/// A moment, and an interval in phase with it: the source of an [`OnTime`].
#[derive(Clone)]
pub struct InPhase<Tz: TimeZone> {
    on: DateTime<Tz>,
    period: Option<Result<Period, ScheduleError>>,
    overdue: bool,
}

impl<Tz: TimeZone + fmt::Debug + Send + Sync + 'static> Source for InPhase<Tz> {
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError> {
        let once = self.period.is_none();
        let trigger = match self.period.clone().transpose()? {
            Some(period) => Trigger::in_phase(self.on.clone(), period),
            None => Trigger::at(self.on.clone()),
        };
        if self.overdue {
            (rules.grace, rules.coalesce, rules.overlap) = (Grace::Given(None), false, Overlap::Queue);
        }
        let begin = if once && self.overdue { Begin::Ever } else { Begin::AfterNow };
        Ok((calendar(&trigger, begin, once, frame, rules), trigger.to_string()))
    }
}

impl OnTime<()> {
    /// Begins the description of one whose runs are tasks of `handle`.
    pub fn at<Tz: TimeZone>(handle: &impl AsRef<Handle>, on: DateTime<Tz>) -> OnTimeBuilder<Tz> {
        let mut options = Options::default();
        (options.rules.on_error, options.rules.restarts) = (ErrorPolicy::Stop, true);
        JobBuilder::new(Owned::new(handle.as_ref()), InPhase { on, period: None, overdue: false }, options)
    }
}

impl<Tz: TimeZone, R, F> JobBuilder<InPhase<Tz>, R, Owned<F>> {
    /// Repeats in phase with the moment. The interval is a [`Duration`](std::time::Duration), a `chrono::TimeDelta`, or a [`Period`].
    ///
    /// A length of zero, and a negative one, is an error of the verb.
    pub fn every<P>(mut self, period: P) -> Self
    where
        P: TryInto<Period>,
        P::Error: Into<ScheduleError>,
    {
        self.source.period = Some(period.try_into().map_err(Into::into));
        self
    }

    /// Sets whether overdue slots run, one after the other, the oldest 1,000 at most. Default: they do not.
    pub fn overdue(mut self, counts: bool) -> Self {
        self.source.overdue = counts;
        self
    }

    /// Sets the wall clock. Default: the clock of the system.
    pub fn wall_clock(mut self, wall: impl Into<WallClock>) -> Self {
        self.owner.wall = wall.into();
        self
    }
}

repeat_kind!(OnTime);

impl<Tz: TimeZone> fmt::Debug for InPhase<Tz> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPhase").field("on", &self.on).field("every", &self.period).finish_non_exhaustive()
    }
}
