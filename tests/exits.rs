//! `process::exit` and the end of a thread, from every place where user code runs: the process ends.
//!
//! The C library destroys the thread-locals of the thread that exits, inside the very task that does so. So each case is a
//! child process: this test again, told by a variable which place it is to exit from.

mod common;

use common::{HANG, WakeFn};
use offtick::{Budget, Builder, LocalBuilder, LocalRuntime, Runtime};
use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Names the place to exit from.
const PLACE: &str = "OFFTICK_TEST_EXIT";
/// The code that the child exits with.
const CODE: i32 = 77;

thread_local! {
    static LOCAL: RefCell<Option<LocalRuntime>> = const { RefCell::new(None) };
    static THREADED: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

static SHARED: OnceLock<Runtime> = OnceLock::new();

fn exit() {
    std::process::exit(CODE)
}

/// Exits when it is dropped.
struct Exit;

impl Drop for Exit {
    fn drop(&mut self) {
        exit();
    }
}

/// Keeps the runtime in a thread-local, with a task that waits and a closure that waits, and uses it there.
fn in_thread_local(rt: LocalRuntime, run: impl FnOnce(&LocalRuntime)) {
    LOCAL.set(Some(rt));
    LOCAL.with_borrow(|rt| {
        let rt = rt.as_ref().expect("it was just put there");
        let sleep = rt.sleep(HANG);
        rt.spawn(sleep).detach();
        rt.spawn(pending::<()>()).detach();
        run(rt);
    });
}

fn local() -> LocalRuntime {
    LocalRuntime::new().expect("a runtime is built")
}

fn tick(rt: &LocalRuntime) {
    rt.tick(Budget::unlimited()).expect("not nested");
}

fn shared() -> &'static Runtime {
    SHARED.get_or_init(|| Builder::new().on_update(|| {}).build().expect("a runtime is built"))
}

/// Waits for the process to end.
fn wait() {
    loop {
        thread::park();
    }
}

type Place = (&'static str, fn());

/// Each place, and what a child does to exit from there.
const PLACES: &[Place] = &[
    ("a task in a tick", || {
        in_thread_local(local(), |rt| {
            rt.spawn(async { exit() }).detach();
            tick(rt);
        });
    }),
    ("a task in run_until", || {
        in_thread_local(local(), |rt| {
            rt.spawn(async { exit() }).detach();
            rt.run_until(pending::<()>()).expect("not nested");
        });
    }),
    ("the future of run_until", || {
        in_thread_local(local(), |rt| rt.run_until(async { exit() }).expect("not nested"));
    }),
    ("a task in run_until_stalled", || {
        in_thread_local(local(), |rt| {
            rt.spawn(async { exit() }).detach();
            rt.run_until_stalled().expect("not nested");
        });
    }),
    ("an eager start between two ticks", || {
        in_thread_local(local(), |rt| rt.spawn_eager(async { exit() }).detach());
    }),
    ("an eager start in a tick", || {
        in_thread_local(local(), |rt| {
            let spawner = rt.local_handle().clone();
            rt.spawn(async move { spawner.spawn_eager(async { exit() }).detach() }).detach();
            tick(rt);
        });
    }),
    ("a drop in a tick", || {
        in_thread_local(local(), |rt| {
            let on_drop = Exit;
            rt.spawn(async move { drop(on_drop) }).detach();
            tick(rt);
        });
    }),
    ("a result that is dropped between two ticks", || {
        in_thread_local(local(), |rt| {
            let task = rt.spawn(async { Exit });
            tick(rt);
            drop(task);
        });
    }),
    ("a closure in a tick", || {
        let rt = LocalBuilder::new().blocking_inline().build().expect("a runtime is built");
        in_thread_local(rt, |rt| {
            rt.spawn_blocking(exit).detach();
            tick(rt);
        });
    }),
    ("a closure on a pool thread of a local runtime", || {
        in_thread_local(local(), |rt| {
            rt.spawn_blocking(exit).detach();
            wait();
        });
    }),
    ("on_update in a tick", || {
        let rt = LocalBuilder::new().on_update(exit).build().expect("a runtime is built");
        in_thread_local(rt, |rt| {
            let _seen = rt.spawn(async {});
            tick(rt);
        });
    }),
    ("on_update around a call of the host", || {
        let rt = LocalBuilder::new().on_update(exit).build().expect("a runtime is built");
        in_thread_local(rt, |rt| {
            rt.spawn(pending::<()>()).cancel();
            tick(rt);
        });
    }),
    ("on_panic in a tick", || {
        common::quiet_planned_panics();
        let rt = LocalBuilder::new().on_panic(|_, _| exit()).build().expect("a runtime is built");
        in_thread_local(rt, |rt| {
            rt.spawn(async { panic!("planned: for the hook") }).detach();
            tick(rt);
        });
    }),
    ("on_wake on another thread", || {
        let rt = LocalBuilder::new().on_wake(exit).build().expect("a runtime is built");
        in_thread_local(rt, |rt| {
            tick(rt);
            let handle = rt.handle().clone();
            thread::spawn(move || handle.spawn(async {}).detach());
            wait();
        });
    }),
    ("a waker in a tick", || {
        in_thread_local(local(), |rt| {
            let mut task = rt.spawn(async {});
            let waker = Waker::from(Arc::new(WakeFn(exit)));
            assert!(std::pin::Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
            tick(rt);
        });
    }),
    ("a waker of a timer in a tick", || {
        in_thread_local(local(), |rt| {
            let mut sleep = rt.sleep(Duration::from_nanos(1));
            let waker = Waker::from(Arc::new(WakeFn(exit)));
            assert!(std::pin::Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending());
            loop {
                tick(rt);
            }
        });
    }),
    ("between two ticks", || {
        in_thread_local(local(), |rt| {
            tick(rt);
            exit();
        });
    }),
    ("a thread that ends with its runtime, then main", || {
        let thread = thread::spawn(|| in_thread_local(local(), tick));
        thread.join().expect("no panic");
        exit();
    }),
    ("a drop as a thread ends with its runtime", || {
        let thread = thread::spawn(|| {
            in_thread_local(local(), |rt| {
                let on_drop = Exit;
                rt.spawn(async move {
                    let _on_drop = on_drop;
                    pending::<()>().await
                })
                .detach();
                tick(rt);
            })
        });
        thread.join().expect("no panic");
    }),
    ("a task on the reactor thread", || {
        shared().spawn(async { exit() }).detach();
        wait();
    }),
    ("a closure on a pool thread", || {
        shared().spawn_blocking(exit).detach();
        wait();
    }),
    ("a runtime in a thread-local of its own reactor thread", || {
        let rt = Runtime::new().expect("a runtime is built");
        let handle = rt.handle().clone();
        handle.spawn(async move { THREADED.set(Some(rt)) }).detach();
        handle.spawn(async { exit() }).detach();
        wait();
    }),
    ("a runtime in a thread-local of its own pool thread", || {
        let rt = Runtime::new().expect("a runtime is built");
        let handle = rt.handle().clone();
        handle
            .spawn_blocking(move || {
                THREADED.set(Some(rt));
                exit();
            })
            .detach();
        wait();
    }),
    ("a runtime in a thread-local of a thread that ends", || {
        let thread = thread::spawn(|| {
            let rt = Runtime::new().expect("a runtime is built");
            rt.spawn(pending::<()>()).detach();
            THREADED.set(Some(rt));
        });
        thread.join().expect("no panic");
        exit();
    }),
    ("a runtime in a thread-local of main", || {
        let rt = Runtime::new().expect("a runtime is built");
        rt.spawn(poll_fn(|_| Poll::<()>::Pending)).detach();
        THREADED.set(Some(rt));
        exit();
    }),
    ("a hook on the reactor thread", || {
        let rt = Builder::new().on_update(exit).build().expect("a runtime is built");
        rt.spawn(async {}).wait().ok();
        wait();
    }),
    ("a waker of a timer whose runtime is gone", || {
        let rt = Runtime::new().expect("a runtime is built");
        let mut sleep = rt.sleep(Duration::from_millis(1));
        drop(rt);
        let waker = Waker::from(Arc::new(WakeFn(exit)));
        let _pending = std::pin::Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker));
        wait();
    }),
];

/// What a child runs; nothing in the test itself.
#[test]
#[ignore = "runs in the children of the test below"]
fn child() {
    let place = std::env::var(PLACE).expect("a place is given");
    let (_, run) = PLACES.iter().find(|(name, _)| *name == place).expect("it is in the table");
    run();
    panic!("the child is still there");
}

#[test]
fn the_process_ends_from_every_place() {
    let test = std::env::current_exe().expect("this test has a path");
    let mut failed = Vec::new();
    for (place, _) in PLACES {
        let mut child = Command::new(&test)
            .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(PLACE, place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test can be run");
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().expect("it can be waited for") {
                None if begun.elapsed() < HANG => thread::park_timeout(Duration::from_millis(2)),
                status => break status,
            }
        };
        if status.and_then(|status| status.code()) != Some(CODE) {
            failed.push(format!("{place}: {}", status.map_or("hangs".to_owned(), |status| status.to_string())));
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
