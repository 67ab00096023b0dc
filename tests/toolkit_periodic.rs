//! `toolkit::Periodic`, as traces under a manual clock: when runs begin, and what errors, pauses and drops do.
#![cfg(feature = "toolkit")]

mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{Dropped, HANG, Hog, OnDrop, Tally, quiet_planned_panics, reactor_thread, until};
use gate::Gate;
use offtick::scheduler::JobStatus;
use offtick::time::{Clock, ManualClock, sleep};
use offtick::toolkit::{Background, ErrorPolicy, Periodic, PeriodicBuilder};
use offtick::{Budget, Builder, LocalBuilder, Runtime, Status, TaskError};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    rt: Runtime,
    clock: ManualClock,
    log: Arc<Mutex<Vec<String>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        quiet_planned_panics();
        let (clock, errors) = (Clock::manual(), Arc::<Mutex<Vec<String>>>::default());
        let theirs = Arc::clone(&errors);
        let rt = Builder::new()
            .clock(clock.clone())
            .on_unhandled_error(move |_task, error| theirs.lock().unwrap().push(format!("{error:#}")))
            .build()
            .unwrap();
        Self { rt, clock, log: Arc::default(), errors }
    }

    fn every(&self, seconds: u64) -> PeriodicBuilder {
        Periodic::every(&self.rt, Duration::from_secs(seconds))
    }

    fn settle(&self) {
        for _ in 0..10 {
            reactor_thread(self.rt.handle());
        }
    }

    /// Nothing of the runtime is left, neither tasks nor timers.
    fn is_empty(&self) -> bool {
        let metrics = self.rt.metrics();
        (metrics.alive, metrics.timers) == (0, 0)
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

    fn errors(&self) -> Vec<String> {
        self.settle();
        std::mem::take(&mut *self.errors.lock().unwrap())
    }

    /// Run number n takes `takes(n)` seconds; notes when each begins and ends, and whether it was dropped.
    fn timed(&self, seconds: u64, takes: impl Fn(u32) -> u64 + Send + 'static) -> Periodic<u32> {
        let (clock, log) = (self.clock.clone(), Arc::clone(&self.log));
        let mut number = 0;
        let periodic = self.every(seconds).spawn(move |_cx| {
            number += 1;
            let (run, takes, clock, log) = (number, takes(number), clock.clone(), Arc::clone(&log));
            let note =
                move |what: &str| log.lock().unwrap().push(format!("{} {what} {run}", clock.elapsed().as_secs()));
            note("begin");
            async move {
                let cut = OnDrop::new({
                    let note = note.clone();
                    move || note("cut")
                });
                if takes > 0 {
                    sleep(Duration::from_secs(takes)).await;
                }
                std::mem::forget(cut);
                note("end");
                run
            }
        });
        self.settle();
        periodic.unwrap()
    }
}

#[test]
fn it_runs_at_once_and_then_from_start_to_start() {
    let world = World::new();
    let periodic = world.timed(10, |_| 3);
    assert_eq!(world.noted(), ["0 begin 1"]);
    assert!(periodic.latest().filter(|run| !run.is_done()).is_some() && periodic.latest_finished().is_none());
    world.pass(SECOND, 25);
    assert_eq!(world.noted(), ["3 end 1", "10 begin 2", "13 end 2", "20 begin 3", "23 end 3"]);
    assert_eq!((periodic.counts().runs, periodic.status()), (3, JobStatus::Active));
    assert!(periodic.latest().filter(|run| !run.is_done()).is_none());
    assert_eq!(periodic.latest_finished().unwrap().result().unwrap().ok(), Some(&3));
}

#[test]
fn never_early() {
    let world = World::new();
    let _periodic = world.timed(10, |_| 0);
    world.noted();
    world.pass(10 * SECOND - Duration::from_nanos(1), 1);
    assert!(world.noted().is_empty());
    world.pass(Duration::from_nanos(1), 1);
    assert_eq!(world.noted(), ["10 begin 2", "10 end 2"]);
}

#[test]
fn a_run_longer_than_the_interval_is_followed_at_once_by_one() {
    let world = World::new();
    let _periodic = world.timed(10, |run| if run == 1 { 34 } else { 0 });
    world.pass(SECOND, 50);
    // One, not three; and the interval counts from its start.
    assert_eq!(world.noted(), ["0 begin 1", "34 end 1", "34 begin 2", "34 end 2", "44 begin 3", "44 end 3"]);
}

#[test]
fn what_follows_at_once_lets_other_tasks_have_their_turn() {
    let world = World::new();
    let hog = Hog::reactor(world.rt.handle());
    let (log, clock) = (Arc::clone(&world.log), world.clock.clone());
    let mut number = 0;
    let periodic = world.every(10).spawn(move |_cx| {
        number += 1;
        log.lock().unwrap().push(format!("run {number}"));
        // Overruns without a suspension.
        if number < 4 {
            clock.advance(10 * SECOND);
        }
        async {}
    });
    let log = Arc::clone(&world.log);
    let other = world.rt.spawn(async move {
        for turn in 1..=4000 {
            log.lock().unwrap().push(format!("other {turn}"));
            common::yield_once().await;
        }
    });
    hog.release();
    common::settled(other);
    let noted = world.noted();
    let runs: Vec<_> = noted.iter().enumerate().filter(|(_, text)| text.starts_with("run")).map(|(at, _)| at).collect();
    assert_eq!(runs.len(), 4, "{noted:?}");
    assert!(runs.windows(2).all(|pair| pair[1] > pair[0] + 1), "others in between: {noted:?}");
    drop(periodic);
}

#[test]
fn a_jump_over_many_intervals_is_one_run() {
    let world = World::new();
    let periodic = world.timed(10, |_| 0);
    world.noted();
    world.pass(1005 * SECOND, 1);
    assert_eq!(world.noted(), ["1005 begin 2", "1005 end 2"]);
    world.pass(SECOND, 10);
    assert_eq!(world.noted(), ["1015 begin 3", "1015 end 3"]);
    assert_eq!(periodic.counts().runs, 3);
}

#[test]
fn an_error_stops_it_by_default() {
    let world = World::new();
    let mut number = 0;
    let periodic = world.every(10).run(move |_cx| {
        number += 1;
        async move { if number < 3 { Ok(number) } else { Err("offline") } }
    });
    let periodic = periodic.unwrap();
    world.settle();
    world.pass(SECOND, 19);
    assert!(world.errors().is_empty());
    world.rt.take_update();
    world.pass(SECOND, 1);
    assert!(world.rt.take_update());
    assert_eq!(periodic.status(), JobStatus::Failed);
    assert_eq!(format!("{:#}", periodic.latest_finished().unwrap().error().unwrap()), "task failed: offline");
    assert_eq!(periodic.latest_done().unwrap().result().unwrap().ok(), Some(&2));
    assert!(world.errors().is_empty(), "it was read");
    world.pass(10 * SECOND, 5);
    assert_eq!(periodic.counts().runs, 3);
    assert!(!periodic.run_now() && !periodic.pause() && !periodic.resume());
    // A start begins anew.
    assert!(periodic.start());
    world.settle();
    assert_eq!((periodic.counts().runs, periodic.status()), (4, JobStatus::Failed));
}

#[test]
fn told_to_go_on_it_goes_on_through_everything() {
    let world = World::new();
    let mut number = 0;
    let own = Arc::new(OnceLock::<Periodic<u32>>::new());
    let theirs = Arc::downgrade(&own);
    let periodic = world.every(10).on_error(ErrorPolicy::Ignore).run(move |_cx| {
        number += 1;
        assert!(number != 2, "planned in the closure");
        let (run, own) = (number, theirs.upgrade());
        async move {
            match run {
                1 => return Err("an error"),
                3 => panic!("planned in the future"),
                // Cancels itself.
                4 => assert!(own.unwrap().get().unwrap().latest().filter(|run| !run.is_done()).unwrap().cancel()),
                5 => {
                    assert!(own.unwrap().get().unwrap().latest().filter(|run| !run.is_done()).unwrap().cancel());
                    return Err("too late to count");
                }
                _ => return Ok(run),
            }
            std::future::pending().await
        }
    });
    own.set(periodic.unwrap()).ok().unwrap();
    let periodic = own.get().unwrap();
    let mut seen = Vec::new();
    for _ in 0..6 {
        world.settle();
        let latest = periodic.latest_finished().unwrap();
        seen.push(latest.error().map_or("well".to_owned(), |error| format!("{error:#}")));
        world.pass(10 * SECOND, 1);
    }
    assert_eq!(
        seen,
        [
            "task failed: an error",
            "task panicked: planned in the closure",
            "task panicked: planned in the future",
            "task was cancelled",
            "task was cancelled",
            "well"
        ]
    );
    assert_eq!(periodic.status(), JobStatus::Active);
    assert_eq!(world.errors(), [""; 0], "the policy deals with them");
}

#[test]
fn a_panic_and_a_cancellation_of_its_own_stop_it_by_default() {
    let world = World::new();
    let panics = world.every(10).spawn(|_cx| async { panic!("planned") }).unwrap();
    let waits = world.every(10).spawn(|_cx| std::future::pending::<()>()).unwrap();
    world.settle();
    assert_eq!(panics.status(), JobStatus::Failed);
    assert!(matches!(panics.latest_finished().unwrap().error(), Some(TaskError::Panicked(_))));
    assert!(waits.latest().filter(|run| !run.is_done()).unwrap().cancel());
    world.settle();
    assert_eq!(waits.status(), JobStatus::Failed);
    assert!(matches!(waits.latest_finished().unwrap().error(), Some(TaskError::Cancelled)));
    world.pass(10 * SECOND, 3);
    assert_eq!((panics.counts().runs, waits.counts().runs), (1, 1));
}

#[test]
fn a_run_out_of_its_turn_counts_as_a_start() {
    let world = World::new();
    let periodic = world.timed(10, |_| 0);
    world.pass(SECOND, 4);
    assert!(periodic.run_now());
    world.settle();
    world.pass(SECOND, 12);
    assert_eq!(
        world.noted(),
        ["0 begin 1", "0 end 1", "4 begin 2", "4 end 2", "14 begin 3", "14 end 3"],
        "ten seconds after the start of the second"
    );
}

#[test]
fn asked_for_during_a_run_one_more_follows() {
    let world = World::new();
    let periodic = world.timed(10, |_| 3);
    for _ in 0..5 {
        assert!(periodic.run_now());
        world.settle();
    }
    world.pass(SECOND, 9);
    assert_eq!(world.noted(), ["0 begin 1", "3 end 1", "3 begin 2", "6 end 2"]);
}

#[test]
fn a_pause_holds_runs_back_and_a_resume_makes_up_for_one() {
    let world = World::new();
    let periodic = world.timed(10, |_| 3);
    world.pass(SECOND, 1);
    assert!(periodic.pause() && !periodic.pause());
    assert_eq!(periodic.status(), JobStatus::Paused);
    world.pass(SECOND, 40);
    assert_eq!(world.noted(), ["0 begin 1", "3 end 1"], "the run that was under way went on");
    assert!(periodic.resume() && !periodic.resume());
    world.settle();
    assert_eq!(world.noted(), ["41 begin 2"]);
    // A pause within the interval changes nothing.
    world.pass(SECOND, 4);
    periodic.pause();
    world.pass(SECOND, 2);
    periodic.resume();
    world.pass(SECOND, 5);
    assert_eq!(world.noted(), ["44 end 2", "51 begin 3"]);
}

#[test]
fn in_a_pause_it_runs_when_it_is_asked() {
    let world = World::new();
    let periodic = world.timed(10, |_| 0);
    periodic.pause();
    world.pass(SECOND, 15);
    world.noted();
    assert!(periodic.run_now());
    world.settle();
    world.pass(SECOND, 15);
    assert_eq!(world.noted(), ["15 begin 2", "15 end 2"]);
    assert_eq!(periodic.status(), JobStatus::Paused);
}

#[test]
fn a_pause_does_not_hold_an_error_off() {
    let world = World::new();
    let gate = Gate::new();
    let theirs = gate.clone();
    let fails = world.every(10).run(move |_cx| {
        let gate = theirs.clone();
        async move {
            gate.passed().await;
            Err::<(), _>("offline")
        }
    });
    let fails = fails.unwrap();
    world.settle();
    fails.pause();
    gate.open();
    world.settle();
    assert_eq!(fails.status(), JobStatus::Failed);
    assert!(!fails.resume());
}

#[test]
fn a_start_begins_anew_and_a_cancellation_forgets() {
    let world = World::new();
    let periodic = world.timed(10, |_| 5);
    world.pass(SECOND, 2);
    assert!(periodic.start());
    world.settle();
    world.pass(SECOND, 6);
    assert_eq!(world.noted(), ["0 begin 1", "2 cut 1", "2 begin 2", "7 end 2"]);
    assert!(!periodic.cancel(), "no run was active");
    world.pass(SECOND, 30);
    assert_eq!(periodic.status(), JobStatus::Idle);
    assert!(
        world.noted().is_empty() && periodic.latest().filter(|run| !run.is_done()).is_none() && !periodic.run_now()
    );
    assert_eq!(periodic.latest_finished().unwrap().result().unwrap().ok(), Some(&2), "what it came to stays");
    // Paused and asked before a start: forgotten.
    periodic.start();
    periodic.run_now();
    periodic.pause();
    periodic.start();
    world.settle();
    assert_eq!(periodic.status(), JobStatus::Active);
    world.pass(SECOND, 11);
    let noted = world.noted();
    assert_eq!(noted.iter().filter(|text| text.contains("end")).count(), 1, "{noted:?}");
    assert_eq!(noted.last().unwrap().split(' ').take(2).collect::<Vec<_>>(), ["48", "begin"], "{noted:?}");
}

#[test]
fn dropped_it_cancels_its_run_and_waits_for_nothing() {
    let world = World::new();
    let periodic = world.timed(10, |_| 5);
    let run = periodic.latest().filter(|run| !run.is_done()).unwrap();
    let hog = Hog::reactor(world.rt.handle());
    drop(periodic);
    hog.release();
    world.settle();
    world.pass(SECOND, 30);
    assert_eq!(world.noted(), ["0 begin 1", "0 cut 1"]);
    assert_eq!(run.status(), Status::Cancelled);
    until(|| world.is_empty());
}

#[test]
fn controlled_and_dropped_from_inside_its_own_body() {
    let world = World::new();
    for what in ["drop", "cancel", "start", "pause", "run_now", "drop in the closure"] {
        let place = Arc::new(Mutex::new(None::<Periodic<()>>));
        let (drops, ran) = (Tally::new(), Tally::new());
        let mut number = 0;
        let (theirs, dropped, runs) = (Arc::clone(&place), Dropped::new(&drops), ran.clone());
        let act = move |run: u32| {
            let _body = &dropped;
            runs.note();
            let mut place = theirs.lock().unwrap();
            match (run, what) {
                (1, "drop" | "drop in the closure") => drop(place.take()),
                (1, "cancel") => assert!(place.as_ref().unwrap().cancel()),
                (1, "start") => assert!(place.as_ref().unwrap().start()),
                (1, "pause") => assert!(place.as_ref().unwrap().pause()),
                (1, "run_now") => assert!(place.as_ref().unwrap().run_now()),
                _ => {}
            }
        };
        let act = Arc::new(act);
        let hog = Hog::reactor(world.rt.handle());
        let periodic = world.every(10).spawn(move |_cx| {
            number += 1;
            let (run, act) = (number, Arc::clone(&act));
            if what == "drop in the closure" {
                act(run);
            }
            async move {
                if what != "drop in the closure" {
                    act(run);
                }
                if run == 1 && what != "pause" && what != "run_now" {
                    std::future::pending::<()>().await;
                }
            }
        });
        *place.lock().unwrap() = Some(periodic.unwrap());
        hog.release();
        world.settle();
        world.pass(9 * SECOND, 1);
        assert_eq!(ran.count(), if matches!(what, "start" | "run_now") { 2 } else { 1 }, "{what}");
        // With its owner the body goes, and with it what it holds.
        let left = place.lock().unwrap().take();
        drop(left);
        world.settle();
        assert_eq!(drops.count(), 1, "{what}");
        until(|| world.is_empty());
    }
}

#[test]
fn without_a_runtime_it_says_so_and_nothing_hangs() {
    let world = World::new();
    let periodic = world.timed(10, |_| 5);
    let World { rt, clock, log, .. } = world;
    let handle = rt.handle().clone();
    drop(rt);
    assert_eq!(periodic.status(), JobStatus::Stopped);
    assert!(!periodic.start() && !periodic.cancel() && !periodic.run_now() && !periodic.pause() && !periodic.resume());
    assert_eq!(*log.lock().unwrap(), ["0 begin 1", "0 cut 1"]);
    clock.advance(100 * SECOND);
    drop(periodic);
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let late = Periodic::every(&handle, SECOND).spawn(move |_cx| {
        let _held = &dropped;
        std::future::ready(())
    });
    assert_eq!(late.expect_err("no runtime"), offtick::ScheduleError::RuntimeGone);
    assert_eq!(drops.count(), 1, "the body is dropped with the builder");
}

#[test]
fn closures_that_block_run_on_the_pool_one_at_a_time() {
    let world = World::new();
    let (begun, gate) = (Tally::new(), Gate::new());
    let (theirs, door) = (begun.clone(), gate.clone());
    let periodic = world.every(10).run_blocking(move |cx| {
        theirs.note();
        door.pass();
        cx.check()?;
        Ok::<_, offtick::Cancelled>(std::thread::current().name().map(str::to_owned))
    });
    let periodic = periodic.unwrap();
    begun.wait_for(1);
    world.pass(10 * SECOND, 3);
    assert_eq!(begun.count(), 1, "never two at a time");
    gate.open();
    begun.wait_for(2);
    until(|| periodic.latest().filter(|run| !run.is_done()).is_none());
    let run = periodic.latest_done().unwrap();
    assert!(run.result().unwrap().unwrap().as_deref().unwrap().starts_with("offtick-blocking-"));
    let plain = world.every(10).spawn_blocking(|_cx| 7).unwrap();
    until(|| plain.latest_finished().is_some());
    assert!(world.errors().is_empty());
}

#[test]
fn the_update_flag_finds_the_result_in_its_place() {
    let world = World::new();
    let mut number = 0;
    let periodic = world
        .every(10)
        .spawn(move |_cx| {
            number += 1;
            std::future::ready(number)
        })
        .unwrap();
    for run in 1..=200 {
        until(|| world.rt.take_update());
        let latest = periodic.latest_finished().expect("the flag is up: there is one");
        assert_eq!(latest.result().unwrap().ok(), Some(&run));
        world.clock.advance(10 * SECOND);
    }
}

#[test]
fn lengths_that_are_none_are_refused() {
    let world = World::new();
    let error = Periodic::every(&world.rt, Duration::ZERO).spawn_blocking(|_cx| ()).expect_err("no interval");
    assert!(error.to_string().contains("longer than zero"), "{error}");
    until(|| world.is_empty());
    // One beyond the end of the clock runs once.
    let seldom = Periodic::every(&world.rt, Duration::MAX).spawn(|_cx| async {}).unwrap();
    world.pass(Duration::MAX, 2);
    assert_eq!((seldom.counts().runs, seldom.status()), (1, JobStatus::Active));
}

#[test]
fn many_triggers_keep_three_runs() {
    let world = World::new();
    let made = Arc::new(());
    let (theirs, clock) = (Arc::clone(&made), world.clock.clone());
    let periodic = Periodic::every(&world.rt, Duration::from_nanos(1)).spawn(move |_cx| {
        clock.advance(Duration::from_nanos(1));
        let made = Arc::clone(&theirs);
        async move { made }
    });
    let periodic = periodic.unwrap();
    until(|| periodic.counts().runs >= 100_000);
    assert!(Arc::strong_count(&made) <= 6, "{} results are kept", Arc::strong_count(&made));
    assert!(world.rt.metrics().alive <= 3);
    drop(periodic);
    until(|| Arc::strong_count(&made) == 1 && world.rt.metrics().alive == 0);
    assert!(world.rt.shutdown(HANG).is_clean());
}

#[test]
fn owners_may_go_anywhere() {
    fn anywhere<T: Send + Sync + Unpin + std::fmt::Debug + 'static>() {}
    anywhere::<Periodic<String>>();
    anywhere::<offtick::toolkit::Repeat<String>>();
    anywhere::<Background<String>>();
    anywhere::<PeriodicBuilder>();
    anywhere::<offtick::toolkit::BackgroundBuilder>();
    #[cfg(feature = "cron")]
    anywhere::<offtick::toolkit::OnTime<String>>();
}

#[test]
fn on_a_runtime_without_a_thread_it_runs_in_its_ticks() {
    let clock = Clock::manual();
    let rt = LocalBuilder::new().clock(clock.clone()).build().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let (theirs, time) = (Arc::clone(&log), clock.clone());
    let periodic = Periodic::every(rt.handle(), 10 * SECOND).spawn(move |_cx| {
        theirs.lock().unwrap().push(time.elapsed().as_secs());
        async {}
    });
    let periodic = periodic.unwrap();
    assert_eq!(periodic.counts().runs, 0);
    rt.tick(Budget::unlimited()).unwrap();
    // Time is walked from deadline to deadline.
    rt.advance(45 * SECOND, Budget::unlimited()).unwrap();
    assert_eq!(*log.lock().unwrap(), [0, 10, 20, 30, 40]);
    periodic.run_now();
    rt.tick(Budget::unlimited()).unwrap();
    rt.advance(9 * SECOND, Budget::unlimited()).unwrap();
    assert_eq!(log.lock().unwrap().len(), 6);
    let background = Background::on(rt.handle()).spawn(|_cx| async { 7 }).unwrap();
    background.start();
    rt.tick(Budget::unlimited()).unwrap();
    assert_eq!(background.latest_done().unwrap().result().unwrap().ok(), Some(&7));
    drop(rt);
    assert_eq!(periodic.status(), JobStatus::Stopped);
    assert!(!periodic.start());
    assert!(!background.start());
}

#[cfg(all(unix, feature = "signal"))]
#[test]
fn a_failed_refresh_is_no_reason_to_stop_the_program_unless_it_stops_the_refresh() {
    use offtick::signal::{Cause, SIGUSR2, Shutdown};
    let shutdown = Shutdown::builder().signals([SIGUSR2]).install().unwrap();
    let rt = shutdown.attach(Builder::new()).build().unwrap();
    let refresh = |policy| {
        let mut number = 0;
        Periodic::every(&rt, Duration::from_secs(3600)).on_error(policy).run(move |_cx| {
            number += 1;
            async move { if number % 2 == 0 { Ok(number) } else { Err("offline") } }
        })
    };
    let goes_on = refresh(ErrorPolicy::Ignore).unwrap();
    until(|| goes_on.latest_finished().is_some());
    goes_on.run_now();
    until(|| goes_on.latest_done().is_some());
    drop(goes_on);
    assert!(!shutdown.requested());
    let stops = refresh(ErrorPolicy::Stop).unwrap();
    until(|| stops.status() == JobStatus::Failed);
    // Its run goes with it, and nobody has read the error.
    drop(stops);
    until(|| shutdown.requested());
    assert!(matches!(shutdown.handle().cause(), Some(Cause::Unhandled)));
}
