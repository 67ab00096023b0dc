//! The end of a runtime: what becomes of its tasks, who waits for whom, and what the report says.

mod common;

use common::{
    Dropped, HANG, Hog, Latch, OnDrop, Tally, WakeFn, block_on, narrow, pool_thread, reactor_thread, runtime, settled,
};
use offtick::{Builder, Handle, Runtime, ShutdownReport, Status, Task, TaskError, TrySpawnError};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

/// Long enough to be waited for, short enough to be run out of on purpose.
const SHORT: Duration = Duration::from_millis(5);

fn gone<T>(task: &Task<T>) -> bool {
    task.status() == Status::Cancelled && matches!(task.error(), Some(TaskError::RuntimeGone))
}

#[test]
fn a_handle_that_outlives_its_runtime_says_so() {
    let rt = runtime();
    let handle = rt.handle().clone();
    assert!(!handle.is_closed());
    drop(rt);
    assert!(handle.is_closed());
    let drops = Tally::new();

    let dropped = Dropped::new(&drops);
    let mut future = handle.spawn(async move { drop(dropped) });
    assert!(gone(&future));
    assert!(matches!(future.wait(), Err(TaskError::RuntimeGone)));
    let dropped = Dropped::new(&drops);
    assert!(gone(&handle.spawn_blocking(move || drop(dropped))));
    assert_eq!(drops.threads(), [thread::current().id(); 2], "bodies that are refused are dropped here and now");
    assert!(gone(&handle.run(async { Ok::<_, std::io::Error>(()) })));
    assert!(gone(&handle.run_blocking(|| Ok::<_, std::io::Error>(()))));
    assert!(matches!(block_on(handle.spawn(async {})), Err(TaskError::RuntimeGone)));

    let dropped = Dropped::new(&drops);
    let refused = handle.try_spawn_blocking(move || {
        drop(dropped);
        5
    });
    let refused = refused.expect_err("the runtime is gone");
    assert!(matches!(refused, TrySpawnError::RuntimeGone(_)));
    assert_eq!(drops.count(), 2, "the job is given back");
    assert_eq!(refused.into_inner()(), 5);
    assert!(matches!(handle.try_run_blocking(|| Ok::<_, &str>(())), Err(TrySpawnError::RuntimeGone(_))));

    assert!(handle.tasks().is_empty());
    assert_eq!((handle.metrics().alive, handle.metrics().blocking_threads), (0, 0));
}

#[test]
fn futures_in_every_state_are_dropped_on_the_reactor_thread() {
    let rt = runtime();
    let reactor = reactor_thread(rt.handle());
    let (drops, polls) = (Tally::new(), Tally::new());
    let body = |sleeps: bool| {
        let (dropped, polls) = (Dropped::new(&drops), polls.clone());
        async move {
            let _dropped = dropped;
            polls.note();
            if sleeps {
                pending::<()>().await;
            }
            loop {
                common::yield_once().await;
            }
        }
    };
    let asleep: Task<()> = rt.spawn(body(true));
    let awake: Task<()> = rt.spawn(body(false));
    let alone: Task<()> = rt.spawn(body(true));
    let control = alone.cancel_handle();
    alone.detach();
    polls.wait_for(3);
    let mut hog = Hog::reactor(rt.handle());
    let unborn: Task<()> = rt.spawn(body(true));
    let done = {
        hog.let_go();
        drop(hog);
        settled(rt.spawn(async { 1 }))
    };
    assert_eq!(done, 1);
    let report = rt.shutdown(HANG);
    assert!(report.is_clean() && report.reactor_stopped);
    assert_eq!(drops.threads(), [reactor; 4]);
    for task in [asleep, awake, unborn] {
        assert!(gone(&task));
        assert!(!task.cancel());
    }
    assert_eq!(control.status(), Status::Cancelled);
}

#[test]
fn a_future_that_never_started_is_not_polled_on_the_way_out() {
    let rt = runtime();
    let mut hog = Hog::reactor(rt.handle());
    let (polls, drops) = (Tally::new(), Tally::new());
    let (polled, dropped) = (polls.clone(), Dropped::new(&drops));
    let task = rt.spawn(async move {
        polled.note();
        drop(dropped);
    });
    let reactor = hog.thread();
    let handle = rt.handle().clone();
    let closer = thread::spawn(move || rt.shutdown(HANG));
    common::until(|| handle.is_closed());
    hog.let_go();
    assert!(closer.join().unwrap().is_clean());
    assert_eq!((polls.count(), drops.threads()), (0, vec![reactor]));
    assert!(gone(&task));
}

#[test]
fn results_outlive_the_runtime() {
    let rt = runtime();
    let mut done = rt.spawn(async { String::from("kept") });
    let failed: Task<()> = rt.run_blocking(|| Err("kept too"));
    common::until(|| done.is_done() && failed.is_done());
    drop(rt);
    assert_eq!(done.take().unwrap().unwrap(), "kept");
    assert_eq!(format!("{:#}", failed.error().unwrap()), "task failed: kept too");
}

#[test]
fn a_stuck_closure_is_reported_and_ends_by_itself() {
    let rt = narrow();
    let (values, latch) = (Tally::new(), Latch::new());
    let (value, gate) = (Dropped::new(&values), latch.clone());
    let (entered, seen) = channel();
    let stuck = rt.spawn_blocking(move || {
        entered.send(()).ok();
        gate.wait();
        value
    });
    seen.recv_timeout(HANG).unwrap();
    let handle = rt.handle().clone();
    let report = rt.shutdown(SHORT);
    assert_eq!((report.reactor_stopped, report.blocking_left, report.is_clean()), (true, 1, false));
    assert!(gone(&stuck), "whoever polls the handle is not kept waiting");
    assert_eq!(values.count(), 0);
    latch.open();
    values.wait_for(1);
    common::until(|| handle.metrics().blocking_threads == 0);
}

#[test]
fn closures_that_wait_behind_a_stuck_one_end_at_shutdown() {
    let rt = narrow();
    let (runs, drops) = (Tally::new(), Tally::new());
    let hog = Hog::pool(rt.handle());
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let (ran, dropped) = (runs.clone(), Dropped::new(&drops));
            rt.spawn_blocking(move || {
                ran.note();
                drop(dropped);
            })
        })
        .collect();
    let report = rt.shutdown(SHORT);
    assert_eq!(report.blocking_left, 1);
    assert!(waiting.iter().all(gone), "their tasks do not wait for the closure that holds the only thread");
    assert_eq!(drops.count(), 10);
    let mut hog = hog;
    hog.let_go();
    assert_eq!(runs.count(), 0);
}

#[test]
fn a_hogged_reactor_is_reported_and_ends_by_itself() {
    let rt = runtime();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let asleep = rt.spawn(async move {
        let _dropped = dropped;
        pending::<()>().await;
    });
    let mut hog = Hog::reactor(rt.handle());
    let handle = rt.handle().clone();
    let reactor = hog.thread();
    let report = rt.shutdown(SHORT);
    assert_eq!((report.reactor_stopped, report.blocking_left, report.is_clean()), (false, 0, false));
    assert_eq!((asleep.is_done(), drops.count()), (false, 0), "its body is dropped on its own thread or not at all");
    assert!(gone(&handle.spawn(async {})), "refused while the reactor is still held");
    hog.let_go();
    let mut asleep = asleep;
    assert!(matches!(asleep.wait_timeout(HANG), Some(Err(TaskError::RuntimeGone))));
    assert_eq!(drops.threads(), [reactor]);
    drop(hog);
}

#[test]
fn a_drop_does_not_wait_for_ever() {
    let rt = narrow();
    let (mut reactor, mut pool) = (Hog::reactor(rt.handle()), Hog::pool(rt.handle()));
    drop(rt);
    reactor.let_go();
    pool.let_go();
}

/// A runtime that its own tasks and hooks can reach, to drop it.
#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Option<Runtime>>>);

impl Trap {
    fn set(&self, rt: Runtime) -> Handle {
        let handle = rt.handle().clone();
        *self.0.lock().unwrap() = Some(rt);
        handle
    }

    /// Shuts down what is inside; false if that was done before.
    fn spring(&self, reports: &Mutex<Vec<ShutdownReport>>) -> bool {
        let rt = self.0.lock().unwrap().take();
        let Some(rt) = rt else { return false };
        let report = rt.shutdown(HANG);
        reports.lock().unwrap().push(report);
        true
    }

    fn release(&self) -> bool {
        let rt = self.0.lock().unwrap().take();
        rt.is_some()
    }
}

/// Sets the trap off in both ways, in a place that `place` knows how to reach, and sees the rest of the runtime end.
fn inside(place: impl Fn(Builder, Arc<dyn Fn() + Send + Sync>) -> (Runtime, Box<dyn FnOnce(&Handle)>)) {
    for shut_down in [true, false] {
        let (trap, reports, sprung) = (Trap::default(), Arc::new(Mutex::new(Vec::new())), Tally::new());
        let (inner, told, done) = (trap.clone(), Arc::clone(&reports), sprung.clone());
        let spring = move || {
            let went = if shut_down { inner.spring(&told) } else { inner.release() };
            if went {
                done.note();
            }
        };
        let (rt, go) = place(Builder::new().blocking_threads(2), Arc::new(spring));
        let drops = Tally::new();
        let dropped = Dropped::new(&drops);
        let bystander = rt.spawn(async move {
            let _dropped = dropped;
            pending::<()>().await;
        });
        let reactor = reactor_thread(rt.handle());
        let handle = trap.set(rt);
        go(&handle);
        sprung.wait_for(1);
        drops.wait_for(1);
        assert_eq!(drops.threads(), [reactor]);
        common::until(|| bystander.is_done());
        assert!(gone(&bystander));
        assert!(gone(&handle.spawn(async {})));
        common::until(|| handle.metrics().blocking_threads == 0);
    }
}

#[test]
fn dropped_inside_its_own_future() {
    inside(|builder, spring| {
        (builder.build().unwrap(), Box::new(move |rt| rt.spawn(async move { spring() }).detach()))
    });
}

#[test]
fn dropped_inside_its_own_future_that_never_ends() {
    inside(|builder, spring| {
        let go = move |rt: &Handle| {
            rt.spawn(async move {
                spring();
                pending::<()>().await;
            })
            .detach();
        };
        (builder.build().unwrap(), Box::new(go))
    });
}

#[test]
fn dropped_inside_its_own_closure() {
    inside(|builder, spring| {
        (builder.build().unwrap(), Box::new(move |rt| rt.spawn_blocking(move || spring()).detach()))
    });
}

#[test]
fn dropped_inside_the_drop_of_a_future() {
    inside(|builder, spring| {
        let go = move |rt: &Handle| {
            let on_drop = OnDrop::new(move || spring());
            drop(rt.spawn(async move {
                let _on_drop = on_drop;
                pending::<()>().await;
            }));
        };
        (builder.build().unwrap(), Box::new(go))
    });
}

#[test]
fn dropped_inside_the_drop_of_an_output() {
    inside(|builder, spring| {
        let go = move |rt: &Handle| rt.spawn(async move { OnDrop::new(move || spring()) }).detach();
        (builder.build().unwrap(), Box::new(go))
    });
}

#[test]
fn dropped_inside_a_join_waker() {
    inside(|builder, spring| {
        let go = move |rt: &Handle| {
            let hog = Hog::reactor(rt);
            let mut task = rt.spawn(async {});
            let waker = Waker::from(Arc::new(WakeFn(move || spring())));
            assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
            // The hog may still be at its end when the reactor is gone.
            let mut hog = hog;
            hog.let_go();
            common::until(|| task.is_done());
        };
        (builder.build().unwrap(), Box::new(go))
    });
}

#[test]
fn dropped_inside_its_hooks() {
    common::quiet_planned_panics();
    inside(|builder, spring| {
        let go = |rt: &Handle| {
            // It is called again once what came before is taken.
            rt.take_update();
            // The handle stays: a detached task is silent.
            let task = rt.spawn(async {});
            common::until(|| task.is_done());
        };
        (builder.on_update(move || spring()).build().unwrap(), Box::new(go))
    });
    inside(|builder, spring| {
        let go = |rt: &Handle| rt.spawn(async { panic!("planned") }).detach();
        (builder.on_panic(move |_, _| spring()).build().unwrap(), Box::new(go))
    });
    inside(|builder, spring| {
        let go = |rt: &Handle| rt.spawn_blocking(|| panic!("planned")).detach();
        (builder.on_panic(move |_, _| spring()).build().unwrap(), Box::new(go))
    });
    inside(|builder, spring| {
        let go = |rt: &Handle| {
            // Held until the handle is gone: only then is the error unhandled.
            let hog = Hog::reactor(rt);
            rt.run(async { Err::<(), _>("no") }).detach();
            hog.release();
        };
        (builder.on_unhandled_error(move |_, _| spring()).build().unwrap(), Box::new(go))
    });
    inside(|builder, spring| {
        let go = |rt: &Handle| {
            let latch = Latch::new();
            let gate = latch.clone();
            let task: Task<()> = rt.run_blocking(move || {
                gate.wait();
                Err("no")
            });
            task.detach();
            latch.open();
        };
        (builder.on_unhandled_error(move |_, _| spring()).build().unwrap(), Box::new(go))
    });
}

#[test]
fn two_runtimes_end_each_other() {
    let (one, other) = (runtime(), runtime());
    let far = other.handle().clone();
    let task = one.spawn(async move {
        let report = other.shutdown(HANG);
        (report.is_clean(), far.is_closed())
    });
    assert_eq!(settled(task), (true, true));
    reactor_thread(one.handle());
}

#[test]
fn spawning_from_drops_during_shutdown_ends_at_once() {
    let rt = runtime();
    let (ends, closures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    for _ in 0..20 {
        let (handle, ends, closures) = (rt.handle().clone(), Arc::clone(&ends), Arc::clone(&closures));
        let on_drop = OnDrop::new(move || {
            let ran = Arc::clone(&closures);
            ends.lock().unwrap().push(handle.spawn(pending::<()>()));
            let closure = handle.spawn_blocking(move || {
                ran.fetch_add(1, SeqCst);
            });
            ends.lock().unwrap().push(closure);
        });
        rt.spawn(async move {
            let _on_drop = on_drop;
            pending::<()>().await;
        })
        .detach();
    }
    reactor_thread(rt.handle());
    assert!(rt.shutdown(HANG).is_clean());
    let ends = std::mem::take(&mut *ends.lock().unwrap());
    assert_eq!(ends.len(), 40);
    assert!(ends.iter().all(gone));
    assert_eq!(closures.load(SeqCst), 0);
}

#[test]
fn shutdown_races_spawns_and_nothing_is_lost() {
    const THREADS: usize = 4;
    const EACH: usize = 200;
    const ROUNDS: usize = 20;
    for round in 0..ROUNDS {
        let rt = runtime();
        let (ended, spawned, drops) = (Latch::new(), AtomicUsize::new(0), Tally::new());
        let outcomes = thread::scope(|scope| {
            let spawners: Vec<_> = (0..THREADS)
                .map(|_| {
                    let handle = rt.handle().clone();
                    let (ended, spawned, drops) = (&ended, &spawned, &drops);
                    scope.spawn(move || {
                        let mut tasks = Vec::new();
                        for number in 0..EACH + 5 {
                            // The last ones come after the end, so that both sides of it are seen.
                            if number == EACH {
                                ended.wait();
                            }
                            for blocking in [false, true] {
                                let dropped = Dropped::new(drops);
                                let body = move || drop(dropped);
                                tasks.push(if blocking {
                                    handle.spawn_blocking(body)
                                } else {
                                    handle.spawn(async move { body() })
                                });
                                spawned.fetch_add(1, SeqCst);
                            }
                        }
                        tasks
                    })
                })
                .collect();
            common::until(|| spawned.load(SeqCst) >= THREADS * EACH * round / ROUNDS);
            let report = rt.shutdown(HANG);
            ended.open();
            assert!(report.is_clean(), "{report:?}");
            spawners.into_iter().flat_map(|spawner| spawner.join().unwrap()).collect::<Vec<_>>()
        });
        let count = outcomes.len();
        let mut refused = 0;
        for mut task in outcomes {
            match task.wait_timeout(HANG).expect("each task ends") {
                Ok(()) => {}
                Err(TaskError::RuntimeGone) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(refused >= THREADS * 10, "the last ones came too late");
        drops.wait_for(count);
        assert_eq!(drops.count(), count, "each body is dropped once");
    }
}

#[test]
fn a_canceller_and_a_shutdown_meet() {
    for _ in 0..50 {
        let rt = runtime();
        let tasks: Vec<_> = (0..20).map(|_| rt.spawn(pending::<()>())).collect();
        thread::scope(|scope| {
            scope.spawn(|| tasks.iter().filter(|task| task.cancel()).count());
            scope.spawn(|| rt.shutdown(HANG));
        });
        for task in tasks {
            assert_eq!(task.status(), Status::Cancelled);
            assert!(matches!(task.error(), Some(TaskError::Cancelled | TaskError::RuntimeGone)));
        }
    }
}

#[test]
fn a_shutdown_in_the_drop_of_a_join_waker_waits_for_nobody() {
    let rt = runtime();
    let mut task = rt.spawn(pending::<()>());
    reactor_thread(rt.handle()); // It sleeps from here on: the drop of its handle has to queue it.
    let (tell, told) = channel();
    let end = OnDrop::new(move || tell.send(rt.shutdown(HANG)).unwrap());
    let end = Mutex::new(end);
    let waker = Waker::from(Arc::new(WakeFn(move || drop(end.lock()))));
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    drop(task); // The last one to hold the waker.
    assert!(told.recv().unwrap().is_clean());
}

#[test]
fn waiters_are_woken_by_the_shutdown() {
    let rt = runtime();
    let mut future = rt.spawn(pending::<()>());
    let shared = rt.spawn(pending::<()>()).share();
    let clone = shared.clone();
    let (first, second) = (thread::spawn(move || future.wait()), thread::spawn(move || clone.wait().is_err()));
    pool_thread(rt.handle());
    drop(rt);
    assert!(matches!(first.join().unwrap(), Err(TaskError::RuntimeGone)));
    assert!(second.join().unwrap());
    assert!(matches!(shared.error(), Some(TaskError::RuntimeGone)));
}
