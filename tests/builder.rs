//! Tasks made by the builder: names, contexts, cancellation of closures, futures that are not `Send`, end hooks.

mod common;

use common::{
    Dropped, HANG, Hog, Latch, OnDrop, Tally, after_hooks, narrow, pool_thread, quiet_planned_panics, reactor_thread,
    runtime, settled, yield_once,
};
use offtick::{Builder, Cancelled, Status, Task, TaskError, TaskInfo};
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

#[test]
fn a_name_is_seen_everywhere() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let rt = Builder::new()
        .on_panic(move |info, _| log.lock().unwrap().push((info.id(), info.name().map(str::to_owned))))
        .build()
        .unwrap();
    quiet_planned_panics();
    let task = rt.task().name("import").spawn(|cx| async move {
        assert_eq!((cx.name(), cx.attempt()), (Some("import"), 1));
        pending::<()>().await;
    });
    reactor_thread(rt.handle());
    assert_eq!((task.name(), task.cancel_handle().name(), task.attempt()), (Some("import"), Some("import"), 1));
    let listed: Vec<_> =
        common::listed(rt.handle()).iter().map(|info| (info.id(), info.name().map(str::to_owned))).collect();
    assert_eq!(listed, [(task.id(), Some("import".to_owned()))]);
    assert!(format!("{task:?}").contains("import"));
    assert_eq!(task.share().name(), Some("import"));

    let bad: Task<()> = rt.task().name(String::from("bad")).spawn_blocking(|_| panic!("planned"));
    common::until(|| bad.is_done());
    after_hooks(rt.handle());
    assert_eq!(*seen.lock().unwrap(), [(bad.id(), Some("bad".to_owned()))]);
    assert_eq!(rt.task().name("").spawn(|_| async {}).name(), Some(""));
    assert_eq!(rt.task().spawn(|_| async {}).name(), None);
}

#[test]
fn the_context_knows_its_task() {
    let rt = runtime();
    let future = rt.task().spawn(|cx| async move { cx.id() });
    let closure = rt.task().spawn_blocking(|cx| cx.id());
    assert_eq!((future.id(), closure.id()), (future.cancel_handle().id(), closure.cancel_handle().id()));
    let ids = (future.id(), closure.id());
    assert_eq!((settled(future), settled(closure)), ids);
}

#[test]
fn the_four_verbs() {
    let rt = runtime();
    assert_eq!(settled(rt.task().spawn(|_| async { 1 })), 1);
    assert_eq!(settled(rt.task().run(|_| async { Ok::<_, std::io::Error>(2) })), 2);
    assert_eq!(settled(rt.task().spawn_blocking(|_| 3)), 3);
    assert_eq!(settled(rt.task().run_blocking(|_| Ok::<_, std::io::Error>(4))), 4);
    let mut failed: Task<()> = rt.task().run(|_| async { Err("five") });
    assert_eq!(format!("{:#}", failed.wait().unwrap_err()), "task failed: five");
    let mut failed: Task<()> = rt.task().run_blocking(|_| Err("six"));
    assert_eq!(format!("{:#}", failed.wait().unwrap_err()), "task failed: six");
    assert_eq!(failed.status(), Status::Error);
}

#[test]
fn a_future_is_built_polled_and_dropped_on_the_reactor_thread_and_need_not_be_send() {
    let rt = runtime();
    let reactor = reactor_thread(rt.handle());
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let task = rt.task().spawn(move |_| {
        assert_eq!(thread::current().id(), reactor, "built there");
        let shared = Rc::new(RefCell::new((0, dropped)));
        async move {
            let other = Rc::clone(&shared);
            for _ in 0..10 {
                yield_once().await;
                other.borrow_mut().0 += 1;
            }
            shared.borrow().0
        }
    });
    assert_eq!(settled(task), 10);
    reactor_thread(rt.handle());
    assert_eq!(drops.threads(), [reactor]);

    // Dropped while it sleeps, by a cancellation and by the end of the runtime.
    let sleeper = || {
        let dropped = Dropped::new(&drops);
        rt.task().spawn(move |_| {
            let held = Rc::new(dropped);
            async move {
                pending::<()>().await;
                drop(held);
            }
        })
    };
    let (cancelled, left) = (sleeper(), sleeper());
    reactor_thread(rt.handle());
    assert!(cancelled.cancel());
    drops.wait_for(2);
    assert!(rt.shutdown(HANG).is_clean());
    assert_eq!(drops.threads(), [reactor; 3]);
    assert!(matches!(left.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn a_future_that_is_never_built_is_no_future() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let (built, drops) = (Tally::new(), Tally::new());
    let (builds, dropped) = (built.clone(), Dropped::new(&drops));
    let task = rt.task().spawn(move |_| {
        builds.note();
        async move { drop(dropped) }
    });
    assert!(task.cancel());
    let reactor = hog.thread();
    hog.release();
    drops.wait_for(1);
    assert_eq!((built.count(), drops.threads()), (0, vec![reactor]));
}

#[test]
fn a_panic_while_the_future_is_built_is_the_panic_of_the_task() {
    quiet_planned_panics();
    let rt = runtime();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let mut task = rt.task().spawn(move |_| {
        let _dropped = dropped;
        if thread::current().name().is_some() {
            panic!("planned");
        }
        async {}
    });
    assert!(task.wait().is_err_and(|error| format!("{error:#}") == "task panicked: planned"));
    assert_eq!(drops.count(), 1);
    settled(rt.spawn(async {}));
}

#[test]
fn a_closure_sees_its_cancellation() {
    type End = fn(Task<()>, offtick::Runtime) -> Option<offtick::Runtime>;
    let ways: [(&str, End); 4] = [
        ("cancel", |task, rt| {
            assert!(task.cancel());
            assert_eq!(task.status(), Status::Cancelled);
            Some(rt)
        }),
        ("control", |task, rt| {
            assert!(task.cancel_handle().cancel());
            task.detach();
            Some(rt)
        }),
        ("drop", |task, rt| {
            drop(task);
            Some(rt)
        }),
        ("shutdown", |task, rt| {
            assert!(rt.shutdown(HANG).is_clean(), "a closure that looks ends in time");
            assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
            None
        }),
    ];
    for (way, end) in ways {
        let rt = narrow();
        let (entered, seen) = channel();
        let (told, tells) = channel();
        let task = rt.task().run_blocking(move |cx| {
            assert!(cx.check().is_ok() && !cx.is_cancelled());
            entered.send(()).ok();
            while cx.check().is_ok() {
                thread::yield_now();
            }
            told.send((cx.check(), cx.is_cancelled())).ok();
            cx.check()
        });
        seen.recv_timeout(HANG).unwrap();
        let rt = end(task, rt);
        assert_eq!(tells.recv_timeout(HANG), Ok((Err(Cancelled), true)), "{way}");
        if let Some(rt) = rt {
            pool_thread(rt.handle());
        }
    }
}

#[test]
fn the_end_hook_is_called_once_at_every_kind_of_end() {
    quiet_planned_panics();
    let rt = narrow();
    let (told, tells) = channel();
    let hook = || {
        let told = told.clone();
        move |info: &TaskInfo| {
            told.send((info.id(), info.status(), thread::current().id())).ok();
        }
    };
    let reactor = reactor_thread(rt.handle());
    let next = || tells.recv_timeout(HANG).unwrap();

    let task = rt.task().on_end(hook()).spawn(|_| async {});
    assert_eq!(next(), (task.id(), Status::Done, reactor));
    let task = rt.task().on_end(hook()).spawn_blocking(|_| ());
    assert_eq!(next(), (task.id(), Status::Done, reactor));
    let task: Task<()> = rt.task().on_end(hook()).run(|_| async { Err("no") });
    assert_eq!(next(), (task.id(), Status::Error, reactor));
    let task: Task<()> = rt.task().on_end(hook()).spawn_blocking(|_| panic!("planned"));
    assert_eq!(next(), (task.id(), Status::Error, reactor));

    let hogs = (Hog::reactor(rt.handle()), Hog::pool(rt.handle()));
    let task = rt.task().on_end(hook()).spawn(|_| async {});
    assert!(task.cancel());
    let closure = rt.task().on_end(hook()).spawn_blocking(|_| ());
    assert!(closure.cancel());
    assert!(tells.try_recv().is_err(), "not in the call, and the reactor is held");
    hogs.0.release();
    assert_eq!(next(), (task.id(), Status::Cancelled, reactor));
    assert_eq!(next(), (closure.id(), Status::Cancelled, reactor));
    hogs.1.release();

    let task = rt.task().on_end(hook()).spawn(|_| pending::<()>());
    reactor_thread(rt.handle());
    let id = task.id();
    drop(task);
    assert_eq!(next(), (id, Status::Cancelled, reactor));
    let latch = Latch::new();
    let gate = latch.clone();
    let task = rt.task().on_end(hook()).spawn_blocking(move |_| gate.wait());
    common::until(|| task.status() == Status::Running);
    let id = task.id();
    drop(task);
    assert_eq!(next(), (id, Status::Cancelled, reactor));
    latch.open();

    let detached = rt.task().on_end(hook()).spawn(|_| async {});
    let id = detached.id();
    detached.detach();
    assert_eq!(next(), (id, Status::Done, reactor));
    let task = rt.task().on_end(hook()).spawn(|_| pending::<()>());
    reactor_thread(rt.handle());
    pool_thread(rt.handle());
    let handle = rt.handle().clone();
    drop(rt);
    assert_eq!(next(), (task.id(), Status::Cancelled, reactor));
    let task = handle.task().on_end(hook()).spawn(|_| async {});
    let (id, status, thread) = next();
    assert_eq!((id, status), (task.id(), Status::Cancelled));
    assert!(thread != reactor && thread != thread::current().id(), "on a thread for what comes after the end");
    assert!(tells.try_recv().is_err(), "once each");
}

#[test]
fn an_end_hook_may_panic_spawn_and_look() {
    quiet_planned_panics();
    let rt = runtime();
    let (handle, done) = (rt.handle().clone(), Tally::new());
    let (noted, inner) = (done.clone(), done.clone());
    let _task = rt
        .task()
        .on_end(move |_| {
            handle.spawn(async move { inner.note() }).detach();
            handle.tasks();
            noted.note();
            panic!("planned")
        })
        .spawn(|_| async {});
    done.wait_for(2);
    settled(rt.spawn(async {}));
}

#[test]
fn what_the_builder_holds_is_dropped_where_the_runtime_is_gone() {
    let rt = runtime();
    let handle = rt.handle().clone();
    drop(rt);
    let drops = Tally::new();
    let (first, second, hook) = (Dropped::new(&drops), Dropped::new(&drops), Dropped::new(&drops));
    let future = handle.task().name("late").on_end(move |_| drop(hook)).spawn(move |_| async move { drop(first) });
    let closure = handle.task().spawn_blocking(move |_| drop(second));
    assert!(matches!(future.error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(closure.error(), Some(TaskError::RuntimeGone)));
    drops.wait_for(3);
    assert_eq!(future.name(), Some("late"));
}

#[test]
fn the_default_runtime_is_one_for_the_process() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(|| {
                let handle = offtick::runtime().unwrap();
                settled(handle.spawn(async { thread::current().id() }))
            })
        })
        .collect();
    let seen: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(seen.iter().all(|other| *other == seen[0]));
}

#[test]
fn block_on_drives_a_future_on_this_thread_and_refuses_reactors() {
    let rt = runtime();
    let here = thread::current().id();
    let value = offtick::block_on(async {
        let far = rt.spawn(async { thread::current().id() }).await.unwrap();
        (far != here, thread::current().id() == here)
    });
    assert_eq!(value.unwrap(), (true, true));
    let hog = Hog::reactor(rt.handle());
    let drops = Tally::new();
    let on_drop = OnDrop::new({
        let drops = drops.clone();
        move || drops.note()
    });
    let refused = hog.run(move || {
        offtick::block_on(async move {
            let _on_drop = on_drop;
            pending::<()>().await;
        })
    });
    assert!(matches!(refused, Err(TaskError::WouldDeadlock)));
    assert_eq!(drops.threads(), [hog.thread()]);
    hog.release();
    let handle = rt.handle().clone();
    let closure = rt.spawn_blocking(move || offtick::block_on(handle.spawn(async { 3 })).unwrap().unwrap());
    assert_eq!(settled(closure), 3);
}
