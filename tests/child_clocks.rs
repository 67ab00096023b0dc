//! Several clocks in one runtime: each task goes by its own, exactly, whatever the others do.

mod common;

use offtick::time::{ChildClock, Clock, ManualClock, interval, next_tick, sleep, sleep_until, timeout};
use offtick::{Budget, Builder, InvalidSetting, LocalBuilder, LocalRuntime, RetryPolicy, Task, TaskError, TickReport};
use proptest::prelude::*;
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn manual() -> (LocalRuntime, ManualClock) {
    let clock = Clock::manual();
    (LocalBuilder::new().clock(clock.clone()).build().expect("a runtime"), clock)
}

fn advance(rt: &LocalRuntime, by: Duration) -> TickReport {
    rt.advance(by, Budget::unlimited()).expect("not nested")
}

type Log = Rc<RefCell<Vec<(&'static str, u128)>>>;

/// Notes the root clock's milliseconds at every `period` of the child.
fn every(rt: &LocalRuntime, clock: &ChildClock, root: &ManualClock, log: &Log, name: &'static str, period: Duration) {
    let (root, log) = (root.clone(), Rc::clone(log));
    rt.task()
        .clock(clock)
        .spawn(move |_cx| async move {
            loop {
                sleep(period).await;
                log.borrow_mut().push((name, root.elapsed().as_millis()));
            }
        })
        .detach();
}

#[test]
fn tasks_of_several_clocks_run_at_their_own_times_in_one_order() {
    let (rt, root) = manual();
    let (slow, fast) = (root.child(), root.child());
    slow.set_scale(0.5).unwrap();
    fast.set_scale(2.0).unwrap();
    let log = Log::default();
    every(&rt, &slow, &root, &log, "slow", 10 * MS);
    every(&rt, &fast, &root, &log, "fast", 14 * MS);
    every(&rt, &root.child(), &root, &log, "same", 15 * MS);
    advance(&rt, 42 * MS);
    let seen = [
        ("fast", 7),
        ("fast", 14),
        ("same", 15),
        ("slow", 20),
        ("fast", 21),
        ("fast", 28),
        ("same", 30),
        ("fast", 35),
        ("slow", 40),
        ("fast", 42),
    ];
    assert_eq!(*log.borrow(), seen);
}

#[test]
fn a_pause_holds_its_tasks_alone_and_a_change_of_scale_moves_them() {
    let (rt, root) = manual();
    let (world, menu) = (root.child(), root.child());
    let log = Log::default();
    every(&rt, &world, &root, &log, "world", 10 * MS);
    every(&rt, &menu, &root, &log, "menu", 25 * MS);
    advance(&rt, 12 * MS);
    world.pause();
    advance(&rt, 20 * MS);
    assert_eq!(log.take(), [("world", 10), ("menu", 25)]);
    world.resume(); // 8 ms are left of its sleep
    advance(&rt, 9 * MS);
    assert_eq!(log.take(), [("world", 40)]);
    world.set_scale(10.0).unwrap(); // 9 ms are left: 0.9 ms
    advance(&rt, 2 * MS);
    assert_eq!(log.take(), [("world", 41), ("world", 42)]);
    world.set_scale(0.0).unwrap();
    advance(&rt, 60 * MS);
    assert_eq!(log.take(), [("menu", 50), ("menu", 75), ("menu", 100)]);
}

#[test]
fn a_child_of_a_child_multiplies() {
    let (rt, root) = manual();
    let world = root.child();
    let ghost = world.child();
    world.set_scale(0.5).unwrap();
    ghost.set_scale(0.5).unwrap();
    let log = Log::default();
    every(&rt, &ghost, &root, &log, "ghost", 10 * MS);
    advance(&rt, 85 * MS);
    assert_eq!(log.take(), [("ghost", 40), ("ghost", 80)]);
    world.pause();
    advance(&rt, 100 * MS);
    world.resume();
    advance(&rt, 35 * MS);
    assert_eq!(log.take(), [("ghost", 220)]);
    assert_eq!((world.elapsed(), ghost.elapsed()), (60 * MS, 30 * MS));
}

/// Every kind of time in a task is that of its clock.
#[test]
fn all_that_takes_time_in_a_task_obeys_its_clock() {
    let (rt, root) = manual();
    let half = root.child();
    half.set_scale(0.5).unwrap();
    let clock = half.clone();
    let at = move || clock.elapsed();
    let inner = rt.task().clock(&half).run(move |_cx| async move {
        assert!(timeout(10 * MS, std::future::pending::<()>()).await.is_err());
        assert_eq!(at(), 10 * MS);
        let mut grid = interval(10 * MS)?;
        grid.tick().await;
        grid.tick().await;
        assert_eq!(at(), 30 * MS);
        sleep_until(grid.tick().await + 5 * MS).await;
        assert_eq!(at(), 45 * MS);
        let mut left = 2;
        let policy = RetryPolicy::fixed(10 * MS).max_attempts(3);
        let tried = offtick::retry::retry(policy, || {
            left -= 1;
            async move { if left == 0 { Ok(()) } else { Err("again") } }
        });
        assert!(tried.await.is_ok());
        assert_eq!(at(), 55 * MS);
        Ok::<_, offtick::BoxError>(())
    });
    advance(&rt, 109 * MS);
    assert!(!inner.is_done());
    advance(&rt, MS);
    assert!(matches!(inner.result(), Some(Ok(()))), "{:?}", inner.error());

    let limited: Task<()> = rt.task().clock(&half).timeout(10 * MS).spawn(|_cx| std::future::pending());
    let policy = RetryPolicy::fixed(10 * MS).max_attempts(2);
    let retried: Task<()> = rt.task().clock(&half).retry(policy).run(|_cx| async { Err("no") });
    advance(&rt, 19 * MS);
    assert!(!limited.is_done() && !retried.is_done());
    assert_eq!(retried.next_attempt_at(), Some(half.now() + MS / 2));
    advance(&rt, MS);
    assert!(matches!(limited.error(), Some(TaskError::TimedOut(_))) && retried.is_done());
}

#[test]
fn next_tick_gives_the_time_of_the_task_s_clock() {
    let (rt, root) = manual();
    let half = root.child();
    half.set_scale(0.5).unwrap();
    let task = rt.task().clock(&half).spawn(|_cx| async { next_tick().await });
    advance(&rt, 10 * MS);
    advance(&rt, 10 * MS);
    assert!(matches!(task.result(), Some(Ok(passed)) if *passed == 5 * MS));
}

/// A task that another one starts, eagerly or not, and the host between two polls go by the runtime's clock.
#[test]
fn a_clock_is_that_of_one_task() {
    let (rt, root) = manual();
    let stands = root.child();
    stands.pause();
    let handle = rt.local_handle().clone();
    let outer = rt.task().clock(&stands).spawn(move |_cx| async move {
        let eager = handle.spawn_eager(sleep(10 * MS));
        let spawned = handle.spawn(sleep(10 * MS));
        let ours = sleep(10 * MS);
        (eager.await.is_ok(), spawned.await.is_ok(), ours.await)
    });
    let own = rt.spawn_eager(sleep(10 * MS));
    advance(&rt, MS);
    advance(&rt, 10 * MS);
    assert!(own.is_done() && !outer.is_done());
    stands.resume();
    advance(&rt, 9 * MS);
    assert!(!outer.is_done());
    advance(&rt, MS);
    assert!(outer.is_done());
}

#[test]
fn a_clock_of_elsewhere_is_an_error() {
    let (rt, _root) = manual();
    for clock in [Clock::manual().child(), Clock::manual().child().child(), Clock::system().child()] {
        let task = rt.task().clock(&clock).spawn(|_cx| async {});
        let error = task.error().expect("over at once");
        assert_eq!(error.downcast_ref().map(InvalidSetting::setting), Some("clock"), "{error:?}");
    }
}

/// On a reactor thread, where the host of no tick looks at the timers: other threads change the pace.
#[test]
fn on_a_runtime_with_a_thread() {
    let root = Clock::system();
    let world = root.child();
    let rt = Builder::new().clock(root).build().unwrap();
    world.pause();
    let mut waits = rt.task().clock(&world).spawn(|_cx| sleep(Duration::from_secs(3600)));
    let beside = rt.spawn(sleep(MS)).wait();
    assert!(beside.is_ok() && !waits.is_done());
    world.set_scale(1e9).unwrap();
    world.resume();
    assert!(waits.wait_timeout(common::HANG).expect("an hour in 4 microseconds").is_ok());
    // It outlives its runtime by the rule of all timers: the rest of the wait passes in real time.
    let paused = Clock::system();
    let (clock, rt) = (paused.child(), Builder::new().clock(paused).build().unwrap());
    clock.pause();
    let (give, kept) = std::sync::mpsc::channel();
    let _task = rt.task().clock(&clock).spawn(move |_cx| {
        let mut sleep = Box::pin(sleep(20 * MS));
        std::future::poll_fn(move |cx| {
            let polled = sleep.as_mut().poll(cx);
            give.send(std::mem::replace(&mut sleep, Box::pin(offtick::time::sleep(Duration::MAX)))).ok();
            polled
        })
    });
    let kept = kept.recv_timeout(common::HANG).unwrap();
    drop(rt);
    common::block_on(kept);
}

/// More of them at one moment than one look takes.
#[test]
fn a_crowd_at_one_moment_is_woken_in_one_tick() {
    const MANY: usize = 10_000;
    let (rt, root) = manual();
    let clock = root.child();
    let start = || rt.task().clock(&clock).spawn(|_cx| sleep(MS));
    let tasks: Vec<_> = (0..MANY).map(|_| start()).collect();
    let report = advance(&rt, MS);
    assert!(tasks.iter().all(Task::is_done) && report.is_idle(), "{report:?}");
}

#[test]
fn nothing_is_left_of_a_clock_that_nobody_uses() {
    let (rt, root) = manual();
    let world = root.child();
    let task = rt.task().clock(&world).spawn(|_cx| sleep(Duration::from_secs(60)));
    advance(&rt, MS);
    assert!(rt.next_deadline().is_some());
    assert_eq!(rt.metrics().timers, 1);
    drop(task);
    advance(&rt, MS);
    assert_eq!((rt.metrics().timers, rt.next_deadline()), (0, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the host does to the clock, a sleep ends at the first moment at which the clock shows its deadline.
    #[test]
    fn a_sleep_ends_when_its_clock_says_so(
        changes in prop::collection::vec((0_u32..40, 0_u8..6, 0.0..3.0_f64), 1..20),
        wait in 1_u32..100,
    ) {
        let (rt, root) = manual();
        let clock = root.child();
        let theirs = clock.clone();
        let task = rt.task().clock(&clock).spawn(move |_cx| async move {
            sleep(wait * MS).await;
            theirs.elapsed()
        });
        advance(&rt, Duration::ZERO);
        for (length, what, scale) in changes {
            match what {
                0 => clock.pause(),
                1 => clock.resume(),
                2 => clock.set_scale(scale).unwrap(),
                _ => {}
            }
            advance(&rt, length * MS);
            prop_assert_eq!(task.is_done(), clock.elapsed() >= wait * MS);
        }
        if let Some(Ok(ended)) = task.result() {
            prop_assert!(*ended >= wait * MS && *ended < wait * MS + Duration::from_nanos(10), "{ended:?}");
        }
    }
}
