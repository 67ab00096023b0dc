//! `toolkit::OnTime`, as traces under manual clocks: once and in phase, overdue slots, daylight-saving time, clocks that are
//! set.
#![cfg(feature = "cron")]

mod common;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Australia::Lord_Howe;
use chrono_tz::Europe::Berlin;
use chrono_tz::Tz;
use common::{Dropped, Hog, Tally, quiet_planned_panics, reactor_thread, until};
use offtick::schedule::{Period, Trigger};
use offtick::scheduler::JobStatus;
use offtick::time::{Clock, ManualClock, ManualWallClock, WallClock, sleep};
use offtick::toolkit::{ErrorPolicy, OnTime, OnTimeBuilder};
use offtick::{Builder, Runtime};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    rt: Runtime,
    clock: ManualClock,
    wall: ManualWallClock,
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
        Self { rt, clock, wall, log: Arc::default() }
    }

    fn on<Z: TimeZone>(&self, on: DateTime<Z>) -> OnTimeBuilder<Z> {
        OnTime::at(&self.rt, on).wall_clock(self.wall.clone())
    }

    /// Notes what the wall clock shows in the zone at the beginning of each run; run number n takes `takes(n)`.
    fn note(
        &self,
        builder: OnTimeBuilder<Tz>,
        zone: Tz,
        takes: impl Fn(u32) -> Duration + Send + 'static,
    ) -> OnTime<u32> {
        let (wall, log) = (self.wall.clone(), Arc::clone(&self.log));
        let mut number = 0;
        let made = builder.spawn(move |_cx| {
            number += 1;
            let now = DateTime::<Utc>::from(wall.now()).with_timezone(&zone);
            log.lock().unwrap().push(now.format("%d %H:%M:%S %z").to_string());
            let (run, takes) = (number, takes(number));
            async move {
                if !takes.is_zero() {
                    sleep(takes).await;
                }
                run
            }
        });
        self.settle();
        made.unwrap()
    }

    fn settle(&self) {
        for _ in 0..10 {
            reactor_thread(self.rt.handle());
        }
    }

    fn pass(&self, step: Duration, times: u32) {
        for _ in 0..times {
            self.clock.advance(step);
            self.settle();
        }
    }

    fn noted(&self) -> Vec<String> {
        self.settle();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn berlin(text: &str) -> DateTime<Tz> {
    Berlin.from_local_datetime(&text.parse().unwrap()).single().unwrap()
}

fn no_time(_: u32) -> Duration {
    Duration::ZERO
}

#[test]
fn once_it_runs_at_its_moment_and_never_again() {
    let world = World::at("2026-07-01T12:00:00Z");
    let once = world.note(world.on(berlin("2026-07-01T15:00:00")), Berlin, no_time);
    world.pass(HOUR - Duration::from_nanos(1), 1);
    assert!(world.noted().is_empty());
    assert_eq!(once.status(), JobStatus::Active);
    world.rt.take_update();
    world.pass(Duration::from_nanos(1), 1);
    assert_eq!(world.noted(), ["01 15:00:00 +0200"]);
    assert!(world.rt.take_update());
    assert_eq!((once.status(), once.counts().runs), (JobStatus::Finished, 1));
    assert!(!once.run_now() && !once.pause());
    assert_eq!(once.latest_done().unwrap().result().unwrap().ok(), Some(&1), "its result stays");
    // Nor if the clock shows the moment again.
    world.wall.set(utc("2026-07-01T12:00:00Z"));
    world.pass(HOUR, 3);
    assert!(world.noted().is_empty());
    // A moment that is the first reading has passed, under every clock.
    let world = World::at("2026-07-01T13:00:00Z");
    let exact = world.note(world.on(berlin("2026-07-01T15:00:00")), Berlin, no_time);
    let every = world.note(world.on(berlin("2026-07-01T15:00:00")).every(MINUTE), Berlin, no_time);
    let overdue = world.note(world.on(berlin("2026-07-01T15:00:00")).overdue(true), Berlin, no_time);
    let system = OnTime::at(&world.rt, Utc::now()).spawn(|_cx| async {}).unwrap();
    world.settle();
    let runs = [exact.counts().runs, system.counts().runs, every.counts().runs, overdue.counts().runs];
    assert_eq!((runs, exact.status(), system.status()), ([0, 0, 0, 1], JobStatus::Finished, JobStatus::Finished));
    world.pass(MINUTE, 1);
    assert_eq!(every.counts().runs, 1);
}

#[test]
fn a_moment_that_is_over_is_not_made_up_for_unless_it_counts() {
    let world = World::at("2026-07-01T12:00:00Z");
    let past = berlin("2026-06-30T09:00:00");
    let never = world.note(world.on(past), Berlin, no_time);
    assert_eq!((never.status(), never.counts().runs), (JobStatus::Finished, 0));
    let late = world.note(world.on(past).overdue(true), Berlin, no_time);
    assert_eq!(world.noted(), ["01 14:00:00 +0200"]);
    assert_eq!((late.status(), late.counts().runs), (JobStatus::Finished, 1));
    // A start begins anew.
    assert!(late.start() && never.start());
    assert_eq!(world.noted(), ["01 14:00:00 +0200"]);
    assert_eq!((late.counts().runs, never.counts().runs), (2, 0));
}

#[test]
fn in_phase_it_may_run_before_its_moment() {
    let world = World::at("2026-07-01T12:00:00Z");
    let quarter = world.note(world.on(berlin("2026-07-08T09:05:00")).every(15 * MINUTE), Berlin, no_time);
    world.pass(MINUTE, 60);
    assert_eq!(world.noted(), ["01 14:05:00 +0200", "01 14:20:00 +0200", "01 14:35:00 +0200", "01 14:50:00 +0200"]);
    assert_eq!(quarter.status(), JobStatus::Active);
}

#[test]
fn slots_before_the_start_are_no_concern_even_if_overdue_ones_count() {
    let world = World::at("2026-07-01T12:00:00Z");
    let _hourly = world.note(world.on(berlin("2026-06-01T09:30:00")).every(HOUR).overdue(true), Berlin, no_time);
    assert!(world.noted().is_empty());
    world.pass(MINUTE, 31);
    assert_eq!(world.noted(), ["01 14:30:00 +0200"]);
}

#[test]
fn overdue_slots_are_skipped_for_the_next_one_ahead() {
    let world = World::at("2026-07-01T12:01:00Z");
    let takes = |run| if run == 1 { 25 * MINUTE } else { Duration::ZERO };
    let _skips = world.note(world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE), Berlin, takes);
    world.pass(MINUTE, 50);
    // 14:20 and 14:30 pass while the first run is on, until 14:35.
    assert_eq!(world.noted(), ["01 14:10:00 +0200", "01 14:40:00 +0200", "01 14:50:00 +0200"]);
}

#[test]
fn a_slot_at_the_very_end_of_a_run_is_not_overdue() {
    let world = World::at("2026-07-01T12:01:00Z");
    let takes = |run| if run == 1 { 10 * MINUTE } else { Duration::ZERO };
    let _exact = world.note(world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE), Berlin, takes);
    world.pass(MINUTE, 24);
    assert_eq!(world.noted(), ["01 14:10:00 +0200", "01 14:20:00 +0200"]);
}

#[test]
fn overdue_slots_that_count_are_caught_up_on_back_to_back() {
    let world = World::at("2026-07-01T12:01:00Z");
    let takes = |run| if run == 1 { 35 * MINUTE } else { MINUTE };
    let builder = world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE).overdue(true);
    let _catches_up = world.note(builder, Berlin, takes);
    world.pass(MINUTE, 60);
    assert_eq!(
        world.noted(),
        [
            "01 14:10:00 +0200",
            // 14:20, 14:30 and 14:40, one after the other.
            "01 14:45:00 +0200",
            "01 14:46:00 +0200",
            "01 14:47:00 +0200",
            "01 14:50:00 +0200",
            "01 15:00:00 +0200"
        ]
    );
}

#[test]
fn a_clock_set_past_many_slots_runs_the_one_that_is_waited_for() {
    for (overdue, runs) in [(false, 1), (true, 4)] {
        let world = World::standing("2026-07-01T12:01:00Z");
        let builder = world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE).overdue(overdue);
        let set = world.note(builder, Berlin, no_time);
        assert_eq!(world.rt.metrics().timers, 0, "a clock that stands is not looked at");
        world.wall.set(utc("2026-07-01T12:45:00Z"));
        until(|| set.counts().runs >= runs as u64);
        assert_eq!(world.noted(), vec!["01 14:45:00 +0200"; runs]);
        world.wall.set(utc("2026-07-01T12:50:00Z"));
        assert_eq!(world.noted(), ["01 14:50:00 +0200"]);
    }
}

#[test]
fn a_wall_clock_that_is_set_without_a_word_is_seen_within_ten_seconds() {
    // Its pace is another clock than the runtime's: nobody is told when that moves, as with the clock of the system.
    let pace = Clock::manual();
    let world = World::with(Clock::manual(), WallClock::paced_by(pace.clone(), utc("2026-07-01T12:00:00Z")));
    let _once = world.note(world.on(berlin("2026-07-01T17:00:00")), Berlin, no_time);
    assert_eq!(world.rt.metrics().timers, 1);
    pace.advance(3 * HOUR);
    world.pass(9 * SECOND, 1);
    assert!(world.noted().is_empty());
    world.pass(SECOND, 1);
    assert_eq!(world.noted(), ["01 17:00:00 +0200"]);
}

#[test]
fn a_correction_repeats_nothing_and_a_clock_set_back_is_followed() {
    let world = World::at("2026-07-01T12:01:00Z");
    let _every = world.note(world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE), Berlin, no_time);
    world.pass(MINUTE, 9);
    assert_eq!(world.noted(), ["01 14:10:00 +0200"]);
    world.wall.step_back(SECOND);
    world.pass(SECOND, 2);
    assert!(world.noted().is_empty(), "14:10 is shown again, and has run");
    world.wall.set(utc("2026-07-01T11:55:00Z"));
    world.pass(MINUTE, 16);
    assert_eq!(world.noted(), ["01 14:00:00 +0200", "01 14:10:00 +0200"]);
}

#[test]
fn a_day_or_longer_keeps_the_wall_time() {
    // Across the autumn of 2026 in Berlin, and the spring after it.
    let nine = berlin("2026-01-01T09:00:00");
    let world = World::at("2026-10-23T22:00:00Z");
    let _daily = world.note(world.on(nine).every(DAY), Berlin, no_time);
    world.pass(HOUR, 72);
    assert_eq!(world.noted(), ["24 09:00:00 +0200", "25 09:00:00 +0100", "26 09:00:00 +0100"]);
    let world = World::at("2027-03-26T23:00:00Z");
    let _daily = world.note(world.on(nine).every(DAY), Berlin, no_time);
    world.pass(HOUR, 72);
    assert_eq!(world.noted(), ["27 09:00:00 +0100", "28 09:00:00 +0200", "29 09:00:00 +0200"]);
}

#[test]
fn gap_and_fold_as_in_the_schedules() {
    let half_past_two = berlin("2026-01-01T02:30:00");
    let spring = World::at("2026-03-27T23:00:00Z");
    let _daily = spring.note(spring.on(half_past_two).every(DAY), Berlin, no_time);
    spring.pass(HOUR / 2, 2 * 72);
    assert_eq!(spring.noted(), ["28 02:30:00 +0100", "29 03:00:00 +0200", "30 02:30:00 +0200"], "right after the gap");
    let autumn = World::at("2026-10-23T22:00:00Z");
    let _daily = autumn.note(autumn.on(half_past_two).every(DAY), Berlin, no_time);
    autumn.pass(HOUR / 2, 2 * 72);
    assert_eq!(autumn.noted(), ["24 02:30:00 +0200", "25 02:30:00 +0200", "26 02:30:00 +0100"], "once in the fold");
    // Half an hour on Lord Howe: 02:00 to 02:30 on 4 October.
    let island = World::at("2026-10-02T14:00:00Z");
    let on = Lord_Howe.with_ymd_and_hms(2026, 1, 1, 2, 15, 0).unwrap();
    let _daily = island.note(island.on(on).every(DAY), Lord_Howe, no_time);
    island.pass(HOUR / 4, 4 * 48);
    assert_eq!(island.noted(), ["03 02:15:00 +1030", "04 02:30:00 +1100"]);
}

#[test]
fn shorter_than_a_day_keeps_elapsed_time_through_autumn() {
    let world = World::at("2026-10-24T20:00:00Z");
    let _six_hours = world.note(world.on(berlin("2026-10-24T00:00:00")).every(6 * HOUR), Berlin, no_time);
    world.pass(HOUR, 26);
    assert_eq!(
        world.noted(),
        // Six hours each, so an hour earlier on the wall from then on.
        ["25 00:00:00 +0200", "25 05:00:00 +0100", "25 11:00:00 +0100", "25 17:00:00 +0100", "25 23:00:00 +0100"]
    );
}

#[test]
fn the_chain_of_a_year_is_that_of_its_trigger() {
    let (on, period) = (berlin("2026-06-15T02:30:00"), Period::try_from(DAY).unwrap());
    let trigger = Trigger::in_phase(on, period);
    let world = World::standing("2026-01-01T00:00:00Z");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (wall, theirs) = (world.wall.clone(), Arc::clone(&seen));
    let daily = world.on(on).every(period).spawn(move |_cx| {
        theirs.lock().unwrap().push(DateTime::<Utc>::from(wall.now()));
        async {}
    });
    let daily = daily.unwrap();
    world.settle();
    let mut expected = Vec::new();
    let mut now = utc("2026-01-01T00:00:00Z");
    for run in 1..=365 {
        now = trigger.next_after(now).unwrap();
        expected.push(now);
        world.wall.set(now - TimeDelta::nanoseconds(1));
        reactor_thread(world.rt.handle());
        assert_eq!(daily.counts().runs, run - 1, "not early");
        world.wall.set(now);
        until(|| {
            daily.latest_finished().is_some()
                && daily.counts().runs == run
                && daily.latest().filter(|run| !run.is_done()).is_none()
        });
        world.settle();
    }
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_slot_that_passes_in_a_pause_never_runs() {
    for overdue in [false, true] {
        let world = World::at("2026-07-01T12:01:00Z");
        let builder = world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE).overdue(overdue);
        let paused = world.note(builder, Berlin, no_time);
        paused.pause();
        world.settle();
        world.pass(MINUTE, 24);
        assert!(world.noted().is_empty());
        paused.resume();
        assert!(world.noted().is_empty());
        world.pass(MINUTE, 5);
        assert_eq!(world.noted(), ["01 14:30:00 +0200"]);
        // One that runs once is over then.
        let once = world.note(world.on(berlin("2026-07-01T14:35:00")).overdue(overdue), Berlin, no_time);
        once.pause();
        world.settle();
        world.pass(MINUTE, 6);
        world.noted();
        once.resume();
        world.settle();
        assert_eq!((once.status(), once.counts().runs), (JobStatus::Finished, 0));
    }
}

#[test]
fn a_run_that_is_asked_for_takes_no_slot() {
    let world = World::at("2026-07-01T12:00:00Z");
    let once = world.note(world.on(berlin("2026-07-01T14:10:00")), Berlin, no_time);
    world.pass(MINUTE, 3);
    assert!(once.run_now());
    world.settle();
    world.pass(MINUTE, 7);
    assert_eq!(world.noted(), ["01 14:03:00 +0200", "01 14:10:00 +0200"]);
    assert_eq!(once.status(), JobStatus::Finished);
}

#[test]
fn a_run_that_is_asked_for_runs_besides_the_one_that_is_due() {
    let world = World::standing("2026-07-01T12:01:00Z");
    let builder = world.on(berlin("2026-07-01T14:10:00")).every(10 * MINUTE).overdue(true);
    let slots = world.note(builder, Berlin, no_time);
    let hog = Hog::reactor(world.rt.handle());
    world.wall.set(utc("2026-07-01T12:10:00Z"));
    assert!(slots.run_now());
    hog.release();
    assert_eq!(world.noted(), ["01 14:10:00 +0200"; 2]);
}

#[test]
fn errors_stop_it_or_do_not() {
    for policy in [ErrorPolicy::Stop, ErrorPolicy::Ignore] {
        let world = World::at("2026-07-01T12:00:00Z");
        let mut number = 0;
        let builder = world.on(utc("2026-07-01T12:00:00Z")).every(10 * MINUTE).on_error(policy).name("fails");
        let fails = builder.run(move |_cx| {
            number += 1;
            async move { if number == 2 { Err("offline") } else { Ok(number) } }
        });
        let fails = fails.unwrap();
        world.settle();
        world.pass(MINUTE, 30);
        let went_on = policy == ErrorPolicy::Ignore;
        assert_eq!(fails.counts().runs, if went_on { 3 } else { 2 });
        assert_eq!(fails.status(), if went_on { JobStatus::Active } else { JobStatus::Failed });
        assert_eq!(fails.latest_finished().unwrap().name(), Some("fails"));
    }
}

#[test]
fn intervals_that_are_none_are_refused() {
    let world = World::at("2026-07-01T12:00:00Z");
    let on = utc("2026-07-01T12:00:00Z");
    let error = world.on(on).every(TimeDelta::hours(-1)).spawn_blocking(|_cx| ()).expect_err("no interval");
    assert!(error.to_string().contains("longer than zero"), "{error}");
    assert!(world.on(on).every(Duration::ZERO).run(|_cx| async { Ok::<_, String>(()) }).is_err());
    until(|| world.rt.metrics().alive == 0);
    // Far beyond every calendar: the moment runs, and nothing after it.
    let huge = world.on(on + TimeDelta::hours(1)).every(Duration::MAX).spawn(|_cx| async {}).unwrap();
    world.pass(HOUR, 1);
    until(|| huge.status() == JobStatus::Finished);
    assert_eq!(huge.counts().runs, 1);
    let far = world.on(DateTime::<Utc>::MAX_UTC).spawn(|_cx| async {}).unwrap();
    let ancient = world.on(DateTime::<Utc>::MIN_UTC).every(DAY).spawn(|_cx| async {}).unwrap();
    world.settle();
    assert_eq!((far.counts().runs, ancient.counts().runs), (0, 0));
}

/// A zone that runs a closure whenever it is asked.
#[derive(Clone)]
struct Odd(Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Odd")
    }
}

impl TimeZone for Odd {
    type Offset = OddOffset;

    fn from_offset(offset: &OddOffset) -> Self {
        offset.0.clone()
    }

    fn offset_from_local_date(&self, _: &NaiveDate) -> chrono::MappedLocalTime<OddOffset> {
        chrono::MappedLocalTime::Single(OddOffset(self.clone()))
    }

    fn offset_from_local_datetime(&self, _: &NaiveDateTime) -> chrono::MappedLocalTime<OddOffset> {
        chrono::MappedLocalTime::Single(OddOffset(self.clone()))
    }

    fn offset_from_utc_date(&self, _: &NaiveDate) -> OddOffset {
        OddOffset(self.clone())
    }

    fn offset_from_utc_datetime(&self, _: &NaiveDateTime) -> OddOffset {
        (self.0)();
        OddOffset(self.clone())
    }
}

#[derive(Clone, Debug)]
struct OddOffset(Odd);

impl Offset for OddOffset {
    fn fix(&self) -> FixedOffset {
        Utc.fix()
    }
}

impl fmt::Display for OddOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("brittle")
    }
}

#[test]
fn a_zone_that_panics_stops_its_own_repetition() {
    let world = World::at("2026-07-01T12:00:00Z");
    let broken = Arc::new(Mutex::new(false));
    let theirs = Arc::clone(&broken);
    let zone = Odd(Arc::new(move || assert!(!*theirs.lock().unwrap(), "planned: the zone breaks")));
    let on = zone.with_ymd_and_hms(2026, 7, 1, 12, 1, 0).unwrap();
    let daily = world.on(on).every(DAY).spawn(|_cx| async {}).unwrap();
    let other = world.on(utc("2026-07-01T12:01:00Z")).every(DAY).spawn(|_cx| async {}).unwrap();
    world.pass(MINUTE, 1);
    assert_eq!(daily.counts().runs, 1);
    *broken.lock().unwrap() = true;
    world.pass(DAY, 1);
    world.settle();
    assert_eq!((daily.status(), other.status()), (JobStatus::Failed, JobStatus::Active));
    assert_eq!(other.counts().runs, 2);
    *broken.lock().unwrap() = false;
    assert!(daily.start());
    world.settle();
    assert_eq!(daily.status(), JobStatus::Active);
}

#[test]
fn a_run_whose_round_is_over_before_it_is_taken_in_never_begins() {
    let world = World::at("2026-07-01T12:00:00Z");
    let place = Arc::new(Mutex::new(None::<OnTime<()>>));
    let (armed, ran) = (Arc::new(AtomicBool::new(false)), Tally::new());
    let zone = Odd(Arc::new({
        let (place, armed) = (Arc::downgrade(&place), Arc::clone(&armed));
        // Asked for the slot after the one whose run is about to be launched.
        move || {
            if armed.swap(false, Ordering::Relaxed) {
                place.upgrade().unwrap().lock().unwrap().as_ref().unwrap().cancel();
            }
        }
    }));
    let theirs = ran.clone();
    let on = zone.with_ymd_and_hms(2026, 7, 1, 12, 10, 0).unwrap();
    let daily = world.on(on).every(DAY).spawn(move |_cx| {
        theirs.note();
        async {}
    });
    let daily = daily.unwrap();
    *place.lock().unwrap() = Some(daily);
    world.settle();
    armed.store(true, Ordering::Relaxed);
    world.pass(10 * MINUTE, 1);
    assert!(!armed.load(Ordering::Relaxed));
    let daily = place.lock().unwrap().take().unwrap();
    assert_eq!((daily.status(), daily.counts().runs, ran.count()), (JobStatus::Idle, 0, 0));
    assert!(daily.latest().filter(|run| !run.is_done()).is_none());
}

#[test]
fn dropped_inside_its_body_and_without_a_runtime() {
    let world = World::at("2026-07-01T12:00:00Z");
    let (drops, place) = (Tally::new(), Arc::new(Mutex::new(None::<OnTime<()>>)));
    let (theirs, dropped) = (Arc::clone(&place), Dropped::new(&drops));
    let on_time = world.on(utc("2026-07-01T12:10:00Z")).every(MINUTE).spawn(move |_cx| {
        let _held = &dropped;
        let place = Arc::clone(&theirs);
        async move { drop(place.lock().unwrap().take()) }
    });
    *place.lock().unwrap() = Some(on_time.unwrap());
    world.settle();
    world.pass(10 * MINUTE, 1);
    drops.wait_for(1);
    until(|| (world.rt.metrics().alive, world.rt.metrics().timers) == (0, 0));

    let waits = world.on(utc("2026-07-02T12:00:00Z")).spawn(|_cx| async {}).unwrap();
    world.settle();
    let World { rt, wall, .. } = world;
    let handle = rt.handle().clone();
    drop(rt);
    assert_eq!(waits.status(), JobStatus::Stopped);
    wall.step(2 * DAY);
    assert!(!waits.start() && !waits.run_now());
    drop(waits);
    wall.step(DAY);
    let late = OnTime::at(&handle, Utc::now()).overdue(true).spawn_blocking(|_cx| ());
    assert_eq!(late.expect_err("no runtime"), offtick::ScheduleError::RuntimeGone);
}

#[test]
fn a_million_overdue_slots_are_caught_up_on_within_a_bound() {
    let world = World::standing("2026-07-01T12:00:00Z");
    let made = Arc::new(());
    let theirs = Arc::clone(&made);
    let builder = world.on(utc("2026-07-01T12:00:00Z")).every(SECOND).overdue(true);
    let slots = builder.spawn(move |_cx| {
        let made = Arc::clone(&theirs);
        async move { made }
    });
    let slots = slots.unwrap();
    world.settle();
    world.wall.step(1_000_000 * SECOND);
    until(|| {
        assert!(Arc::strong_count(&made) <= 6, "{} results are kept", Arc::strong_count(&made));
        slots.counts().runs >= 1000
    });
    world.settle();
    let counts = slots.counts();
    assert_eq!((counts.runs, counts.queued, counts.running), (1000, 0, 0));
    assert!(counts.missed > 0, "the rest: {counts:?}");
    drop(slots);
    until(|| Arc::strong_count(&made) == 1);
}
