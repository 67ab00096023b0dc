//! The truth table of `cancel`: each state, each kind of task, asked from each kind of thread, once and twice.

mod common;

use common::{Counted, Dropped, HANG, Hog, Latch, Signal, Tally, narrow, pool_thread, reactor_thread, settled};
use offtick::{Builder, CancelHandle, LocalRuntime, Runtime, Status, Task, TaskError};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

/// The kinds of threads that may cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Host,
    Foreign,
    Reactor,
    Pool,
}

const EVERYWHERE: [Caller; 4] = [Caller::Host, Caller::Foreign, Caller::Reactor, Caller::Pool];

/// Two hogs, so that both engines are held and errands run on their threads.
struct Held {
    reactor: Hog,
    pool: Hog,
}

impl Held {
    fn both(rt: &Runtime) -> Self {
        Self { reactor: Hog::reactor(rt.handle()), pool: Hog::pool(rt.handle()) }
    }

    /// Cancels twice from the thread named.
    fn cancel_twice(&self, from: Caller, control: CancelHandle) -> [bool; 2] {
        let ask = move || [control.cancel(), control.cancel()];
        match from {
            Caller::Host => ask(),
            Caller::Foreign => thread::spawn(ask).join().expect("cancelling does not panic"),
            Caller::Reactor => self.reactor.run(ask),
            Caller::Pool => self.pool.run(ask),
        }
    }

    fn release(self) {
        self.reactor.release();
        self.pool.release();
    }
}

fn cancelled<T>(task: &Task<T>) -> bool {
    task.status() == Status::Cancelled && task.is_done() && task.error().is_some_and(TaskError::is_cancelled)
}

#[test]
fn a_pending_future_ends_at_once_and_is_never_polled() {
    let rt = narrow();
    for from in EVERYWHERE {
        let held = Held::both(&rt);
        let (polls, drops) = (Tally::new(), Tally::new());
        let task = rt.spawn(Counted::new(&polls, &drops, |_: &mut Context<'_>, _| Poll::Ready(())));
        assert_eq!((task.status(), task.is_done()), (Status::Pending, false));
        assert!(task.result().is_none());
        assert_eq!(held.cancel_twice(from, task.cancel_handle()), [true, false], "{from:?}");
        assert!(cancelled(&task), "{from:?}: at once, with the reactor held");
        assert_eq!(drops.count(), 0, "{from:?}: the body waits for its own thread");
        let reactor = held.reactor.thread();
        held.release();
        drops.wait_for(1);
        reactor_thread(rt.handle());
        assert_eq!((polls.count(), drops.threads()), (0, vec![reactor]), "{from:?}");
        assert!(cancelled(&task), "{from:?}: for good");
    }
}

#[test]
fn a_pending_closure_ends_at_once_and_never_runs() {
    let rt = narrow();
    for from in EVERYWHERE {
        let held = Held::both(&rt);
        let (runs, drops) = (Tally::new(), Tally::new());
        let (ran, dropped) = (runs.clone(), Dropped::new(&drops));
        let task = rt.spawn_blocking(move || {
            ran.note();
            drop(dropped);
        });
        assert_eq!(task.status(), Status::Pending);
        assert_eq!(held.cancel_twice(from, task.cancel_handle()), [true, false], "{from:?}");
        assert!(cancelled(&task), "{from:?}: at once, with the pool held");
        let pool = held.pool.thread();
        held.release();
        drops.wait_for(1);
        pool_thread(rt.handle());
        assert_eq!((runs.count(), drops.threads()), (0, vec![pool]), "{from:?}");
    }
}

#[test]
fn a_running_future_is_dropped_at_its_suspension_point() {
    let rt = narrow();
    for from in EVERYWHERE {
        let (polls, drops) = (Tally::new(), Tally::new());
        let task = rt.spawn(Counted::new(&polls, &drops, |_: &mut Context<'_>, _| Poll::<()>::Pending));
        polls.wait_for(1);
        let held = Held::both(&rt);
        // The reactor is held, so the future cannot be dropped between the two calls.
        assert_eq!(held.cancel_twice(from, task.cancel_handle()), [true, true], "{from:?}");
        assert_eq!(task.status(), Status::Running, "{from:?}: its thread has not come to it");
        assert_eq!(drops.count(), 0, "{from:?}: never dropped by the canceller");
        let reactor = held.reactor.thread();
        held.release();
        let mut task = task;
        assert!(task.wait().is_err_and(|error| error.is_cancelled()), "{from:?}");
        assert_eq!((polls.count(), drops.threads()), (1, vec![reactor]), "{from:?}");
        assert!(!task.cancel(), "{from:?}: over");
    }
}

#[test]
fn a_running_closure_is_cancelled_at_once_and_its_late_value_is_dropped() {
    let rt = Builder::new().blocking_threads(2).build().expect("a runtime is built");
    for from in EVERYWHERE {
        let held = Held::both(&rt);
        let (drops, values) = (Tally::new(), Tally::new());
        let (entered, seen) = channel();
        let (dropped, value, go) = (Dropped::new(&drops), Dropped::new(&values), Latch::new());
        let gate = go.clone();
        let task = rt.spawn_blocking(move || {
            entered.send(thread::current().id()).ok();
            gate.wait();
            drop(dropped);
            value
        });
        let own = seen.recv_timeout(HANG).expect("the closure starts");
        assert_eq!(task.status(), Status::Running);
        assert_eq!(held.cancel_twice(from, task.cancel_handle()), [true, false], "{from:?}");
        assert!(cancelled(&task), "{from:?}: at once, with the closure in its gate");
        assert_eq!((drops.count(), values.count()), (0, 0), "{from:?}: the closure is still at it");
        go.open();
        values.wait_for(1);
        assert_eq!((drops.threads(), values.threads()), (vec![own], vec![own]), "{from:?}");
        assert!(cancelled(&task), "{from:?}: a late value changes nothing");
        held.release();
    }
}

#[test]
fn a_task_that_is_over_refuses() {
    let rt = narrow();
    type End = (Status, fn(&Runtime, bool) -> Task<u8>);
    let ends: [End; 4] = [
        (Status::Done, |rt, blocking| if blocking { rt.spawn_blocking(|| 7) } else { rt.spawn(async { 7 }) }),
        (Status::Error, |rt, blocking| {
            let error = || std::io::Error::other("no");
            if blocking { rt.run_blocking(move || Err(error())) } else { rt.run(async move { Err(error()) }) }
        }),
        (Status::Error, |rt, blocking| {
            common::quiet_planned_panics();
            if blocking { rt.spawn_blocking(|| panic!("planned")) } else { rt.spawn(async { panic!("planned") }) }
        }),
        (Status::Cancelled, |rt, blocking| {
            let hog = if blocking { Hog::pool(rt.handle()) } else { Hog::reactor(rt.handle()) };
            let task = if blocking { rt.spawn_blocking(|| 7) } else { rt.spawn(async { 7 }) };
            assert!(task.cancel());
            hog.release();
            task
        }),
    ];
    for from in EVERYWHERE {
        for blocking in [false, true] {
            for (status, make) in ends {
                let task = make(&rt, blocking);
                common::until(|| task.is_done());
                let message = task.error().map(ToString::to_string);
                let held = Held::both(&rt);
                assert_eq!(held.cancel_twice(from, task.cancel_handle()), [false, false], "{from:?} {status}");
                held.release();
                assert!(!task.cancel(), "{from:?} {status}");
                assert_eq!(task.status(), status, "{from:?}");
                assert_eq!(task.error().map(ToString::to_string), message, "{from:?} {status}: the end is the end");
            }
        }
    }
}

/// The control of a task, for the task itself.
#[derive(Clone, Default)]
struct Own(Arc<Mutex<Option<CancelHandle>>>, Latch);

impl Own {
    fn put<T>(&self, task: &Task<T>) {
        *self.0.lock().expect("not poisoned") = Some(task.cancel_handle());
        self.1.open();
    }

    fn take(&self) -> CancelHandle {
        self.1.wait();
        self.0.lock().expect("not poisoned").take().expect("put before")
    }
}

#[test]
fn a_future_cancels_itself_and_returns_pending() {
    let rt = narrow();
    let (own, polls, drops) = (Own::default(), Tally::new(), Tally::new());
    let me = own.clone();
    let (answers, seen) = channel();
    let mut task = rt.spawn(Counted::new(&polls, &drops, move |_: &mut Context<'_>, _| {
        let control = me.take();
        answers.send(([control.cancel(), control.cancel()], control.status())).ok();
        Poll::<()>::Pending
    }));
    own.put(&task);
    assert_eq!(seen.recv_timeout(HANG), Ok(([true, true], Status::Running)), "not before its suspension point");
    assert!(task.wait().is_err_and(|error| error.is_cancelled()));
    assert_eq!((polls.count(), drops.threads()), (1, vec![reactor_thread(rt.handle())]));
}

#[test]
fn a_future_cancels_itself_and_returns_a_value() {
    let rt = narrow();
    let (own, polls, drops, values) = (Own::default(), Tally::new(), Tally::new(), Tally::new());
    let (me, value) = (own.clone(), Dropped::new(&values));
    let mut value = Some(value);
    let mut task = rt.spawn(Counted::new(&polls, &drops, move |_: &mut Context<'_>, _| {
        assert!(me.take().cancel());
        Poll::Ready(value.take())
    }));
    own.put(&task);
    assert!(task.wait().is_err_and(|error| error.is_cancelled()), "true was answered, so cancelled it is");
    let reactor = reactor_thread(rt.handle());
    assert_eq!((drops.threads(), values.threads()), (vec![reactor], vec![reactor]));
}

#[test]
fn a_closure_cancels_itself() {
    let rt = narrow();
    let (own, values) = (Own::default(), Tally::new());
    let (me, value) = (own.clone(), Dropped::new(&values));
    let (answers, seen) = channel();
    let task = rt.spawn_blocking(move || {
        let control = me.take();
        answers.send(([control.cancel(), control.cancel()], control.status())).ok();
        value
    });
    own.put(&task);
    assert_eq!(seen.recv_timeout(HANG), Ok(([true, false], Status::Cancelled)));
    assert!(cancelled(&task));
    let pool = pool_thread(rt.handle());
    assert_eq!(values.threads(), [pool]);
}

#[test]
fn a_sleeping_future_is_woken_only_to_be_dropped() {
    let rt = narrow();
    let (polls, drops, signal) = (Tally::new(), Tally::new(), Signal::new());
    let waits = signal.clone();
    let task = rt.spawn(Counted::new(&polls, &drops, move |cx: &mut Context<'_>, _| waits.poll(cx)));
    polls.wait_for(1);
    assert!(task.cancel());
    drops.wait_for(1);
    signal.give();
    reactor_thread(rt.handle());
    assert_eq!((polls.count(), drops.count()), (1, 1), "a wake after the end does nothing");
    assert!(cancelled(&task));
}

#[test]
fn dropping_the_handle_cancels_in_each_state() {
    let rt = narrow();
    let (polls, drops) = (Tally::new(), Tally::new());
    let body = |polls: &Tally| Counted::new(polls, &drops, |_: &mut Context<'_>, _| Poll::<()>::Pending);

    let hog = Hog::reactor(rt.handle());
    drop(rt.spawn(body(&polls)));
    hog.release();
    drops.wait_for(1);
    assert_eq!(polls.count(), 0);

    let task = rt.spawn(body(&polls));
    polls.wait_for(1);
    drop(task);
    drops.wait_for(2);
    assert_eq!(polls.count(), 1);
    assert_eq!(drops.threads(), [reactor_thread(rt.handle()); 2]);
}

#[test]
fn a_detached_task_runs_to_its_end() {
    let rt = narrow();
    let (ends, signal) = (Tally::new(), Signal::new());
    let (ended, waits) = (ends.clone(), signal.clone());
    rt.spawn(async move {
        waits.given().await;
        ended.note();
    })
    .detach();
    let ended = ends.clone();
    rt.spawn_blocking(move || ended.note()).detach();
    ends.wait_for(1);
    signal.give();
    ends.wait_for(2);
}

#[test]
fn a_detached_task_can_still_be_cancelled_by_its_control() {
    let rt = narrow();
    let (polls, drops) = (Tally::new(), Tally::new());
    let task = rt.spawn(Counted::new(&polls, &drops, |_: &mut Context<'_>, _| Poll::<()>::Pending));
    let control = task.cancel_handle();
    task.detach();
    polls.wait_for(1);
    assert!(control.cancel());
    drops.wait_for(1);
    reactor_thread(rt.handle());
    assert_eq!(control.status(), Status::Cancelled);
    assert!(!control.cancel());
}

/// On 32-bit systems too: the count of references does not share one machine word with the flags.
#[test]
fn a_task_has_a_million_cancel_handles() {
    let rt = LocalRuntime::new().unwrap();
    let task = rt.spawn(std::future::pending::<()>());
    let handles = vec![task.cancel_handle(); 1_000_000];
    assert!(handles.iter().all(|handle| handle.status() == Status::Pending));
    assert!(handles[999_999].cancel());
    assert_eq!(task.status(), Status::Cancelled);
}

/// Cancellers race the end: each task ends once, in a state that fits what the cancellers were told.
#[test]
fn racing_cancellers_agree_with_the_end() {
    let rt = narrow();
    for round in 0..300 {
        let task = if round % 2 == 0 { rt.spawn(common::yield_once()) } else { rt.spawn_blocking(|| ()) };
        let told: Vec<bool> = thread::scope(|scope| {
            let control = || task.cancel_handle();
            let racers: Vec<_> = (0..2).map(|_| control()).map(|c| scope.spawn(move || c.cancel())).collect();
            racers.into_iter().map(|racer| racer.join().expect("cancelling does not panic")).collect()
        });
        let mut task = task;
        let over = task.wait();
        assert_eq!(over.is_err(), told.contains(&true), "a task is cancelled exactly if someone was told so");
        assert_eq!(task.status(), if over.is_ok() { Status::Done } else { Status::Cancelled });
    }
    settled(rt.spawn(async {}));
}
