//! `with_host_until`: once per tick, with times that add up, until it returns a value or fails.

mod common;

use common::{PLANNED, quiet_planned_panics};
use offtick::time::{Clock, ManualClock, sleep};
use offtick::{Budget, LocalBuilder, LocalRuntime, WithHostError, with_host_until};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn runtime() -> (LocalRuntime, ManualClock) {
    let clock = Clock::manual();
    (LocalBuilder::new().clock(clock.clone()).build().expect("a runtime"), clock)
}

#[test]
fn the_first_call_comes_in_the_current_tick_and_the_times_add_up() {
    let (rt, _clock) = runtime();
    let mut times: Vec<Duration> = Vec::new();
    let task = rt.run(with_host_until(|times: &mut Vec<Duration>, dt| {
        times.push(dt);
        (times.len() == 4).then_some("done")
    }));
    for by in [5 * MS, 16 * MS, Duration::ZERO, 7 * MS] {
        rt.advance_with(&mut times, by, Budget::unlimited()).unwrap();
    }
    // A tick first runs what is ready at the time before it.
    assert_eq!(times, [Duration::ZERO, 5 * MS, 16 * MS, Duration::ZERO]);
    assert!(matches!(task.result(), Some(Ok(&"done"))));
}

#[test]
fn a_small_budget_loses_no_time_and_a_paused_clock_gives_none() {
    let (rt, clock) = runtime();
    let start = clock.now();
    let mut times = [Duration::ZERO; 3];
    let _tasks = [0, 1, 2].map(|n| {
        rt.run(with_host_until(move |times: &mut [Duration; 3], dt| {
            times[n] += dt;
            None::<()>
        }))
    });
    for _ in 0..60 {
        rt.advance_with(&mut times, MS, Budget::polls(2)).unwrap();
    }
    rt.tick_with(&mut times, Budget::unlimited()).unwrap();
    rt.tick_with(&mut times, Budget::unlimited()).unwrap();
    let passed = clock.now() - start;
    assert_eq!((times, passed), ([passed; 3], 60 * MS));
    clock.pause();
    rt.advance_with(&mut times, 60 * MS, Budget::unlimited()).unwrap();
    assert_eq!(times, [passed; 3]);
}

#[test]
fn a_tick_without_the_world_ends_it_with_an_error() {
    let (rt, _clock) = runtime();
    let mut calls = 0_u32;
    let count = || {
        with_host_until(|calls: &mut u32, _| {
            *calls += 1;
            None::<()>
        })
    };
    let task = rt.run(count());
    rt.tick_with(&mut calls, Budget::unlimited()).unwrap();
    rt.tick(Budget::unlimited()).unwrap();
    let error = task.error().and_then(|error| error.downcast_ref::<WithHostError>()).expect("the typed error");
    assert_eq!((*error, calls), (WithHostError::NotLent, 1));
    let task = rt.run(count());
    rt.tick_with(&mut "another", Budget::unlimited()).unwrap();
    assert!(matches!(task.error().and_then(|error| error.downcast_ref()), Some(WithHostError::WrongType { .. })));
}

#[test]
fn a_cancelled_one_is_called_no_more_and_a_panic_ends_its_task() {
    quiet_planned_panics();
    let (rt, _clock) = runtime();
    let mut calls = 0_u32;
    let task = rt.run(with_host_until(|calls: &mut u32, _| {
        *calls += 1;
        None::<()>
    }));
    rt.tick_with(&mut calls, Budget::unlimited()).unwrap();
    task.cancel();
    let panics = rt.run(with_host_until(|calls: &mut u32, _| -> Option<()> { panic!("{PLANNED}: {calls}") }));
    let other = rt.spawn(sleep(MS));
    rt.advance_with(&mut calls, 2 * MS, Budget::unlimited()).unwrap();
    assert_eq!(calls, 1);
    assert!(panics.error().is_some_and(offtick::TaskError::is_panic) && other.is_done());
}
