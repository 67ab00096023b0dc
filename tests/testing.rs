//! The test runtime: time, stalls, closures, leaks, seeds.
#![cfg(feature = "toolkit")]

mod common;

use common::{Log, PLANNED, Signal, quiet_planned_panics};
use offtick::testing::{RunError, TestBuilder, TestRuntime, check_all};
use offtick::time::{interval, next_tick, sleep, timeout};
use offtick::{
    Budget, LocalBuilder, LocalRuntime, RetryPolicy, Scheduler, SendErrorReason, Task, TaskError, TaskManager,
    TickError, yield_now,
};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn test() -> TestRuntime {
    TestRuntime::new().expect("a runtime is built")
}

fn advancing() -> TestRuntime {
    TestBuilder::new().auto_advance(true).build().expect("a runtime is built")
}

#[test]
fn time_is_moved_by_the_test_alone() {
    let rt = test();
    let log = Log::new();
    let seen = log.clone();
    let _task = rt.spawn(async move {
        for n in 0_u32.. {
            sleep(SECOND).await;
            log.push(n.to_string());
        }
    });
    rt.settle().unwrap();
    assert_eq!((seen.text().as_str(), rt.elapsed()), ("", Duration::ZERO));
    rt.advance(3 * SECOND + SECOND / 2).unwrap();
    assert_eq!((seen.text().as_str(), rt.elapsed()), ("0 1 2", 3 * SECOND + SECOND / 2));
    rt.clock().as_manual().unwrap().pause();
    rt.advance(SECOND).unwrap();
    assert_eq!(seen.text(), "0 1 2");
}

#[test]
fn a_wait_advances_from_deadline_to_deadline() {
    let rt = advancing();
    let rt = &rt;
    let day = 86_400 * SECOND;
    let times = rt.run_until(async {
        let mut times = Vec::new();
        for days in [1, 2, 300] {
            sleep(days * day).await;
            times.push(rt.elapsed());
        }
        times
    });
    assert_eq!(times.unwrap(), [day, 3 * day, 303 * day]);
    // What is ready goes first: time passes only when nothing is.
    let busy = rt.spawn(async {
        for _ in 0..10_000 {
            yield_now().await;
        }
    });
    let won = rt.run_until(timeout(Duration::from_nanos(1), busy)).unwrap();
    assert!(won.is_ok());
}

#[test]
fn a_wait_that_cannot_end_is_an_error() {
    let rt = test();
    let _waits = rt.spawn(pending::<()>());
    let _sleeps = rt.spawn(sleep(5 * SECOND));
    let error = rt.run_until(pending::<()>()).unwrap_err();
    assert!(
        matches!(error, RunError::Stalled { tasks: 2, closures: 0, next_timer: Some(left), .. } if left == 5 * SECOND),
        "{error}"
    );
    // With time that passes by itself the timer comes first.
    let rt = advancing();
    let error = rt.run_until(async {
        sleep(SECOND).await;
        pending::<()>().await;
    });
    assert!(matches!(error, Err(RunError::Stalled { next_timer: None, .. })), "{error:?}");
    assert_eq!(rt.elapsed(), SECOND);
}

#[test]
fn what_never_ends_is_an_error() {
    let rt = TestBuilder::new().auto_advance(true).step_limit(500).build().unwrap();
    let spin = rt.spawn(async {
        loop {
            yield_now().await;
        }
    });
    assert!(matches!(rt.run_until(pending::<()>()), Err(RunError::Endless { .. })));
    assert!(matches!(rt.settle(), Err(RunError::Endless { .. })));
    assert!(matches!(rt.advance(SECOND), Err(RunError::Endless { .. })));
    drop(spin);
    rt.settle().unwrap();
    let beat = rt.spawn(async {
        let mut beat = interval(SECOND).expect("longer than zero");
        loop {
            beat.tick().await;
        }
    });
    assert!(matches!(rt.run_until(pending::<()>()), Err(RunError::Endless { .. })));
    drop(beat);
    let frames = rt.spawn(async {
        loop {
            next_tick().await;
        }
    });
    assert!(matches!(rt.run_until(pending::<()>()), Err(RunError::Endless { .. })));
    drop(frames);
    rt.settle().unwrap();
    rt.finish().unwrap();
}

#[test]
fn calls_inside_a_task_are_refused() {
    let rt = Rc::new(test());
    let theirs = Rc::clone(&rt);
    let task = rt.spawn(async move {
        let nested = RunError::Tick(TickError::Nested);
        theirs.settle() == Err(nested)
            && theirs.advance(SECOND) == Err(nested)
            && theirs.run_until(async {}) == Err(nested)
            && theirs.run_blocking_jobs(1) == Err(TickError::Nested)
    });
    rt.settle().unwrap();
    assert!(matches!(task.result(), Some(Ok(true))));
}

#[test]
fn closures_run_on_this_thread_in_the_order_of_their_submission() {
    let rt = test();
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = |n: u32| {
        let log = Arc::clone(&log);
        move || {
            log.lock().unwrap().push((n, std::thread::current().id()));
            n
        }
    };
    let tasks: Vec<_> = (0..5).map(|n| rt.spawn_blocking(note(n))).collect();
    assert_eq!(rt.blocking_jobs(), 5);
    let submitted = rt.spawn_blocking_elsewhere(note(5));
    let cancelled = rt.spawn_blocking(note(6));
    assert!(cancelled.cancel());
    rt.settle().unwrap();
    let here = std::thread::current().id();
    assert_eq!(*log.lock().unwrap(), (0..6).map(|n| (n, here)).collect::<Vec<_>>());
    assert!(tasks.iter().all(Task::is_done) && submitted.is_done());
    assert_eq!(rt.metrics().blocking_threads, 0);
    drop((tasks, submitted, cancelled));
    rt.finish().unwrap();
}

trait FromElsewhere {
    fn spawn_blocking_elsewhere<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Task<T>;
}

impl FromElsewhere for TestRuntime {
    fn spawn_blocking_elsewhere<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
        let handle = self.handle().clone();
        std::thread::spawn(move || handle.spawn_blocking(f)).join().expect("it submits")
    }
}

#[test]
fn closures_are_tasks_like_any_other() {
    quiet_planned_panics();
    let rt = test();
    let failed: Task<()> = rt.run_blocking(|| Err("no"));
    let panicked: Task<()> = rt.spawn_blocking(|| panic!("{PLANNED}"));
    let chained = {
        let handle = rt.handle().clone();
        rt.spawn_blocking(move || handle.spawn_blocking(|| 3))
    };
    let mut awaited = rt.run_until(async { rt.spawn_blocking(|| 4).await }).unwrap();
    assert_eq!(awaited.as_mut().ok(), Some(&mut 4));
    assert!(matches!(failed.error(), Some(TaskError::Failed(_))));
    assert!(matches!(panicked.error(), Some(TaskError::Panicked(_))));
    let Some(Ok(inner)) = chained.result() else { panic!("it is over") };
    rt.settle().unwrap();
    assert!(matches!(inner.result(), Some(Ok(3))));

    // One that retries waits on the clock, and comes back.
    let policy = RetryPolicy::fixed(SECOND).max_attempts(3);
    let mut tries = 0;
    let retried = rt.task().retry(policy).run_blocking(move |_| {
        tries += 1;
        if tries < 3 { Err("busy") } else { Ok(tries) }
    });
    rt.advance(SECOND).unwrap();
    assert!(!retried.is_done());
    rt.advance(SECOND).unwrap();
    assert!(matches!(retried.result(), Some(Ok(3))));
}

#[test]
fn a_closure_in_the_tick_waits_for_nothing() {
    let rt = test();
    let other = rt.spawn(pending::<()>());
    let shared = other.share();
    let theirs = shared.clone();
    let waits = rt.spawn_blocking(move || matches!(theirs.wait(), Err(TaskError::WouldDeadlock)));
    let blocks = rt.spawn_blocking(|| offtick::block_on(async {}).is_err());
    let sends = rt.task().progress::<u8>(1).run_blocking(|cx| {
        cx.send_blocking(1).map_err(|error| error.to_string())?;
        let refused = cx.send_blocking(2).expect_err("the ring is full");
        assert_eq!((refused.value, refused.reason), (2, SendErrorReason::WouldDeadlock));
        Ok::<_, String>(())
    });
    rt.settle().unwrap();
    assert!(matches!(waits.result(), Some(Ok(true))));
    assert!(matches!(blocks.result(), Some(Ok(true))));
    assert!(matches!(sends.result(), Some(Ok(()))), "{:?}", sends.error());
    assert_eq!(sends.latest(), Some(1));
}

#[test]
fn closures_in_the_tick_obey_budget_and_limit() {
    let rt = LocalBuilder::new().blocking_inline().blocking_queue(2).build().unwrap();
    let ran = Arc::new(Mutex::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        move || *ran.lock().unwrap() += 1
    };
    let tasks: Vec<_> = (0..2).map(|_| rt.try_spawn_blocking(count()).expect("there is room")).collect();
    assert!(rt.try_spawn_blocking(count()).is_err_and(|error| error.is_full()));
    let report = rt.tick(Budget::polls(1)).unwrap();
    assert_eq!((report.polled, report.left_ready, *ran.lock().unwrap()), (1, 1, 1));
    let third = rt.try_spawn_blocking(count()).expect("there is room again");
    let metrics = rt.metrics();
    assert_eq!((metrics.blocking_queued, metrics.blocking_started, metrics.blocking_threads), (2, 1, 0));
    drop(rt);
    assert_eq!(*ran.lock().unwrap(), 1);
    assert!(matches!(tasks[1].error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(third.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn a_closure_wakes_a_host_that_sleeps_in_run_until() {
    let rt = LocalBuilder::new().blocking_inline().build().unwrap();
    let handle = rt.handle().clone();
    let here = std::thread::current().id();
    let ran = rt.run_until(async move {
        let task = std::thread::spawn(move || handle.spawn_blocking(|| std::thread::current().id())).join();
        task.expect("it submits").await
    });
    assert!(matches!(ran, Ok(Ok(thread)) if thread == here));
}

#[test]
fn held_closures_run_when_the_test_says_so() {
    let rt = TestBuilder::new().hold_blocking(true).build().unwrap();
    let tasks = [rt.spawn_blocking(|| 1), rt.spawn_blocking(|| 2), rt.spawn_blocking(|| 3)];
    let error = rt.run_until(pending::<()>()).unwrap_err();
    assert!(matches!(error, RunError::Stalled { closures: 3, .. }), "{error}");
    assert_eq!(rt.run_blocking_jobs(2).unwrap(), 2);
    assert_eq!(tasks.iter().map(Task::is_done).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(rt.leaks().closures, 1);
    assert_eq!(rt.run_blocking_jobs(usize::MAX).unwrap(), 1);
    drop(tasks);
    rt.finish().unwrap();
}

#[test]
fn what_is_left_is_found() {
    let rt = test();
    assert!(rt.leaks().is_clean());
    let waits = rt.task().name("waits").spawn(|_| pending::<()>());
    let sleeps = rt.spawn(sleep(SECOND));
    let frames = rt.spawn(next_tick());
    rt.tick(Budget::unlimited()).unwrap();
    let leaks = rt.leaks();
    assert_eq!((leaks.tasks.len(), leaks.timers, leaks.tick_waits, leaks.wakers.len()), (3, 1, 1, 0));
    assert!(leaks.tasks.iter().any(|task| task.name() == Some("waits")));
    let text = leaks.to_string();
    for part in ["\"waits\", spawned at tests/testing.rs", "timers: 1", "waits for ticks: 1"] {
        assert!(text.contains(part), "{text}");
    }
    drop((waits, sleeps, frames));
    rt.settle().unwrap();
    rt.finish().unwrap();
}

#[test]
fn wakers_that_outlive_their_task_are_found() {
    let rt = test();
    let kept: Rc<RefCell<Vec<Waker>>> = Rc::default();
    let theirs = Rc::clone(&kept);
    rt.spawn(poll_fn(move |cx| {
        theirs.borrow_mut().push(cx.waker().clone());
        Poll::Ready(())
    }))
    .detach();
    // Many that leave nothing: the census forgets them.
    for _ in 0..1000 {
        rt.spawn(async {}).detach();
        rt.settle().unwrap();
    }
    let leaks = rt.leaks();
    assert_eq!((leaks.wakers.len(), leaks.tasks.len()), (1, 0));
    assert!(leaks.wakers[0].location().file().ends_with("testing.rs"));
    kept.borrow_mut().clear();
    assert!(rt.leaks().is_clean());

    // A control keeps the memory of its task, too. A handle is the test's own.
    let task = rt.spawn(async {});
    let control = task.cancel_handle();
    rt.settle().unwrap();
    assert_eq!(rt.leaks().wakers.len(), 1);
    drop(control);
    assert!(rt.leaks().is_clean());
    drop(task);
    rt.finish().unwrap();
}

#[test]
fn errors_that_nobody_sees_are_found() {
    quiet_planned_panics();
    let rt = test();
    rt.run(async { Err::<(), _>("no disk") }).detach();
    rt.spawn(async { panic!("{PLANNED}") }).detach();
    let seen: Task<()> = rt.run(async { Err("seen") });
    rt.settle().unwrap();
    let leaks = rt.leaks();
    assert_eq!(leaks.unseen.len(), 2);
    assert!(leaks.unseen[0].contains("no disk") && leaks.unseen[0].contains("tests/testing.rs"), "{leaks}");
    assert!(seen.error().is_some());
    assert!(rt.finish().is_err());
}

#[cfg(feature = "net")]
#[test]
fn sockets_that_are_open_are_found() {
    let rt = test();
    let task = rt.spawn(async {
        let listener = offtick::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        pending::<()>().await;
        drop(listener);
    });
    rt.settle().unwrap();
    assert_eq!(rt.leaks().sockets, 1);
    drop(task);
    rt.settle().unwrap();
    rt.finish().unwrap();
}

/// What went through `check_all` until it failed, and how.
fn failing(test: impl FnMut(&TestRuntime)) -> (usize, String) {
    quiet_planned_panics();
    let (mut runs, mut test) = (0, test);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        check_all(0..200, |rt| {
            runs += 1;
            test(rt);
        });
    }));
    let payload = caught.expect_err("a seed fails");
    let text = payload.downcast_ref::<String>().cloned();
    (runs, text.or(payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

#[test]
fn many_seeds_find_an_order_that_breaks_a_test() {
    let last_wins = |rt: &TestRuntime| {
        let last = Rc::new(Cell::new(0));
        for n in 1..=3 {
            let last = Rc::clone(&last);
            rt.spawn(async move { last.set(n) }).detach();
        }
        rt.settle().unwrap();
        assert!(last.get() == 3, "{PLANNED}: seed {}", rt.seed());
    };
    let (runs, text) = failing(last_wins);
    assert_eq!(text, format!("{PLANNED}: seed {}", runs - 1));
    // That seed fails again, and in the usual order the test passes.
    let again = catch_unwind(AssertUnwindSafe(|| check_all([runs as u64 - 1], last_wins)));
    assert!(again.is_err());
    last_wins(&test());
}

#[test]
fn many_seeds_find_what_is_left() {
    let (runs, text) = failing(|rt| rt.spawn(pending::<()>()).detach());
    assert!(runs == 1 && text.contains("something was left"), "{text}");
}

#[test]
fn the_seed_is_printed_when_a_test_panics() {
    let exe = std::env::current_exe().expect("this test has a program");
    let run = |seed: Option<&str>| {
        let mut command = std::process::Command::new(&exe);
        command.args(["--ignored", "--exact", "fails_for_odd_seeds", "--nocapture"]);
        match seed {
            Some(seed) => command.env("OFFTICK_SEED", seed),
            None => command.env_remove("OFFTICK_SEED"),
        };
        let output = command.output().expect("this program runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (passed, text) = run(None);
    assert!(!passed && text.contains("offtick seed: 11; rerun with OFFTICK_SEED=11"), "{text}");
    assert!(run(Some("12")).0);
    let (passed, text) = run(Some("13"));
    assert!(!passed && text.contains("offtick seed: 13;"), "{text}");
}

/// Run by the test above, in a process of its own.
#[test]
#[ignore = "it fails on purpose"]
fn fails_for_odd_seeds() {
    check_all([10, 11, 12], |rt| assert_eq!(rt.seed() % 2, 0));
}

/// The waits of two jobs or tasks with jitter, on a runtime with this seed.
fn jitters(seed: u64, own: Option<u64>) -> Vec<Duration> {
    let rt = TestBuilder::new().seed(seed).build().unwrap();
    let policy = || {
        let policy = RetryPolicy::fixed(SECOND).max_attempts(2).jitter(0.5);
        if let Some(own) = own { policy.seed(own) } else { policy }
    };
    let now = rt.clock().now();
    let first = rt.task().retry(policy()).run(|_| async { Err::<(), _>("busy") });
    let second = rt.task().retry(policy()).run_blocking(|_| Err::<(), _>("busy"));
    let scheduler = Scheduler::new(&TaskManager::new(&rt));
    let ran = Arc::new(Mutex::new(None));
    let (theirs, clock) = (Arc::clone(&ran), rt.clock().clone());
    let builder = scheduler.every(SECOND).jitter(SECOND).max_runs(1);
    let builder = if let Some(own) = own { builder.seed(own) } else { builder };
    let job = builder.spawn(move |_| {
        *theirs.lock().unwrap() = Some(clock.now());
        async {}
    });
    job.expect("the job is fine");
    rt.settle().unwrap();
    let mut nexts = vec![first.next_attempt_at(), second.next_attempt_at()];
    rt.advance(3 * SECOND).unwrap();
    nexts.push(*ran.lock().unwrap());
    nexts.into_iter().map(|next| next.expect("it waits, or it ran") - now).collect()
}

#[test]
fn jitter_follows_from_the_seed() {
    let all: HashSet<_> = (0..50).map(|seed| jitters(seed, None)).collect();
    assert_eq!(all.len(), 50);
    assert_eq!(jitters(3, None), jitters(3, None));
    // Two users of one runtime's seed do not share their numbers; those with seeds of their own do not care.
    let (free, own) = (jitters(3, None), jitters(3, Some(1)));
    assert_ne!(free[0], free[1]);
    assert_eq!(own[0], own[1]);
    assert_eq!(own, jitters(4, Some(1)));
}

#[test]
fn a_seed_is_made_up_for_a_shuffle_without_one() {
    let rt = LocalBuilder::new().shuffle(true).build().unwrap();
    assert!(rt.seed().is_some());
    assert_eq!(LocalRuntime::new().unwrap().seed(), None);
}

#[test]
fn signals_between_tasks_survive_any_order() {
    check_all(0..300, |rt| {
        let (signal, log) = (Signal::new(), Log::new());
        let waits: Vec<_> = (0..4)
            .map(|n| {
                let (signal, log) = (Signal::new(), log.clone());
                let theirs = signal.clone();
                (
                    signal,
                    rt.spawn(async move {
                        theirs.given().await;
                        log.push(n.to_string())
                    }),
                )
            })
            .collect();
        for (word, _) in &waits {
            let (gate, word) = (signal.clone(), word.clone());
            rt.spawn(async move {
                gate_open(&gate).await;
                word.give();
            })
            .detach();
        }
        let _opener = rt.spawn({
            let signal = signal.clone();
            async move {
                sleep(SECOND).await;
                signal.give();
            }
        });
        let all = async {
            for (_, task) in waits {
                task.await.expect("it logs");
            }
        };
        rt.run_until(all).expect("all are woken");
        assert_eq!(log.len(), 4);
        rt.settle().unwrap();
    });
}

/// Ready once the signal was given; looked at again and again, since it wakes only one.
async fn gate_open(signal: &Signal) {
    while poll_fn(|cx| Poll::Ready(signal.poll(cx).is_pending())).await {
        sleep(SECOND / 10).await;
    }
}
