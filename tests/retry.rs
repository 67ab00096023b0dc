//! Tasks and futures that try again: under a manual clock, in all ways in which they may end.

mod common;

use common::{
    Dropped, HANG, Hog, Latch, Tally, block_on, pool_thread, quiet_planned_panics, reactor_thread, settled, until,
};
use offtick::retry::{AttemptError, StopReason, retry, retry_blocking};
use offtick::time::{Clock, ManualClock};
use offtick::{
    BoxError, Builder, Handle, InvalidSetting, RetryError, RetryPolicy, Runtime, Status, Task, TaskContext, TaskError,
};
use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A runtime with two pool threads whose time stands still.
fn still() -> (Runtime, ManualClock) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(2).build().expect("a runtime is built");
    (rt, clock)
}

/// Three tries, a second apart.
fn thrice<E>() -> RetryPolicy<E> {
    RetryPolicy::fixed(SECOND).max_attempts(3)
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "refused")
}

/// Waits until the task waits for its next try, and says how long that is from now.
#[track_caller]
fn waiting<T, P>(task: &Task<T, P>, clock: &ManualClock) -> Duration {
    until(|| task.next_attempt_at().is_some());
    task.next_attempt_at().expect("time stands still") - clock.now()
}

#[track_caller]
fn ended<T: fmt::Debug, P>(mut task: Task<T, P>) -> TaskError {
    task.wait_timeout(HANG).expect("the task ends").expect_err("the task fails")
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Future,
    Closure,
}

const KINDS: [Kind; 2] = [Kind::Future, Kind::Closure];

/// A task that reports its tries, and fails until its try number `good`.
fn trying(rt: &Handle, kind: Kind, policy: RetryPolicy<io::Error>, good: u32) -> Task<u32, u32> {
    let builder = rt.task().retry(policy).progress(64);
    match kind {
        Kind::Future => builder.run(move |mut cx| async move {
            cx.report(cx.attempt());
            if cx.attempt() < good { Err(refused()) } else { Ok(cx.attempt()) }
        }),
        Kind::Closure => builder.run_blocking(move |cx| {
            cx.report(cx.attempt());
            if cx.attempt() < good { Err(refused()) } else { Ok(cx.attempt()) }
        }),
    }
}

/// One of each kind at the same time.
fn both(rt: &Handle, policy: &RetryPolicy<io::Error>, good: u32) -> [Task<u32, u32>; 2] {
    KINDS.map(|kind| trying(rt, kind, policy.clone(), good))
}

/// Lets the wait pass that the task is in, and the next try begin.
#[track_caller]
fn pass<T, P>(task: &Task<T, P>, clock: &ManualClock) {
    let (attempt, wait) = (task.attempt(), waiting(task, clock));
    clock.advance(wait);
    until(|| task.attempt() > attempt);
}

#[test]
fn tries_follow_the_back_off_until_one_succeeds() {
    let (rt, clock) = still();
    let policy = RetryPolicy::exponential(SECOND).max_attempts(9).max_delay(5 * SECOND);
    for kind in KINDS {
        let task = trying(rt.handle(), kind, policy.clone(), 6);
        for (attempt, wait) in [(1, 1), (2, 2), (3, 4), (4, 5), (5, 5)] {
            assert_eq!(waiting(&task, &clock), wait * SECOND);
            assert_eq!((task.attempt(), task.status()), (attempt, Status::Running));
            assert_eq!(task.cancel_handle().next_attempt_at(), task.next_attempt_at());
            // Not a moment too soon.
            clock.advance(wait * SECOND - Duration::from_nanos(1));
            reactor_thread(rt.handle());
            pool_thread(rt.handle());
            assert_eq!(task.attempt(), attempt);
            clock.advance(Duration::from_nanos(1));
            until(|| task.attempt() > attempt);
        }
        until(|| task.is_done());
        assert_eq!(task.next_attempt_at(), None);
        assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6], "one ring for all tries, in order");
        assert_eq!((task.attempt(), settled(task)), (6, 6));
    }
}

/// An error whose destructor panics while there are attempts left.
#[derive(Debug)]
struct Bomb {
    armed: bool,
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bomb")
    }
}

impl Error for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.armed, "the destructor of an error panics");
    }
}

#[test]
fn an_error_whose_drop_panics_uses_up_no_attempts() {
    let rt = offtick::Runtime::new().expect("a runtime is built");
    let policy = || RetryPolicy::<Bomb>::fixed(Duration::ZERO).max_attempts(3);
    let attempt = |attempts: &mut u32| {
        *attempts += 1;
        if *attempts == 3 { Ok(3) } else { Err(Bomb { armed: true }) }
    };
    let mut attempts = 0;
    let future = offtick::retry::retry(policy(), || std::future::ready(attempt(&mut attempts)));
    assert_eq!(offtick::block_on(future).expect("not in a task").ok(), Some(3));
    let mut attempts = 0;
    assert_eq!(offtick::retry::retry_blocking(policy(), || attempt(&mut attempts)).ok(), Some(3));
    let mut attempts = 0;
    let mut closure = rt.task().retry(policy()).run_blocking(move |_cx| attempt(&mut attempts));
    assert_eq!(closure.wait().ok(), Some(3));
    let mut attempts = 0;
    let mut task = rt.task().retry(policy()).run(move |_cx| std::future::ready(attempt(&mut attempts)));
    assert_eq!(task.wait().ok(), Some(3));
    // Errors that ran out of time are dropped in favour of that.
    let clock = offtick::time::Clock::manual();
    let timed = offtick::Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    let slow = policy().attempt_timeout(Duration::from_secs(1));
    let mut attempts = 0;
    let mut closure = timed.task().retry(slow).run_blocking(move |_cx| {
        clock.advance(Duration::from_secs(2));
        attempt(&mut attempts)
    });
    assert_eq!(closure.wait().ok(), Some(3));
}

#[test]
fn when_all_tries_failed_the_error_tells_all() {
    let (rt, clock) = still();
    for kind in KINDS {
        let task = trying(rt.handle(), kind, thrice(), 9);
        pass(&task, &clock);
        pass(&task, &clock);
        let error = ended(task);
        let retry = error.retry_error().expect("the task retried");
        assert_eq!((retry.attempts(), retry.elapsed(), retry.reason()), (3, 2 * SECOND, &StopReason::Attempts));
        assert_eq!(error.downcast_ref::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
        assert_eq!(format!("{:#}", error), "task failed: all 3 attempts failed: refused");
        let TaskError::Failed(boxed) = &error else { panic!("{error:?}") };
        assert!(boxed.source().is_some_and(|source| source.is::<io::Error>()));
    }
}

#[test]
fn a_task_without_a_wait_goes_through_all_its_tries() {
    let rt = common::runtime();
    let policy = RetryPolicy::none().max_attempts(200);
    for task in both(rt.handle(), &policy, 200) {
        assert_eq!(settled(task), 200);
    }
    // The reactor has other work meanwhile: this one never ends by itself.
    let endless =
        rt.task().retry(RetryPolicy::none().max_attempts(u32::MAX)).run(|_| async { Err::<(), _>(refused()) });
    reactor_thread(rt.handle());
    assert!(endless.cancel());
    until(|| endless.is_done());
    let endless = rt.task().retry(RetryPolicy::none().max_attempts(u32::MAX)).run_blocking(|_| Err::<(), _>(refused()));
    until(|| endless.attempt() > 10);
    assert!(endless.cancel());
    assert_eq!(endless.status(), Status::Cancelled);
}

#[test]
fn the_predicate_sees_the_bodys_own_error() {
    let (rt, _clock) = still();
    let policy = thrice().retry_if(|error: &io::Error| error.kind() != io::ErrorKind::ConnectionRefused);
    for task in both(rt.handle(), &policy, 9) {
        let error = ended(task);
        let retry = error.retry_error().expect("the task retried");
        assert_eq!((retry.attempts(), retry.reason()), (1, &StopReason::NotRetryable));
    }
}

#[test]
fn a_wait_that_would_overrun_is_not_begun() {
    let (rt, clock) = still();
    let policy = RetryPolicy::fixed(2 * SECOND).max_attempts(9).max_elapsed(3 * SECOND);
    for kind in KINDS {
        let task = trying(rt.handle(), kind, policy.clone(), 9);
        pass(&task, &clock);
        // Two seconds in, the next try would be at four.
        let error = ended(task);
        let retry = error.retry_error().expect("the task retried");
        assert_eq!((retry.attempts(), retry.elapsed(), retry.reason()), (2, 2 * SECOND, &StopReason::Elapsed));
    }
}

#[test]
fn a_policy_that_is_not_valid_ends_the_task_at_once() {
    let rt = common::runtime();
    let drops = Tally::new();
    let good = || RetryPolicy::<io::Error>::fixed(SECOND).max_attempts(2);
    let bad = [
        (good().max_attempts(0), "max_attempts", "0"),
        (good().multiplier(0.99), "multiplier", "0.99"),
        (good().multiplier(-2.0), "multiplier", "-2"),
        (good().multiplier(f64::NAN), "multiplier", "NaN"),
        (good().multiplier(f64::INFINITY), "multiplier", "inf"),
        (good().jitter(-0.1), "jitter", "-0.1"),
        (good().jitter(1.1), "jitter", "1.1"),
        (good().jitter(f64::NAN), "jitter", "NaN"),
        (good().jitter(f64::INFINITY), "jitter", "inf"),
        (good().max_elapsed(Duration::ZERO), "max_elapsed", "0ns"),
        (good().attempt_timeout(Duration::ZERO), "attempt_timeout", "0ns"),
    ];
    let cases = bad.len();
    for (policy, field, given) in bad {
        let (mine, yours) = (Dropped::new(&drops), Dropped::new(&drops));
        let future: Task<()> = rt.task().retry(policy.clone()).run(move |_| {
            let _kept = &mine;
            async { panic!("it is never run") }
        });
        let closure: Task<()> = rt.task().retry(policy.clone()).run_blocking(move |_| {
            let _kept = &yours;
            panic!("it is never run")
        });
        for task in [future, closure] {
            assert_eq!(task.status(), Status::Error, "at once");
            let error = task.error().and_then(TaskError::downcast_ref::<InvalidSetting>).expect("the typed error");
            assert_eq!((error.setting(), error.given()), (field, given));
        }
        let reason = StopReason::InvalidPolicy(policy.check().expect_err("not valid"));
        let future = block_on(retry(policy.clone(), || async { Ok::<(), _>(()) })).expect_err("not valid");
        let closure = retry_blocking(policy, || Ok::<(), _>(())).expect_err("not valid");
        for error in [future, closure] {
            assert_eq!((error.attempts(), error.reason()), (0, &reason));
        }
    }
    assert_eq!(drops.count(), 2 * cases);
    let extreme = [
        good().max_delay(Duration::ZERO),
        good().base_delay(Duration::MAX).max_delay(Duration::MAX).multiplier(f64::MAX).jitter(1.0),
        good().max_attempts(u32::MAX).max_elapsed(Duration::MAX).attempt_timeout(Duration::MAX),
    ];
    assert!(extreme.iter().all(|policy| policy.check().is_ok()));
}

#[test]
fn a_wait_for_ever_can_be_cancelled() {
    let (rt, clock) = still();
    let policy = RetryPolicy::fixed(Duration::MAX).max_attempts(u32::MAX);
    for kind in KINDS {
        let task = trying(rt.handle(), kind, policy.clone(), 2);
        until(|| rt.metrics().timers == 1);
        clock.advance(SECOND * 3600 * 24 * 365 * 100);
        reactor_thread(rt.handle());
        pool_thread(rt.handle());
        assert_eq!((task.attempt(), task.next_attempt_at()), (1, None), "beyond the end of the clock");
        assert!(task.cancel());
        until(|| task.is_done() && rt.metrics().timers == 0);
    }
}

#[test]
fn an_attempt_that_takes_too_long_is_followed_by_another() {
    let (rt, clock) = still();
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let drops = Tally::new();
    let dropped = drops.clone();
    let policy = thrice::<io::Error>().retry_if(|_| false).on_retry(move |attempt, error, wait| {
        log.lock().unwrap().push((attempt, error.is_timeout(), wait));
    });
    let task = rt.task().retry(policy).attempt_timeout(5 * SECOND).run(move |cx| {
        let guard = Dropped::new(&dropped);
        async move {
            let _guard = guard;
            if cx.attempt() == 1 {
                pending::<()>().await;
            }
            Ok(cx.attempt())
        }
    });
    reactor_thread(rt.handle());
    clock.advance(5 * SECOND);
    assert_eq!(waiting(&task, &clock), SECOND);
    assert_eq!(drops.count(), 1, "the future is dropped at the limit, not after the wait");
    clock.advance(SECOND);
    assert_eq!(settled(task), 2);
    assert_eq!(*told.lock().unwrap(), [(1, true, SECOND)]);
}

#[test]
fn a_closure_is_told_that_its_attempt_is_out_of_time() {
    let (rt, clock) = still();
    let policy = thrice::<BoxError>();
    let attempt = Arc::new(AtomicU32::new(0));
    let began = Arc::clone(&attempt);
    let mut task = rt.task().retry(policy).attempt_timeout(5 * SECOND).progress::<u32>(1).run_blocking(move |cx| {
        began.store(cx.attempt(), Ordering::Release);
        match cx.attempt() {
            // Asks by itself.
            1 => loop {
                cx.check()?;
                std::thread::yield_now();
            },
            // Waits for room in its progress.
            2 => loop {
                cx.send_blocking(2)?;
            },
            // Is not told of what its predecessors were.
            attempt => {
                assert!(!cx.is_cancelled());
                Ok(attempt)
            }
        }
    });
    for expected in [1, 2] {
        until(|| attempt.load(Ordering::Acquire) == expected);
        // Its one place is taken: the next value waits.
        until(|| expected == 1 || task.progress().len() == 1);
        clock.advance(5 * SECOND);
        assert_eq!(waiting(&task, &clock), SECOND);
        clock.advance(SECOND);
    }
    assert_eq!(task.wait_timeout(HANG).expect("ends").expect("the third"), 3);
}

#[test]
fn what_a_closure_returns_too_late() {
    let (rt, clock) = still();
    for late in [Ok(1), Err(refused())] {
        let hold = (Latch::new(), Latch::new());
        let (entered, go) = hold.clone();
        let value = late.is_ok();
        let mut late = Some(late);
        let policy = RetryPolicy::none().attempt_timeout(SECOND);
        let task = rt.task().retry(policy).run_blocking(move |_| {
            entered.open();
            go.wait();
            late.take().expect("one try")
        });
        hold.0.wait();
        clock.advance(SECOND);
        hold.1.open();
        if value {
            assert_eq!(settled(task), 1, "a value is taken, however late");
        } else {
            let error = ended(task);
            let retry = error.retry_error().expect("the task retried");
            assert!(matches!(retry.last(), Some(AttemptError::TimedOut(SECOND))), "{retry:?}");
        }
    }
}

#[test]
fn cancelled_in_the_wait() {
    let (rt, clock) = still();
    let policy = thrice();
    let [future, closure] = both(rt.handle(), &policy, 9);
    waiting(&future, &clock);
    waiting(&closure, &clock);
    // With every thread held, a closure is over all the same: at once.
    let hogs = [Hog::pool(rt.handle()), Hog::pool(rt.handle())];
    assert!(closure.cancel());
    assert_eq!((closure.status(), closure.next_attempt_at()), (Status::Cancelled, None));
    assert!(!closure.cancel());
    hogs.into_iter().for_each(Hog::release);
    assert!(future.cancel());
    until(|| future.is_done());
    assert!(future.error().is_some_and(TaskError::is_cancelled));
    clock.advance(10 * SECOND);
    reactor_thread(rt.handle());
    pool_thread(rt.handle());
    assert_eq!((future.attempt(), closure.attempt()), (1, 1), "no further try");
    until(|| rt.metrics().timers == 0);
}

#[test]
fn dropped_in_the_wait() {
    let (rt, clock) = still();
    let drops = Tally::new();
    let (mine, yours) = (Dropped::new(&drops), Dropped::new(&drops));
    let future = rt.task().retry(thrice()).run(move |_| {
        let _kept = &mine;
        async { Err::<(), _>(refused()) }
    });
    let closure = rt.task().retry(thrice()).run_blocking(move |_| {
        let _kept = &yours;
        Err::<(), _>(refused())
    });
    waiting(&future, &clock);
    waiting(&closure, &clock);
    drop((future, closure));
    drops.wait_for(2);
    until(|| rt.metrics().timers == 0);
}

#[test]
fn detached_in_the_wait() {
    let (rt, clock) = still();
    let tries = Tally::new();
    let policy = thrice().on_retry({
        let tries = tries.clone();
        move |_, _, _| tries.note()
    });
    let [future, closure] = both(rt.handle(), &policy, 3);
    waiting(&future, &clock);
    waiting(&closure, &clock);
    let (other, another) = (future.cancel_handle(), closure.cancel_handle());
    future.detach();
    closure.detach();
    clock.advance(SECOND);
    tries.wait_for(4);
    until(|| other.next_attempt_at().is_some() && another.next_attempt_at().is_some());
    clock.advance(SECOND);
    until(|| other.is_done() && another.is_done());
    assert_eq!((other.status(), another.status()), (Status::Done, Status::Done));
}

#[test]
fn shut_down_in_the_wait() {
    let (rt, clock) = still();
    let [future, closure] = both(rt.handle(), &thrice(), 9);
    waiting(&future, &clock);
    waiting(&closure, &clock);
    let handle = rt.handle().clone();
    let report = rt.shutdown(HANG);
    assert!(report.is_clean(), "{report:?}");
    for task in [&future, &closure] {
        assert_eq!(task.status(), Status::Cancelled);
        assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
    }
    clock.advance(10 * SECOND);
    assert_eq!((future.attempt(), closure.attempt()), (1, 1));
    // And where there is no runtime from the start.
    for task in both(&handle, &thrice(), 1) {
        assert!(matches!(ended(task), TaskError::RuntimeGone));
    }
}

#[test]
fn shut_down_while_a_try_runs() {
    let (rt, _clock) = still();
    let entered = Latch::new();
    let inside = entered.clone();
    let task = rt.task().retry(RetryPolicy::none().max_attempts(u32::MAX)).run_blocking(move |cx| {
        inside.open();
        while !cx.is_cancelled() {
            std::thread::yield_now();
        }
        Err::<(), _>(refused())
    });
    entered.wait();
    assert!(rt.shutdown(HANG).is_clean());
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
    assert_eq!(task.attempt(), 1, "no further try");
}

#[test]
fn the_limit_of_the_whole_task_ends_a_wait() {
    let (rt, clock) = still();
    let future = rt.task().timeout(2 * SECOND).retry(RetryPolicy::fixed(60 * SECOND).max_attempts(3));
    let closure = rt.task().retry(RetryPolicy::fixed(60 * SECOND).max_attempts(3)).timeout(2 * SECOND);
    let future = future.run(|_| async { Err::<(), _>(refused()) });
    let closure = closure.run_blocking(|_| Err::<(), _>(refused()));
    for task in [&future, &closure] {
        assert_eq!(waiting(task, &clock), 60 * SECOND);
    }
    clock.advance(2 * SECOND);
    for task in [future, closure] {
        assert!(matches!(ended(task), TaskError::TimedOut(limit) if limit == 2 * SECOND));
    }
}

#[test]
fn a_waiting_closure_holds_no_thread() {
    let (rt, clock) = still();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            rt.task().retry(thrice()).run_blocking(|cx| match cx.attempt() {
                1 => Err(refused()),
                attempt => Ok(attempt),
            })
        })
        .collect();
    for task in &tasks {
        assert_eq!(waiting(task, &clock), SECOND);
    }
    // Both threads are free.
    pool_thread(rt.handle());
    let hogs = [Hog::pool(rt.handle()), Hog::pool(rt.handle())];
    assert_eq!(rt.tasks().len(), 2, "what waits for its next try is not listed, as what waits for a thread is not");
    hogs.into_iter().for_each(Hog::release);
    clock.advance(SECOND);
    assert!(tasks.into_iter().all(|task| settled(task) == 2));
}

#[test]
fn pending_until_the_first_try_begins() {
    let (rt, _clock) = still();
    let hogs = [Hog::pool(rt.handle()), Hog::pool(rt.handle())];
    let drops = Tally::new();
    let guard = Dropped::new(&drops);
    let task = rt.task().retry(thrice()).run_blocking(move |_| {
        let _kept = &guard;
        Ok::<_, BoxError>(())
    });
    reactor_thread(rt.handle());
    assert_eq!(task.status(), Status::Pending);
    assert!(task.cancel());
    assert_eq!(task.status(), Status::Cancelled);
    hogs.into_iter().for_each(Hog::release);
    drops.wait_for(1);
}

#[test]
fn a_try_that_is_cancelled_is_the_last() {
    let (rt, clock) = still();
    let (entered, go) = (Latch::new(), Latch::new());
    let (inside, gone) = (entered.clone(), go.clone());
    let told = Tally::new();
    let policy = thrice().on_retry({
        let told = told.clone();
        move |_, _, _| told.note()
    });
    let drops = Tally::new();
    let guard = Dropped::new(&drops);
    let task = rt.task().retry(policy).run_blocking(move |_| {
        let _kept = &guard;
        inside.open();
        gone.wait();
        Err::<(), _>(refused())
    });
    entered.wait();
    assert!(task.cancel());
    assert_eq!(task.status(), Status::Cancelled);
    go.open();
    drops.wait_for(1);
    clock.advance(10 * SECOND);
    assert_eq!((told.count(), task.attempt()), (0, 1));
}

#[test]
fn a_panic_is_not_retried() {
    quiet_planned_panics();
    let (rt, clock) = still();
    let future: Task<()> = rt.task().retry(thrice()).run(|cx| async move {
        assert_ne!(cx.attempt(), 2, "planned");
        Err(refused())
    });
    let closure: Task<()> = rt.task().retry(thrice()).run_blocking(|cx| {
        if cx.attempt() == 2 {
            panic!("planned");
        }
        Err(refused())
    });
    let predicate: Task<()> =
        rt.task().retry(thrice().retry_if(|_: &io::Error| panic!("planned"))).run(|_| async { Err(refused()) });
    assert!(ended(predicate).is_panic());
    for task in [&future, &closure] {
        waiting(task, &clock);
    }
    clock.advance(SECOND);
    for task in [future, closure] {
        until(|| task.is_done());
        assert_eq!(task.attempt(), 2);
        assert!(ended(task).is_panic());
    }
}

#[test]
fn a_hook_that_panics_changes_nothing() {
    quiet_planned_panics();
    let rt = common::runtime();
    let policy = RetryPolicy::none().max_attempts(3).on_retry(|_, _, _| panic!("planned"));
    for task in both(rt.handle(), &policy, 3) {
        assert_eq!(settled(task), 3);
    }
}

#[test]
fn a_wait_is_an_update() {
    for kind in KINDS {
        let (rt, _clock) = still();
        let builder = rt.task().retry(thrice());
        // Nothing else raises the flag: it does not end, and reports nothing.
        let task = match kind {
            Kind::Future => builder.run(|_| async { Err::<(), _>(refused()) }),
            Kind::Closure => builder.run_blocking(|_| Err::<(), _>(refused())),
        };
        // One more at the most: for the start.
        until(|| rt.take_update() && task.next_attempt_at().is_some());
    }
}

#[test]
#[cfg(feature = "toolkit")]
fn a_group_keeps_the_place_of_a_task_that_waits() {
    let (rt, clock) = still();
    for blocking in [false, true] {
        let group = offtick::TaskGroup::with_limit(&rt, 1).expect("not zero");
        let builder = group.task().name("first").retry(thrice::<io::Error>()).progress::<u32>(8);
        let first = if blocking {
            builder.run_blocking(|cx| if cx.attempt() < 3 { Err(refused()) } else { Ok(()) })
        } else {
            builder.run(|cx| async move { if cx.attempt() < 3 { Err(refused()) } else { Ok(()) } })
        };
        let second = group.spawn_blocking(|| ());
        for _ in 0..2 {
            waiting(&first, &clock);
            assert_eq!((second.status(), group.progress().pending), (Status::Pending, 1));
            pass(&first, &clock);
        }
        settled(first);
        settled(second);
        // A member cancelled in its wait gives its place back.
        let builder = group.task().retry(thrice::<io::Error>());
        let third = if blocking {
            builder.run_blocking(|_| Err::<(), _>(refused()))
        } else {
            builder.run(|_| async { Err::<(), _>(refused()) })
        };
        waiting(&third, &clock);
        let fourth = group.spawn_blocking(|| ());
        assert!(third.cancel());
        settled(fourth);
        group.wait().expect("this thread may wait");
        assert_eq!((group.progress().done, group.progress().cancelled), (3, 1));
    }
}

#[test]
#[cfg(feature = "toolkit")]
fn a_group_whose_members_wait_shuts_down() {
    let (rt, clock) = still();
    let group = offtick::TaskGroup::with_limit(&rt, 1).expect("not zero");
    let first = group.task().retry(thrice()).run_blocking(|_| Err::<(), _>(refused()));
    let second = group.spawn_blocking(|| ());
    waiting(&first, &clock);
    assert!(rt.shutdown(HANG).is_clean());
    until(|| first.is_done() && second.is_done() && group.is_idle());
    assert!(matches!(second.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn all_tries_share_one_reporter() {
    let rt = common::runtime();
    let mut task = rt.task().progress::<u32>(64).retry(RetryPolicy::none().max_attempts(3)).run_blocking(|cx| {
        assert!(cx.take_reporter().is_none(), "it belongs to all tries");
        let part = cx.shared_reporter().expect("the task has progress");
        cx.report(cx.attempt() * 10);
        part.report(cx.attempt() * 10 + 1);
        if cx.attempt() < 3 { Err("again") } else { Ok(part) }
    });
    let part = task.wait_timeout(HANG).expect("ends").expect("the third");
    part.report(99);
    assert_eq!(task.progress().collect::<Vec<_>>(), [10, 11, 20, 21, 30, 31, 99]);
}

#[test]
fn futures_of_tries_need_not_be_send() {
    let rt = common::runtime();
    let task = rt.task().retry(RetryPolicy::none().max_attempts(2)).run(|cx| {
        let own = std::rc::Rc::new(cx.attempt());
        async move {
            common::yield_once().await;
            if *own == 1 { Err("again") } else { Ok(*own) }
        }
    });
    assert_eq!(settled(task), 2);
}

#[test]
fn the_combinator_goes_by_the_clock_of_its_runtime() {
    let (rt, clock) = still();
    let begun = Tally::new();
    let tries = begun.clone();
    let mut task = rt.spawn(async move {
        retry(thrice(), || {
            tries.note();
            async { Err::<(), _>(refused()) }
        })
        .await
    });
    for attempt in 1..=3 {
        begun.wait_for(attempt);
        if attempt < 3 {
            until(|| rt.metrics().timers == 1);
            assert_eq!(begun.count(), attempt);
            clock.advance(SECOND);
        }
    }
    let error: RetryError<io::Error> = task.wait_timeout(HANG).expect("ends").expect("a value").expect_err("refused");
    assert_eq!((error.attempts(), error.reason()), (3, &StopReason::Attempts));
    assert_eq!(error.last_failure().map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
    // It is an error like any other.
    let boxed: BoxError = error.into();
    assert!(boxed.source().is_some_and(|source| source.is::<io::Error>()));
}

#[test]
fn the_combinator_is_dropped_where_it_waits() {
    let (rt, _clock) = still();
    let drops = Tally::new();
    let guard = Dropped::new(&drops);
    let task = rt.spawn(async move {
        let policy = RetryPolicy::fixed(SECOND).max_attempts(u32::MAX);
        retry(policy, || {
            let _kept = &guard;
            async { Err::<(), _>(()) }
        })
        .await
        .is_ok()
    });
    until(|| rt.metrics().timers == 1);
    drop(task);
    drops.wait_for(1);
    until(|| rt.metrics().timers == 0);
}

#[test]
fn the_combinator_on_a_foreign_executor() {
    let mut tries = 0;
    let policy = RetryPolicy::fixed(Duration::from_millis(1)).max_attempts(4);
    let value = block_on(retry(policy, || {
        tries += 1;
        let good = tries == 4;
        async move { if good { Ok("four") } else { Err(()) } }
    }));
    assert_eq!(value.ok(), Some("four"));
}

#[test]
fn a_retry_that_blocks_is_refused_on_a_reactor() {
    let rt = common::runtime();
    let error = settled(rt.spawn(async { retry_blocking(thrice(), || Ok::<(), ()>(())) })).expect_err("refused");
    assert_eq!((error.attempts(), error.reason()), (0, &StopReason::WouldDeadlock));
}

#[test]
fn a_context_retries_a_part_on_its_runtimes_clock_until_it_is_cancelled() {
    let (rt, clock) = still();
    let tries = Tally::new();
    let tried = tries.clone();
    let task = rt.task().spawn_blocking(move |cx| {
        let part = |_: &mut TaskContext| {
            tried.note();
            Err::<(), _>(refused())
        };
        cx.retry_blocking(thrice(), part).map_err(|error| error.attempts())
    });
    for attempt in 1..=2 {
        tries.wait_for(attempt);
        until(|| rt.metrics().timers == 1);
        assert_eq!(tries.count(), attempt);
        clock.advance(SECOND);
    }
    assert_eq!(settled(task), Err(3));

    let (seen, reason) = (Latch::new(), Arc::new(Mutex::new(None)));
    let (tell, store) = (seen.clone(), Arc::clone(&reason));
    let task = rt.task().spawn_blocking(move |cx| {
        let error = cx.retry_blocking(thrice(), |_| Err::<(), _>(refused())).expect_err("cancelled");
        *store.lock().unwrap() = Some((error.attempts(), error.reason().clone()));
        tell.open();
    });
    until(|| rt.metrics().timers == 1);
    assert!(task.cancel());
    seen.wait();
    assert_eq!(*reason.lock().unwrap(), Some((1, StopReason::Cancelled)));
}

#[test]
fn what_an_error_says() {
    let text = |policy: RetryPolicy<io::Error>| {
        let error = block_on(retry(policy, || async { Err::<(), _>(refused()) })).expect_err("refused");
        format!("{error}: {}", error.source().expect("a cause"))
    };
    let at_once = || RetryPolicy::none().max_attempts(2);
    assert_eq!(text(RetryPolicy::none()), "the only attempt failed: refused");
    assert_eq!(text(at_once()), "all 2 attempts failed: refused");
    assert_eq!(text(at_once().retry_if(|_| false)), "attempt 1 failed with an error that is not retried: refused");
    assert_eq!(text(at_once().jitter(2.0)), "the retry policy is not valid: jitter is 2, but must be between 0 and 1");
    let late = text(at_once().base_delay(SECOND).max_elapsed(Duration::from_millis(1)));
    assert!(late.starts_with("out of time to retry after attempt 1, "), "{late}");
}
