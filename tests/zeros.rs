//! A limit of zero is one error, an `InvalidSetting` that names the option, wherever it is given. An amount of zero is meant.
#![cfg(feature = "toolkit")]

#[path = "common/mod.rs"]
mod common;

use common::runtime;
use offtick::retry::{StopReason, retry_blocking};
use offtick::testing::TestBuilder;
use offtick::toolkit::{Debouncer, RateLimiter, Restartable};
use offtick::{
    Budget, BuildError, Builder, InvalidSetting, LocalBuilder, PoolSet, RetryPolicy, ScheduleError, Scheduler, Status,
    Task, TaskError, TaskGroup, TaskManager, TaskPool, WorkerThread,
};
use std::io;
use std::time::Duration;

const ZERO: Duration = Duration::ZERO;

fn built<T>(result: Result<T, BuildError>) -> InvalidSetting {
    match result.err().expect("a zero is refused") {
        BuildError::Invalid(error) => error,
        other => panic!("{other}"),
    }
}

fn scheduled<T>(result: Result<T, ScheduleError>) -> InvalidSetting {
    match result.err().expect("a zero is refused") {
        ScheduleError::Invalid(error) => error,
        other => panic!("{other}"),
    }
}

fn given<T>(result: Result<T, InvalidSetting>) -> InvalidSetting {
    result.err().expect("a zero is refused")
}

/// The error of a task that was given a zero: it has failed at once.
fn failed<T, P>(task: &Task<T, P>) -> InvalidSetting {
    assert_eq!(task.status(), Status::Error);
    task.error().and_then(TaskError::downcast_ref).cloned().expect("the typed error")
}

fn attempted(result: Result<(), offtick::RetryError<io::Error>>) -> InvalidSetting {
    match result.expect_err("a zero is refused").reason() {
        StopReason::InvalidPolicy(error) => error.clone(),
        other => panic!("{other}"),
    }
}

/// Every option that is a limit, given as 0: the name that the error must have, and the error.
fn zeros() -> Vec<(&'static str, InvalidSetting)> {
    let rt = runtime();
    let (new, local) = (Builder::new, LocalBuilder::new);
    let pool = TaskPool::new(&rt, 1).expect("a pool");
    let scheduler = Scheduler::new(&TaskManager::new(&rt));
    let every = || scheduler.every(Duration::from_secs(60));
    let debounced = |window| Debouncer::builder(&rt, window);
    let body = |_: ()| async { Ok::<_, io::Error>(()) };
    let second = Duration::from_secs(1);
    let policy = RetryPolicy::<io::Error>::none;
    let attempts = policy().max_attempts(0);
    #[allow(unused_mut, reason = "some features add to it")]
    let mut all = vec![
        ("blocking_threads", built(new().blocking_threads(0).build())),
        ("blocking_core_threads", built(new().blocking_core_threads(0).build())),
        ("blocking_queue", built(new().blocking_queue(0).build())),
        ("blocking_stack_size", built(new().blocking_stack_size(0).build())),
        ("stack_size", built(new().stack_size(0).build())),
        ("watch_polls", built(new().watch_polls(ZERO).build())),
        ("blocking_threads", built(local().blocking_threads(0).build())),
        ("blocking_core_threads", built(local().blocking_core_threads(0).build())),
        ("blocking_queue", built(local().blocking_queue(0).build())),
        ("blocking_stack_size", built(local().blocking_stack_size(0).build())),
        ("watch_polls", built(local().watch_polls(ZERO).build())),
        ("step_limit", built(TestBuilder::new().step_limit(0).build())),
        ("limit", given(TaskGroup::with_limit(&rt, 0))),
        ("size", given(TaskPool::new(&rt, 0))),
        ("size", given(TaskPool::builder().size(0).build(&rt))),
        ("queue_limit", given(TaskPool::builder().queue_limit(0).build(&rt))),
        ("timeout", given(TaskPool::builder().timeout(ZERO).build(&rt))),
        ("size", given(pool.resize(0))),
        ("size", given(PoolSet::<u8, ()>::new(&rt, 0))),
        ("window", given(pool.map([1], |n| async move { n }).window(0))),
        ("size", given(WorkerThread::builder("zero").size(0).build())),
        ("queue_limit", given(WorkerThread::builder("zero").queue_limit(0).build())),
        ("timeout", given(WorkerThread::builder("zero").timeout(ZERO).build())),
        ("period", given(rt.interval(ZERO))),
        ("gap", given(RateLimiter::new(&rt, ZERO))),
        ("burst", given(RateLimiter::with_burst(&rt, second, 0))),
        ("window", given(debounced(ZERO).build(body))),
        ("max_wait", given(debounced(second).max_wait(ZERO).build(body))),
        ("run_timeout", given(debounced(second).run_timeout(ZERO).build(body))),
        (
            "attempt_timeout",
            given(Restartable::<u8>::new(&rt, |_| async { Ok::<_, io::Error>(1) }).attempt_timeout(ZERO)),
        ),
        ("max_runs", scheduled(every().max_runs(0).spawn(|_cx| async {}))),
        ("max_instances", scheduled(every().max_instances(0).spawn(|_cx| async {}))),
        ("timeout", scheduled(every().timeout(ZERO).spawn(|_cx| async {}))),
        ("max_attempts", scheduled(every().retry(attempts.clone()).run(|_cx| async { Ok::<(), io::Error>(()) }))),
        ("max_attempts", given(attempts.check())),
        ("multiplier", given(policy().multiplier(0.0).check())),
        ("max_elapsed", given(policy().max_elapsed(ZERO).check())),
        ("attempt_timeout", given(policy().attempt_timeout(ZERO).check())),
        ("max_attempts", attempted(retry_blocking(attempts.clone(), || Ok(())))),
        ("max_attempts", failed(&rt.task().retry(attempts).run(|_cx| async { Ok(()) }))),
        ("attempt_timeout", failed(&rt.task().retry(policy()).attempt_timeout(ZERO).run(|_cx| async { Ok(()) }))),
        ("progress", failed(&rt.task().progress::<u8>(0).spawn(|_cx| async {}))),
        ("progress", failed(&rt.task().progress::<u8>(0).spawn_blocking(|_cx| ()))),
    ];
    #[cfg(feature = "net")]
    {
        use offtick::net::{BufReader, Reconnecting, TcpStream};
        let link = || Reconnecting::builder(async || TcpStream::connect("localhost:1").await);
        all.extend([
            ("read_limit", built(link().read_limit(0).open_on(&rt))),
            ("write_queue", built(link().write_queue(0).open_on(&rt))),
            ("event_capacity", built(link().event_capacity(0).open_on(&rt))),
            ("max_attempts", built(link().policy(policy().max_attempts(0)).open_on(&rt))),
            ("limit", given(BufReader::with_limit((), 0).map(drop))),
        ]);
    }
    all
}

#[test]
fn a_limit_of_zero_is_an_error_that_names_the_option() {
    for (name, error) in zeros() {
        assert_eq!(error.setting(), name, "{error}");
        let text = format!("{name} is {}, but must be {}", error.given(), error.allowed());
        assert_eq!(error.to_string(), text);
        assert!(["0", "0ns", "0 bytes"].contains(&error.given()), "{error}");
    }
}

#[test]
fn a_refused_limit_changes_nothing() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 3).expect("a pool");
    given(pool.resize(0));
    assert_eq!(pool.size(), Some(3));
    pool.resize_unlimited();
    assert_eq!(pool.size(), None);
}

/// What may be zero: amounts, and the time that is left.
#[test]
fn an_amount_of_zero_is_meant() {
    let rt = Builder::new().blocking_keep_alive(ZERO).spin(ZERO).build().expect("a runtime");
    let manager = TaskManager::with_max_completed(&rt, 0);
    manager.spawn(async {}).wait().expect("it runs");
    manager.cleanup();
    assert_eq!(manager.len(), 0, "no result is kept");
    let late = rt.task().timeout(ZERO).spawn(|_cx| std::future::pending::<()>()).wait();
    assert!(late.expect_err("no time is left").is_timeout());
    assert!(rt.spawn(async {}).wait_timeout(Duration::from_secs(60)).is_some());
    assert_eq!(rt.spawn(std::future::pending::<()>()).wait_timeout(ZERO).map(|_| ()), None);
    let local = LocalBuilder::new().blocking_refused().build().expect("a runtime");
    let task = local.spawn(async { 1 });
    assert_eq!(local.tick(Budget::polls(0)).expect("not nested").polled, 0);
    assert!(!task.is_done());
    let policy = RetryPolicy::<io::Error>::none().base_delay(ZERO).max_delay(ZERO).jitter(0.0);
    assert_eq!(policy.check(), Ok(()));
}
