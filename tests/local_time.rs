//! Game time on a runtime without a thread: the host moves a manual clock, and everything happens at its own moment.

mod common;

use common::yield_once;
use offtick::time::{Clock, ManualClock, interval, next_tick, sleep, sleep_until, ticks};
use offtick::{Budget, LocalBuilder, LocalHandle, LocalRuntime, Priority, Task, TickError, TickReport};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Names, and the moment of the clock at which each was noted.
#[derive(Clone)]
struct Trace {
    clock: ManualClock,
    events: Rc<RefCell<Vec<(Duration, &'static str)>>>,
}

impl Trace {
    fn note(&self, name: &'static str) {
        self.events.borrow_mut().push((self.clock.elapsed(), name));
    }

    fn take(&self) -> Vec<(Duration, &'static str)> {
        self.events.take()
    }

    fn names(&self) -> Vec<&'static str> {
        self.take().into_iter().map(|(_, name)| name).collect()
    }
}

fn manual() -> (LocalRuntime, ManualClock, Trace) {
    let clock = Clock::manual();
    let rt = LocalBuilder::new().clock(clock.clone()).build().expect("a runtime");
    let trace = Trace { clock: clock.clone(), events: Rc::default() };
    (rt, clock, trace)
}

#[track_caller]
fn all(rt: &LocalRuntime) -> TickReport {
    rt.tick(Budget::unlimited()).expect("not nested")
}

#[track_caller]
fn advance(rt: &LocalRuntime, by: Duration) -> TickReport {
    rt.advance(by, Budget::unlimited()).expect("not nested")
}

/// Notes its name at every `period`.
fn every(rt: &LocalHandle, period: Duration, name: &'static str, trace: &Trace) -> Task<()> {
    let trace = trace.clone();
    rt.spawn(async move {
        loop {
            sleep(period).await;
            trace.note(name);
        }
    })
}

#[test]
fn a_jump_is_walked_from_deadline_to_deadline() {
    let (rt, clock, trace) = manual();
    let _a = every(rt.local_handle(), 20 * MS, "a", &trace);
    let _b = every(rt.local_handle(), 30 * MS, "b", &trace);
    all(&rt);
    let report = advance(&rt, 65 * MS);
    // Of one moment, the timer that was made first fires first.
    assert_eq!(trace.take(), [(20 * MS, "a"), (30 * MS, "b"), (40 * MS, "a"), (60 * MS, "b"), (60 * MS, "a")]);
    assert_eq!((report.fired, report.polled, report.behind), (5, 5, Duration::ZERO));
    assert_eq!(clock.elapsed(), 65 * MS);
    assert_eq!(report.next_deadline, Some(clock.now() + 15 * MS));
    assert_eq!(rt.next_deadline(), report.next_deadline);
}

#[test]
fn an_interval_misses_nothing() {
    let (rt, clock, trace) = manual();
    let theirs = trace.clone();
    let start = clock.now();
    let _task = rt.run(async move {
        let mut ticks = interval(10 * MS)?;
        loop {
            assert_eq!(ticks.tick().await - start, theirs.clock.elapsed());
            theirs.note("i");
            if theirs.events.borrow().len() == 5 {
                return Ok::<_, offtick::InvalidSetting>(());
            }
        }
    });
    all(&rt);
    advance(&rt, 100 * MS);
    assert_eq!(trace.take(), [(10 * MS, "i"), (20 * MS, "i"), (30 * MS, "i"), (40 * MS, "i"), (50 * MS, "i")]);
}

#[test]
fn ten_years_pass_in_order_and_within_the_budget() {
    let (rt, clock, trace) = manual();
    let _day = every(rt.local_handle(), DAY, "day", &trace);
    let _week = every(rt.local_handle(), 7 * DAY, "week", &trace);
    all(&rt);
    let ten_years = 3653 * DAY;
    let budget = Budget::polls(100);
    let mut report = rt.advance(ten_years, budget).expect("not nested");
    assert_eq!((report.polled, trace.events.borrow().len()), (100, 100));
    let mut ticks = 1;
    while !report.is_idle() {
        assert_eq!(clock.elapsed() + report.behind, ten_years);
        report = rt.tick(budget).expect("not nested");
        assert!(report.polled <= 100);
        ticks += 1;
    }
    assert_eq!((clock.elapsed(), report.behind), (ten_years, Duration::ZERO));
    let events = trace.take();
    assert_eq!(events.len(), 3653 + 521);
    assert_eq!(ticks, events.len().div_ceil(100));
    assert!(events.is_sorted_by_key(|(at, _)| *at));
    assert!(events.iter().all(|(at, _)| at.as_secs() % DAY.as_secs() == 0));
}

#[test]
fn pause_slow_motion_and_single_step() {
    let (rt, clock, trace) = manual();
    let _a = every(rt.local_handle(), 10 * MS, "a", &trace);
    all(&rt);
    clock.set_scale(0.5).expect("a scale");
    advance(&rt, 20 * MS);
    assert_eq!(trace.take(), [(10 * MS, "a")]);
    clock.pause();
    for _ in 0..10 {
        assert_eq!(advance(&rt, SECOND).polled, 0);
    }
    assert_eq!((trace.take().len(), clock.elapsed()), (0, 10 * MS));
    clock.step(10 * MS);
    all(&rt);
    assert_eq!(trace.take(), [(20 * MS, "a")]);
    clock.resume();
    advance(&rt, 20 * MS);
    assert_eq!(trace.take(), [(30 * MS, "a")]);
}

#[test]
fn what_is_owed_stands_still_in_a_pause() {
    let (rt, clock, trace) = manual();
    let _a = every(rt.local_handle(), 10 * MS, "a", &trace);
    all(&rt);
    let report = rt.advance(50 * MS, Budget::polls(2)).expect("not nested");
    assert_eq!((report.polled, report.behind), (2, 30 * MS));
    clock.pause();
    assert_eq!(all(&rt).behind, 30 * MS);
    assert_eq!(advance(&rt, SECOND).behind, 30 * MS);
    assert_eq!(clock.elapsed(), 20 * MS);
    clock.resume();
    assert_eq!(all(&rt).behind, Duration::ZERO);
    assert_eq!((trace.take().len(), clock.elapsed()), (5, 50 * MS));
}

#[test]
fn time_given_backwards_is_clamped_and_counted() {
    let (rt, clock, trace) = manual();
    let _a = every(rt.local_handle(), 10 * MS, "a", &trace);
    all(&rt);
    let start = clock.now();
    let at = |now: Duration, budget| rt.tick_at(start + now, budget).expect("not nested");
    let report = at(40 * MS, Budget::polls(1));
    assert_eq!((clock.elapsed(), report.behind), (10 * MS, 30 * MS));
    // Ahead of the clock, and yet before what the host has said.
    at(30 * MS, Budget::polls(1));
    assert_eq!((clock.elapsed(), clock.backward_moves()), (20 * MS, 1));
    at(5 * MS, Budget::unlimited());
    assert_eq!((clock.elapsed(), clock.backward_moves()), (40 * MS, 2));
    assert!(rt.tick_at(start.checked_sub(SECOND).unwrap_or(start), Budget::unlimited()).is_ok());
    assert_eq!((clock.elapsed(), clock.backward_moves()), (40 * MS, 3));
    // The same moment again is no step back.
    at(40 * MS, Budget::unlimited());
    assert_eq!((clock.elapsed(), clock.backward_moves()), (40 * MS, 3));
    assert_eq!(trace.take().len(), 4);
    // A moment is a moment, in a pause as well.
    clock.pause();
    at(50 * MS, Budget::unlimited());
    assert_eq!(clock.elapsed(), 50 * MS);
}

#[test]
fn a_clock_that_jumps_by_itself_fires_all_in_order_at_the_new_time() {
    let (rt, clock, trace) = manual();
    let start = clock.now();
    let tasks: Vec<_> = [("c", 30), ("a", 10), ("b", 20)]
        .map(|(name, ms)| {
            let trace = trace.clone();
            rt.spawn(async move {
                sleep_until(start + ms * MS).await;
                trace.note(name);
            })
        })
        .into();
    all(&rt);
    clock.advance(SECOND);
    let report = rt.tick(Budget::polls(2)).expect("not nested");
    assert_eq!((report.polled, report.left_ready), (2, 1));
    all(&rt);
    assert_eq!(trace.take(), [(SECOND, "a"), (SECOND, "b"), (SECOND, "c")]);
    assert!(tasks.iter().all(Task::is_done));
}

#[test]
fn only_a_manual_clock_is_moved() {
    let rt = LocalRuntime::new().expect("a runtime");
    assert_eq!(rt.advance(SECOND, Budget::unlimited()), Err(TickError::NotManual));
    assert_eq!(rt.tick_at(Instant::now(), Budget::unlimited()), Err(TickError::NotManual));
}

#[test]
fn a_task_that_wakes_itself_does_not_stop_the_time() {
    for budget in [Budget::unlimited(), Budget::polls(100)] {
        let (rt, clock, trace) = manual();
        let _restless = rt.spawn(async {
            loop {
                yield_once().await;
            }
        });
        let _a = every(rt.local_handle(), 10 * MS, "a", &trace);
        all(&rt);
        for frame in 1..=20 {
            rt.advance(10 * MS, budget).expect("not nested");
            // It may be a frame late, never more.
            assert!(clock.elapsed() + 10 * MS >= frame * 10 * MS, "{budget:?}, frame {frame}: {:?}", clock.elapsed());
        }
        assert!(trace.take().len() >= 19);
    }
}

#[test]
fn the_moment_of_a_timer_is_the_clocks() {
    let (rt, clock, trace) = manual();
    let theirs = trace.clone();
    let task = rt.spawn(async move {
        sleep(10 * MS).await;
        theirs.note("outer");
        // Counts from 10, not from the end of the frame.
        sleep(5 * MS).await;
        theirs.note("inner");
    });
    all(&rt);
    advance(&rt, 100 * MS);
    assert_eq!(trace.take(), [(10 * MS, "outer"), (15 * MS, "inner")]);
    assert!(task.is_done() && clock.elapsed() == 100 * MS);
}

#[test]
fn many_timers_of_one_moment_share_a_budget() {
    let (rt, _, _) = manual();
    let tasks: Vec<_> = (0..1000).map(|_| rt.spawn(sleep(SECOND))).collect();
    assert_eq!(rt.run_until_stalled().expect("not nested").polled, 1000);
    let mut done = 0;
    let mut report = rt.advance(SECOND, Budget::polls(64)).expect("not nested");
    assert!(report.left_due);
    loop {
        done += 64;
        assert_eq!(tasks.iter().filter(|task| task.is_done()).count(), done.min(1000));
        if done >= 1000 {
            break;
        }
        assert!(!report.is_idle());
        report = rt.tick(Budget::polls(64)).expect("not nested");
    }
}

#[test]
fn a_wait_for_the_next_tick_runs_once_a_tick() {
    let (rt, _, trace) = manual();
    for name in ["a", "b"] {
        let trace = trace.clone();
        rt.spawn(async move {
            loop {
                next_tick().await;
                trace.note(name);
                yield_once().await;
            }
        })
        .detach();
    }
    all(&rt);
    assert_eq!(trace.names(), [""; 0]);
    for _ in 0..3 {
        let report = all(&rt);
        assert_eq!((report.fired, report.polled), (2, 4));
        assert_eq!(trace.names(), ["a", "b"]);
    }
    // No frame: nothing was to be done.
    rt.tick(Budget::polls(0)).expect("not nested");
    assert_eq!(trace.names(), [""; 0]);
    // One call is one frame, however long it goes on.
    rt.run_until_stalled().expect("not nested");
    assert_eq!(trace.names(), ["a", "b"]);
    // A frame that is cut short is finished by the next one: nobody gets two steps in one, nobody gets ahead by two.
    rt.tick(Budget::polls(1)).expect("not nested");
    assert_eq!(trace.names(), ["a"]);
    all(&rt);
    assert_eq!(trace.names().iter().filter(|name| **name == "b").count(), 1);
}

#[test]
fn waits_for_ticks_count_from_their_first_poll() {
    let (rt, _, _) = manual();
    let waits: Vec<_> = [0, 1, 2, 5].map(|count| rt.spawn(ticks(count))).into();
    let mut ended = Vec::new();
    for tick in 0..7 {
        all(&rt);
        ended.extend(waits.iter().filter(|wait| wait.is_done()).skip(ended.len()).map(|_| tick));
    }
    assert_eq!(ended, [0, 1, 2, 5]);
    assert!(waits.iter().all(|wait| matches!(wait.result(), Some(Ok(passed)) if passed.is_zero())));
}

#[test]
fn a_dropped_wait_takes_its_tick_out() {
    let (rt, _, _) = manual();
    let task = rt.spawn(ticks(u64::MAX));
    all(&rt);
    drop(task);
    assert_eq!(all(&rt).polled, 1, "the drop of its body");
    assert_eq!(all(&rt).fired, 0);
}

#[test]
fn where_nobody_ticks_a_tick_is_a_sixtieth_of_a_second() {
    let clock = Clock::manual();
    let rt = offtick::Builder::new().clock(clock.clone()).build().expect("a runtime");
    let mut task = rt.spawn(ticks(3));
    let passed = loop {
        match task.wait_timeout(MS) {
            Some(passed) => break passed.expect("well"),
            None => drop(clock.advance(50 * MS)),
        }
    };
    assert!(passed >= 50 * MS);
    assert!(common::block_on(next_tick()) >= 16 * MS);
    // A wait that outlives its runtime goes on as one that was made without.
    let local = LocalRuntime::new().expect("a runtime");
    let kept = Rc::new(RefCell::new(Box::pin(next_tick())));
    let theirs = Rc::clone(&kept);
    let _task = local.spawn(poll_fn(move |cx| theirs.borrow_mut().as_mut().poll(cx)));
    all(&local);
    drop(local);
    assert!(common::block_on(poll_fn(|cx| kept.borrow_mut().as_mut().poll(cx))) >= 16 * MS);
}

#[test]
fn run_until_ticks_for_whoever_waits_for_ticks() {
    let (rt, _, _) = manual();
    let frames = Rc::new(Cell::new(0));
    let theirs = Rc::clone(&frames);
    let _counter = rt.spawn(async move {
        loop {
            next_tick().await;
            theirs.set(theirs.get() + 1);
        }
    });
    let _passed = rt.run_until(ticks(10)).expect("not nested");
    assert!((9..=11).contains(&frames.get()), "{}", frames.get());
}

#[test]
fn under_the_systems_clock_run_until_sleeps_for_timers() {
    let rt = LocalRuntime::new().expect("a runtime");
    let began = Instant::now();
    rt.run_until(sleep(2 * MS)).expect("not nested");
    assert!(began.elapsed() >= 2 * MS);
    assert!(rt.metrics().parks >= 1);
}

#[test]
fn under_a_manual_clock_another_thread_ends_the_wait() {
    let (rt, clock, _) = manual();
    let handle = rt.handle().clone();
    let mover = std::thread::spawn(move || {
        common::until(|| handle.metrics().timers == 1 && handle.metrics().parks > 0);
        clock.advance(SECOND);
    });
    rt.run_until(sleep(SECOND)).expect("not nested");
    mover.join().expect("moves");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the time is given and whatever the budgets, everything runs at its own moments, in their order.
    #[test]
    fn time_in_pieces_is_time_all_the_same(
        periods in prop::collection::vec(1_u64..40, 1..6),
        pieces in prop::collection::vec((0_u64..60, 1_usize..12), 1..12),
        restless in any::<bool>(),
    ) {
        const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
        let (rt, clock, trace) = manual();
        let tasks: Vec<_> =
            periods.iter().zip(NAMES).map(|(&period, name)| every(rt.local_handle(), Duration::from_millis(period), name, &trace)).collect();
        let _restless = restless.then(|| rt.spawn(async {
            loop {
                yield_once().await;
            }
        }));
        all(&rt);
        let mut given = 0;
        for (time, polls) in pieces {
            given += time;
            let report = rt.advance(Duration::from_millis(time), Budget::polls(polls)).expect("not nested");
            prop_assert!(report.polled <= polls);
            prop_assert_eq!(clock.elapsed() + report.behind, Duration::from_millis(given));
        }
        // What is owed is caught up with, and what was left ready is run.
        for _ in 0..10_000 {
            if all(&rt).behind.is_zero() {
                break;
            }
        }
        all(&rt);
        let mut expected: Vec<_> = periods
            .iter()
            .zip(NAMES)
            .flat_map(|(&period, name)| (1..=given / period).map(move |nth| (Duration::from_millis(nth * period), name)))
            .collect();
        expected.sort_unstable();
        let mut seen = trace.take();
        prop_assert!(seen.is_sorted_by_key(|(at, _)| *at));
        if restless {
            // One that wakes itself may hold a timer's task back to a later moment, never to an earlier one; and what
            // sleeps again then counts from there.
            prop_assert!(seen.len() <= expected.len());
        } else {
            seen.sort_unstable();
            prop_assert_eq!(seen, expected);
        }
        drop(tasks);
    }
}

/// Each of its waits is over by its own doing: the host's time would never pass, and the tick never end.
#[test]
fn a_task_that_moves_the_clock_past_its_own_timers_does_not_hold_the_tick() {
    let (rt, clock, _) = manual();
    let moves = Rc::new(Cell::new(0_u32));
    let theirs = Rc::clone(&moves);
    let _task = rt.spawn(async move {
        loop {
            let mut wait = std::pin::pin!(sleep(Duration::from_nanos(1)));
            poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_pending())).await;
            clock.step(Duration::from_nanos(1));
            theirs.set(theirs.get() + 1);
            assert!(theirs.get() < 1_000_000, "the tick does not end");
            wait.await;
        }
    });
    let report = advance(&rt, SECOND);
    assert_eq!(report.behind, SECOND);
    let before = moves.get();
    advance(&rt, Duration::ZERO);
    assert!(moves.get() > before);
}

/// Nothing is polled for them, and the budget of time holds all the same.
#[test]
fn timers_that_wake_nobody_here_are_within_the_budget() {
    let (rt, clock, _) = manual();
    let mut waits: Vec<_> = (1..=2000).map(|n| Box::pin(rt.handle().sleep(n * SECOND))).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let report = rt.advance(2000 * SECOND, Budget::time(Duration::from_nanos(1))).expect("not nested");
    assert!(report.fired <= 64 && report.behind > Duration::ZERO, "{report:?}");
    assert_eq!(clock.elapsed() + report.behind, 2000 * SECOND);
    assert_eq!(all(&rt).behind, Duration::ZERO);
}

/// Timers are looked at in the middle of it.
#[test]
fn what_is_urgent_and_due_does_not_wait_for_the_end_of_a_long_round() {
    let (rt, clock, _) = manual();
    let polls = Rc::new(Cell::new(0));
    let seen = Rc::clone(&polls);
    let urgent = rt.task().priority(Priority::UserBlocking).spawn(move |_| async move {
        sleep(SECOND).await;
        seen.get()
    });
    all(&rt);
    let _tasks: Vec<_> = (0..1000)
        .map(|number| {
            let (polls, clock) = (Rc::clone(&polls), clock.clone());
            rt.spawn(async move {
                if number == 0 {
                    clock.step(SECOND);
                }
                polls.set(polls.get() + 1);
            })
        })
        .collect();
    all(&rt);
    let after = urgent.result().expect("over").expect("a number");
    assert!((1..200).contains(after), "{after}");
}
