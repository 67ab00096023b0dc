//! Eager starts: what runs at once and where, what is kept, and where it ends.

mod common;

use common::{
    Dropped, HANG, Log, Signal, Tally, inside, on_reactor, quiet_planned_panics, reactor_thread, runtime, settled,
};
use offtick::queue::yield_at;
use offtick::time::{Clock, sleep};
use offtick::{Builder, Handle, Runtime, Task, TaskError, eager, yield_now};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

#[test]
fn a_future_that_need_not_wait_is_over_at_once_and_on_this_thread() {
    let rt = runtime();
    let mut task = rt.spawn_eager(async { thread::current().id() });
    assert!(task.is_done());
    assert_eq!(task.wait().unwrap(), thread::current().id());
    assert_eq!(rt.metrics().spawned, 0, "no executor has seen it");
    assert!(rt.take_update(), "but it is news");
    let reactor = reactor_thread(rt.handle());
    let own = inside(rt.handle(), |rt| async move {
        let mut task = rt.spawn_eager(async { thread::current().id() });
        task.take().expect("over at once").unwrap()
    });
    assert_eq!(own, reactor);
}

#[test]
fn the_rest_runs_on_the_reactor_thread() {
    let (rt, go) = (runtime(), Signal::new());
    let reactor = reactor_thread(rt.handle());
    let wait = go.clone();
    let task = rt.spawn_eager(async move {
        let first = thread::current().id();
        wait.given().await;
        (first, thread::current().id())
    });
    assert!(!task.is_done());
    go.give();
    assert_eq!(settled(task), (thread::current().id(), reactor));
}

#[test]
fn a_wake_during_the_first_part_is_not_lost() {
    let rt = runtime();
    for _ in 0..50 {
        let mut polls = 0;
        let task = rt.spawn_eager(poll_fn(move |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
        }));
        assert_eq!(settled(task), 3);
    }
    let polls = inside(rt.handle(), |rt| async move {
        let mut polls = 0;
        let task = rt.spawn_eager(poll_fn(move |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
        }));
        task.await.unwrap()
    });
    assert_eq!(polls, 3);
}

/// Ready once it was told; registers the waker of its first poll and no other.
struct Registered(Arc<(AtomicBool, Mutex<Option<Waker>>)>);

impl Future for Registered {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.0.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        self.0.1.lock().unwrap().get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    }
}

#[test]
fn a_waker_of_the_first_part_wakes_the_task() {
    let rt = runtime();
    for by_a_task in [false, true] {
        let told: Arc<(AtomicBool, Mutex<Option<Waker>>)> = Arc::default();
        let future = Registered(Arc::clone(&told));
        let task =
            if by_a_task { on_reactor(rt.handle(), |rt| rt.spawn_eager(future)) } else { rt.spawn_eager(future) };
        // Taken over by the reactor and asleep there.
        reactor_thread(rt.handle());
        assert!(!task.is_done());
        told.0.store(true, Ordering::SeqCst);
        told.1.lock().unwrap().take().expect("registered").wake();
        settled(task);
    }
}

#[test]
fn panics_and_errors_of_the_first_part_are_kept() {
    quiet_planned_panics();
    let rt = runtime();
    let first = |rt: &Handle| {
        let mut panicked: Task<()> = rt.spawn_eager(async { panic!("planned: at once") });
        let mut failed: Task<()> = rt.run_eager(async { "nine".parse::<u8>().map(drop) });
        let mut done: Task<u8> = rt.run_eager(async { "9".parse::<u8>() });
        assert!(panicked.is_done() && failed.is_done() && done.is_done());
        assert!(
            matches!(panicked.take(), Some(Err(TaskError::Panicked(panic))) if panic.message() == "planned: at once")
        );
        assert!(failed.take().unwrap().unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
        assert_eq!(done.take().unwrap().unwrap(), 9);
    };
    first(rt.handle());
    inside(rt.handle(), move |rt| async move { first(&rt) });
    let late: Task<()> = rt.spawn_eager(async {
        yield_now().await;
        panic!("planned: later")
    });
    let mut late = late;
    assert!(late.wait_timeout(HANG).unwrap().unwrap_err().is_panic());
}

#[test]
fn the_task_is_listed_during_its_first_part() {
    let rt = runtime();
    inside(rt.handle(), |rt| async move {
        let inner = rt.clone();
        let task = rt.spawn_eager(async move { inner.tasks().len() });
        assert_eq!(task.await.unwrap(), 2, "the caller and the task itself");
        assert_eq!(rt.tasks().len(), 1);
    });
}

#[test]
fn timers_of_the_first_part_are_those_of_the_runtime() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let task = rt.spawn_eager(async { sleep(Duration::from_secs(5)).await });
    common::until(|| rt.metrics().timers == 1);
    clock.advance(Duration::from_secs(5));
    settled(task);
    // Also where the thread drives another runtime.
    let (other, handle) = (runtime(), rt.handle().clone());
    let task = on_reactor(other.handle(), move |_| handle.spawn_eager(async { sleep(Duration::from_secs(5)).await }));
    common::until(|| rt.metrics().timers == 1);
    assert_eq!(other.metrics().timers, 0);
    clock.advance(Duration::from_secs(5));
    settled(task);
}

#[test]
fn what_a_task_asked_for_itself_is_put_back() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let others: Vec<_> = (0..3)
            .map(|n| {
                let log = log.clone();
                rt.spawn(async move { log.push(n.to_string()) })
            })
            .collect();
        let mut children = Vec::new();
        let mut asked = std::pin::pin!(yield_at(1));
        poll_fn(|cx| {
            if asked.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let inner = log.clone();
            children.push(rt.spawn_eager(async move {
                yield_at(0).await; // its own place, not its caller's
                inner.push("child");
            }));
            assert!(eager::run_now(yield_at(0)).is_err());
            drop(eager::start(yield_at(0)));
            Poll::Pending
        })
        .await;
        log.push("me");
        for task in others.into_iter().chain(children) {
            task.await.unwrap();
        }
    });
    assert_eq!(seen.text(), "child me 0 1 2");
}

#[test]
fn deep_starts_become_plain_ones() {
    fn nest(rt: Handle, log: Log, depth: u32) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            log.push(depth.to_string());
            if depth > 0 {
                let inner = rt.spawn_eager(nest(rt.clone(), log.clone(), depth - 1));
                log.push(if inner.is_done() { "done" } else { "left" });
                inner.await.unwrap();
            }
        })
    }
    for from_outside in [true, false] {
        let (rt, log) = (runtime(), Log::new());
        let seen = log.clone();
        if from_outside {
            settled(rt.spawn_eager(nest(rt.handle().clone(), log, 100)));
        } else {
            inside(rt.handle(), move |rt| rt.spawn_eager(nest(rt.clone(), log, 100))).unwrap();
        }
        let text = seen.text();
        let first: Vec<_> = text.split(' ').take_while(|event| *event != "left").collect();
        assert_eq!(first, (37..=100).rev().map(|n| n.to_string()).collect::<Vec<_>>(), "64 are started at once");
        assert!(text.split(' ').any(|event| event == "0"), "the others run all the same");
    }
}

#[test]
fn at_the_depth_limit_nothing_is_lost() {
    fn within(depth: u32, f: &mut dyn FnMut()) {
        if depth == 0 {
            return f();
        }
        eager::run_now(async { within(depth - 1, f) }).expect("it does not wait");
    }
    let mut ran = false;
    within(64, &mut || {
        ran = true;
        let refused = eager::run_now(async { 5 }).expect_err("too deep to start");
        assert_eq!(offtick::block_on(refused.into_inner()).unwrap(), 5);
        let started = eager::start(async { 6 });
        assert!(started.is_blocked());
        assert_eq!(offtick::block_on(started).unwrap(), 6);
    });
    assert!(ran);
    assert_eq!(eager::run_now(async { 7 }).unwrap(), 7, "and it is shallow again");
}

#[test]
fn a_panic_leaves_the_depth_as_it_was() {
    quiet_planned_panics();
    for _ in 0..200 {
        let caught = std::panic::catch_unwind(|| eager::run_now(async { panic!("planned") }).is_ok());
        assert!(caught.is_err());
    }
    assert!(!eager::start(async {}).is_blocked());
}

#[test]
fn a_started_future_is_continued_elsewhere() {
    let rt = runtime();
    let here = thread::current().id();
    let reactor = reactor_thread(rt.handle());
    let started = eager::start(async {
        let first = thread::current().id();
        yield_now().await;
        (first, thread::current().id())
    });
    assert!(started.is_blocked());
    assert_eq!(format!("{started:?}"), "Started { blocked: true, .. }");
    assert_eq!(settled(rt.spawn(started)), (here, reactor));
}

#[test]
fn a_started_future_that_is_through_gives_its_value() {
    let over = eager::start(async { String::from("value") });
    assert!(!over.is_blocked());
    assert_eq!(over.into_output().unwrap(), "value");
    assert_eq!(offtick::block_on(eager::start(async { 3 })).unwrap(), 3);
    let waits = eager::start(pending::<()>()).into_output().unwrap_err();
    assert!(waits.is_blocked());
}

#[test]
fn a_panic_of_a_started_future_goes_on_where_its_value_is_taken() {
    quiet_planned_panics();
    let drops = Tally::new();
    let panicking = |drops: &Tally| {
        let guard = Dropped::new(drops);
        eager::start(async move {
            let _guard = guard;
            if true {
                panic!("planned");
            }
        })
    };
    let started = panicking(&drops);
    assert!(!started.is_blocked());
    assert_eq!(drops.count(), 1);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| started.into_output().is_ok())).is_err());
    let rt = runtime();
    let mut task = rt.spawn(panicking(&drops));
    assert!(task.wait_timeout(HANG).unwrap().unwrap_err().is_panic());
    drop(panicking(&drops));
    assert_eq!(drops.count(), 3);
}

#[test]
fn a_started_future_is_dropped_with_what_holds_it() {
    let drops = Tally::new();
    let guard = Dropped::new(&drops);
    let started = eager::start(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    assert_eq!(drops.count(), 0);
    drop(started);
    assert_eq!(drops.count(), 1);
}

#[test]
fn run_now_gives_back_what_waits() {
    let rest = eager::run_now(async {
        let first = 1;
        yield_now().await;
        first + 1
    });
    let rest = rest.expect_err("it waits");
    assert_eq!(rest.to_string(), "the future waits for something; await it, or spawn it");
    assert_eq!(offtick::block_on(rest.into_inner()).unwrap(), 2);
}

#[test]
fn a_runtime_that_is_gone_starts_nothing() {
    let (rt, drops) = (runtime(), Tally::new());
    let handle = rt.handle().clone();
    drop(rt);
    let guard = Dropped::new(&drops);
    let mut task = handle.spawn_eager(async move {
        drop(guard);
        panic!("not to be polled");
    });
    assert!(matches!(task.take(), Some(Err::<(), _>(TaskError::RuntimeGone))));
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_runtime_that_goes_during_the_first_part_ends_the_task() {
    let drops = Tally::new();
    let (guard, rt) = (Dropped::new(&drops), runtime());
    let handle = rt.handle().clone();
    let mut rt = Some(rt);
    let mut task = handle.spawn_eager(async move {
        let _guard = guard;
        drop(rt.take());
        pending::<()>().await;
    });
    assert!(matches!(task.take(), Some(Err(TaskError::RuntimeGone))));
    assert_eq!(drops.threads(), [thread::current().id()], "it never left this thread");
}

#[test]
fn a_runtime_that_goes_in_its_own_eager_task_ends_it() {
    let (drops, rt) = (Tally::new(), runtime());
    let handle = rt.handle().clone();
    let reactor = reactor_thread(rt.handle());
    let guard = Dropped::new(&drops);
    let kept: Arc<Mutex<Option<Runtime>>> = Arc::new(Mutex::new(Some(rt)));
    let task: Arc<Mutex<Option<Task<()>>>> = Arc::default();
    let inner = Arc::clone(&task);
    handle
        .task()
        .spawn({
            let handle = handle.clone();
            move |_cx| async move {
                *inner.lock().unwrap() = Some(handle.spawn_eager(async move {
                    let _guard = guard;
                    let rt = kept.lock().unwrap().take();
                    drop(rt);
                    pending::<()>().await;
                }));
            }
        })
        .detach();
    drops.wait_for(1);
    assert_eq!(drops.threads(), [reactor]);
    common::until(|| task.lock().unwrap().as_ref().is_some_and(Task::is_done));
    let error = task.lock().unwrap().as_mut().unwrap().take().unwrap().unwrap_err();
    assert!(matches!(error, TaskError::RuntimeGone), "{error}");
}

#[test]
fn a_task_dropped_right_away_is_cancelled_on_its_thread() {
    let (rt, drops) = (runtime(), Tally::new());
    let reactor = reactor_thread(rt.handle());
    for _ in 0..100 {
        let guard = Dropped::new(&drops);
        drop(rt.spawn_eager(async move {
            let _guard = guard;
            pending::<()>().await;
        }));
    }
    drops.wait_for(100);
    assert!(drops.threads().iter().all(|thread| *thread == reactor));
}

#[test]
fn a_built_task_starts_at_once_inside_its_runtime_only() {
    let rt = runtime();
    let reactor = reactor_thread(rt.handle());
    let first = |rt: &Handle| {
        rt.task().name("eager").progress::<u8>(4).timeout(HANG).run_eager(|mut cx| async move {
            let here = std::rc::Rc::new(thread::current().id()); // not `Send`
            cx.report(1);
            yield_now().await;
            cx.report(2);
            Ok::<_, offtick::BoxError>(*here)
        })
    };
    let mut outside = first(rt.handle());
    assert_eq!(outside.wait().unwrap(), reactor);
    let mut inner = on_reactor(rt.handle(), move |rt| {
        let task = first(&rt);
        assert_eq!((task.latest(), task.name()), (Some(1), Some("eager")));
        task
    });
    assert_eq!(inner.wait().unwrap(), reactor);
    assert_eq!(inner.latest(), Some(2));
    let cancelled = on_reactor(rt.handle(), |rt| {
        let inner = rt.clone();
        rt.task().spawn_eager(move |cx| async move {
            let cx_id = cx.id();
            let own = inner.tasks().into_iter().find(|task| task.id() == cx_id).expect("listed");
            assert_eq!(own.polls(), 1);
            pending::<()>().await;
        })
    });
    assert!(cancelled.cancel());
}

#[test]
fn yields_are_passed_over_up_to_the_limit_and_waits_are_not() {
    let yields = |count: usize| async move {
        for _ in 0..count {
            offtick::yield_now().await;
        }
        count
    };
    assert_eq!(eager::run_through_yields(yields(3), 3).ok(), Some(3));
    let rest = eager::run_through_yields(yields(4), 3).expect_err("one yield too many").into_inner();
    assert_eq!(offtick::block_on(rest).ok(), Some(4), "it goes on where it stood");
    assert!(eager::run_through_yields(yields(1), 0).is_err());
    assert!(eager::run_through_yields(std::future::pending::<()>(), 3).is_err());
    // Inside a task, where yields have places in the queue of another future.
    let rt = offtick::Runtime::new().expect("a runtime is built");
    let mut task = rt.spawn(async move { eager::run_through_yields(yields(2), 2).ok() });
    assert_eq!(task.wait().ok(), Some(Some(2)));
}
