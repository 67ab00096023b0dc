//! Getting at the result: by waiting, by awaiting (here and on a foreign executor), by reference, by several at once.

mod common;

use common::{
    CountedWaker, Dropped, HANG, Hog, Latch, Signal, Tally, block_on, narrow, poll_once, pool_thread, reactor_thread,
    runtime, settled,
};
use offtick::{Builder, SharedTask, Status, Task, TaskError};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

#[test]
fn wait_gives_the_value_of_futures_and_closures() {
    let rt = runtime();
    assert_eq!(rt.spawn(async { 1 }).wait().unwrap(), 1);
    assert_eq!(rt.spawn_blocking(|| 2).wait().unwrap(), 2);
    assert_eq!(rt.run(async { Ok::<_, std::io::Error>(3) }).wait().unwrap(), 3);
    assert_eq!(rt.run_blocking(|| Ok::<_, std::io::Error>(4)).wait().unwrap(), 4);
}

#[test]
fn wait_blocks_until_the_task_is_over() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let mut task = rt.spawn(async move { waits.given().await });
    let waiter = thread::spawn(move || (task.wait(), task));
    reactor_thread(rt.handle());
    assert!(!waiter.is_finished());
    signal.give();
    let (over, task) = waiter.join().unwrap();
    assert!(over.is_ok());
    assert_eq!(task.status(), Status::Done);
}

#[test]
fn wait_timeout_is_none_until_the_task_is_over_and_changes_nothing() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let mut task = rt.spawn(async move {
        waits.given().await;
        9
    });
    for wait in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1)] {
        assert!(task.wait_timeout(wait).is_none(), "it cannot be over");
        assert!(!task.is_done());
    }
    signal.give();
    assert_eq!(task.wait_timeout(HANG).unwrap().unwrap(), 9);
    assert!(matches!(task.wait_timeout(Duration::ZERO), Some(Err(TaskError::Taken))));
}

#[test]
fn wait_timeout_takes_any_duration() {
    let rt = runtime();
    assert_eq!(rt.spawn(async { 1 }).wait_timeout(Duration::MAX).unwrap().unwrap(), 1);
    assert!(rt.spawn(async { 1 }).share().wait_timeout(Duration::MAX).unwrap().is_ok());
}

#[test]
fn errors_come_out_as_they_went_in() {
    #[derive(Debug, thiserror::Error)]
    #[error("code {0}")]
    struct Code(u32);

    let rt = runtime();
    let mut failed: Task<()> = rt.run(async { Err(Code(7)) });
    let error = failed.wait().unwrap_err();
    assert_eq!(error.downcast_ref::<Code>().map(|code| code.0), Some(7));
    assert_eq!(format!("{:#}", error), "task failed: code 7");
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<Code>()));
    assert_eq!(failed.status(), Status::Error);
    let mut failed: Task<()> = rt.run_blocking(|| Err("a plain text"));
    assert_eq!(format!("{:#}", failed.wait().unwrap_err()), "task failed: a plain text");
    // A spawned body may return a `Result` as its value.
    let value: Result<(), Code> = rt.spawn(async { Err(Code(1)) }).wait().unwrap();
    assert!(value.is_err());
}

#[test]
fn the_result_stays_readable_until_it_is_taken() {
    let rt = runtime();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let mut task = rt.spawn(async move { (5, dropped) });
    common::until(|| task.is_done());
    for _ in 0..3 {
        assert_eq!(task.result().unwrap().unwrap().0, 5);
        assert!(task.error().is_none());
    }
    let taken = task.take().unwrap().unwrap();
    assert_eq!((taken.0, drops.count()), (5, 0), "moved, not dropped");
    for _ in 0..2 {
        assert!(task.take().is_none());
        assert!(matches!(task.result(), Some(Err(TaskError::Taken))));
        assert!(matches!(task.wait(), Err(TaskError::Taken)));
        assert!(matches!(task.error(), Some(TaskError::Taken)));
    }
    assert_eq!(task.status(), Status::Done, "taking the value is not a failure of the task");
    drop(task);
    assert_eq!(drops.count(), 0);
    drop(taken);
    assert_eq!(drops.count(), 1);
}

#[test]
fn nothing_before_the_end() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let mut task = rt.spawn(async { 1 });
    assert!(task.result().is_none() && task.take().is_none() && task.error().is_none());
    assert!(!task.is_done() && !task.is_finished());
    assert_eq!(task.progress().count(), 0);
    assert_eq!((task.latest(), task.progress_dropped(), task.attempt(), task.name()), (None, 0, 1, None));
    hog.release();
    assert_eq!(task.wait().unwrap(), 1);
}

#[test]
fn a_task_awaits_another() {
    let rt = runtime();
    let handle = rt.handle().clone();
    let task = rt.spawn(async move {
        let of_future = handle.spawn(async { 1 }).await?;
        let of_closure = handle.spawn_blocking(|| 2).await?;
        let mut kept = handle.spawn(async { 3 });
        let of_kept = (&mut kept).await?;
        assert!(matches!(kept.await, Err(TaskError::Taken)), "the second await finds nothing");
        Ok::<_, TaskError>(of_future + of_closure + of_kept)
    });
    assert_eq!(settled(task).unwrap(), 6);
}

#[test]
fn tasks_await_across_runtimes() {
    let (one, other) = (runtime(), runtime());
    let far = other.handle().clone();
    let task = one.spawn(async move { far.spawn(async { thread::current().id() }).await });
    assert_eq!(settled(task).unwrap(), reactor_thread(other.handle()));
}

#[test]
fn a_foreign_executor_awaits() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let task = rt.spawn(async move {
        waits.given().await;
        "far"
    });
    let giver = thread::spawn(move || signal.give());
    assert_eq!(block_on(task).unwrap(), "far");
    giver.join().unwrap();
    assert_eq!(block_on(rt.spawn_blocking(|| "near")).unwrap(), "near");
    assert!(block_on(rt.run(async { Err::<(), _>("bad") })).is_err());
    let cancelled = rt.spawn(std::future::pending::<()>());
    cancelled.cancel();
    assert!(block_on(cancelled).is_err_and(|error| error.is_cancelled()));
}

#[test]
fn the_last_waker_counts() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let mut task = rt.spawn(async move { waits.given().await });
    let (first, first_waker) = CountedWaker::pair(None);
    let (last, last_waker) = CountedWaker::pair(None);
    for waker in [&first_waker, &first_waker, &last_waker, &first_waker, &last_waker] {
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(waker)).is_pending());
    }
    signal.give();
    last.wakes.wait_for(1);
    reactor_thread(rt.handle());
    assert_eq!((first.wakes.count(), last.wakes.count()), (0, 1));
    drop((first_waker, last_waker));
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&last)), (1, 1), "no waker is kept");
    assert!(matches!(poll_once(&mut task), Poll::Ready(Ok(()))));
}

#[test]
fn a_select_drops_a_pending_wait_and_the_task_goes_on() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let mut task = rt.spawn(async move {
        waits.given().await;
        4
    });
    // What a select does with the loser: polls `&mut task` once and drops it.
    for _ in 0..3 {
        let loser = &mut task;
        assert!(poll_once(&mut { loser }).is_pending());
    }
    assert!(!task.is_done());
    let handle = rt.handle().clone();
    let outer = rt.spawn(async move {
        let won = std::future::poll_fn(|cx| match Pin::new(&mut task).poll(cx) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending => Poll::Ready(true),
        });
        let first = won.await;
        handle.spawn(async move { signal.give() }).await?;
        Ok::<_, TaskError>((first, task.await?))
    });
    assert_eq!(settled(outer).unwrap(), (true, 4));
}

#[test]
fn dropping_an_owned_await_cancels_the_task() {
    let rt = runtime();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let inner = rt.spawn(async move {
        let _dropped = dropped;
        std::future::pending::<()>().await;
    });
    let control = inner.cancel_handle();
    let outer = rt.spawn(inner);
    common::until(|| outer.status() == Status::Running);
    drop(outer);
    drops.wait_for(1);
    reactor_thread(rt.handle());
    assert_eq!(control.status(), Status::Cancelled);
}

#[test]
fn waiting_on_the_reactor_thread_is_an_error_that_leaves_the_task_alone() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let mut pending = rt.spawn(async { 1 });
    let mut closure = rt.spawn_blocking(|| 2);
    let (mut pending, mut closure) = hog.run(move || {
        assert!(matches!(pending.wait(), Err(TaskError::WouldDeadlock)));
        assert!(matches!(pending.wait_timeout(HANG), Some(Err(TaskError::WouldDeadlock))));
        if !closure.is_done() {
            assert!(matches!(closure.wait(), Err(TaskError::WouldDeadlock)) || closure.is_done());
        }
        let shared = pending.share();
        assert!(matches!(shared.wait(), Err(TaskError::WouldDeadlock)));
        assert!(matches!(shared.wait_timeout(HANG), Some(Err(TaskError::WouldDeadlock))));
        assert!(!shared.is_done());
        (shared, closure)
    });
    hog.release();
    assert_eq!(*pending.wait().unwrap(), 1);
    let last = closure.wait();
    assert!(matches!(last, Ok(2) | Err(TaskError::Taken)));
    pending = rt.spawn(async { 3 }).share();
    assert!(pending.wait().is_ok());
}

#[test]
fn waiting_for_the_task_of_another_runtime_on_a_reactor_thread_is_an_error_too() {
    let (one, other) = (runtime(), runtime());
    let hog = Hog::reactor(one.handle());
    let mut far = other.spawn(std::future::pending::<()>());
    assert!(hog.run(move || matches!(far.wait(), Err(TaskError::WouldDeadlock))));
    hog.release();
}

#[test]
fn a_task_that_is_over_can_be_waited_for_anywhere() {
    let rt = narrow();
    let mut done = rt.spawn(async { 1 });
    common::until(|| done.is_done());
    let hog = Hog::reactor(rt.handle());
    assert_eq!(hog.run(move || done.wait()).unwrap(), 1);
    hog.release();
}

#[test]
fn a_closure_cannot_wait_for_itself() {
    let rt = runtime();
    let (give, get) = channel::<Task<()>>();
    let (answer, answered) = channel();
    let task = rt.spawn_blocking(move || {
        let mut own = get.recv().expect("the task is sent in");
        answer.send(matches!(own.wait(), Err(TaskError::WouldDeadlock))).ok();
        answer.send(matches!(own.wait_timeout(HANG), Some(Err(TaskError::WouldDeadlock)))).ok();
        let own = own.share();
        answer.send(matches!(own.wait(), Err(TaskError::WouldDeadlock))).ok();
        own.detach().ok();
    });
    give.send(task).unwrap();
    for _ in 0..3 {
        assert_eq!(answered.recv_timeout(HANG), Ok(true));
    }
    pool_thread(rt.handle());
}

#[test]
fn closures_wait_for_futures_and_for_each_other_and_futures_for_closures() {
    let rt = Builder::new().blocking_threads(2).build().unwrap();
    let handle = rt.handle().clone();
    let chain = rt.spawn_blocking(move || {
        let deep = handle.clone();
        let inner = handle.spawn(async move { deep.spawn_blocking(|| 1).await.map(|one| one + 1) }).wait()??;
        let closure = handle.spawn_blocking(|| 10).wait()?;
        Ok::<_, TaskError>(inner + closure)
    });
    assert_eq!(settled(chain).unwrap(), 12);
}

#[test]
fn the_only_pool_thread_may_wait_for_futures() {
    let rt = narrow();
    let handle = rt.handle().clone();
    let sum = rt.spawn_blocking(move || (0..50).map(|i| handle.spawn(async move { i }).wait().unwrap()).sum::<i32>());
    assert_eq!(settled(sum), 1225);
}

#[test]
fn many_wait_for_a_shared_task() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let shared = rt
        .spawn(async move {
            waits.given().await;
            String::from("one value")
        })
        .share();
    let started = Tally::new();
    let by_wait: Vec<_> = (0..3)
        .map(|_| {
            let (shared, started) = (shared.clone(), started.clone());
            thread::spawn(move || {
                started.note();
                shared.wait().map(String::len).map_err(ToString::to_string)
            })
        })
        .collect();
    let by_await: Vec<_> = (0..3)
        .map(|_| {
            let shared = shared.clone();
            rt.spawn(async move {
                shared.finished().await;
                shared.result().map(|over| over.map(String::len).map_err(ToString::to_string))
            })
        })
        .collect();
    started.wait_for(3);
    reactor_thread(rt.handle());
    assert!(shared.result().is_none() && !shared.is_done());
    assert!(shared.wait_timeout(Duration::from_millis(1)).is_none());
    signal.give();
    for waiter in by_wait {
        assert_eq!(waiter.join().unwrap(), Ok(9));
    }
    for waiter in by_await {
        assert_eq!(settled(waiter), Some(Ok(9)));
    }
    block_on(shared.finished());
    assert_eq!(shared.result().unwrap().unwrap(), "one value");
    assert_eq!(shared.status(), Status::Done);
}

#[test]
fn a_waker_that_panics_costs_the_other_waiters_nothing() {
    common::quiet_planned_panics();
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let shared = rt.spawn(async move { waits.given().await }).share();
    let wakers: Vec<_> = [None, Some("planned"), None].into_iter().map(CountedWaker::pair).collect();
    let mut waits: Vec<_> = wakers.iter().map(|_| Box::pin(shared.finished())).collect();
    for (wait, (_, waker)) in waits.iter_mut().zip(&wakers) {
        for _ in 0..2 {
            assert!(wait.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
    }
    signal.give();
    for (counted, _) in &wakers {
        counted.wakes.wait_for(1);
    }
    reactor_thread(rt.handle());
    assert!(wakers.iter().all(|(counted, _)| counted.wakes.count() == 1), "once each");
    assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()));
}

#[test]
fn a_waiter_that_gives_up_takes_its_waker_along() {
    let rt = runtime();
    let shared = rt.spawn(std::future::pending::<()>()).share();
    let (counted, waker) = CountedWaker::pair(None);
    {
        let mut other = Box::pin(shared.finished());
        let mut gone = Box::pin(shared.finished());
        assert!(other.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(gone.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(gone);
        assert!(shared.cancel());
        counted.wakes.wait_for(1);
        reactor_thread(rt.handle());
        assert_eq!(counted.wakes.count(), 1, "the other one waits on, with the same waker");
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&counted), 1);

    let shared = rt.spawn(std::future::pending::<()>()).share();
    for _ in 0..10 {
        let (counted, waker) = CountedWaker::pair(None);
        let mut gone = Box::pin(shared.finished());
        assert!(gone.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop((gone, waker));
        assert_eq!(Arc::strong_count(&counted), 1, "a tick that waits a moment again and again leaves nothing behind");
    }
}

#[test]
fn the_last_clone_of_a_shared_task_cancels_and_detach_does_not() {
    let rt = runtime();
    let drops = Tally::new();
    let spawn = |signal: &Signal| -> SharedTask<()> {
        let (waits, dropped) = (signal.clone(), Dropped::new(&drops));
        rt.spawn(async move {
            let _dropped = dropped;
            waits.given().await;
        })
        .share()
    };
    let never = Signal::new();
    let shared = spawn(&never);
    let (clone, control) = (shared.clone(), shared.cancel_handle());
    drop(shared);
    reactor_thread(rt.handle());
    assert!(!control.is_done(), "a clone is left");
    let third = clone.clone().detach().expect_err("another clone exists");
    drop((clone, third));
    drops.wait_for(1);
    reactor_thread(rt.handle());
    assert_eq!(control.status(), Status::Cancelled);

    let signal = Signal::new();
    let shared = spawn(&signal);
    let control = shared.cancel_handle();
    shared.detach().expect("the only clone");
    reactor_thread(rt.handle());
    assert!(!control.is_done());
    signal.give();
    drops.wait_for(2);
    reactor_thread(rt.handle());
    assert_eq!(control.status(), Status::Done);
}

#[test]
fn sharing_a_task_that_is_over_changes_nothing() {
    let rt = runtime();
    let task = rt.spawn(async { 8 });
    common::until(|| task.is_done());
    let shared = task.share();
    assert!(shared.is_done() && shared.is_finished() && !shared.cancel());
    assert_eq!(*shared.wait().unwrap(), 8);
    block_on(shared.finished());
}

#[test]
fn waiters_on_many_threads_and_enders_race() {
    let rt = runtime();
    for round in 0..100 {
        let latch = Latch::new();
        let gate = latch.clone();
        let shared = rt.spawn_blocking(move || gate.wait()).share();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(shared.wait().is_ok(), shared.status() == Status::Done));
            }
            if round % 2 == 0 {
                shared.cancel();
            }
            latch.open();
        });
    }
}
