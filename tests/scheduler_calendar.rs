//! Jobs by the wall clock: cron expressions, times of day and instants, across daylight-saving time and clocks that are set.
#![cfg(feature = "cron")]

mod common;

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Australia::Lord_Howe;
use chrono_tz::Europe::Berlin;
use chrono_tz::Tz;
use common::{quiet_planned_panics, reactor_thread};
use offtick::schedule::{CronError, Period, Trigger};
use offtick::scheduler::{Calendar, JobBuilder, JobStatus};
use offtick::time::{Clock, ManualClock, ManualWallClock, WallClock};
use offtick::{Builder, Job, Runtime, ScheduleError, Scheduler, TaskManager};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    rt: Runtime,
    clock: ManualClock,
    wall: ManualWallClock,
    scheduler: Scheduler,
    log: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// Both clocks move together.
    fn at(start: &str) -> Self {
        let clock = Clock::manual();
        let wall = WallClock::paced_by(clock.clone(), utc(start));
        Self::with(clock, wall)
    }

    /// The wall clock stands unless it is moved.
    fn standing(start: &str) -> Self {
        Self::with(Clock::manual(), WallClock::manual(utc(start)))
    }

    fn with(clock: ManualClock, wall: ManualWallClock) -> Self {
        quiet_planned_panics();
        let rt = Builder::new().clock(clock.clone()).build().unwrap();
        let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall.clone());
        Self { rt, clock, wall, scheduler, log: Arc::default() }
    }

    fn settle(&self) {
        for _ in 0..6 {
            reactor_thread(self.rt.handle());
        }
    }

    fn pass(&self, step: Duration, times: u32) {
        for _ in 0..times {
            self.clock.advance(step);
            self.settle();
        }
    }

    /// Adds a job that notes what the wall clock shows, in the given zone, at each run.
    fn note(&self, builder: JobBuilder<Calendar>, zone: Tz) -> Result<Job, ScheduleError> {
        let (wall, log) = (self.wall.clone(), Arc::clone(&self.log));
        let job = builder.zone(zone).spawn(move |_cx| {
            let now = DateTime::<Utc>::from(wall.now()).with_timezone(&zone);
            log.lock().unwrap().push(now.format("%d %H:%M:%S %z").to_string());
            async {}
        });
        self.settle();
        job
    }

    fn noted(&self) -> Vec<String> {
        self.settle();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn next(job: &Job) -> Option<DateTime<Utc>> {
    job.next_run_at().map(DateTime::from)
}

#[test]
fn a_cron_text_runs_by_the_wall() {
    let world = World::at("2026-07-01T12:00:00Z");
    let job = world.note(world.scheduler.cron("*/20 * * * *"), Tz::UTC).unwrap();
    assert_eq!(job.trigger(), "*/20 * * * * (UTC)");
    world.pass(Duration::from_secs(30), 121);
    assert_eq!(world.noted(), ["01 12:00:00 +0000", "01 12:20:00 +0000", "01 12:40:00 +0000", "01 13:00:00 +0000"]);
    assert_eq!(job.counts().missed, 0);
    assert_eq!(next(&job), Some(utc("2026-07-01T13:20:00Z")));
}

#[test]
fn never_early_and_not_late() {
    let world = World::at("2026-07-01T12:00:00.5Z");
    world.note(world.scheduler.cron("0 0 13 * * *"), Tz::UTC).unwrap();
    assert_eq!(world.rt.metrics().timers, 1);
    world.clock.advance(HOUR - SECOND / 2 - Duration::from_nanos(1));
    assert!(world.noted().is_empty());
    world.clock.advance(Duration::from_nanos(1));
    assert_eq!(world.noted(), ["01 13:00:00 +0000"]);
}

#[test]
fn a_wall_clock_that_is_set_without_a_word_is_seen_within_ten_seconds() {
    // Its pace is another clock than the runtime's: nobody is told when that moves, as with the clock of the system.
    let pace = Clock::manual();
    let world = World::with(Clock::manual(), WallClock::paced_by(pace.clone(), utc("2026-07-01T12:00:00Z")));
    world.note(world.scheduler.cron("0 0 15 * * *"), Tz::UTC).unwrap();
    pace.advance(3 * HOUR);
    world.pass(Duration::from_secs(9), 1);
    assert!(world.noted().is_empty());
    world.pass(SECOND, 1);
    assert_eq!(world.noted(), ["01 15:00:00 +0000"]);
}

#[test]
fn a_night_in_spring() {
    let world = World::at("2026-03-28T23:00:00Z");
    let fixed = world.note(world.scheduler.cron("30 2 * * *"), Berlin).unwrap();
    world.note(world.scheduler.daily_at(NaiveTime::from_hms_opt(2, 15, 0).unwrap()), Berlin).unwrap();
    world.note(world.scheduler.cron("30 * * * *"), Berlin).unwrap();
    world.pass(Duration::from_secs(900), 12);
    assert_eq!(
        world.noted(),
        [
            "29 00:30:00 +0100",
            "29 01:30:00 +0100",
            // Both jobs inside of the gap, right after it.
            "29 03:00:00 +0200",
            "29 03:00:00 +0200",
            "29 03:30:00 +0200"
        ]
    );
    assert_eq!(next(&fixed), Some(utc("2026-03-30T00:30:00Z")));
}

#[test]
fn a_night_in_autumn() {
    let world = World::at("2026-10-24T23:00:00Z");
    let fixed = world.note(world.scheduler.cron("30 2 * * *"), Berlin).unwrap();
    world.note(world.scheduler.cron("0 * * * *"), Berlin).unwrap();
    world.pass(Duration::from_secs(900), 13);
    assert_eq!(
        world.noted(),
        ["25 01:00:00 +0200", "25 02:00:00 +0200", "25 02:30:00 +0200", "25 02:00:00 +0100", "25 03:00:00 +0100"]
    );
    assert_eq!(fixed.counts().runs, 1, "the first half past two alone");
    assert_eq!(next(&fixed), Some(utc("2026-10-26T01:30:00Z")));
}

#[test]
fn half_an_hour_on_lord_howe() {
    // On 4 October 2026 the clock goes from 02:00 to 02:30, on 5 April from 02:00 back to 01:30.
    let world = World::at("2026-10-03T15:00:00Z");
    world.note(world.scheduler.cron("15 2 * * *"), Lord_Howe).unwrap();
    world.pass(Duration::from_secs(900), 4);
    assert_eq!(world.noted(), ["04 02:30:00 +1100"]);
    let world = World::at("2026-04-04T14:00:00Z");
    world.note(world.scheduler.cron("45 1 * * *"), Lord_Howe).unwrap();
    world.pass(Duration::from_secs(900), 8);
    assert_eq!(world.noted(), ["05 01:45:00 +1100"]);
}

#[test]
fn a_step_is_seen_at_once() {
    let world = World::standing("2026-07-01T12:10:00Z");
    let job = world.note(world.scheduler.cron("@hourly"), Tz::UTC).unwrap();
    world.settle();
    assert_eq!(world.rt.metrics().timers, 0, "a clock that stands is not looked at");
    world.wall.set(utc("2026-07-01T13:00:00Z"));
    assert_eq!(world.noted(), ["01 13:00:00 +0000"]);
    world.wall.step(HOUR + 2 * SECOND);
    assert_eq!(world.noted(), ["01 14:00:02 +0000"]);
    world.wall.step(3 * HOUR - 3 * SECOND);
    world.settle();
    assert_eq!((job.counts().runs, job.counts().missed), (3, 1), "15:00 was passed by almost two hours");
}

#[test]
fn a_second_either_way_changes_nothing() {
    let world = World::at("2026-07-01T12:59:00Z");
    let job = world.note(world.scheduler.cron("0 * * * * *"), Tz::UTC).unwrap();
    world.pass(SECOND, 60);
    assert_eq!(world.noted(), ["01 12:59:00 +0000", "01 13:00:00 +0000"]);
    world.wall.step_back(SECOND);
    world.pass(SECOND, 1);
    assert!(world.noted().is_empty(), "13:00 is shown again, and has run");
    world.pass(SECOND, 59);
    world.pass(SECOND / 2, 1);
    world.wall.step(SECOND);
    // Forward over the slot: late by no more than the grace.
    assert_eq!(world.noted(), ["01 13:01:00 +0000"]);
    world.pass(SECOND, 1);
    assert_eq!((job.counts().runs, job.counts().missed), (3, 0));
}

#[test]
fn three_hours_forward_misses_and_goes_on() {
    let world = World::at("2026-07-01T12:00:30Z");
    let job = world.note(world.scheduler.cron("*/10 * * * *"), Tz::UTC).unwrap();
    world.wall.step(3 * HOUR);
    world.settle();
    assert_eq!((job.counts().runs, job.counts().missed), (1, 17), "the newest is late by less than one period");
    world.pass(Duration::from_secs(30), 20);
    assert_eq!(world.noted(), ["01 15:00:30 +0000", "01 15:10:00 +0000"]);
}

#[test]
fn three_hours_back_follows_the_clock_at_once() {
    let world = World::at("2026-07-01T11:55:00Z");
    let job = world.note(world.scheduler.cron("*/10 * * * *"), Tz::UTC).unwrap();
    world.pass(SECOND, 301);
    assert_eq!(world.noted(), ["01 12:00:00 +0000"]);
    world.wall.step_back(3 * HOUR);
    world.settle();
    assert_eq!(next(&job), Some(utc("2026-07-01T09:10:00Z")));
    world.pass(Duration::from_secs(30), 40);
    assert_eq!(world.noted(), ["01 09:10:01 +0000", "01 09:20:01 +0000"]);
}

#[test]
fn ten_years_either_way_neither_storm_nor_silence() {
    let world = World::at("2026-07-01T12:00:30Z");
    let every_second = world.note(world.scheduler.cron("* * * * * *"), Tz::UTC).unwrap();
    let daily = world.note(world.scheduler.cron("0 9 * * *"), Berlin).unwrap();
    world.settle();
    world.noted();
    world.wall.step(3650 * DAY);
    world.settle();
    // Every day of the ten years was missed; the count stops after a while.
    assert!((64..=66).contains(&daily.counts().missed), "counted up to a bound: {:?}", daily.counts());
    let counts = every_second.counts();
    assert!((64..=66).contains(&counts.missed) && counts.runs == 2, "{counts:?}");
    world.pass(SECOND, 3);
    assert_eq!(every_second.counts().runs, counts.runs + 3, "it goes on");
    assert_eq!(next(&daily), Some(utc("2036-06-29T07:00:00Z")));

    world.wall.step_back(7300 * DAY);
    world.settle();
    let before = every_second.counts().runs;
    world.pass(SECOND, 3);
    assert_eq!(every_second.counts().runs, before + 3, "and on");
    assert_eq!(next(&daily), Some(utc("2016-07-04T07:00:00Z")));
    assert_eq!((daily.status(), daily.counts().runs), (JobStatus::Active, 0));
}

#[test]
fn a_long_sleep_of_the_machine_is_one_run_where_late_runs_count() {
    let world = World::at("2026-07-01T12:00:30Z");
    let job = world.note(world.scheduler.cron("@hourly").misfire_grace(None), Tz::UTC).unwrap();
    world.wall.step(50 * HOUR);
    assert_eq!(world.noted(), ["03 14:00:30 +0000"]);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.missed, counts.coalesced), (1, 0, 49));

    let seconds = world.note(world.scheduler.cron("* * * * * *").misfire_grace(None), Tz::UTC).unwrap();
    world.settle();
    world.wall.step(DAY);
    world.settle();
    let counts = seconds.counts();
    assert_eq!((counts.runs, counts.missed), (2, 0));
    assert_eq!(counts.coalesced, 65, "as many as are counted");
}

#[test]
fn an_instant_runs_once() {
    let world = World::at("2026-07-01T12:00:00Z");
    let at = Berlin.with_ymd_and_hms(2026, 7, 1, 15, 0, 0).unwrap();
    let job = world.scheduler.at(at).spawn(|_cx| async { "once" }).unwrap();
    assert_eq!(next(&job), Some(at.to_utc()));
    world.wall.step_back(DAY);
    world.wall.step(DAY);
    world.pass(HOUR / 4, 8);
    assert_eq!((job.status(), job.counts().runs), (JobStatus::Finished, 1));
    assert_eq!(world.scheduler.latest::<&str>(job.id()).unwrap().unwrap().wait().ok(), Some(&"once"));

    let now = DateTime::<Utc>::from(world.wall.now());
    let late = world.scheduler.at(now - TimeDelta::seconds(1)).spawn(|_cx| async {}).unwrap();
    let over = world.scheduler.at(now - TimeDelta::minutes(61)).spawn(|_cx| async {});
    assert!(matches!(over, Err(ScheduleError::NeverFires { .. })));
    let anyhow = world.scheduler.at(DateTime::<Utc>::MIN_UTC).misfire_grace(None).spawn(|_cx| async {});
    let never = world.scheduler.at(DateTime::<Utc>::MAX_UTC).spawn(|_cx| async {});
    assert!(matches!(never, Err(ScheduleError::NeverFires { .. })));
    world.settle();
    assert_eq!(late.counts().runs, 1);
    assert!(anyhow.is_err() || anyhow.is_ok_and(|job| job.counts().runs == 1));
}

#[test]
fn at_reboot_is_once_at_the_start() {
    let world = World::at("2026-07-01T12:00:00Z");
    let job = world.note(world.scheduler.cron("@reboot"), Berlin).unwrap();
    assert_eq!(world.noted(), ["01 14:00:00 +0200"]);
    assert_eq!((job.trigger(), job.status()), ("@reboot", JobStatus::Finished));
}

#[test]
fn any_trigger_in_phase() {
    let world = World::at("2026-07-01T12:00:00Z");
    let sunday = Berlin.with_ymd_and_hms(2026, 10, 25, 9, 0, 0).unwrap();
    let weekly = Trigger::in_phase(sunday, Period::try_from(7 * DAY).unwrap());
    let job = world.scheduler.on(weekly).spawn(|_cx| async {}).unwrap();
    assert_eq!(next(&job), Some(utc("2026-07-05T07:00:00Z")));
}

#[test]
fn bad_texts_are_errors_at_once() {
    let world = World::at("2026-07-01T12:00:00Z");
    let huge = "*".repeat(1 << 20);
    let texts =
        ["", " ", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "0 0 30 2 *", "* * * *", "\0 * * * *", "@never", &huge];
    for text in texts {
        let error = world.note(world.scheduler.cron(text), Berlin).unwrap_err();
        assert!(matches!(error, ScheduleError::Cron(_)), "{error}");
        assert!(error.to_string().len() < 300);
    }
    let past = world.note(world.scheduler.cron("0 0 12 * * * 2025"), Tz::UTC).unwrap_err();
    assert!(matches!(past, ScheduleError::Cron(CronError::Past { .. })));
    assert!("Europe/Atlantis".parse::<Tz>().is_err(), "an unknown zone is an error before it comes here");
    assert!(world.scheduler.is_empty());
    // By the clock of the scheduler, not of the machine.
    let world = World::at("1999-07-01T12:00:00Z");
    assert!(world.note(world.scheduler.cron("0 0 12 * * * 1999"), Tz::UTC).is_ok());
}

#[test]
fn years_that_end_end_the_job() {
    let world = World::at("2026-12-31T23:59:58Z");
    let job = world.note(world.scheduler.cron("* * * * * * 2026"), Tz::UTC).unwrap();
    world.pass(SECOND, 3);
    assert_eq!(world.noted(), ["31 23:59:58 +0000", "31 23:59:59 +0000"]);
    assert_eq!(job.status(), JobStatus::Finished);
}

#[test]
fn start_and_end_of_a_calendar() {
    let world = World::at("2026-07-01T12:00:00Z");
    let hourly = || world.scheduler.cron("@hourly").start(utc("2026-07-01T15:00:00Z")).end(utc("2026-07-01T16:00:00Z"));
    let job = world.note(hourly(), Tz::UTC).unwrap();
    assert_eq!(next(&job), Some(utc("2026-07-01T15:00:00Z")));
    world.pass(HOUR / 4, 24);
    assert_eq!(world.noted(), ["01 15:00:00 +0000", "01 16:00:00 +0000"]);
    assert_eq!(job.status(), JobStatus::Finished);
    assert!(matches!(world.note(hourly(), Tz::UTC), Err(ScheduleError::NeverFires { .. })));
}

#[test]
fn pause_and_resume_of_a_calendar() {
    let world = World::at("2026-07-01T12:30:00Z");
    let job = world.note(world.scheduler.cron("@hourly"), Tz::UTC).unwrap();
    job.pause();
    world.pass(HOUR, 3);
    job.resume();
    assert_eq!(next(&job), Some(utc("2026-07-01T16:00:00Z")));
    job.pause();
    world.wall.step_back(5 * HOUR);
    job.resume();
    assert_eq!(next(&job), Some(utc("2026-07-01T11:00:00Z")), "the clock that it resumes by");
    assert_eq!((job.counts().runs, job.counts().missed), (0, 0));
}

/// A zone that panics from a certain year on.
#[derive(Clone, Debug)]
struct Broken;

impl TimeZone for Broken {
    type Offset = chrono::FixedOffset;

    fn from_offset(_: &Self::Offset) -> Self {
        Self
    }

    fn offset_from_local_date(&self, _: &chrono::NaiveDate) -> chrono::MappedLocalTime<Self::Offset> {
        unreachable!()
    }

    fn offset_from_local_datetime(&self, _: &chrono::NaiveDateTime) -> chrono::MappedLocalTime<Self::Offset> {
        unreachable!()
    }

    fn offset_from_utc_date(&self, _: &chrono::NaiveDate) -> Self::Offset {
        unreachable!()
    }

    fn offset_from_utc_datetime(&self, utc: &chrono::NaiveDateTime) -> Self::Offset {
        assert!(utc.and_utc().timestamp() < 1_900_000_000, "planned: a zone without a future");
        chrono::FixedOffset::east_opt(0).unwrap()
    }
}

#[test]
fn a_zone_that_panics_costs_its_own_job() {
    let world = World::at("2026-07-01T12:30:00Z");
    let broken = world.scheduler.cron("@hourly").zone(Broken).spawn(|_cx| async {}).unwrap();
    let sound = world.note(world.scheduler.cron("@hourly"), Tz::UTC).unwrap();
    let paused = world.scheduler.cron("@hourly").zone(Broken).spawn(|_cx| async {}).unwrap();
    assert!(paused.pause());
    world.wall.set(utc("2031-07-01T12:30:00Z"));
    world.settle();
    assert_eq!(broken.status(), JobStatus::Failed);
    assert!(!paused.resume());
    assert_eq!(paused.status(), JobStatus::Failed);
    world.noted();
    world.pass(HOUR / 2, 1);
    assert_eq!((sound.status(), world.noted()), (JobStatus::Active, vec!["01 13:00:00 +0000".to_owned()]));
}

#[test]
fn a_trigger_that_leads_to_no_end_fails_its_own_job() {
    let world = World::at("2026-07-01T12:30:00Z");
    let stuck = world.scheduler.on(Trigger::from_fn("stuck", Some)).spawn(|_cx| async {});
    assert!(matches!(stuck, Err(ScheduleError::Search(_))), "{stuck:?}");
    let breaks = Trigger::from_fn("breaks", |after| {
        Some(if after < utc("2026-07-01T13:00:00Z") { utc("2026-07-01T13:00:00Z") } else { after })
    });
    let breaks = world.scheduler.on(breaks).spawn(|_cx| async {}).unwrap();
    let sound = world.note(world.scheduler.cron("@hourly"), Tz::UTC).unwrap();
    world.pass(HOUR / 2, 2);
    assert_eq!((breaks.status(), breaks.counts().runs), (JobStatus::Failed, 1));
    assert_eq!((sound.status(), sound.counts().runs), (JobStatus::Active, 1));
}

/// A zone that calls something of the test whenever it is asked.
#[derive(Clone)]
struct Calling(Callback);

type Callback = Arc<Mutex<Option<Arc<dyn Fn() + Send + Sync>>>>;

impl std::fmt::Debug for Calling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calling")
    }
}

#[derive(Clone, Debug)]
struct CallingOffset(Calling);

impl chrono::Offset for CallingOffset {
    fn fix(&self) -> chrono::FixedOffset {
        chrono::FixedOffset::east_opt(0).unwrap()
    }
}

impl TimeZone for Calling {
    type Offset = CallingOffset;

    fn from_offset(offset: &Self::Offset) -> Self {
        offset.0.clone()
    }

    fn offset_from_local_date(&self, _: &chrono::NaiveDate) -> chrono::MappedLocalTime<Self::Offset> {
        unreachable!()
    }

    fn offset_from_local_datetime(&self, _: &chrono::NaiveDateTime) -> chrono::MappedLocalTime<Self::Offset> {
        unreachable!()
    }

    fn offset_from_utc_date(&self, _: &chrono::NaiveDate) -> Self::Offset {
        unreachable!()
    }

    fn offset_from_utc_datetime(&self, _: &chrono::NaiveDateTime) -> Self::Offset {
        // Once for each time that it is set, so that a call that searches does not call itself.
        let callback = self.0.lock().unwrap().take();
        if let Some(callback) = callback {
            callback();
        }
        CallingOffset(self.clone())
    }
}

/// The searches of a calendar: a slot that is due, a clock that goes back, the end of a pause.
#[test]
fn a_zone_may_call_the_scheduler_in_every_search() {
    type Call = fn(&Scheduler, &Job);
    let calls: [(&str, Call); 11] = [
        ("len", |scheduler, _| assert!(!scheduler.is_empty())),
        ("list", |scheduler, _| assert!(!scheduler.list().is_empty())),
        ("latest", |scheduler, _| drop(scheduler.latest::<()>("zoned"))),
        ("look", |_, job| assert!(job.next_run_at().is_some() || !job.status().is_finished())),
        ("run_now", |_, job| assert!(job.run_now())),
        ("pause", |_, job| assert!(job.pause())),
        ("pause, resume", |_, job| assert!(job.pause() && job.resume())),
        ("cancel_runs", |_, job| assert_eq!(job.cancel_runs(), 0)),
        ("remove", |_, job| assert!(job.remove())),
        ("add", |scheduler, _| assert!(scheduler.every(HOUR).id("zoned").spawn(|_cx| async {}).is_ok())),
        ("shutdown", |scheduler, _| assert_eq!(scheduler.shutdown(Duration::ZERO).jobs, 1)),
    ];
    for (name, call) in calls {
        for search in ["due", "back", "resume"] {
            let world = World::at("2026-07-01T12:30:00Z");
            let zone = Calling(Callback::default());
            let job = world.scheduler.cron("@hourly").id("zoned").zone(zone.clone()).spawn(|_cx| async {}).unwrap();
            world.settle();
            if search == "resume" {
                assert!(job.pause());
            }
            let (scheduler, theirs) = (world.scheduler.clone(), job.clone());
            *zone.0.lock().unwrap() = Some(Arc::new(move || call(&scheduler, &theirs)));
            match search {
                "due" => world.pass(HOUR / 2, 1),
                "back" => world.wall.set(utc("2026-07-01T10:30:00Z")),
                _ => assert!(job.resume()),
            }
            world.settle();
            assert!(zone.0.lock().unwrap().is_none(), "{name}, {search}: the zone was asked");
            let over = matches!(name, "remove" | "add" | "shutdown");
            assert_eq!(job.status().is_finished(), over, "{name}, {search}: {:?}", job.status());
            if name == "pause" {
                assert_eq!((job.status(), job.counts().runs), (JobStatus::Paused, 0), "{name}, {search}");
                assert!(job.resume(), "{name}, {search}");
            }
            // It goes on: the next slot runs, whatever happened during the search.
            let before = job.counts().runs;
            world.pass(HOUR / 2, 2);
            assert_eq!(job.counts().runs - before, u64::from(!over), "{name}, {search}");
        }
    }
}

/// A search that takes its time, on the reactor: no polling call waits for it.
#[test]
fn no_call_waits_for_a_search() {
    let world = World::at("2026-07-01T12:30:00Z");
    let zone = Calling(Callback::default());
    let job = world.scheduler.cron("@hourly").id("zoned").zone(zone.clone()).spawn(|_cx| async {}).unwrap();
    world.settle();
    let (entered, goes_on) = (common::Latch::new(), common::Latch::new());
    let (theirs, until) = (entered.clone(), goes_on.clone());
    *zone.0.lock().unwrap() = Some(Arc::new(move || {
        theirs.open();
        until.wait();
    }));
    world.clock.advance(HOUR / 2);
    entered.wait();
    assert_eq!((world.scheduler.len(), world.scheduler.list().len()), (1, 1));
    assert!(world.scheduler.latest::<()>("zoned").unwrap().is_none());
    assert!(job.next_run_at().is_some());
    assert_eq!(job.status(), JobStatus::Active);
    let other = world.scheduler.cron("@daily").spawn(|_cx| async {}).unwrap();
    assert!(job.pause());
    assert!(job.resume());
    assert!(other.remove());
    goes_on.open();
    world.settle();
    assert_eq!(job.counts().runs, 0, "the pause came before the slot was dealt with");
    assert_eq!(next(&job), Some(utc("2026-07-01T14:00:00Z")));
    world.pass(HOUR, 1);
    assert_eq!(job.counts().runs, 1);
}

#[test]
fn the_end_of_the_scheduler_is_no_news() {
    let world = World::at("2026-07-01T12:30:00Z");
    let unhandled = Arc::new(Mutex::new(0));
    let count = Arc::clone(&unhandled);
    let rt = Builder::new().on_unhandled_error(move |_info, _error| *count.lock().unwrap() += 1).build().unwrap();
    let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), world.wall.clone());
    let _job = scheduler.cron("@hourly").spawn(|_cx| async {}).unwrap();
    reactor_thread(rt.handle());
    rt.take_update();
    assert_eq!(scheduler.shutdown(Duration::MAX).jobs, 1);
    drop(scheduler);
    let other = Scheduler::new(&TaskManager::new(&rt));
    assert!(rt.shutdown(common::HANG).is_clean());
    assert!(other.is_closed());
    assert_eq!(*unhandled.lock().unwrap(), 0);
}

mod steps {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Pass(u64),
        Forward(u64),
        Back(u64),
    }

    fn seconds() -> impl Strategy<Value = u64> {
        prop_oneof![Just(1), 0_u64..90, 0_u64..20_000, 0_u64..400_000_000]
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            3 => (0_u64..8000).prop_map(Change::Pass),
            1 => seconds().prop_map(Change::Forward),
            1 => seconds().prop_map(Change::Back),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However the wall clock is set: the next run lies ahead, by no more than its period and the minute in which nothing
        /// is repeated; and a change brings at most one run.
        #[test]
        fn neither_a_storm_nor_silence(changes in prop::collection::vec(change(), 1..20), lenient: bool) {
            let world = World::at("2026-07-01T12:30:00Z");
            let hourly = world.scheduler.cron("@hourly").zone(Utc);
            let hourly = if lenient { hourly.misfire_grace(None) } else { hourly };
            let job = hourly.spawn(|_cx| async {}).unwrap();
            for change in changes {
                let before = job.counts().runs;
                match change {
                    Change::Pass(seconds) => drop(world.clock.advance(Duration::from_secs(seconds))),
                    Change::Forward(seconds) => world.wall.step(Duration::from_secs(seconds)),
                    Change::Back(seconds) => world.wall.step_back(Duration::from_secs(seconds)),
                }
                world.settle();
                let ahead = next(&job).unwrap() - DateTime::<Utc>::from(world.wall.now());
                prop_assert!(ahead > TimeDelta::zero() && ahead <= TimeDelta::minutes(61), "{change:?}: {ahead}");
                prop_assert!(job.counts().runs <= before + 1);
                prop_assert_eq!(job.counts().running, 0);
            }
        }
    }
}
