//! Jobs by the wall clock: cron expressions, times of day, instants, and any other [`Trigger`].

use super::builder::{Frame, JobBuilder, Source};
use super::error::ScheduleError;
use super::front::Scheduler;
use super::outlook::Outlook;
use crate::repeat::{Begin, Kind, Nanos, Points, Rules, Table};
use crate::schedule::{Cron, SearchError, Trigger, Zone, ZoneError};
use chrono::{DateTime, NaiveTime, TimeZone, Utc};
use std::fmt;

impl Points for Trigger {
    fn next_after(&self, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        Ok(self.try_next_after(instant_of(after))?.map(nanos_of))
    }

    fn last_until(&self, until: Nanos) -> Option<Nanos> {
        Self::last_until(self, instant_of(until)).map(nanos_of)
    }

    fn is_fixed(&self) -> bool {
        Self::is_fixed(self)
    }
}

/// The slots of a trigger. `once`: there is one slot only.
pub(crate) fn calendar(trigger: &Trigger, begin: Begin, once: bool, frame: Frame, rules: &Rules) -> Table {
    frame.table(Kind::Calendar { points: Box::new(trigger.clone()), begin, once }, rules)
}

fn nanos_of(instant: DateTime<Utc>) -> Nanos {
    Nanos::from(instant.timestamp()) * 1_000_000_000 + Nanos::from(instant.timestamp_subsec_nanos())
}

fn instant_of(nanos: Nanos) -> DateTime<Utc> {
    let limit = if nanos < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    let Ok(seconds) = i64::try_from(nanos.div_euclid(1_000_000_000)) else { return limit };
    // Below 10^9.
    DateTime::from_timestamp(seconds, nanos.rem_euclid(1_000_000_000) as u32).unwrap_or(limit)
}

/// A cron expression or a time of day, in a zone: a source of slots for [`JobBuilder`].
#[derive(Clone, Debug)]
pub struct Calendar {
    plan: Plan,
    /// `None`: that of the machine.
    zone: Option<Zone>,
}

#[derive(Clone, Debug)]
enum Plan {
    Cron(Box<str>),
    DailyAt(NaiveTime),
}

/// An instant, or a trigger that knows its zone: a source of slots for [`JobBuilder`].
#[derive(Clone, Debug)]
pub struct At {
    trigger: Trigger,
    /// One instant, which may have passed when the job is added.
    once: bool,
}

impl Calendar {
    fn trigger(&self, now: Nanos) -> Result<Trigger, ScheduleError> {
        let zone = self.zone.clone().unwrap_or_default();
        Ok(match &self.plan {
            Plan::Cron(text) => Trigger::cron(Cron::parse_at(text, instant_of(now))?, zone),
            Plan::DailyAt(time) => Trigger::daily_at(*time, zone),
        })
    }
}

impl Source for Calendar {
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError> {
        let trigger = self.trigger(frame.now.wall)?;
        if let Plan::Cron(text) = &self.plan
            && trigger.is_at_start()
        {
            let start = frame.start.map_or(frame.now.wall, |start| start.max(frame.now.wall));
            let at = At { trigger: Trigger::at(instant_of(start)), once: true };
            return at.table(Frame { since: None, ..frame }, rules).map(|(slots, _)| (slots, text.to_string()));
        }
        At { trigger, once: false }.table(frame, rules)
    }

    fn outlook(&self, now: Nanos) -> Outlook {
        self.trigger(now).map_or(Outlook::Unknown, Outlook::Trigger)
    }
}

impl Source for At {
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError> {
        // Times in a zone that cannot be read would be those of UTC. A machine without a zone is on UTC.
        match self.trigger.check_zone() {
            Ok(()) | Err(ZoneError::NotSet) => {}
            Err(error) => return Err(error.into()),
        }
        // An instant may lie in the past already; other triggers begin now, and now itself may be a slot.
        let begin = match frame.since {
            Some(last) => Begin::Since(last),
            None if self.once => Begin::Ever,
            None => Begin::Now,
        };
        Ok((calendar(&self.trigger, begin, self.once, frame, rules), self.trigger.to_string()))
    }

    fn outlook(&self, _: Nanos) -> Outlook {
        Outlook::Trigger(self.trigger.clone())
    }
}

impl Scheduler {
    /// Begins a job of a cron expression; see [`Cron`] for the syntax.
    ///
    /// It is in the zone of the machine if none is given, and follows that zone when it changes.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use chrono_tz::Europe::Berlin;
    /// use offtick::time::WallClock;
    /// use offtick::{Runtime, Scheduler, TaskManager};
    ///
    /// let rt = Runtime::new()?;
    /// let wall = WallClock::manual(Utc.with_ymd_and_hms(2026, 3, 28, 12, 0, 0).unwrap());
    /// let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall);
    /// let job = scheduler.cron("30 2 * * *").zone(Berlin).id("backup").spawn_blocking(|_cx| "done")?;
    /// // That night the clocks go from 02:00 to 03:00.
    /// assert_eq!(job.next_run_at(), Some(Berlin.with_ymd_and_hms(2026, 3, 29, 3, 0, 0).unwrap().into()));
    ///
    /// let error = scheduler.cron("30 25 * * *").spawn_blocking(|_cx| ()).expect_err("no day has 25 hours");
    /// assert_eq!(error.to_string(), "hour, byte 3: `25` is out of range; allowed: 0-23");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cron(&self, text: &str) -> JobBuilder<Calendar> {
        self.builder(Calendar { plan: Plan::Cron(text.into()), zone: None })
    }

    /// Begins a job of a time of day.
    ///
    /// It runs right after the gap if the clock skips that time, and the first time if the clock shows it twice. It is in the zone of
    /// the machine if none is given, and follows that zone when it changes.
    ///
    /// # Example
    /// ```
    /// use chrono::NaiveTime;
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap();
    /// let job = scheduler.daily_at(nine).zone(chrono_tz::Asia::Tokyo).spawn(|_cx| async { "good morning" })?;
    /// assert_eq!(job.trigger(), "daily at 09:00:00 (Asia/Tokyo)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn daily_at(&self, time: NaiveTime) -> JobBuilder<Calendar> {
        self.builder(Calendar { plan: Plan::DailyAt(time), zone: None })
    }

    /// A job that runs once, when the wall clock shows `instant`.
    ///
    /// An instant that is over, by more than the grace for misfires, is an error: the job would never run.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeDelta, Utc};
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let soon = Utc::now() + TimeDelta::hours(1);
    /// let job = scheduler.at(soon).spawn(|_cx| async { "once" })?;
    /// assert_eq!(job.next_run_at(), Some(soon.into()));
    /// assert!(scheduler.at(soon - TimeDelta::days(1)).spawn(|_cx| async {}).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at<Tz: TimeZone>(&self, instant: DateTime<Tz>) -> JobBuilder<At> {
        self.builder(At { trigger: Trigger::at(instant), once: true })
    }

    /// A job by any [`Trigger`], on the wall clock.
    ///
    /// # Example
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use offtick::schedule::{Period, Trigger};
    /// let rt = offtick::Runtime::new()?;
    /// let scheduler = offtick::Scheduler::new(&offtick::TaskManager::new(&rt));
    /// let sunday = chrono_tz::Europe::Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap();
    /// let weekly = Trigger::in_phase(sunday, Period::try_from(chrono::TimeDelta::weeks(1))?);
    /// let job = scheduler.on(weekly).spawn(|_cx| async {})?;
    /// assert!(job.next_run_at().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(&self, trigger: Trigger) -> JobBuilder<At> {
        self.builder(At { trigger, once: false })
    }
}

impl<R, O> JobBuilder<Calendar, R, O> {
    /// Sets the time zone. Default: the zone of the machine.
    ///
    /// Any `chrono::TimeZone`, those of `chrono-tz` among them.
    pub fn zone<Tz: TimeZone + fmt::Debug + Send + Sync + 'static>(mut self, zone: Tz) -> Self {
        self.source.zone = Some(Zone::new(zone));
        self
    }
}
