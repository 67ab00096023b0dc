//! [`OnTime`]: a body that runs at a moment of the wall clock, once or in phase with it.
//!
//! When something is due is asked of a [`Trigger`]; here is only what was dealt with already.
//!
//! # When the wall clock is set
//! The next slot is the first one after `mark`, the last one that was dealt with.
//! - Set forward, over the slot that is waited for: that slot runs. Those behind it are overdue.
//! - Set back, and `mark` lies ahead by a minute at most: nothing changes, no slot runs twice for a correction.
//! - Set back further: the plan follows the clock, and slots that it shows again run again; what runs once does not.

use super::body::{Body, Settings, verbs};
use super::repeat::{Due, ErrorPolicy, Plan, Repeat};
use crate::error::BoxError;
use crate::instant::Instant;
use crate::runtime::Handle;
use crate::schedule::{Period, PeriodError, Trigger};
use crate::spawn::TaskContext;
use crate::time::WallClock;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::time::Duration;

/// How far the clock may go back before the last slot without showing it again.
const CORRECTION: TimeDelta = TimeDelta::minutes(1);

/// The longest wait for a reading of the wall clock before looking at it again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A body that runs when the wall clock shows a moment: once, or at every whole number of intervals before and after it.
/// Never two runs at a time.
///
/// The moment is a [`DateTime`], which has its zone with it; one without a zone is not accepted.
///
/// - **Once** (without [`every`](OnTimeBuilder::every)): at the moment. A moment that is over is not made up for, or at
///   once where [overdue](OnTimeBuilder::overdue) runs count; [`Finished`](super::RepeatStatus::Finished) after that.
/// - **In phase** with the moment, which may lie ahead or behind. Slots before the start are no concern. An interval of a
///   day or longer keeps the wall time of the moment in its zone, across daylight-saving time, with the rules of
///   [`schedule`](crate::schedule); a shorter one keeps the elapsed time.
/// - A slot is **overdue** if it passes while a run or a [`pause`](Repeat::pause) is on, or if the clock is set past it
///   together with an earlier one. It is skipped in favour of the next slot ahead, or, where overdue runs count, caught up
///   on: one run for each, back to back. The one slot that is waited for runs, however late it is seen.
/// - A wait looks at the wall clock every minute of the runtime's clock, and at once when a settable one is moved.
///
/// What it shows and how it is controlled is in [`Repeat`]. Cron texts, several jobs and misfire rules are for a
/// [`Scheduler`](crate::Scheduler).
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
#[derive(Debug)]
#[must_use = "dropping it cancels it"]
pub struct OnTime<T: Send + Sync + 'static>(Repeat<T>);

/// Settings of an [`OnTime`]; made by [`OnTime::at`].
///
/// # Example
/// ```
/// use chrono::{TimeDelta, Utc};
/// use offtick::toolkit::{OnTime, RepeatStatus};
/// let rt = offtick::Runtime::new()?;
/// let yesterday = Utc::now() - TimeDelta::days(1);
/// // Over, but it counts.
/// let report = OnTime::at(&rt, yesterday).overdue(true).name("report").spawn(|_cx| async { "written" })?;
/// while report.status() != RepeatStatus::Finished {
///     std::thread::yield_now(); // a tick
/// }
/// assert_eq!(report.runs(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it begins with one of the verbs: `spawn`, `run`, `spawn_blocking`, `run_blocking`"]
pub struct OnTimeBuilder<Tz: TimeZone = Utc> {
    settings: Settings,
    on: DateTime<Tz>,
    period: Option<Result<Period, PeriodError>>,
    overdue: bool,
    wall: WallClock,
    policy: ErrorPolicy,
}

impl OnTime<()> {
    /// Begins the description of one whose runs are tasks of `handle`.
    pub fn at<Tz: TimeZone>(handle: &impl AsRef<Handle>, on: DateTime<Tz>) -> OnTimeBuilder<Tz> {
        OnTimeBuilder {
            settings: Settings::new(handle.as_ref()),
            on,
            period: None,
            overdue: false,
            wall: WallClock::system(),
            policy: ErrorPolicy::default(),
        }
    }
}

impl<Tz: TimeZone> OnTimeBuilder<Tz> {
    /// Again and again, in phase with the moment. The interval is a [`Duration`], a `chrono::TimeDelta`, a number of
    /// seconds, or a [`Period`].
    ///
    /// A length of zero, a negative one or no number at all is an error of the verb.
    pub fn every<P>(mut self, period: P) -> Self
    where
        P: TryInto<Period>,
        P::Error: Into<PeriodError>,
    {
        self.period = Some(period.try_into().map_err(Into::into));
        self
    }

    /// Whether overdue runs count. Default: they do not.
    pub fn overdue(mut self, counts: bool) -> Self {
        self.overdue = counts;
        self
    }

    /// What it takes the time of day from. Default: the clock of the system.
    pub fn wall_clock(mut self, wall: impl Into<WallClock>) -> Self {
        self.wall = wall.into();
        self
    }

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
}

impl<Tz: TimeZone + fmt::Debug + Send + Sync + 'static> OnTimeBuilder<Tz> {
    fn make<T>(self, body: impl FnOnce(Settings) -> Body<T>) -> Result<OnTime<T>, PeriodError>
    where
        T: Send + Sync + 'static,
    {
        let Self { settings, on, period, overdue, wall, policy } = self;
        let once = period.is_none();
        let trigger = match period.transpose()? {
            Some(period) => Trigger::in_phase(on, period),
            None => Trigger::at(on),
        };
        Ok(OnTime(Repeat::new(body(settings), policy, |notice| {
            wall.listen(notice);
            Slots { trigger, once, overdue, wall, mark: DateTime::UNIX_EPOCH, next: None, ran: false }
        })))
    }
}

verbs!([Tz: TimeZone + fmt::Debug + Send + Sync + 'static] OnTimeBuilder<Tz> => Result<OnTime<T>, PeriodError>, "Begins a repetition");

/// The plan.
struct Slots {
    trigger: Trigger,
    once: bool,
    overdue: bool,
    wall: WallClock,
    /// Every slot until then was dealt with.
    mark: DateTime<Utc>,
    /// The first slot after `mark`.
    next: Option<DateTime<Utc>>,
    /// The one slot of `once` has run.
    ran: bool,
}

impl Slots {
    fn go_on_from(&mut self, mark: DateTime<Utc>) {
        self.mark = mark;
        self.next = if self.ran { None } else { self.trigger.next_after(mark) };
    }

    /// What the clock shows; `mark` follows it if it went back.
    fn reading(&mut self) -> DateTime<Utc> {
        let reading = DateTime::from(self.wall.now());
        if self.mark - reading > CORRECTION {
            self.go_on_from(reading);
        }
        reading
    }
}

/// A slot at this very reading lies ahead.
fn just_before(reading: DateTime<Utc>) -> DateTime<Utc> {
    reading - TimeDelta::nanoseconds(1)
}

impl Plan for Slots {
    fn begin(&mut self, _now: Instant) {
        self.ran = false;
        let reading = DateTime::from(self.wall.now());
        self.go_on_from(if self.once && self.overdue { DateTime::<Utc>::MIN_UTC } else { just_before(reading) });
    }

    fn next(&mut self, now: Instant) -> Due {
        let reading = self.reading();
        let Some(slot) = self.next else { return Due::Never };
        match (slot - reading).to_std() {
            Err(_) | Ok(Duration::ZERO) => Due::Now,
            Ok(ahead) if self.wall.runs_by_itself() => {
                now.checked_add(ahead.min(LONGEST_WAIT)).map_or(Due::Unknown, Due::At)
            }
            Ok(_) => Due::Unknown,
        }
    }

    fn launched(&mut self, _now: Instant, asked: bool) {
        if !asked && let Some(slot) = self.next {
            self.ran = self.once;
            self.go_on_from(slot);
        }
    }

    fn free_again(&mut self) {
        let reading = self.reading();
        if !self.overdue {
            self.go_on_from(self.mark.max(just_before(reading)));
        }
    }
}

impl<Tz: TimeZone> fmt::Debug for OnTimeBuilder<Tz> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnTimeBuilder").field("on", &self.on).field("every", &self.period).finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Deref for OnTime<T> {
    type Target = Repeat<T>;

    fn deref(&self) -> &Repeat<T> {
        &self.0
    }
}
