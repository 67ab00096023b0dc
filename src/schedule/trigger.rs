//! [`Trigger`]: the due times of a job, for every kind of schedule.

use super::combine::{Combined, Except};
use super::cron::Cron;
use super::error::{SearchError, ZoneError};
use super::fields::Readings;
use super::offsets::{DAY, EARLIEST, LATEST, Nanos, REACH, SECOND, instant_of, nanos_of, nanos_of_reading};
use super::period::Period;
use super::walk::Passage;
use super::zone::Zone;
use crate::sync::Arc;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use std::fmt;

/// The due times of a job: a pure function from an instant to the next run.
///
/// It keeps no state and reads no clock: a wall clock that was set is only another argument.
///
/// Triggers combine: [`or`](Self::or), [`and`](Self::and), [`except`](Self::except). [`from_fn`](Self::from_fn) makes one of
/// any function.
///
/// # Example
/// ```
/// use chrono::{NaiveTime, TimeZone, Utc};
/// use chrono_tz::America::New_York;
/// use offtick::schedule::{Cron, Period, Trigger, Zone};
/// use std::time::Duration;
///
/// let start = Utc.with_ymd_and_hms(2026, 7, 1, 15, 0, 0).unwrap();
/// let triggers = [
///     Trigger::cron(Cron::parse("0 12 * * *")?, Zone::new(New_York)),
///     Trigger::daily_at(NaiveTime::from_hms_opt(11, 30, 0).unwrap(), Zone::new(New_York)),
///     Trigger::every(Period::try_from(Duration::from_secs(2700))?, start),
///     Trigger::at(Utc.with_ymd_and_hms(2026, 7, 1, 15, 10, 0).unwrap()),
/// ];
/// let next: Vec<_> = triggers.iter().map(|trigger| trigger.next_after(start).unwrap().to_string()).collect();
/// assert_eq!(
///     next,
///     ["2026-07-01 16:00:00 UTC", "2026-07-01 15:30:00 UTC", "2026-07-01 15:45:00 UTC", "2026-07-01 15:10:00 UTC"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Trigger(Kind);

#[derive(Clone)]
enum Kind {
    Cron { cron: Cron, zone: Zone },
    DailyAt { time: NaiveTime, grid: Grid, zone: Zone },
    Every { period: Period, grid: Grid },
    InPhase { period: Period, grid: Grid, zone: Zone, second: Option<Second> },
    At(Nanos),
    FromFn { name: &'static str, next: Arc<NextRun> },
    Or(Arc<Combined>),
    And(Arc<Combined>),
    Except(Arc<Except>),
}

type NextRun = dyn Fn(DateTime<Utc>) -> Option<DateTime<Utc>> + Send + Sync;

/// An anchor that is the second instant with its reading.
#[derive(Clone, Copy)]
struct Second {
    first: Nanos,
    anchor: Nanos,
}

/// A single reading.
struct Only(Nanos);

impl Readings for Only {
    fn first_from(&self, from: Nanos) -> Option<Nanos> {
        (self.0 >= from).then_some(self.0)
    }
}

/// Points at equal distances, among instants or among readings.
#[derive(Clone, Copy)]
struct Grid {
    /// One of the points.
    origin: Nanos,
    period: Nanos,
    /// No point lies before this one.
    first: Nanos,
}

impl Readings for Grid {
    fn first_from(&self, from: Nanos) -> Option<Nanos> {
        let from = from.max(self.first);
        // Rounded up: minus the floor of the negative.
        let steps = -(self.origin - from).div_euclid(self.period);
        steps.checked_mul(self.period)?.checked_add(self.origin)
    }
}

impl Trigger {
    /// Creates a trigger of a cron expression in a zone.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let at_start = Trigger::cron(Cron::parse("@reboot")?, Zone::local());
    /// let start = Utc.with_ymd_and_hms(2026, 7, 1, 15, 0, 0).unwrap();
    /// assert_eq!(at_start.first_from(start), Some(start));
    /// assert_eq!(at_start.next_after(start), None);
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn cron(cron: Cron, zone: Zone) -> Self {
        Self(Kind::Cron { cron, zone })
    }

    /// Creates a trigger of a time of day in a zone.
    ///
    /// It fires once a day: right after the gap if the clock skips the time, the first time if the clock shows it twice.
    ///
    /// # Example
    /// ```
    /// use chrono::{NaiveTime, TimeZone};
    /// use chrono_tz::Europe::Berlin;
    /// use offtick::schedule::{Trigger, Zone};
    ///
    /// let trigger = Trigger::daily_at(NaiveTime::from_hms_opt(9, 0, 0).unwrap(), Zone::new(Berlin));
    /// // The clock went back in between: 25 hours.
    /// let run = Berlin.with_ymd_and_hms(2026, 10, 24, 9, 0, 0).unwrap().to_utc();
    /// let next = Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap().to_utc();
    /// assert_eq!(trigger.next_after(run), Some(next));
    /// ```
    pub fn daily_at(time: NaiveTime, zone: Zone) -> Self {
        let origin = Nanos::from(time.num_seconds_from_midnight()) * SECOND + Nanos::from(time.nanosecond());
        Self(Kind::DailyAt { time, grid: Grid { origin, period: DAY, first: Nanos::MIN / 2 }, zone })
    }

    /// Creates a trigger of a fixed grid in elapsed time.
    ///
    /// It fires at `start + period`, `start + 2 * period` and so on; late runs do not move it.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeDelta, TimeZone, Utc};
    /// use offtick::schedule::{Period, Trigger};
    /// use std::time::Duration;
    ///
    /// let start = Utc.with_ymd_and_hms(2026, 7, 1, 15, 0, 0).unwrap();
    /// let trigger = Trigger::every(Period::try_from(Duration::from_secs(10))?, start);
    /// assert_eq!(trigger.next_after(start), Some(start + TimeDelta::seconds(10)));
    /// let late = start + TimeDelta::milliseconds(10_400);
    /// assert_eq!(trigger.next_after(late), Some(start + TimeDelta::seconds(20)));
    /// # Ok::<(), offtick::schedule::PeriodError>(())
    /// ```
    pub fn every(period: Period, start: DateTime<Utc>) -> Self {
        let (origin, step) = (nanos_of(&start), period.nanos());
        Self(Kind::Every { period, grid: Grid { origin, period: step, first: origin + step } })
    }

    /// Creates a trigger that is in phase with an instant.
    ///
    /// It fires at `on` and at every whole number of periods before and after it.
    ///
    /// A period of a day or longer keeps the wall time of `on` in its zone, with the gap and fold rules of
    /// [`daily_at`](Trigger::daily_at), but always runs at `on` itself; a shorter one keeps elapsed time. To catch up overdue
    /// runs, ask for the next run after the last one that ran; to skip them, ask for the next run after now.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeDelta, TimeZone, Utc};
    /// use chrono_tz::Europe::Berlin;
    /// use offtick::schedule::{Period, Trigger};
    ///
    /// let on = Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap();
    /// let weekly = Trigger::in_phase(on, Period::try_from(TimeDelta::weeks(1))?);
    /// // May run before `on`, and keeps nine o'clock across the change.
    /// let now = Utc.with_ymd_and_hms(2026, 10, 12, 0, 0, 0).unwrap();
    /// let next = Berlin.with_ymd_and_hms(2026, 10, 18, 9, 0, 0).unwrap().to_utc();
    /// assert_eq!(weekly.next_after(now), Some(next));
    /// # Ok::<(), offtick::schedule::PeriodError>(())
    /// ```
    pub fn in_phase<Tz>(on: DateTime<Tz>, period: Period) -> Self
    where
        Tz: TimeZone + fmt::Debug + Send + Sync + 'static,
    {
        let (step, anchor) = (period.nanos(), nanos_of(&on));
        let reading = nanos_of_reading(&on.naive_local());
        let zone = Zone::new(on.timezone());
        let origin = if step >= DAY { reading } else { anchor };
        let grid = Grid { origin, period: step, first: Nanos::MIN / 2 };
        let first = if step >= DAY { zone.next_run(&Only(reading), Passage::Once, anchor - REACH) } else { Ok(None) };
        let second = first.ok().flatten().filter(|first| *first < anchor).map(|first| Second { first, anchor });
        Self(Kind::InPhase { period, grid, zone, second })
    }

    /// Once, at `instant`.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeDelta, Utc};
    /// use offtick::schedule::Trigger;
    ///
    /// let instant = Utc::now();
    /// let trigger = Trigger::at(instant);
    /// assert_eq!(trigger.next_after(instant - TimeDelta::seconds(1)), Some(instant));
    /// assert_eq!(trigger.next_after(instant), None);
    /// ```
    pub fn at<Tz: TimeZone>(instant: DateTime<Tz>) -> Self {
        Self(Kind::At(nanos_of(&instant)))
    }

    /// Creates a trigger of a function.
    ///
    /// The function returns the first run later than the given instant, or `None` if there is none. It must be pure: schedules call it for any instant, in any order, from any thread. A run that is not later
    /// than the given instant is a [`SearchError`]. `name` identifies the trigger in descriptions and errors.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeDelta, TimeZone, Utc};
    /// use offtick::schedule::Trigger;
    ///
    /// let launch = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
    /// let countdown = Trigger::from_fn("countdown", move |after| {
    ///     [60, 10, 0].into_iter().map(|minutes| launch - TimeDelta::minutes(minutes)).find(|run| *run > after)
    /// });
    /// let runs: Vec<_> = countdown.upcoming(launch - TimeDelta::days(1)).map(|run| (launch - run).num_minutes()).collect();
    /// assert_eq!(runs, [60, 10, 0]);
    /// ```
    pub fn from_fn(
        name: &'static str,
        next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::FromFn { name, next: Arc::new(next) })
    }

    /// Combines the runs of both triggers; a common run is one run.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let trigger = |text| Cron::parse(text).map(|cron| Trigger::cron(cron, Zone::new(Utc)));
    /// let opening = trigger("0 9 * * mon-fri")?.or(trigger("30 10 * * sat,sun")?);
    /// let friday = Utc.with_ymd_and_hms(2026, 7, 3, 0, 0, 0).unwrap();
    /// let runs: Vec<_> = opening.upcoming(friday).take(2).map(|run| run.to_string()).collect();
    /// assert_eq!(runs, ["2026-07-03 09:00:00 UTC", "2026-07-04 10:30:00 UTC"]);
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn or(self, other: Self) -> Self {
        Self(Kind::Or(Arc::new(Combined([self, other]))))
    }

    /// Keeps the runs that both triggers have at the same instant.
    ///
    /// Triggers that never meet end a search with [`SearchError::Steps`].
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let trigger = |text| Cron::parse(text).map(|cron| Trigger::cron(cron, Zone::new(Utc)));
    /// let friday_13 = trigger("0 0 13 * *")?.and(trigger("0 0 * * fri")?);
    /// let start = Utc.with_ymd_and_hms(2026, 7, 1, 0, 0, 0).unwrap();
    /// assert_eq!(friday_13.next_after(start).unwrap().to_string(), "2026-11-13 00:00:00 UTC");
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn and(self, other: Self) -> Self {
        Self(Kind::And(Arc::new(Combined([self, other]))))
    }

    /// Removes the runs on the given dates, such as holidays.
    ///
    /// The dates are those of the trigger's zone: of the first part that has one, if the trigger is a combination, and of the
    /// machine's zone if none has one.
    ///
    /// # Example
    /// ```
    /// use chrono::{NaiveDate, TimeZone};
    /// use chrono_tz::Europe::Berlin;
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let holidays = [NaiveDate::from_ymd_opt(2026, 12, 25).unwrap()];
    /// let standup = Trigger::cron(Cron::parse("30 9 * * mon-fri")?, Zone::new(Berlin)).except(holidays);
    /// let after = Berlin.with_ymd_and_hms(2026, 12, 24, 12, 0, 0).unwrap().to_utc();
    /// assert_eq!(standup.next_after(after).unwrap().to_string(), "2026-12-28 08:30:00 UTC");
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn except(self, dates: impl IntoIterator<Item = NaiveDate>) -> Self {
        let zone = self.zone().cloned().unwrap_or_default();
        Self(Kind::Except(Arc::new(Except { inner: self, dates: dates.into_iter().collect(), zone })))
    }

    /// Returns the first run later than `after`.
    ///
    /// `None` if there is none before the year 10,000, or none can be found.
    ///
    /// [`try_next_after`](Self::try_next_after) distinguishes these two cases.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let noon = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
    /// let trigger = Trigger::cron(Cron::parse("0 12 * * *")?, Zone::new(Utc));
    /// assert_eq!(trigger.next_after(noon), Some(Utc.with_ymd_and_hms(2026, 7, 2, 12, 0, 0).unwrap()));
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.try_next_after(after).ok().flatten()
    }

    /// Returns the first run later than `after`, or an error.
    ///
    /// `None` if there is none before the year 10,000.
    ///
    /// # Errors
    /// A [`SearchError`] if a zone, a function or a combination of triggers leads to no end within a bounded number of steps.
    ///
    /// # Example
    /// ```
    /// use chrono::Utc;
    /// use offtick::schedule::{SearchError, Trigger};
    ///
    /// let stuck = Trigger::from_fn("stuck", |after| Some(after));
    /// assert_eq!(stuck.try_next_after(Utc::now()), Err(SearchError::NotLater { name: "stuck" }));
    /// ```
    pub fn try_next_after(&self, after: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, SearchError> {
        Ok(self.next(nanos_of(&after))?.and_then(instant_of))
    }

    /// Returns the runs later than `after`, in order.
    ///
    /// The search for each takes microseconds, at most some milliseconds: do not collect thousands in a tick.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let trigger = Trigger::cron(Cron::parse("0 9 1,15 * *")?, Zone::new(Utc));
    /// let after = Utc.with_ymd_and_hms(2026, 1, 10, 0, 0, 0).unwrap();
    /// let runs: Vec<_> = trigger.upcoming(after).take(2).map(|run| run.to_string()).collect();
    /// assert_eq!(runs, ["2026-01-15 09:00:00 UTC", "2026-02-01 09:00:00 UTC"]);
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next_after(after), |run| self.next_after(*run))
    }

    /// Describes the trigger in words, in English, with its zone.
    ///
    /// # Example
    /// ```
    /// use chrono_tz::Europe::Berlin;
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let trigger = Trigger::cron(Cron::parse("30 2 * * 1-5")?, Zone::new(Berlin));
    /// assert_eq!(trigger.describe(), "at 02:30, Monday to Friday (Europe/Berlin)");
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn describe(&self) -> String {
        match &self.0 {
            Kind::Cron { cron, .. } if cron.is_at_start() => cron.describe(),
            Kind::Cron { cron, zone } => format!("{} ({zone})", cron.describe()),
            Kind::DailyAt { time, zone, .. }
                if time.num_seconds_from_midnight() % 60 == 0 && time.nanosecond() == 0 =>
            {
                format!("at {}, every day ({zone})", time.format("%H:%M"))
            }
            Kind::DailyAt { time, zone, .. } => format!("at {time}, every day ({zone})"),
            Kind::InPhase { .. } | Kind::Every { .. } | Kind::FromFn { .. } => self.to_string(),
            Kind::At(_) => format!("once, {self}"),
            Kind::Or(parts) => format!("{}, or {}", parts.0[0].describe(), parts.0[1].describe()),
            Kind::And(parts) => format!("{}, but only {}", parts.0[0].describe(), parts.0[1].describe()),
            Kind::Except(except) => format!("{}, except on {}", except.inner.describe(), except.count()),
        }
    }

    /// Returns the first run of a job that starts at `start`.
    ///
    /// It may be at `start` itself. It is the only run of `@reboot`.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let noon = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap();
    /// let trigger = Trigger::cron(Cron::parse("0 12 * * *")?, Zone::new(Utc));
    /// assert_eq!(trigger.first_from(noon), Some(noon));
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn first_from(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.0 {
            Kind::Cron { cron, .. } if cron.is_at_start() => Some(start),
            _ => instant_of(self.next(nanos_of(&start) - 1).ok()??),
        }
    }

    /// Returns the last run at or before `now`.
    ///
    /// It is the run that remains of many missed ones when they are coalesced. `None` if there is none since the year 1, or none
    /// can be found.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Cron, Trigger, Zone};
    ///
    /// let trigger = Trigger::cron(Cron::parse("@hourly")?, Zone::new(Utc));
    /// let now = Utc.with_ymd_and_hms(2026, 7, 1, 12, 34, 56).unwrap();
    /// assert_eq!(trigger.last_until(now), Some(Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).unwrap()));
    /// # Ok::<(), offtick::schedule::CronError>(())
    /// ```
    pub fn last_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        instant_of(self.last(nanos_of(&now)).ok()??)
    }

    fn last(&self, now: Nanos) -> Result<Option<Nanos>, SearchError> {
        let now = now.min(LATEST - 1);
        let due = |after: Nanos| Ok(self.next(after)?.filter(|&run| run <= now));
        // Back in doubling strides until a run lies ahead, then forth by halves to the instant just before the last one.
        let (mut stride, mut late) = (SECOND, now);
        let mut early = loop {
            let back = (now - stride).max(EARLIEST);
            if due(back)?.is_some() {
                break back;
            }
            if back == EARLIEST {
                return Ok(None);
            }
            (late, stride) = (back, stride * 2);
        };
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            match due(middle)? {
                Some(run) => early = if due(run)?.is_some() { run } else { return Ok(Some(run)) },
                None => late = middle,
            }
        }
        due(early)
    }

    pub(super) fn next(&self, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        match &self.0 {
            Kind::Cron { cron, zone } => zone.search(|zone| cron.next_in(zone, after)),
            Kind::DailyAt { grid, zone, .. } => zone.next_run(grid, Passage::Once, after),
            Kind::InPhase { grid, zone, second, .. } if grid.period >= DAY => {
                let run = zone.next_run(grid, Passage::Once, after)?;
                Ok(match second {
                    Some(Second { first, anchor }) if run == Some(*first) || (*first..*anchor).contains(&after) => {
                        Some(*anchor)
                    }
                    _ => run,
                })
            }
            Kind::Every { grid, .. } | Kind::InPhase { grid, .. } => Ok(grid.first_from(after + 1)),
            Kind::At(instant) => Ok(Some(*instant).filter(|&instant| instant > after)),
            Kind::FromFn { name, next } => {
                let Some(instant) = instant_of(after.max(EARLIEST - 1)) else { return Ok(None) };
                match next(instant).map(|run| nanos_of(&run)) {
                    Some(run) if run <= after => Err(SearchError::NotLater { name }),
                    run => Ok(run.filter(|run| *run < LATEST)),
                }
            }
            Kind::Or(parts) => parts.first_of_any(after),
            Kind::And(parts) => parts.first_of_both(after),
            Kind::Except(except) => except.next(after),
        }
    }

    /// Returns true for `@reboot`.
    pub(crate) fn is_at_start(&self) -> bool {
        matches!(&self.0, Kind::Cron { cron, .. } if cron.is_at_start())
    }

    /// Checks the zones of the trigger and of its parts.
    pub(crate) fn check_zone(&self) -> Result<(), ZoneError> {
        match &self.0 {
            Kind::Or(parts) | Kind::And(parts) => parts.0.iter().try_for_each(Self::check_zone),
            Kind::Except(except) => except.zone.check().and_then(|()| except.inner.check_zone()),
            _ => self.zone().map_or(Ok(()), Zone::check),
        }
    }

    /// Returns true if each reading of the clock has one run.
    ///
    /// False if the runs follow elapsed time.
    #[allow(dead_code, reason = "for jobs, whose clock may be set back")]
    pub(crate) fn is_fixed(&self) -> bool {
        match &self.0 {
            Kind::Cron { cron, .. } => cron.is_fixed(),
            Kind::Every { .. } => false,
            Kind::InPhase { grid, .. } => grid.period >= DAY,
            Kind::DailyAt { .. } | Kind::At(_) | Kind::FromFn { .. } => true,
            Kind::Or(parts) | Kind::And(parts) => parts.0.iter().any(Self::is_fixed),
            Kind::Except(except) => except.inner.is_fixed(),
        }
    }

    /// Returns the zone of the trigger or of its first part.
    fn zone(&self) -> Option<&Zone> {
        match &self.0 {
            Kind::Cron { zone, .. } | Kind::DailyAt { zone, .. } | Kind::InPhase { zone, .. } => Some(zone),
            Kind::Every { .. } | Kind::At(_) | Kind::FromFn { .. } => None,
            Kind::Or(parts) | Kind::And(parts) => parts.0.iter().find_map(Self::zone),
            Kind::Except(except) => Some(&except.zone),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Cron { cron, zone } => write!(f, "{cron} ({zone})"),
            Kind::DailyAt { time, zone, .. } => write!(f, "daily at {time} ({zone})"),
            Kind::Every { period, .. } => write!(f, "every {period}"),
            Kind::InPhase { period, zone, .. } => write!(f, "every {period}, in phase ({zone})"),
            Kind::At(instant) => match instant_of(*instant) {
                Some(instant) => write!(f, "at {instant}"),
                None => f.write_str("never"),
            },
            Kind::FromFn { name, .. } => f.write_str(name),
            Kind::Or(parts) => write!(f, "[{}] or [{}]", parts.0[0], parts.0[1]),
            Kind::And(parts) => write!(f, "[{}] and [{}]", parts.0[0], parts.0[1]),
            Kind::Except(except) => write!(f, "{} except {}", except.inner, except.count()),
        }
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trigger({self})")
    }
}
