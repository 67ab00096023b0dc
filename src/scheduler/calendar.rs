//! Jobs by the wall clock: cron texts, times of day, instants, and any other [`Trigger`].
//!
//! # When the wall clock is set
//! The next slot is the first one after `mark`, the last slot that was dealt with (at first, the moment of adding).
//! - Set forward, slots are late or missed like any others.
//! - Set back by so little that `mark` lies ahead by a minute at most, nothing changes: no slot runs twice because the clock
//!   was corrected by a second.
//! - Set back further, `mark` becomes the present reading: the job follows the clock, and slots that the clock shows
//!   again run again.

use super::builder::{JobBuilder, Source};
use super::error::ScheduleError;
use super::front::Scheduler;
use super::timetable::{Batch, CATCH_UP_LIMIT, Frame, Lateness, Moment, Nanos, Now, Timetable};
use crate::schedule::{Cron, Trigger, Zone};
use chrono::{DateTime, NaiveTime, TimeZone, Utc};
use std::fmt;

/// How far the clock may go back before the last slot without showing it again, in nanoseconds.
const CORRECTION: Nanos = 60 * 1_000_000_000;

/// Before every slot.
const EVER: Nanos = Nanos::MIN / 2;

/// The slots of a trigger.
struct Slots {
    trigger: Trigger,
    start: Option<Nanos>,
    end: Option<Nanos>,
    /// Every slot until then was dealt with.
    mark: Nanos,
    /// The first slot after `mark`.
    next: Option<Nanos>,
}

impl Slots {
    fn new(trigger: Trigger, mark: Nanos, frame: Frame) -> Self {
        let mut slots = Self { trigger, start: frame.start, end: frame.end, mark, next: None };
        slots.go_on_from(mark);
        slots
    }

    fn go_on_from(&mut self, mark: Nanos) {
        self.mark = self.start.map_or(mark, |start| mark.max(start - 1));
        self.next = self.first_after(self.mark);
    }

    fn first_after(&self, after: Nanos) -> Option<Nanos> {
        let next = nanos_of(self.trigger.next_after(instant_of(after))?);
        (self.end.is_none_or(|end| next <= end)).then_some(next)
    }
}

impl Timetable for Slots {
    fn next(&self, _: Now) -> Option<Moment> {
        self.next.map(Moment::Wall)
    }

    fn take(&mut self, now: Now, delay: Nanos, lateness: Lateness) -> Batch {
        let until = now.wall - delay;
        let oldest = lateness.grace.map_or(Nanos::MIN, |grace| until - grace);
        let mut batch = Batch::default();
        let mut next = self.next.filter(|slot| *slot <= until);
        // Too late. A clock set forward by ten years is no reason to count three hundred million seconds.
        while let Some(slot) = next.filter(|slot| *slot < oldest) {
            self.mark = if batch.missed < CATCH_UP_LIMIT as u64 { slot } else { slot.max(oldest - 1) };
            batch.miss(slot);
            next = self.first_after(self.mark).filter(|slot| *slot <= until);
        }
        // Late at most.
        while let Some(slot) = next {
            self.mark = slot;
            if batch.runs.len() < CATCH_UP_LIMIT {
                batch.runs.push(Moment::Wall(slot));
            } else {
                let last = self.end.map_or(until, |end| until.min(end));
                self.mark = self.trigger.last_until(instant_of(last)).map_or(slot, nanos_of).max(slot);
                if lateness.coalesce {
                    batch.runs.push(Moment::Wall(self.mark));
                } else {
                    batch.miss(slot);
                }
            }
            next = self.first_after(self.mark).filter(|slot| *slot <= until);
        }
        if lateness.coalesce && batch.runs.len() > 1 {
            batch.coalesced = batch.runs.len() as u64 - 1;
            batch.runs.drain(..batch.runs.len() - 1);
        }
        self.next = self.first_after(self.mark);
        batch
    }

    fn skip(&mut self, now: Now) {
        self.look_again(now);
        self.go_on_from(self.mark.max(now.wall));
    }

    fn look_again(&mut self, now: Now) {
        if now.wall < self.mark.saturating_sub(CORRECTION) {
            self.go_on_from(now.wall);
        }
    }
}

impl Batch {
    fn miss(&mut self, slot: Nanos) {
        self.missed += 1;
        self.first_missed.get_or_insert(Moment::Wall(slot));
    }
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

/// Where the slots of a job come from: a cron text or a time of day, in a zone. For [`JobBuilder`].
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

/// Where the slots of a job come from: an instant, or a trigger that knows its zone. For [`JobBuilder`].
#[derive(Clone, Debug)]
pub struct At {
    trigger: Trigger,
    /// Slots that are over when the job is added count as well.
    whenever: bool,
}

impl Source for Calendar {
    fn timetable(&self, frame: Frame) -> Result<(Box<dyn Timetable>, String), ScheduleError> {
        let zone = self.zone.clone().unwrap_or_default();
        let trigger = match &self.plan {
            Plan::Cron(text) => {
                let cron = Cron::parse_at(text, instant_of(frame.now.wall))?;
                if cron.is_at_start() {
                    let start = frame.start.map_or(frame.now.wall, |start| start.max(frame.now.wall));
                    let at = At { trigger: Trigger::at(instant_of(start)), whenever: true };
                    return at.timetable(frame).map(|(slots, _)| (slots, text.to_string()));
                }
                Trigger::cron(cron, zone)
            }
            Plan::DailyAt(time) => Trigger::daily_at(*time, zone),
        };
        At { trigger, whenever: false }.timetable(frame)
    }
}

impl Source for At {
    fn timetable(&self, frame: Frame) -> Result<(Box<dyn Timetable>, String), ScheduleError> {
        // An instant may lie in the past already; other triggers begin now, and now itself may be a slot.
        let mark = if self.whenever { EVER } else { frame.now.wall - 1 };
        let description = self.trigger.to_string();
        Ok((Box::new(Slots::new(self.trigger.clone(), mark, frame)), description))
    }
}

impl Scheduler {
    /// A job by a cron text; see [`Cron`] for what it may say. In the zone of the machine, if none is given.
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

    /// A job once a day, when the wall clock shows `time`: right after the gap where it skips it, the first time where it
    /// shows it twice. In the zone of the machine, if none is given.
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
        self.builder(At { trigger: Trigger::at(instant), whenever: true })
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
    /// let weekly = Trigger::in_phase(sunday, Period::try_from(7.0 * 86_400.0)?);
    /// let job = scheduler.on(weekly).spawn(|_cx| async {})?;
    /// assert!(job.next_run_at().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(&self, trigger: Trigger) -> JobBuilder<At> {
        self.builder(At { trigger, whenever: false })
    }
}

impl<R> JobBuilder<Calendar, R> {
    /// The time zone of the text or of the time of day: any `chrono::TimeZone`, those of `chrono-tz` among them. Default:
    /// the zone of the machine.
    pub fn zone<Tz: TimeZone + fmt::Debug + Send + Sync + 'static>(mut self, zone: Tz) -> Self {
        self.source.zone = Some(Zone::new(zone));
        self
    }
}
