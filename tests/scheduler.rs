//! Jobs under clocks that only the test moves: every option, every policy, and what must not stop a schedule.
#![cfg(feature = "toolkit")]

mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{HANG, Hog, PLANNED, Tally, quiet_planned_panics, reactor_thread, until};
use gate::Gate;
use offtick::schedule::Period;
use offtick::scheduler::{JobBuilder, JobStatus};
use offtick::time::{Clock, ManualClock, ManualWallClock, WallClock, sleep};
use offtick::{Builder, Job, Overlap, RetryPolicy, Runtime, ScheduleError, Scheduler, Status, TaskManager};
use std::future::pending;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A scheduler whose clocks are moved by hand, and together unless the wall clock is set.
struct World {
    rt: Runtime,
    clock: ManualClock,
    wall: ManualWallClock,
    scheduler: Scheduler,
    began: std::time::Instant,
    log: Sender<String>,
    logged: Receiver<String>,
}

impl World {
    fn new() -> Self {
        Self::at(UNIX_EPOCH + 1000 * HOUR)
    }

    fn at(start: impl Into<SystemTime>) -> Self {
        quiet_planned_panics();
        let clock = Clock::manual();
        let wall = WallClock::paced_by(clock.clone(), start);
        let rt = Builder::new().clock(clock.clone()).blocking_threads(4).build().unwrap();
        let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall.clone());
        let (log, logged) = channel();
        let began = clock.now();
        Self { rt, clock, wall, scheduler, began, log, logged }
    }

    /// After this the driver has seen both clocks as they are, and what it submitted to the reactor has run.
    fn settle(&self) {
        for _ in 0..6 {
            reactor_thread(self.rt.handle());
        }
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.settle();
    }

    /// In steps of a second, as time does.
    fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.advance(SECOND);
        }
    }

    /// What was noted since the last look.
    fn noted(&self) -> Vec<String> {
        self.settle();
        self.logged.try_iter().collect()
    }

    /// Adds a job that notes the second at which each run begins.
    fn note<S>(&self, builder: JobBuilder<S>) -> Result<Job, ScheduleError>
    where
        JobBuilder<S>: Verbs,
    {
        let (clock, began, log) = (self.clock.clone(), self.began, self.log.clone());
        builder.note(Box::new(move || {
            let at = clock.now() - began;
            log.send(format!("{}", at.as_secs_f64())).ok();
        }))
    }
}

type Note = Box<dyn FnMut() + Send>;

/// The builders of all sources, for helpers.
trait Verbs {
    fn note(self, note: Note) -> Result<Job, ScheduleError>;
}

macro_rules! verbs {
    ($($source:path),*) => {$(
        impl Verbs for JobBuilder<$source> {
            fn note(self, mut note: Note) -> Result<Job, ScheduleError> {
                self.spawn(move |_cx| {
                    note();
                    async {}
                })
            }
        }
    )*};
}

verbs!(offtick::scheduler::Every);
#[cfg(feature = "cron")]
verbs!(offtick::scheduler::Calendar, offtick::scheduler::At);

// Intervals

#[test]
fn an_interval_runs_on_its_grid_from_one_period_on() {
    let world = World::new();
    let job = world.note(world.scheduler.every(10 * SECOND)).unwrap();
    assert_eq!(job.next_run_at(), Some(WallClock::from(world.wall.clone()).now() + 10 * SECOND));
    world.advance(10 * SECOND - NANO);
    assert!(world.noted().is_empty());
    world.advance(NANO);
    assert_eq!(world.noted(), ["10"]);
    // Late by less than the grace: the grid does not move.
    world.advance(10 * SECOND + SECOND / 2);
    world.advance(9 * SECOND + SECOND / 2);
    assert_eq!(world.noted(), ["20.5", "30"]);
    assert_eq!(job.counts().runs, 3);
}

#[test]
fn now_runs_at_once_and_keeps_the_grid() {
    let world = World::new();
    world.note(world.scheduler.every(4 * SECOND).now()).unwrap();
    world.settle();
    world.pass(9);
    assert_eq!(world.noted(), ["0", "4", "8"]);
}

#[test]
fn an_interval_does_not_look_at_the_wall() {
    let world = World::new();
    let job = world.note(world.scheduler.every(10 * SECOND)).unwrap();
    world.wall.step(24 * HOUR);
    world.pass(10);
    world.wall.step_back(100_000 * HOUR);
    world.pass(10);
    assert_eq!(world.noted(), ["10", "20"]);
    assert_eq!(job.counts().missed, 0);
}

#[test]
fn lengths_that_are_no_interval_are_typed_errors() {
    let world = World::new();
    assert!(matches!(world.note(world.scheduler.every(Duration::ZERO)), Err(ScheduleError::Period(_))));
    assert!(world.scheduler.is_empty());
    let period = Period::try_from(2 * SECOND).unwrap();
    assert_eq!(world.note(world.scheduler.every(period)).unwrap().trigger(), "every 2s");
}

#[test]
fn extreme_lengths_neither_panic_nor_hold_the_reactor() {
    let world = World::new();
    let longest = world.note(world.scheduler.every(Duration::MAX)).unwrap();
    let shortest = world.scheduler.every(NANO).spawn(|_cx| async {}).unwrap();
    world.advance(HOUR);
    world.advance(1_000_000 * HOUR);
    assert_eq!(longest.counts().runs, 0);
    assert_eq!(longest.next_run_at(), None, "no clock shows that");
    let counts = shortest.counts();
    assert!(counts.runs >= 1 && counts.coalesced > 1_000_000_000, "{counts:?}");
    let far = world.scheduler.every(SECOND).now().jitter(Duration::MAX).misfire_grace(Duration::MAX);
    let far = far.timeout(Duration::MAX).spawn(|_cx| async {}).unwrap();
    world.clock.step(Duration::MAX);
    world.settle();
    assert_eq!((far.counts().runs, far.status()), (1, JobStatus::Active), "no delay beyond the next slot");
    assert_eq!(longest.status(), JobStatus::Active);
}

// Late slots

#[test]
fn a_driver_that_is_late_misses_nothing() {
    let world = World::new();
    let missed = world.log.clone();
    let every = world.scheduler.every(10 * SECOND).misfire_grace(SECOND);
    let job = world.note(every.on_missed(move |event| drop(missed.send(format!("{} missed", event.slots()))))).unwrap();
    // A host that ticks every few seconds, one that was held for a minute.
    for late in [11, 4, 60, 5] {
        world.advance(late * SECOND);
    }
    assert_eq!(world.noted(), ["11", "75", "80"]);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.missed, counts.coalesced), (3, 0, 5));
}

#[test]
fn several_slots_within_the_grace_are_one_run() {
    let world = World::new();
    let log = world.log.clone();
    let job = world
        .note(
            world
                .scheduler
                .every(10 * SECOND)
                .misfire_grace(None)
                .on_run(move |event| drop(log.send(format!("for {}", event.slots())))),
        )
        .unwrap();
    world.advance(95 * SECOND);
    let mut noted = world.noted();
    noted.sort_unstable();
    assert_eq!(noted, ["95", "for 9"]);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.missed, counts.coalesced), (1, 0, 8));
}

#[test]
fn without_coalescing_each_slot_runs_within_a_bound() {
    let world = World::new();
    for overlap in [Overlap::Allow, Overlap::Skip, Overlap::Queue] {
        let every = world.scheduler.every(SECOND).coalesce(false).overlap(overlap);
        let job = world.note(every).unwrap();
        world.advance(10 * SECOND);
        until(|| job.counts().runs == 10 && job.counts().running == 0);
        assert_eq!((world.noted().len(), job.counts().missed, job.counts().overlapped), (10, 0, 0), "{overlap:?}");
        assert!(job.remove());
    }

    let every = world.scheduler.every(SECOND).misfire_grace(None).coalesce(false).overlap(Overlap::Queue);
    let job = every.spawn(|_cx| async {}).unwrap();
    world.advance(1500 * SECOND);
    until(|| job.counts().runs == 1000 && job.counts().running == 0);
    assert_eq!((job.counts().missed, job.counts().overlapped), (500, 0));
}

// Overlap

/// A job whose runs wait until they are let go, one by one.
fn held(
    world: &World,
    overlap: Overlap,
    instances: Option<usize>,
) -> (Job, std::sync::Arc<std::sync::Mutex<Vec<Gate>>>) {
    let gates = std::sync::Arc::<std::sync::Mutex<Vec<Gate>>>::default();
    let (theirs, log) = (std::sync::Arc::clone(&gates), world.log.clone());
    let overlapped = world.log.clone();
    let mut number = 0;
    let mut every = world
        .scheduler
        .every(10 * SECOND)
        .overlap(overlap)
        .on_overlapped(move |_event| drop(overlapped.send("overlapped".to_owned())));
    if let Some(instances) = instances {
        every = every.max_instances(instances);
    }
    let job = every
        .spawn(move |_cx| {
            number += 1;
            let (gate, log, run) = (Gate::new(), log.clone(), number);
            theirs.lock().unwrap().push(gate.clone());
            async move {
                log.send(format!("{run} begins")).ok();
                gate.passed().await;
                log.send(format!("{run} ends")).ok();
                run
            }
        })
        .unwrap();
    (job, gates)
}

fn let_go(gates: &std::sync::Mutex<Vec<Gate>>, run: usize) {
    gates.lock().unwrap()[run - 1].open();
}

#[test]
fn skip_gives_up_what_overlaps() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Skip, None);
    for _ in 0..3 {
        world.advance(10 * SECOND);
    }
    assert_eq!(world.noted(), ["1 begins", "overlapped", "overlapped"]);
    let_go(&gates, 1);
    assert_eq!(world.noted(), ["1 ends"]);
    world.advance(10 * SECOND);
    assert_eq!(world.noted(), ["2 begins"]);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.overlapped, counts.running), (2, 2, 1));
}

#[test]
fn skip_with_more_instances() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Skip, Some(2));
    for _ in 0..3 {
        world.advance(10 * SECOND);
    }
    assert_eq!(world.noted(), ["1 begins", "2 begins", "overlapped"]);
    let_go(&gates, 2);
    world.settle();
    world.advance(10 * SECOND);
    assert_eq!(world.noted(), ["2 ends", "3 begins"]);
    assert_eq!(job.counts().running, 2);
}

#[test]
fn queue_waits_for_its_turn() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Queue, None);
    for _ in 0..3 {
        world.advance(10 * SECOND);
    }
    assert_eq!(world.noted(), ["1 begins"]);
    assert_eq!(job.counts().queued, 2);
    let_go(&gates, 1);
    assert_eq!(world.noted(), ["1 ends", "2 begins"]);
    let_go(&gates, 2);
    assert_eq!(world.noted(), ["2 ends", "3 begins"]);
    assert_eq!((job.counts().queued, job.counts().overlapped), (0, 0));
}

#[test]
fn the_queue_of_a_job_that_never_ends_is_bounded() {
    let world = World::new();
    let every = world.scheduler.every(SECOND).misfire_grace(None).coalesce(false).overlap(Overlap::Queue);
    let job = every.spawn(|_cx| pending::<()>()).unwrap();
    for _ in 0..3 {
        world.advance(400 * SECOND);
    }
    let counts = job.counts();
    assert_eq!((counts.runs, counts.queued, counts.overlapped), (1, 1000, 199));
}

#[test]
fn allow_runs_side_by_side_up_to_a_number() {
    let world = World::new();
    let (job, _gates) = held(&world, Overlap::Allow, None);
    let (limited, _others) = held(&world, Overlap::Allow, Some(3));
    for _ in 0..5 {
        world.advance(10 * SECOND);
    }
    assert_eq!((job.counts().running, job.counts().overlapped), (5, 0));
    assert_eq!((limited.counts().running, limited.counts().overlapped), (3, 2));
}

#[test]
fn cancel_previous_makes_room() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::CancelPrevious, None);
    world.advance(10 * SECOND);
    let first = job.latest::<i32>().unwrap().unwrap();
    world.advance(10 * SECOND);
    assert_eq!(world.noted(), ["1 begins", "2 begins"]);
    assert_eq!(first.status(), Status::Cancelled);
    let_go(&gates, 2);
    assert_eq!(world.noted(), ["2 ends"]);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.running, counts.failed, counts.overlapped), (2, 0, 0, 0));

    let (two, _gates) = held(&world, Overlap::CancelPrevious, Some(2));
    for _ in 0..4 {
        world.advance(10 * SECOND);
    }
    assert_eq!((two.counts().runs, two.counts().running), (4, 2));
}

#[test]
fn a_closure_is_told_to_make_room() {
    let world = World::new();
    let (told, begun) = (Tally::new(), Tally::new());
    let (tell, begins) = (told.clone(), begun.clone());
    let job = world
        .scheduler
        .every(10 * SECOND)
        .overlap(Overlap::CancelPrevious)
        .run_blocking(move |cx| -> Result<(), offtick::Cancelled> {
            begins.note();
            while !cx.is_cancelled() {
                std::thread::yield_now();
            }
            tell.note();
            cx.check()
        })
        .unwrap();
    world.advance(10 * SECOND);
    begun.wait_for(1);
    world.advance(10 * SECOND);
    told.wait_for(1);
    begun.wait_for(2);
    assert_eq!(job.cancel_runs(), 1);
    told.wait_for(2);
}

// Failures

#[test]
fn failures_and_panics_never_stop_a_schedule() {
    let world = World::new();
    let mut number = 0;
    let job = world
        .scheduler
        .every(SECOND)
        .on_run(|_event| panic!("{PLANNED}: a hook"))
        .run(move |_cx| {
            number += 1;
            let run = number;
            assert!(run != 2, "{PLANNED}: before the future");
            async move {
                match run {
                    1 => Err("it failed"),
                    3 => panic!("{PLANNED}: inside the future"),
                    _ => Ok(run),
                }
            }
        })
        .unwrap();
    world.pass(4);
    assert_eq!((job.counts().runs, job.counts().failed), (4, 3));
    assert_eq!(job.latest::<i32>().unwrap().unwrap().wait().ok(), Some(&4));

    let blocking = world.scheduler.every(SECOND).spawn_blocking(|_cx| panic!("{PLANNED}: a closure")).unwrap();
    for run in 1..=3 {
        world.pass(1);
        until(|| blocking.counts().failed == run && blocking.counts().running == 0);
    }
}

#[test]
fn hooks_that_panic_cost_their_own_call() {
    let world = World::new();
    let every = world
        .scheduler
        .every(10 * SECOND)
        .coalesce(false)
        .on_missed(|_event| panic!("{PLANNED}: missed"))
        .on_overlapped(|_event| panic!("{PLANNED}: overlapped"));
    let job = every.spawn(|_cx| pending::<()>()).unwrap();
    world.advance(10_050 * SECOND);
    until(|| job.counts().missed > 0);
    world.advance(10 * SECOND);
    world.advance(10 * SECOND);
    let counts = job.counts();
    assert_eq!((counts.missed, counts.runs, counts.queued, counts.overlapped), (5, 1, 999, 2));
    assert_eq!(job.status(), JobStatus::Active);
}

#[test]
fn a_time_limit_holds_for_each_run() {
    let world = World::new();
    let job = world.scheduler.every(10 * SECOND).timeout(3 * SECOND).spawn(|_cx| pending::<()>()).unwrap();
    world.pass(24);
    assert_eq!((job.counts().runs, job.counts().failed, job.counts().overlapped), (2, 2, 0));
}

#[test]
fn the_tries_of_a_run_are_one_run() {
    let world = World::new();
    let policy = RetryPolicy::fixed(3 * SECOND).max_attempts(3);
    let log = world.log.clone();
    let job = world
        .scheduler
        .every(10 * SECOND)
        .retry(policy.clone())
        .run(move |cx| {
            log.send(format!("try {}", cx.attempt())).ok();
            async move { if cx.attempt() < 3 { Err("not yet") } else { Ok(cx.attempt()) } }
        })
        .unwrap();
    let failing = world.scheduler.every(HOUR).now().retry(policy).run_blocking(|_cx| Err::<(), _>("never")).unwrap();
    world.pass(13);
    assert_eq!(world.noted(), ["try 1", "try 2"]);
    assert_eq!((job.counts().runs, job.counts().running), (1, 1));
    let run = job.latest::<u32>().unwrap().unwrap();
    assert_eq!((run.attempt(), run.next_attempt_at().is_some()), (2, true));
    until(|| {
        world.pass(1);
        failing.counts().failed == 1 && run.is_done()
    });
    assert_eq!(run.wait().ok(), Some(&3));
    assert_eq!((job.counts().failed, failing.counts().runs), (0, 1));
    job.remove();

    // A wait holds up the schedule no more than a run does, and ends with the job's runs.
    let waiting = world.scheduler.every(SECOND).retry(RetryPolicy::fixed(HOUR).max_attempts(2));
    let waiting = waiting.run(|_cx| async { Err::<(), _>("refused") }).unwrap();
    world.pass(3);
    assert_eq!((waiting.counts().running, waiting.counts().overlapped), (1, 2));
    assert_eq!(waiting.cancel_runs(), 1);
    world.pass(1);
    assert_eq!(waiting.counts().runs, 2);

    let wrong = world.scheduler.every(SECOND).retry(RetryPolicy::none().max_attempts(0));
    let error = wrong.run(|_cx| async { Err::<(), _>("never made") }).unwrap_err();
    assert!(matches!(error, ScheduleError::Invalid(_)), "{error}");
}

#[test]
fn futures_need_not_be_send_and_bodies_keep_state() {
    let world = World::new();
    let mut seen = Vec::new();
    let job = world
        .scheduler
        .every(SECOND)
        .spawn(move |cx| {
            seen.push(cx.name().map(str::to_owned));
            let local = std::rc::Rc::new(seen.len());
            async move {
                sleep(NANO).await;
                *local
            }
        })
        .unwrap();
    world.pass(3);
    world.advance(NANO);
    assert_eq!(job.latest::<usize>().unwrap().unwrap().wait().ok(), Some(&3));
}

// Ends

#[test]
fn a_job_is_over_after_its_last_run() {
    let world = World::new();
    let job = world.note(world.scheduler.every(SECOND).max_runs(2)).unwrap();
    world.pass(5);
    assert_eq!(world.noted(), ["1", "2"]);
    assert_eq!((job.status(), job.next_run_at()), (JobStatus::Finished, None));
    assert!(!job.run_now() && !job.pause() && !job.resume() && !job.remove());
    assert!(world.scheduler.get(job.id()).is_none() && world.scheduler.is_empty());
    assert!(job.latest::<()>().unwrap().is_some(), "the handle still knows");
    assert!(world.scheduler.latest::<()>(job.id()).unwrap().is_some(), "and so does the manager");
}

#[test]
fn zero_runs_and_zero_instances_are_errors() {
    let world = World::new();
    for (builder, setting) in [
        (world.scheduler.every(SECOND).max_runs(0), "max_runs"),
        (world.scheduler.every(SECOND).max_instances(0), "max_instances"),
    ] {
        let error = world.note(builder).unwrap_err();
        assert!(error.to_string().starts_with(setting), "{error}");
    }
}

#[test]
fn start_and_end_of_an_interval() {
    let world = World::new();
    let now = world.wall.now();
    let job = world.note(world.scheduler.every(10 * SECOND).start(now + 25 * SECOND).end(now + 50 * SECOND)).unwrap();
    assert_eq!(job.next_run_at(), Some(now + 25 * SECOND));
    world.pass(70);
    assert_eq!(world.noted(), ["35", "45"]);
    assert_eq!(job.status(), JobStatus::Finished);
    let never = world.note(world.scheduler.every(10 * SECOND).end(now));
    assert!(matches!(never, Err(ScheduleError::NeverFires { .. })));
    let backwards = world.note(world.scheduler.every(SECOND).start(now + 900 * SECOND).end(now + 800 * SECOND));
    assert!(matches!(backwards, Err(ScheduleError::NeverFires { .. })));
}

#[test]
fn jitter_delays_within_its_bound_and_is_repeatable() {
    let trace = |seed| {
        let world = World::new();
        let every = world.scheduler.every(10 * SECOND).jitter(4 * SECOND).seed(seed).misfire_grace(None);
        world.note(every).unwrap();
        for _ in 0..400 {
            world.advance(SECOND / 4);
        }
        world.noted()
    };
    let one = trace(7);
    assert_eq!(one, trace(7));
    assert_ne!(one, trace(8));
    assert!((9..=10).contains(&one.len()), "{one:?}");
    for (n, at) in (1..).zip(&one) {
        let late = at.parse::<f64>().unwrap() - 10.0 * f64::from(n);
        assert!((0.0..=4.25).contains(&late), "run {n} at {at}");
    }
}

// Handles

#[test]
fn pause_leaves_out_what_it_covers_and_keeps_the_phase() {
    let world = World::new();
    let job = world.note(world.scheduler.every(10 * SECOND)).unwrap();
    world.advance(10 * SECOND);
    assert!(job.pause() && !job.pause());
    assert_eq!((job.status(), job.next_run_at()), (JobStatus::Paused, None));
    world.advance(35 * SECOND);
    assert!(job.run_now(), "on request it runs all the same");
    world.settle();
    assert!(job.resume() && !job.resume());
    world.advance(5 * SECOND);
    assert_eq!(world.noted(), ["10", "45", "50"]);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.missed), (3, 0));
}

#[test]
fn run_now_obeys_the_policy_and_moves_nothing() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Skip, None);
    world.advance(3 * SECOND);
    let hog = Hog::reactor(world.rt.handle());
    assert!(job.run_now() && job.run_now());
    hog.release();
    assert_eq!(world.noted(), ["overlapped", "1 begins"], "both asked before one could be over");
    let_go(&gates, 1);
    world.settle();
    world.advance(7 * SECOND);
    assert_eq!(world.noted(), ["1 ends", "2 begins"], "at ten seconds");
}

#[test]
fn removed_while_running_the_run_goes_on() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Skip, None);
    world.advance(10 * SECOND);
    let run = job.latest::<i32>().unwrap().unwrap();
    assert!(job.remove() && !job.remove());
    assert_eq!((job.status(), run.status()), (JobStatus::Removed, Status::Running));
    world.advance(10 * SECOND);
    let_go(&gates, 1);
    assert_eq!(world.noted(), ["1 begins", "1 ends"]);
    assert_eq!(job.latest_finished::<i32>().unwrap().unwrap().wait().ok(), Some(&1));
    assert_eq!(job.counts().running, 0);
}

#[test]
fn a_dropped_handle_removes_nothing() {
    let world = World::new();
    drop(world.note(world.scheduler.every(SECOND).id("kept")));
    world.pass(1);
    assert_eq!(world.noted(), ["1"]);
    assert_eq!(world.scheduler.list().iter().map(Job::id).collect::<Vec<_>>(), ["kept"]);
    assert!(world.scheduler.remove("kept") && !world.scheduler.remove("kept"));
    world.pass(2);
    assert!(world.noted().is_empty());
}

#[test]
fn ids_are_generated_replaced_or_in_conflict() {
    let world = World::new();
    let every = || world.scheduler.every(SECOND);
    let taken = world.note(every().id("job-2")).unwrap();
    let generated: Vec<_> = (0..2).map(|_| world.note(every()).unwrap().id().to_owned()).collect();
    assert_eq!(generated, ["job-1", "job-3"]);
    let error = world.note(every().id("job-2").replace_existing(false)).unwrap_err();
    assert_eq!(error, ScheduleError::Duplicate { id: "job-2".to_owned() });
    assert_eq!(taken.status(), JobStatus::Active);
    world.pass(1);
    let new = world.note(every().id("job-2")).unwrap();
    assert_eq!((taken.status(), taken.counts().runs), (JobStatus::Removed, 1));
    assert_eq!((new.counts().runs, world.scheduler.len()), (0, 3));
    assert!(world.scheduler.latest::<()>("job-2").unwrap().is_none(), "the new job has not run yet");
    world.pass(1);
    assert_eq!((taken.counts().runs, new.counts().runs), (1, 1));
}

#[test]
fn latest_is_absent_then_the_newest() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Allow, None);
    let (scheduler, id) = (&world.scheduler, job.id());
    assert!(scheduler.latest::<i32>(id).unwrap().is_none() && scheduler.latest_finished::<i32>(id).unwrap().is_none());
    assert!(scheduler.latest::<i32>("unknown").unwrap().is_none());
    for _ in 0..2 {
        world.advance(10 * SECOND);
    }
    let newest = scheduler.latest::<i32>(id).unwrap().unwrap();
    assert_eq!(newest.status(), Status::Running);
    assert_eq!(newest.name(), Some(id));
    assert!(job.latest_finished::<i32>().unwrap().is_none());
    let_go(&gates, 2);
    world.settle();
    let_go(&gates, 1);
    world.settle();
    assert_eq!(
        scheduler.latest_finished::<i32>(id).unwrap().unwrap().wait().ok(),
        Some(&2),
        "the newest, not the last to end"
    );
    let aliased = scheduler.manager().get_alias::<i32>(&format!("latest:{id}")).unwrap().unwrap();
    assert_eq!(aliased.id(), newest.id());
    let finished = scheduler.manager().get_alias::<i32>(&format!("finished:{id}")).unwrap().unwrap();
    assert_eq!(finished.id(), newest.id());
    assert!(job.latest::<String>().is_err());
}

#[test]
fn a_job_keeps_its_newest_run_whatever_the_manager_forgets() {
    let world = World::new();
    let manager = TaskManager::with_max_completed(&world.rt, 0);
    let scheduler = Scheduler::with_wall_clock(&manager, world.wall.clone());
    let job = scheduler.every(SECOND).spawn(|_cx| async { 5 }).unwrap();
    world.pass(2);
    manager.cleanup();
    assert!(manager.is_empty());
    assert_eq!(job.latest::<i32>().unwrap().unwrap().wait().ok(), Some(&5));
    assert!(scheduler.latest_finished::<i32>(job.id()).unwrap().is_some());
}

#[test]
fn a_thousand_jobs() {
    let world = World::new();
    let jobs: Vec<_> = (1..=1000)
        .map(|n| {
            world
                .scheduler
                .every(Duration::from_millis(n))
                .misfire_grace(None)
                .spawn(move |_cx| async move { n })
                .unwrap()
        })
        .collect();
    world.advance(1001 * Duration::from_millis(1));
    until(|| jobs.iter().all(|job| job.counts().runs == 1 && job.counts().running == 0));
    for (n, job) in (1..).zip(&jobs) {
        assert_eq!(job.counts().coalesced, 1001 / n - 1);
    }
    assert_eq!(world.scheduler.len(), 1000);
    assert_eq!(world.rt.metrics().timers, 1, "one timer for all of them");
    assert_eq!(world.scheduler.shutdown(HANG).jobs, 1000);
}

// Ends of the scheduler

#[test]
fn shutdown_waits_for_what_runs_and_refuses_what_comes() {
    let world = World::new();
    let (job, gates) = held(&world, Overlap::Queue, None);
    for _ in 0..2 {
        world.advance(10 * SECOND);
    }
    let report = world.scheduler.shutdown(Duration::ZERO);
    assert_eq!((report.jobs, report.queued, report.running, report.is_clean()), (1, 1, 1, false));
    assert!(world.scheduler.is_closed());
    assert_eq!(job.status(), JobStatus::Stopped);
    assert_eq!(world.note(world.scheduler.every(SECOND)).unwrap_err(), ScheduleError::ShutDown);
    assert!(!job.run_now());
    let again = world.scheduler.shutdown(Duration::from_millis(1));
    assert_eq!((again.jobs, again.running), (0, 1), "the deadline holds");
    let waiter = std::thread::spawn({
        let scheduler = world.scheduler.clone();
        move || scheduler.shutdown(Duration::MAX)
    });
    let_go(&gates, 1);
    assert!(waiter.join().unwrap().is_clean());
    world.advance(10 * SECOND);
    assert_eq!(world.noted(), ["1 begins", "1 ends"], "what was queued is given up");
}

#[test]
fn shutdown_inside_of_a_run_or_a_hook_waits_for_nothing() {
    let world = World::new();
    let scheduler = world.scheduler.clone();
    let job = world
        .scheduler
        .every(SECOND)
        .spawn_blocking(move |_cx| {
            let report = scheduler.shutdown(Duration::MAX);
            (report.jobs, report.running)
        })
        .unwrap();
    world.pass(1);
    let task = job.latest::<(usize, usize)>().unwrap().unwrap();
    assert_eq!(task.wait_timeout(HANG).unwrap().ok(), Some(&(1, 1)));

    let world = World::new();
    let (scheduler, (tell, told)) = (world.scheduler.clone(), channel());
    let every = world.scheduler.every(SECOND).on_run(move |_event| {
        tell.send(scheduler.shutdown(Duration::MAX).running).ok();
    });
    every.spawn(|_cx| pending::<()>()).unwrap();
    world.pass(1);
    assert_eq!(told.recv_timeout(HANG).unwrap(), 1);
}

#[test]
fn the_last_clone_shuts_down_and_runs_go_on() {
    let world = World::new();
    let manager = TaskManager::new(&world.rt);
    let scheduler = Scheduler::new(&manager);
    let gate = Gate::new();
    let theirs = gate.clone();
    let job = scheduler
        .every(SECOND)
        .spawn(move |_cx| {
            let gate = theirs.clone();
            async move { gate.passed().await }
        })
        .unwrap();
    world.pass(1);
    drop(scheduler);
    assert_eq!(job.status(), JobStatus::Stopped);
    let run = job.latest::<()>().unwrap().unwrap();
    gate.open();
    assert!(run.wait_timeout(HANG).unwrap().is_ok());
    until(|| job.counts().running == 0);
    assert!(!job.resume());
}

#[test]
fn a_runtime_that_is_gone_ends_the_scheduler() {
    let world = World::new();
    let job = world.scheduler.every(SECOND).spawn(|_cx| pending::<()>()).unwrap();
    world.pass(1);
    assert!(world.rt.shutdown(HANG).is_clean());
    assert_eq!(job.status(), JobStatus::Stopped);
    assert_eq!(job.latest::<()>().unwrap().unwrap().status(), Status::Cancelled);
    assert!(!job.run_now());
    let error = world.scheduler.every(SECOND).spawn(|_cx| async {}).unwrap_err();
    assert_eq!(error, ScheduleError::RuntimeGone);
    assert!(world.scheduler.shutdown(Duration::MAX).is_clean(), "nothing is left to wait for");

    let late = Scheduler::new(world.scheduler.manager());
    assert_eq!(late.every(SECOND).spawn(|_cx| async {}).unwrap_err(), ScheduleError::RuntimeGone);
}

#[test]
fn a_job_is_freed_when_it_goes() {
    let world = World::new();
    let drops = Tally::new();
    let kept = common::Dropped::new(&drops);
    let job = world
        .scheduler
        .every(SECOND)
        .spawn(move |_cx| {
            let _kept = &kept;
            async {}
        })
        .unwrap();
    world.pass(2);
    job.remove();
    world.settle();
    assert_eq!(drops.count(), 1);
}

#[test]
fn handles_never_wait_for_the_reactor() {
    let world = World::new();
    let job = world.note(world.scheduler.every(SECOND)).unwrap();
    let hog = Hog::reactor(world.rt.handle());
    assert!(job.run_now() && job.pause() && job.resume());
    assert_eq!((job.counts().runs, job.status()), (0, JobStatus::Active));
    assert!(job.next_run_at().is_some());
    hog.release();
    until(|| job.counts().runs == 1);
}

#[test]
fn the_process_wide_scheduler_is_one() {
    let scheduler = offtick::scheduler().unwrap();
    let job =
        scheduler.every(Duration::from_millis(1)).misfire_grace(None).max_runs(3).spawn(|_cx| async { 1 }).unwrap();
    until(|| job.counts().runs == 3);
    let _kept = scheduler.every(Duration::from_secs(3600)).id("kept").spawn(|_cx| async {}).unwrap();
    assert!(offtick::scheduler().unwrap().get("kept").is_some());
}

#[test]
fn everything_may_cross_threads() {
    fn shared<T: Clone + Send + Sync + Unpin + std::fmt::Debug + 'static>() {}
    shared::<Scheduler>();
    shared::<Job>();
    shared::<WallClock>();
    shared::<ManualWallClock>();
    shared::<offtick::scheduler::JobEvent>();
    shared::<ScheduleError>();
}

mod account {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Advance(u64),
        Finish,
        RunNow,
        PauseOrResume,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0_u64..40_000).prop_map(Step::Advance),
            3 => Just(Step::Finish),
            1 => Just(Step::RunNow),
            1 => Just(Step::PauseOrResume),
        ]
    }

    fn overlap() -> impl Strategy<Value = Overlap> {
        prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue), Just(Overlap::Allow), Just(Overlap::CancelPrevious)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever happens, each slot is in exactly one of the counts, and no more runs are under way than may be.
        #[test]
        fn every_slot_is_accounted_for(
            steps in prop::collection::vec(step(), 1..24),
            overlap in overlap(),
            instances in 1_usize..4,
            grace in prop::option::of(0_u64..30_000),
            coalesce: bool,
        ) {
            let world = World::new();
            let gates = std::sync::Arc::<std::sync::Mutex<Vec<Gate>>>::default();
            let theirs = std::sync::Arc::clone(&gates);
            let job = world
                .scheduler
                .every(10 * SECOND)
                .overlap(overlap)
                .max_instances(instances)
                .misfire_grace(grace.map(Duration::from_millis))
                .coalesce(coalesce)
                .spawn(move |_cx| {
                    let gate = Gate::new();
                    theirs.lock().unwrap().push(gate.clone());
                    async move { gate.passed().await }
                })
                .unwrap();
            let (mut slots, mut asked, mut paused) = (0, 0, false);
            let ten = |clock: &ManualClock| clock.elapsed().as_secs() / 10;
            for step in steps {
                let before = ten(&world.clock);
                match step {
                    Step::Advance(millis) => {
                        world.clock.advance(Duration::from_millis(millis));
                    }
                    Step::Finish => gates.lock().unwrap().drain(..).for_each(|gate| gate.open()),
                    Step::RunNow => {
                        prop_assert!(job.run_now());
                        asked += 1;
                    }
                    Step::PauseOrResume => {
                        paused = !paused;
                        let changed = if paused { job.pause() } else { job.resume() };
                        prop_assert!(changed);
                    }
                }
                if !paused {
                    slots += ten(&world.clock) - before;
                }
                world.settle();
                let counts = job.counts();
                let dealt = counts.runs + counts.missed + counts.overlapped + counts.coalesced + counts.queued as u64;
                prop_assert_eq!(dealt, slots + asked, "{:?}", counts);
                prop_assert!(counts.running <= instances || overlap == Overlap::Allow, "{:?}", counts);
                let next = job.next_run_at().map(|at| at.duration_since(world.wall.now()).unwrap());
                let ahead = 10 * SECOND - Duration::from_nanos((world.clock.elapsed().as_nanos() % 10_000_000_000) as u64);
                prop_assert_eq!(next, (!paused).then_some(ahead));
            }
        }
    }
}
