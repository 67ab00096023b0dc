//! Jobs while the wall clock is stepped, with notice and without, while the machine is suspended, and on a host that is late.
#![cfg(feature = "cron")]

mod common;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use common::{Hog, quiet_planned_panics, reactor_thread, until};
use offtick::scheduler::JobStatus;
use offtick::time::{Clock, ManualClock, ManualWallClock, WallClock};
use offtick::toolkit::OnTime;
use offtick::{Builder, Job, LocalBuilder, Runtime, Scheduler, TaskManager};
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The most that a step without notice may delay a run.
const LOOK: TimeDelta = TimeDelta::seconds(10);

struct World {
    rt: Runtime,
    clock: ManualClock,
    /// What the wall clock advances with; the runtime's own clock if steps are to be noticed.
    pace: ManualClock,
    notices: bool,
    wall: ManualWallClock,
    scheduler: Scheduler,
    log: Arc<Mutex<Vec<DateTime<Utc>>>>,
}

impl World {
    fn new(notices: bool) -> Self {
        quiet_planned_panics();
        let clock = Clock::manual();
        let pace = if notices { clock.clone() } else { Clock::manual() };
        let wall = WallClock::paced_by(pace.clone(), utc("2026-07-01T12:00:00Z"));
        let rt = Builder::new().clock(clock.clone()).build().unwrap();
        let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall.clone());
        Self { rt, clock, pace, notices, wall, scheduler, log: Arc::default() }
    }

    fn settle(&self) {
        for _ in 0..6 {
            reactor_thread(self.rt.handle());
        }
    }

    /// Sets the wall clock forward.
    fn step(&self, by: Duration) {
        if self.notices {
            self.wall.step(by);
        } else {
            self.pace.advance(by);
        }
        self.settle();
    }

    /// Both clocks advance.
    fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            if !self.notices {
                self.pace.advance(SECOND);
            }
            self.clock.advance(SECOND);
            self.settle();
        }
    }

    /// Notes what the wall clock shows.
    fn body(&self) -> impl Fn() -> Ready<()> + Send + Sync + 'static {
        let (wall, log) = (self.wall.clone(), Arc::clone(&self.log));
        move || {
            log.lock().unwrap().push(DateTime::from(wall.now()));
            ready(())
        }
    }

    fn ran(&self) -> Vec<DateTime<Utc>> {
        self.settle();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// A one-shot, a daily job and an `OnTime`, all due in 50 seconds; after one second the clock is set forward.
#[test]
fn what_is_still_due_after_a_step_runs_on_time_by_the_new_clock() {
    for notices in [true, false] {
        for forward in [Duration::from_millis(1500), 30 * SECOND, 48 * SECOND] {
            let world = World::new(notices);
            let due = utc("2026-07-01T12:00:50Z");
            let (one, daily, on) = (world.body(), world.body(), world.body());
            let one = world.scheduler.at(due).spawn(move |_cx| one()).unwrap();
            let daily = world.scheduler.daily_at(due.time()).zone(Utc).spawn(move |_cx| daily()).unwrap();
            let on_time = OnTime::at(&world.rt, due).wall_clock(world.wall.clone());
            let on_time = on_time.spawn(move |_cx| on()).unwrap();
            world.pass(1);
            world.step(forward);
            assert!(world.ran().is_empty());
            world.pass(60);
            let ran = world.ran();
            assert_eq!(ran.len(), 3, "{notices} {forward:?}");
            let most = if notices { TimeDelta::seconds(1) } else { LOOK };
            assert!(ran.iter().all(|ran| *ran >= due && *ran - due <= most), "{notices} {forward:?}: {ran:?}");
            assert_eq!((one.status(), on_time.status()), (JobStatus::Finished, JobStatus::Finished));
            assert_eq!((daily.counts().runs, daily.counts().missed), (1, 0));
        }
    }
}

#[test]
fn back_by_an_hour_elapsed_time_goes_on_and_a_fixed_time_is_not_repeated() {
    let world = World::new(true);
    let five = world.scheduler.cron("*/5 * * * * *").zone(Utc).spawn(|_cx| async {}).unwrap();
    let noon = NaiveTime::from_hms_opt(12, 0, 2).unwrap();
    let daily = world.scheduler.daily_at(noon).zone(Utc).spawn(|_cx| async {}).unwrap();
    world.pass(6);
    assert_eq!((five.counts().runs, daily.counts().runs), (2, 1));
    world.wall.step_back(HOUR);
    world.pass(10);
    assert_eq!(five.counts().runs, 4, "at once, every five seconds");
    world.pass(3600);
    assert_eq!(daily.counts().runs, 1, "12:00:02 is shown again, and has run");
    assert_eq!(daily.next_run_at().map(DateTime::<Utc>::from), Some(utc("2026-07-02T12:00:02Z")));
}

#[test]
fn a_glitch_to_2036_and_back_ends_no_job() {
    let world = World::new(true);
    let once = world.scheduler.at(utc("2026-07-01T13:00:00Z")).spawn(|_cx| async {}).unwrap();
    let ends =
        world.scheduler.cron("@hourly").zone(Utc).end(utc("2027-01-01T00:00:00Z")).spawn(|_cx| async {}).unwrap();
    let on_time = OnTime::at(&world.rt, utc("2026-07-01T13:00:00Z")).wall_clock(world.wall.clone());
    let on_time = on_time.spawn(|_cx| async {}).unwrap();
    world.settle();
    let before = world.wall.now();
    world.wall.step(3650 * DAY);
    world.pass(5);
    for status in [once.status(), ends.status(), on_time.status()] {
        assert_eq!(status, JobStatus::Active, "the clock has not stayed there");
    }
    world.wall.set(before);
    world.settle();
    world.clock.advance(HOUR);
    world.settle();
    assert_eq!((once.counts().runs, on_time.counts().runs), (1, 1));
    assert_eq!(
        (once.status(), on_time.status(), ends.status()),
        (JobStatus::Finished, JobStatus::Finished, JobStatus::Active)
    );
}

#[test]
fn after_a_suspend_one_run_stands_for_what_was_passed() {
    let world = World::new(true);
    let minutely = world.scheduler.cron("* * * * *").zone(Utc).spawn(|_cx| async {}).unwrap();
    let daily = world.scheduler.daily_at(NaiveTime::from_hms_opt(19, 30, 0).unwrap()).zone(Utc);
    let daily = daily.spawn(|_cx| async {}).unwrap();
    let late = world.scheduler.daily_at(NaiveTime::from_hms_opt(13, 0, 0).unwrap()).zone(Utc);
    let late = late.spawn(|_cx| async {}).unwrap();
    world.pass(10);
    // The wall clock jumps, the monotonic one stands.
    world.wall.step(8 * HOUR);
    world.settle();
    let counts = minutely.counts();
    assert_eq!((counts.runs, counts.coalesced), (2, 0));
    assert!(counts.missed > 0);
    assert_eq!((daily.counts().runs, daily.counts().missed), (1, 0), "half an hour ago");
    assert_eq!((late.counts().runs, late.counts().missed), (0, 1), "seven hours ago");
}

#[test]
fn a_host_that_ticks_every_few_seconds_loses_nothing() {
    let clock = Clock::manual();
    let wall = WallClock::paced_by(clock.clone(), utc("2026-07-01T12:00:00Z"));
    let rt = LocalBuilder::new().clock(clock.clone()).build().unwrap();
    let scheduler = Scheduler::with_wall_clock(&TaskManager::new(rt.handle()), wall);
    let every = |text: &str| scheduler.cron(text).zone(Utc).spawn(|_cx| async {}).unwrap();
    let (second, ten, minute) = (every("* * * * * *"), every("*/10 * * * * *"), every("* * * * *"));
    let interval = scheduler.every(3 * SECOND).spawn(|_cx| async {}).unwrap();
    let strict = scheduler.every(3 * SECOND).misfire_grace(SECOND).spawn(|_cx| async {}).unwrap();
    // Each tick steps the clock at once, as time does for a host that comes late.
    let mut passed = 0;
    for tick in [7, 5, 5, 8, 4, 61, 5, 30] {
        passed += tick;
        clock.step(Duration::from_secs(tick));
        rt.run_until_stalled().unwrap();
    }
    for (job, slots) in [
        (&second, passed + 1),
        (&ten, passed / 10 + 1),
        (&minute, passed / 60 + 1),
        (&interval, passed / 3),
        (&strict, passed / 3),
    ] {
        let counts = job.counts();
        assert_eq!((counts.missed, counts.overlapped), (0, 0), "{}: {counts:?}", job.trigger());
        assert_eq!(counts.runs + counts.coalesced, slots, "{}: {counts:?}", job.trigger());
    }
    assert_eq!(minute.counts().runs, passed / 60 + 1);
}

#[test]
fn a_clock_that_steps_at_every_look_to_1970_and_9999() {
    let world = World::new(true);
    let hourly = world.scheduler.cron("@hourly").zone(Utc).spawn(|_cx| async {}).unwrap();
    let daily = world.scheduler.daily_at(NaiveTime::MIN).zone(chrono_tz::Europe::Berlin).spawn(|_cx| async {}).unwrap();
    let interval = world.scheduler.every(SECOND).spawn(|_cx| async {}).unwrap();
    for _ in 0..20 {
        for reading in ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-07-01T12:00:00Z"] {
            world.wall.set(utc(reading));
            world.pass(1);
        }
    }
    assert_eq!(interval.counts().runs, 60);
    for job in [&hourly, &daily] {
        assert_eq!(job.status(), JobStatus::Active);
        assert!(job.next_run_at().is_some(), "{:?}", job.counts());
    }
    assert_eq!(hourly.next_run_at().map(DateTime::<Utc>::from), Some(utc("2026-07-01T13:00:00Z")));
}

#[test]
fn a_body_that_sets_the_clock() {
    let world = World::new(true);
    let wall = world.wall.clone();
    let job = world.scheduler.cron("* * * * *").zone(Utc).max_runs(50).spawn(move |_cx| {
        // Just before the next minute.
        wall.step(Duration::from_secs(59));
        async {}
    });
    let job = job.unwrap();
    for _ in 0..200 {
        world.pass(1);
    }
    assert_eq!((job.status(), job.counts().runs), (JobStatus::Finished, 50));
}

#[test]
fn intervals_that_are_always_due_starve_no_calendar() {
    let world = World::new(true);
    let _busy: Vec<_> =
        (0..100).map(|_| world.scheduler.every(Duration::from_nanos(1)).spawn(|_cx| async {}).unwrap()).collect();
    let cron = world.scheduler.cron("* * * * * *").zone(Utc).spawn(|_cx| async {}).unwrap();
    let asked = world.scheduler.every(DAY).spawn(|_cx| async {}).unwrap();
    until(|| cron.counts().runs == 1);
    for second in 1..=10 {
        world.clock.advance(SECOND);
        assert!(asked.run_now());
        let over = |job: &Job, runs| (job.counts().runs, job.counts().running) == (runs, 0);
        until(|| over(&cron, second + 1) && over(&asked, second));
    }
}

/// While a year of slots of many jobs is caught up on, a fresh future waits for one turn, and no call waits for more than a step.
#[test]
fn a_fresh_future_waits_for_one_turn() {
    let world = World::new(true);
    let jobs: Vec<Job> = (0..2000)
        .map(|n| {
            let every = world.scheduler.cron("* * * * *").zone(chrono_tz::Europe::Berlin).id(format!("job {n}"));
            every.spawn(|_cx| async {}).unwrap()
        })
        .collect();
    world.pass(1);
    until(|| jobs.iter().all(|job| job.counts().runs == 1));
    let hog = Hog::reactor(world.rt.handle());
    world.wall.step(365 * DAY);
    let theirs = jobs.clone();
    let mut fresh = world.rt.spawn(async move { theirs.iter().filter(|job| job.counts().runs > 1).count() });
    hog.release();
    let dealt_with = fresh.wait_timeout(common::HANG).unwrap().unwrap();
    assert!(dealt_with <= 2 * 64, "{dealt_with} jobs before it");
    assert_eq!(world.scheduler.len(), 2000);
    assert!(world.scheduler.latest::<()>("job 7").unwrap().is_some());
    until(|| jobs.iter().all(|job| job.counts().runs == 2));
}

#[test]
fn hooks_that_add_remove_and_replace_their_own_job() {
    let world = World::new(true);
    for what in ["add", "remove", "replace", "pause"] {
        let (scheduler, theirs) = (world.scheduler.clone(), Arc::new(Mutex::new(Vec::new())));
        let added = Arc::clone(&theirs);
        let every = world.scheduler.every(SECOND).id(what).on_run(move |event| {
            let own = scheduler.get(event.job());
            match what {
                "add" => added.lock().unwrap().push(scheduler.every(DAY).spawn(|_cx| async {}).unwrap()),
                "remove" => assert!(own.unwrap().remove()),
                "replace" => {
                    added.lock().unwrap().push(scheduler.every(DAY).id("replace").spawn(|_cx| async {}).unwrap())
                }
                _ => assert!(own.unwrap().pause()),
            }
        });
        let job = every.spawn(|_cx| async {}).unwrap();
        world.pass(3);
        let (runs, status) = match what {
            "add" => (3, JobStatus::Active),
            "pause" => (1, JobStatus::Paused),
            _ => (1, JobStatus::Removed),
        };
        assert_eq!((job.counts().runs, job.status()), (runs, status), "{what}");
        assert_eq!(
            theirs.lock().unwrap().len(),
            match what {
                "add" => 3,
                "replace" => 1,
                _ => 0,
            }
        );
        job.remove();
    }
}
