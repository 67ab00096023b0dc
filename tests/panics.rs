//! Panics of user code: what the handle tells, what the hooks are told, and that nothing else is hurt.

mod common;

use common::{
    Dropped, HANG, Hog, OnDrop, Tally, after_hooks, pool_thread, quiet_planned_panics, reactor_thread, settled,
};
use offtick::{Builder, Runtime, Status, Task, TaskError, TaskId};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, RawWaker, RawWakerVTable, Waker};
use std::thread::{self, ThreadId};

/// What a hook was told.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    id: TaskId,
    line: u32,
    status: Status,
    polls: u32,
    text: String,
    thread: ThreadId,
}

/// A runtime that logs its panics and its unhandled errors.
struct Logged {
    rt: Runtime,
    panics: Receiver<Told>,
    unhandled: Receiver<Told>,
}

fn logged() -> Logged {
    quiet_planned_panics();
    let (panicked, panics) = channel();
    let (failed, unhandled) = channel();
    let tell = |info: &offtick::TaskInfo, text: String| Told {
        id: info.id(),
        line: info.location().line(),
        status: info.status(),
        polls: info.polls(),
        text,
        thread: thread::current().id(),
    };
    let rt = Builder::new()
        .blocking_threads(1)
        .on_panic(move |info, panic| {
            assert!(info.location().file().ends_with("panics.rs") && info.name().is_none() && info.attempt() == 1);
            panicked.send(tell(info, panic.message().to_owned())).unwrap();
        })
        .on_unhandled_error(move |info, error| failed.send(tell(info, format!("{error:#}"))).unwrap())
        .build()
        .unwrap();
    Logged { rt, panics, unhandled }
}

impl Logged {
    /// After all that was begun before.
    fn quiet(&self) -> bool {
        reactor_thread(self.rt.handle());
        pool_thread(self.rt.handle());
        after_hooks(self.rt.handle());
        self.panics.try_recv().is_err() && self.unhandled.try_recv().is_err()
    }
}

#[track_caller]
fn here() -> u32 {
    Location::caller().line()
}

fn panicked<T>(task: &mut Task<T>) -> offtick::Panic {
    match task.wait_timeout(HANG).expect("the task ends") {
        Err(TaskError::Panicked(panic)) => panic,
        other => panic!("not a panic: {:?}", other.err()),
    }
}

#[test]
fn the_message_and_the_payload_are_kept() {
    let log = logged();
    let rt = &log.rt;

    let panic = panicked(&mut rt.spawn(async { panic!("planned") }));
    assert_eq!((panic.message(), panic.to_string()), ("planned", "planned".to_owned()));
    let payload = panic.take_payload().expect("the first one gets it");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"planned"));
    assert!(panic.take_payload().is_none());
    assert_eq!(panic.message(), "planned", "the message stays");

    let number = 5;
    let panic = panicked(&mut rt.spawn_blocking(move || panic!("planned {number}")));
    assert_eq!(panic.message(), "planned 5");
    assert!(panic.take_payload().unwrap().downcast::<String>().is_ok());

    let panic = panicked(&mut rt.spawn(async { panic_any(77_u64) }));
    assert_eq!(panic.message(), "a payload that is not text");
    let resumed = catch_unwind(AssertUnwindSafe(|| resume_unwind(panic.take_payload().unwrap())));
    assert_eq!(resumed.unwrap_err().downcast_ref::<u64>(), Some(&77));

    let mut task: Task<()> = rt.spawn(async { panic!("planned") });
    common::until(|| task.is_done());
    assert_eq!(task.status(), Status::Error);
    let error = task.error().unwrap();
    assert!(error.is_panic() && !error.is_cancelled() && !error.is_timeout());
    assert_eq!(format!("{:#}", error), "task panicked: planned");
    assert!(format!("{error:?}").contains("planned"));
    assert!(task.take().unwrap().is_err());
    assert!(task.take().is_none());
}

#[test]
fn a_panic_is_reported_once_on_the_reactor_thread() {
    let log = logged();
    let reactor = reactor_thread(log.rt.handle());

    let line = here() + 1;
    let mut task: Task<()> = log.rt.spawn(async {
        common::yield_once().await;
        panic!("planned future");
    });
    let told = log.panics.recv_timeout(HANG).unwrap();
    let text = "planned future".to_owned();
    assert_eq!(told, Told { id: task.id(), line, status: Status::Running, polls: 2, text, thread: reactor });
    assert!(panicked(&mut task).message().ends_with("future"));

    let line = here() + 1;
    let mut task: Task<()> = log.rt.spawn_blocking(|| panic!("planned closure"));
    let told = log.panics.recv_timeout(HANG).unwrap();
    let text = "planned closure".to_owned();
    assert_eq!(told, Told { id: task.id(), line, status: Status::Running, polls: 1, text, thread: reactor });
    panicked(&mut task);
    drop(task);
    assert!(log.quiet(), "an error that the handle got is handled");
}

#[test]
fn a_destructor_that_panics_ends_the_task_in_error() {
    let log = logged();
    let drops = Tally::new();
    let bomb = || Dropped::panicking(&drops, Some("planned drop"));

    let dropped = bomb();
    let mut done = log.rt.spawn(Holding(Some(dropped), true));
    assert_eq!(panicked(&mut done).message(), "planned drop");
    let dropped = bomb();
    let mut cancelled = log.rt.spawn(Holding(Some(dropped), false));
    reactor_thread(log.rt.handle());
    cancelled.cancel();
    assert_eq!(panicked(&mut cancelled).message(), "planned drop", "a panic is never lost, not even to a cancellation");
    assert_eq!(log.panics.iter().take(2).map(|told| told.id).collect::<Vec<_>>(), [done.id(), cancelled.id()]);
    assert!(log.quiet());
    assert_eq!(drops.count(), 2);
}

/// Ready at once or never, and holds on to what it has until it is dropped.
struct Holding(#[expect(dead_code, reason = "held for its destructor")] Option<Dropped>, bool);

impl Future for Holding {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> std::task::Poll<()> {
        if self.1 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }
}

#[test]
fn the_first_of_two_panics_is_the_one_told() {
    struct Twice;
    impl Future for Twice {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> std::task::Poll<()> {
            panic!("planned first");
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("planned second");
        }
    }
    let log = logged();
    let mut task = log.rt.spawn(Twice);
    assert_eq!(panicked(&mut task).message(), "planned first");
    assert_eq!(log.panics.recv_timeout(HANG).unwrap().text, "planned first");
    assert!(log.quiet());
}

/// A payload whose destructor panics once.
struct Once;

impl Drop for Once {
    fn drop(&mut self) {
        panic_any(1_u8);
    }
}

/// A payload whose destructor panics with another such payload, for ever: whoever drops it must give up and leak it.
/// It has no size, so that the leak is no memory.
struct Endless;

impl Drop for Endless {
    fn drop(&mut self) {
        panic_any(Endless);
    }
}

#[test]
fn payloads_whose_destructors_panic_hurt_nobody() {
    payloads(|| Once);
    payloads(|| Endless);
}

/// Drops such values in the hands of the handle, of the runner and of the canceller.
fn payloads<P: Send + 'static>(make: fn() -> P) {
    let log = logged();
    drop(panicked(&mut log.rt.spawn(async move { panic_any(make()) })));
    drop(panicked(&mut log.rt.spawn_blocking(move || panic_any(make()))));
    let kept: Task<()> = log.rt.spawn(async move { panic_any(make()) });
    reactor_thread(log.rt.handle());
    drop(kept);
    let alone: Task<()> = log.rt.spawn(async move { panic_any(make()) });
    alone.detach();
    let on_drop = OnDrop::new(move || panic_any(make()));
    let torn = log.rt.spawn(async move {
        let _on_drop = on_drop;
        pending::<()>().await;
    });
    reactor_thread(log.rt.handle());
    drop(torn);
    // An output whose destructor panics so.
    let output: Task<P> = log.rt.spawn(async move { make() });
    reactor_thread(log.rt.handle());
    drop(output);
    log.rt.spawn_blocking(make).detach();
    reactor_thread(log.rt.handle());
    pool_thread(log.rt.handle());
}

#[test]
fn unhandled_errors_are_told_once_when_nobody_can_look() {
    let log = logged();
    let reactor = reactor_thread(log.rt.handle());
    let fail = || async { Err::<(), _>(std::io::Error::other("planned")) };

    let hog = Hog::reactor(log.rt.handle());
    let line = here() + 1;
    let task = log.rt.run(fail());
    let id = task.id();
    task.detach();
    hog.release();
    let told = log.unhandled.recv_timeout(HANG).unwrap();
    assert_eq!((told.id, told.line, told.thread, told.status), (id, line, reactor, Status::Error));
    assert_eq!(told.text, "task failed: planned");

    let hog = Hog::pool(log.rt.handle());
    let task: Task<()> = log.rt.run_blocking(|| Err("planned too"));
    let id = task.id();
    task.detach();
    hog.release();
    let told = log.unhandled.recv_timeout(HANG).unwrap();
    assert_eq!((told.id, told.text.as_str()), (id, "task failed: planned too"));

    let hog = Hog::reactor(log.rt.handle());
    let task: Task<()> = log.rt.spawn(async { panic!("planned") });
    let id = task.id();
    task.detach();
    hog.release();
    assert_eq!(log.panics.recv_timeout(HANG).unwrap().id, id);
    assert_eq!(log.unhandled.recv_timeout(HANG).unwrap().text, "task panicked: planned");

    // Over before it is detached: it is reported all the same, and not in this call.
    let mut over = log.rt.run(fail());
    common::until(|| over.is_done());
    let id = over.id();
    over.detach();
    let told = log.unhandled.recv_timeout(HANG).unwrap();
    assert_eq!((told.id, told.thread, told.status), (id, reactor, Status::Error));

    // Dropped unread.
    let unread = log.rt.run(fail());
    common::until(|| unread.is_done());
    let id = unread.id();
    drop(unread);
    assert_eq!(log.unhandled.recv_timeout(HANG).unwrap().id, id);

    // None of these is unhandled: taken, read, cancelled, well.
    over = log.rt.run(fail());
    common::until(|| over.is_done());
    assert!(over.take().is_some_and(|result| result.is_err()));
    over.detach();
    let kept = log.rt.run(fail());
    common::until(|| kept.is_done());
    assert!(kept.error().is_some());
    drop(kept);
    drop(log.rt.spawn(pending::<()>()));
    log.rt.spawn(async {}).detach();
    assert!(log.quiet());
}

#[test]
fn hooks_that_panic_cost_their_own_call_only() {
    quiet_planned_panics();
    let calls = Tally::new();
    let (one, two, three) = (calls.clone(), calls.clone(), calls.clone());
    let rt = Builder::new()
        .on_update(move || {
            one.note();
            panic!("planned")
        })
        .on_panic(move |_, _| {
            two.note();
            panic_any(Endless)
        })
        .on_unhandled_error(move |_, _| {
            three.note();
            panic!("planned")
        })
        .build()
        .unwrap();
    for round in 1..=5 {
        rt.take_update();
        let before = calls.count();
        let task: Task<()> = rt.spawn(async { panic!("planned") });
        common::until(|| task.is_done());
        assert_eq!(task.status(), Status::Error);
        drop(task);
        let closure: Task<()> = rt.spawn_blocking(|| panic!("planned"));
        common::until(|| closure.is_done());
        drop(closure);
        let hog = Hog::reactor(rt.handle());
        rt.run(async { Err::<(), _>("planned") }).detach();
        hog.release();
        reactor_thread(rt.handle());
        after_hooks(rt.handle());
        assert!(calls.count() >= before + 3, "round {round}");
        assert_eq!(settled(rt.spawn_blocking(move || round)), round);
    }
}

#[test]
fn a_foreign_waker_that_panics_when_cloned_leaves_the_task_whole() {
    fn clone(_: *const ()) -> RawWaker {
        panic!("planned clone")
    }
    fn nothing(_: *const ()) {}
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, nothing, nothing, nothing);

    let log = logged();
    let hog = Hog::reactor(log.rt.handle());
    let mut task = log.rt.spawn(async { 6 });
    #[allow(unsafe_code, reason = "a table of functions that do nothing keeps the contract of a waker")]
    // SAFETY: no function of the table touches its data.
    let waker = unsafe { Waker::new(std::ptr::null(), &TABLE) };
    for _ in 0..2 {
        let poll = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut task).poll(&mut Context::from_waker(&waker))));
        assert!(poll.is_err(), "it is the waiter's own panic");
    }
    hog.release();
    assert_eq!(settled(task), 6);
}

#[test]
fn many_panics_leave_the_threads_alive() {
    let log = logged();
    let (reactor, pool) = (reactor_thread(log.rt.handle()), pool_thread(log.rt.handle()));
    let mut tasks: Vec<Task<()>> = Vec::new();
    for _ in 0..200 {
        tasks.push(log.rt.spawn(async { panic!("planned") }));
        tasks.push(log.rt.spawn_blocking(|| panic!("planned")));
    }
    for task in &mut tasks {
        panicked(task);
    }
    after_hooks(log.rt.handle());
    assert_eq!(log.panics.try_iter().count(), 400);
    assert_eq!((reactor_thread(log.rt.handle()), pool_thread(log.rt.handle())), (reactor, pool));
}
