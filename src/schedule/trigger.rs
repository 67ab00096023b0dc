//! [`Trigger`]: when a job is due, of whatever kind its schedule is.

use super::cron::Cron;
use super::fields::Readings;
use super::period::Period;
use super::walk::{Passage, next_run};
use super::zone::{DAY, EARLIEST, LATEST, Nanos, Offsets, SECOND, Zone, instant_of, nanos_of, nanos_of_reading};
use chrono::{DateTime, NaiveTime, TimeZone, Timelike, Utc};
use std::fmt;

/// When a job is due: a pure function from an instant to the next run.
///
/// It keeps no state and reads no clock: a wall clock that was set is only another argument.
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
    InPhase { period: Period, grid: Grid, zone: Zone },
    At(Nanos),
}

/// Points at equal distances, on the time line of instants or on that of readings.
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
    /// Whenever a cron text says so, by the wall clock of `zone`.
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

    /// Once a day, when the wall clock of `zone` shows `time`: right after the gap where it skips it, the first time where
    /// it shows it twice.
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

    /// At `start + period`, `start + 2 * period` and so on, in elapsed time. The grid is fixed: late runs do not move it.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeDelta, TimeZone, Utc};
    /// use offtick::schedule::{Period, Trigger};
    ///
    /// let start = Utc.with_ymd_and_hms(2026, 7, 1, 15, 0, 0).unwrap();
    /// let trigger = Trigger::every(Period::try_from(10.0)?, start);
    /// assert_eq!(trigger.next_after(start), Some(start + TimeDelta::seconds(10)));
    /// let late = start + TimeDelta::milliseconds(10_400);
    /// assert_eq!(trigger.next_after(late), Some(start + TimeDelta::seconds(20)));
    /// # Ok::<(), offtick::schedule::PeriodError>(())
    /// ```
    pub fn every(period: Period, start: DateTime<Utc>) -> Self {
        let (origin, step) = (nanos_of(&start), period.nanos());
        Self(Kind::Every { period, grid: Grid { origin, period: step, first: origin + step } })
    }

    /// In phase with `on`: at `on` and at every whole number of periods before and after it.
    ///
    /// A period of a day or longer keeps the wall time of `on` in its zone, with the gap and fold rules of
    /// [`daily_at`](Trigger::daily_at); a shorter one keeps elapsed time. Whoever wants overdue runs caught up asks for the
    /// next run after the last one that ran; whoever does not, for the next after now.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use chrono_tz::Europe::Berlin;
    /// use offtick::schedule::{Period, Trigger};
    ///
    /// let on = Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap();
    /// let weekly = Trigger::in_phase(on, Period::try_from(7.0 * 86_400.0)?);
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
        let step = period.nanos();
        let origin = if step >= DAY { nanos_of_reading(&on.naive_local()) } else { nanos_of(&on) };
        let grid = Grid { origin, period: step, first: Nanos::MIN / 2 };
        Self(Kind::InPhase { period, grid, zone: Zone::new(on.timezone()) })
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

    /// The first run later than `after`; `None` where there is none before the year 10,000.
    ///
    /// # Example
    /// See [`Trigger`].
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        instant_of(self.next(nanos_of(&after))?)
    }

    /// The first run of a job that is started at `start`, which may be at `start` itself. It is the only run of `@reboot`.
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
            _ => instant_of(self.next(nanos_of(&start) - 1)?),
        }
    }

    /// The last run at or before `now`: the one that is left of many missed ones when they are coalesced. `None` where
    /// there is none since the year 1.
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
        let now = nanos_of(&now).min(LATEST - 1);
        let due = |after: Nanos| self.next(after).filter(|&run| run <= now);
        // Back in doubling strides until a run lies ahead, then forth by halves to the instant just before the last one.
        let (mut stride, mut late) = (SECOND, now);
        let mut early = loop {
            let back = (now - stride).max(EARLIEST);
            if due(back).is_some() {
                break back;
            }
            if back == EARLIEST {
                return None;
            }
            (late, stride) = (back, stride * 2);
        };
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            match due(middle) {
                Some(run) => early = if due(run).is_some() { run } else { return instant_of(run) },
                None => late = middle,
            }
        }
        instant_of(due(early)?)
    }

    fn next(&self, after: Nanos) -> Option<Nanos> {
        match &self.0 {
            Kind::Cron { cron, zone } => cron.next_in(zone.offsets(), after),
            Kind::DailyAt { grid, zone, .. } => by_the_wall(grid, zone.offsets(), after),
            Kind::Every { grid, .. } => grid.first_from(after + 1),
            Kind::InPhase { grid, zone, .. } if grid.period >= DAY => by_the_wall(grid, zone.offsets(), after),
            Kind::InPhase { grid, .. } => grid.first_from(after + 1),
            Kind::At(instant) => Some(*instant).filter(|&instant| instant > after),
        }
    }
}

fn by_the_wall(grid: &Grid, zone: &dyn Offsets, after: Nanos) -> Option<Nanos> {
    next_run(grid, Passage::Once, zone, after)
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
        }
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trigger({self})")
    }
}
