//! Ticks of a runtime without a thread: order, rounds, budgets, and what goes wrong. Traces, no time but where it says so.

mod common;

use common::{Dropped, PLANNED, Signal, Tally, quiet_planned_panics, yield_once};
use offtick::time::sleep;
use offtick::{Budget, LocalBuilder, LocalRuntime, Priority, Runtime, Status, TaskError, TickError, TickReport};
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// What happened, in order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn note(&self, event: impl Into<String>) {
        self.0.borrow_mut().push(event.into());
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

fn local() -> LocalRuntime {
    LocalRuntime::new().expect("a runtime")
}

#[track_caller]
fn tick(rt: &LocalRuntime, budget: Budget) -> TickReport {
    rt.tick(budget).expect("not nested")
}

#[track_caller]
fn all(rt: &LocalRuntime) -> TickReport {
    tick(rt, Budget::unlimited())
}

/// Wakes itself for ever, and notes each poll.
async fn restless(name: &'static str, trace: Trace) {
    loop {
        trace.note(name);
        yield_once().await;
    }
}

#[test]
fn futures_and_results_need_not_be_send() {
    let rt = local();
    let shared = Rc::new(RefCell::new(vec![1]));
    let theirs = Rc::clone(&shared);
    let mut task = rt.spawn(async move {
        yield_once().await;
        theirs.borrow_mut().push(2);
        theirs
    });
    assert_eq!(task.status(), Status::Pending);
    all(&rt);
    let back = task.take().expect("over").expect("well");
    assert!(Rc::ptr_eq(&back, &shared));
    assert_eq!(*shared.borrow(), [1, 2]);
}

#[test]
fn an_error_that_is_not_looked_at_is_told() {
    let unhandled = Tally::new();
    let told = unhandled.clone();
    let rt = LocalBuilder::new().on_unhandled_error(move |_, _| told.note()).build().expect("a runtime");
    rt.run(async { Err::<Rc<()>, _>("no") }).detach();
    all(&rt);
    assert_eq!(unhandled.count(), 1);
}

#[test]
fn what_the_host_spawns_runs_in_order_whichever_handle_it_takes() {
    let (rt, trace) = (local(), Trace::default());
    let tally = Tally::new();
    let mut tasks = Vec::new();
    for name in ["a", "b", "c"] {
        let trace = trace.clone();
        tasks.push(rt.spawn(async move { trace.note(name) }));
        let tally = tally.clone();
        tasks.push(rt.handle().spawn(async move { tally.note() }));
    }
    let report = tick(&rt, Budget::polls(3));
    assert_eq!((report.polled, report.left_ready, tally.count()), (3, 3, 1));
    assert_eq!(trace.take(), ["a", "b"]);
    let report = all(&rt);
    assert_eq!((report.polled, report.left_ready, tally.count()), (3, 0, 3));
    assert_eq!(trace.take(), ["c"]);
    assert!(report.is_idle());
    assert_eq!(report.next_deadline, None);
}

#[test]
fn a_round_runs_what_was_ready_and_a_task_that_wakes_itself_runs_behind_it() {
    let (rt, trace) = (local(), Trace::default());
    let _x = rt.spawn(restless("x", trace.clone()));
    let _y = rt.spawn(restless("y", trace.clone()));
    assert_eq!(tick(&rt, Budget::polls(5)).polled, 5);
    let late = trace.clone();
    let _late = rt.spawn(async move { late.note("late") });
    assert_eq!(trace.take(), ["x", "y", "x", "y", "x"]);
    let report = tick(&rt, Budget::polls(5));
    assert_eq!(report.left_ready, 2);
    // Taken in at the start of the tick, behind the two that were left.
    assert_eq!(trace.take(), ["y", "x", "late", "y", "x"]);
}

#[test]
fn an_unlimited_tick_ends_after_its_rounds() {
    let (rt, trace) = (local(), Trace::default());
    let _x = rt.spawn(restless("x", trace.clone()));
    let report = all(&rt);
    assert_eq!((report.polled, report.left_ready), (64, 1));
    assert!(!report.is_idle());
    assert_eq!(trace.take().len(), 64);
}

#[test]
fn a_chain_of_wakes_ends_in_one_tick() {
    let rt = local();
    let mut last = rt.spawn(async { 0 });
    for _ in 0..60 {
        let before = last;
        last = rt.spawn(async move { before.await.map_or(0, |depth| depth + 1) });
    }
    assert!(all(&rt).is_idle());
    assert!(matches!(last.result(), Some(Ok(60))));
}

#[test]
fn run_until_stalled_has_no_bound_of_rounds() {
    let rt = local();
    let task = rt.spawn(async {
        for _ in 0..1000 {
            yield_once().await;
        }
    });
    let report = rt.run_until_stalled().expect("not nested");
    assert_eq!((report.polled, report.left_ready), (1001, 0));
    assert!(task.is_done());
}

#[test]
fn a_budget_of_zero_polls_nothing_and_counts_what_waits() {
    let (rt, trace) = (local(), Trace::default());
    let waker = Tally::new();
    let woken = waker.clone();
    let _x = rt.spawn(restless("x", trace.clone()));
    let _y = rt.spawn(async move { woken.note() });
    for zero in [Budget::polls(0), Budget::time(Duration::ZERO), Budget::polls(9).and(Budget::time(Duration::ZERO))] {
        let report = tick(&rt, zero);
        assert_eq!((report.polled, report.fired, report.left_ready), (0, 0, 2));
        assert!(!report.is_idle());
    }
    assert_eq!(rt.metrics().polls, 0);
    assert_eq!(trace.take(), [""; 0]);
    assert_eq!(tick(&rt, Budget::polls(2)).polled, 2);
    assert_eq!(waker.count(), 1);
}

#[test]
fn time_is_looked_at_after_each_poll() {
    /// Far more than the budget.
    const LONG: Duration = Duration::from_micros(50);
    let rt = local();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            rt.spawn(async {
                let began = Instant::now();
                while began.elapsed() < LONG {}
            })
        })
        .collect();
    let budget = Budget::time(Duration::from_nanos(1));
    for done in 1..=3 {
        let report = tick(&rt, budget);
        assert_eq!((report.polled, report.left_ready), (1, 3 - done));
        assert!(report.overrun >= LONG - Duration::from_nanos(1), "{:?}", report.overrun);
        assert_eq!(tasks.iter().filter(|task| task.is_done()).count(), done);
    }
    assert_eq!(tick(&rt, budget).overrun, Duration::ZERO);
}

#[test]
fn whichever_limit_comes_first_ends_the_tick() {
    let (rt, trace) = (local(), Trace::default());
    let _x = rt.spawn(restless("x", trace));
    let polls = Budget::polls(7);
    assert_eq!(tick(&rt, polls.and(Budget::time(Duration::from_secs(3600)))).polled, 7);
    assert_eq!(tick(&rt, Budget::time(Duration::from_nanos(1)).and(Budget::polls(1_000_000))).left_ready, 1);
    assert_eq!(Budget::polls(3).and(Budget::polls(2)).poll_limit(), Some(2));
    assert_eq!(Budget::default(), Budget::unlimited());
}

#[test]
fn a_tick_inside_a_tick_is_refused_and_changes_nothing() {
    let clock = offtick::time::Clock::manual();
    let rt = Rc::new(LocalBuilder::new().clock(clock.clone()).build().expect("a runtime"));
    let theirs = Rc::clone(&rt);
    let mut task = rt.spawn(async move {
        [
            theirs.tick(Budget::unlimited()).err(),
            theirs.tick(Budget::polls(0)).err(),
            theirs.advance(Duration::from_secs(1), Budget::unlimited()).err(),
            theirs.tick_at(Instant::now() + Duration::from_secs(1), Budget::unlimited()).err(),
            theirs.run_until_stalled().err(),
            theirs.run_until(async {}).err(),
        ]
    });
    let report = all(&rt);
    assert_eq!(report.polled, 1);
    assert_eq!(task.take().expect("over").expect("well"), [Some(TickError::Nested); 6]);
    assert_eq!((clock.elapsed(), clock.backward_moves()), (Duration::ZERO, 0));
}

#[test]
fn a_runtime_may_tick_another_one_and_each_keeps_its_own() {
    let (outer, trace) = (local(), Trace::default());
    let inner = local();
    let (noted, spawner) = (trace.clone(), outer.local_handle().clone());
    let task = outer.spawn(async move {
        let theirs = noted.clone();
        let part = inner.spawn(async move { theirs.note("inner") });
        let sleeper = inner.spawn(async { sleep(Duration::from_secs(3600)).await });
        inner.tick(Budget::unlimited()).expect("another runtime");
        assert!(part.is_done());
        assert_eq!(inner.metrics().timers, 1);
        assert_eq!(inner.run_until(pending::<()>()).err(), Some(TickError::WouldDeadlock));
        let theirs = noted.clone();
        // After the nested tick, this thread drives the outer one again.
        spawner.spawn(async move { theirs.note("outer") }).detach();
        drop(inner);
        assert!(matches!(sleeper.error(), Some(TaskError::RuntimeGone)));
        noted.note("done");
    });
    all(&outer);
    assert_eq!(trace.take(), ["inner", "done", "outer"]);
    assert!(matches!(task.result(), Some(Ok(()))));
}

#[test]
fn a_panic_ends_its_own_task_only() {
    quiet_planned_panics();
    let panics = Tally::new();
    let told = panics.clone();
    let rt = LocalBuilder::new().on_panic(move |_, _| told.note()).build().expect("a runtime");
    let bad = rt.spawn(async {
        yield_once().await;
        panic!("{PLANNED}");
    });
    let good = rt.spawn(async {
        yield_once().await;
        Rc::new(1)
    });
    let report = all(&rt);
    assert_eq!((report.polled, report.left_ready, panics.count()), (4, 0, 1));
    assert!(matches!(bad.result(), Some(Err(TaskError::Panicked(_)))) && matches!(good.result(), Some(Ok(_))));
}

#[test]
fn a_panic_of_the_future_waited_for_is_the_hosts_and_the_runtime_goes_on() {
    quiet_planned_panics();
    let rt = local();
    let waits = std::panic::AssertUnwindSafe(|| rt.run_until(async { panic!("{PLANNED}") }));
    assert!(std::panic::catch_unwind(waits).is_err());
    let task = rt.spawn(async { 1 });
    assert_eq!(rt.run_until(task).expect("not nested").expect("well"), 1);
}

#[test]
fn run_until_sleeps_until_another_thread_wakes_it() {
    let (rt, signal) = (local(), Signal::new());
    let (theirs, parked) = (signal.clone(), rt.handle().clone());
    let giver = thread::spawn(move || {
        common::until(|| parked.metrics().parks > 0);
        theirs.give();
    });
    rt.run_until(signal.given()).expect("not nested");
    giver.join().expect("gives");
}

#[test]
fn a_thread_that_drives_does_not_wait_for_itself() {
    let rt = local();
    let mut task = rt.spawn(async { 1 });
    let mut closure = rt.spawn_blocking(|| 2);
    assert!(matches!(task.wait(), Err(TaskError::WouldDeadlock)));
    assert!(matches!(closure.wait(), Err(TaskError::WouldDeadlock) | Ok(2)));
    // Another thread may.
    let waiter = thread::spawn(move || task.wait());
    while !waiter.is_finished() {
        all(&rt);
        thread::yield_now();
    }
    assert_eq!(waiter.join().expect("waits").expect("well"), 1);
}

#[test]
fn handles_on_other_threads_spawn_wake_and_cancel() {
    let rt = local();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let waits = rt.spawn(async move {
        let _dropped = dropped;
        pending::<()>().await;
    });
    let signal = Signal::new();
    let theirs = signal.clone();
    let woken = rt.spawn(async move { theirs.given().await });
    all(&rt);
    let handle = rt.handle().clone();
    let spawned = thread::spawn(move || {
        waits.cancel();
        signal.give();
        handle.spawn(async { thread::current().id() })
    });
    let mut spawned = spawned.join().expect("spawns");
    assert_eq!((drops.count(), woken.is_done(), spawned.is_done()), (0, false, false));
    assert_eq!(all(&rt).polled, 3);
    assert!(woken.is_done());
    let here = thread::current().id();
    assert_eq!(drops.threads(), [here], "a future is dropped on its own thread");
    assert_eq!(spawned.take().expect("over").expect("well"), here);
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_its_tasks() {
    let rt = local();
    let drops = Tally::new();
    let (first, second) = (Dropped::new(&drops), Dropped::new(&drops));
    let running = rt.spawn(async move {
        let _first = first;
        pending::<Rc<()>>().await
    });
    let asleep = rt.spawn(sleep(Duration::from_secs(3600)));
    all(&rt);
    let waiting = rt.spawn(async move { drop(second) });
    let (handle, local) = (rt.handle().clone(), rt.local_handle().clone());
    let report = rt.shutdown(Duration::from_secs(60));
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(drops.threads(), [thread::current().id(); 2]);
    assert!(matches!(running.error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(waiting.error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(asleep.error(), Some(TaskError::RuntimeGone)));
    assert!(handle.is_closed());
    for over in [handle.spawn(async {}), local.spawn(async {}), local.task().spawn(|_| async {})] {
        assert!(matches!(over.error(), Some(TaskError::RuntimeGone)));
    }
    assert!(matches!(local.spawn(async { Rc::new(1) }).error(), Some(TaskError::RuntimeGone)));
    assert!(local.tasks().is_empty());
}

#[test]
fn a_task_that_owns_its_runtime_cannot_end_it_in_a_tick() {
    let rt = Rc::new(local());
    let theirs = Rc::clone(&rt);
    let task = rt.spawn(async move { drop(theirs) });
    Rc::clone(&rt).tick(Budget::unlimited()).expect("not nested");
    assert!(task.is_done());
    let rt = Rc::into_inner(rt).expect("the task gave its own back");
    assert!(rt.shutdown(Duration::ZERO).reactor_stopped);
}

#[test]
fn a_future_that_spawns_as_it_is_dropped_ends_with_the_runtime() {
    let rt = local();
    let spawner = rt.local_handle().clone();
    let late = Rc::new(RefCell::new(None));
    let theirs = Rc::clone(&late);
    let at_drop = common::OnDrop::new(move || *theirs.borrow_mut() = Some(spawner.spawn(async {})));
    let _task = rt.spawn(async move {
        let _at_drop = at_drop;
        pending::<()>().await;
    });
    all(&rt);
    drop(rt);
    let late = late.take().expect("spawned");
    assert!(matches!(late.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn a_runtime_in_a_thread_local_ends_with_its_thread() {
    thread_local! {
        static LOCAL: RefCell<Option<LocalRuntime>> = const { RefCell::new(None) };
    }
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let task = thread::spawn(move || {
        let rt = local();
        let task = rt.spawn(async move {
            let _dropped = dropped;
            pending::<()>().await;
        });
        all(&rt);
        LOCAL.with(|slot| slot.replace(Some(rt)));
        task
    });
    let task = task.join().expect("no panic as the thread ends");
    assert_eq!(drops.count(), 1);
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn tasks_are_listed_by_the_host_and_by_others() {
    let rt = local();
    let _a = rt.task().name("a").spawn(|_| pending::<Rc<()>>());
    let _b = rt.handle().task().name("b").spawn(|_| pending::<()>());
    let names = |tasks: offtick::TaskList| -> Vec<String> {
        tasks.iter().map(|task| task.name().unwrap_or("-").to_owned()).collect()
    };
    assert_eq!(names(rt.tasks()), ["a", "b"]);
    assert!(rt.handle().tasks().is_empty(), "nothing is published yet");
    let (handle, done) = (rt.handle().clone(), Tally::new());
    let theirs = done.clone();
    let asker = thread::spawn(move || {
        let listed = common::listed(&handle);
        theirs.note();
        listed
    });
    while done.count() == 0 {
        all(&rt);
        thread::yield_now();
    }
    assert_eq!(names(asker.join().expect("asks")), ["a", "b"]);
}

#[test]
fn without_threads_a_closure_is_refused() {
    let rt = LocalBuilder::new().blocking_refused().build().expect("a runtime");
    let task = rt.spawn_blocking(|| 1);
    let error = task.error().expect("over").downcast_ref::<std::io::Error>().expect("an error of the system's kind");
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let refused = rt.try_spawn_blocking(|| 2).expect_err("no threads");
    assert!(matches!(refused, offtick::TrySpawnError::NoThread(..)));
    assert_eq!(refused.into_inner()(), 2);
    assert_eq!(rt.metrics().blocking_threads, 0);
    assert!(rt.shutdown(Duration::ZERO).is_clean());
    assert!(LocalBuilder::new().blocking_threads(70_000).build().is_err());
}

#[test]
fn closures_run_on_threads_and_tell_the_tick() {
    let rt = local();
    let mut task = rt.task().progress::<u8>(4).run_blocking(|cx| {
        cx.report(1);
        Ok::<_, offtick::Cancelled>(thread::current().id())
    });
    let there = rt.run_until(async { (&mut task).await }).expect("not nested").expect("well");
    assert_ne!(there, thread::current().id());
    assert_eq!(task.latest(), Some(1));
    assert!(rt.take_update());
}

#[test]
#[cfg(feature = "toolkit")]
fn groups_sets_and_managers_run_on_it() {
    let rt = local();
    let group = offtick::TaskGroup::new(rt.handle());
    let grouped = group.spawn(async { 1 });
    let manager = offtick::TaskManager::new(rt.handle());
    let managed = manager.spawn(async { 2 });
    let mut set = offtick::TaskSet::new();
    set.insert("rc", rt.spawn(async { Rc::new(3) }));
    rt.run_until_stalled().expect("not nested");
    assert!(matches!(grouped.result(), Some(Ok(1))));
    assert!(matches!(managed.result(), Some(Ok(2))));
    let finished: Vec<_> = set.drain_finished().collect();
    assert!(matches!(&finished[..], [("rc", Ok(three))] if **three == 3));
}

#[test]
fn the_builder_takes_what_is_not_send() {
    let clock = offtick::time::Clock::manual();
    let rt = LocalBuilder::new().clock(clock.clone()).build().expect("a runtime");
    let tries = Rc::new(RefCell::new(0));
    let theirs = Rc::clone(&tries);
    let policy = offtick::RetryPolicy::fixed(Duration::from_secs(1)).max_attempts(3);
    let task = rt.task().retry(policy).run(move |_| {
        let tries = Rc::clone(&theirs);
        async move {
            *tries.borrow_mut() += 1;
            if *tries.borrow() < 3 { Err("busy") } else { Ok(tries) }
        }
    });
    let limited = rt.task().timeout(Duration::from_secs(5)).spawn(|_| pending::<Rc<()>>());
    let wrong = rt.task().progress::<u8>(0).spawn(|_| async { Rc::new(1) });
    assert!(matches!(wrong.error(), Some(TaskError::Failed(_))));
    all(&rt);
    assert_eq!(*tries.borrow(), 1);
    rt.advance(Duration::from_secs(2), Budget::unlimited()).expect("not nested");
    assert!(matches!(task.result(), Some(Ok(tries)) if *tries.borrow() == 3));
    rt.advance(Duration::from_secs(3), Budget::unlimited()).expect("not nested");
    assert!(matches!(limited.error(), Some(TaskError::TimedOut(_))));
}

#[test]
fn a_reactor_thread_may_hold_one() {
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.task().spawn(|_| async {
        let inner = local();
        let part = inner.spawn(async { Rc::new(5) });
        inner.tick(Budget::unlimited()).expect("not nested");
        let refused = inner.run_until(pending::<()>()).err();
        (matches!(part.result(), Some(Ok(five)) if **five == 5), refused)
    });
    assert_eq!(task.wait().expect("well"), (true, Some(TickError::WouldDeadlock)));
}

#[test]
fn a_foreign_waker_in_the_way_does_no_harm() {
    // Wakes from inside a poll, of a task that is not ready, through a waker that was kept.
    let rt = local();
    let kept = Rc::new(RefCell::new(None));
    let theirs = Rc::clone(&kept);
    let mut polls = 0;
    let sleeper = rt.spawn(poll_fn(move |cx| {
        polls += 1;
        *theirs.borrow_mut() = Some(cx.waker().clone());
        if polls == 2 { Poll::Ready(polls) } else { Poll::Pending }
    }));
    all(&rt);
    let waker = kept.borrow().clone();
    let _waker = rt.spawn(async move { waker.expect("polled once").wake() });
    assert_eq!(all(&rt).polled, 2);
    assert!(matches!(sleeper.result(), Some(Ok(2))));
}

#[test]
fn the_more_urgent_task_goes_first() {
    let (rt, trace) = (local(), Trace::default());
    let _tasks = [Priority::Background, Priority::UserVisible, Priority::UserBlocking].map(|priority| {
        let trace = trace.clone();
        rt.task().priority(priority).spawn(move |_| async move { trace.note(format!("{priority:?}")) })
    });
    all(&rt);
    assert_eq!(trace.take(), ["UserBlocking", "UserVisible", "Background"]);
}

/// It is no task, and has a task's budget for what is ready at once, in each poll anew.
#[test]
fn the_future_waited_for_never_runs_out_of_operations() {
    let rt = local();
    let waits = rt.run_until(async {
        let mut waits = 0;
        for _ in 0..1000 {
            let mut nothing = std::pin::pin!(sleep(Duration::ZERO));
            poll_fn(|cx| {
                let polled = nothing.as_mut().poll(cx);
                waits += u32::from(polled.is_pending());
                assert!(waits < 1000, "it is refused for ever");
                polled
            })
            .await;
        }
        waits
    });
    // Now and then it lets the tasks run.
    assert!(waits.is_ok_and(|waits| waits > 0));
}

#[test]
fn where_the_future_waited_for_yields_to_is_not_where_a_task_goes() {
    let rt = local();
    let trace = Trace::default();
    let tasks = ["a", "b"].map(|name| {
        let trace = trace.clone();
        rt.spawn(async move {
            trace.note(name);
            yield_once().await;
            trace.note(name);
        })
    });
    let over = rt.run_until(async {
        offtick::queue::yield_at(0).await;
        for task in tasks {
            task.await.expect("it ends");
        }
    });
    assert_eq!(over, Ok(()));
    assert_eq!(trace.take(), ["a", "b", "a", "b"]);
}
